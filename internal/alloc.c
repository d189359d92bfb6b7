// SPDX-License-Identifier: GPL-2.0-only
/* Alloc: everything that the fast path does not serve. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/string.h>
#include <linux/swait.h>

#include "alloc.h"
#include "backing.h"
#include "cache.h"
#include "check.h"
#include "class.h"
#include "context.h"
#include "depot.h"
#include "fault.h"
#include "grow.h"
#include "size_class.h"
#include "slab.h"
#include "table.h"
#include "trace.h"
#include "types.h"
#include "wake.h"

/* For memory that is good to have: without reclaim, and not from emergency reserves. */
#define GFP_SPARE		(__GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN)

/* Take an idle block of the depot, without regard to caches. Return NULL if there is none. */
static void *depot_alloc_one(struct bp_depot *depot, void **overwritten)
{
	struct bp_slab *slab;
	struct bp_batch *batch;
	void *block;
	u8 *state;

	bp_depot_assert_held(depot);
	if (depot->nr_idle) {
		slab = bp_depot_take_slab(depot);
		block = bp_depot_pop(depot, slab, &state, overwritten);
		bp_depot_link(depot, slab);
	} else {
		/* The batch stays where bp_depot_has_idle() looks until it is empty. */
		batch = depot->full;
		if (!batch)
			return NULL;
		block = batch->entries[--batch->nr].block;
		state = batch->entries[batch->nr].state;
		if (!batch->nr)
			bp_depot_put_batch(depot, bp_batch_take(&depot->full));
	}
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
	bool opened;

	flags = bp_depot_lock(depot);
	cache = bp_depot_this_cpu_cache(depot);
	if (cache) {
		/*
		 * If the cache has a block, it was closed, or this task was on
		 * another CPU before.
		 */
		if (!bp_cache_nr(cache))
			bp_cache_take_batch(depot, cache);
		block = bp_cache_pop(cache);
	}
	if (!block) {
		block = depot_alloc_one(depot, overwritten);
		if (block && cache)
			bp_cache_refill(depot, cache, overwritten);
	}
	if (block)
		depot->hits++;
	opened = bp_cache_reopen(cache);
	bp_depot_unlock(depot, flags);
	if (opened)
		bp_pool_wake(depot->class->pool);
	return block;
}

/*
 * Return true if depot_alloc() seems to have a block. The lock is not taken, so
 * a block that moves meanwhile may be missed.
 * Context: Section.
 */
static bool depot_may_alloc(const struct bp_depot *depot)
{
	const struct bp_cache *cache = READ_ONCE(depot->class->cache[smp_processor_id()]);

	return bp_depot_has_idle(depot) || (cache && bp_cache_nr(cache));
}

/*
 * Take an idle block of another depot than @not. Return NULL if there is none.
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
	depot = &class->depot[node == NUMA_NO_NODE ? bp_cpu_memory_node(smp_processor_id()) : node];
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
 * Wait until a block may be in a depot, as mempool_alloc() does. No block is
 * missed, because the task is queued before it looks, and looks under the lock
 * under which depot_free() looks for waiters. No wakeup announces memory of the
 * system, room below the limit, or a block in the cache of a CPU. Therefore the
 * task looks for those from time to time.
 */
static void class_wait(struct bp_class *class)
{
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
		io_schedule_timeout(bp_class_retry_delay(class));
	finish_swait(&class->wait, &wait);
}

/*
 * Take an idle block, or else one of a new slab, and set *@miss if it is of a new
 * slab. Take it of the node alone, or of any if that is NUMA_NO_NODE. Return NULL
 * if there is none.
 */
void *bp_class_alloc_or_grow(struct bp_class *class, gfp_t gfp, int node, bool *miss)
{
	void *block = NULL;

	if (node == NUMA_NO_NODE && bp_class_wants_private_slab(class))
		block = bp_class_grow(class, GFP_SPARE | (gfp & __GFP_HARDWALL), node);
	*miss = block;
	block = block ?: class_alloc(class, node, false);
	if (!block) {
		/* With a reserve to fall back on, the system need not try hard. */
		if (READ_ONCE(class->reserve))
			gfp |= __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN;
		/*
		 * The blocks that bp_pool_make_room() found idle may since have
		 * been spread over slabs that are partly in use, so that no
		 * slab could be freed. Ask the depots once more.
		 */
		block = bp_class_grow(class, gfp, node);
		*miss = block;
		block = block ?: class_alloc(class, node, true);
	}
	/* Make the cache last, so that it does not compete with the block for memory. */
	if (block)
		bp_cache_ensure(class);
	return block;
}

/*
 * Take a block of the node if possible, otherwise of any: an idle block there,
 * new memory there if the system has it at hand, an idle block elsewhere, new
 * memory from elsewhere, in this order.
 */
static void *class_alloc_preferred(struct bp_class *class, gfp_t gfp, int node, bool *miss)
{
	gfp_t there = (gfp & ~__GFP_DIRECT_RECLAIM) | __GFP_THISNODE | __GFP_NOWARN;

	return bp_class_alloc_or_grow(class, there, node, miss) ?:
	       bp_cache_alloc(class->pool, bp_class_slot(class)) ?:
	       bp_class_alloc_or_grow(class, gfp, NUMA_NO_NODE, miss);
}

/* Take a block without waiting for one; with __GFP_THISNODE, of the node alone. */
static void *class_alloc_once(struct bp_class *class, gfp_t gfp, int node, bool *miss)
{
	if (node == NUMA_NO_NODE || gfp & __GFP_THISNODE)
		return bp_class_alloc_or_grow(class, gfp, node, miss);
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

/* Serve an allocation that this CPU's cache has not served. */
noinline void *bp_alloc_slow(struct bytepool *pool, size_t size, gfp_t gfp, int node,
			     unsigned long caller)
{
	struct bp_class *class;
	bool waited = false;
	bool miss;
	void *block;

	/* __GFP_THISNODE has no meaning without a node, and __GFP_NOFAIL overrides it. */
	if (node == NUMA_NO_NODE || gfp & __GFP_NOFAIL)
		gfp &= ~__GFP_THISNODE;
	/* The fast path does without this, because it may cost a call. */
	might_alloc(gfp);
	class = bp_class_get(pool, bp_class_index(&pool->sizes, size), gfp);
	if (!class)
		goto fail;
	while (!(block = class_alloc_once(class, bp_system_gfp(gfp), node, &miss))) {
		if (!bp_class_may_wait(class, gfp))
			goto fail;
		class_wait(class);
		waited = true;
	}
	/* The wakeup may have been for another block than the one we got, so pass it on. */
	if (waited)
		bp_class_wake(class);
	bp_block_prepare(class, block, gfp, caller);
	trace_alloc(pool->name, size, class->size, block, gfp, !miss, caller);
	return block;

fail:
	return bp_alloc_fail(pool, size, gfp, caller);
}

/* Fail an allocation that is invalid, or that fail_bytepool has chosen. Return NULL. */
noinline void *bp_alloc_refuse(struct bytepool *pool, size_t size, gfp_t gfp,
			       unsigned long caller)
{
	if (IS_ERR_OR_NULL(pool)) {
		pr_err_once("allocation from no pool, by %pS\n", (void *)caller);
		return NULL;
	}
	if (gfp & BP_GFP_REFUSED)
		pr_warn_once("%s: no pool serves a memory zone, gfp %pGg\n", pool->name, &gfp);
	return bp_alloc_fail(pool, size, gfp, caller);
}

/* Tell the kernel's checkers and the tracepoint of blocks that came from a cache. */
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
	/*
	 * This CPU's cache has blocks of its node alone. The task may move to
	 * another node meanwhile.
	 */
	if (node == NUMA_NO_NODE || (node == numa_mem_id() && !(gfp & __GFP_THISNODE)))
		block = bp_cache_alloc(pool, bp_slot(&pool->sizes, size));
	class_size = bp_class_size(&pool->sizes, bp_class_index(&pool->sizes, size));
	if (block) {
		bp_block_instrument(class_size, block, gfp);
		trace_alloc(pool->name, size, class_size, block, gfp, true, caller);
	} else {
		block = bp_alloc_slow(pool, size, gfp, node, caller);
	}
	if (gfp & __GFP_ZERO && block)
		memset(block, 0, class_size);
	return block;
}
