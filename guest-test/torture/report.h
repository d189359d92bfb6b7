/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parameters that all parts of the torture read, and the report of their errors
 */
#ifndef _BYTEPOOL_TORTURE_REPORT_H
#define _BYTEPOOL_TORTURE_REPORT_H

#include <linux/compiler_attributes.h>
#include <linux/types.h>

enum error {
	ERROR_PATTERN,		/* a block does not have its owner's content */
	ERROR_ZERO,		/* a block is not zero, although __GFP_ZERO was given */
	ERROR_WIPE,		/* a BYTEPOOL_WIPE pool shows another owner's bytes */
	ERROR_SIZE,		/* usable size or alignment of a block */
	ERROR_REFUSED,		/* an allocation that must succeed returned NULL */
	ERROR_LIMIT,		/* a pool holds more than its limit */
	ERROR_RESERVE,		/* a reserve was not available */
	ERROR_BAD_FREES,	/* the count of bad frees is not the number injected */
	ERROR_STATS,		/* statistics contradict each other, or our own counts */
	ERROR_CREATE,		/* creating a pool has another result than expected */
	ERROR_TUNE,		/* a file of sysfs */
	ERROR_CPU,		/* a CPU does not come back online */
	ERROR_LOST,		/* memory did not go back to the system */
	NR_ERRORS
};

/* Counts for the verdict. Each is written by one thread. */
struct totals {
	u64 allocs, frees, failures, bulk, cross_cpu;
	u64 softirq, hardirq;
	u64 injected, counted, races;
	u64 toggles, pools, tunings, reserves, trims;
};

extern struct totals totals;

extern bool may_fail;
extern bool hotplug;
extern unsigned int threads_per_cpu;

__printf(2, 3)
void torture_error(enum error what, const char *fmt, ...);
void report_begin(unsigned int seconds);
void report_verdict(void);

#endif /* _BYTEPOOL_TORTURE_REPORT_H */
