# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Sourced by scripts, which set $top. These functions copy programs, files and modules to the
# root directory of a guest.

: "${top:?}"
. "$top/scripts/lib/kernel.sh"

# For a kernel in a guest that counts instructions. The CPU has no fast rep movsb, because QEMU would
# count each byte. The other arguments keep other work of the kernel out of the count.
# shellcheck disable=SC2034 # used by the scripts
counted_args="tsc=reliable mitigations=off cryptomgr.notests=1 clearcpuid=erms,fsrm"

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

# python_files PROGRAM: print the files of the python modules that `PROGRAM --help` loads, without
# those beside the program.
python_files() {
	/usr/bin/python3 - "$1" <<-'END'
		import contextlib, curses, encodings.ascii, encodings.latin_1, io, json, locale, sys
		from os.path import dirname, realpath
		program, sys.argv = sys.argv[1], [sys.argv[1], "--help"]
		sys.path.insert(0, dirname(program))
		with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
		    exec(compile(open(program).read(), program, "exec"))
		for module in list(sys.modules.values()):
		    path = getattr(module, "__file__", None) or ""
		    if path.startswith("/") and not path.startswith(dirname(program) + "/"):
		        print(realpath(path))
	END
}

# copy_tools DIR: copy bytepool-top and bytepool-advise to DIR/usr/bin, with python3 and what else
# they need.
copy_tools() (
	need /usr/bin/python3 python3 &&
		mkdir -p "$1/usr/bin" "$1/usr/share/bytepool" && ln -s /bin/env "$1/usr/bin" &&
		cp "$top/tools/bytepool-top" "$top/tools/bytepool-advise" "$1/usr/bin" &&
		cp -R "$top/tools/bytepool_advise" "$top/bench/results.tsv" "$1/usr/share/bytepool" || exit
	{
		python_files "$top/tools/bytepool-top"
		python_files "$top/tools/bytepool-advise"
		echo /usr/bin/python3
	} | copy_files "$1" || exit
	# The guest takes long to compile modules, and the times of their files change on the way.
	/usr/bin/python3 -m compileall -q --invalidation-mode unchecked-hash "$1/usr"
)

# install_modules VERSION ROOT FOLDER...: build bytepool.ko and the modules of the FOLDERS, and
# install them below ROOT/lib/modules, so that modprobe finds them.
install_modules() (
	version=$1 to=$2
	shift 2
	release=$(kernel_release "$version") && modules=$("$top/scripts/build" "$version" "$@") || exit
	need depmod kmod || exit
	dir=$to/lib/modules/$release
	mkdir -p "$dir/updates" && cp "$modules"/*.ko "$dir/updates" &&
		touch "$dir/modules.order" "$dir/modules.builtin" "$dir/modules.builtin.modinfo" &&
		depmod -b "$to" "$release"
)
