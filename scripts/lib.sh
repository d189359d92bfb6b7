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
	[ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
		die "not root, and no sudo: have root do apt-get install $*"
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

# need_kernel_tools: what builds a kernel, or what modules need of one.
need_kernel_tools() {
	need make make && need gcc gcc libc6-dev && need flex flex && need bison bison &&
		need bc bc && need /usr/include/gelf.h libelf-dev &&
		need /usr/include/openssl/ssl.h libssl-dev
}

# compile_static PROGRAM SOURCE: for a guest, which has no libraries.
compile_static() {
	need gcc-12 gcc-12 && need /usr/lib/x86_64-linux-gnu/libc.a libc6-dev &&
		gcc-12 -O2 -Wall -Wextra -static -o "$1" "$2"
}

# once DIR COMMAND...: unless DIR exists, have COMMAND fill a new directory,
# whose path it gets as its last argument, and give it the name DIR. Others who
# want DIR wait; what is left half done is never seen.
once() (
	dir=$1
	tmp=$dir.tmp
	shift
	mkdir -p "${dir%/*}"
	exec 8>"$dir.lock"
	flock 8
	[ ! -d "$dir" ] || exit 0
	rm -rf "$tmp"
	mkdir "$tmp" && "$@" "$tmp" >&2 && mv "$tmp" "$dir"
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

# kernel_headers SERIES: where to build modules for Debian's stock kernel, or
# for the one of ours for finding bugs: SERIES-debug, SERIES-kcsan, SERIES-rt.
kernel_headers() (
	need make make || exit
	! is_ours "$1" || { our_kernel "$1"; exit; }
	if [ -z "$(kernel_release "$1")" ]; then
		case $1 in
		6.1) install_packages linux-headers-amd64 || exit ;;
		*) install_packages "linux-headers-$1-amd64" || exit ;;
		esac
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

# kernel_image SERIES: the kernel that kernel_headers builds for.
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

# copy_module SERIES NAME DIR: that kernel's own module lib/.../NAME, for a guest
# to load; none where it is built in.
copy_module() (
	rm -f "$3/${2##*/}.ko"
	kdir=$(kernel_headers "$1") || exit
	grep -q "	$2	" "$kdir/Module.symvers" || exit 0
	image=$(kernel_image "$1") || exit
	release=${image##*/vmlinuz-}
	cp "${image%/boot/*}/lib/modules/$release/kernel/$2.ko" "$3"
)

# Drivers, sound and foreign architectures are most of the tree: leave out
# their C, but keep their Kconfig files.
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

# kernel_source SERIES: Debian's source of that kernel, to be read only.
kernel_source() (
	tarball=/usr/src/linux-source-$1.tar.xz
	need "$tarball" "linux-source-$1" && need xz xz-utils || exit
	version=$(dpkg-query -W -f '${Version}' "linux-source-$1") || exit
	once "$cache/source-$version" unpack_source "$tarball" || exit
	echo "$cache/source-$version"
)

# Some files there are links to scripts, and some include those of lib.
unpack_arches() (
	top_dir=linux-source-$1
	ln -st "$3" "$2/scripts" "$2/lib" &&
		tar -xJf "/usr/src/$top_dir.tar.xz" --strip-components=1 --exclude='*.dts*' \
			-C "$3" "$top_dir/arch/arm64" "$top_dir/arch/s390"
)

# kernel_arches SERIES: a directory with what kernel_source lacks of arch/arm64 and
# arch/s390: all but their device trees.
kernel_arches() (
	source=$(kernel_source "$1") || exit
	arches=$cache/arm64-s390-${source##*/source-}
	once "$arches" unpack_arches "$1" "$source" || exit
	echo "$arches/arch"
)

# is_ours SERIES: whether that kernel is one that we configure and build.
is_ours() {
	case $1 in
	*-*) [ -e "$top/guest-test/kernel/${1#*-}.config" ] ;;
	*) return 1 ;;
	esac
}

# build_kernel SOURCE FLAVOUR DIR: with what base.config and FLAVOUR.config ask
# for and nothing else. Of the outcome it keeps the kernel and what a module is
# built with.
build_kernel() (
	configs=$top/guest-test/kernel
	cat "$configs/base.config" "$configs/$2.config" >"$3/wanted" || exit
	kbuild() {
		nice -n 5 make -C "$1" O="$3" ARCH=x86_64 "$4" "$5" >>"$3/log" 2>&1 && return
		tail -n 30 "$3/log"
		die "the build of kernel $2 failed"
	}
	kbuild "$@" KCONFIG_ALLCONFIG="$3/wanted" allnoconfig
	# What the configuration does not know it drops silently.
	missing=$(grep '=y$' "$3/wanted" | grep -vxFf "$3/.config") || :
	[ -z "$missing" ] || die "kernel $2 cannot have $missing"
	kbuild "$@" -j"$(nproc)" bzImage
	kbuild "$@" -j"$(nproc)" modules
	find "$3" -name tools -prune -o \( -name '*.[oa]' -o -name '*.cmd' -o -name 'vmlinux*' \) \
		-type f ! -name vmlinux.lds -exec rm {} +
)

# our_kernel SERIES-FLAVOUR: the directory that it was built in.
our_kernel() (
	flavour=${1#*-}
	need_kernel_tools || exit
	source=$(kernel_source "${1%%-*}") || exit
	version=${source##*/source-}
	key=$(cd "$top/guest-test/kernel" && cat base.config "$flavour.config" |
		sha256sum | cut -c1-12)
	out=$cache/kernel-$version-$flavour-$key
	once "$out" build_kernel "$source" "$flavour" || exit
	echo "$out"
)

# copy_files DIR: for a guest: what stdin names, each file where it is here, with the
# libraries that it needs.
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

# install_modules SERIES DIR MODULE...: of what scripts/build makes, into DIR/lib/modules,
# as that kernel has them.
install_modules() (
	dir=$2
	image=$(kernel_image "$1") && modules=$("$top/scripts/build" "$1") || exit
	need depmod kmod || exit
	release=${image##*/vmlinuz-}
	shift 2
	mkdir -p "$dir/lib/modules/$release/updates"
	for module; do
		cp "$modules/$module.ko" "$dir/lib/modules/$release/updates" || exit
	done
	touch "$dir/lib/modules/$release/modules.order" "$dir/lib/modules/$release/modules.builtin" \
		"$dir/lib/modules/$release/modules.builtin.modinfo"
	depmod -b "$dir" "$release"
)

bytepool_version() {
	sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$top/dkms.conf"
}

# debian_12 DIR DEBOOTSTRAP-ARGUMENT...: install it there, from where this machine gets it.
debian_12() (
	need debootstrap debootstrap || exit
	dir=$1
	shift
	mirror=$(apt-get indextargets --format '$(SITE)' 'Codename: bookworm' 'Origin: Debian' | head -n 1)
	debootstrap --variant=minbase "$@" bookworm "$dir" "$mirror"
)

# readme_module: the module that README.md shows.
readme_module() {
	# shellcheck disable=SC2016
	sed -n '/^```c$/,/^```$/p' "$top/README.md" | sed '/^```/d'
}

# leaky_driver NAME DIR: samples/guide/guide_chardev.c by that name, which asks who
# allocates, and forgets to free.
leaky_driver() {
	mkdir -p "$2" && echo "obj-m := $1.o" >"$2/Kbuild" &&
		sed -e '/bytepool_free(pool, note->text)/d' \
			-e 's/^\tint err;/\tconst struct bytepool_params params = { .flags = BYTEPOOL_TRACK };\n&/' \
			-e 's/("guide_chardev", NULL)/("guide_chardev", \&params)/' \
			-e "s/guide_chardev/$1/g" "$top/samples/guide/guide_chardev.c" >"$2/$1.c"
}

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
