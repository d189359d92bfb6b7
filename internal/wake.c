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

struct delayed_work bp_gc_work;
struct workqueue_struct *bp_gc_wq;

unsigned long bp_gc_interval(void)
{
	return msecs_to_jiffies(READ_ONCE(bp_gc_interval_ms));
}

/*
 * Have the GC visit the pool, because the pool may have idle memory to give
 * back. Call it after a slab has become wholly idle above the reserve, or a cache
 * was opened. Also call it after a change of a timeout or a reserve.
 *
 * The GC clears @awake before it closes all caches of a pool. It looks again
 * after a grace period. If a section was too early to see @awake cleared, the
 * GC then sees all that the section did.
 *
 * Context: Any.
 */
void bp_pool_wake(struct bytepool *pool)
{
	if (READ_ONCE(pool->awake) || bp_pool_single(pool) ||
	    bp_pool_timeout(pool) == MAX_JIFFY_OFFSET)
		return;
	WRITE_ONCE(pool->awake, true);
	queue_delayed_work(bp_gc_wq, &bp_gc_work, bp_gc_interval());
}

/* Have the GC see a timeout that was just written. */
void bp_timeout_changed(struct bytepool *pool)
{
	/*
	 * Pairs with smp_mb() in gc_begin(): either the GC sees the timeout, or
	 * we see that the pool is not awake.
	 */
	smp_mb();
	bp_pool_wake(pool);
}

/* Have the GC run within @delay jiffies. Do not put off a run that is due before. */
void bp_gc_run_within(unsigned long delay)
{
	if (!queue_delayed_work(bp_gc_wq, &bp_gc_work, delay) &&
	    time_before(jiffies + delay, READ_ONCE(bp_gc_work.timer.expires)))
		mod_delayed_work(bp_gc_wq, &bp_gc_work, delay);
}

/* Have the GC see an interval that was just written. */
void bp_gc_interval_changed(void)
{
	/* Pairs with smp_mb() in gc_rearm(): either it sees the interval, or we see its run. */
	smp_mb();
	if (delayed_work_pending(&bp_gc_work))
		bp_gc_run_within(bp_gc_interval());
}
