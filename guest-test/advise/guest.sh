# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# scripts/suite/advise runs this in a guest. Each command's output is between two lines, which name
# it and have its exit status.

export PATH=/bin:/sbin:/usr/bin HOME=/
tracing=/sys/kernel/tracing
load=bytepool_advise_load

# show NAME COMMAND...
show() {
	echo "--- begin $1"
	shift
	"$@" 2>&1
	echo "--- end $?"
}

# Print the trace instances and the probes that a run of bytepool-advise has left behind.
left() {
	ls $tracing/instances
	cat $tracing/kprobe_events
}

# until_watching: wait until bytepool-advise has set up its trace instance, and watches. A new
# instance has another clock.
until_watching() {
	for _ in $(seq 600); do
		grep -q '\[mono\]' $tracing/instances/*/trace_clock 2>/dev/null &&
			grep -qx 1 $tracing/instances/*/tracing_on && return
		sleep 0.2
	done
	return 1
}

# killed SIGNAL: send the signal to a run of bytepool-advise that watches, and print its status.
killed() {
	bytepool-advise -t 600 &
	until_watching || return
	kill "-$1" $!
	wait $!
	echo "status $?"
}

as_nobody() {
	python3 -c 'import os, sys; os.setuid(65534); os.execvp(sys.argv[1], sys.argv[1:])' "$@"
}

# pairs: print how long an alloc and a free take at each call site.
pairs() {
	dmesg -c >/dev/null
	insmod /$load.ko pairs=500 && rmmod $load
	dmesg | grep ': pair '
}

mount -t tracefs tracefs $tracing
mount -t securityfs securityfs /sys/kernel/security
dmesg -n 1

if [ "$1" = cost ]; then
	# As long as all memory is free, the page allocator merges all that is freed, which takes long.
	bytepool-advise -t 0.1 >/dev/null
	show before pairs
	bytepool-advise -t 30 >/tmp/watch &
	until_watching
	show watched pairs
	wait
	show watch cat /tmp/watch
	show after pairs
	exit
fi

insmod /bytepool.ko
insmod /$load.ko
show load bytepool-advise -m $load -t 8 --json
show left-load left
show text bytepool-advise -t 5 -m $load
rmmod bytepool
rmmod $load
insmod /$load.ko faster=4
show full bytepool-advise -m bytepool-advise-load -t 5 --json --buffer 512
rmmod $load
insmod /$load.ko quiet=1
show quiet bytepool-advise -m $load -t 5 --json
show quiet-text bytepool-advise -m $load -t 3
while :; do ls /bin >/dev/null; done &
others=$!
show all bytepool-advise -t 3 --all --json
kill $others
show any-gain bytepool-advise -t 3 --gain 0.05
rmmod $load

show interrupt killed INT
show left-interrupt left
show kill killed KILL
show left-kill left
show next bytepool-advise -t 1
show left-next left

show nobody as_nobody bytepool-advise
show no-module bytepool-advise -m nomodule
show no-tracefs bytepool-advise --tracefs /none
mkdir -p /tmp/fake/instances
show no-events bytepool-advise --tracefs /tmp/fake
show no-results bytepool-advise --results /dev/null
show no-seconds bytepool-advise -t 0
show full-disk sh -c 'bytepool-advise -t 1 >/dev/full'

# The file that ends the guest cannot be opened afterwards.
exec 3<>/dev/port
echo confidentiality >/sys/kernel/security/lockdown
show lockdown bytepool-advise
stty -F /dev/console onlcr
printf '\020' | dd bs=1 seek=1281 count=1 2>/dev/null >&3
