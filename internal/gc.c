// SPDX-License-Identifier: GPL-2.0-only
/*
 * The GC: the background work, a pass by age, and a trim.
 */
#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sizes.h>
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
#define GC_CLOSE_AHEAD		(HZ / 10L)

/*
 * The background GC gives back this much of a pool before it goes on to the next. So
 * no pool waits long for another.
 */
#define GC_QUOTA		SZ_4M

/*
 * Let a pool sleep, and close its caches, so that the next free calls bp_pool_wake().
 * See there why the order matters. After a grace period, the caller looks whether the
 * pool has to be woken again.
 */
static void pool_sleep(struct bytepool *pool, enum bp_drain drain)
{
	lockdep_assert_held(&pool->gc_lock);
	WRITE_ONCE(pool->awake, false);
	/*
	 * Pairs with cmpxchg() in cache_publish(): either we see the cache, or
	 * its CPU sees that the pool sleeps.
	 */
	smp_mb();
	bp_pool_close(pool, &bp_gc_everything, drain);
}

/* Give back a quota of expired memory in depots. Go on where the last turn has ended. */
static void gc_reap_some(struct bytepool *pool)
{
	struct bp_gc_pass pass = bp_gc_pass_begin(pool);

	bp_pool_reap_from(pool, &pass, "age", GC_QUOTA, &pool->reap_at);
}

/* Return true if the last turn did not reach the end of the classes. */
static bool gc_reap_more(const struct bytepool *pool)
{
	return pool->reap_at < pool->sizes.nr;
}

/*
 * Close the caches that have expired blocks, and empty caches that their CPUs do not use.
 * Also close caches whose blocks expire soon, so that these need not wait for the next pass.
 * Return true if a grace period has to follow.
 */
static bool gc_close(struct bytepool *pool)
{
	struct bp_gc_pass pass = bp_gc_pass_begin(pool);
	bool closed;

	pool->reap_at = 0;
	gc_reap_some(pool);
	pass.now += GC_CLOSE_AHEAD;
	mutex_lock(&pool->gc_lock);
	closed = bp_pool_close(pool, &pass, BP_DRAIN_EXPIRED);
	if (!closed && !bp_pool_reclaimable(pool)) {
		pool_sleep(pool, BP_DRAIN_EXPIRED);
		closed = true;
	}
	mutex_unlock(&pool->gc_lock);
	return closed;
}

/*
 * Begin a pass over a pool that is awake, or has closed caches to drain. Return true if a
 * grace period has to follow.
 */
static bool gc_begin(struct bytepool *pool)
{
	bool awake;

	if (READ_ONCE(pool->awake) && bp_pool_timeout(pool) == MAX_JIFFY_OFFSET) {
		WRITE_ONCE(pool->awake, false);
		/* Pairs with smp_mb() in bp_timeout_changed(). */
		smp_mb();
		bp_pool_wake(pool);
	}
	awake = READ_ONCE(pool->awake);
	pool->visited = awake || READ_ONCE(pool->draining);
	return awake ? gc_close(pool) : pool->visited;
}

/* Drain the closed caches of the visited pools, if their grace period is over. */
static void gc_drain(void)
{
	struct bytepool *pool = NULL;

	while ((pool = bp_pool_next(pool))) {
		struct bp_gc_pass pass = bp_gc_pass_begin(pool);

		if (!pool->visited)
			continue;
		mutex_lock(&pool->gc_lock);
		/* A scan may have closed more caches meanwhile. */
		WRITE_ONCE(pool->draining, bp_pool_drain(pool, &pass));
		mutex_unlock(&pool->gc_lock);
		pool->reap_at = 0;
	}
}

/* Reap a quota of each pool that has more. Return true if a pool still has more. */
static bool gc_reap(void)
{
	struct bytepool *pool = NULL;
	bool more = false;

	while ((pool = bp_pool_next(pool))) {
		if (!pool->visited || !gc_reap_more(pool))
			continue;
		gc_reap_some(pool);
		more |= gc_reap_more(pool);
	}
	return more;
}

/* End the pass over a pool. Return true if the pool is awake. */
static bool gc_end(struct bytepool *pool)
{
	if (!pool->visited)
		return READ_ONCE(pool->awake);
	mutex_lock(&pool->gc_lock);
	WRITE_ONCE(pool->gc_runs, pool->gc_runs + 1);
	mutex_unlock(&pool->gc_lock);
	if (!READ_ONCE(pool->awake) && bp_pool_reclaimable(pool))
		bp_pool_wake(pool);
	return READ_ONCE(pool->awake);
}

/*
 * Run a pass over each pool that is awake, or has closed caches to drain. Queue the next run
 * if that has something to do. Reap the depots during the grace period, because a CPU may
 * delay its end. When the next run is due, stop, and leave the rest to that run, so that no
 * pool waits long for another.
 */
void bp_gc_work_fn(struct work_struct *work)
{
	unsigned long begun = jiffies, due = begun + bp_gc_interval();
	struct bytepool *pool = NULL;
	struct rcu_gp_seq grace;
	bool closed = false;
	bool soon = false, again = false;

	bp_gc_begun();
	while ((pool = bp_pool_next(pool)))
		closed |= gc_begin(pool);
	if (closed)
		start_poll_synchronize_rcu_full(&grace);
	for (;;) {
		bool more = gc_reap();

		if (closed && poll_state_synchronize_rcu_full(&grace)) {
			gc_drain();
			closed = false;
		} else if (closed && time_before(jiffies, begun + GC_CLOSE_AHEAD)) {
			if (!more)
				schedule_timeout_uninterruptible(1);
		} else if (!more || !time_before(jiffies, due)) {
			break;
		}
	}
	if (closed)
		gc_drain();
	while ((pool = bp_pool_next(pool))) {
		again |= gc_end(pool);
		soon |= READ_ONCE(pool->draining);
	}
	if (soon || again)
		bp_gc_rearm(begun);
	if (soon)
		bp_gc_drain_within(GC_CLOSE_AHEAD);
}

/*
 * Give back expired memory now. Return the number of blocks. Set *@bytes_held, unless
 * that is NULL, to the bytes that the pool still holds.
 */
unsigned long bp_pool_gc(struct bytepool *pool, size_t *bytes_held)
{
	struct bp_gc_pass pass = bp_gc_pass_begin(pool);
	struct bp_gc_reaped reaped;
	bool closed;

	mutex_lock(&pool->gc_lock);
	closed = bp_pool_close(pool, &pass, BP_DRAIN_EXPIRED);
	mutex_unlock(&pool->gc_lock);
	if (closed)
		bp_pool_wait_for_grace(pool);
	mutex_lock(&pool->gc_lock);
	bp_pool_drain(pool, &pass);
	WRITE_ONCE(pool->gc_runs, pool->gc_runs + 1);
	mutex_unlock(&pool->gc_lock);
	reaped = bp_pool_reap(pool, &pass, "age", BP_REAP_ALL);
	if (bytes_held)
		*bytes_held = bp_pool_held(pool);
	return reaped.blocks;
}

/*
 * Close all caches of a pool with idle memory, and let the pool sleep. If idle memory is
 * left, pool_trim_end() wakes the pool. Return true if a grace period has to follow.
 */
static bool pool_trim_begin(struct bytepool *pool)
{
	bool closed = false;

	mutex_lock(&pool->gc_lock);
	if (bp_pool_reclaimable(pool)) {
		pool_sleep(pool, BP_DRAIN_RETIRE);
		closed = true;
	}
	mutex_unlock(&pool->gc_lock);
	return closed;
}

/*
 * Drain the closed caches, and reap the depots. A shrinker gives the slabs back that it has
 * just taken. Return the number of blocks.
 */
static unsigned long pool_trim_end(struct bytepool *pool)
{
	struct bp_gc_pass pass;
	struct bp_gc_reaped reaped;

	mutex_lock(&pool->gc_lock);
	bp_pool_drain(pool, &bp_gc_everything);
	mutex_unlock(&pool->gc_lock);
	/*
	 * The depot may have a magazine that pool_trim_begin() did not see, because its blocks
	 * were just leaving a cache.
	 */
	pass = bp_gc_pass_all();
	reaped = bp_pool_reap(pool, &pass, "trim", BP_REAP_ALL);
	if (bp_pool_reclaimable(pool))
		bp_pool_wake(pool);
	return reaped.blocks;
}

static unsigned long pool_trim_locked(struct bytepool *pool)
{
	unsigned long blocks;

	lockdep_assert_held(&pool->trim_lock);
	WRITE_ONCE(pool->trims, pool->trims + 1);
	/* Pairs with smp_mb() in bp_class_new_slab(). */
	smp_mb();
	if (pool_trim_begin(pool))
		bp_pool_wait_for_grace(pool);
	blocks = pool_trim_end(pool);
	if (blocks)
		pool->last_fruitful_trim = pool->trims;
	return blocks;
}

/*
 * Trim the pool to make room for an allocation, unless a trim has begun since the
 * caller read @trims. Return true if a trim since then gave something back. A trim
 * that gave back nothing counts for all tasks that waited for it.
 */
bool bp_pool_make_room(struct bytepool *pool, unsigned long trims)
{
	bool made;

	mutex_lock(&pool->trim_lock);
	if (pool->trims == trims)
		pool_trim_locked(pool);
	made = (long)(pool->last_fruitful_trim - trims) > 0;
	mutex_unlock(&pool->trim_lock);
	bp_pool_wait_for_reap(pool);
	return made;
}

/* Give all idle memory back now. Return the number of blocks. */
unsigned long bp_pool_trim(struct bytepool *pool)
{
	unsigned long blocks;

	mutex_lock(&pool->trim_lock);
	blocks = pool_trim_locked(pool);
	mutex_unlock(&pool->trim_lock);
	bp_pool_wait_for_reap(pool);
	return blocks;
}

/*
 * Reap @bytes from the depots of a pool, without waiting for blocks in caches. Return the
 * number of blocks.
 */
unsigned long bp_pool_reap_idle(struct bytepool *pool, unsigned long bytes)
{
	const struct bp_gc_pass pass = bp_gc_pass_all();

	/* A trim of such a pool waits for no grace period. */
	if (bp_pool_single(pool))
		return bp_pool_trim(pool);
	return bp_pool_reap(pool, &pass, "trim", bytes).blocks;
}

/* Trim all pools but BYTEPOOL_SINGLE ones, with one grace period for all. */
void bp_trim_all(void)
{
	struct bytepool *pool = NULL;
	bool closed = false;

	while ((pool = bp_pool_next_shared(pool)))
		closed |= pool_trim_begin(pool);
	if (closed)
		synchronize_rcu();
	while ((pool = bp_pool_next_shared(pool))) {
		pool_trim_end(pool);
		bp_pool_wait_for_reap(pool);
	}
}
