/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long something has been idle, and whether a GC pass takes it.
 */
#ifndef _BP_AGE_H
#define _BP_AGE_H

#include <linux/jiffies.h>
#include <linux/types.h>

#include "types.h"

/* No pass takes as long: what seems to be freed later than that after it began is old. */
#define BP_GC_PASS_MAX		(3600UL * HZ)

/**
 * struct bp_gc_pass - what to give back
 * @all: everything idle, else by age
 * @now: jiffies when the pass began
 * @timeout: age in jiffies beyond which a block has expired; MAX_JIFFY_OFFSET = never
 */
struct bp_gc_pass {
	bool all;
	unsigned long now;
	unsigned long timeout;
};

/* A pass that takes all idle memory, whatever its age. */
extern const struct bp_gc_pass bp_gc_everything;
extern unsigned int bp_idle_timeout_ms;

unsigned long bp_pool_timeout(const struct bytepool *pool);
struct bp_gc_pass bp_gc_pass_begin(const struct bytepool *pool);

/*
 * Whether @a is longer ago than @b. Ages are compared: either may be longer ago than
 * half of what jiffies can tell.
 */
static inline bool bp_longer_ago(unsigned long a, unsigned long b)
{
	unsigned long now = jiffies;

	return now - a > now - b;
}

/* Age at @now, when a pass began, of what became idle at @idle_since: 0 if that was later. */
static inline unsigned long bp_age_at(unsigned long now, unsigned long idle_since)
{
	unsigned long age = now - idle_since;

	return age > -BP_GC_PASS_MAX ? 0 : age;
}

/* Whether the pass takes what became idle at @idle_since. */
static inline bool bp_gc_pass_wants(const struct bp_gc_pass *pass, unsigned long idle_since)
{
	unsigned long age = bp_age_at(pass->now, idle_since);

	return pass->all || (pass->timeout != MAX_JIFFY_OFFSET && age > pass->timeout);
}

#endif /* _BP_AGE_H */
