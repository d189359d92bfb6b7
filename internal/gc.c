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
 * A pass also closes caches whose blocks expire within this time after its
 * begin. It is a few grace periods, which usually take 10 ms. If one takes
 * longer, blocks age out later by as much.
 */
#define GC_CLOSE_AHEAD		(HZ / 10)

/*
 * Let a pool with nothing idle sleep. Its caches are closed, so the next free
 * calls bp_pool_wake(). See there why the order matters. The caller waits for a
 * grace period, and then looks whether the pool has to be woken again.
 */
static void pool_sleep(struct bytepool *pool)
{
	lockdep_assert_held(&pool->gc_lock);
	WRITE_ONCE(pool->awake, false);
	/*
	 * Pairs with cmpxchg() in cache_create(): either we see the cache, or
	 * its CPU sees that the pool sleeps.
	 */
	smp_mb();
	bp_pool_close(pool, &bp_gc_everything);
}

/*
 * Run the first half of a pass, for a pool that is awake. Return true if a
 * grace period has to follow. What has expired in depots is given back at once.
 * Caches are closed early, so that what expires during the grace period need
 * not wait for the next pass.
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
	bp_pool_flush_magazines(pool, &pass);
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

/* Run the second half of a pass, after the grace period. */
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

/* Run a pass over each pool that is awake. Queue the next run if a pool still is. */
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
 * Give back what has expired, now. Return the number of blocks, and set
 * *@bytes_held, unless NULL, to what the pool still holds.
 */
unsigned long bp_pool_gc(struct bytepool *pool, size_t *bytes_held)
{
	struct bp_gc_pass pass = bp_gc_pass_begin(pool);
	unsigned long blocks;

	mutex_lock(&pool->gc_lock);
	if (bp_pool_close(pool, &pass) && !bp_pool_single(pool))
		synchronize_rcu();
	bp_pool_drain(pool, &pass);
	blocks = bp_pool_reap(pool, &pass);
	WRITE_ONCE(pool->gc_runs, pool->gc_runs + 1);
	mutex_unlock(&pool->gc_lock);
	if (bytes_held)
		*bytes_held = bp_pool_held(pool);
	return blocks;
}

/*
 * Give all idle memory back, but for slabs that a shrinker has just taken.
 * Return the number of blocks.
 */
static unsigned long pool_trim_locked(struct bytepool *pool)
{
	unsigned long blocks;

	lockdep_assert_held(&pool->gc_lock);
	WRITE_ONCE(pool->trims, pool->trims + 1);
	/* Pairs with smp_mb() in bp_class_new_slab(). */
	smp_mb();
	if (bp_pool_reclaimable(pool)) {
		/*
		 * Let the pool sleep, because nothing may be left to do for it.
		 * If something is, the pool is woken again below.
		 */
		pool_sleep(pool);
		if (!bp_pool_single(pool))
			synchronize_rcu();
		bp_pool_drain(pool, &bp_gc_everything);
	} else {
		/*
		 * A cache that was emptied during the look is empty now, but
		 * its blocks are in a magazine of the depot.
		 */
		bp_pool_flush_magazines(pool, &bp_gc_everything);
	}
	blocks = bp_pool_reap(pool, &bp_gc_everything);
	if (blocks)
		pool->last_fruitful_trim = pool->trims;
	if (bp_pool_reclaimable(pool))
		bp_pool_wake(pool);
	return blocks;
}

/*
 * Trim the pool to make room for an allocation, unless somebody has begun a
 * trim since the caller read @trims. Return true if a trim since then gave
 * something back. A trim that gave back nothing counts for everybody who waited
 * for it.
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

/* Give all idle memory back, now. Return the number of blocks. */
unsigned long bp_pool_trim(struct bytepool *pool)
{
	unsigned long blocks;

	mutex_lock(&pool->gc_lock);
	blocks = pool_trim_locked(pool);
	mutex_unlock(&pool->gc_lock);
	bp_pool_wait_for_reap(pool);
	return blocks;
}
