// SPDX-License-Identifier: GPL-2.0-only
/*
 * The steps of a GC pass: close caches, drain them, reap slabs.
 */
#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "age.h"
#include "backing.h"
#include "cache.h"
#include "class.h"
#include "context.h"
#include "depot.h"
#include "memo.h"
#include "reclaim.h"
#include "slab.h"
#include "table.h"
#include "trace.h"
#include "types.h"
#include "wake.h"

static bool grace_over(const struct bytepool *pool, struct rcu_gp_seq *grace)
{
	return bp_pool_single(pool) || poll_state_synchronize_rcu_full(grace);
}

/* Wait until every cache that is closed now can be drained. */
void bp_pool_wait_for_grace(struct bytepool *pool)
{
	if (!bp_pool_single(pool))
		synchronize_rcu();
}

/* Close a cache for a pass. Return true if it was not closed for another pass before. */
static bool cache_claim(struct bp_cache *cache, enum bp_drain drain)
{
	unsigned long flags = bp_depot_lock(cache->depot);
	bool first = !cache->drain;

	lockdep_assert_held(&cache->depot->class->pool->gc_lock);
	if (first)
		bp_cache_hide(cache);
	cache->drain = max_t(u8, cache->drain, drain);
	bp_depot_unlock(cache->depot, flags);
	return first;
}

/* Return true if the CPU of the cache has used it since the last call. */
static bool cache_test_and_clear_used(struct bp_cache *cache)
{
	u32 seen = cache->seen;

	lockdep_assert_held(&cache->depot->class->pool->gc_lock);
	/* The CPU may change them meanwhile. */
	cache->seen = data_race(cache->hits) + data_race(cache->frees) +
		      READ_ONCE(cache->refused);
	return cache->seen != seen;
}

/*
 * Return true if the pass has to close the cache: for its blocks, for the slabs that its
 * grant may bind, or because it is empty and unused. A scan leaves unused caches alone,
 * because a pass may have called cache_test_and_clear_used() just before.
 */
static bool pass_wants_cache(const struct bp_gc_pass *pass, struct bp_cache *cache)
{
	unsigned long oldest;

	if (cache->drain || pass->all || READ_ONCE(cache->granted))
		return true;
	if (bp_cache_peek(cache, &oldest))
		return bp_gc_pass_wants(pass, oldest);
	return !pass->scan && !cache_test_and_clear_used(cache);
}

/*
 * Close the caches of a class that the pass wants. Return true if any cache of the class
 * is closed for a pass now.
 */
static bool class_close(struct bp_class *class, const struct bp_gc_pass *pass,
			enum bp_drain drain)
{
	struct rcu_gp_seq grace = {};
	struct bp_cache *cache;
	bool closed = false, fresh = false;

	lockdep_assert_held(&class->pool->gc_lock);
	bp_for_each_cache(cache, class) {
		if (pass_wants_cache(pass, cache)) {
			closed = true;
			cache->fresh = cache_claim(cache, drain);
			fresh |= cache->fresh;
		}
	}
	if (!fresh)
		return closed;
	/* After this, no new section finds the caches. */
	bp_memo_forget();
	if (!bp_pool_single(class->pool))
		start_poll_synchronize_rcu_full(&grace);
	bp_for_each_cache(cache, class) {
		if (!cache->fresh)
			continue;
		cache->fresh = false;
		cache->grace = grace;
	}
	return true;
}

/*
 * Remove the oldest magazine if the pass wants a block of it, and put its blocks back into
 * their slabs. Leave it if all its blocks were freed after the pass began, or if the reserve
 * binds all slabs. Compare ages, because a time may be more than half of the range of jiffies
 * ago.
 */
static struct bp_magazine *depot_flush_magazine(struct bp_depot *depot,
						const struct bp_gc_pass *pass)
{
	struct bp_magazine *last = bp_depot_last_full(depot);
	unsigned long now = jiffies;

	bp_depot_assert_held(depot);
	if (!last || !bp_class_has_spare(depot->class) ||
	    !bp_gc_pass_wants(pass, bp_magazine_oldest(last)) ||
	    now - bp_magazine_oldest(last) < now - pass->now)
		return NULL;
	bp_depot_del_magazine(depot, last);
	bp_depot_push_entries(depot, last->entries, last->nr);
	return last;
}

/*
 * Free the empty magazines, and those with blocks that the pass wants, but at most @most. Put
 * their blocks back into the slabs. Magazines that fill meanwhile stay. Return the number of
 * magazines.
 */
unsigned int bp_class_flush_magazines(struct bp_class *class, const struct bp_gc_pass *pass,
				      unsigned int most)
{
	struct bp_magazine *magazine;
	struct bp_depot *depot;
	unsigned int nr = 0;
	unsigned long flags;

	bp_for_each_depot(depot, class) {
		/* Others may add magazines meanwhile. */
		unsigned long left = data_race(depot->nr_magazines);

		while (left-- && nr < most) {
			flags = bp_depot_lock(depot);
			magazine = depot_flush_magazine(depot, pass) ?:
				   bp_depot_take_empty(depot, 0);
			bp_depot_unlock(depot, flags);
			if (!magazine)
				break;
			kfree_rcu(magazine, rcu);
			nr++;
			cond_resched();
		}
	}
	return nr;
}

/*
 * Drain a closed cache of the blocks that its passes want. If blocks are left, open the cache.
 * Otherwise free it, unless its CPU may go on using it. This is so if a scan, a task that waits
 * or a reserve has closed the cache, or if a pass by age has ended its grant.
 */
static void cache_release(struct bp_cache *cache, const struct bp_gc_pass *pass)
{
	struct bp_depot *depot = cache->depot;
	unsigned long flags = bp_depot_lock(depot);
	bool stays = cache->drain == BP_DRAIN_ALL ||
		     (cache->granted && cache->drain != BP_DRAIN_RETIRE);

	bp_cache_drain(cache, cache->drain == BP_DRAIN_EXPIRED ? pass : &bp_gc_everything);
	cache->drain = BP_DRAIN_NONE;
	/* Once a cache is open, its CPU may empty it. */
	if (bp_cache_nr(cache)) {
		stays = true;
		/* Only a pool that is awake may have open caches. */
		if (READ_ONCE(depot->class->pool->awake))
			bp_cache_open(cache);
	}
	if (!stays)
		bp_cache_remove(cache);
	bp_depot_unlock(depot, flags);
	if (!stays)
		bp_cache_free(cache);
}

/*
 * Drain the closed caches of a class whose grace period is over. Return true if a cache has
 * to wait for its grace period.
 */
static bool class_drain(struct bp_class *class, const struct bp_gc_pass *pass)
{
	struct bp_cache *cache;
	bool pending = false;

	lockdep_assert_held(&class->pool->gc_lock);
	bp_for_each_cache(cache, class) {
		if (!cache->drain)
			continue;
		if (grace_over(class->pool, &cache->grace))
			cache_release(cache, pass);
		else
			pending = true;
	}
	return pending;
}

/* Have the GC drain the closed caches, unless another pass does so before. */
void bp_pool_drain_soon(struct bytepool *pool)
{
	lockdep_assert_held(&pool->gc_lock);
	if (bp_pool_single(pool))
		return;
	WRITE_ONCE(pool->draining, true);
	bp_gc_drain_within(1);
}

static bool class_has_grants(struct bp_class *class)
{
	struct bp_cache *cache;
	unsigned long flags;
	bool granted = false;

	bp_for_each_cache(cache, class) {
		flags = bp_depot_lock(cache->depot);
		granted |= cache->granted;
		bp_depot_unlock(cache->depot, flags);
	}
	return granted;
}

/*
 * Have all blocks of the caches of a class come back to its depots: always, or if a
 * cache has a grant. They are there when bp_class_drain_recalled() returns true. Return false
 * if there is nothing to wait for.
 * Context: May sleep, but does not wait for a grace period.
 */
bool bp_class_recall(struct bp_class *class, bool always)
{
	bool closed;

	mutex_lock(&class->pool->gc_lock);
	closed = (always || class_has_grants(class)) &&
		 class_close(class, &bp_gc_everything, BP_DRAIN_ALL);
	if (closed)
		bp_pool_drain_soon(class->pool);
	mutex_unlock(&class->pool->gc_lock);
	return closed;
}

/* Drain the closed caches of a class. Return false if one has to wait for its grace period. */
bool bp_class_drain_recalled(struct bp_class *class)
{
	const struct bp_gc_pass pass = bp_gc_pass_begin(class->pool);
	bool pending;

	mutex_lock(&class->pool->gc_lock);
	pending = class_drain(class, &pass);
	mutex_unlock(&class->pool->gc_lock);
	return !pending;
}

/* Give back a few wholly idle slabs, until @most blocks are given back. */
static struct bp_gc_reaped depot_reap(struct bp_depot *depot, const struct bp_gc_pass *pass,
				      unsigned long most)
{
	struct bytepool *pool = depot->class->pool;
	struct bp_gc_reaped reaped = {};
	struct bp_slab *slab;
	LIST_HEAD(dead);

	if (!bp_gc_pass_lock(pass, &pool->reap_lock))
		return reaped;	/* somebody else gives memory of this pool back */
	reaped.blocks = bp_depot_take_slabs(depot, pass, most, &dead);
	bp_class_close_if_short(depot->class);
	list_for_each_entry(slab, &dead, list)
		bp_table_remove(slab);
	if (reaped.blocks)
		bp_memo_forget();
	reaped.bytes = bp_slabs_destroy(&dead);
	WRITE_ONCE(pool->reclaimed_blocks, pool->reclaimed_blocks + reaped.blocks);
	WRITE_ONCE(pool->reclaimed_bytes, pool->reclaimed_bytes + reaped.bytes);
	mutex_unlock(&pool->reap_lock);
	return reaped;
}

/* Give back wholly idle slabs, until @most blocks are given back or none is left. */
struct bp_gc_reaped bp_class_reap(struct bp_class *class, const struct bp_gc_pass *pass,
				  unsigned long most)
{
	struct bp_depot *depot;
	struct bp_gc_reaped all = {};

	bp_for_each_depot(depot, class) {
		/* Give back no more than is idle now, because others go on freeing. */
		unsigned long left = min(most, data_race(depot->nr_idle));

		while (left) {
			struct bp_gc_reaped some = depot_reap(depot, pass, left);

			if (!some.blocks)
				break;
			all.blocks += some.blocks;
			all.bytes += some.bytes;
			left -= min(left, some.blocks);
			most -= min(most, some.blocks);
			cond_resched();
		}
		cond_resched();
	}
	return all;
}

/* Wait until the slabs that others have taken from depots are given back to the system. */
void bp_pool_wait_for_reap(struct bytepool *pool)
{
	mutex_lock(&pool->reap_lock);
	mutex_unlock(&pool->reap_lock);
}

bool bp_pool_close(struct bytepool *pool, const struct bp_gc_pass *pass, enum bp_drain drain)
{
	struct bp_class *class;
	bool closed = false;

	bp_for_each_class(class, pool) {
		closed |= class_close(class, pass, drain);
		cond_resched();
	}
	return closed;
}

/* Drain the closed caches whose grace period is over. Return true if others wait. */
bool bp_pool_drain(struct bytepool *pool, const struct bp_gc_pass *pass)
{
	struct bp_class *class;
	bool pending = false;

	bp_for_each_class(class, pool) {
		pending |= class_drain(class, pass);
		cond_resched();
	}
	return pending;
}

/* Reap the depots of a class, until @all has @bytes. */
static void class_reap_until(struct bp_class *class, const struct bp_gc_pass *pass,
			     unsigned long bytes, struct bp_gc_reaped *all)
{
	unsigned long most = DIV_ROUND_UP(bytes - all->bytes, class->size);
	struct bp_gc_reaped reaped = bp_class_reap(class, pass, most);

	all->blocks += reaped.blocks;
	all->bytes += reaped.bytes;
}

/*
 * Reap the depots of all classes from *@index on, until @bytes are given back, or the turn is
 * over because enough magazines were emptied. Set *@index to the class at which to go on.
 * Trace the reason @why.
 */
struct bp_gc_reaped bp_pool_reap_from(struct bytepool *pool, const struct bp_gc_pass *pass,
				      const char *why, unsigned long bytes, u32 *index)
{
	struct bp_gc_reaped all = {};
	struct bp_class *class;

	while ((class = bp_class_next(pool, index))) {
		class_reap_until(class, pass, bytes, &all);
		if (all.bytes < bytes) {
			all.magazines += bp_class_flush_magazines(class, pass, BP_TURN_MAGAZINES -
									       all.magazines);
			class_reap_until(class, pass, bytes, &all);
		}
		if (all.bytes >= bytes || all.magazines >= BP_TURN_MAGAZINES) {
			*index = class->index;	/* it may have more */
			break;
		}
	}
	if (all.blocks)
		trace_gc(pool->name, why, all.blocks, all.bytes, bp_pool_held(pool));
	return all;
}

/*
 * Reap the depots of all classes, until @bytes are given back. A pass that is @brief ends after
 * a turn.
 */
struct bp_gc_reaped bp_pool_reap(struct bytepool *pool, const struct bp_gc_pass *pass,
				 const char *why, unsigned long bytes)
{
	struct bp_gc_reaped all = {};
	u32 index = 0;

	do {
		struct bp_gc_reaped turn = bp_pool_reap_from(pool, pass, why, bytes - all.bytes,
							     &index);

		all.blocks += turn.blocks;
		all.bytes += turn.bytes;
		all.magazines += turn.magazines;
	} while (!pass->brief && all.bytes < bytes && index < pool->sizes.nr);
	return all;
}

bool bp_pool_reclaimable(struct bytepool *pool)
{
	struct bp_class *class;

	bp_for_each_class(class, pool) {
		if (bp_class_reclaimable(class))
			return true;
		cond_resched();
	}
	return false;
}
