#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs in the guest: load bytepool and bytepool_torture. While that runs, do what only userspace
# can do: read all files, put memory under pressure, and inject faults if the kernel can. Prints
# KTAP.

# shellcheck source-path=SCRIPTDIR/../lib source=guest-lib.sh
. /guest-lib.sh

plan=29
module=bytepool_torture
parameters=/sys/module/$module/parameters
debug=/sys/kernel/debug
read -r seconds </seconds

running() {
	[ "$(cat $parameters/running 2>/dev/null)" = Y ]
}

#
# The background jobs
#

# Read every file. A pool may be destroyed at the same time: reading its open files fails with
# ENODEV in sysfs, and with EIO in debugfs.
gone_file='/torture-.*: No such (file|device)|read error: (No such device|Input/output error)'
read_all() {
	reads=0
	while running; do
		for dir in $sys/[!p]* $sys/pools/* $debug/bytepool/*; do
			running || return
			find "$dir" -type f -perm -400 2>/dev/null >/tmp/files
			xargs cat </tmp/files 2>&1 >/dev/null |
				grep -vE "$gone_file" >>/tmp/unreadable
			reads=$((reads + $(wc -l </tmp/files)))
			echo $reads >$parameters/reads
		done
		sleep 0.3
	done
}

available_mb() {
	awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo
}

# hog MB-LEFT: take all other memory for a moment, by a file in a tmpfs: there is no swap. /tmp
# is too small for the file, and has the log.
hog() {
	mount -t tmpfs -o size=100% tmpfs /mnt || return
	mb=0
	while running && [ "$(available_mb)" -gt "$1" ]; do
		mb=$((mb + 16))
		fallocate -l $((mb << 20)) /mnt/hog || break
	done
	umount /mnt
}

# Call all shrinkers. Have short grace periods half of the time.
press() {
	shrinks=0
	while running; do
		for expedited in 1 1 0 0; do
			echo $expedited >/sys/kernel/rcu_expedited
			echo 3 >/proc/sys/vm/drop_caches
			shrinks=$((shrinks + 1))
			echo $shrinks >$parameters/shrinks
			sleep 0.7
			running || return
		done
		hog 96
	done
}

# Print the fault attributes. Those of the kernel fail only for threads of the test. That of
# the pools fails in interrupts, too.
attributes() {
	for name in failslab fail_page_alloc fail_bytepool; do
		[ ! -d $debug/$name ] || echo $name
	done
}

faults_begin() {
	for name in $(attributes); do
		echo 0 >$debug/$name/verbose
		echo 1000000000 >$debug/$name/times
		[ $name = fail_bytepool ] || echo Y >$debug/$name/task-filter
		[ ! -e $debug/$name/ignore-gfp-wait ] || echo N >$debug/$name/ignore-gfp-wait
		[ ! -e $debug/$name/min-order ] || echo 0 >$debug/$name/min-order
		echo 100 >$debug/$name/interval
		echo 20 >$debug/$name/probability
	done
}

faults_end() {
	for name in $(attributes); do echo 0 >$debug/$name/probability; done
}

count_faults() {
	sum=0
	for name in $(attributes); do
		sum=$((sum + 1000000000 - $(cat $debug/$name/times)))
	done
	echo $sum >$parameters/faults
}

#
# The result
#

# Print the last verdict in the log.
verdict() {
	grep -a -- '--- End of test' $log | tail -n 1
}

succeeded() {
	verdict | grep -o 'End of test.*'
	verdict | grep -q 'End of test: SUCCESS'
}

# counted NAME: check that the verdict has a number above zero for NAME.
counted() {
	value=$(verdict | sed -n "s/.* $1=\([0-9]*\).*/\1/p")
	echo "$1 is ${value:-missing}"
	[ "${value:-0}" -gt 0 ]
}

bad_frees_agree() {
	value=$(verdict | sed -n 's/.* bad_frees=\([0-9]*\/[0-9]*\) .*/\1/p')
	echo "injected/counted: $value"
	[ "${value%/*}" -gt 0 ] && [ "${value%/*}" = "${value#*/}" ]
}

run_to_end() {
	insmod /$module.ko seconds="$seconds" "$@" || return
	read_all &
	press &
	while running; do
		count_faults
		sleep 1
		save_log
	done
	wait
	save_log
}

# End the test by rmmod, before its time.
run_cut_short() {
	insmod /$module.ko seconds=100000 "$@" || return
	sleep 3
	rmmod $module || return
	save_log
	succeeded
}

# Check that the log has no reports, and no block that was written to after its free. A WARNING
# at kernel/sched/deadline.c is shown, but is no failure: it came up once during CPU hotplug, and
# has no visible connection to bytepool.
no_complaints() {
	save_log
	{ awk -f /kernel-log $log; grep 'was written to' $log; } | tee /tmp/reports |
		grep -v 'kernel/sched/deadline.c' >/tmp/complaints
	sed 's/^/# /' /tmp/reports >/dev/console
	head -n 1 /tmp/complaints
	[ ! -s /tmp/complaints ]
}

# The threads of the test leave little CPU time to this script.
renice -n -10 $$ >/dev/null
# Show errors of the test on the console, in case that the kernel dies of them.
dmesg -n 2
drop_log
free_before=$(free_kb)
mkdir -p /mnt

echo "KTAP version 1"
echo "1..$plan"
forget_leaks
check "bytepool loads" insmod /bytepool.ko gc_interval_ms=20 idle_timeout_ms=200
may_fail=0
[ -z "$(attributes)" ] || may_fail=1
faults_begin
check "the torture runs to its end" run_to_end may_fail=$may_fail
check "the verdict is success" succeeded
for what in allocs frees bulk cross_cpu softirq hardirq failures races toggles pools reserves trims \
	    reads tunings shrinks; do
	check "there were $what" counted $what
done
check "bad frees are counted as injected" bad_frees_agree
if [ $may_fail = 1 ]; then
	check "there were faults" counted faults
else
	result ok "there were faults # SKIP no fault injection in this kernel"
fi
faults_end
check_leaks
check "every file can be read all the time" not grep . /tmp/unreadable
check "the module unloads" rmmod $module
check "it ends early with rmmod" run_cut_short may_fail=$may_fail
check "nothing is held" is $sys/bytes_held 0
insmod /$module.ko seconds=1 hotplug=0
while running; do sleep 0.2; done
check "both unload" unload $module
# KASAN keeps freed memory for a while, up to one thirty-second of all memory.
slack=8192
[ ! -e $kmemleak ] || slack=49152
check "memory is back" memory_is_back "$free_before" $slack
check "no complaints in the log" no_complaints
check "the OOM killer was not called" not grep "invoked oom-killer" $log
end_of_plan $plan
