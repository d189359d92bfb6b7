#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs in the guest, on a machine of any kind: load bytepool, use it in each way that provokes no
# warning, and unload it. Prints KTAP, and exits with 1 if a check failed. On a machine with one
# CPU, the threads for CPU 1 run on CPU 0. The tests of reserves are left out there, because they
# need another CPU.

# shellcheck source-path=SCRIPTDIR/../lib source=guest-lib.sh
. /guest-lib.sh

has_line() {
	grep -q "$1" "$2"
}

cleared=$(dmesg | grep -o 'heap free:[a-z]*')
drop_log
echo "KTAP version 1"
echo "# CPUs $(cat /sys/devices/system/cpu/online) of $(cat /sys/devices/system/cpu/possible)," \
	"nodes $(cat /sys/devices/system/node/online 2>/dev/null)," \
	"with memory $(cat /sys/devices/system/node/has_memory 2>/dev/null)"
echo "# isolated $(cat /sys/devices/system/cpu/isolated)"
echo "# red zones $(cat /sys/kernel/slab/kmalloc-64/red_zone), $cleared," \
	"panic_on_warn $(cat /proc/sys/kernel/panic_on_warn)"
check "loads" insmod /bytepool.ko gc_interval_ms=100
check "the test module loads" insmod /$module.ko
tests_here="hold_begin hold_system hold_scopes idle_begin stress_contexts stress_small idle_end"
! is $cpu1 1 >/dev/null 2>&1 || tests_here="$tests_here reserve_hardirq reserve_wait"
for test in $tests_here; do
	run "$test"
done
check "the file of the classes can be read" has_line '^ *65536' /sys/kernel/debug/bytepool/held/classes
run hold_end
echo 1 >$sys/trim
check "trim gives everything back" is $sys/bytes_held 0
check "unloads" unload $module
check "the log has no complaints" log_is_clean
echo "1..$number"
[ $failed = 0 ]
