/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A per-CPU cache: a stack of idle blocks of one class, the last freed on top.
 *
 * Entries are always in order of age, the oldest at the bottom, so what has
 * expired is the lowest part. Below the lowest entry is an entry without a
 * block, so that a pop learns that the cache is empty from what it has to read
 * anyway.
 *
 * Alloc and free use a cache in a section. A CPU that holds the lock of a depot
 * has interrupts off. It may then use its own cache, unless it has interrupted
 * itself inside the cache, or the GC owns the cache.
 */
#ifndef _BP_CACHE_H
#define _BP_CACHE_H

#include <linux/compiler.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "age.h"
#include "types.h"

/*
 * Marks a cache as busy. It is the address of no pool, so bp_cache_enter() fails,
 * and its caller uses the depot.
 */
extern char bp_no_pool;
#define BP_CACHE_BUSY	((struct bytepool *)&bp_no_pool)

/* The cache that a CPU follows where it has no open one. It is always busy. */
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

/* Return the number of entries. From another CPU than the cache's, it is a hint. */
static inline u32 bp_cache_nr(const struct bp_cache *cache)
{
	return READ_ONCE(cache->top) - cache->entries;
}

static inline u32 bp_cache_capacity(const struct bp_cache *cache)
{
	return cache->end - cache->entries;
}

/* Return the number of blocks that move at once between a cache and its depot. */
static inline u32 bp_cache_half(const struct bp_cache *cache)
{
	return (bp_cache_capacity(cache) + 1) / 2;
}

static inline bool bp_cache_full(const struct bp_cache *cache)
{
	return cache->top == cache->end;
}

/* Have the CPU of a cache follow it. */
static inline void bp_cache_open(struct bp_cache *cache)
{
	bp_cache_set_open(cache, cache);
}

/* Close a cache. Its CPU may be inside until a grace period has ended. */
static inline void bp_cache_close(struct bp_cache *cache)
{
	bp_cache_set_open(cache, &bp_closed_cache);
}

/* Push a block. @top is cache->top, which the caller has read already. */
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

/* Pop the youngest block, which is in use from now on. Return NULL if the cache is empty. */
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

/* Insert a block in order of age. */
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

/* Drop the @nr oldest entries. The caller has dealt with their blocks. */
static inline void bp_cache_drop_oldest(struct bp_cache *cache, u32 nr)
{
	struct bp_entry *to = cache->entries;
	const struct bp_entry *from = to + nr;

	while (from < cache->top)
		*to++ = *from++;
	WRITE_ONCE(cache->top, to);
}

/*
 * Return the time when the oldest block was freed, if the cache has one. From
 * another CPU than the cache's, it is a hint, which the next look corrects.
 */
static inline unsigned long bp_cache_oldest(const struct bp_cache *cache)
{
	/* Its CPU may move entries meanwhile. */
	return data_race(cache->entries[0].idle_since);
}

/*
 * Mark a cache busy, so that interrupts of this CPU do not use it. Return false
 * if it is busy, closed, or of another pool. Compiler barriers are enough,
 * because only interrupts of this CPU can race.
 * Context: Section.
 */
static __always_inline bool bp_cache_enter(struct bp_cache *cache, struct bytepool *pool)
{
	/* An interrupt that enters the cache here leaves it as it was. */
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

/*
 * Return this CPU's cache for the slot, or bp_closed_cache.
 * Context: Section.
 */
static __always_inline struct bp_cache *bp_cache_this_cpu(struct bytepool *pool, u32 slot)
{
	return READ_ONCE(raw_cpu_read(pool->cpu->open)[slot]);
}

/* Add to a counter of a cache. Other CPUs read it as it is. */
#define bp_cache_count(counter, nr)	((void)data_race((counter) += (nr)))

#endif /* _BP_CACHE_H */
