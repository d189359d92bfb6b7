# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Write and read a file of F2FS, which compresses clusters of four pages. The disk is in RAM. One
# filesystem compresses by zstd, and another by lz4. bench/scripts/bench-modules-guest runs this.

# make_filesystem DEVICE ALGORITHM
make_filesystem() {
	mkdir -p "/mnt/$2" && mkfs.f2fs -f -O extra_attr,compression "/dev/$1" &&
		mount -t f2fs -o "compress_algorithm=$2,compress_extension=*" "/dev/$1" "/mnt/$2"
}

start() {
	make_filesystem ram0 zstd && make_filesystem ram1 lz4
}

stop() {
	umount /mnt/zstd && umount /mnt/lz4
}

before() {
	case $1 in
	*-write) rm -f "/mnt/${1%-*}/data" ;;
	esac
}

work() {
	case $1 in
	*-write) cp /tmp/data "/mnt/${1%-*}/data" && sync ;;
	*-read) cat "/mnt/${1%-*}/data" >/dev/null ;;
	esac
}

contents() {
	cat "/mnt/${1%-*}/data"
}
