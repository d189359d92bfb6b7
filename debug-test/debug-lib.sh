#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What the scripts that run on a debug kernel share, beside guest-lib.sh.

# shellcheck source-path=SCRIPTDIR/../insmod-test source=guest-lib.sh
. /guest-lib.sh

kmemleak=/sys/kernel/debug/kmemleak

# What the kernel's start, and what it can no longer tell apart, has left.
forget_leaks() {
	if [ -e $kmemleak ]; then
		echo scan=off >$kmemleak
		echo scan >$kmemleak
		echo clear >$kmemleak
	fi
}

# A leak is one when it is some seconds old and a second scan finds it the same.
# The kernel's log says how many.
find_leaks() {
	[ -e $kmemleak ] || return 0
	sleep 6
	echo scan >$kmemleak
	echo scan >$kmemleak
	sed 's/^/# /' $kmemleak
}

# no_reports FILE: in that part of the kernel's log.
no_reports() {
	awk -f /kernel-log "$1"
}

# The whole of the log is for scripts/kernel-log to read once more, on the host.
end_of_tests() {
	save_log
	echo "1..$number"
	echo "# the kernel's log:"
	cat $log
	[ $failed = 0 ]
}
