# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Sourced by the scripts that run kunit.py, which set $top: a tree that looks like
# Debian's kernel source with bytepool dropped into lib/, built in the cache, for
# User Mode Linux or for another machine in QEMU.

: "${top:?}"
. "$top/scripts/lib/kernel.sh"
. "$top/scripts/lib/module.sh"

# link_all FROM TO: make symbolic links in TO to all entries of FROM.
link_all() {
	mkdir -p "$2"
	find -H "$1" -mindepth 1 -maxdepth 1 -exec ln -st "$2" {} +
}

# own TREE PATH: replace the link at PATH by a copy of the file, or, if it is a directory, by
# a directory with links to its entries.
own() {
	local path='' part
	for part in ${2//\// }; do
		path=${path:+$path/}$part
		[ -L "$1/$path" ] || continue
		rm "$1/$path"
		if [ -d "$source/$path" ]; then
			link_all "$source/$path" "$1/$path"
		else
			cp "$source/$path" "$1/$path"
		fi
	done
}

# make_tree DIR: fill DIR with links to $source, and to $arches if that is set. kunit.py must
# be a copy because it finds the tree by its own path.
make_tree() {
	link_all "$source" "$1"
	own "$1" tools/testing
	rm "$1/tools/testing/kunit"
	cp -R "$source/tools/testing/kunit" "$1/tools/testing"
	if [ "$arches" ]; then
		own "$1" arch
		ln -sfnt "$1/arch" "$arches"/*
	fi
}

# drop_in TREE: make the tree build lib/bytepool and the benchmark.
drop_in() {
	own "$1" lib/Kconfig
	own "$1" lib/Makefile
	# shellcheck disable=SC2016 # for make, not for the shell
	printf '%s\n' 'obj-$(CONFIG_BYTEPOOL) += bytepool/' \
		'obj-$(CONFIG_BYTEPOOL_BENCH) += bytepool/bench/' >>"$1/lib/Makefile"
	printf '%s\n' 'source "lib/bytepool/Kconfig"' \
		'source "lib/bytepool/bench/Kconfig"' >>"$1/lib/Kconfig"
	mkdir "$1/lib/bytepool"
}

# logged NAME COMMAND...: run COMMAND with its output in a log, and show the end of the log if
# it fails.
logged() {
	local log=$work/$1.log status=0
	shift
	timeout --foreground -k 10 3000 nice -n 5 "$@" </dev/null >"$log" 2>&1 || status=$?
	[ $status = 0 ] || {
		tail -n 60 "$log" >&2
		say "status $status of $*"
	}
	return $status
}

# machine NAME: set the variables that depend on the machine: $arch and $image, by the names
# of make; $cross and $arches, or nothing; and the arguments $machine_args and
# $machine_config of kunit.py.
machine() {
	arch=$1 image=bzImage cross='' arches='' machine_config=()
	case $1 in
	um)
		image=all machine_args=()
		# kunit.py gives UML a PCI bus, which warns when it starts in a debug kernel.
		machine_config=(CONFIG_UML_PCI_OVER_VIRTIO=n CONFIG_VIRTIO_UML=n)
		return ;;
	i386)
		machine_config=(CONFIG_X86_MPPARSE=y CONFIG_HIGHMEM4G=y)
		need qemu-system-i386 qemu-system-x86 ;;
	s390x)
		arch=s390 cross=s390x-linux-gnu
		# What its NUMA needs, and its console.
		machine_config=(CONFIG_SCHED_TOPOLOGY=y CONFIG_SCLP_TTY=y CONFIG_SCLP_CONSOLE=y
			CONFIG_SCLP_VT220_TTY=y CONFIG_SCLP_VT220_CONSOLE=y)
		need qemu-system-s390x qemu-system-misc ;;
	arm64|arm64-64k)
		arch=arm64 image=Image.gz cross=aarch64-linux-gnu
		[ "$1" = arm64 ] || machine_config=(CONFIG_ARM64_64K_PAGES=y)
		need qemu-system-aarch64 qemu-system-arm ;;
	*) die "no machine $1: there are i386, s390x, arm64 and arm64-64k" ;;
	esac
	machine_args=(--arch "$arch" "--qemu_args=-accel tcg -smp 2,sockets=2")
	if [ "$cross" ]; then
		need "$cross-gcc" "gcc-$cross"
		machine_args+=(--cross_compile "$cross-")
		arches=$(kernel_arches "$2")
	fi
}

# uml_prepare SERIES FLAVOUR [MACHINE]: make a tree and a build directory, and set $work,
# $tree, $build and $kunit, the path of kunit.py. A lock lets one caller of each flavour in at
# a time.
uml_prepare() {
	need_kernel_tools
	need python3 python3
	source=$(kernel_source "$1")
	machine "${3:-um}" "$1"

	work=$cache/uml-${source##*/source-}-$2
	[ "$arch" = um ] || work=$cache/kunit-${source##*/source-}-$3
	tree=$work/tree
	build=$work/build
	kunit=$tree/tools/testing/kunit/kunit.py
	mkdir -p "$work"
	exec 7>"$work.lock"
	flock 7

	if [ ! -d "$tree/lib/bytepool" ]; then
		rm -rf "$tree" "$tree.tmp"
		make_tree "$tree.tmp"
		drop_in "$tree.tmp"
		mv "$tree.tmp" "$tree"
	fi
	new=$(mktemp -d)
	copy_sources "$new"
	update_sources "$new" "$tree/lib/bytepool"
	rm -rf "$new"
	mkdir -p "$build"
}

kbuild() {
	logged build make -C "$tree" ARCH="$arch" CROSS_COMPILE="${cross:+$cross-}" O="$build" "$@"
}

# uml_build ARGUMENT...: configure the kernel by kunit.py with these arguments, and build it.
# For machines other than UML, turn off all other options, because the defaults take long to
# build.
uml_build() {
	logged config "$kunit" config --build_dir "$build" "${machine_args[@]}" "$@" \
		"${machine_config[@]/#/--kconfig_add=}"
	if [ "$arch" != um ]; then
		kbuild KCONFIG_ALLCONFIG="$build/last_used_kunitconfig" allnoconfig
		missing=$(grep '=y$' "$build/last_used_kunitconfig" | grep -vxFf "$build/.config") || :
		[ -z "$missing" ] || die "this kernel cannot have $missing"
	fi
	kbuild -j "$(nproc)" "$image"
}
