# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Sourced by scripts that test on the host, and print KTAP.

echo "KTAP version 1"
number=0 failed=0

# check NAME COMMAND...: report whether COMMAND succeeds; if not, show the end of its output.
check() {
	local name=$1 said
	shift
	number=$((number + 1))
	if said=$("$@" 2>&1); then
		echo "ok $number - $name"
	else
		echo "$said" | tail -n 30 | sed 's/^/# /'
		echo "not ok $number - $name"
		failed=$((failed + 1))
	fi
}

skip() { # NAME WHY
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

end_of_ktap() {
	echo "1..$number"
	[ $failed = 0 ]
}
