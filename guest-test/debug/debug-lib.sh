#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What the scripts that run on a debug kernel share, beside guest-lib.sh.

# shellcheck source-path=SCRIPTDIR/../lib source=guest-lib.sh
. /guest-lib.sh

# no_reports FILE: in that part of the kernel's log.
no_reports() {
	awk -f /kernel-log "$1"
}

# The whole of the log is for lib/kernel-log to read once more, on the host.
end_of_tests() {
	save_log
	echo "1..$number"
	echo "# the kernel's log:"
	cat $log
	[ $failed = 0 ]
}
