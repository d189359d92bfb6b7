#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs in the guest, on a debug kernel with four CPUs: run the KUnit suite, and the tests of
# bytepool_insmod_test that neither measure time nor need much memory. Prints KTAP, and the log of
# the kernel. Any report in the log is a failure.

# shellcheck source-path=SCRIPTDIR source=debug-lib.sh
. /debug-lib.sh

suites=/sys/kernel/debug/kunit
hung_task=/proc/sys/kernel/hung_task_timeout_secs

# Loading the module runs the tests. insmod waits for each, which KUnit ends after 300 s. Meanwhile
# the kernel must not report insmod as hung.
run_kunit() {
	hung_after=$(cat $hung_task)
	echo 360 >$hung_task
	check "kunit: the suite loads" insmod /bytepool_kunit.ko slow=1
	echo "$hung_after" >$hung_task
	for suite in $suites/bytepool_*; do
		grep '^    ' "$suite/results"
		check "${suite##*/}" grep -q '^ok ' "$suite/results"
	done
	save_log
	check "kunit: the suite unloads" rmmod bytepool_kunit
}

run_insmod_test() {
	check "the test module loads" insmod /$module.ko
	rm -f /tmp/tuning
	run_and stress_contexts stress tune_pool stress 1000000000000
	run_and stress_hotplug hotplug toggle
	check "all files can be read and tuned at the same time" not cat /tmp/tuning
	for test in stress_small stress_limit race_threads race_bulk race_hardirq \
		    race_ring race_trim race_limit reserve_hardirq reserve_wait \
		    reserve_wait_many hostile_gfp hostile_sizes hostile_frees hostile_leak \
		    trim_offline hold_begin hold_end hold_system hold_scopes; do
		run_hurried $test
	done
	check "the test module unloads" rmmod $module
}

save_log
forget_leaks

echo "KTAP version 1"
check "bytepool loads" insmod /bytepool.ko
run_kunit
run_insmod_test
check "bytepool unloads" rmmod bytepool
check_leaks
save_log
check "no reports in the kernel's log" no_reports $log
end_of_tests
