#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs in the guest, on a stock kernel with two CPUs: load bytepool, use it from
# bytepool_insmod_test, change CPUs, limits and other tunables at the same time, and unload it.
# Prints KTAP, and exits with 1 if a check failed. This script runs on CPU 0, because the tests
# use CPU 1.

# shellcheck source-path=SCRIPTDIR/../lib source=guest-lib.sh
. /guest-lib.sh

plan=213
tracing=/sys/kernel/tracing

expect_warning() {
	echo "<6>bytepool-test: expect-warning $*" >/dev/kmsg
}

#
# Load and unload
#

load() {
	insmod /bytepool.ko "$@" && loaded bytepool && [ -d $pools/system ]
}

load_is_refused() {
	if insmod /bytepool.ko "$@" 2>/dev/null; then
		rmmod bytepool
		return 1
	fi
	not loaded bytepool && [ ! -e $sys ]
}

unload_is_refused() {
	if rmmod bytepool 2>/dev/null; then return 1; fi
	loaded bytepool && [ -d $pools/system ]
}

check_load() {
	check "loads" load
	check "defaults: idle_timeout_ms" is $sys/idle_timeout_ms 300000
	check "defaults: gc_interval_ms" is $sys/gc_interval_ms 10000
	check "unloads" unload
	expect_warning begin parameters
	for parameter in gc_interval_ms=5 gc_interval_ms=x gc_interval_ms= gc_interval_ms=3600001 \
			 gc_interval_ms=-10 idle_timeout_ms=x idle_timeout_ms=-1 \
			 idle_timeout_ms=4294967296; do
		check "does not load with $parameter" load_is_refused $parameter
	done
	expect_warning end
	check "loads with parameters" load gc_interval_ms=10 idle_timeout_ms=0
	check "parameters: idle_timeout_ms" is $sys/idle_timeout_ms 0
	check "parameters: gc_interval_ms" is $sys/gc_interval_ms 10
	check "unloads again" unload
	check "loads again" load
	check "the test module loads" insmod /$module.ko
	check "does not unload while used" unload_is_refused
}

# Unload while the shared pool has idle memory and the GC is armed.
unload_used() {
	insmod /bytepool.ko gc_interval_ms=10 idle_timeout_ms=20 && insmod /$module.ko || return
	cat $tests/hold_system >/tmp/hold_system
	grep -q '^ok' /tmp/hold_system || return
	unload $module && sleep 0.2
}

check_unload() {
	check "the test module unloads" rmmod $module
	check "unloads after use" unload
	check "loads and unloads once more" unload_used
	check "loads and unloads a third time" unload_used
	check "no memory counts as reclaimable" reclaimable_is 0
	check "memory is back" memory_is_back "$free_before" 3072
}

#
# The files in sysfs
#

at_least() {
	read -r value <"$1" && echo "$1 is $value" && [ "$value" -ge "$2" ]
}

tree() {
	echo 644 idle_timeout_ms
	echo 644 gc_interval_ms
	echo 444 bytes_held
	echo 200 trim
	pool_tree system
}

pool_tree() { # NAME
	for file in idle_timeout_ms limit_bytes; do echo 644 "pools/$1/$file"; done
	for file in min_size max_size nr_classes flags; do echo 444 "pools/$1/$file"; done
	for file in gc trim; do echo 200 "pools/$1/$file"; done
	for file in $stats_files; do echo 444 "pools/$1/stats/$file"; done
}

has_files() {
	while read -r mode file; do
		found=$(stat -c %a "$sys/$file") || return
		[ "$found" = "$mode" ] || { echo "$file has mode $found" && return 1; }
	done
}

has_tree() { tree | has_files; }
has_pool_tree() { pool_tree "$1" | has_files; }

only_root_writes() {
	found=$(find $sys ! -user 0 -o -type f -perm -020 -o -type f -perm -002)
	echo "$found"
	[ -z "$found" ]
}

# refuses FILE VALUE...: check that each value is refused, and changes nothing.
refuses() {
	file=$1
	shift
	before=$(cat "$file" 2>/dev/null)
	for value; do
		if printf '%s\n' "$value" 2>/dev/null >"$file"; then
			echo "took '$value'" && return 1
		fi
		[ "$(cat "$file" 2>/dev/null)" = "$before" ] ||
			{ echo "changed with '$value'" && return 1; }
	done
}

takes() { # FILE VALUE [SHOWN]
	printf '%s\n' "$2" >"$1" && is "$1" "${3:-$2}"
}

check_sysfs() {
	system=$pools/system
	check "sysfs: every file is there with its mode" has_tree
	check "sysfs: only root writes" only_root_writes
	check "sysfs: the shared pool's min_size" is $system/min_size 8
	check "sysfs: the shared pool's max_size" is $system/max_size 4194304
	check "sysfs: the shared pool's nr_classes" is $system/nr_classes 72
	check "sysfs: the shared pool has no limit" is $system/limit_bytes 0
	check "sysfs: the shared pool follows the module's timeout" is $system/idle_timeout_ms default
	check "sysfs: nothing is held" is $sys/bytes_held 0
	bad="x -1 99999999999999999999 1.5 10x"
	# shellcheck disable=SC2086 # a list
	{
		check "sysfs: gc_interval_ms refuses invalid values" \
			refuses $sys/gc_interval_ms '' '1 2' 5 9 3600001 $bad
		check "sysfs: idle_timeout_ms refuses invalid values" \
			refuses $sys/idle_timeout_ms '' '1 2' default 4294967296 $bad
		check "sysfs: a pool's idle_timeout_ms refuses invalid values" \
			refuses $system/idle_timeout_ms '' '1 2' Default 4294967296 $bad
		check "sysfs: a pool's limit_bytes refuses invalid values" \
			refuses $system/limit_bytes '' '1 2' 1k $bad
		for file in $sys/trim $system/trim $system/gc; do
			check "sysfs: ${file#"$sys"/} refuses invalid values" \
				refuses "$file" '' 0 2 '1 1' $bad
		done
	}
	check "sysfs: gc_interval_ms takes its minimum" takes $sys/gc_interval_ms 10
	check "sysfs: gc_interval_ms takes its maximum" takes $sys/gc_interval_ms 3600000
	check "sysfs: idle_timeout_ms" takes $sys/idle_timeout_ms 0
	check "sysfs: a pool's idle_timeout_ms" takes $system/idle_timeout_ms 12345
	check "sysfs: a pool's idle_timeout_ms follows again" takes $system/idle_timeout_ms default
	check "sysfs: a pool's limit_bytes" takes $system/limit_bytes 10000000000
	check "sysfs: a pool has no limit again" takes $system/limit_bytes 0
	echo 300000 >$sys/idle_timeout_ms
	echo 10000 >$sys/gc_interval_ms
}

#
# A pool with blocks in use, and idle blocks in the caches of CPU 1
#

held_stats() {
	stats=$pools/held/stats
	is $stats/blocks_in_use 56 && is $stats/bytes_in_use 2362496 &&
		is $stats/allocs 112 && is $stats/frees 56 &&
		is $stats/failures 0 && is $stats/bad_frees 0 &&
		at_least $stats/blocks_idle 64 && at_least $stats/bytes_idle 2395264 &&
		at_least $stats/bytes_held 4757760 && is $sys/bytes_held "$(cat $stats/bytes_held)" &&
		sum_is_allocs
}

sum_is_allocs() {
	echo "hits and misses are not allocs"
	[ $(($(cat "$stats/hits") + $(cat "$stats/misses"))) = "$(cat "$stats/allocs")" ]
}

# Do not record the names of processes: that patches __schedule(), and some guests died of it
# because the threads of QEMU missed the change.
trace_gc() {
	[ -e $tracing/trace ] || mount -t tracefs tracefs $tracing
	echo 0 >$tracing/options/record-cmd
	echo 1 >$tracing/events/workqueue/workqueue_execute_start/enable
}

# Begin or end a trace of the events of bytepool.
trace_bytepool() { # 1|0
	[ "$1" = 0 ] || echo >$tracing/trace
	echo "$1" >$tracing/events/bytepool/enable
}

traced() { # EVENT REGEXP
	grep -qE " $1: pool=$2" $tracing/trace
}

check_traced() {
	nr='[1-9][0-9]*' block='block=[^ ]+' by='caller=.*\[bytepool_insmod_test\]'
	check "traced: a miss" traced alloc "system size=$nr class=$nr $block gfp=GFP_KERNEL[^ ]* miss $by"
	check "traced: a hit" traced alloc "system .* hit $by"
	check "traced: a free" traced free "system class=$nr $block $by"
	check "traced: a slab from the system" traced grow "system class=$nr blocks=$nr bytes=$nr node="
	check "traced: a slab to the system" traced shrink "system class=$nr blocks=$nr bytes=$nr age_ms="
	check "traced: a trim" traced gc "system why=trim blocks=$nr bytes=$nr held=0"
}

# wakeups SECONDS: print how often a work item of bytepool runs in that time.
wakeups() {
	echo >$tracing/trace
	sleep "$1"
	grep -c '\[bytepool\]' $tracing/trace
}

# Return true if one of three seconds is without a wakeup. A pass that was due before may come
# late. A pool that is awake has wakeups in each second.
is_quiet() {
	for _ in 1 2 3; do
		nr=$(wakeups 1)
		echo "$nr wakeups"
		[ "$nr" != 0 ] || return 0
	done
	return 1
}

is_awake() {
	nr=$(wakeups 0.5)
	echo "$nr wakeups"
	[ "$nr" -gt 5 ]
}

# Print the number of interrupts that other CPUs sent to CPU 1.
cpu1_interrupts() {
	awk '/^ *(RES|CAL|TLB|IWI):/ { n += $3 } END { print n }' /proc/interrupts
}

holds_all() {
	held=$(cat $pools/held/stats/bytes_held)
	echo "$held bytes held, of $held_before"
	[ "$held" = "$held_before" ]
}

# The pool holds the blocks in use, the two slabs of the small ones, and the reserve.
holds_least() {
	read -r held <$pools/held/stats/bytes_held
	echo "$held bytes held"
	[ "$held" -ge 2362496 ] && [ "$held" -le 2420000 ]
}

# wait_for TENTHS COMMAND...: wait until the command succeeds, or TENTHS of a second are over. Start
# no program meanwhile, because on PREEMPT_RT this interrupts the other CPU.
wait_for() {
	tenths=$1
	shift
	while [ "$tenths" -gt 0 ] && ! "$@" >/dev/null; do
		tenths=$((tenths - 1))
		# shellcheck disable=SC3045 # busybox has -t
		read -rt 0.1 _ <>/tmp/silent
	done
}

# Check that idle memory in the caches of CPU 1 is freed while CPU 1 is busy in userspace, and that
# it has few interrupts. PREEMPT_RT has some all the time, so there it may have twice as many as
# usual.
goes_undisturbed() {
	mkfifo /tmp/silent
	echo 3600000 >$sys/gc_interval_ms
	usual=$(cpu1_interrupts)
	wait_for 20 false
	usual=$(($(cpu1_interrupts) - usual))
	echo 10 >$sys/gc_interval_ms
	most=10
	case $(uname -v) in
	*PREEMPT_RT*) [ $usual -le 5 ] || most=$((2 * usual)) ;;
	esac
	interrupts=$(cpu1_interrupts)
	echo 100 >$sys/idle_timeout_ms
	wait_for 100 holds_least
	interrupts=$(($(cpu1_interrupts) - interrupts))
	echo "# CPU 1 had $interrupts interrupts from CPU 0, and $usual without a pass" >/dev/console
	holds_least && echo "$interrupts interrupts, usually $usual" &&
		[ $interrupts -le $most ]
}

check_held() {
	run hold_begin
	held_before=$(cat $pools/held/stats/bytes_held)
	check "held: the pool's files are there" has_pool_tree held
	check "held: the statistics are exact" held_stats
	echo 10 >$sys/gc_interval_ms
	check "held: memory that never ages causes no wakeups" is_quiet
	echo 60000 >$pools/held/idle_timeout_ms
	check "held: memory that ages causes wakeups" is_awake
	check "held: memory stays until it is old" holds_all
	echo default >$pools/held/idle_timeout_ms
	check "held: the module's timeout is longer" holds_all
	spin_start
	check "held: idle memory is freed, and CPU 1 is not interrupted" goes_undisturbed
	spin_stop
	check "held: memory in use and in reserve causes no wakeups" is_quiet
	run hold_end
	echo 300000 >$sys/idle_timeout_ms
	trace_bytepool 1
	cat $tests/hold_system >/dev/null
	run hold_system
	check "system: idle memory is counted" not is $sys/bytes_held 0
	echo 1 >$sys/trim
	trace_bytepool 0
	check "system: trim gives everything back" is $sys/bytes_held 0
	check_traced
	sleep 1
	runs=$(cat $pools/system/stats/gc_runs)
	check "system: with nothing idle there are no wakeups" is_quiet
	check "system: with nothing idle there are no passes" is $pools/system/stats/gc_runs "$runs"
	run hold_scopes
}

#
# Idle memory: the kernel counts it as reclaimable, and the pool gives it back before some events
#

# Print the pages of bytepool that the kernel counts as reclaimable. Include the pages that CPUs
# have not reported yet. On these kernels, only bytepool counts such pages.
reclaimable() {
	cat /proc/sys/vm/stat_refresh
	awk '$1 == "nr_kernel_misc_reclaimable" { print $2 }' /proc/vmstat
}

reclaimable_is() { # PAGES
	pages=$(reclaimable)
	echo "$pages pages, not $1"
	[ "$pages" = "$1" ]
}

meminfo() { # FIELD
	awk -v field="$1:" '$1 == field { print $2 }' /proc/meminfo
}

# Return true if a field of /proc/meminfo is about 64 MiB above $2 kB.
is_64m_more() { # FIELD KB
	now=$(meminfo "$1")
	echo "$1 was $2 kB, and is $now kB"
	[ $((now - $2)) -ge 60000 ] && [ $((now - $2)) -le 72000 ]
}

# Make a pool with 64 MiB of idle memory, run the command, and check that the pool holds nothing.
idle_leaves() { # COMMAND...
	run idle_begin
	check "idle: $1 makes idle memory leave" idle_left_by "$@"
	run idle_end
}

idle_left_by() { # COMMAND...
	echo "the pool holds its memory"
	"$@" 2>&1
	is $pools/idle/stats/bytes_held 0
}

# Take one block of memory after the other offline, until the pool has none. Most are in use, and
# come online again by themselves.
memory_offline() {
	for block in /sys/devices/system/memory/memory[0-9]*; do
		echo offline >"$block/state" 2>/dev/null && echo online >"$block/state"
		! is $pools/idle/stats/bytes_held 0 >/dev/null || return 0
	done
}

# Begin to hibernate, and go back after the tasks are frozen.
hibernate() {
	echo freezer >/sys/power/pm_test && echo disk >/sys/power/state
}

check_idle() {
	echo 1 >$sys/trim
	check "idle: nothing counts as reclaimable" reclaimable_is 0
	before=$(meminfo KReclaimable)
	run idle_begin
	check "idle: all idle memory counts as reclaimable" reclaimable_is 16384
	check "idle: KReclaimable has it" is_64m_more KReclaimable "$before"
	echo 1 >$pools/idle/trim
	check "idle: what is given back does not count" reclaimable_is 0
	run idle_end
	idle_leaves memory_offline
	if grep -q disk /sys/power/state && [ -e /sys/power/pm_test ]; then
		idle_leaves hibernate
	else
		for _ in 1 2 3; do
			result ok "idle: hibernate makes idle memory leave # SKIP not in this kernel"
		done
	fi
	run idle_begin
	run idle_end
	check "idle: a pool that ends takes its memory off the count" reclaimable_is 0
}

#
# Tests with a part in this script
#

spin_start() {
	taskset 2 sh -c 'while :; do :; done' &
	spinner=$!
	sleep 0.2
}

spin_stop() {
	kill $spinner
	wait $spinner 2>/dev/null
}

was_toggled() {
	echo "$toggles times"
	[ "$toggles" -ge 2 ] && is $cpu1 1
}

check_stress() {
	rm -f /tmp/tuning
	run_and stress_contexts stress tune_pool stress 1000000000000
	check "stress: all files can be read and tuned at the same time" not cat /tmp/tuning
	run_and stress_hotplug hotplug toggle
	check "hotplug: all files can be read and tuned at the same time" not cat /tmp/tuning
	check "hotplug: CPU 1 went offline and online" was_toggled
	echo 100 >$sys/gc_interval_ms
	run_hurried stress_small
	run stress_limit
	run stress_original
}

check_age() {
	echo 200 >$sys/gc_interval_ms
	run age_idle
	spin_start
	run age_busy
	spin_stop
	run age_offline
	run trim_offline
}

#
# The log of the kernel
#

gfp_is_harmless() {
	warned hostile-gfp 'no pool serves a memory zone' || return
	log_part hostile-gfp | grep -E "$complaints" && return 1
	return 0
}

warned() { # TEST PATTERN
	log_part "$1" | grep -q "$2"
}

check_log() {
	save_log
	check "log: a refused parameter is explained" warned parameters 'bytepool: .*gc_interval_ms'
	for test in double-free double-free-bulk double-free-trim double-free-hardirq hostile-frees; do
		check "log: $test is warned about" warned $test 'WARNING: .*bytepool'
		check "log: $test names the pool" warned $test "$test: bad free"
	done
	check "log: a leak is warned about" warned leaky 'leaky.*3'
	check "log: a memory zone is refused, with no other message" gfp_is_harmless
	check "log: no other complaints" log_is_clean
}

taskset -p 1 $$ >/dev/null
drop_log
trace_gc
free_before=$(free_kb)

echo "KTAP version 1"
echo "1..$plan"
check_load
check_sysfs
check_held
check_idle
check_stress
for test in race_threads race_bulk race_hardirq race_ring reserve_hardirq reserve_wait \
	    reserve_wait_many hostile_sizes hostile_leak; do
	run $test
done
trace_bytepool 1
run hostile_frees
trace_bytepool 0
check "traced: a bad free" traced bad_free 'hostile-frees block=[^ ]+ why="[a-z ]+" caller='
for test in race_trim race_limit hostile_gfp; do
	run_hurried $test
done
check_age
check_unload
check_log
end_of_plan $plan
