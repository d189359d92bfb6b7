// SPDX-License-Identifier: GPL-2.0-only
/*
 * When the GC runs.
 */
#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/workqueue.h>

#include "age.h"
#include "context.h"
#include "types.h"
#include "wake.h"

unsigned int bp_gc_interval_ms = 10000;

/* The GC's work item, of which bp_gc_work_fn() is the function. */
struct delayed_work bp_gc_work;
/* NULL while bytepool, built into the kernel, has not started, or where it could not: no pools. */
struct workqueue_struct *bp_gc_wq;

unsigned long bp_gc_interval(void)
{
	return msecs_to_jiffies(READ_ONCE(bp_gc_interval_ms));
}

/*
 * Have the GC visit the pool, since it may have something idle to give back: when
 * a slab is wholly idle and above the reserve, a cache is opened, or a timeout or a
 * reserve changes. The GC clears @awake before it closes the caches of a pool with
 * nothing idle, and looks again after a grace period: what a section did that came
 * too early to see @awake cleared, it sees whole.
 */
void bp_pool_wake(struct bytepool *pool)
{
	if (READ_ONCE(pool->awake) || bp_pool_single(pool) ||
	    bp_pool_timeout(pool) == MAX_JIFFY_OFFSET)
		return;
	WRITE_ONCE(pool->awake, true);
	queue_delayed_work(bp_gc_wq, &bp_gc_work, bp_gc_interval());
}

/* A timeout was written: have the GC see it soon. */
void bp_timeout_changed(struct bytepool *pool)
{
	/* Pairs with smp_mb() in gc_begin(): it sees the timeout, or we the pool not awake. */
	smp_mb();
	bp_pool_wake(pool);
}
