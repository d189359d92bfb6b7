#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# samples/bytefifo/sample.sh: send messages of growing sizes through /dev/bytefifo, then let its
# pool give the memory back. Meanwhile, print samples of the pool for `bytepool-plot --load`.
cd /sys/kernel/bytepool/pools/bytefifo || exit

# sample: print the time and the statistics of the pool.
sample() {
	read -r line _ </proc/uptime
	for file in bytes_held bytes_in_use bytes_idle hits misses; do
		read -r value <stats/$file
		line="$line $value"
	done
	echo "$line"
}

# In each round, put messages into the queue, and take them out.
for size in 30k 150k 500k 1M 2M; do
	for count in 8 6 4; do
		dd if=/dev/zero of=/dev/bytefifo bs=$size count=$count 2>/dev/null
		sample
		dd if=/dev/bytefifo of=/dev/null bs=4M count=$count 2>/dev/null
		sample
	done
done
echo 250 >../../gc_interval_ms
echo 2000 >idle_timeout_ms
for _ in $(seq 40); do
	sample
	sleep 0.1
done
