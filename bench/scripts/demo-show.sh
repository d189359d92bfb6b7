# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# bench/scripts/bench-modules-guest sources this for scripts/demo, after programs have read from the
# ported UBI. Show its pool, and tune it. The clock of this guest does not wait while the CPU is
# idle, so that two seconds pass at once.
: "${pool:?}" "${sys:?}"

# memory: print a line about the memory of the pool.
memory() {
	echo "# the pool $pool has $(($(counter bytes_idle) / 1024)) KiB that are idle," \
		"and $(($(counter bytes_in_use) / 1024)) KiB in use"
}

# gives_back: wait until nothing is idle. GC runs four times a second.
gives_back() {
	for _ in $(seq 12); do
		[ "$(counter bytes_idle)" != 0 ] || return 0
		sleep 0.25
	done
	return 1
}

echo "# the pool $pool served $(counter allocs) allocations," \
	"and got new memory for $(counter misses) of them"
memory
echo "# setting idle_timeout_ms to 2000, and gc_interval_ms to 250"
echo 2000 >"$sys/idle_timeout_ms"
echo 250 >"$sys/gc_interval_ms"
check "after 3 s without reads, the pool has given its idle memory back" gives_back
memory
check "rmmod bytepool is refused while $pool uses it" not rmmod bytepool
