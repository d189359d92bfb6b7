# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Sourced by the scripts beside it: what they need installed, and the kernels
# that they build against, boot and unpack. Speaks on stderr only, so that
# every function's output can be captured. $top is the checkout.

: "${top:?set top before sourcing lib.sh}"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/bytepool
mkdir -p "$cache"

say() {
	printf '%s\n' "$*" >&2
}

die() {
	say "${0##*/}: $*"
	exit 1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
		--no-install-recommends -o DPkg::Lock::Timeout=600 "$@"
}

# install PACKAGE...: one caller at a time; a package list that is missing or
# out of date shows as a failure, and is fetched then.
install_packages() (
	exec 9>"$cache/apt.lock"
	flock 9
	say "installing $*"
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	if apt_install "$@" >"$log" 2>&1; then exit 0; fi
	if as_root apt-get update -qq >>"$log" 2>&1 &&
	   apt_install "$@" >>"$log" 2>&1; then exit 0; fi
	tail -n 20 "$log" >&2
	die "cannot install $*"
) </dev/null

# need CMD-or-file PACKAGE...: install the packages unless the command or the
# file is there.
need() {
	case $1 in
	/*) [ ! -e "$1" ] || return 0 ;;
	*) ! command -v "$1" >/dev/null || return 0 ;;
	esac
	shift
	install_packages "$@"
}

# once DIR COMMAND...: unless DIR exists, have COMMAND fill a new directory,
# whose path it gets as its last argument, and give it the name DIR. Others who
# want DIR wait; what is left half done is never seen.
once() (
	set -e
	dir=$1
	shift
	mkdir -p "${dir%/*}"
	exec 8>"$dir.lock"
	flock 8
	[ ! -d "$dir" ] || exit 0
	tmp=$dir.tmp
	rm -rf "$tmp"
	mkdir "$tmp"
	"$@" "$tmp" >&2
	mv "$tmp" "$dir"
)

# kernel_release SERIES: the newest installed headers of Debian's stock kernel.
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

# kernel_headers SERIES: where to build modules for Debian's stock kernel.
kernel_headers() (
	set -e
	if [ -z "$(kernel_release "$1")" ]; then
		case $1 in
		6.1) install_packages linux-headers-amd64 ;;
		*) install_packages "linux-headers-$1-amd64" ;;
		esac
	fi
	release=$(kernel_release "$1")
	[ -n "$release" ] || die "no headers for Linux $1"
	need make make
	echo "/lib/modules/$release/build"
)

unpack_image() (
	set -e
	cd "$2"
	as_root apt-get update -qq
	apt-get download -qq -o APT::Sandbox::User=root "linux-image-$1"
	dpkg-deb --fsys-tarfile ./*.deb | tar -xf - "./boot/vmlinuz-$1"
	mv "boot/vmlinuz-$1" vmlinuz
	rm -r boot ./*.deb
)

# kernel_image SERIES: the kernel that kernel_headers builds for.
kernel_image() (
	set -e
	kernel_headers "$1" >/dev/null
	release=$(kernel_release "$1")
	image=/boot/vmlinuz-$release
	if [ ! -r "$image" ]; then
		once "$cache/image-$release" unpack_image "$release"
		image=$cache/image-$release/vmlinuz
	fi
	echo "$image"
)

# Drivers, sound and foreign architectures are most of the tree: leave out
# their C, but keep their Kconfig files.
unpack_source() (
	set -e
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

# kernel_source SERIES: Debian's source of that kernel, to be read only.
kernel_source() (
	set -e
	tarball=/usr/src/linux-source-$1.tar.xz
	need "$tarball" "linux-source-$1"
	need xz xz-utils
	version=$(dpkg-query -W -f '${Version}' "linux-source-$1")
	once "$cache/source-$version" unpack_source "$tarball"
	echo "$cache/source-$version"
)

# copy_sources DIR: what a kernel builds from, without what a build has left.
copy_sources() (
	set -e
	cd "$top"
	find bytepool.[ch] Kbuild Kconfig internal kunit insmod-test samples \
		-type f ! -name '*.mod.c' ! -name '*.o' ! -name '*.ko' \
		! -name '*.cmd' ! -name '*.mod' ! -name 'modules.order' \
		! -name 'Module.symvers' -print0 2>/dev/null |
		cpio --quiet -0pdm "$1"
)
