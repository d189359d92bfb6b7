# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Sourced by scripts, which set $top: how programs, files and modules are copied to where
# a guest finds them.

: "${top:?}"
. "$top/scripts/lib/kernel.sh"

# compile_static PROGRAM SOURCE: compile a program for a guest, which has no libraries.
compile_static() {
	need gcc-12 gcc-12 && need /usr/lib/x86_64-linux-gnu/libc.a libc6-dev &&
		gcc-12 -O2 -Wall -Wextra -static -o "$1" "$2"
}

# copy_module SERIES NAME DIR: copy the module lib/.../NAME of that kernel into DIR. If it is
# built into the kernel, copy nothing.
copy_module() (
	rm -f "$3/${2##*/}.ko"
	kdir=$(kernel_headers "$1") || exit
	grep -q "	$2	" "$kdir/Module.symvers" || exit 0
	image=$(kernel_image "$1") || exit
	release=${image##*/vmlinuz-}
	cp "${image%/boot/*}/lib/modules/$release/kernel/$2.ko" "$3"
)

# copy_files DIR: copy the files named on stdin, and the libraries that they need, to the same
# paths below DIR.
copy_files() (
	need cpio cpio || exit
	files=$(cat)
	{
		echo "$files"
		echo "$files" | xargs -d '\n' ldd 2>/dev/null | grep -o '/[^ :]*\.so[^ :]*' || :
	} | sort -u | cpio --quiet -pdmL "$1"
)

copy_programs() ( # DIR PROGRAM...
	dir=$1
	shift
	programs=$(for program; do
		command -v "$program" || die "there is no $program"
	done) || exit
	echo "$programs" | copy_files "$dir"
)

# install_modules SERIES ROOT FOLDER...: build bytepool.ko and the modules of the FOLDERS, and
# install them below ROOT/lib/modules, as that kernel has its own.
install_modules() (
	series=$1 root=$2
	shift 2
	image=$(kernel_image "$series") && modules=$("$top/scripts/build" "$series" "$@") || exit
	need depmod kmod || exit
	dir=$root/lib/modules/${image##*/vmlinuz-}
	mkdir -p "$dir/updates" && cp "$modules"/*.ko "$dir/updates" &&
		touch "$dir/modules.order" "$dir/modules.builtin" "$dir/modules.builtin.modinfo" &&
		depmod -b "$root" "${dir##*/}"
)
