# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Sourced by scripts, which set $top. These functions obtain packages from any suite of Debian,
# without installing them on this system. scripts/lib/kernels has names of suites.

: "${top:?}"
. "$top/scripts/lib/install.sh"

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# debian_mirror: print the address of the mirror that this system uses, or that DEBIAN_MIRROR has.
debian_mirror() {
	find_mirror() {
		apt-get indextargets --format '$(SITE)' 'Created-By: Packages' \
			'Origin: Debian' 'Label: Debian' | sed -n 1p
	}
	mirror=${DEBIAN_MIRROR:-$(find_mirror)}
	# A system without package lists does not know the origin of its mirrors.
	[ "$mirror" ] || { as_root apt-get update -qq >&2 && mirror=$(find_mirror); }
	# Images for the cloud have a file with the addresses.
	case $mirror in
	mirror+file:*)
		mirror=$(grep -om 1 '^https\{0,1\}:[^[:space:]]*' "${mirror#mirror+file:}") || : ;;
	esac
	[ "$mirror" ] || die "this system has no mirror of Debian: set DEBIAN_MIRROR to the address of one"
	echo "$mirror"
}

# install_debian DIR SUITE DEBOOTSTRAP-ARGUMENT...: install a minimal Debian in DIR, which gets its
# packages from where this system does, for example by the same proxy. debootstrap mounts /proc and
# /sys in DIR, and these mounts end with it.
install_debian() (
	need debootstrap debootstrap && need "$keyring" debian-archive-keyring &&
		mirror=$(debian_mirror) || exit
	dir=$1 suite=$2
	shift 2
	unshare -m debootstrap --variant=minbase --keyring="$keyring" "$@" \
		"$suite" "$dir" "$mirror" &&
		apt-config dump Acquire >"$dir/etc/apt/apt.conf.d/90host"
)

# in_debian DIR COMMAND...: run the command as root of that Debian. When it ends, end all that it
# started. The environment has no other variables than that of a new login.
in_debian() {
	# Without the `exit`, the shell would replace itself by the command, and nobody would wait for
	# processes that lose their parent.
	set -- sh -c '
		for dir in dev sys; do mount --rbind "/$dir" "$0/$dir" || exit; done
		mount -t proc proc "$0/proc" && chroot "$0" env -i HOME=/root TERM=linux \
			PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
		exit' "$@"
	unshare -mpf --kill-child "$@"
}

# suite_apt SUITE COMMAND ARGUMENT...: run apt-get or apt-cache as on a system that has only that
# suite in its sources, and no package installed.
suite_apt() (
	apt=$cache/apt/$1 command=$2
	shift 2
	"$command" -qq -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State::Lists="$apt/lists" -o Dir::State::Status="$apt/status" -o Dir::Cache="$apt" \
		-o APT::Architecture=amd64 -o APT::Architectures=amd64 -o APT::Sandbox::User=root "$@"
)

# with_suite SUITE COMMAND...: update the list of packages of the suite, and run the command. Only
# one caller of each suite runs at a time.
with_suite() (
	suite=$1 apt=$cache/apt/$1
	shift
	need "$keyring" debian-archive-keyring &&
		mkdir -p "$apt/lists/partial" "$apt/archives/partial" || exit
	exec 5>"$apt.lock"
	flock 5
	: >"$apt/status"
	mirror=$(debian_mirror) || exit
	# A suite of backports needs the suite that it is for.
	printf '%s\n' "${suite%%-*}" "$suite" | uniq |
		sed "s,.*,deb [signed-by=$keyring] $mirror & main," >"$apt/sources.list"
	suite_apt "$suite" apt-get update >&2 || die "cannot read the package list of $suite"
	"$@"
)

# unpack_packages DIR: unpack the packages in the current directory into DIR.
unpack_packages() {
	for deb in ./*.deb; do
		dpkg-deb -x "$deb" "$1" && rm "$deb" || return
	done
}

# make_root SUITE DIR, for with_suite: unpack a small Debian into DIR, with what a build of modules
# needs.
make_root() {
	say "downloading the compiler of $1"
	add_packages "$1" "$2" bash coreutils dash diffutils findutils grep gzip mawk perl sed tar \
		xz-utils cpio make gcc libc6-dev libc-bin pahole libelf-dev libssl-dev &&
		ln -sf mawk "$2/usr/bin/awk"
}

# add_packages SUITE ROOT PACKAGE...: unpack the packages into ROOT, with all that they depend on.
# Leave out those that ROOT has, because its programs may be running. ROOT/status lists them.
add_packages() (
	suite=$1 root=$2
	shift 2
	[ ! -e "$root/status" ] || cp "$root/status" "$cache/apt/$suite/status"
	# A call that was killed may have left packages.
	rm -f "$cache/apt/$suite/archives"/*.deb
	suite_apt "$suite" apt-get install -y --download-only --no-install-recommends "$@" >&2 &&
		cd "$cache/apt/$suite/archives" || exit
	for deb in ./*.deb; do
		dpkg-deb -f "$deb" | sed '1i Status: install ok installed'
		echo
	done >"$root/status.new" && unpack_packages "$root" && cat "$root/status.new" >>"$root/status"
)

# in_root ROOT COMMAND...: run the command with the programs and libraries of ROOT, but with all
# other files of this system, among them /usr/local and /usr/src. ROOT may be empty for this system
# itself.
in_root() {
	if [ -z "$1" ]; then
		shift
		"$@"
		return
	fi
	# Nobody else may see the other /usr. The / of a chroot may be no mount point, which cannot be
	# made private, so the command runs in a private copy of all mounts. The copy is at /proc/fs,
	# because /proc is always a mount point, and that directory always exists.
	set -- sh -c '
		mount --make-private /proc && mount --rbind / /proc/fs && mount --make-rprivate /proc/fs &&
			mount --bind "$0/usr" /proc/fs/usr && mkdir -p "$0/usr/local" "$0/usr/src" &&
			mount --rbind /usr/local /proc/fs/usr/local &&
			mount --rbind /usr/src /proc/fs/usr/src &&
			exec chroot /proc/fs sh -c "cd \"\$0\" && exec \"\$@\"" "$PWD" "$@"' "$@"
	[ "$(id -u)" = 0 ] || set -- -r "$@"
	unshare -m --propagation unchanged "$@"
}

# need_in_root ROOT PACKAGE...: unpack the packages into ROOT unless it has them. Do nothing if ROOT
# is empty.
need_in_root() (
	[ "$1" ] || exit 0
	root=$1 suite=${1##*/root-}
	shift
	exec 4>"$root.lock"
	flock 4
	missing=$(for package; do
		grep -qxF "Package: $package" "$root/status" || echo "$package"
	done)
	[ "$missing" ] || exit 0
	# shellcheck disable=SC2086 # several packages
	set -- $missing
	say "downloading $* for $suite"
	with_suite "$suite" add_packages "$suite" "$root" "$@"
)
