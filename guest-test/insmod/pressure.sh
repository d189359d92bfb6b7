#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs in the guest, on a stock kernel with little memory. Most of it is idle in a pool: a
# program that needs memory gets it, and the OOM killer is not called. Prints KTAP.

# shellcheck source-path=SCRIPTDIR/../lib source=guest-lib.sh
. /guest-lib.sh

plan=28
stats=$sys/pools/pressure/stats
least=$((16 * 4096 + 32 * 16384))

kb() { # NAME
	awk -v name="$1:" '$1 == name { print $2 }' /proc/meminfo
}

# Fill nine tenths of the memory that is free or idle in the pool with a file.
hog() {
	mib=$((($(kb MemFree) + $(cat $stats/bytes_idle) / 1024) * 9 / 10 / 1024))
	echo "$mib MiB are wanted, $(($(kb MemFree) / 1024)) are free"
	mount -t tmpfs -o size=100% tmpfs /mnt || return
	dd if=/dev/zero of=/mnt/hog bs=1M count=$mib 2>&1 &&
		[ "$(stat -c %s /mnt/hog)" = $((mib << 20)) ]
	status=$?
	umount /mnt
	return $status
}

gave_back() { # HELD-BEFORE
	held=$(cat $stats/bytes_held)
	echo "$held bytes are held, of $1"
	[ "$held" -ge $least ] && [ "$held" -lt $(($1 / 2)) ]
}

holds_least() {
	held=$(cat $stats/bytes_held)
	echo "$held bytes are held"
	# A block in use may keep idle blocks of its slab.
	[ "$held" -ge $least ] && [ "$held" -le $((least + 16 * 7 * 4096)) ]
}

no_oom() {
	save_log
	if grep -iE 'oom|out of memory' $log; then return 1; fi
}

press() {
	held=$(cat $stats/bytes_held)
	check "a memory hog runs to its end" hog
	check "the pool gave memory back" gave_back "$held"
	check "the OOM killer was not called" no_oom
}

mkdir -p /mnt
drop_log

echo "KTAP version 1"
echo "1..$plan"
check "bytepool loads" insmod /bytepool.ko
check "the test module loads" insmod /$module.ko
run pressure_pools
run pressure_begin
press
for _ in 1 2 3; do
	run pressure_again
	press
done
run pressure_again
# The second scan frees blocks in caches.
echo 2 >/proc/sys/vm/drop_caches
sleep 1
echo 2 >/proc/sys/vm/drop_caches
check "drop_caches frees all memory that is not in use or reserved" holds_least
run pressure_end
check "both unload" unload $module
check "no complaints in the log" log_is_clean
end_of_plan $plan
