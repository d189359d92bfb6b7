// SPDX-License-Identifier: GPL-2.0-only
/*
 * When the GC runs.
 */
#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "age.h"
#include "context.h"
#include "types.h"
#include "wake.h"

unsigned int bp_gc_interval_ms = 10000;

struct delayed_work bp_gc_work;
/* Protects the next two, and the time at which the work item is due. Taken in any context. */
static DEFINE_RAW_SPINLOCK(gc_timer_lock);
/* When the wait for the next run began, jiffies. */
static unsigned long gc_waits_since;
/* The next run has to drain closed caches. */
static bool gc_drains;
struct workqueue_struct *bp_gc_wq;

unsigned long bp_gc_interval(void)
{
	return msecs_to_jiffies(READ_ONCE(bp_gc_interval_ms));
}

/*
 * Have the GC visit the pool, because the pool may have idle memory to give
 * back. Call it after a slab has become wholly idle above the reserve, or a cache
 * was opened. Also call it after a change of a timeout or a reserve. Unless the reserve binds all
 * slabs, also call it after a block or a magazine has joined the magazines of a depot, and after a
 * class with a reserve has grown.
 *
 * The GC clears @awake before it closes all caches of a pool. It looks again
 * after a grace period. If a section was too early to see @awake cleared, the
 * GC then sees all that the section did.
 *
 * Context: Any.
 */
void bp_pool_wake(struct bytepool *pool)
{
	unsigned long flags;

	if (READ_ONCE(pool->awake) || bp_pool_single(pool) ||
	    bp_pool_timeout(pool) == MAX_JIFFY_OFFSET)
		return;
	WRITE_ONCE(pool->awake, true);
	raw_spin_lock_irqsave(&gc_timer_lock, flags);
	if (queue_delayed_work(bp_gc_wq, &bp_gc_work, bp_gc_interval()))
		gc_waits_since = jiffies;
	raw_spin_unlock_irqrestore(&gc_timer_lock, flags);
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
static void gc_run_within(unsigned long delay)
{
	lockdep_assert_held(&gc_timer_lock);
	if (!queue_delayed_work(bp_gc_wq, &bp_gc_work, delay) &&
	    time_before(jiffies + delay, bp_gc_work.timer.expires))
		mod_delayed_work(bp_gc_wq, &bp_gc_work, delay);
}

/* Have the GC drain closed caches, @delay jiffies from now at the latest. */
void bp_gc_drain_within(unsigned long delay)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gc_timer_lock, flags);
	gc_drains = true;
	gc_run_within(delay);
	raw_spin_unlock_irqrestore(&gc_timer_lock, flags);
}

/* Note that a run has begun. */
void bp_gc_begun(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gc_timer_lock, flags);
	gc_drains = false;
	raw_spin_unlock_irqrestore(&gc_timer_lock, flags);
}

/* Return the jiffies until an interval has passed since the wait for the next run began. */
static unsigned long gc_delay(void)
{
	lockdep_assert_held(&gc_timer_lock);
	return max((long)(gc_waits_since + bp_gc_interval() - jiffies), 0L);
}

/* Queue the next run, an interval after the one that began at @begun. */
void bp_gc_rearm(unsigned long begun)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gc_timer_lock, flags);
	gc_waits_since = begun;
	gc_run_within(gc_delay());
	raw_spin_unlock_irqrestore(&gc_timer_lock, flags);
}

/*
 * Have the GC see an interval that was just written. The run that waits is due an interval after
 * its wait began. So writes do not put it off again and again.
 */
void bp_gc_interval_changed(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gc_timer_lock, flags);
	if (delayed_work_pending(&bp_gc_work) && !gc_drains)
		mod_delayed_work(bp_gc_wq, &bp_gc_work, gc_delay());
	raw_spin_unlock_irqrestore(&gc_timer_lock, flags);
}
