#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs in the guest, on a kernel with fault injection: load bytepool.ko while each of its
# allocations fails in turn, while its name in sysfs is taken, and while there is almost no memory.
# The load must fail with an error, leave nothing behind, and succeed the next time. Prints KTAP,
# and the log of the kernel.

# shellcheck source-path=SCRIPTDIR source=debug-lib.sh
. /debug-lib.sh

debugfs=/sys/kernel/debug
kthreadd=2

unload() {
	rmmod bytepool && nothing_left
}

loads() {
	insmod /bytepool.ko && [ -d $pools/system ] && unload
}

# Check that the kernel has no object left with a name that bytepool gives.
nothing_left() {
	# ls fails where one of them is not there.
	left=$(ls -d /sys/kernel/*bytepool* /sys/module/bytepool $debugfs/*bytepool* \
		$debugfs/shrinker/*bytepool* /sys/kernel/slab/*bytepool* \
		/sys/devices/virtual/workqueue/*bytepool* 2>/dev/null)
	[ -z "$left" ] || { echo "$left" && return 1; }
	grep bytepool /proc/modules /sys/devices/system/cpu/hotplug/states && return 1
	ps | grep '[k]worker/.*bytep' && return 1
	return 0
}

percpu_kb() {
	awk '/^Percpu:/ { print $2 }' /proc/meminfo
}

# Check that per-CPU memory was freed. The kernel keeps some pages of it.
percpu_is_back() { # KB-BEFORE
	after=$(percpu_kb)
	echo "$after kB, $1 before"
	[ "$after" -le $(($1 + 512)) ]
}

# fail_each PID: load while each allocation of that task fails in turn, until there are no more.
fail_each() {
	failures=0 survived=0 nth=0
	while [ $nth -lt 5000 ]; do
		nth=$((nth + 1))
		said=$(/load-nth $nth "$1" /bytepool.ko) || { echo "$said" && return 1; }
		case $said in
		"0 0") break ;;
		"0 1") survived=$((survived + 1)) && rmmod bytepool || return ;;
		"12 1") failures=$((failures + 1)) ;;
		*) echo "allocation $nth: error and hit are $said" && return 1 ;;
		esac
		# Leftovers stay, so it is enough to look after every 16th failure and at the end.
		[ $((nth % 16)) != 0 ] || nothing_left ||
			{ echo "after allocation $nth" && return 1; }
	done
	echo "# $1: $failures failures were fatal and $survived were not" >/dev/console
	echo $failures >/tmp/failures
	unload
}

# Let every allocation fail, also one that may sleep, and without a message.
fail_all() {
	for attr in failslab fail_page_alloc; do
		echo N >$debugfs/$attr/ignore-gfp-wait
		echo 0 >$debugfs/$attr/verbose
	done
	echo N >$debugfs/fail_page_alloc/ignore-gfp-highmem
	echo 0 >$debugfs/fail_page_alloc/min-order
}

many_failed() {
	read -r failures </tmp/failures && echo "$failures" && [ "$failures" -ge "$1" ]
}

insmod_fails() {
	not insmod /bytepool.ko && not loaded bytepool
}

# Load while there is a directory /sys/kernel/bytepool already.
check_sysfs_taken() {
	check "sysfs: another module takes /sys/kernel/bytepool" insmod /bytepool_occupy.ko sysfs=1
	check "sysfs: bytepool does not load then" insmod_fails
	rmmod bytepool_occupy
	check "sysfs: nothing is left" nothing_left
	check "sysfs: it loads afterwards" loads
}

# starved KB: load while another module leaves only so much memory.
starved() {
	least=$(cat /proc/sys/vm/min_free_kbytes)
	insmod /bytepool_occupy.ko leave_kb=$((least + $1)) || return
	sh -c 'echo 1000 >/proc/self/oom_score_adj; exec insmod /bytepool.ko' 2>/tmp/said
	status=$?
	rmmod bytepool_occupy || return
	cat /tmp/said
	[ $status = 0 ] || echo $status >/tmp/starved
	# If insmod was killed during init, the module may be loaded.
	if [ -e /sys/module/bytepool ]; then unload; else nothing_left; fi
}

check_starved() {
	echo -1000 >/proc/self/oom_score_adj
	for kb in 4096 2048 1024 512 256 128 64; do
		check "memory: loads with $kb kB, or leaves nothing" starved $kb
		check "memory: loads afterwards" loads
	done
	check "memory: some loads failed" [ -e /tmp/starved ]
}

drop_log
fail_all
forget_leaks
loads
percpu=$(percpu_kb)

# lib/kernel-log lets some warnings of the kernel pass between these lines.
echo "bytepool-test: no-memory begin" >/dev/kmsg
echo "KTAP version 1"
check "allocations: each fails in turn" fail_each self
check "allocations: many were fatal" many_failed 50
check "threads: each allocation for one fails in turn" fail_each $kthreadd
check "it loads afterwards" loads
check "per-CPU memory is back" percpu_is_back $percpu
check_sysfs_taken
check_starved
echo "bytepool-test: no-memory end" >/dev/kmsg
check_leaks
save_log
check "no reports in the kernel's log" no_reports $log
end_of_tests
