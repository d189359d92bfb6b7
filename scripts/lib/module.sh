# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Sourced by scripts, which set $top: how modules are built, in directories of the
# cache that keep what they have built.

: "${top:?}"
. "$top/scripts/lib/install.sh"
. "$top/scripts/lib/shown.sh"

# source_folders: the folders of the checkout that git knows; all without a repository.
source_folders() {
	if [ -e .git ]; then
		need git git || return
		git -c safe.directory="$top" ls-files | xargs -d '\n' dirname -- | sort -u
	else
		find . -type d
	fi
}

# find_sources FIND-ARGUMENT...: of the files there, those that a kernel builds from.
find_sources() {
	find "$@" -type f \( -name '*.[ch]' -o -name Kbuild -o -name Kconfig -o -name Makefile \
		-o -name .kunitconfig -o -name dkms.conf \) ! -name '*.mod.c' -print
}

# copy_sources DIR: copy what a kernel builds from into DIR, and the module that README.md
# shows.
copy_sources() (
	need cpio cpio && cd "$top" || exit
	source_folders | grep -vE '^(\./)?(userspace-test|Documentation)(/|$)' |
		while IFS= read -r folder; do [ ! -d "$folder" ] || find_sources "$folder" -maxdepth 1; done |
		cpio --quiet -pdm "$1"
	mkdir -p "$1/samples/readme"
	readme_module >"$1/samples/readme/hello.c"
	echo 'obj-m := hello.o' >"$1/samples/readme/Kbuild"
)

# update_sources NEW DIR: make the sources in DIR those of NEW, and touch only files that
# differ, so that as little as possible is built again.
update_sources() (
	mkdir -p "$2" && cd "$2" || exit
	find_sources . | while IFS= read -r file; do
		[ -e "$1/$file" ] || rm "$file"
	done
	cd "$1" || exit
	find . -type f | while IFS= read -r file; do
		cmp -s "$file" "$2/$file" || {
			mkdir -p "$2/${file%/*}"
			cp "$file" "$2/$file"
		}
	done
)

# lock_build DIR: let one caller at a time build in DIR, until its subshell ends. If a build
# was killed there, an object may be half written: begin anew.
lock_build() {
	mkdir -p "${1%/*}"
	exec 6>"$1.lock"
	flock 6
	[ ! -e "$1/unfinished" ] || rm -rf "$1"
	mkdir -p "$1"
}

# kernel_id KDIR: a name for the kernel that KDIR is for. Modules fit one build of a kernel,
# so its symbol versions are part of the name.
kernel_id() {
	id=${1%/build}
	echo "${id##*/}-$(cat "$1/Module.symvers" "$1/.config" | sha256sum | cut -c1-8)"
}

# module_folders DIR: the folders below DIR, which copy_sources has filled, that have modules
# beside bytepool's own.
module_folders() {
	(cd "$1" && find . -name Kbuild ! -path ./Kbuild ! -path ./kunit/Kbuild -printf '%P\n') |
		sed 's|/Kbuild$||' | sort
}

# make_modules KDIR DIR FOLDERS MAKE-ARGUMENT...: in DIR, build bytepool.ko from DIR/src, with
# its KUnit suite if the kernel has KUnit, and the modules of the FOLDERS of DIR. DIR/modules.order
# names them.
make_modules() (
	kdir=$1 dir=$2
	for folder in src $3; do
		echo "obj-m += $folder/"
	done >"$dir/Kbuild"
	shift 3
	if grep -qs '^CONFIG_KUNIT=' "$kdir/include/config/auto.conf"; then
		set -- CONFIG_BYTEPOOL_KUNIT_TEST=m "$@"
	fi
	: >"$dir/unfinished"
	status=0
	MAKEFLAGS='' make -j "$(nproc)" -C "$kdir" M="$dir" KCFLAGS="-I$dir/src" "$@" modules || status=$?
	rm "$dir/unfinished"
	exit $status
)
