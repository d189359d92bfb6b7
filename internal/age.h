/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long something has been idle, and whether a GC pass takes it.
 */
#ifndef _BP_AGE_H
#define _BP_AGE_H

#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "types.h"

/*
 * An upper bound of the duration of a pass. A time that appears to be further
 * in the future than this has wrapped around, and is long ago.
 */
#define BP_GC_PASS_MAX		(3600UL * HZ)

/**
 * struct bp_gc_pass - the ages of memory that a GC pass gives back
 * @all: take all idle memory, otherwise only memory that has expired
 * @scan: it is a scan of the shrinker, see bp_gc_pass_lock() and pass_wants_cache()
 * @brief: it ends after a turn, see bp_pool_reap()
 * @now: jiffies when the pass began
 * @timeout: a block that is idle for longer has expired, jiffies; MAX_JIFFY_OFFSET = never
 */
struct bp_gc_pass {
	bool all;
	bool scan;
	bool brief;
	unsigned long now;
	unsigned long timeout;
};

/*
 * A pass that takes all idle memory, whatever its age. @now is not set, so it is not for
 * bp_pool_reap(), which leaves magazines that are younger than @now. See bp_gc_pass_all().
 */
extern const struct bp_gc_pass bp_gc_everything;
extern unsigned int bp_idle_timeout_ms;

unsigned long bp_pool_timeout(const struct bytepool *pool);
struct bp_gc_pass bp_gc_pass_begin(const struct bytepool *pool);

/*
 * Return true if @a is longer ago than @b. Compare ages, because either may be
 * more than half of the range of jiffies ago.
 */
static inline bool bp_longer_ago(unsigned long a, unsigned long b)
{
	unsigned long now = jiffies;

	return now - a > now - b;
}

/*
 * Return the age at @now, when a pass began, of memory idle since @idle_since;
 * 0 if that is later.
 */
static inline unsigned long bp_age_at(unsigned long now, unsigned long idle_since)
{
	unsigned long age = now - idle_since;

	return age > -BP_GC_PASS_MAX ? 0 : age;
}

/* Return a pass that takes all memory that is idle now. */
static inline struct bp_gc_pass bp_gc_pass_all(void)
{
	return (struct bp_gc_pass){ .all = true, .now = jiffies };
}

/* Take a mutex for the pass. A scan does not wait for it. Return true if it is taken. */
static inline bool bp_gc_pass_lock(const struct bp_gc_pass *pass, struct mutex *mutex)
{
	if (pass->scan)
		return mutex_trylock(mutex);
	mutex_lock(mutex);
	return true;
}

/* Return true if the pass takes memory that is idle since @idle_since. */
static inline bool bp_gc_pass_wants(const struct bp_gc_pass *pass, unsigned long idle_since)
{
	unsigned long age = bp_age_at(pass->now, idle_since);

	return pass->all || (pass->timeout != MAX_JIFFY_OFFSET && age > pass->timeout);
}

#endif /* _BP_AGE_H */
