/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Free: claim a block, and put it into a cache or its depot. Bad frees.
 */
#ifndef _BP_FREE_H
#define _BP_FREE_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "cache.h"
#include "instrument.h"
#include "memo.h"
#include "types.h"

/* The result of bp_free_fast(). */
enum bp_free_result {
	BP_FREE_DONE,
	BP_FREE_REFUSED,	/* no block in use starts there */
	BP_FREE_UNKNOWN,	/* the memo of this CPU does not have its page */
	BP_FREE_KNOWN,	/* the memo has it, but its cache is busy or another pool's */
	BP_FREE_FULL,	/* its cache is marked busy now, for bp_free_full() */
};

void bp_free_full(struct bytepool *pool, const void *block, u8 *state, struct bp_slab *slab,
		  struct bp_cache *cache, unsigned long caller);
void bp_free_slow(struct bytepool *pool, const void *block, enum bp_free_result result,
		  unsigned long caller);
void bp_free_any_slow(const void *block, enum bp_free_result result, unsigned long caller);

/* Claim a block in use. If several CPUs free it at once, only one of them succeeds. */
static __always_inline bool bp_state_claim(u8 *state)
{
	u8 in_use = BP_BLOCK_IN_USE;

	return likely(try_cmpxchg(state, &in_use, (u8)BP_BLOCK_CACHED));
}

/*
 * Free a block to an open cache, if its page is in the memo of this CPU. Set *@found to the
 * cache, and fill in the rest of @where. If @any, take the pool of the cache.
 * Context: Section, and bp_memo_current() is true.
 */
static __always_inline enum bp_free_result bp_free_fast(struct bytepool *pool,
							struct bp_where *where,
							struct bp_cache **found, bool any)
{
	struct bp_memo_entry __percpu *entry;
	struct bp_cache *cache;
	struct bp_entry *top;
	unsigned long granule;

	if (unlikely(!bp_memo_locate(where->block, &entry, &cache, &granule)))
		return BP_FREE_UNKNOWN;
	if (any) {
		/* An interrupt that enters the cache here restores @pool before it returns. */
		pool = data_race(cache->pool);
	}
	if (unlikely((any && pool == BP_CACHE_BUSY) || !bp_cache_enter(cache, pool)))
		return BP_FREE_KNOWN;
	*found = cache;
	top = cache->top;
	where->state = raw_cpu_read(entry->state) + granule;
	where->slab = raw_cpu_read(entry->slab);
	if (unlikely(top >= cache->end))
		return BP_FREE_FULL;
	if (unlikely(!bp_state_claim(where->state))) {
		bp_cache_leave(cache, pool);
		return BP_FREE_REFUSED;
	}
	if (BP_INSTRUMENTED)
		bp_instrument_free(where->block, where->slab->depot->class->size);
	bp_cache_push(cache, top, (void *)where->block, where->state, where->slab, jiffies);
	bp_cache_count(cache->frees, 1);
	bp_cache_leave(cache, pool);
	return BP_FREE_DONE;
}

/*
 * Free blocks like bp_free_fast(), as long as they go to the cache of the first one.
 * Return their number.
 * Context: As for bp_free_fast().
 */
static __always_inline unsigned int bp_free_run(struct bytepool *pool, void **blocks,
						unsigned int nr)
{
	struct bp_memo_entry __percpu *entry;
	struct bp_cache *cache, *next;
	struct bp_entry *top;
	unsigned long granule, now;
	unsigned int done = 0;

	if (unlikely(!bp_memo_locate(blocks[0], &entry, &cache, &granule)))
		return 0;
	if (unlikely(!bp_cache_enter(cache, pool)))
		return 0;
	/* Read it now, when no interrupt can free younger blocks to the cache. */
	now = jiffies;
	top = cache->top;
	if (top == cache->end && !cache->spare->nr) {
		bp_cache_swap(cache);
		top = cache->top;
	}
	while (likely(top < cache->end)) {
		struct bp_slab *slab = raw_cpu_read(entry->slab);
		unsigned long page = raw_cpu_read(entry->page);
		u8 *states = raw_cpu_read(entry->state);

		do {
			u8 *state = states + granule;

			if (unlikely(!bp_state_claim(state)))
				goto leave;
			if (BP_INSTRUMENTED)
				bp_instrument_free(blocks[done], slab->depot->class->size);
			top->block = blocks[done];
			top->state = state;
			top->slab = slab;
			top->idle_since = now;
			top++;
			if (++done == nr)
				goto leave;
			granule = bp_granule((unsigned long)blocks[done] ^ page, cache->shift);
		} while (granule < cache->page_granules && likely(top < cache->end));
		/* The next block is in another page, or the magazine is full. */
		if (!bp_memo_locate(blocks[done], &entry, &next, &granule) || next != cache)
			break;
	}
leave:
	WRITE_ONCE(cache->top, top);
	bp_cache_count(cache->frees, done);
	bp_cache_leave(cache, pool);
	return done;
}

#endif /* _BP_FREE_H */
