# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Sourced by scripts, which set $top. These functions obtain or build the kernels for which
# modules are built, and the source of kernels. Nothing is installed on this system but tools.
#
# A VERSION is SERIES or SERIES-rt-amd64 for a stock kernel of Debian, or SERIES-FLAVOUR for a
# debug kernel, which is built here. scripts/lib/kernels has each SERIES and FLAVOUR.

: "${top:?}"
. "$top/scripts/lib/debian.sh"

# kernels AWK-PROGRAM: run it on the lines of scripts/lib/kernels that have a kernel, and print the
# results in one line.
kernels() {
	awk "/^[0-9]/ $1" "$top/scripts/lib/kernels" | xargs
}

# flavoured REGEXP: print the kernels with a flavour that matches, in one line.
flavoured() {
	kernels "{ for (i = 3; i <= NF; i++) if (\$i ~ /^($1)\$/) print \$1 \"-\" \$i }"
}

stock_kernels=$(kernels '{ print $1 }')
rt_kernels=$(flavoured rt-amd64)
debug_kernels=$(flavoured 'debug|kcsan|rt')
newest_kernel=${stock_kernels%% *}
default_kernel=$(kernels '&& $NF == "default" { print $1 }')
# The kernels that are tested and measured most. The newest may be the default, too.
# shellcheck disable=SC2034 # scripts use it
main_kernels=$(printf '%s\n' "$newest_kernel" "$default_kernel" | uniq | xargs)

debian_releases=$(awk '/^Debian/ { print $2 }' "$top/scripts/lib/kernels" | xargs)

# debian_suite RELEASE: print the suite of that release of Debian.
debian_suite() {
	awk -v release="$1" '/^Debian/ && $2 == release { print $3 }' "$top/scripts/lib/kernels" | grep . ||
		die "unknown release $1: the releases of Debian are $debian_releases"
}

# The configurations of the debug kernels: base.config for all, and FLAVOUR.config for each.
kernel_configs=$top/guest-test/kernel

# kernel_suite VERSION: print the suite of Debian that the kernel comes from.
kernel_suite() {
	case " $stock_kernels $rt_kernels $debug_kernels " in
	*" $1 "*) kernels "&& \$1 == \"${1%%-*}\" { print \$2 }" ;;
	*) die "unknown kernel $1: there are $stock_kernels $rt_kernels $debug_kernels" ;;
	esac
}

# newest_unpacked REGEXP: print the newest directory of the cache, or link to one, with such a name.
# The file .suite tells such a directory from one that an older version of this script left. find
# fails if another process renames a directory.
newest_unpacked() {
	{ find -L "$cache" -ignore_readdir_race -mindepth 2 -maxdepth 2 -regex ".*/$1/\.suite" \
		-printf '%h\n' 2>/dev/null || :; } | sort -V | tail -n 1 | grep .
}

# unpacked VERSION: print the directory with Debian's stock kernel and its headers, if the cache
# has it. A release is called SERIES.PATCH+debN-FLAVOUR or SERIES.0-N-FLAVOUR.
unpacked() {
	case $1 in
	*-*) newest_unpacked "linux-${1%%-*}\.[^-]*\(-[0-9]+\)?-${1#*-}" ;;
	*) newest_unpacked "linux-$1\.[^-]*\(-[0-9]+\)?-amd64" ;;
	esac
}

# stock_kernel VERSION: print that directory. Unpack the newest release if the cache has none.
stock_kernel() (
	suite=$(kernel_suite "$1") || exit
	unpacked "$1" && exit
	tmp=$cache/linux-$1.tmp
	exec 4>"$tmp.lock"
	flock 4
	unpacked "$1" && exit
	need_kernel_tools && rm -rf "$tmp" && mkdir "$tmp" &&
		with_suite "$suite" download_kernel "$suite" "$1" "$tmp" || exit
	release=$(cat "$tmp/release")
	headers=usr/src/linux-headers-$release dir=$cache/linux-$release
	# Keep only the modules of lib/. The build gets the paths of the headers from two files, and
	# from one of these the name of a compiler, which may not be the one of this system.
	cd "$tmp" && rm -rf ./lib/modules/*/kernel/[!l]* usr/lib/modules/*/kernel/[!l]* &&
		sed -i "s,/usr/\(src\|lib/linux-kbuild\),$dir&,g; s/gcc-[0-9]*/gcc/" \
			"$headers/Makefile" "$headers/.kernelvariables" || exit
	# Programs of a newer Debian do not run with the libraries of an older one.
	case $(find "$headers/scripts/" "$headers/tools/" -type f -perm /1 -exec ldd {} + 2>&1) in
	*"' not found"*) ln -s "$cache/root-${suite%%-*}" "$headers/.root" ;;
	esac
	: >.suite
	rm -rf "$dir" && mv "$tmp" "$dir" && echo "$dir"
)

# newest_release SERIES FLAVOUR: print the newest release of that kernel among those whose packages
# of headers stdin names.
newest_release() {
	sed -nE "s/^linux-headers-($1\\.[^-]*(-[0-9]+)?-$2)\$/\\1/p" | sort -V | tail -n 1 | grep .
}

# download_kernel SUITE VERSION DIR, for with_suite: unpack the newest release of the kernel into
# DIR, and write its name to DIR/release.
download_kernel() (
	suite=$1 series=${2%%-*} flavour=amd64 dir=$3
	[ "$2" = "$series" ] || flavour=${2#*-}
	release=$(suite_apt "$suite" apt-cache pkgnames "linux-headers-$series." |
		newest_release "$series" "$flavour") ||
		die "$suite of Debian has no Linux $2: mend scripts/lib/kernels"
	say "downloading Linux $release"
	set -- "linux-headers-$release" "linux-image-$release"
	mkdir "$dir/debs" && cd "$dir/debs" || exit
	# shellcheck disable=SC2046 # several packages
	suite_apt "$suite" apt-get download "$@" $(suite_apt "$suite" apt-cache depends "$@" |
		sed -nE 's/^ *Depends: (linux-(headers|kbuild|binary|modules)-.*)/\1/p') >&2 &&
		unpack_packages "$dir" && rmdir "$dir/debs" && echo "$release" >"$dir/release" ||
		die "cannot download Linux $release"
)

# kernel_root KDIR: print the root directory with the tools of a kernel, or nothing if they are
# those of this system. in_root and need_in_root take it. Unpack it if it does not exist.
kernel_root() (
	root=$(readlink "$1/.root") || exit 0
	suite=${root##*/root-}
	once "$root" with_suite "$suite" make_root "$suite" && echo "$root"
)

# kernel_make KDIR MAKE-ARGUMENT...: build modules. Some headers have no vmlinux from which the
# kernel's build takes type information.
kernel_make() (
	root=$(kernel_root "$1") || exit
	[ -e "$1/vmlinux" ] || set -- "$@" CONFIG_DEBUG_INFO_BTF_MODULES=
	in_root "$root" env MAKEFLAGS='' make -C "$@"
)

# kernel_headers VERSION: print the directory in which modules are built for that kernel.
kernel_headers() (
	! is_debug_kernel "$1" || { debug_kernel "$1"; exit; }
	dir=$(stock_kernel "$1") && echo "$dir/usr/src/linux-headers-${dir##*/linux-}"
)

# kernel_release VERSION: print its release, which is the name of the directory of its modules.
kernel_release() (
	kdir=$(kernel_headers "$1") || exit
	if is_debug_kernel "$1"; then
		cat "$kdir/include/config/kernel.release"
	else
		echo "${kdir##*/linux-headers-}"
	fi
)

# kernel_image VERSION: print the path of the bootable image of that kernel.
kernel_image() (
	kdir=$(kernel_headers "$1") || exit
	! is_debug_kernel "$1" || { echo "$kdir/arch/x86/boot/bzImage"; exit; }
	find "${kdir%/usr/src/*}" -path '*/usr/src' -prune -o -name 'vmlinuz*' -print | grep .
)

# unpacked_source SERIES: print the directory of Debian's source of the kernel, if the cache has it.
unpacked_source() {
	newest_unpacked "source-$1\.[^.]*-.*[0-9]"
}

# unpack_source SUITE SERIES, for with_suite: unpack Debian's source of the kernel in the cache,
# without the C files of most drivers and of most other architectures, because they are most of
# the tree. Keep their Kconfig files.
unpack_source() (
	! unpacked_source "$2" >/dev/null || exit 0
	skip=$(mktemp)
	debs=$(mktemp -d)
	trap 'rm -rf "$skip" "$debs"' EXIT
	cd "$debs" || exit
	say "downloading the source of Linux $2"
	suite_apt "$1" apt-get download "linux-source-$2" >&2 ||
		die "$1 of Debian has no source of Linux $2"
	for dir in drivers/gpu drivers/net drivers/media drivers/scsi \
		   drivers/staging drivers/infiniband sound; do
		printf '%s\n' "*/$dir/*.c" "*/$dir/*.h"
	done >"$skip"
	for arch in alpha arc arm csky hexagon ia64 loongarch m68k microblaze mips nios2 openrisc \
		    parisc powerpc riscv sh sparc xtensa; do
		printf '%s\n' "*/arch/$arch/*.[chS]" "*/arch/$arch/*.dts*"
	done >>"$skip"
	dir=$cache/source-$(dpkg-deb -f ./*.deb Version)
	rm -rf "$dir.tmp" && mkdir "$dir.tmp" && dpkg-deb --fsys-tarfile ./*.deb |
		tar -xO --wildcards '*.tar.xz' |
		tar -xJ --strip-components=1 --exclude-from="$skip" -C "$dir.tmp" &&
		: >"$dir.tmp/.suite" && rm -rf "$dir" && mv "$dir.tmp" "$dir"
)

# kernel_source SERIES: print the directory of Debian's source of that kernel. It is shared, so
# callers must not write to it.
kernel_source() (
	suite=$(kernel_suite "$1") || exit
	unpacked_source "$1" && exit
	need xz xz-utils && with_suite "$suite" unpack_source "$suite" "$1" && unpacked_source "$1"
)

# is_debug_kernel VERSION: return true if the kernel is a debug kernel, which is built here.
is_debug_kernel() {
	case " $debug_kernels " in
	*" $1 "*) ;;
	*) return 1 ;;
	esac
}

# build_kernel SOURCE FLAVOUR DIR: build a kernel in DIR with the options of base.config and
# FLAVOUR.config, and no others. Keep only the kernel and the files that a build of modules needs.
build_kernel() (
	cat "$kernel_configs/base.config" "$kernel_configs/$2.config" >"$3/wanted" || exit
	kbuild() {
		nice -n 5 make -C "$1" O="$3" ARCH=x86_64 "$4" "$5" >>"$3/log" 2>&1 && return
		tail -n 30 "$3/log"
		die "the build of kernel $2 failed"
	}
	kbuild "$@" KCONFIG_ALLCONFIG="$3/wanted" allnoconfig
	# kconfig drops unknown options silently.
	missing=$(grep '=y$' "$3/wanted" | grep -vxFf "$3/.config") || :
	[ -z "$missing" ] || die "kernel $2 does not support $missing"
	kbuild "$@" -j"$(nproc)" bzImage
	kbuild "$@" -j"$(nproc)" modules
	# The Makefile of later kernels has the path of the directory, which once() renames.
	sed -i '/^export KBUILD_OUTPUT/s/\.tmp$//' "$3/Makefile"
	find "$3" -name tools -prune -o \( -name '*.[oa]' -o -name '*.cmd' -o -name 'vmlinux*' \) \
		-type f ! -name vmlinux.lds -exec rm {} +
)

# debug_kernel SERIES-FLAVOUR: build that debug kernel unless the cache has it, and print its
# directory.
debug_kernel() (
	flavour=${1#*-}
	need_kernel_tools || exit
	source=$(kernel_source "${1%%-*}") || exit
	version=${source##*/source-}
	key=$(cd "$kernel_configs" && cat base.config "$flavour.config" |
		sha256sum | cut -c1-12)
	out=$cache/kernel-$version-$flavour-$key
	once "$out" build_kernel "$source" "$flavour" || exit
	echo "$out"
)
