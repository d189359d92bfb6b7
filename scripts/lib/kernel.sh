# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Sourced by scripts, which set $top: the kernels that modules are built for, and the
# sources of kernels.

: "${top:?}"
. "$top/scripts/lib/install.sh"

# kernel_column N [SERIES]: print the Nth column of scripts/lib/kernels, of all lines or of
# that of SERIES.
kernel_column() {
	awk -v nr="$1" -v series="${2-}" \
		'/^[0-9]/ && (series == "" || $1 == series) { print $nr }' "$top/scripts/lib/kernels"
}

stock_kernels=$(kernel_column 1 | xargs)

# The configurations of the kernels that are built here: FLAVOUR.config.
kernel_configs=$top/guest-test/kernel

# kernel_release SERIES: print the release of the newest installed headers of Debian's stock
# kernel.
kernel_release() {
	for release_dir in /lib/modules/"$1".[0-9]*-amd64; do
		case ${release_dir##*/} in
		*-rt-amd64|*-cloud-amd64) continue ;;
		esac
		if [ -e "$release_dir/build/Makefile" ]; then
			echo "${release_dir##*/}"
		fi
	done | sort -V | tail -n 1
}

# kernel_headers SERIES: print the directory that modules are built with for Debian's stock
# kernel, or for a debug kernel that is built here: SERIES-debug, SERIES-kcsan, SERIES-rt.
kernel_headers() (
	need make make || exit
	! is_ours "$1" || { our_kernel "$1"; exit; }
	if [ -z "$(kernel_release "$1")" ]; then
		packages=$(kernel_column 2 "$1")
		[ "$packages" ] || die "no kernel $1: there are $stock_kernels"
		install_packages "$packages" || exit
	fi
	release=$(kernel_release "$1")
	[ -n "$release" ] || die "no headers for Linux $1"
	echo "/lib/modules/$release/build"
)

download_package() {
	apt-get download -qq -o APT::Sandbox::User=root "$1"
}

unpack_image() (
	package=linux-image-$1
	cd "$2" || exit
	download_package "$package" ||
		{ as_root apt-get update -qq && download_package "$package"; } ||
		die "cannot download $package: are linux-headers-$1 out of date?"
	dpkg-deb --fsys-tarfile ./*.deb |
		tar -xf - "./boot/vmlinuz-$1" "./lib/modules/$1/kernel/lib" &&
		rm ./*.deb
)

# kernel_image SERIES: print the path of the kernel that kernel_headers is for.
kernel_image() (
	kdir=$(kernel_headers "$1") || exit
	! is_ours "$1" || { echo "$kdir/arch/x86/boot/bzImage"; exit; }
	release=$(kernel_release "$1")
	image=/boot/vmlinuz-$release
	if [ ! -r "$image" ]; then
		once "$cache/linux-$release" unpack_image "$release" || exit
		image=$cache/linux-$release$image
	fi
	echo "$image"
)

# Leave out the C files of drivers, sound and foreign architectures, which are most of the
# tree, but keep their Kconfig files.
unpack_source() (
	skip=$(mktemp)
	trap 'rm -f "$skip"' EXIT
	for dir in drivers/gpu drivers/net drivers/media drivers/scsi \
		   drivers/staging drivers/infiniband sound; do
		printf '%s\n' "*/$dir/*.c" "*/$dir/*.h"
	done >"$skip"
	for arch in alpha arc arm arm64 csky hexagon ia64 loongarch m68k \
		    microblaze mips nios2 openrisc parisc powerpc riscv s390 \
		    sh sparc xtensa; do
		printf '%s\n' "*/arch/$arch/*.[chS]" "*/arch/$arch/*.dts*"
	done >>"$skip"
	tar -xJf "$1" --strip-components=1 --exclude-from="$skip" -C "$2"
)

# kernel_source SERIES: print the directory with Debian's source of that kernel. It is shared,
# so nothing may be written there.
kernel_source() (
	package=$(kernel_column 3 "$1")
	[ "$package" ] || die "no source of Linux $1: there are $stock_kernels"
	tarball=/usr/src/$package.tar.xz
	need "$tarball" "$package" && need xz xz-utils || exit
	version=$(dpkg-query -W -f '${Version}' "$package") || exit
	once "$cache/source-$version" unpack_source "$tarball" || exit
	echo "$cache/source-$version"
)

# Some files of arch/ are links to files in scripts/, and some include files of lib/.
unpack_arches() (
	top_dir=linux-source-$1
	ln -st "$3" "$2/scripts" "$2/lib" &&
		tar -xJf "/usr/src/$top_dir.tar.xz" --strip-components=1 --exclude='*.dts*' \
			-C "$3" "$top_dir/arch/arm64" "$top_dir/arch/s390"
)

# kernel_arches SERIES: print a directory with the files of arch/arm64 and arch/s390 that
# kernel_source leaves out, except the device trees.
kernel_arches() (
	source=$(kernel_source "$1") || exit
	arches=$cache/arm64-s390-${source##*/source-}
	once "$arches" unpack_arches "$1" "$source" || exit
	echo "$arches/arch"
)

# is_ours SERIES: succeed if that kernel is configured and built here.
is_ours() {
	case $1 in
	*-*) [ -e "$kernel_configs/${1#*-}.config" ] ;;
	*) return 1 ;;
	esac
}

# build_kernel SOURCE FLAVOUR DIR: build a kernel in DIR with the options of base.config and
# FLAVOUR.config and no others. Keep the kernel, and the files that modules are built with.
build_kernel() (
	cat "$kernel_configs/base.config" "$kernel_configs/$2.config" >"$3/wanted" || exit
	kbuild() {
		nice -n 5 make -C "$1" O="$3" ARCH=x86_64 "$4" "$5" >>"$3/log" 2>&1 && return
		tail -n 30 "$3/log"
		die "the build of kernel $2 failed"
	}
	kbuild "$@" KCONFIG_ALLCONFIG="$3/wanted" allnoconfig
	# kconfig silently drops an option that it does not know.
	missing=$(grep '=y$' "$3/wanted" | grep -vxFf "$3/.config") || :
	[ -z "$missing" ] || die "kernel $2 cannot have $missing"
	kbuild "$@" -j"$(nproc)" bzImage
	kbuild "$@" -j"$(nproc)" modules
	find "$3" -name tools -prune -o \( -name '*.[oa]' -o -name '*.cmd' -o -name 'vmlinux*' \) \
		-type f ! -name vmlinux.lds -exec rm {} +
)

# our_kernel SERIES-FLAVOUR: print the directory that the kernel was built in.
our_kernel() (
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
