# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2154
#
# The tests that scripts/suite/sample runs in the guest, with the drivers of
# Documentation/driver-guide.rst.

stat() { # POOL FILE
	cat "$pools/$1/stats/$2"
}

# The module has used a block of 112 KiB, which is idle now.
block_is_idle() {
	save_log
	grep 'guide_first: a buffer of a pool' $log && [ "$(stat guide_first allocs)" = 1 ] &&
		[ "$(stat guide_first bytes_idle)" = 114688 ]
}

# write() replaces a note, read() returns it, and each open file has its own.
notes_are_kept() {
	exec 3<>/dev/guide_chardev 4<>/dev/guide_chardev
	echo "a first note" >&3
	head -c 3000000 /bin/busybox >/tmp/busybox
	dd if=/tmp/busybox bs=4M iflag=fullblock 2>/dev/null >&4
	echo "a second one" >&3
	read -r said <&3
	cmp /tmp/busybox - <&4 || return
	[ "$(stat guide_chardev blocks_in_use)" = 2 ] && [ "$said" = "a second one" ]
}

notes_are_gone() {
	exec 3>&- 4>&-
	is $pools/guide_chardev/stats/blocks_in_use 0
}

# A note above the largest class is refused.
note_too_long() {
	dd if=/dev/zero of=/dev/guide_chardev bs=5M count=1 2>&1 | grep 'memory'
}

parameter() {
	cat "/sys/module/guide_softirq/parameters/$1"
}

# Packets arrive, none is dropped, and all have the right contents.
packets_arrive() {
	sleep 2
	echo "received $(parameter received), dropped $(parameter dropped), damaged $(parameter damaged)"
	[ "$(parameter received)" -gt 1000 ] && [ "$(parameter dropped)" = 0 ] &&
		[ "$(parameter damaged)" = 0 ]
}

driver=/sys/bus/platform/drivers/guide_platform

transfers() {
	for bytes in 1 4096 65537 1048576; do
		echo $bytes >$driver/guide_platform/transfer || return
	done
	not dd if=/dev/stdin of=$driver/guide_platform/transfer 2>/dev/null <<-END &&
		1048577
	END
		[ "$(stat guide_platform allocs)" = 4 ]
}

pool_goes_with_device() {
	echo guide_platform >$driver/unbind || return
	[ ! -e $pools/guide_platform ] || return
	echo guide_platform >$driver/bind && [ -e $pools/guide_platform ]
}

requests() {
	echo 1000 >/sys/module/guide_bulk/parameters/requests &&
		[ "$(stat guide_bulk allocs)" = 64000 ] &&
		[ "$(stat guide_bulk misses)" -lt 200 ]
}

check "insmod guide_first" insmod /guide_first.ko
check "the first pool has an idle block" block_is_idle
check "rmmod guide_first" rmmod guide_first

check "insmod guide_chardev" insmod /guide_chardev.ko
check "notes are kept" notes_are_kept
check "notes go with their files" notes_are_gone
check "a note that is too long is refused" note_too_long
check "rmmod guide_chardev" rmmod guide_chardev

check "insmod guide_softirq" insmod /guide_softirq.ko
check "packets arrive" packets_arrive
# Read one counter only, because two of them would be read at different times.
check "the reserve is there" [ "$(stat guide_softirq bytes_held)" -ge $((64 * 2048)) ]
check "rmmod guide_softirq" rmmod guide_softirq

check "insmod guide_platform" insmod /guide_platform.ko
check "transfers by DMA" transfers
check "the pool goes with its device" pool_goes_with_device
check "rmmod guide_platform" rmmod guide_platform

check "insmod guide_bulk" insmod /guide_bulk.ko
check "requests of 64 blocks" requests
check "rmmod guide_bulk" rmmod guide_bulk
check "no warning in the kernel log" log_is_clean
