// SPDX-License-Identifier: GPL-2.0-only
/* Per-CPU caches: the step between depot and cache. */
#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/kmemleak.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/percpu.h>
#include <linux/slab.h>

#include "age.h"
#include "backing.h"
#include "cache.h"
#include "context.h"
#include "depot.h"
#include "size_class.h"
#include "types.h"

char bp_no_pool;

struct bp_cache bp_closed_cache __read_mostly = { .pool = BP_CACHE_BUSY };

/* Return this CPU's cache of the depot, or NULL if there is none or it must not be used. */
struct bp_cache *bp_depot_this_cpu_cache(struct bp_depot *depot)
{
	struct bp_class *class = depot->class;
	struct bp_cache *cache = READ_ONCE(class->cache[smp_processor_id()]);

	bp_depot_assert_held(depot);
	if (!cache || READ_ONCE(cache->pool) != class->pool || cache->depot != depot ||
	    cache->gc_owned || READ_ONCE(class->reserve))
		return NULL;
	return cache;
}

/* Have the CPU of a cache follow @to: the cache, or bp_closed_cache. */
void bp_cache_set_open(struct bp_cache *cache, struct bp_cache *to)
{
	const struct bp_class *class = cache->depot->class;
	const struct bp_sizes *sizes = &class->pool->sizes;
	struct bp_cache **open = per_cpu_ptr(class->pool->cpu, cache->cpu)->open;
	u32 slot = bp_first_slot(sizes, class->index);

	bp_depot_assert_held(cache->depot);
	for (; slot <= bp_last_slot(sizes, class->index); slot++) {
		/* Pairs with the dependent loads of the fast paths: the GC has left the cache. */
		smp_store_release(&open[slot], to);
	}
}

/* Make this CPU's cache of the class, if memory is at hand. Without a cache, the depot serves. */
static noinline void cache_create(struct bp_class *class)
{
	int cpu = raw_smp_processor_id();
	struct bp_cache *cache;
	unsigned long limit = READ_ONCE(class->pool->limit);
	unsigned long capacity = class->capacity;
	size_t bytes;

	if (READ_ONCE(class->reserve) || !bp_system_may_serve())
		return;
	/*
	 * Blocks in one CPU's cache are not available to the others. The caches
	 * of a class together may hold at most an eighth of the limit in force
	 * now.
	 */
	if (limit)
		capacity = min(limit / 8 / num_online_cpus() / class->size, capacity);
	if (!capacity)
		return;
	bytes = ALIGN(struct_size(cache, entries, capacity), SMP_CACHE_BYTES);
	cache = kzalloc_node(bytes, GFP_NOWAIT | __GFP_NOWARN, cpu_to_node(cpu));
	if (!cache)
		return;
	kmemleak_no_scan(cache);	/* its entries are no references to blocks */
	cache->cpu = cpu;
	cache->top = cache->entries;
	cache->end = cache->entries + capacity;
	cache->pool = class->pool;
	cache->depot = &class->depot[bp_cpu_memory_node(cpu)];
	/* Count the cache before class_shares_lines() can see it. */
	atomic_long_inc(&class->nr_caches);
	/*
	 * Pairs with READ_ONCE() and dependent loads wherever class->cache[] is
	 * followed, and as a full barrier with pool_sleep() and
	 * class_shares_lines().
	 */
	if (cmpxchg(&class->cache[cpu], NULL, cache)) {
		atomic_long_dec(&class->nr_caches);
		kfree(cache);
		return;
	}
	if (bp_cache_half(cache) > 1)
		bp_depot_add_batch(cache->depot, cpu_to_node(cpu));
}

/* Make this CPU's cache of the class for the next call. */
void bp_cache_ensure(struct bp_class *class)
{
	if (unlikely(!READ_ONCE(class->cache[raw_smp_processor_id()])))
		cache_create(class);
}

/* Move as many entries of a batch as fit into an empty cache. */
static void cache_load_batch(struct bp_cache *cache, struct bp_batch *batch)
{
	u32 nr = min(batch->nr, bp_cache_capacity(cache));
	u32 i;

	batch->nr -= nr;
	for (i = 0; i < nr; i++)
		cache->entries[i] = batch->entries[batch->nr + i];
	WRITE_ONCE(cache->top, cache->entries + nr);
}

/*
 * Fill an empty cache with a batch, if there is one that has not expired.
 * Expired blocks must not enter a cache, because a pass that is about to give
 * them back would miss them.
 */
void bp_cache_take_batch(struct bp_depot *depot, struct bp_cache *cache)
{
	struct bp_batch *batch = depot->full;
	struct bp_gc_pass pass;

	bp_depot_assert_held(depot);
	if (!batch)
		return;
	pass = bp_gc_pass_begin(depot->class->pool);
	if (bp_gc_pass_wants(&pass, batch->entries[0].idle_since))
		return;
	bp_batch_take(&depot->full);
	cache_load_batch(cache, batch);
	bp_depot_put_batch(depot, batch);
}

/* Fill half of a cache from slabs of the depot, unless their blocks have expired. */
void bp_cache_refill(struct bp_depot *depot, struct bp_cache *cache,
		     void **overwritten)
{
	const struct bp_gc_pass pass = bp_gc_pass_begin(depot->class->pool);

	bp_depot_assert_held(depot);
	while (bp_cache_nr(cache) < bp_cache_half(cache) && depot->nr_idle) {
		struct bp_slab *slab = bp_depot_take_slab(depot);
		unsigned long idle_since = slab->idle_since;

		if (bp_gc_pass_wants(&pass, idle_since)) {
			bp_depot_link(depot, slab);
			break;
		}
		do {
			u8 *state;
			void *block = bp_depot_pop(depot, slab, &state, overwritten);

			WRITE_ONCE(*state, BP_BLOCK_CACHED);
			bp_cache_insert(cache, block, state, slab, idle_since);
		} while (bp_cache_nr(cache) < bp_cache_half(cache) && slab->nr_idle);
		bp_depot_link(depot, slab);
	}
}

/* Open a cache unless it is NULL or empty. Return true if the pool has to be woken. */
bool bp_cache_reopen(struct bp_cache *cache)
{
	if (!cache || !bp_cache_nr(cache))
		return false;
	bp_cache_open(cache);
	return true;
}

/* Put the @nr oldest blocks back into their slabs. */
void bp_cache_flush(struct bp_cache *cache, u32 nr)
{
	bp_depot_assert_held(cache->depot);
	bp_depot_push_entries(cache->depot, cache->entries, nr);
	bp_cache_drop_oldest(cache, nr);
}

/* Move the @nr youngest entries to an empty batch. */
static void cache_unload_batch(struct bp_cache *cache, struct bp_batch *batch, u32 nr)
{
	struct bp_entry *from = cache->top - nr;
	u32 i;

	for (i = 0; i < nr; i++)
		batch->entries[i] = from[i];
	batch->nr = nr;
	WRITE_ONCE(cache->top, from);
}

/*
 * Make room in a full cache. If the depot has an empty batch, half of the
 * blocks go there, and another CPU may take them without touching their slabs.
 */
void bp_cache_make_space(struct bp_depot *depot, struct bp_cache *cache)
{
	struct bp_batch *batch = bp_batch_take(&depot->empty);

	bp_depot_assert_held(depot);
	if (!batch) {
		bp_cache_flush(cache, bp_cache_half(cache));
		return;
	}
	cache_unload_batch(cache, batch, bp_cache_half(cache));
	bp_depot_put_batch(depot, batch);
}

/*
 * Put all blocks of a cache back into their slabs. Return true if the pool has
 * to be woken. The CPU of the cache must not be able to use it meanwhile.
 */
bool bp_cache_flush_all(struct bp_cache *cache)
{
	unsigned long flags = bp_depot_lock(cache->depot);
	bool wake;

	bp_cache_close(cache);
	bp_cache_flush(cache, bp_cache_nr(cache));
	wake = bp_depot_wakes(cache->depot);
	bp_depot_unlock(cache->depot, flags);
	return wake;
}
