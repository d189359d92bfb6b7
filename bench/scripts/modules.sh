# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Sourced by scripts that compare modules of the kernel, stock and ported to bytepool, after
# scripts/lib/guest.sh and bench/scripts/data.sh. They set $scratch, and $root for the guest.
#
# Each directory of bench/modules/ is for one MODULE. Its port.patch ports the module, and its
# work.sh has the works that are measured. Its file `modules` lists what the guest needs, in the
# order in which the guest loads it:
#
# build FOLDER MODULE [PARAMETER...]	a module that is built from Debian's source of the kernel, if
#					Debian builds it as a module, too
# lib NAME				a module that comes with the kernel, if it is not built in
# program NAME PACKAGE			a program of this system, and its package
# port FOLDER OPTION...			`tools/port/port OPTION... FOLDER` has made the patch
# pool NAME				the pool of the ported module
# work NAME				a work that is measured
# MiB NUMBER				how much data a work passes, a multiple of 3

: "${top:?}"
ports_dir=$top/bench/modules

# listed MODULE KIND: print what the module needs of that kind.
listed() {
	sed -n "s/^$2 //p" "$ports_dir/$1/modules"
}

# copy_folders MODULE SOURCE DIR [PATCH]: copy the folders from which the module is built. In each, a
# Kbuild takes all from the Makefile of the kernel but the list of what is built. With a PATCH, only
# the folders that it changes are built.
copy_folders() {
	local folder names port=${4-}
	mkdir "$3"
	listed "$1" build | awk '{ names[$1] = names[$1] " " $2 ".o" }
		END { for (folder in names) print folder names[folder] }' |
	while read -r folder names; do
		mkdir -p "$3/$folder"
		cp -R "$2/$folder/." "$3/$folder"
		# shellcheck disable=SC2016 # for make
		printf '%s\n' 'include $(src)/Makefile' "obj-m := \$(filter $names,\$(obj-m))" \
			'obj-y :=' >"$3/$folder/Kbuild"
		if [ -z "$port" ] || grep -q "^+++ b/$folder/[^/]*$" "$port"; then
			echo "obj-m += $folder/" >>"$3/Kbuild"
		fi
	done
}

# build_variant MODULE KERNEL VARIANT: build the modules, and copy them to the guest.
build_variant() {
	local dir=${scratch:?}/$3 port='' source out name
	source=$(kernel_source "$2")
	rm -rf "$dir"
	if [ "$3" = ported ]; then
		port=$ports_dir/$1/port.patch
	fi
	copy_folders "$1" "$source" "$dir" "$port"
	if [ "$port" ]; then
		patch -s -p1 --no-backup-if-mismatch -d "$dir" <"$port" >&2 ||
			die "${port#"$top/"} does not apply to Linux $2"
	fi
	out=$("$top/scripts/build" "$2" "$dir")
	mkdir "${root:?}/$3"
	cp "$out/bytepool.ko" "$root"
	while read -r _ name _; do
		[ ! -e "$out/$name.ko" ] || cp "$out/$name.ko" "$root/$3"
	done < <(listed "$1" build)
}

# make_guest MODULE KERNEL ROUNDS [MiB]: make the root directory of a guest, with both variants.
make_guest() {
	local name package programs
	need patch patch
	rm -rf "$root"
	mkdir "$root"
	build_variant "$1" "$2" stock
	build_variant "$1" "$2" ported
	while read -r name; do copy_module "$2" "$name" "$root"; done < <(listed "$1" lib)
	while read -r name package; do need "$name" "$package"; done < <(listed "$1" program)
	mapfile -t programs < <(listed "$1" program | cut -d ' ' -f 1)
	[ ${#programs[@]} = 0 ] || copy_programs "$root" "${programs[@]}"
	cp "$ports_dir/$1/work.sh" "$top/guest-test/lib/guest-lib.sh" "$root"
	grep -v '^#' "$ports_dir/$1/modules" >"$root/modules"
	gather_data >"$root/data"
	echo "$3 ${4-$(listed "$1" MiB)}" >"$root/parameters"
	cp "$top/bench/scripts/bench-modules-guest" "$root/run"
}
