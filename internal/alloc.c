// SPDX-License-Identifier: GPL-2.0-only
/* Alloc: everything that the fast path does not serve. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/string.h>
#include <linux/swait.h>
#include <linux/topology.h>

#include "alloc.h"
#include "backing.h"
#include "cache.h"
#include "check.h"
#include "class.h"
#include "context.h"
#include "depot.h"
#include "fault.h"
#include "grow.h"
#include "reclaim.h"
#include "size_class.h"
#include "slab.h"
#include "table.h"
#include "trace.h"
#include "types.h"
#include "wake.h"

/*
 * How long a task waits before it looks again without a wakeup, as in
 * mempool_alloc(): with a reserve, and for __GFP_NOFAIL.
 */
#define RESERVE_RETRY		(5 * HZ)
#define NOFAIL_RETRY		(HZ / 10)

/* How often a task that waits looks whether closed caches can be drained. */
#define RECALL_RETRY		(HZ / 50)

/* The kernel's log tells of a task that waits for longer. */
#define LONG_WAIT		(10 * HZ)

/* Take the youngest block in the magazines of the depot. Return NULL if there is none. */
static void *depot_alloc_stacked(struct bp_depot *depot)
{
	struct bp_magazine *full = bp_depot_first_full(depot);
	const struct bp_entry *entry;

	if (!full)
		return NULL;
	/* As in bp_cache_load_full(). */
	WRITE_ONCE(full->nr, full->nr - 1);
	entry = &full->entries[full->nr];
	depot->nr_stacked--;
	/* The only magazine stays, because the next free is likely to need it. */
	if (!full->nr && depot->nr_stacked)
		list_move(&full->list, &depot->empty);
	bp_depot_update_roughly(depot);
	bp_block_mark_leaving(depot->class, entry->state);
	return entry->block;
}

/* Take an idle block of the depot, without regard to caches. Return NULL if there is none. */
static void *depot_alloc_one(struct bp_depot *depot, void **overwritten)
{
	struct bp_slab *slab;
	void *block;
	u8 *state;

	bp_depot_assert_held(depot);
	if (!depot->nr_idle)
		return depot_alloc_stacked(depot);
	slab = bp_depot_take_slab(depot);
	block = bp_depot_pop(depot, slab, &state, overwritten);
	bp_depot_link(depot, slab);
	bp_block_mark_leaving(depot->class, state);
	return block;
}

/*
 * Take an idle block of the depot, and fill this CPU's cache while the lock is
 * held. Return NULL if there is none.
 * Context: Section.
 */
static void *depot_alloc(struct bp_depot *depot, void **overwritten)
{
	struct bp_cache *cache;
	void *block = NULL;
	unsigned long flags;
	bool accepts = false;
	bool opened;

	flags = bp_depot_lock(depot);
	cache = bp_depot_this_cpu_cache(depot);
	if (cache) {
		/*
		 * If the cache has a block, it was closed, or this task was on
		 * another CPU before.
		 */
		if (!bp_cache_nr(cache))
			bp_cache_load_full(depot, cache);
		else if (!bp_cache_nr_loaded(cache))
			bp_cache_swap(cache);
		block = bp_cache_pop(cache);
		accepts = bp_cache_may_accept(cache);
	}
	if (!block) {
		block = depot_alloc_one(depot, overwritten);
		if (block && accepts)
			bp_cache_refill(depot, cache, overwritten);
	}
	if (block)
		depot->hits++;
	opened = accepts && bp_cache_reopen(cache);
	bp_depot_unlock(depot, flags);
	if (opened)
		bp_pool_wake(depot->class->pool);
	return block;
}

/*
 * Return true if depot_alloc() is likely to find a block. The lock is not taken, so
 * a block that moves meanwhile may be missed.
 * Context: Section.
 */
static bool depot_may_alloc(const struct bp_depot *depot)
{
	const struct bp_cache *cache = bp_class_cache(depot->class, bp_class_cpu(depot->class));

	return bp_depot_has_idle(depot) || (cache && bp_cache_peek(cache, NULL));
}

/*
 * Take an idle block of a depot other than @not. Return NULL if there is none.
 * @sure is as in class_alloc().
 * Context: Section.
 */
static void *depot_alloc_other(struct bp_class *class, const struct bp_depot *not,
			       bool sure, void **overwritten)
{
	struct bp_depot *depot;
	void *block;

	bp_for_each_depot(depot, class) {
		if (depot == not || !(sure || depot_may_alloc(depot)))
			continue;
		block = depot_alloc(depot, overwritten);
		if (block)
			return block;
	}
	return NULL;
}

/*
 * Take an idle block of the node. If that is NUMA_NO_NODE, take one of this
 * CPU's node, or else of any. Return NULL if there is none. If @sure, look under
 * the lock of each depot, so that no block is missed.
 */
static void *class_alloc(struct bp_class *class, int node, bool sure)
{
	struct bp_depot *depot;
	void *overwritten = NULL;
	void *block = NULL;

	bp_section_enter();
	depot = class->depot[node == NUMA_NO_NODE ? bp_cpu_memory_node(smp_processor_id()) : node];
	if (sure || depot_may_alloc(depot))
		block = depot_alloc(depot, &overwritten);
	if (!block && node == NUMA_NO_NODE)
		block = depot_alloc_other(class, depot, sure, &overwritten);
	bp_section_exit();
	if (unlikely(overwritten))
		bp_report_overwritten(class, overwritten);
	return block;
}

/*
 * Take a block from the magazines of this CPU's node, for a class with a reserve. Return NULL if
 * they have none, or if this CPU's cache may be about to accept blocks.
 */
static void *class_alloc_stacked(struct bp_class *class)
{
	struct bp_depot *depot;
	unsigned long flags;
	void *block = NULL;

	bp_section_enter();
	depot = class->depot[numa_mem_id()];
	/* Another CPU may change it meanwhile. */
	if (data_race(depot->nr_stacked) && bp_depots_serve(class)) {
		flags = bp_depot_lock(depot);
		block = depot_alloc_stacked(depot);
		if (block)
			depot->hits++;
		bp_depot_unlock(depot, flags);
	}
	bp_section_exit();
	if (block)
		bp_class_close_if_short(class);
	return block;
}

/*
 * Return the jiffies after which a task that waits for a block looks again,
 * though nobody has woken it.
 */
static unsigned long class_retry_delay(const struct bp_class *class)
{
	return READ_ONCE(class->reserve) ? RESERVE_RETRY : NOFAIL_RETRY;
}

/*
 * Wait until a block may be in a depot, as mempool_alloc() does. The task is queued before
 * it looks for a block. It looks under the lock under which depot_free() looks for waiters,
 * so it misses no block there. A free wakes the task. Memory of the system, room below the
 * limit, the end of a grace period and, without a reserve, blocks in caches do not. So the
 * task polls for these.
 */
static void class_wait(struct bp_class *class)
{
	unsigned long delay = bp_class_drain_recalled(class) ? class_retry_delay(class) :
							 RECALL_RETRY;
	DECLARE_SWAITQUEUE(wait);
	struct bp_depot *depot;
	unsigned long flags;
	bool idle = false;

	prepare_to_swait_exclusive(&class->wait, &wait, TASK_UNINTERRUPTIBLE);
	bp_for_each_depot(depot, class) {
		flags = bp_depot_lock(depot);
		idle |= bp_depot_has_idle(depot);
		bp_depot_unlock(depot, flags);
	}
	if (!idle)
		io_schedule_timeout(delay);
	finish_swait(&class->wait, &wait);
}

/*
 * Wait until @nr blocks may be idle, without holding any. Two callers that each
 * held some of the blocks could deadlock.
 */
void bp_class_wait_bulk(struct bp_class *class, unsigned int nr)
{
	unsigned long end = jiffies + class_retry_delay(class);

	/* While a task waits for a reserve, all idle blocks return to their depots. */
	do {
		bp_class_drain_recalled(class);
		schedule_timeout_uninterruptible(RECALL_RETRY);
	} while (bp_class_nr_idle(class) < nr && time_before(jiffies, end));
}

/*
 * Warn of a wait for @nr blocks that no free can end, because the limit does not allow them, or
 * because no run of pages is long enough.
 */
static void warn_hopeless_wait(const struct bp_class *class, unsigned int nr)
{
	unsigned long limit = READ_ONCE(class->pool->limit);

	if (atomic_long_read(&class->nr_blocks) >= nr)
		return;
	if (bp_block_over_limit(class, limit) || (limit && nr > limit / class->size))
		pr_warn_ratelimited("%s: %u block(s) of %u bytes have to wait until limit_bytes is more than %lu\n",
				    class->pool->name, nr, class->size, limit);
	else if (bp_block_never_fits(class))
		pr_warn_ratelimited("%s: a contiguous block of %u bytes waits for ever\n",
				    class->pool->name, class->size);
}

/* Warn once of a wait for @nr blocks that takes long, at *@warn_at. */
void bp_class_warn_wait(const struct bp_class *class, unsigned int nr, unsigned long *warn_at)
{
	if (time_before(jiffies, *warn_at))
		return;
	*warn_at = jiffies + MAX_JIFFY_OFFSET;
	pr_warn_ratelimited("%s: a task waits for %u block(s) of %u bytes for long; bytes_held is %zu, limit_bytes is %lu\n",
			    class->pool->name, nr, class->size, bp_pool_held(class->pool),
			    READ_ONCE(class->pool->limit));
}

/*
 * Begin to wait for @nr blocks. If the class has a reserve, blocks that are freed from now on
 * return to the depots. So do all blocks in caches before bp_class_drain_recalled() returns true.
 * A change of the reserve meanwhile closes the caches, too. Return the time at which to warn.
 */
unsigned long bp_class_wait_begin(struct bp_class *class, unsigned int nr)
{
	warn_hopeless_wait(class, nr);
	atomic_long_inc(&class->nr_waiters);
	/*
	 * A grant is made under the lock of a depot, after a look at @nr_waiters. The
	 * recall looks for grants under the same locks. Without any, it closes nothing.
	 */
	if (READ_ONCE(class->reserve))
		bp_class_recall(class, false);
	return jiffies + LONG_WAIT;
}

void bp_class_wait_end(struct bp_class *class)
{
	atomic_long_dec(&class->nr_waiters);
	/* The wakeup may have been for another block than the one we got, so pass it on. */
	bp_class_wake(class);
}

/*
 * Take an idle block, or a block of a new slab, and set *@miss to whether the slab is
 * new. The block is of the node, or of any if that is NUMA_NO_NODE. Return NULL if there
 * is none.
 */
static void *class_alloc_or_grow(struct bp_class *class, gfp_t gfp, int node, bool *miss)
{
	void *block = NULL;

	if ((node == NUMA_NO_NODE || node == numa_mem_id()) && bp_class_wants_private_slab(class))
		block = bp_class_grow(class, BP_GFP_SPARE | (gfp & __GFP_HARDWALL), node);
	*miss = block;
	block = block ?: class_alloc(class, node, false);
	if (!block) {
		/* With a reserve to fall back on, the system need not try hard. */
		if (READ_ONCE(class->reserve))
			gfp |= BP_GFP_SPARE;
		/*
		 * Ask the depots once more. Idle blocks that bp_pool_make_room()
		 * found may be in slabs that are now partly in use, and cannot
		 * be freed.
		 */
		block = bp_class_grow(class, gfp, node);
		*miss = block;
		block = block ?: class_alloc(class, node, true);
	}
	bp_class_close_if_short(class);
	/* Make the cache last, so that it does not compete with the block for memory. */
	if (block) {
		bp_cache_ensure(class, gfp);
		if (READ_ONCE(class->reserve))
			bp_class_grow_for_cache(class, gfp);
	}
	return block;
}

/*
 * Take a block of the node if possible, otherwise of any node. The order is: an idle
 * block there, new memory there if the system has it at hand, an idle block
 * elsewhere, new memory elsewhere.
 */
static void *class_alloc_preferred(struct bp_class *class, gfp_t gfp, int node, bool *miss)
{
	gfp_t there = (gfp & ~__GFP_DIRECT_RECLAIM) | __GFP_THISNODE | __GFP_NOWARN;
	void *block = class_alloc_or_grow(class, there, node, miss);

	if (block) {
		/* Use @gfp, because the table of a pool with many classes is mapped. */
		bp_cache_ensure(class, gfp);
		return block;
	}
	return bp_cache_alloc(class->pool, bp_class_slot(class)) ?:
	       class_alloc_or_grow(class, gfp, NUMA_NO_NODE, miss);
}

/* Return true if the limit of the pool leaves no room for a slab of the class. */
static bool class_at_limit(const struct bp_class *class)
{
	const struct bytepool *pool = class->pool;

	return bp_over_limit(READ_ONCE(pool->limit), bp_pool_held(pool), PAGE_ALIGN(class->size));
}

/*
 * Take a block without waiting for one. With __GFP_THISNODE, take none of another node. A
 * CPU prefers memory of its node. Otherwise a pool that was first used on another node would
 * always serve it from there. With a reserve, or at the limit, idle blocks come first.
 */
void *bp_class_alloc_once(struct bp_class *class, gfp_t gfp, int node, bool *miss)
{
	if (node == NUMA_NO_NODE && nr_node_ids > 1 && !READ_ONCE(class->reserve) &&
	    !class_at_limit(class))
		node = bp_cpu_memory_node(raw_smp_processor_id());
	if (node == NUMA_NO_NODE || gfp & __GFP_THISNODE)
		return class_alloc_or_grow(class, gfp, node, miss);
	return class_alloc_preferred(class, gfp, node, miss);
}

/*
 * Check a block that comes from its depot, and record its caller. The block is
 * in use only after that. Until then, a stale free of it is refused, and its
 * slab cannot be freed.
 */
noinline void bp_block_check(struct bp_class *class, void *block, unsigned long caller)
{
	unsigned int flags = class->pool->flags;
	struct bp_track last = {};
	struct bp_slab *slab;
	u8 *state;

	bp_section_enter();
	slab = bp_table_find(block);
	bp_section_exit();
	state = bp_block_state(slab, block);
	if (flags & BYTEPOOL_TRACK) {
		last = bp_track_read(slab, state - slab->state);
		bp_block_track(slab, state - slab->state, caller);
	}
	if (flags & BYTEPOOL_POISON) {
		bp_block_verify(class, block, &last);
		if (flags & BYTEPOOL_WIPE)
			memset(block, 0, class->size);
	}
	WRITE_ONCE(*state, BP_BLOCK_IN_USE);
}

/* Take a block of this CPU's cache if its spare magazine has one, or return NULL. */
static void *cache_alloc_spare(struct bp_class *class)
{
	struct bytepool *pool = class->pool;
	struct bp_cache *cache;
	void *block = NULL;

	bp_section_enter();
	cache = bp_cache_this_cpu(pool, bp_class_slot(class));
	if (bp_cache_enter(cache, pool)) {
		if (cache->spare->nr) {
			/* An interrupt may have loaded blocks since the fast path looked. */
			if (!bp_cache_nr_loaded(cache))
				bp_cache_swap(cache);
			block = bp_cache_pop(cache);
			bp_cache_count(cache->hits, 1);
		}
		bp_cache_leave(cache, pool);
	}
	bp_section_exit();
	return block;
}

/* Hand out a block, which has left its depot, or fail the allocation if it is NULL. */
static void *block_hand_out(struct bp_class *class, size_t size, void *block, gfp_t gfp,
			    bool miss, unsigned long caller)
{
	if (!block)
		return bp_alloc_fail(class->pool, size, gfp, caller);
	bp_block_prepare(class, block, gfp, caller);
	trace_alloc(class->pool->name, size, class->size, block, gfp, !miss, caller);
	return block;
}

/* Serve an allocation, and wait for a block if @gfp and the class allow it. */
static noinline void *class_alloc_or_wait(struct bp_class *class, size_t size, gfp_t gfp, int node,
					  unsigned long caller)
{
	void *block = node == NUMA_NO_NODE ? cache_alloc_spare(class) : NULL;
	unsigned long warn_at = 0;
	bool waited = false;
	bool miss = false;

	while (!block) {
		block = bp_class_alloc_once(class, bp_system_gfp(gfp), node, &miss);
		if (block || !bp_class_may_wait(class, gfp))
			break;
		if (!waited) {
			warn_at = bp_class_wait_begin(class, 1);
			waited = true;
			continue;
		}
		class_wait(class);
		bp_class_warn_wait(class, 1, &warn_at);
	}
	if (waited)
		bp_class_wait_end(class);
	return block_hand_out(class, size, block, gfp, miss, caller);
}

/* Serve an allocation that the loaded magazine of this CPU's cache has not served. */
noinline void *bp_alloc_slow(struct bytepool *pool, size_t size, gfp_t gfp, int node,
			     unsigned long caller)
{
	struct bp_class *class;
	void *block;

	/* __GFP_THISNODE has no meaning without a node, and __GFP_NOFAIL overrides it. */
	if (node == NUMA_NO_NODE || gfp & __GFP_NOFAIL)
		gfp &= ~__GFP_THISNODE;
	/* The fast path leaves this out, because it may cost a call. */
	might_alloc(gfp);
	class = bp_class_get(pool, bp_class_index(&pool->sizes, size), gfp);
	if (!class)
		return bp_alloc_fail(pool, size, gfp, caller);
	if (READ_ONCE(class->reserve) && node == NUMA_NO_NODE) {
		block = class_alloc_stacked(class);
		if (block)
			return block_hand_out(class, size, block, gfp, false, caller);
	}
	return class_alloc_or_wait(class, size, gfp, node, caller);
}

/* Serve an allocation of a size whose slot is not its grid point, or refuse an invalid size. */
noinline void *bp_alloc_off_grid(struct bytepool *pool, size_t size, gfp_t gfp,
				 unsigned long caller)
{
	void *block;

	if (unlikely(size - 1 >= pool->sizes.max))
		return bp_alloc_refuse(pool, size, gfp, caller);
	block = bp_cache_alloc(pool, bp_slot(&pool->sizes, size));
	if (likely(block))
		return block;
	return bp_alloc_slow(pool, size, gfp, NUMA_NO_NODE, caller);
}

/* Fail an allocation that is invalid, or that fail_bytepool has chosen. Return NULL. */
noinline void *bp_alloc_refuse(struct bytepool *pool, size_t size, gfp_t gfp,
			       unsigned long caller)
{
	if (IS_ERR_OR_NULL(pool)) {
		pr_err_once("allocation from an invalid pool by %pS\n", (void *)caller);
		return NULL;
	}
	if (gfp & BP_GFP_REFUSED)
		pr_warn_once("%s: no pool serves a memory zone, gfp %pGg\n", pool->name, &gfp);
	return bp_alloc_fail(pool, size, gfp, caller);
}

/* Report blocks that came from a cache to the kernel's checkers and the tracepoint. */
noinline void bp_blocks_report(struct bp_class *class, size_t size, gfp_t gfp, unsigned int nr,
			       void **blocks, unsigned long caller)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		bp_block_instrument(class->size, blocks[i], gfp);
		trace_alloc(class->pool->name, size, class->size, blocks[i], gfp, true, caller);
	}
}

/* Serve an allocation of any kind. */
noinline void *bp_alloc_any(struct bytepool *pool, size_t size, gfp_t gfp, int node,
			    unsigned long caller)
{
	void *block = NULL;
	u32 class_size;

	if (!bp_alloc_ok(pool, size, gfp) || bp_alloc_injected(pool, size, gfp))
		return bp_alloc_refuse(pool, size, gfp, caller);
	/* This CPU's cache has blocks of its node alone. */
	if (node == NUMA_NO_NODE || (bp_node_is_local(pool, node) && !(gfp & __GFP_THISNODE)))
		block = bp_cache_alloc(pool, bp_slot(&pool->sizes, size));
	class_size = bp_class_size(&pool->sizes, bp_class_index(&pool->sizes, size));
	if (block) {
		bp_block_instrument(class_size, block, gfp);
		trace_alloc(pool->name, size, class_size, block, gfp, true, caller);
	} else {
		block = bp_alloc_slow(pool, size, gfp, node, caller);
	}
	if (gfp & __GFP_ZERO && block && bp_must_clear(pool))
		memset(block, 0, size);
	return block;
}
