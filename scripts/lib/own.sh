# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Sourced by scripts that build modules of a user, after scripts/lib/guest.sh. They set $scratch.

: "${top:?}" "${cache:?}"
. "$top/scripts/lib/module.sh"

# copy_dir DIR TO: copy DIR without what git and builds in DIR left there.
copy_dir() (
	cd "$1" && find -L . -regextype posix-extended \( -name .git -o -name .tmp_versions -o \
		-regex '.*/(.*\.(ko|o|mod|mod\.c|cmd)|modules\.order|Module\.symvers)' \) -prune -o \
		-type f -print0 | cpio --quiet -0pdmL "$2"
)

# own_paths DIR BUILD: in the messages of make, replace the paths of the copies by those of the
# sources. Later kernels compile in the directory of the copies, and print paths relative to it.
own_paths() {
	dir=$1 build=$2 top=$top awk '
		function replaced(text, old, new,	at, before) {
			while (at = index(text, old)) {
				before = before substr(text, 1, at - 1) new
				text = substr(text, at + length(old))
			}
			return before text
		}
		BEGIN { src = ENVIRON["build"] "/src/"; own = ENVIRON["dir"] "/" }
		/^make.*\] Error [0-9]+$/ { next }
		index($0, src) { print replaced($0, src, own); next }
		match($0, /[^ :]+\.[chS]:[0-9]/) {
			path = substr($0, RSTART, RLENGTH - 2)
			if (path !~ /^\// && (getline line <(src path)) >= 0)
				$0 = substr($0, 1, RSTART - 1) own substr($0, RSTART)
		}
		{ print replaced($0, ENVIRON["build"] "/bytepool/", ENVIRON["top"] "/") }'
}

# build_own VERSION DIR TO: build the modules that the Kbuild of DIR names in obj-m against
# bytepool, and copy them and bytepool.ko to TO, an absolute path. The file TO/modules has their
# names. The cache has a directory for each DIR, in which make rebuilds only changed files. Remove
# from it what no call has used in a week.
build_own() (
	dir=${2%/} status=0
	[ -d "$dir" ] || die "$dir is not a directory"
	[ -e "$dir/Kbuild" ] || [ -e "$dir/Makefile" ] ||
		die "$dir has no Kbuild: one line will do, obj-m := NAME.o for NAME.c"
	need cpio cpio && modules=$("$top/scripts/build" "$1" "$top") &&
		kernel=$(kernel_headers "$1") && path=$(cd "$dir" && pwd -P) || exit
	build=$cache/try/$(kernel_id "$kernel")-$(echo "$path" | sha256sum | cut -c1-8)
	lock_build "$build"
	build=$(cd "$build" && pwd -P)
	mkdir -p "$3"
	cp "$modules/bytepool.ko" "$3"
	rm -rf "${scratch:?}/src"
	mkdir "$scratch/src"
	copy_dir "$dir" "$scratch/src"
	update_sources "$scratch/src" "$build/src"
	ln -sfn "$top" "$build/bytepool"	# make does not accept spaces in a path
	: >"$build/unfinished"
	kernel_make "$kernel" -s -j "$(nproc)" M="$build/src" KCFLAGS="-I$build/bytepool" \
		KBUILD_EXTRA_SYMBOLS="$modules/Module.symvers" modules 2>&1 |
		own_paths "$dir" "$build" >&2 || status=$?
	rm "$build/unfinished"
	[ $status = 0 ] || die "the build of $dir for Linux $1 failed"
	sed 's/\.k*o$//; s,.*/,,' "$build/src/modules.order" >"$3/modules"
	[ -s "$3/modules" ] || die "$dir names no module: its Kbuild needs obj-m := NAME.o for NAME.c"
	(cd "$build/src" && sed 's/\.k*o$/.ko/' modules.order | xargs -d '\n' cp -t "$3")
	find "$cache/try" -mindepth 1 -maxdepth 1 -mtime +7 -exec rm -rf {} +
)

# bug_check: print a script for the end of a guest, which fails if the kernel has reported a bug. A
# bad page, an oops, a WARN and a soft lockup set these bits.
bug_check() {
	cat <<-'END'
		bugs=$(($(cat /proc/sys/kernel/tainted) & (1 << 5 | 1 << 7 | 1 << 9 | 1 << 14)))
		if [ $bugs != 0 ]; then
			echo "the kernel has reported a bug:"
			dmesg | grep -EA 2 'cut here|BUG:' | grep -vE 'cut here|Modules linked in|^--$'
			status=1
		fi
		exit $status
	END
}
