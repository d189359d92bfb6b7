/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A per-CPU cache: a stack of idle blocks of one class, the last freed on top.
 *
 * Entries rise in age from top to bottom, always: what has expired is the
 * lowest part. Who may touch a cache, and how it is taken away from its CPU,
 * stands in bytepool.c.
 */
#ifndef _BYTEPOOL_CACHE_H
#define _BYTEPOOL_CACHE_H

#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/string.h>
#include <linux/types.h>

struct bytepool_slab;

/**
 * struct bytepool_entry - an idle block in a cache
 * @block: its address
 * @slab: where it lies
 * @stamp: jiffies when it was freed
 * @index: of the block in @slab
 */
struct bytepool_entry {
	void *block;
	struct bytepool_slab *slab;
	unsigned long stamp;
	u32 index;
};

/**
 * struct bytepool_cache - the idle blocks of one class on one CPU
 * @busy: set while its CPU is inside; an interrupt on it goes to the depot then
 * @closed: the GC has it, or will after a grace period; changes under gc_lock
 *	and class->lock
 * @capacity: most entries that fit
 * @nr: entries
 * @cpu: the CPU that it belongs to
 * @hits: allocations served
 * @frees: frees taken
 * @entries: oldest first
 */
struct bytepool_cache {
	bool busy;
	bool closed;
	u16 capacity;
	u32 nr;
	int cpu;
	u64 hits;
	u64 frees;
	struct bytepool_entry entries[];
};

static inline void cache_push(struct bytepool_cache *cache, void *block,
			      struct bytepool_slab *slab, u32 index, unsigned long stamp)
{
	struct bytepool_entry *entry = &cache->entries[cache->nr];

	entry->block = block;
	entry->slab = slab;
	entry->stamp = stamp;
	entry->index = index;
	WRITE_ONCE(cache->nr, cache->nr + 1);
}

static inline struct bytepool_entry *cache_pop(struct bytepool_cache *cache)
{
	u32 top = cache->nr - 1;

	WRITE_ONCE(cache->nr, top);
	return &cache->entries[top];
}

/* Put a block where its age belongs. */
static inline void cache_insert(struct bytepool_cache *cache, void *block,
				struct bytepool_slab *slab, u32 index, unsigned long stamp)
{
	struct bytepool_entry *entry = &cache->entries[cache->nr];

	for (; entry > cache->entries && time_after(entry[-1].stamp, stamp); entry--)
		*entry = entry[-1];
	*entry = (struct bytepool_entry){
		.block = block, .slab = slab, .stamp = stamp, .index = index,
	};
	WRITE_ONCE(cache->nr, cache->nr + 1);
}

/* Drop the @nr oldest entries, which the caller has dealt with. */
static inline void cache_drop_oldest(struct bytepool_cache *cache, u32 nr)
{
	memmove(cache->entries, cache->entries + nr,
		(cache->nr - nr) * sizeof(cache->entries[0]));
	WRITE_ONCE(cache->nr, cache->nr - nr);
}

/*
 * When the oldest block was freed, if there is any. From another CPU than the
 * cache's a hint, which the next look mends.
 */
static inline unsigned long cache_oldest(const struct bytepool_cache *cache)
{
	/* Its CPU may move entries meanwhile. */
	return data_race(cache->entries[0].stamp);
}

#endif /* _BYTEPOOL_CACHE_H */
