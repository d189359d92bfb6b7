#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs in the guest, on a stock kernel. While pools are used, go to each of the kernel's states of
# sleep, as deep as its own tests of them allow, and freeze a cgroup whose task uses a pool. At the
# end, boot the kernel again by kexec, and load the module there. Prints KTAP.

# shellcheck source-path=SCRIPTDIR/../lib source=guest-lib.sh
. /guest-lib.sh

power=/sys/power
group=/tmp/cgroup/group

# The kernel that kexec has booted goes on here. Its arguments have the numbers so far.
if grep -q after_kexec= /proc/cmdline; then
	number=$(sed 's/.*after_kexec=\([0-9]*\),.*/\1/' /proc/cmdline)
	failed=$(sed 's/.*after_kexec=[0-9]*,\([0-9]*\).*/\1/' /proc/cmdline)
	drop_log
	check "kexec: the module loads in the next kernel" insmod /bytepool.ko
	check "no complaints in its log" log_is_clean
	echo "1..$number"
	exit "$failed"
fi

# Go to a state, and come back at each of the points at which the kernel can test that. CPUs stay
# in the state "freeze".
sleeps=0
sleep_in() { # STATE
	levels="freezer devices platform"
	[ "$1" = freeze ] || levels="$levels processors core"
	for level in $levels; do
		{ echo $level >$power/pm_test && echo "$1" >$power/state; } 2>>/tmp/refused &&
			sleeps=$((sleeps + 1))
	done
}

slept() {
	cat /tmp/refused
	echo "$sleeps times"
	[ $sleeps -ge 3 ] && [ ! -s /tmp/refused ]
}

# The task reads, trims and tunes pools until it is killed.
busy() {
	while :; do
		tune_pool system 0
	done
}

frozen() {
	for _ in $(seq 50); do
		! grep -q 'frozen 1' $group/cgroup.events || return 0
		sleep 0.1
	done
	cat $group/cgroup.events
	return 1
}

freeze() {
	mount -t cgroup2 none /tmp/cgroup && mkdir $group && echo $task >$group/cgroup.procs &&
		echo 1 >$group/cgroup.freeze && frozen
}

thaw() {
	echo 0 >$group/cgroup.freeze && sleep 1 && kill $task
}

drop_log
echo "KTAP version 1"
check "bytepool loads" insmod /bytepool.ko
check "the test module loads" insmod /$module.ko
for state in freeze mem disk; do
	: >/tmp/refused
	sleeps=0
	if grep -qw $state $power/state; then
		run_and stress_contexts stress sleep_in $state
		check "$state: the kernel came back each time" slept
	else
		result ok "$state: the kernel came back each time # SKIP this machine cannot do it"
	fi
done
echo none >$power/pm_test
mkdir /tmp/cgroup
busy >/dev/null 2>&1 &
task=$!
sleep 1
check "a task that uses a pool freezes" freeze
check "others trim the pools meanwhile" timeout 20 sh -c "echo 1 >$sys/trim"
check "the task goes on" thaw
wait $task
check "both unload" unload $module
check "no complaints in the log" log_is_clean
insmod /bytepool.ko
(cd / && printf '%s\n' bin bin/busybox dev proc sys tmp init run guest-lib.sh bytepool.ko |
	cpio -o -H newc) >/tmp/initramfs 2>/dev/null
check "kexec" /kexec /kernel /tmp/initramfs "$(cat /proc/cmdline) after_kexec=$number,$failed"
exit 1
