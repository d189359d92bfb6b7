// SPDX-License-Identifier: GPL-2.0-only
/*
 * The GC: the background work, a pass by age, and a trim.
 */
#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include "age.h"
#include "backing.h"
#include "context.h"
#include "gc.h"
#include "pools.h"
#include "reclaim.h"
#include "types.h"
#include "wake.h"

/*
 * What expires within this of a pass is closed with it: some grace periods, of
 * 10 ms as a rule. If one takes longer, ageing is as late.
 */
#define GC_CLOSE_AHEAD		(HZ / 10)

/*
 * Let a pool with nothing idle sleep: its caches are closed, so that the next
 * free comes by bp_pool_wake(). See there for the order of things; the caller
 * lets a grace period pass, and then looks whether it has to be woken again.
 */
static void pool_sleep(struct bytepool *pool)
{
	WRITE_ONCE(pool->awake, false);
	/* Pairs with cmpxchg() in cache_create(): we see the cache, or its CPU the pool asleep. */
	smp_mb();
	bp_pool_close(pool, &bp_gc_everything);
}

/*
 * First half, for a pool that is awake. Whether it needs a grace period. What
 * has expired in the depot need not wait for it; and what expires in a cache
 * while it lasts need not wait for the next pass.
 */
static bool gc_begin(struct bytepool *pool)
{
	struct bp_gc_pass pass = bp_gc_pass_begin(pool);
	bool closed;

	if (pass.timeout == MAX_JIFFY_OFFSET) {
		WRITE_ONCE(pool->awake, false);
		/* Pairs with smp_mb() in bp_timeout_changed(). */
		smp_mb();
		bp_pool_wake(pool);
		return false;
	}
	pool->visited = true;
	mutex_lock(&pool->gc_lock);
	bp_pool_flush_batches(pool, &pass);
	bp_pool_reap(pool, &pass);
	pass.now += GC_CLOSE_AHEAD;
	closed = bp_pool_close(pool, &pass);
	if (!closed && !bp_pool_reclaimable(pool)) {
		pool_sleep(pool);
		closed = true;
	}
	mutex_unlock(&pool->gc_lock);
	return closed;
}

/* Second half. */
static void gc_finish(struct bytepool *pool)
{
	struct bp_gc_pass pass = bp_gc_pass_begin(pool);

	mutex_lock(&pool->gc_lock);
	bp_pool_drain(pool, &pass);
	bp_pool_reap(pool, &pass);
	WRITE_ONCE(pool->gc_runs, pool->gc_runs + 1);
	mutex_unlock(&pool->gc_lock);
	pool->visited = false;
	if (!READ_ONCE(pool->awake) && bp_pool_reclaimable(pool))
		bp_pool_wake(pool);
}

void bp_gc_work_fn(struct work_struct *work)
{
	unsigned long due = jiffies + bp_gc_interval();
	struct bytepool *pool = NULL;
	bool closed = false;
	bool again = false;

	while ((pool = bp_pool_next(pool))) {
		if (READ_ONCE(pool->awake))
			closed |= gc_begin(pool);
	}
	if (closed)
		synchronize_rcu();
	while ((pool = bp_pool_next(pool))) {
		if (pool->visited)
			gc_finish(pool);
		again |= READ_ONCE(pool->awake);
	}
	if (again)
		queue_delayed_work(bp_gc_wq, &bp_gc_work, max((long)(due - jiffies), 0L));
}

/*
 * Give back what has expired, now. Return how many blocks; *@bytes_held, if any,
 * is what is left.
 */
unsigned long bp_pool_gc(struct bytepool *pool, size_t *bytes_held)
{
	struct bp_gc_pass pass = bp_gc_pass_begin(pool);
	unsigned long blocks;

	mutex_lock(&pool->gc_lock);
	if (bp_pool_close(pool, &pass))
		synchronize_rcu();
	bp_pool_drain(pool, &pass);
	blocks = bp_pool_reap(pool, &pass);
	WRITE_ONCE(pool->gc_runs, pool->gc_runs + 1);
	mutex_unlock(&pool->gc_lock);
	if (bytes_held)
		*bytes_held = bp_pool_held(pool);
	return blocks;
}

/* Give everything idle back, but for what a shrinker has in hand. gc_lock. */
static unsigned long pool_trim_locked(struct bytepool *pool)
{
	unsigned long blocks;

	WRITE_ONCE(pool->trims, pool->trims + 1);
	/* Pairs with smp_mb() in bp_class_new_slab(). */
	smp_mb();
	if (bp_pool_reclaimable(pool)) {
		/* Nothing may be left to look after: what is, wakes the pool again. */
		pool_sleep(pool);
		if (!bp_pool_single(pool))
			synchronize_rcu();
		bp_pool_drain(pool, &bp_gc_everything);
	} else {
		/* A cache that was emptied while we looked has nothing now, but its depot has. */
		bp_pool_flush_batches(pool, &bp_gc_everything);
	}
	blocks = bp_pool_reap(pool, &bp_gc_everything);
	if (blocks)
		pool->last_fruitful_trim = pool->trims;
	if (bp_pool_reclaimable(pool))
		bp_pool_wake(pool);
	return blocks;
}

/*
 * Trim for the sake of what is wanted now, unless a trim was begun since @trims was
 * read. Whether there may be room now: one in vain is that for all who waited for it.
 */
bool bp_pool_make_room(struct bytepool *pool, unsigned long trims)
{
	bool made;

	mutex_lock(&pool->gc_lock);
	if (pool->trims == trims)
		pool_trim_locked(pool);
	made = (long)(pool->last_fruitful_trim - trims) > 0;
	mutex_unlock(&pool->gc_lock);
	bp_pool_wait_for_reap(pool);
	return made;
}

/* Give back everything that is idle, now. Return how many blocks. */
unsigned long bp_pool_trim(struct bytepool *pool)
{
	unsigned long blocks;

	mutex_lock(&pool->gc_lock);
	blocks = pool_trim_locked(pool);
	mutex_unlock(&pool->gc_lock);
	bp_pool_wait_for_reap(pool);
	return blocks;
}
