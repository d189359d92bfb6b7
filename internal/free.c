// SPDX-License-Identifier: GPL-2.0-only
/*
 * Free: claim a block, and put it into a cache or its depot.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
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
#include "table.h"
#include "trace.h"
#include "types.h"
#include "wake.h"

/* In a class with a reserve, one of so many frees that find no room asks for a magazine. */
#define MAGAZINE_AFTER		64U

/* A block of up to this many bytes is wiped with preemption off. */
#define WIPE_IN_SECTION		4096U

/* Why a free is refused. */
enum bad_free_reason {
	BAD_FREE_NONE,
	BAD_FREE_UNKNOWN,
	BAD_FREE_INSIDE,
	BAD_FREE_FOREIGN,
	BAD_FREE_IDLE,
};

static const char * const bad_free_text[] = {
	[BAD_FREE_UNKNOWN]	= "no block of any pool starts there",
	[BAD_FREE_INSIDE]	= "it points into a block",
	[BAD_FREE_FOREIGN]	= "the block is another pool's",
	[BAD_FREE_IDLE]		= "the block is free already",
};

/*
 * Count and report a refused free. The first one for each reason and pool gets a
 * stack trace, and the others get a rate-limited line.
 */
static noinline void bad_free(struct bytepool *pool, const void *block, enum bad_free_reason why,
			      unsigned long caller)
{
	static unsigned long no_pool_warned;
	unsigned long *warned = &no_pool_warned;
	const char *name = "no pool";

	if (!IS_ERR_OR_NULL(pool)) {
		atomic64_inc(&pool->bad_frees);
		trace_bad_free(pool->name, block, bad_free_text[why], caller);
		warned = &pool->bad_frees_warned;
		name = pool->name;
	}
	if (!test_and_set_bit(why, warned))
		WARN(1, pr_fmt("%s: bad free of %p: %s\n"), name, block, bad_free_text[why]);
	else
		pr_warn_ratelimited("%s: bad free of %p: %s\n", name, block, bad_free_text[why]);
}

static enum bad_free_reason not_in_use_why(const u8 *state)
{
	return READ_ONCE(*state) == BP_BLOCK_NONE ? BAD_FREE_INSIDE : BAD_FREE_IDLE;
}

/*
 * Claim a block of the pool. Fill in @where, unless the caller has done so.
 * Return the reason if the free is bad.
 * Context: Section.
 */
static enum bad_free_reason block_claim(struct bytepool *pool, struct bp_where *where)
{
	if (!where->slab)
		bp_where_look_up(where);
	if (!where->slab)
		return BAD_FREE_UNKNOWN;
	if (where->slab->depot->class->pool != pool)
		return BAD_FREE_FOREIGN;
	if (!where->state)
		return BAD_FREE_INSIDE;
	return bp_state_claim(where->state) ? BAD_FREE_NONE : not_in_use_why(where->state);
}

/* Push a claimed block onto a cache that is not full. */
static __always_inline void cache_push_freed(struct bp_cache *cache,
					     const struct bp_where *where)
{
	if (bp_cache_loaded_full(cache))
		bp_cache_swap(cache);
	bp_cache_push(cache, cache->top, (void *)where->block, where->state, where->slab, jiffies);
	bp_cache_count(cache->frees, 1);
}

/*
 * Push a claimed block onto this CPU's cache. Return the cache, or NULL if it is
 * closed, busy, full, or of another node.
 * Context: Section.
 */
static struct bp_cache *cache_free(struct bytepool *pool, const struct bp_where *where)
{
	const struct bp_depot *depot = where->slab->depot;
	struct bp_cache *cache, *taken = NULL;

	cache = bp_cache_this_cpu(pool, bp_class_slot(depot->class));
	if (!bp_cache_enter(cache, pool))
		return NULL;
	if (!bp_cache_full(cache) && cache->depot == depot) {
		cache_push_freed(cache, where);
		taken = cache;
	}
	bp_cache_leave(cache, pool);
	return taken;
}

/* Return true if a magazine of the depot takes another block. */
static bool depot_has_room(struct bp_depot *depot)
{
	const struct bp_magazine *first;

	bp_depot_assert_held(depot);
	first = list_first_entry_or_null(&depot->full, struct bp_magazine, list);
	return !list_empty(&depot->empty) || (first && first->nr < first->capacity);
}

/* Put a claimed block into a magazine of its depot. Return false if none has room. */
static bool depot_stack(struct bp_depot *depot, const struct bp_where *where)
{
	struct bp_magazine *magazine;

	bp_depot_assert_held(depot);
	magazine = list_first_entry_or_null(&depot->full, struct bp_magazine, list);
	if (!magazine || magazine->nr == magazine->capacity) {
		magazine = list_first_entry_or_null(&depot->empty, struct bp_magazine, list);
		if (!magazine)
			return false;
		list_move(&magazine->list, &depot->full);
	}
	magazine->entries[magazine->nr] = (struct bp_entry){
		.block = (void *)where->block, .state = where->state, .slab = where->slab,
		.idle_since = jiffies,
	};
	/* As in bp_cache_load_full(). */
	WRITE_ONCE(magazine->nr, magazine->nr + 1);
	depot->nr_stacked++;
	bp_depot_update_roughly(depot);
	return true;
}

/*
 * Put a claimed block of a class with a reserve into a magazine of its depot, where an alloc finds
 * it at less cost than in its slab. Return false if none has room, a task waits, or this CPU's
 * cache may be about to accept blocks.
 * Context: Section.
 */
static bool class_free_stacked(const struct bp_where *where)
{
	struct bp_depot *depot = where->slab->depot;
	struct bp_class *class = depot->class;
	unsigned long flags;
	bool stacked;

	if (!READ_ONCE(class->reserve) || !bp_depots_serve(class))
		return false;
	flags = bp_depot_lock(depot);
	stacked = !swait_active(&class->wait) && depot_stack(depot, where);
	if (stacked)
		depot->frees++;
	bp_depot_unlock(depot, flags);
	if (stacked && bp_class_has_spare(class))
		bp_pool_wake(class->pool);
	return stacked;
}

/*
 * Put a claimed block into this CPU's cache, after making room there, or else into its
 * depot. Return the cache, which is open now, or NULL. If the depot should get another
 * magazine, set *@wanted to its capacity.
 * Context: Section.
 */
static struct bp_cache *depot_free(const struct bp_where *where, u32 *wanted)
{
	struct bp_depot *depot = where->slab->depot;
	struct bp_class *class = depot->class;
	unsigned long flags = bp_depot_lock(depot);
	bool waited_for = swait_active(&class->wait);
	struct bp_cache *cache = waited_for ? NULL : bp_depot_this_cpu_cache(depot);
	bool wake;

	if (cache && bp_cache_may_accept(cache)) {
		if (bp_cache_full(cache))
			*wanted = bp_cache_make_space(depot, cache);
		cache_push_freed(cache, where);
		bp_cache_open(cache);
		wake = true;
	} else {
		cache = NULL;
		bp_depot_unlink(where->slab);
		bp_depot_push(depot, where->slab, where->state, jiffies);
		bp_depot_link(depot, where->slab);
		depot->frees++;
		/* For class_free_stacked(). */
		if (READ_ONCE(class->reserve) && !depot_has_room(depot) &&
		    !(++depot->unstacked % MAGAZINE_AFTER))
			*wanted = class->capacity;
		wake = bp_depot_wakes(depot);
	}
	bp_depot_unlock(depot, flags);
	if (waited_for)
		swake_up_one(&class->wait);
	if (wake)
		bp_pool_wake(class->pool);
	return cache;
}

/*
 * Wipe, poison or record a claimed block, as the flags of the pool require.
 * Context: No section, because this may take long.
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
static void free_looked_up(struct bytepool *pool, const void *block, bool known,
			   unsigned long caller)
{
	struct bp_where where = { .block = block };
	struct bp_cache *cache = NULL, *to;
	struct bp_depot *depot;
	enum bad_free_reason bad;
	bool remember, stacked = false;
	u32 wanted = 0;

	bp_section_enter();
	remember = bp_memo_refresh();
	if (known)
		bp_memo_find(&where);
	bad = block_claim(pool, &where);
	if (likely(!bad)) {
		/* After the section, the slab and the cache may be freed. The depot stays. */
		depot = where.slab->depot;
		trace_free(pool->name, depot->class->size, block, caller);
		if (pool->flags & (BYTEPOOL_WIPE | BP_FLAGS_CHECKED)) {
			bp_section_exit();
			block_retake(pool, &where, caller);
			bp_section_enter();
			/* The slab is still there, because the block is ours. */
			remember = bp_memo_refresh();
		}
		bp_instrument_free(block, depot->class->size);
		stacked = class_free_stacked(&where);
		if (!stacked)
			cache = cache_free(pool, &where) ?: depot_free(&where, &wanted);
		/*
		 * If no cache took the block, this CPU's cache may be closed and the pool
		 * asleep. Then the next free has to come here to wake the pool.
		 */
		to = cache ?: &bp_no_cache[depot->class->shift];
		if (remember && to != where.cache)
			bp_memo_enter(&where, to);
	}
	bp_section_exit();
	if (unlikely(bad)) {
		bad_free(pool, block, bad, caller);
		return;
	}
	if (!cache && !stacked)
		bp_cache_ensure(depot->class, GFP_NOWAIT);
	if (wanted)
		bp_depot_grow_magazines(depot, wanted);
}

/* Report a free that bp_free_fast() has refused. */
static noinline void report_refused(struct bytepool *pool, const void *block, unsigned long caller)
{
	struct bp_where where = { .block = block };
	enum bad_free_reason why = BAD_FREE_IDLE;

	bp_section_enter();
	if (bp_where_look_up(&where))
		why = not_in_use_why(where.state);
	bp_section_exit();
	bad_free(pool, block, why, caller);
}

/*
 * Complete a free after BP_FREE_FULL: the loaded magazine is full, or the block has to be
 * wiped. The caller has marked the cache busy. A large block is not wiped in a section.
 * Context: Section, which ends here.
 */
noinline void bp_free_full(struct bytepool *pool, const void *block, u8 *state,
			   struct bp_slab *slab, struct bp_cache *cache, unsigned long caller)
{
	const struct bp_where where = { .block = block, .slab = slab, .state = state };
	const struct bp_class *class = cache->depot->class;
	enum bp_free_result result = BP_FREE_KNOWN;
	u32 wipe = cache->end ? 0 : class->size;

	if (!bp_cache_full(cache) && wipe <= WIPE_IN_SECTION) {
		result = BP_FREE_REFUSED;
		if (bp_state_claim(state)) {
			if (wipe)
				memset((void *)block, 0, wipe);
			if (BP_INSTRUMENTED)
				bp_instrument_free(block, class->size);
			cache_push_freed(cache, &where);
			result = BP_FREE_DONE;
		}
	}
	bp_cache_leave(cache, pool);
	bp_section_exit();
	if (unlikely(result != BP_FREE_DONE))
		bp_free_slow(pool, block, result, caller);
}

/* Complete a free that bp_free_fast() did not. */
noinline void bp_free_slow(struct bytepool *pool, const void *block, enum bp_free_result result,
			   unsigned long caller)
{
	if (result == BP_FREE_REFUSED)
		report_refused(pool, block, caller);
	else if (block)
		free_looked_up(pool, block, result == BP_FREE_KNOWN, caller);
}

/* Complete a free by bytepool_free_any() that bp_free_fast() did not. */
noinline void bp_free_any_slow(const void *block, enum bp_free_result result, unsigned long caller)
{
	struct bytepool *pool = NULL;
	struct bp_slab *slab;

	if (!block)
		return;
	bp_section_enter();
	slab = bp_table_find(block);
	if (slab)
		pool = slab->depot->class->pool;
	bp_section_exit();
	if (pool)
		bp_free_slow(pool, block, result, caller);
	else
		bad_free(NULL, block, BAD_FREE_UNKNOWN, caller);
}
