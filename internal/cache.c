// SPDX-License-Identifier: GPL-2.0-only
/*
 * Per-CPU caches: depot <-> cache.
 */
#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/percpu.h>
#include <linux/slab.h>

#include "age.h"
#include "backing.h"
#include "cache.h"
#include "context.h"
#include "depot.h"
#include "instrument.h"
#include "size_class.h"
#include "types.h"

/* No pool: who finds it as a cache's goes to the depot. */
char bp_no_pool;

struct bp_cache bp_closed_cache __read_mostly = { .pool = BP_CACHE_BUSY };

/* This CPU's cache of the depot, if there is one and it may be used. depot->lock. */
struct bp_cache *bp_depot_this_cpu_cache(struct bp_depot *depot)
{
	struct bp_class *class = depot->class;
	struct bp_cache *cache = READ_ONCE(class->cache[smp_processor_id()]);

	if (!cache || READ_ONCE(cache->pool) != class->pool || cache->depot != depot ||
	    cache->gc_owned || READ_ONCE(class->reserve))
		return NULL;
	return cache;
}

/* Let a CPU follow its cache, or bp_closed_cache. depot->lock. */
void bp_cache_set_open(struct bp_cache *cache, struct bp_cache *to)
{
	const struct bp_class *class = cache->depot->class;
	const struct bytepool_sizes *sizes = &class->pool->sizes;
	struct bp_cache **open = per_cpu_ptr(class->pool->cpu, cache->cpu)->open;
	u32 slot = bytepool_first_slot(sizes, class->index);

	for (; slot <= bytepool_last_slot(sizes, class->index); slot++) {
		/* Pairs with the dependent loads of the fast paths: the GC has left the cache. */
		smp_store_release(&open[slot], to);
	}
}

/* Make this CPU's cache of the class, if that is easy. Without one the depot serves. */
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
	 * What CPUs keep for themselves others cannot have: of each class no
	 * more than an eighth of the limit, as it is now.
	 */
	if (limit)
		capacity = min(limit / 8 / num_online_cpus() / class->size, capacity);
	if (!capacity)
		return;
	bytes = ALIGN(struct_size(cache, entries, capacity), SMP_CACHE_BYTES);
	cache = kzalloc_node(bytes, GFP_NOWAIT | __GFP_NOWARN, cpu_to_node(cpu));
	if (!cache)
		return;
	kmemleak_no_scan(cache);	/* as of a batch */
	cache->cpu = cpu;
	cache->top = cache->entries;
	cache->end = cache->entries + capacity;
	cache->pool = class->pool;
	cache->depot = &class->depot[bp_cpu_memory_node(cpu)];
	/* Before it is seen, for bp_class_shares_lines(). */
	atomic_long_inc(&class->nr_caches);
	/*
	 * Pairs with READ_ONCE() and dependent loads wherever class->cache[] is
	 * followed, and as a full barrier with pool_sleep() and bp_class_shares_lines().
	 */
	if (cmpxchg(&class->cache[cpu], NULL, cache)) {
		atomic_long_dec(&class->nr_caches);
		kfree(cache);
		return;
	}
	if (bp_cache_half(cache) > 1)
		bp_depot_add_batch(cache->depot, cpu_to_node(cpu));
}

/* For next time. */
void bp_cache_ensure(struct bp_class *class)
{
	if (unlikely(!READ_ONCE(class->cache[raw_smp_processor_id()])))
		cache_create(class);
}

/*
 * Fill an empty cache with a batch, if there is one. What has expired is not
 * for caches: a pass that is about to give it back would miss it. depot->lock.
 */
void bp_cache_take_batch(struct bp_depot *depot, struct bp_cache *cache)
{
	struct bp_batch *batch = depot->full;
	struct bp_gc_pass pass;

	if (!batch)
		return;
	pass = bp_gc_pass_begin(depot->class->pool);
	if (bp_gc_pass_wants(&pass, batch->entries[0].idle_since))
		return;
	bp_batch_take(&depot->full);
	bp_cache_load_batch(cache, batch);
	bp_depot_put_batch(depot, batch);
}

/* Fill with half of what fits, if it has not expired. depot->lock. */
void bp_cache_refill(struct bp_depot *depot, struct bp_cache *cache,
		     void **overwritten)
{
	const struct bp_gc_pass pass = bp_gc_pass_begin(depot->class->pool);

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

/* Let the CPU follow its cache if that has a block: then the pool is to wake. depot->lock. */
bool bp_cache_reopen(struct bp_cache *cache)
{
	if (!cache || !bp_cache_nr(cache))
		return false;
	bp_cache_set_open(cache, cache);
	return true;
}

/* Move the @nr oldest blocks to their slabs. depot->lock. */
void bp_cache_flush(struct bp_cache *cache, u32 nr)
{
	bp_depot_push_entries(cache->depot, cache->entries, nr);
	bp_cache_drop_oldest(cache, nr);
}

/*
 * Make room in a cache that is full: by a batch, in which the blocks leave for
 * another CPU without a look at their slabs, if an empty one is left. depot->lock.
 */
void bp_cache_make_space(struct bp_depot *depot, struct bp_cache *cache)
{
	struct bp_batch *batch = bp_batch_take(&depot->empty);

	if (!batch) {
		bp_cache_flush(cache, bp_cache_half(cache));
		return;
	}
	bp_cache_unload_batch(cache, batch, bp_cache_half(cache));
	bp_depot_put_batch(depot, batch);
}

/* All that a cache has goes to the depot. Its CPU is not inside, nor will it be soon. */
bool bp_cache_flush_all(struct bp_cache *cache)
{
	unsigned long flags = bp_depot_lock(cache->depot);
	bool wake;

	bp_cache_set_open(cache, &bp_closed_cache);
	bp_cache_flush(cache, bp_cache_nr(cache));
	wake = bp_depot_wakes(cache->depot);
	bp_depot_unlock(cache->depot, flags);
	return wake;
}
