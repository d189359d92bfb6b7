#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Sourced by the scripts that run on a debug kernel.

# shellcheck source-path=SCRIPTDIR/../lib source=guest-lib.sh
. /guest-lib.sh

# no_reports FILE: check that this part of the log has no reports.
no_reports() {
	awk -f /kernel-log "$1"
}

# Print the whole log. On the host, lib/kernel-log reads it once more.
end_of_tests() {
	save_log
	echo "1..$number"
	echo "# the kernel's log:"
	cat $log
	[ $failed = 0 ]
}
