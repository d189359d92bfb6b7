#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What the scripts that run in a guest share: they source it, and $log is the
# kernel's messages so far. What they check is counted in $number and $failed.

module=bytepool_insmod_test
# shellcheck disable=SC2034 # the others use it
sys=/sys/kernel/bytepool
tests=/sys/kernel/debug/$module
log=/tmp/kernel-log
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

# check NAME COMMAND...: it succeeds; what it says is why not.
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

# The kernel's messages so far go to the log, so that its buffer never overflows.
save_log() {
	dmesg -r -c >>$log
}

# A test's own checks, which it printed to FILE.
results() {
	while read -r line; do
		case $line in
		"ok "*) result ok "${line#ok }" ;;
		"not ok "*)
			line=${line#not ok }
			result no "${line%% # *}" "${line#* # }" ;;
		esac
	done <"$1"
	[ -s "$1" ] || result no "${1##*/}" "said nothing"
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

# Grace periods are short meanwhile: more happens in less time.
run_hurried() {
	echo 1 >/sys/kernel/rcu_expedited
	run "$1"
	echo 0 >/sys/kernel/rcu_expedited
}

# What in the kernel's log no test may cause.
complaints='BUG|WARNING|Oops|Call Trace|stall|lockup|Bad page|UBSAN|KFENCE|blocked for more'
complaints="$complaints|general protection|allocation failure"

# The log outside of the lines between which a test provokes warnings, or inside.
log_part() { # out|TEST
	awk -v part="$1" '
		/bytepool-test: expect-warning begin/ { here = $NF; next }
		/bytepool-test: expect-warning end/ { here = ""; next }
		part == "out" ? here == "" : here == part' $log
}

# What bytepool says above the level of information is a complaint, too.
log_is_clean() {
	log_part out | grep -E "$complaints|"'^<[0-4]>.*bytepool: ' |
		grep -v 'loading out-of-tree module\|module verification failed' >/tmp/complaints
	save_log
	sed 's/^/# /' /tmp/complaints >/dev/console
	head -n 1 /tmp/complaints
	[ ! -s /tmp/complaints ]
}
