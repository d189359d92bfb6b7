# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2154
#
# The tests that scripts/suite/sample runs in the guest, with the call sites of
# Documentation/porting.rst.

all_are_the_same() {
	save_log
	[ "$(grep -c 'porting: .*: the same before and after' $log)" = 5 ]
}

check "insmod porting" insmod /porting.ko
check "five call sites do the same before and after" all_are_the_same
check "rmmod porting" rmmod porting
check "no warning in the kernel log" log_is_clean
