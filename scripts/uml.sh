# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Sourced by the scripts that run User Mode Linux, after lib.sh: a tree that
# looks like Debian's kernel source with bytepool dropped into lib/, built in the
# cache.

: "${cache:?source lib.sh first}"

# link_all FROM TO: symbolic links in TO to all that FROM holds.
link_all() {
	mkdir -p "$2"
	find -H "$1" -mindepth 1 -maxdepth 1 -exec ln -st "$2" {} +
}

# kunit.py finds the tree by its own path, so that it has to be a copy; what
# has to change is one too.
make_tree() {
	link_all "$source" "$1"
	rm "$1/lib" "$1/tools"
	link_all "$source/lib" "$1/lib"
	link_all "$source/tools" "$1/tools"
	rm "$1/tools/testing"
	link_all "$source/tools/testing" "$1/tools/testing"
	rm "$1/tools/testing/kunit"
	cp -R "$source/tools/testing/kunit" "$1/tools/testing"
	rm "$1/lib/Kconfig" "$1/lib/Makefile"
	cp "$source/lib/Kconfig" "$source/lib/Makefile" "$1/lib"
	# shellcheck disable=SC2016 # for make, not for the shell
	printf '%s\n' 'obj-$(CONFIG_BYTEPOOL) += bytepool/' \
		'obj-$(CONFIG_BYTEPOOL_BENCH) += bytepool/bench/' >>"$1/lib/Makefile"
	printf '%s\n' 'source "lib/bytepool/Kconfig"' \
		'source "lib/bytepool/bench/Kconfig"' >>"$1/lib/Kconfig"
	mkdir "$1/lib/bytepool"
}

# update_sources DIR: make DIR like the checkout, and touch only what differs,
# so that as little as possible is built again.
update_sources() {
	local new file
	new=$(mktemp -d)
	copy_sources "$new"
	while IFS= read -r -d '' file; do
		[ -e "$new/$file" ] || rm "$1/$file"
	done < <(cd "$1" && find . -type f -print0)
	while IFS= read -r -d '' file; do
		cmp -s "$new/$file" "$1/$file" || {
			mkdir -p "$1/${file%/*}"
			cp "$new/$file" "$1/$file"
		}
	done < <(cd "$new" && find . -type f -print0)
	rm -rf "$new"
}

# logged NAME COMMAND...: run it, with its output in a log that is shown where it
# fails.
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

# uml_prepare SERIES FLAVOUR: have a tree and a directory to build in, and set
# $work, $tree, $build and $kunit, which is kunit.py. One caller of each flavour
# at a time.
uml_prepare() {
	need_kernel_tools
	need python3 python3
	source=$(kernel_source "$1")

	work=$cache/uml-${source##*/source-}-$2
	tree=$work/tree
	build=$work/build
	kunit=$tree/tools/testing/kunit/kunit.py
	mkdir -p "$work"
	exec 7>"$work.lock"
	flock 7

	if [ ! -d "$tree/lib/bytepool" ]; then
		rm -rf "$tree" "$tree.tmp"
		make_tree "$tree.tmp"
		mv "$tree.tmp" "$tree"
	fi
	update_sources "$tree/lib/bytepool"
	mkdir -p "$build"
}

# uml_build ARGUMENT...: configure by kunit.py with these arguments, and build.
# kunit.py gives UML a PCI bus, which warns when it starts in a debug kernel.
uml_build() {
	logged config "$kunit" config --build_dir "$build" "$@" \
		--kconfig_add CONFIG_UML_PCI_OVER_VIRTIO=n --kconfig_add CONFIG_VIRTIO_UML=n
	logged build make -C "$tree" ARCH=um O="$build" -j "$(nproc)"
}
