# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Sourced by scripts of the benchmark, after scripts/lib/guest.sh. They set $scratch.

: "${top:?}" "${default_kernel:?}"

# gather_data: print data that is half text and half machine code: the first headers of a kernel,
# sorted by name, and a part of the compiler. It has 768 KiB.
gather_data() {
	local headers
	need gcc gcc libc6-dev
	headers=$(kernel_headers "$default_kernel")
	LC_ALL=C find "${headers%-amd64}-common/include/linux" -name '*.h' -print0 |
		LC_ALL=C sort -z | xargs -0 cat >"${scratch:?}/headers"
	head -c 384K "$scratch/headers"
	tail -c +10M "$(gcc -print-prog-name=cc1)" >"$scratch/code"
	head -c 384K "$scratch/code"
}
