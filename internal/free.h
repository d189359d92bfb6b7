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

/* Why a free is refused. */
enum bp_bad_free_reason {
	BP_BAD_FREE_NONE,
	BP_BAD_FREE_UNKNOWN,
	BP_BAD_FREE_INSIDE,
	BP_BAD_FREE_FOREIGN,
	BP_BAD_FREE_IDLE,
};

/* The result of bp_free_fast(). */
enum bp_free_result {
	BP_FREE_DONE,
	BP_FREE_TWICE,	/* refused: the block is idle */
	BP_FREE_UNKNOWN,	/* the memo of this CPU does not have the block */
	BP_FREE_KNOWN,	/* the memo has it, but its cache cannot take it */
};

void bp_bad_free(struct bytepool *pool, const void *block,
		 enum bp_bad_free_reason why, unsigned long caller);
void bp_free_looked_up(struct bytepool *pool, const void *block, bool known,
		       unsigned long caller);
void bp_free_slow(struct bytepool *pool, const void *block, enum bp_free_result result,
		  unsigned long caller);

/*
 * Claim a block in use. If several CPUs free it at once, one of them succeeds,
 * and the block is that one's.
 */
static __always_inline bool bp_state_claim(u8 *state)
{
	u8 in_use = BP_BLOCK_IN_USE;

	return likely(try_cmpxchg(state, &in_use, (u8)BP_BLOCK_CACHED));
}

/*
 * Free a block that is in the memo of this CPU to its open cache.
 * Context: Section, and bp_memo_current() is true.
 */
static __always_inline enum bp_free_result bp_free_fast(struct bytepool *pool, const void *block)
{
	struct bp_where __percpu *where;
	struct bp_entry *top;
	struct bp_cache *cache;
	struct bp_slab *slab;
	u8 *state;

	if (unlikely(!bp_memo_locate(block, &where)))
		return BP_FREE_UNKNOWN;
	cache = raw_cpu_read(where->cache);
	if (unlikely(!bp_cache_enter(cache, pool)))
		return BP_FREE_KNOWN;
	top = cache->top;
	if (unlikely(top == cache->end)) {
		bp_cache_leave(cache, pool);
		return BP_FREE_KNOWN;
	}
	state = raw_cpu_read(where->state);
	if (unlikely(!bp_state_claim(state))) {
		bp_cache_leave(cache, pool);
		return BP_FREE_TWICE;
	}
	slab = raw_cpu_read(where->slab);
	if (BP_INSTRUMENTED)
		bp_instrument_free(block, slab->depot->class->size);
	bp_cache_push(cache, top, (void *)block, state, slab, jiffies);
	bp_cache_count(cache->frees, 1);
	bp_cache_leave(cache, pool);
	return BP_FREE_DONE;
}

#endif /* _BP_FREE_H */
