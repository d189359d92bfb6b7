#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs in the guest, on a debug kernel: plant each kind of bug that this kernel has to report, and
# check that the report is found in the log. Prints KTAP, and the log.

# shellcheck source-path=SCRIPTDIR source=debug-lib.sh
. /debug-lib.sh

part=/tmp/part

plant() { # BUG
	save_log
	insmod /bytepool_planted.ko "bug=$1" && rmmod bytepool_planted || return
	case $1 in
	*leak) find_leaks ;;
	esac
	dmesg -r -c >$part
	cat $part >>$log
}

is_reported() { # BUG PATTERN
	plant "$1" || return
	if no_reports $part >/tmp/found; then
		echo "no report"
		return 1
	fi
	cat /tmp/found
	grep -q "$2" /tmp/found
}

no_bug() {
	plant none && no_reports $part
}

# Print the bugs for this kernel, in an order in which none hides the next: lockdep reports once,
# and not at all after a report of KASAN.
bugs() {
	echo no_rcu_lock 'suspicious RCU'
	echo sleep_in_atomic 'BUG: sleeping function'
	case $(uname -r) in
	*-debug)
		echo lock_order 'possible circular'
		echo leak 'kmemleak: 1 new'
		echo shift 'UBSAN: shift'
		echo free_timer 'ODEBUG: free active'
		echo block_leak 'kmemleak: 1 new'
		echo mapped_leak 'kmemleak: 1 new'
		echo list_twice 'WARNING: .*__list_add_valid'
		echo warn 'WARNING: .*planted'
		echo out_of_bounds 'KASAN: vmalloc-out-of-bounds'
		echo use_after_free 'KASAN: slab-use-after-free'
		echo block_after_free 'KASAN: use-after-free' ;;
	*-kcsan)
		echo lock_order 'possible circular'
		echo race 'KCSAN: data-race in racer' ;;
	*-rt)
		echo lock_nesting 'Invalid wait context' ;;
	esac
}

drop_log
forget_leaks

echo "KTAP version 1"
check "bytepool loads" insmod /bytepool.ko
check "no bug, no report" no_bug
bugs >/tmp/bugs
while read -r bug pattern; do
	check "$bug is reported" is_reported "$bug" "$pattern"
done </tmp/bugs
end_of_tests
