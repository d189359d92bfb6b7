/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A per-CPU cache: a stack of idle blocks of one class, the last freed on top.
 *
 * Entries rise in age from top to bottom, always: what has expired is the
 * lowest part. Below the lowest lies an entry without a block, so that a pop
 * finds out that the cache is empty by what it has to read anyway. Who may
 * touch a cache, and how it is taken away from its CPU, stands in bytepool.c.
 */
#ifndef _BYTEPOOL_CACHE_H
#define _BYTEPOOL_CACHE_H

#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "slab.h"

struct bytepool;
struct bytepool_depot;

/**
 * struct bytepool_entry - an idle block in a cache
 * @block: its address
 * @state: its state in @slab
 * @slab: where it lies
 * @idle_since: jiffies when it was freed; of one that came from its slab, when the
 *	youngest idle block there was
 */
struct bytepool_entry {
	void *block;
	u8 *state;
	struct bytepool_slab *slab;
	unsigned long idle_since;
} __aligned(4 * sizeof(long));	/* in one cache line */

/**
 * struct bytepool_cache - the idle blocks of one class on one CPU
 * @pool: whose; CACHE_BUSY while its CPU is inside: an interrupt goes to the depot then
 * @top: one above the youngest entry
 * @end: where @top is when it is full
 * @hits: allocations served
 * @frees: frees taken
 * @depot: where its blocks come from and go
 * @cpu: the CPU that it belongs to
 * @gc_owned: the GC has it, or will after a grace period; changes under gc_lock
 *	and the depot's lock
 * @floor: one below the oldest entry; without a block
 * @rcu: at its end, until no CPU can be looking at it
 * @entries: oldest first
 */
struct bytepool_cache {
	struct bytepool *pool;
	struct bytepool_entry *top;
	struct bytepool_entry *end;
	u64 hits;
	u64 frees;
	struct bytepool_depot *depot;
	int cpu;
	bool gc_owned;
	union {
		/* Nobody pops from a cache at its end. */
		struct bytepool_entry floor;
		struct rcu_head rcu;
	};
	struct bytepool_entry entries[];
};

/* What cache_pop() relies on. */
static_assert(offsetof(struct bytepool_cache, entries) ==
	      offsetof(struct bytepool_cache, floor) + sizeof(struct bytepool_entry));

/**
 * struct bytepool_batch - idle blocks on their way from CPU to CPU
 * @next: in the depot's list of full or of empty ones
 * @nr: entries
 * @entries: oldest first
 */
struct bytepool_batch {
	struct bytepool_batch *next;
	u32 nr;
	struct bytepool_entry entries[];
};

/* How many entries it has; from another CPU than the cache's a hint. */
static inline u32 cache_nr(const struct bytepool_cache *cache)
{
	return READ_ONCE(cache->top) - cache->entries;
}

static inline u32 cache_capacity(const struct bytepool_cache *cache)
{
	return cache->end - cache->entries;
}

static inline bool cache_full(const struct bytepool_cache *cache)
{
	return cache->top == cache->end;
}

/* Put a block on top, where @top is cache->top: who has read it need not read it again. */
static __always_inline void cache_push(struct bytepool_cache *cache, struct bytepool_entry *top,
				       void *block, u8 *state, struct bytepool_slab *slab,
				       unsigned long idle_since)
{
	top->block = block;
	top->state = state;
	top->slab = slab;
	top->idle_since = idle_since;
	WRITE_ONCE(cache->top, top + 1);
}

/* The youngest block, in use from now on, or NULL. */
static __always_inline void *cache_pop(struct bytepool_cache *cache)
{
	struct bytepool_entry *top = cache->top - 1;
	void *block = top->block;

	if (likely(block)) {
		WRITE_ONCE(*top->state, BYTEPOOL_BLOCK_IN_USE);
		WRITE_ONCE(cache->top, top);
	}
	return block;
}

/* Put a block where its age belongs. */
static inline void cache_insert(struct bytepool_cache *cache, void *block, u8 *state,
				struct bytepool_slab *slab, unsigned long idle_since)
{
	struct bytepool_entry *entry = cache->top;

	for (; entry > cache->entries && longer_ago(idle_since, entry[-1].idle_since); entry--)
		*entry = entry[-1];
	*entry = (struct bytepool_entry){
		.block = block, .state = state, .slab = slab, .idle_since = idle_since,
	};
	WRITE_ONCE(cache->top, cache->top + 1);
}

/* Drop the @nr oldest entries, which the caller has dealt with. */
static inline void cache_drop_oldest(struct bytepool_cache *cache, u32 nr)
{
	struct bytepool_entry *to = cache->entries;
	const struct bytepool_entry *from = to + nr;

	while (from < cache->top)
		*to++ = *from++;
	WRITE_ONCE(cache->top, to);
}

/* Move the @nr youngest entries to an empty batch. */
static inline void cache_unload_batch(struct bytepool_cache *cache, struct bytepool_batch *batch,
				      u32 nr)
{
	struct bytepool_entry *from = cache->top - nr;
	u32 i;

	for (i = 0; i < nr; i++)
		batch->entries[i] = from[i];
	batch->nr = nr;
	WRITE_ONCE(cache->top, from);
}

/* Move as many entries of a batch as fit into a cache that is empty. */
static inline void cache_load_batch(struct bytepool_cache *cache, struct bytepool_batch *batch)
{
	u32 nr = min(batch->nr, cache_capacity(cache));
	u32 i;

	batch->nr -= nr;
	for (i = 0; i < nr; i++)
		cache->entries[i] = batch->entries[batch->nr + i];
	WRITE_ONCE(cache->top, cache->entries + nr);
}

/*
 * When the oldest block was freed, if there is any. From another CPU than the
 * cache's a hint, which the next look mends.
 */
static inline unsigned long cache_oldest(const struct bytepool_cache *cache)
{
	/* Its CPU may move entries meanwhile. */
	return data_race(cache->entries[0].idle_since);
}

#endif /* _BYTEPOOL_CACHE_H */
