/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A per-CPU cache: a stack of idle blocks of one class, the last freed on top.
 *
 * Entries rise in age from top to bottom, always: what has expired is the
 * lowest part. Below the lowest lies an entry without a block, so that a pop
 * finds out that the cache is empty by what it has to read anyway.
 *
 * Alloc and free come here in a section; whoever has a depot's lock has
 * interrupts off. What keeps a CPU from its own cache then is only that it
 * interrupted itself there, or that the GC has it.
 */
#ifndef _BP_CACHE_H
#define _BP_CACHE_H

#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "age.h"
#include "types.h"

#define BP_CACHE_BUSY	((struct bytepool *)&bp_no_pool)

extern char bp_no_pool;
/* Always busy: what a CPU follows where it has no open cache. */
extern struct bp_cache bp_closed_cache;

struct bp_cache *bp_depot_this_cpu_cache(struct bp_depot *depot);
void bp_cache_set_open(struct bp_cache *cache, struct bp_cache *to);
void bp_cache_ensure(struct bp_class *class);
void bp_cache_take_batch(struct bp_depot *depot, struct bp_cache *cache);
void bp_cache_refill(struct bp_depot *depot, struct bp_cache *cache,
		     void **overwritten);
bool bp_cache_reopen(struct bp_cache *cache);
void bp_cache_flush(struct bp_cache *cache, u32 nr);
void bp_cache_make_space(struct bp_depot *depot, struct bp_cache *cache);
bool bp_cache_flush_all(struct bp_cache *cache);

/* How many entries it has; from another CPU than the cache's a hint. */
static inline u32 bp_cache_nr(const struct bp_cache *cache)
{
	return READ_ONCE(cache->top) - cache->entries;
}

static inline u32 bp_cache_capacity(const struct bp_cache *cache)
{
	return cache->end - cache->entries;
}

static inline bool bp_cache_full(const struct bp_cache *cache)
{
	return cache->top == cache->end;
}

/* Put a block on top, where @top is cache->top: who has read it need not read it again. */
static __always_inline void bp_cache_push(struct bp_cache *cache, struct bp_entry *top,
					  void *block, u8 *state, struct bp_slab *slab,
					  unsigned long idle_since)
{
	top->block = block;
	top->state = state;
	top->slab = slab;
	top->idle_since = idle_since;
	WRITE_ONCE(cache->top, top + 1);
}

/* The youngest block, in use from now on, or NULL. */
static __always_inline void *bp_cache_pop(struct bp_cache *cache)
{
	struct bp_entry *top = cache->top - 1;
	void *block = top->block;

	if (likely(block)) {
		WRITE_ONCE(*top->state, BP_BLOCK_IN_USE);
		WRITE_ONCE(cache->top, top);
	}
	return block;
}

/* Put a block where its age belongs. */
static inline void bp_cache_insert(struct bp_cache *cache, void *block, u8 *state,
				   struct bp_slab *slab, unsigned long idle_since)
{
	struct bp_entry *entry = cache->top;

	for (; entry > cache->entries && bp_longer_ago(idle_since, entry[-1].idle_since); entry--)
		*entry = entry[-1];
	*entry = (struct bp_entry){
		.block = block, .state = state, .slab = slab, .idle_since = idle_since,
	};
	WRITE_ONCE(cache->top, cache->top + 1);
}

/* Drop the @nr oldest entries, which the caller has dealt with. */
static inline void bp_cache_drop_oldest(struct bp_cache *cache, u32 nr)
{
	struct bp_entry *to = cache->entries;
	const struct bp_entry *from = to + nr;

	while (from < cache->top)
		*to++ = *from++;
	WRITE_ONCE(cache->top, to);
}

/* Move the @nr youngest entries to an empty batch. */
static inline void bp_cache_unload_batch(struct bp_cache *cache, struct bp_batch *batch,
					 u32 nr)
{
	struct bp_entry *from = cache->top - nr;
	u32 i;

	for (i = 0; i < nr; i++)
		batch->entries[i] = from[i];
	batch->nr = nr;
	WRITE_ONCE(cache->top, from);
}

/* Move as many entries of a batch as fit into a cache that is empty. */
static inline void bp_cache_load_batch(struct bp_cache *cache, struct bp_batch *batch)
{
	u32 nr = min(batch->nr, bp_cache_capacity(cache));
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
static inline unsigned long bp_cache_oldest(const struct bp_cache *cache)
{
	/* Its CPU may move entries meanwhile. */
	return data_race(cache->entries[0].idle_since);
}

/*
 * Make a cache this section's alone, if it is the pool's: an interrupt of this
 * CPU finds it busy. Against those, the compiler's order is enough. Section.
 */
static __always_inline bool bp_cache_enter(struct bp_cache *cache, struct bytepool *pool)
{
	/* An interrupt that comes here leaves it as it was. */
	if (unlikely(data_race(cache->pool) != pool))
		return false;
	WRITE_ONCE(cache->pool, BP_CACHE_BUSY);
	barrier();
	return true;
}

static __always_inline void bp_cache_leave(struct bp_cache *cache, struct bytepool *pool)
{
	barrier();
	WRITE_ONCE(cache->pool, pool);
}

/* This CPU's cache for the slot, or bp_closed_cache. Section. */
static __always_inline struct bp_cache *bp_cache_this_cpu(struct bytepool *pool, u32 slot)
{
	return READ_ONCE(raw_cpu_read(pool->cpu->open)[slot]);
}

/* Statistics of a cache are read from afar, as they stand. */
#define bp_cache_count(counter, nr)	((void)data_race((counter) += (nr)))

static inline u32 bp_cache_half(const struct bp_cache *cache)
{
	return (bp_cache_capacity(cache) + 1) / 2;
}

#endif /* _BP_CACHE_H */
