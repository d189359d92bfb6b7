# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# The tests that scripts/suite/sample runs in the guest, beside the check program.

costs=/sys/kernel/debug/bytezip/costs
stats=/sys/kernel/bytepool/pools/bytezip/stats

# Pack /bin/busybox in records, and print how many, their bytes and packed bytes.
pack_busybox() {
	dd if=/bin/busybox of=/dev/bytezip bs=64k 2>/dev/null
	sed -n 's/^pack \([0-9]* [0-9]* [0-9]*\) .*/\1/p' $costs
}

# The numbers depend neither on the allocator nor on the old contents of its memory.
same_result() {
	[ "$(pack_busybox)" = "$expected" ]
}

packs_better() {
	[ "$(awk '/^pack/ { print $4 < $3 * 0.7 }' $costs)" = 1 ]
}

nothing_in_use() {
	[ "$(cat $stats/bytes_in_use)" = 0 ] && [ "$(cat $stats/failures)" = 0 ] &&
		[ "$(cat $stats/bad_frees)" = 0 ] && [ "$(cat $stats/hits)" -gt 1000 ]
}

open_file_keeps_it() {
	exec 3<>/dev/bytezip
	echo "a record that nobody reads" >&3
	! rmmod bytezip 2>/dev/null
	kept=$?
	exec 3>&-
	return $kept
}

[ ! -e /zstd_compress.ko ] || insmod /zstd_compress.ko

for method in zstd zlib; do
	expected=
	for alloc in bytepool kvmalloc vmalloc; do
		with="alloc=$alloc method=$method"
		# shellcheck disable=SC2086 # two words
		check "insmod $with" insmod /bytezip.ko $with
		[ -n "$expected" ] || expected=$(pack_busybox)
		[ $alloc = bytepool ] || check "$with packs busybox as with bytepool" same_result
		check "$with makes busybox smaller" packs_better
		check_program "$with"
		check "$with: no rmmod while the device is open" open_file_keeps_it
		[ $alloc != bytepool ] || check "$with: the pool got all blocks back" nothing_in_use
		check "$with: rmmod" rmmod bytezip
		check "$with: nothing left in sysfs and debugfs" \
			[ ! -e ${stats%/*} -a ! -e $costs -a ! -e /dev/bytezip ]
	done
done

for with in "method=zstd level=1" "method=zstd level=22" \
	    "method=zlib level=1" "method=zlib level=9"; do
	# shellcheck disable=SC2086 # two words
	check "insmod $with" insmod /bytezip.ko $with
	check_program "$with" repeated_noise_comes_back
	check "rmmod $with" rmmod bytezip
done
check "no warning in the kernel log" log_is_clean

refuses alloc=other
refuses method=other
refuses level=0
refuses level=23
refuses method=zlib level=10
check "a refused load leaves no pool" [ ! -e ${stats%/*} ]
