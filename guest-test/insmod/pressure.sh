#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs in the guest, on a stock kernel with little memory, most of which lies idle
# in a pool: whoever needs it gets it, and nobody is killed. Prints KTAP.

# shellcheck source-path=SCRIPTDIR/../lib source=guest-lib.sh
. /guest-lib.sh

plan=26
stats=$sys/pools/pressure/stats
least=$((16 * 4096 + 32 * 16384))

kb() { # NAME
	awk -v name="$1:" '$1 == name { print $2 }' /proc/meminfo
}

# Fill memory with a file, nine tenths of what is free and what is idle in the pool.
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
	# Blocks in use may keep idle ones of their slabs.
	[ "$held" -ge $least ] && [ "$held" -le $((least + 16 * 7 * 4096)) ]
}

nobody_killed() {
	save_log
	if grep -iE 'oom|out of memory' $log; then return 1; fi
}

press() {
	held=$(cat $stats/bytes_held)
	check "a memory hog runs to its end" hog
	check "the pool gave memory back" gave_back "$held"
	check "nobody was killed" nobody_killed
}

mkdir -p /mnt
drop_log

echo "KTAP version 1"
echo "1..$plan"
check "bytepool loads" insmod /bytepool.ko
check "the test module loads" insmod /$module.ko
run pressure_begin
press
for _ in 1 2 3; do
	run pressure_again
	press
done
run pressure_again
echo 2 >/proc/sys/vm/drop_caches
check "who asks for all gets all but what is in use and reserved" holds_least
run pressure_end
check "both unload" unload $module
check "no complaints in the log" log_is_clean
end_of_plan $plan
