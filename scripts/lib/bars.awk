# SPDX-License-Identifier: GPL-2.0-only
#
# Draw each line of stdin, which has the title of a work, the instructions of the stock module and
# those of the ported one, as two bars.

BEGIN {
	FS = "\t"
	full = "############################################"
}

function grouped(number,	text) {
	for (number = sprintf("%d", number); length(number) > 3; ) {
		text = "," substr(number, length(number) - 2) text
		number = substr(number, 1, length(number) - 3)
	}
	return number text
}

function bar(title, variant, number, change) {
	printf "%-10s%-7s%14s  %s%s\n", title, variant, grouped(number),
		substr(full, 1, length(full) * number / most + 0.5), change
}

!($2 > 0 && $3 > 0) {
	print "there is no count for " $1 >"/dev/stderr"
	failed = 1
	exit 1
}

{
	titles[NR] = $1
	stock[NR] = $2
	ported[NR] = $3
	most = most < $2 ? $2 : most
	most = most < $3 ? $3 : most
}

END {
	if (failed || !NR)
		exit 1
	for (i = 1; i <= NR; i++) {
		bar(titles[i], "stock", stock[i], "")
		bar("", "ported", ported[i], sprintf(" %+.1f %%", 100 * (ported[i] / stock[i] - 1)))
	}
}
