// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters of classes, added up.
 */
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/seqlock.h>
#include <linux/string.h>

#include "backing.h"
#include "class.h"
#include "depot.h"
#include "slots.h"
#include "stats.h"
#include "types.h"

/* Add the counters of a class to @stats. */
void bp_class_add_stats(struct bp_class *class, struct bytepool_stats *stats)
{
	u64 hits, misses, frees, in_use, blocks;
	struct bp_depot *depot;
	struct bp_cache *cache;
	unsigned long flags;
	unsigned int start;

	/* Read again if a cache was removed, because its counts have moved to its depot. */
	do {
		start = read_seqcount_begin(&class->removals);
		hits = 0;
		misses = 0;
		frees = 0;
		bp_for_each_depot(depot, class) {
			flags = bp_depot_lock(depot);
			hits += depot->hits;
			misses += depot->misses;
			frees += depot->frees;
			bp_depot_unlock(depot, flags);
		}
		blocks = atomic_long_read(&class->nr_blocks);
		rcu_read_lock();
		bp_for_each_cache(cache, class) {
			/* Its CPU may change both meanwhile. */
			frees += data_race(cache->frees);
			/* As above. */
			hits += data_race(cache->hits);
		}
		rcu_read_unlock();
	} while (read_seqcount_retry(&class->removals, start));
	/* The counters are not read at one moment, so keep the result within its bounds. */
	in_use = hits + misses > frees ? min(hits + misses - frees, blocks) : 0;
	stats->hits += hits;
	stats->misses += misses;
	stats->allocs += hits + misses;
	stats->frees += frees;
	stats->blocks_in_use += in_use;
	stats->bytes_in_use += in_use * class->size;
	stats->blocks_idle += blocks - in_use;
	stats->bytes_idle += (blocks - in_use) * class->size;
}

/* Return the bytes of a class, its depots, caches and descriptors, but not of its blocks. */
static u64 class_overhead(struct bp_class *class)
{
	u64 bytes = bp_class_bytes();
	unsigned int i;
	struct bp_depot *depot;
	struct bp_cache *cache;
	unsigned long flags;

	bp_for_each_depot(depot, class) {
		flags = bp_depot_lock(depot);
		bytes += sizeof(*depot) + depot->overhead;
		bp_depot_unlock(depot, flags);
	}
	for (i = 0; i < bp_nr_groups(); i++)
		bytes += READ_ONCE(class->group[i]) ? sizeof(struct bp_group) : 0;
	rcu_read_lock();
	bp_for_each_cache(cache, class) {
		bytes += sizeof(*cache) + bp_magazine_bytes(READ_ONCE(cache->loaded)->capacity) +
			 bp_magazine_bytes(READ_ONCE(cache->spare)->capacity);
	}
	rcu_read_unlock();
	return bytes;
}

/* Return the bytes that the pool takes beside the memory that it holds. */
static u64 pool_overhead(struct bytepool *pool)
{
	u64 bytes = sizeof(*pool) + array_size(pool->sizes.nr, sizeof(*pool->class)) +
		    num_possible_cpus() * sizeof(struct bp_cpu) + bp_slots_overhead(pool);
	struct bp_class *class;

	bp_for_each_class(class, pool)
		bytes += class_overhead(class);
	return bytes;
}

/* Fill in @stats. They are exact while nobody uses the pool. */
void bp_pool_stats(struct bytepool *pool, struct bytepool_stats *stats)
{
	struct bp_class *class;

	memset(stats, 0, sizeof(*stats));
	bp_for_each_class(class, pool)
		bp_class_add_stats(class, stats);
	stats->bytes_held = bp_pool_held(pool);
	stats->bytes_overhead = pool_overhead(pool);
	stats->failures = atomic64_read(&pool->failures);
	stats->bad_frees = atomic64_read(&pool->bad_frees);
	stats->gc_runs = READ_ONCE(pool->gc_runs);
	stats->reclaimed_blocks = READ_ONCE(pool->reclaimed_blocks);
	stats->reclaimed_bytes = READ_ONCE(pool->reclaimed_bytes);
}
