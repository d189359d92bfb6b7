# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Sourced by scripts, which set $top. These functions build modules in directories of the cache,
# which keep their objects for the next build.

: "${top:?}"
. "$top/scripts/lib/kernel.sh"
. "$top/scripts/lib/shown.sh"

# source_folders: print the folders of the checkout that have files which git tracks, or all
# folders if there is no repository.
source_folders() {
	if [ -e .git ]; then
		need git git || return
		git -c safe.directory="$top" ls-files | xargs -d '\n' dirname -- | sort -u
	else
		find . -type d
	fi
}

# find_sources FIND-ARGUMENT...: print the files that the kernel's build reads.
find_sources() {
	find "$@" -type f \( -name '*.[ch]' -o -name Kbuild -o -name Kconfig -o -name Makefile \
		-o -name .kunitconfig -o -name dkms.conf \) ! -name '*.mod.c' -print
}

# copy_sources DIR: copy the files that the kernel's build reads into DIR, and add the module that
# README.md shows.
copy_sources() (
	need cpio cpio && cd "$top" || exit
	source_folders | grep -vE '^(\./)?(userspace-test|Documentation)(/|$)' |
		while IFS= read -r folder; do [ ! -d "$folder" ] || find_sources "$folder" -maxdepth 1; done |
		cpio --quiet -pdm "$1"
	mkdir -p "$1/samples/readme"
	readme_module >"$1/samples/readme/hello.c"
	echo 'obj-m := hello.o' >"$1/samples/readme/Kbuild"
)

# update_sources NEW DIR: make the sources in DIR equal to those in NEW. Write only files that
# differ, so that make rebuilds as little as possible.
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

# lock_build DIR: let one caller at a time build in DIR, until its subshell ends. If an earlier
# build was killed, an object may be incomplete, so empty DIR.
lock_build() {
	mkdir -p "${1%/*}"
	exec 6>"$1.lock"
	flock 6
	[ ! -e "$1/unfinished" ] || rm -rf "$1"
	mkdir -p "$1"
}

# kernel_id KDIR: print a name for the kernel of KDIR. A module fits only one build of a kernel,
# so the name depends on the symbol versions.
kernel_id() {
	id=${1%/build}
	echo "${id##*/}-$(cat "$1/Module.symvers" "$1/.config" | sha256sum | cut -c1-8)"
}

# module_folders DIR: print the folders below DIR that have modules other than bytepool and its
# KUnit suite. copy_sources has filled DIR.
module_folders() {
	(cd "$1" && find . -name Kbuild ! -path ./Kbuild ! -path ./kunit/Kbuild -printf '%P\n') |
		sed 's|/Kbuild$||' | sort
}

# make_modules KDIR DIR FOLDERS MAKE-ARGUMENT...: build bytepool.ko from DIR/src, and the modules
# of the FOLDERS in DIR. If the kernel has KUnit, build the KUnit suite, too. DIR/modules.order
# lists the modules.
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
	kernel_make "$kdir" -j "$(nproc)" M="$dir" KCFLAGS="-I$dir/src" "$@" modules || status=$?
	rm "$dir/unfinished"
	exit $status
)
