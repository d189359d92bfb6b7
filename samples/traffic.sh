#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# samples/traffic.sh: send messages of five sizes through /dev/bytefifo, and records
# to /dev/bytezip, for the examples in Documentation.
for size in 100 3000 20k 150k 1M; do
	dd if=/dev/zero of=/dev/bytefifo bs=$size count=10
	dd if=/dev/bytefifo of=/dev/null bs=4M count=10
done 2>/dev/null
dd if=/dev/zero of=/dev/bytezip bs=64k count=20 2>/dev/null
