/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A per-CPU cache: idle blocks of one class, in two magazines.
 *
 * A magazine is a stack, the last freed block on top. Entries are always in order
 * of age, the oldest at the bottom, so the expired blocks are the lowest part. Below
 * the lowest entry is an entry without a block. A pop reads it like any other, and
 * learns that the magazine is empty.
 *
 * The CPU uses the loaded magazine. If it is full and the spare one is empty, or the
 * other way round, the two change places. Otherwise one of them changes places with
 * a magazine of the depot. The spare magazine is empty, or has older blocks.
 *
 * Alloc and free use a cache in a section. A CPU that holds the lock of a depot
 * has interrupts off. It may then use its own cache, unless it was interrupted
 * inside the cache, or a pass owns the cache.
 */
#ifndef _BP_CACHE_H
#define _BP_CACHE_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "age.h"
#include "types.h"

/* In a class with a reserve, the depot serves a CPU this often before its cache accepts blocks. */
#define BP_GRANT_AFTER		64U

/*
 * Marks a cache as busy. It is the address of no pool, so bp_cache_enter() fails,
 * and its caller uses the depot.
 */
extern char bp_busy_mark;
#define BP_CACHE_BUSY	((struct bytepool *)&bp_busy_mark)

/* The cache that a CPU follows where it has no open one. It is always busy. */
extern struct bp_cache bp_closed_cache;

struct bp_cache *bp_depot_this_cpu_cache(struct bp_depot *depot);
void bp_cache_set_accepts(struct bp_cache *cache, bool accepts);
bool bp_cache_may_accept(struct bp_cache *cache);
bool bp_cache_refuses(struct bp_class *class);
void bp_cache_set_open(struct bp_cache *cache, struct bp_cache *to);
void bp_cache_ensure(struct bp_class *class, gfp_t gfp);
void bp_cache_load_full(struct bp_depot *depot, struct bp_cache *cache);
void bp_cache_refill(struct bp_depot *depot, struct bp_cache *cache,
		     void **overwritten);
bool bp_cache_reopen(struct bp_cache *cache);
void bp_cache_drain(struct bp_cache *cache, const struct bp_gc_pass *pass);
u32 bp_cache_make_space(struct bp_depot *depot, struct bp_cache *cache);
void bp_cache_remove(struct bp_cache *cache);
void bp_cache_free(struct bp_cache *cache);
bool bp_class_flush_cpu(struct bp_class *class, unsigned int cpu);
u32 bp_cache_peek(const struct bp_cache *cache, unsigned long *oldest);

/*
 * Return the number of entries of the loaded magazine.
 * Context: The CPU of the cache, or any if no CPU uses the cache.
 */
static inline u32 bp_cache_nr_loaded(const struct bp_cache *cache)
{
	return cache->top - cache->loaded->entries;
}

/*
 * Return the number of entries of both magazines.
 * Context: As for bp_cache_nr_loaded().
 */
static inline u32 bp_cache_nr(const struct bp_cache *cache)
{
	return bp_cache_nr_loaded(cache) + cache->spare->nr;
}

/* Return the capacity of both magazines together. */
static inline u32 bp_cache_capacity(const struct bp_cache *cache)
{
	/* The CPU of the cache may swap the magazines meanwhile. */
	return READ_ONCE(cache->loaded)->capacity + READ_ONCE(cache->spare)->capacity;
}

/* Return true if the loaded magazine takes no more blocks. */
static inline bool bp_cache_loaded_full(const struct bp_cache *cache)
{
	return bp_cache_nr_loaded(cache) == cache->loaded->capacity;
}

/* Return true if neither magazine takes more blocks. */
static inline bool bp_cache_full(const struct bp_cache *cache)
{
	return bp_cache_loaded_full(cache) && cache->spare->nr;
}

/* Load a magazine. The one that was loaded is empty, or is the spare one now. */
static inline void bp_cache_load(struct bp_cache *cache, struct bp_magazine *magazine)
{
	/* Pairs with dependent loads of the magazine, and with smp_rmb() in bp_cache_peek(). */
	smp_store_release(&cache->loaded, magazine);
	WRITE_ONCE(cache->top, magazine->entries + magazine->nr);
	if (cache->end)
		cache->end = magazine->entries + magazine->capacity;
}

/*
 * Return true if the depots of a class with a reserve serve this CPU, and its cache does not begin
 * to accept blocks now. If the pool has a limit, no cache begins to. Otherwise count the call in
 * @refused.
 * Context: Section.
 */
static inline bool bp_depots_serve(struct bp_class *class)
{
	if (READ_ONCE(class->pool->limit) && !atomic_long_read(&class->nr_accepting))
		return true;
	return bp_cache_refuses(class);
}

/* Have the two magazines change places. */
static inline void bp_cache_swap(struct bp_cache *cache)
{
	struct bp_magazine *spare = cache->spare;

	WRITE_ONCE(cache->loaded->nr, bp_cache_nr_loaded(cache));
	/* Pairs with dependent loads of the magazine. */
	smp_store_release(&cache->spare, cache->loaded);
	bp_cache_load(cache, spare);
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
	struct bp_entry *oldest = cache->loaded->entries;
	struct bp_entry *entry = cache->top;

	for (; entry > oldest && bp_longer_ago(idle_since, entry[-1].idle_since); entry--)
		*entry = entry[-1];
	*entry = (struct bp_entry){
		.block = block, .state = state, .slab = slab, .idle_since = idle_since,
	};
	WRITE_ONCE(cache->top, cache->top + 1);
}

/* Drop the @nr oldest entries of the loaded magazine. The caller has dealt with their blocks. */
static inline void bp_cache_drop_oldest(struct bp_cache *cache, u32 nr)
{
	struct bp_entry *to = cache->loaded->entries;
	const struct bp_entry *from = to + nr;

	while (from < cache->top)
		*to++ = *from++;
	WRITE_ONCE(cache->top, to);
}

/*
 * Mark a cache busy, so that interrupts of this CPU do not use it. Return false if
 * it is busy, as bp_closed_cache always is, or of another pool. Compiler barriers
 * are enough, because only interrupts of this CPU can race.
 * Context: Section.
 */
static __always_inline bool bp_cache_enter(struct bp_cache *cache, struct bytepool *pool)
{
	/* An interrupt that enters the cache here restores @pool before it returns. */
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

/* Add to a counter of a cache. Other CPUs read it without synchronisation. */
#define bp_cache_count(counter, nr)	((void)data_race((counter) += (nr)))

#endif /* _BP_CACHE_H */
