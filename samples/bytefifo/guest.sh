# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# The tests that scripts/suite/sample runs in the guest, beside the check program.

unload_full() {
	echo "a message that nobody reads" >/dev/bytefifo
	rmmod bytefifo
}

for alloc in bytepool kvmalloc; do
	check "insmod alloc=$alloc" insmod /bytefifo.ko alloc=$alloc max_bytes=8388608 max_messages=64
	check_program alloc=$alloc
	check "rmmod alloc=$alloc, a message in the queue" unload_full
done
check "no warning in the kernel log" log_is_clean

refuses alloc=other
refuses max_bytes=0
refuses max_messages=0
