#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs in the guest, on a stock kernel with two NUMA nodes of two CPUs each: load bytepool, run
# the NUMA tests of bytepool_insmod_test, and unload it. Prints KTAP.

# shellcheck source-path=SCRIPTDIR/../lib source=guest-lib.sh
. /guest-lib.sh

plan=194
nodes=/sys/devices/system/node

has_cpus() { # NODE CPUS
	cpus=$(cat $nodes/node"$1"/cpulist)
	echo "node $1 has CPUs $cpus"
	[ "$cpus" = "$2" ]
}

drop_log

echo "KTAP version 1"
echo "1..$plan"
check "there are two nodes" is $nodes/has_memory 0-1
check "node 0 has CPUs 0 and 1" has_cpus 0 0-1
check "node 1 has CPUs 2 and 3" has_cpus 1 2-3
check "bytepool loads" insmod /bytepool.ko gc_interval_ms=20
check "the test module loads" insmod /$module.ko
for test in local named home order order_named limit only reserve reserve_spread wake \
	    exhausted trim age ping_pong exchange; do
	run_hurried numa_$test
done
check "nothing is held" is $sys/bytes_held 0
check "both unload" unload $module
check "no complaints in the log" log_is_clean
end_of_plan $plan
