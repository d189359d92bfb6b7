#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs in the guest: load bytepool and bytepool_torture, and while that runs, do
# what only userspace can: read all files, press on memory, inject faults where
# the kernel can. Prints KTAP.

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
# What goes on meanwhile, each in the background
#

# Read every file. Pools come and go, and so do their files: what was open then
# says ENODEV in sysfs, and EIO in debugfs.
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

# Take all memory but so much, for a moment. A file in memory cannot go elsewhere.
# It is not in /tmp, which has no room for it, and where the log is.
hog() { # MB-LEFT
	mount -t tmpfs -o size=100% tmpfs /mnt || return
	mb=0
	while running && [ "$(available_mb)" -gt "$1" ]; do
		mb=$((mb + 16))
		fallocate -l $((mb << 20)) /mnt/hog || break
	done
	umount /mnt
}

# Have all that can shrink shrink; half of the time with short grace periods.
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

# Faults are injected for threads of the test only, by what fails for all it knows;
# the pools' own attribute fails in interrupts, too.
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
# What it comes to
#

# The last verdict in the log.
verdict() {
	grep -a -- '--- End of test' $log | tail -n 1
}

succeeded() {
	verdict | grep -o 'End of test.*'
	verdict | grep -q 'End of test: SUCCESS'
}

# counted NAME: the verdict has a number above zero for it.
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

# rmmod ends it, whatever is left of its time.
run_cut_short() {
	insmod /$module.ko seconds=100000 "$@" || return
	sleep 3
	rmmod $module || return
	save_log
	succeeded
}

# A WARNING at kernel/sched/deadline.c, in which bytepool has no part that can be
# seen, came up once while CPUs came and went: shown, but no failure. Nobody writes
# to free blocks here.
no_complaints() {
	save_log
	{ awk -f /kernel-log $log; grep 'was written to' $log; } | tee /tmp/reports |
		grep -v 'kernel/sched/deadline.c' >/tmp/complaints
	sed 's/^/# /' /tmp/reports >/dev/console
	head -n 1 /tmp/complaints
	[ ! -s /tmp/complaints ]
}

# The test's threads leave little to others.
renice -n -10 $$ >/dev/null
# What the test says of errors is to be seen, also if the kernel dies of them.
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
	result ok "there were faults # SKIP this kernel does not inject any"
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
# KASAN keeps what was freed for a while, up to a thirty-second of memory.
slack=8192
[ ! -e $kmemleak ] || slack=49152
check "memory is back" memory_is_back "$free_before" $slack
check "no complaints in the log" no_complaints
check "the OOM killer was not called" not grep "invoked oom-killer" $log
end_of_plan $plan
