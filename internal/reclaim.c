// SPDX-License-Identifier: GPL-2.0-only
/*
 * The steps of a GC pass: close caches, drain them, reap slabs.
 */
#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/sched.h>

#include "age.h"
#include "backing.h"
#include "cache.h"
#include "class.h"
#include "depot.h"
#include "memo.h"
#include "reclaim.h"
#include "slab.h"
#include "table.h"
#include "trace.h"
#include "types.h"

/*
 * Close the caches of a class: all, or those with blocks that the pass wants.
 * Return true if any cache of the class is closed now. This includes caches
 * that the first half of a background pass has closed and whose grace period
 * has not ended.
 */
bool bp_class_close(struct bp_class *class, const struct bp_gc_pass *pass)
{
	struct bp_cache *cache;
	bool closed = false;
	unsigned long flags;

	lockdep_assert_held(&class->pool->gc_lock);
	bp_for_each_cache(cache, class) {
		if (!cache->gc_owned && !pass->all &&
		    !(bp_cache_nr(cache) && bp_gc_pass_wants(pass, bp_cache_oldest(cache))))
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
 * Take a batch whose oldest entry the pass wants and was freed no later than
 * @begun. The entries are in order of age, so the first one tells. Compare
 * ages, because a time may be more than half of the range of jiffies ago.
 */
static struct bp_batch *depot_take_old_batch(struct bp_depot *depot,
					     const struct bp_gc_pass *pass,
					     unsigned long begun)
{
	struct bp_batch **at = &depot->full;
	unsigned long now = jiffies;

	bp_depot_assert_held(depot);
	while (*at && (!bp_gc_pass_wants(pass, (*at)->entries[0].idle_since) ||
		       now - (*at)->entries[0].idle_since < now - begun))
		at = &(*at)->next;
	return bp_batch_take(at);
}

/*
 * Put the blocks of batches that the pass wants back into their slabs. Batches
 * that fill meanwhile stay.
 */
void bp_class_flush_batches(struct bp_class *class, const struct bp_gc_pass *pass)
{
	unsigned long begun = jiffies;
	struct bp_depot *depot;
	struct bp_batch *batch;
	unsigned long flags;

	bp_for_each_depot(depot, class) {
		do {
			flags = bp_depot_lock(depot);
			batch = depot_take_old_batch(depot, pass, begun);
			if (batch) {
				bp_depot_push_entries(depot, batch->entries, batch->nr);
				batch->nr = 0;
				bp_depot_put_batch(depot, batch);
			}
			bp_depot_unlock(depot, flags);
		} while (batch);
	}
}

/*
 * Take what the pass wants out of the closed caches of a class, a grace period
 * after they were closed, and out of its batches. A cache that is empty then
 * stays closed, but the GC no longer owns it. It is opened when depot_alloc()
 * or depot_free() puts a block into it and wakes the GC.
 */
void bp_class_drain(struct bp_class *class, const struct bp_gc_pass *pass)
{
	struct bp_cache *cache;
	unsigned long flags;

	lockdep_assert_held(&class->pool->gc_lock);
	bp_for_each_cache(cache, class) {
		u32 nr = 0;

		if (!cache->gc_owned)
			continue;
		flags = bp_depot_lock(cache->depot);
		while (nr < bp_cache_nr(cache) && bp_gc_pass_wants(pass,
								   cache->entries[nr].idle_since))
			nr++;
		bp_cache_flush(cache, nr);
		cache->gc_owned = false;
		/* Only a pool that is awake may have open caches. */
		if (bp_cache_nr(cache) && !class->reserve && READ_ONCE(class->pool->awake))
			bp_cache_open(cache);
		bp_depot_unlock(cache->depot, flags);
	}
	bp_class_flush_batches(class, pass);
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

void bp_pool_flush_batches(struct bytepool *pool, const struct bp_gc_pass *pass)
{
	struct bp_class *class;

	bp_for_each_class(class, pool) {
		bp_class_flush_batches(class, pass);
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
