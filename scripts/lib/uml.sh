# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Sourced by the scripts that run kunit.py, which set $top. These functions make a tree in the
# cache that looks like Debian's kernel source with bytepool in lib/. They build it for User Mode
# Linux or for another machine in QEMU.

: "${top:?}"
. "$top/scripts/lib/kernel.sh"
. "$top/scripts/lib/module.sh"

# link_all FROM TO: make symbolic links in TO to everything in FROM.
link_all() {
	mkdir -p "$2"
	find -H "$1" -mindepth 1 -maxdepth 1 -exec ln -st "$2" {} +
}

# own TREE PATH: replace the link at PATH by a copy of the file. If it is a directory, replace it
# by a directory of links.
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

# make_tree DIR: make a tree that looks like $source. kunit.py derives the path of the tree from its
# own path, so the tree needs a copy of it.
make_tree() {
	link_all "$source" "$1"
	own "$1" tools/testing
	rm "$1/tools/testing/kunit"
	cp -R "$source/tools/testing/kunit" "$1/tools/testing"
}

# drop_in TREE: add lib/bytepool and the benchmark to the build of the tree.
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

# logged NAME COMMAND...: run the command, with its output in a log. Print the end of the log if
# the command fails.
logged() {
	local log=$work/$1.log status=0
	shift
	timeout --foreground -k 10 3000 nice -n 5 "$@" </dev/null >"$log" 2>&1 || status=$?
	[ $status = 0 ] || {
		tail -n 60 "$log" >&2
		say "exit status $status of $*"
	}
	return $status
}

# machine NAME: set the variables for that machine. $arch and $image are names of make. $cross is
# the prefix of a cross compiler. kunit.py gets $machine_args and $machine_config.
machine() {
	arch=$1 image=bzImage cross='' machine_config=(CONFIG_SMP=y CONFIG_PREEMPT=y)
	case $1 in
	um)
		image=linux machine_args=()
		# The console needs the first option. kunit.py enables a PCI bus, which causes
		# a warning on a debug kernel.
		machine_config=(CONFIG_STDERR_CONSOLE=y CONFIG_64BIT=y CONFIG_UML_PCI_OVER_VIRTIO=n CONFIG_VIRTIO_UML=n
			CONFIG_KUNIT_UML_PCI=n)
		return ;;
	i386)
		machine_config+=(CONFIG_X86_MPPARSE=y CONFIG_HIGHMEM4G=y)
		need qemu-system-i386 qemu-system-x86 ;;
	s390x)
		arch=s390 cross=s390x-linux-gnu
		# NUMA and the console need these options.
		machine_config+=(CONFIG_SCHED_TOPOLOGY=y CONFIG_SCLP_TTY=y CONFIG_SCLP_CONSOLE=y
			CONFIG_SCLP_VT220_TTY=y CONFIG_SCLP_VT220_CONSOLE=y)
		need qemu-system-s390x qemu-system-misc ;;
	arm64|arm64-64k)
		arch=arm64 image=Image.gz cross=aarch64-linux-gnu
		[ "$1" = arm64 ] || machine_config+=(CONFIG_ARM64_64K_PAGES=y)
		need qemu-system-aarch64 qemu-system-arm ;;
	*) die "unknown machine $1: use i386, s390x, arm64 or arm64-64k" ;;
	esac
	machine_args=(--arch "$arch" "--qemu_args=-accel tcg -smp 2,sockets=2")
	if [ "$cross" ]; then
		need "$cross-gcc" "gcc-$cross"
		machine_args+=(--cross_compile "$cross-")
	fi
}

# uml_prepare SERIES FLAVOUR [MACHINE]: prepare a tree and a directory for its build, and set
# $work, $tree, $build and $kunit, the path of kunit.py. Only one caller of each flavour runs at a
# time.
uml_prepare() {
	need_kernel_tools
	need python3 python3
	source=$(kernel_source "$1")
	machine "${3:-um}"

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

# uml_configure ARGUMENT...: configure by kunit.py with these arguments. Start from allnoconfig,
# because the default configuration takes long to build.
uml_configure() {
	logged config "$kunit" config --build_dir "$build" "${machine_args[@]}" \
		--kunitconfig "$top/scripts/config/kunit-base.config" "$@" \
		"${machine_config[@]/#/--kconfig_add=}" || return
	kbuild KCONFIG_ALLCONFIG="$build/last_used_kunitconfig" allnoconfig || return
	missing=$(grep '=y$' "$build/last_used_kunitconfig" | grep -vxFf "$build/.config") || :
	[ -z "$missing" ] || die "this kernel does not support $missing"
}

# uml_build ARGUMENT...: configure by kunit.py with these arguments, and build.
uml_build() {
	uml_configure "$@"
	kbuild -j "$(nproc)" "$image"
}
