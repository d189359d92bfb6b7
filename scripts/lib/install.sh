# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Sourced by scripts, which set $top to the checkout. These functions print messages, fill the
# cache, and install the Debian packages that a script needs. All functions of scripts/lib/ write
# messages to stderr only, so that their output can be captured.

: "${top:?set top before sourcing install.sh}"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/bytepool
mkdir -p "$cache"
# The PATH of a user, or after `su`, lacks the programs of administrators.
case :$PATH: in
*:/usr/sbin:*) ;;
*) PATH=$PATH:/usr/sbin:/sbin ;;
esac

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

# install_packages PACKAGE...: install the packages, one caller at a time. The installation fails
# if the package list is missing or out of date. Then fetch the list, and try again.
install_packages() (
	exec 9>"$cache/apt.lock"
	flock 9
	[ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
		die "neither root nor sudo: run apt-get install $* as root"
	say "installing $*"
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	if apt_install "$@" >"$log" 2>&1; then exit 0; fi
	if as_root apt-get update -qq >>"$log" 2>&1 &&
	   apt_install "$@" >>"$log" 2>&1; then exit 0; fi
	tail -n 20 "$log" >&2
	die "cannot install $*"
) </dev/null

# need COMMAND|FILE PACKAGE...: install the packages unless the command or the file exists.
need() {
	case $1 in
	/*) [ ! -e "$1" ] || return 0 ;;
	*) ! command -v "$1" >/dev/null || return 0 ;;
	esac
	shift
	install_packages "$@"
}

# need_kernel_tools: install the tools that build a kernel, or modules for it.
need_kernel_tools() {
	need make make && need gcc gcc libc6-dev && need flex flex && need bison bison &&
		need bc bc && need /usr/include/gelf.h libelf-dev &&
		need /usr/include/openssl/ssl.h libssl-dev
}

# once DIR COMMAND...: unless DIR exists, create it. COMMAND gets the path of a temporary
# directory as its last argument, and fills it. Then the directory is renamed to DIR, so that DIR
# is always complete. Other callers with the same DIR wait.
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

bytepool_version() {
	sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$top/dkms.conf"
}
