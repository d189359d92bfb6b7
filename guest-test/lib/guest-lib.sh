#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Sourced by the scripts that run in a guest. $log has the messages of the kernel so far.
# $number and $failed count the checks.

module=bytepool_insmod_test
sys=/sys/kernel/bytepool
pools=$sys/pools
cpu1=/sys/devices/system/cpu/cpu1/online
tests=/sys/kernel/debug/$module
log=/tmp/kernel-log
kmemleak=/sys/kernel/debug/kmemleak
number=0
failed=0

result() { # OK NAME [WHY]
	number=$((number + 1))
	if [ "$1" = ok ]; then
		echo "ok $number - $2"
	else
		failed=$((failed + 1))
		echo "not ok $number - $2 # $3"
	fi
}

# check NAME COMMAND...: check that the command succeeds. Its output is the reason if not.
check() {
	check_name=$1
	shift
	if why=$("$@" 2>&1); then
		result ok "$check_name"
	else
		result no "$check_name" "$(echo "$why" | tr '\n' ' ')"
	fi
}

not() {
	! "$@"
}

# Move the messages of the kernel to the log, so that its buffer does not overflow.
save_log() {
	dmesg -r -c >>$log
}

# Forget the messages from before the tests.
drop_log() {
	save_log
	rm $log
}

# results FILE: report the checks that a test printed to FILE.
results() {
	while read -r line; do
		case $line in
		"ok "*) result ok "${line#ok }" ;;
		"not ok "*)
			line=${line#not ok }
			result no "${line%% # *}" "${line#* # }" ;;
		esac
	done <"$1"
	[ -s "$1" ] || result no "${1##*/}" "no check"
	save_log
}

run() {
	cat "$tests/$1" >"/tmp/$1"
	results "/tmp/$1"
}

is() { # FILE VALUE
	read -r value <"$1" && echo "$1 is $value" && [ "$value" = "$2" ]
}

loaded() {
	grep -q "^$1 " /proc/modules
}

# Print MemFree and the free pages in the lists of the CPUs, in kB. Slab caches keep freed objects,
# since 6.18 in sheaves, which drop_caches does not empty.
free_kb() {
	echo 3 >/proc/sys/vm/drop_caches
	for cache in /sys/kernel/slab/*/shrink; do
		[ ! -e "$cache" ] || echo 1 >"$cache"
	done
	sleep 0.5
	awk '/^MemFree:/ { kb += $2 } $1 == "count:" { kb += 4 * $2 } END { print kb }' \
		/proc/meminfo /proc/zoneinfo
}

memory_is_back() { # KB-BEFORE KB-LESS
	after=$(free_kb)
	echo "$1 kB were free, and $after kB are"
	[ "$after" -ge $(($1 - $2)) ]
}

unload() { # [MODULE...]
	rmmod "$@" bytepool && not loaded bytepool && [ ! -e $sys ]
}

# Run a test with short grace periods, so that more happens in less time.
run_hurried() {
	echo 1 >/sys/kernel/rcu_expedited
	run "$1"
	echo 0 >/sys/kernel/rcu_expedited
}

# busy: print how many instructions the CPU has executed since the boot of a guest that counts them.
# QEMU's clock advances by a nanosecond for each instruction, and jumps if the CPU is idle.
busy() {
	awk '/^now at/ || /idle_sleeptime/ { print $3 }' /proc/timer_list | {
		read -r now
		read -r idle
		echo $((now - idle))
	}
}

# own_cost: print how many instructions a call of busy adds to a count.
own_cost() {
	busy >/dev/null
	begin=$(busy)
	echo $(($(busy) - begin))
}

stats_files="bytes_held bytes_in_use bytes_idle blocks_in_use blocks_idle allocs frees hits
	misses failures bad_frees gc_runs reclaimed_blocks reclaimed_bytes"

# gone FILE: return true if the file of a pool is gone, or disappears within 5 s.
gone() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ -e "$1" ] || return 0
		sleep 0.5
	done
	[ ! -e "$1" ]
}

# tune FILE VALUE: write to a file of a pool, which may be destroyed at the same time.
tune() {
	echo "$2" 2>/dev/null >"$1" || gone "$1" || echo "cannot write $2 to $1" >>/tmp/tuning
}

tune_pool() { # POOL LIMIT
	dir=$pools/$1
	for file in $stats_files; do
		read -r value 2>/dev/null <"$dir/stats/$file" || gone "$dir" ||
			echo "cannot read $file" >>/tmp/tuning
	done
	tune "$dir/limit_bytes" "$2"
	tune "$dir/idle_timeout_ms" 20
	tune "$dir/gc" 1
	tune "$sys/gc_interval_ms" 10
	tune "$dir/limit_bytes" 0
	tune "$dir/trim" 1
	tune "$dir/idle_timeout_ms" default
	tune "$sys/trim" 1
	tune "$sys/gc_interval_ms" 100
}

# run_and TEST POOL COMMAND...: run a test, and the command again and again while the pool of
# the test exists.
run_and() {
	test=$1 pool=$2
	shift 2
	cat "$tests/$test" >"/tmp/$test" &
	reader=$!
	# The directory appears before its files, of which this is the last.
	while [ ! -e "$pools/$pool/stats/reclaimed_bytes" ] && kill -0 $reader; do
		sleep 0.01
	done
	while [ -d "$pools/$pool" ]; do "$@"; done
	wait $reader
	results "/tmp/$test"
}

toggles=0
toggle() {
	tune_pool hotplug 3000000
	echo 0 >$cpu1
	tune_pool hotplug 1
	echo 1 >$cpu1 2>/dev/console
	toggles=$((toggles + 1))
}

# Messages of the kernel that no test may cause.
complaints='BUG|WARNING|Oops|Call Trace|stall|lockup|Bad page|UBSAN|KFENCE|blocked for more'
complaints="$complaints|general protection|allocation failure"

# Print the log without the parts in which tests provoke warnings, or the part of one test.
log_part() { # out|TEST
	awk -v part="$1" '
		/bytepool-test: expect-warning begin/ { here = $NF; next }
		/bytepool-test: expect-warning end/ { here = ""; next }
		part == "out" ? here == "" : here == part' $log
}

# A message of bytepool or a sample above the level of information is a complaint, too.
log_is_clean() {
	save_log
	log_part out | grep -E "$complaints|"'^<[0-4]>.*byte(pool|fifo|zip): ' |
		grep -v 'loading out-of-tree module\|module verification failed' >/tmp/complaints
	sed 's/^/# /' /tmp/complaints >/dev/console
	head -n 1 /tmp/complaints
	[ ! -s /tmp/complaints ]
}

# Ignore the leaks that kmemleak has found so far.
forget_leaks() {
	if [ -e $kmemleak ]; then
		echo scan=off >$kmemleak
		echo scan >$kmemleak
		echo clear >$kmemleak
	fi
}

# Scan for leaks. kmemleak reports a leak that is some seconds old and that a second scan
# finds unchanged, and writes their number to the log. A kmemleak that had no memory for its
# records refuses to scan.
find_leaks() {
	[ -e $kmemleak ] || return 0
	sleep 6
	echo scan >$kmemleak && echo scan >$kmemleak || return
	sed 's/^/# /' $kmemleak
}

# Check that there are no leaks, and show leaks on the console.
nothing_leaks() {
	find_leaks >/tmp/leaks || return
	cat /tmp/leaks >/dev/console
	not grep -m 1 unreferenced /tmp/leaks
}

check_leaks() {
	if [ -e $kmemleak ]; then
		check "nothing leaks" nothing_leaks
	else
		result ok "nothing leaks # SKIP no kmemleak in this kernel"
	fi
}

end_of_plan() { # PLAN
	[ $number = "$1" ] || echo "# $number checks, not $1"
	[ $failed = 0 ] && [ $number = "$1" ]
}
