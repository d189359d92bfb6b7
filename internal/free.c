// SPDX-License-Identifier: GPL-2.0-only
/*
 * Free: claim a block, and put it into a cache or its depot.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/ratelimit.h>
#include <linux/string.h>
#include <linux/swait.h>

#include "cache.h"
#include "check.h"
#include "class.h"
#include "context.h"
#include "depot.h"
#include "free.h"
#include "instrument.h"
#include "memo.h"
#include "slab.h"
#include "table.h"
#include "trace.h"
#include "types.h"
#include "wake.h"

static const char * const bad_free_text[] = {
	[BP_BAD_FREE_UNKNOWN]	= "no block of any pool starts there",
	[BP_BAD_FREE_INSIDE]	= "it points into a block",
	[BP_BAD_FREE_FOREIGN]	= "the block is another pool's",
	[BP_BAD_FREE_IDLE]		= "the block is free already",
};

/*
 * Report a refused free: with a stack trace once for each reason and pool, and
 * in a rate-limited line after that.
 */
noinline void bp_bad_free(struct bytepool *pool, const void *block,
			  enum bp_bad_free_reason why, unsigned long caller)
{
	static unsigned long no_pool_told;
	unsigned long *told = &no_pool_told;
	const char *name = "no pool";

	if (!IS_ERR_OR_NULL(pool)) {
		atomic64_inc(&pool->bad_frees);
		trace_bad_free(pool->name, block, bad_free_text[why], caller);
		told = &pool->bad_frees_told;
		name = pool->name;
	}
	if (!test_and_set_bit(why, told))
		WARN(1, pr_fmt("%s: bad free of %p: %s\n"), name, block, bad_free_text[why]);
	else
		pr_warn_ratelimited("%s: bad free of %p: %s\n", name, block, bad_free_text[why]);
}

/*
 * Claim a block of the pool, and fill in where it lies unless @where has that.
 * Return the reason if the free is bad.
 * Context: Section.
 */
static enum bp_bad_free_reason block_claim(struct bytepool *pool, struct bp_where *where)
{
	if (!where->slab)
		where->slab = bp_table_find(where->block);
	if (!where->slab)
		return BP_BAD_FREE_UNKNOWN;
	if (where->slab->depot->class->pool != pool)
		return BP_BAD_FREE_FOREIGN;
	if (!where->state)
		where->state = bp_block_state(where->slab, where->block);
	if (!where->state)
		return BP_BAD_FREE_INSIDE;
	return bp_state_claim(where->state) ? BP_BAD_FREE_NONE : BP_BAD_FREE_IDLE;
}

/* Push a claimed block onto a cache that is not full. */
static void cache_push_freed(struct bp_cache *cache, struct bp_where *where)
{
	bp_cache_push(cache, cache->top, (void *)where->block, where->state, where->slab, jiffies);
	bp_cache_count(cache->frees, 1);
	where->cache = cache;
}

/*
 * Push a claimed block onto this CPU's cache. Return false if that is not open,
 * is full, or is of another node.
 * Context: Section.
 */
static bool cache_free(struct bytepool *pool, struct bp_where *where)
{
	const struct bp_depot *depot = where->slab->depot;
	struct bp_cache *cache;
	bool done = false;

	cache = bp_cache_this_cpu(pool, bp_class_slot(depot->class));
	if (!bp_cache_enter(cache, pool))
		return false;
	if (!bp_cache_full(cache) && cache->depot == depot) {
		cache_push_freed(cache, where);
		done = true;
	}
	bp_cache_leave(cache, pool);
	return done;
}

/*
 * Put a claimed block into this CPU's cache, after making room there, or else
 * into its depot. Then @remember it if its cache is open.
 * Context: Section.
 */
static void depot_free(struct bp_where *where, bool remember)
{
	struct bp_depot *depot = where->slab->depot;
	struct bp_class *class = depot->class;
	unsigned long flags = bp_depot_lock(depot);
	bool waited_for = swait_active(&class->wait);
	struct bp_cache *cache = waited_for ? NULL : bp_depot_this_cpu_cache(depot);
	bool wake;

	/* A cache of one or two entries is not emptied for one more block. */
	if (cache && bp_cache_full(cache) && bp_cache_half(cache) > 1)
		bp_cache_make_space(depot, cache);
	if (cache && !bp_cache_full(cache)) {
		cache_push_freed(cache, where);
		bp_cache_open(cache);
		wake = true;
	} else {
		bp_depot_unlink(where->slab);
		bp_depot_push(depot, where->slab, where->state, jiffies);
		bp_depot_link(depot, where->slab);
		depot->frees++;
		wake = bp_depot_wakes(depot);
	}
	bp_depot_unlock(depot, flags);
	if (waited_for)
		swake_up_one(&class->wait);
	if (wake)
		bp_pool_wake(class->pool);
	/*
	 * Remember the block only if a cache took it. Otherwise the cache may
	 * be closed and the pool asleep, and the next free has to come here to
	 * wake it.
	 */
	if (where->cache && remember)
		bp_memo_enter(where);
}

/*
 * Wipe, poison or record a claimed block, as the flags of the pool ask for. It
 * may take long, so it is not done in a section.
 */
static noinline void block_retake(struct bytepool *pool, const struct bp_where *where,
				  unsigned long caller)
{
	u32 size = where->slab->depot->class->size;

	if (pool->flags & BYTEPOOL_POISON)
		bp_block_poison((void *)where->block, size);
	else if (pool->flags & BYTEPOOL_WIPE)
		memset((void *)where->block, 0, size);
	if (pool->flags & BYTEPOOL_TRACK)
		bp_block_track(where->slab, where->state - where->slab->state, caller);
}

/* Free a pointer that may be anything but NULL. If @known, look into the memo first. */
void bp_free_looked_up(struct bytepool *pool, const void *block, bool known,
		       unsigned long caller)
{
	struct bp_where where = { .block = block };
	struct bp_class *class;
	enum bp_bad_free_reason bad;
	bool remember = false;

	bp_section_enter();
	if (!known || !bp_memo_find(&where))
		remember = bp_memo_refresh();
	bad = block_claim(pool, &where);
	if (likely(!bad)) {
		class = where.slab->depot->class;
		trace_free(pool->name, class->size, block, caller);
		if (pool->flags & (BYTEPOOL_WIPE | BP_FLAGS_CHECKED)) {
			/* Never remember the block, because bp_free_fast() does none of this. */
			remember = false;
			bp_section_exit();
			block_retake(pool, &where, caller);
			bp_section_enter();
		}
		bp_instrument_free(block, class->size);
		if (!cache_free(pool, &where))
			depot_free(&where, remember);
		else if (remember)
			bp_memo_enter(&where);
	}
	bp_section_exit();
	if (likely(!bad))
		bp_cache_ensure(class);
	else
		bp_bad_free(pool, block, bad, caller);
}

/* Complete a free that bp_free_fast() did not. */
noinline void bp_free_slow(struct bytepool *pool, const void *block, enum bp_free_result result,
			   unsigned long caller)
{
	if (result == BP_FREE_TWICE)
		bp_bad_free(pool, block, BP_BAD_FREE_IDLE, caller);
	else if (block)
		bp_free_looked_up(pool, block, result == BP_FREE_KNOWN, caller);
}
