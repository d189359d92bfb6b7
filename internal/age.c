// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long something has been idle, and whether a GC pass takes it.
 */
#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>

#include "age.h"
#include "types.h"

const struct bp_gc_pass bp_gc_everything = { .all = true };

unsigned int bp_idle_timeout_ms = 300000;

/* Return the timeout of the pool in jiffies, or MAX_JIFFY_OFFSET if nothing expires by age. */
unsigned long bp_pool_timeout(const struct bytepool *pool)
{
	unsigned int ms = READ_ONCE(pool->idle_timeout_ms);

	if (ms == BYTEPOOL_TIMEOUT_DEFAULT)
		ms = READ_ONCE(bp_idle_timeout_ms) ?: BYTEPOOL_TIMEOUT_NEVER;
	if (ms == BYTEPOOL_TIMEOUT_NEVER)
		return MAX_JIFFY_OFFSET;
	/* msecs_to_jiffies() takes a value above INT_MAX for a negative one. */
	return min_t(u64, DIV_ROUND_UP_ULL((u64)ms * HZ, MSEC_PER_SEC), MAX_JIFFY_OFFSET);
}

/* Return a pass by the timeout of the pool, which begins now. */
struct bp_gc_pass bp_gc_pass_begin(const struct bytepool *pool)
{
	return (struct bp_gc_pass){ .now = jiffies, .timeout = bp_pool_timeout(pool) };
}
