// SPDX-License-Identifier: GPL-2.0-only
/*
 * The steps of a GC pass: close caches, drain them, reap slabs.
 */
#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/list.h>
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

/*
 * Close the caches of a class: all, or those with blocks that the pass wants. Grants
 * end with each pass, because they may bind slabs that it wants.
 * Return true if any cache of the class is closed now. This includes caches
 * that the first half of a background pass has closed and whose grace period
 * has not ended.
 */
bool bp_class_close(struct bp_class *class, const struct bp_gc_pass *pass)
{
	struct bp_cache *cache;
	bool closed = false;
	unsigned long flags, oldest;

	lockdep_assert_held(&class->pool->gc_lock);
	bp_for_each_cache(cache, class) {
		if (!cache->gc_owned && !pass->all && !READ_ONCE(cache->granted) &&
		    !(bp_cache_peek(cache, &oldest) && bp_gc_pass_wants(pass, oldest)))
			continue;
		flags = bp_depot_lock(cache->depot);
		cache->gc_owned = true;
		bp_cache_close(cache);
		bp_depot_unlock(cache->depot, flags);
		closed = true;
	}
	if (closed)
		bp_memo_forget();
	return closed;
}

/*
 * Remove the oldest magazine, if the pass wants a block of it, and put its blocks back
 * into their slabs. Its oldest block was freed no later than @begun. Compare ages, because
 * a time may be more than half of the range of jiffies ago.
 */
static struct bp_magazine *depot_flush_magazine(struct bp_depot *depot,
						const struct bp_gc_pass *pass,
						unsigned long begun)
{
	struct bp_magazine *last = bp_depot_last_full(depot);
	unsigned long now = jiffies;

	bp_depot_assert_held(depot);
	if (!last || !bp_gc_pass_wants(pass, bp_magazine_oldest(last)) ||
	    now - bp_magazine_oldest(last) < now - begun)
		return NULL;
	bp_depot_push_entries(depot, last->entries, last->nr);
	bp_depot_del_magazine(depot, last);
	return last;
}

/*
 * Put the blocks of magazines that the pass wants back into their slabs, and free
 * these magazines and the empty ones. Magazines that fill meanwhile stay.
 */
void bp_class_flush_magazines(struct bp_class *class, const struct bp_gc_pass *pass)
{
	unsigned long begun = jiffies;
	struct bp_magazine *magazine;
	struct bp_depot *depot;
	unsigned long flags;

	bp_for_each_depot(depot, class) {
		/* Others may add magazines meanwhile. */
		unsigned long left = data_race(depot->nr_magazines);

		while (left--) {
			flags = bp_depot_lock(depot);
			magazine = depot_flush_magazine(depot, pass, begun) ?:
				   bp_depot_take_empty(depot, 0);
			bp_depot_unlock(depot, flags);
			if (!magazine)
				break;
			kfree_rcu(magazine, rcu);
			cond_resched();
		}
	}
}

/*
 * Take what the pass wants out of the closed caches of a class, a grace period
 * after they were closed, and out of its magazines. A cache that is empty then
 * stays closed, but the GC no longer owns it. It is opened when depot_alloc()
 * or depot_free() puts a block into it and wakes the GC.
 */
void bp_class_drain(struct bp_class *class, const struct bp_gc_pass *pass)
{
	struct bp_cache *cache;
	unsigned long flags;

	lockdep_assert_held(&class->pool->gc_lock);
	bp_for_each_cache(cache, class) {
		if (!cache->gc_owned)
			continue;
		flags = bp_depot_lock(cache->depot);
		bp_cache_drain(cache, pass);
		cache->gc_owned = false;
		/* Only a pool that is awake may have open caches. */
		if (bp_cache_nr(cache) && READ_ONCE(class->pool->awake))
			bp_cache_open(cache);
		bp_depot_unlock(cache->depot, flags);
	}
	bp_class_flush_magazines(class, pass);
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
 * cache has a grant.
 * Context: May sleep, and waits for a grace period.
 */
void bp_class_recall(struct bp_class *class, bool always)
{
	mutex_lock(&class->pool->gc_lock);
	if ((always || class_has_grants(class)) && bp_class_close(class, &bp_gc_everything)) {
		if (!bp_pool_single(class->pool))
			synchronize_rcu();
		bp_class_drain(class, &bp_gc_everything);
	}
	mutex_unlock(&class->pool->gc_lock);
}

/* Give back a few wholly idle slabs, until @most blocks are given back. */
static struct bp_gc_reaped depot_reap(struct bp_depot *depot, const struct bp_gc_pass *pass,
				      unsigned long most)
{
	struct bytepool *pool = depot->class->pool;
	struct bp_slab *slab, *next;
	struct bp_gc_reaped reaped = {};
	LIST_HEAD(dead);

	mutex_lock(&pool->reap_lock);
	reaped.blocks = bp_depot_take_slabs(depot, pass, most, &dead);
	list_for_each_entry(slab, &dead, list)
		bp_table_remove(slab);
	if (reaped.blocks)
		bp_memo_forget();
	list_for_each_entry_safe(slab, next, &dead, list)
		reaped.bytes += bp_slab_destroy(slab);
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

bool bp_pool_close(struct bytepool *pool, const struct bp_gc_pass *pass)
{
	struct bp_class *class;
	bool closed = false;

	bp_for_each_class(class, pool) {
		closed |= bp_class_close(class, pass);
		cond_resched();
	}
	return closed;
}

void bp_pool_drain(struct bytepool *pool, const struct bp_gc_pass *pass)
{
	struct bp_class *class;

	bp_for_each_class(class, pool) {
		bp_class_drain(class, pass);
		cond_resched();
	}
}

void bp_pool_flush_magazines(struct bytepool *pool, const struct bp_gc_pass *pass)
{
	struct bp_class *class;

	bp_for_each_class(class, pool) {
		bp_class_flush_magazines(class, pass);
		cond_resched();
	}
}

/* Give back wholly idle slabs of all classes. Return the number of blocks. */
unsigned long bp_pool_reap(struct bytepool *pool, const struct bp_gc_pass *pass)
{
	struct bp_gc_reaped all = {};
	struct bp_class *class;

	bp_for_each_class(class, pool) {
		struct bp_gc_reaped reaped = bp_class_reap(class, pass, ULONG_MAX);

		all.blocks += reaped.blocks;
		all.bytes += reaped.bytes;
	}
	if (all.blocks)
		trace_gc(pool->name, pass->all ? "trim" : "age", all.blocks, all.bytes,
			 bp_pool_held(pool));
	return all.blocks;
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
