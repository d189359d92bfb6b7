# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Sourced by scripts, which set $top. These functions copy programs, files and modules to the
# root directory of a guest.

: "${top:?}"
. "$top/scripts/lib/kernel.sh"

# compile_static PROGRAM SOURCE: compile a program for a guest, which has no libraries.
compile_static() {
	need gcc gcc && need /usr/lib/x86_64-linux-gnu/libc.a libc6-dev &&
		gcc -O2 -Wall -Wextra -static -o "$1" "$2"
}

# copy_module VERSION NAME DIR: copy the module NAME (lib/...) of the stock kernel to DIR, so that
# a guest can load it. Copy nothing if NAME is built in.
copy_module() (
	rm -f "$3/${2##*/}.ko"
	kdir=$(kernel_headers "$1") || exit
	grep -q "	$2	" "$kdir/Module.symvers" || exit 0
	module=$(find "${kdir%/usr/src/*}" -path "*/kernel/$2.ko*") && cp "$module" "$3" || exit
	case $module in
	*.xz) need xz xz-utils && xz -df "$3/${module##*/}" ;;
	esac
)

# copy_files DIR: copy the files that stdin names, and the libraries that they need, to the same
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
		command -v "$program" || die "the program $program is not installed"
	done) || exit
	echo "$programs" | copy_files "$dir"
)

# install_modules VERSION ROOT FOLDER...: build bytepool.ko and the modules of the FOLDERS, and
# install them below ROOT/lib/modules, so that modprobe finds them.
install_modules() (
	version=$1 root=$2
	shift 2
	release=$(kernel_release "$version") && modules=$("$top/scripts/build" "$version" "$@") || exit
	need depmod kmod || exit
	dir=$root/lib/modules/$release
	mkdir -p "$dir/updates" && cp "$modules"/*.ko "$dir/updates" &&
		touch "$dir/modules.order" "$dir/modules.builtin" "$dir/modules.builtin.modinfo" &&
		depmod -b "$root" "$release"
)
