# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Sourced by scripts, which set $top, the checkout: messages, the cache, and the packages
# of Debian that a script needs. All functions of scripts/lib/ write messages to stderr
# only, so that their output can be captured.

: "${top:?set top before sourcing install.sh}"
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

# install_packages PACKAGE...: one caller at a time. If apt fails, its package lists may be
# missing or out of date, so fetch them and try again.
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

# need_kernel_tools: install the programs and headers that the build of a kernel needs.
need_kernel_tools() {
	need make make && need gcc gcc libc6-dev && need flex flex && need bison bison &&
		need bc bc && need /usr/include/gelf.h libelf-dev &&
		need /usr/include/openssl/ssl.h libssl-dev
}

# once DIR COMMAND...: unless DIR exists, have COMMAND fill a new directory, whose path is
# its last argument, and rename that to DIR. Other callers for the same DIR wait. If COMMAND
# fails, there is no DIR.
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

# debian_12 DIR DEBOOTSTRAP-ARGUMENT...: install Debian 12 in DIR, from the mirror of this
# machine.
debian_12() (
	need debootstrap debootstrap || exit
	dir=$1
	shift
	mirror=$(apt-get indextargets --format '$(SITE)' 'Codename: bookworm' 'Origin: Debian' | head -n 1)
	debootstrap --variant=minbase "$@" bookworm "$dir" "$mirror"
)

bytepool_version() {
	sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$top/dkms.conf"
}
