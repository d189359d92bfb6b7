# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Read a volume of UBI by its character device, in reads of several sizes. The flash is simulated
# in RAM. bench/scripts/bench-modules-guest runs this.

start() {
	ubimkvol /dev/ubi0 -N data -t static -s "$(wc -c </tmp/data)" &&
		ubiupdatevol /dev/ubi0_0 /tmp/data
}

stop() {
	ubidetach -m 0
}

contents() {
	case $1 in
	read-4k) dd if=/dev/ubi0_0 bs=4k ;;
	read-64k) dd if=/dev/ubi0_0 bs=64k ;;
	read-1m) dd if=/dev/ubi0_0 bs=1M ;;
	esac 2>/dev/null
}

work() {
	contents "$1" >/dev/null
}
