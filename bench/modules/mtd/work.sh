# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Write and read flash that is simulated in RAM, by its character device.
# bench/scripts/bench-modules-guest runs this.

: "${mib:?}"
start() {
	[ -c /dev/mtd0 ]
}

stop() {
	:
}

read_flash() { # SIZE
	case $1 in
	64k) dd if=/dev/mtd0 bs=64k count=$((mib * 16)) ;;
	1m) dd if=/dev/mtd0 bs=1M count="$mib" ;;
	esac 2>/dev/null
}

work() {
	case $1 in
	write-64k) dd if=/tmp/data of=/dev/mtd0 bs=64k ;;
	write-1m) dd if=/tmp/data of=/dev/mtd0 bs=1M ;;
	read-*) read_flash "${1#read-}" >/dev/null ;;
	esac 2>/dev/null
}

contents() {
	read_flash "${1#*-}"
}
