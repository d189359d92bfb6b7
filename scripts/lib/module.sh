# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Sourced by scripts, which set $top: how modules are built.

: "${top:?}"
. "$top/scripts/lib/install.sh"
. "$top/scripts/lib/shown.sh"

# copy_sources DIR: what a kernel builds from, without what a build has left;
# the module that README.md shows, too.
copy_sources() (
	need cpio cpio || exit
	cd "$top" || exit
	find . \( -path ./.git -o -path ./userspace-test -o -path ./Documentation \) \
		-prune -o -type f \( -name '*.[ch]' -o -name Kbuild -o -name Kconfig \
		-o -name Makefile -o -name .kunitconfig -o -name dkms.conf \) ! -name '*.mod.c' -print0 |
		cpio --quiet -0pdm "$1"
	mkdir -p "$1/samples/readme"
	readme_module >"$1/samples/readme/hello.c"
	echo 'obj-m := hello.o' >"$1/samples/readme/Kbuild"
)

# make_modules KDIR SRC MAKE-ARGUMENT...: build bytepool.ko, with its KUnit suite
# where the kernel has KUnit, and then the modules that use it, in SRC, a directory
# that copy_sources has filled.
make_modules() (
	kdir=$1
	src=$2
	shift 2
	if grep -qs '^CONFIG_KUNIT=' "$kdir/include/config/auto.conf"; then
		set -- CONFIG_BYTEPOOL_KUNIT_TEST=m "$@"
	fi
	make -C "$kdir" M="$src" "$@" modules || exit
	for dir in "$src"/guest-test/* "$src"/bench "$src"/samples/* "$src"/extra/*; do
		if [ -e "$dir/Kbuild" ] || [ -e "$dir/Makefile" ]; then
			make -C "$kdir" M="$dir" KCFLAGS="-I$src" \
				KBUILD_EXTRA_SYMBOLS="$src/Module.symvers" \
				"$@" modules || exit
		fi
	done
)
