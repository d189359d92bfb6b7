/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Alloc: the fast path and the slow paths.
 */
#ifndef _BP_ALLOC_H
#define _BP_ALLOC_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/nodemask.h>
#include <linux/topology.h>
#include <linux/types.h>

#include "cache.h"
#include "context.h"
#include "instrument.h"
#include "trace.h"
#include "types.h"

/* An idle block may be anywhere in memory, so a request for a zone cannot be served. */
#define BP_GFP_REFUSED	(__GFP_DMA | __GFP_DMA32)

void *bp_class_alloc_once(struct bp_class *class, gfp_t gfp, int node, bool *miss);
unsigned long bp_class_wait_begin(struct bp_class *class, unsigned int nr);
void bp_class_warn_wait(const struct bp_class *class, unsigned int nr, unsigned long *warn_at);
void bp_class_wait_end(struct bp_class *class);
void bp_class_wait_bulk(struct bp_class *class, unsigned int nr);
void bp_block_check(struct bp_class *class, void *block, unsigned long caller);
void bp_blocks_report(struct bp_class *class, size_t size, gfp_t gfp, unsigned int nr,
		      void **blocks, unsigned long caller);
void *bp_alloc_slow(struct bytepool *pool, size_t size, gfp_t gfp, int node,
		    unsigned long caller);
void *bp_alloc_off_grid(struct bytepool *pool, size_t size, gfp_t gfp,
			unsigned long caller);
void *bp_alloc_refuse(struct bytepool *pool, size_t size, gfp_t gfp,
		      unsigned long caller);
void *bp_alloc_any(struct bytepool *pool, size_t size, gfp_t gfp, int node,
		   unsigned long caller);

/*
 * Return true if this CPU's cache has blocks of the node. The task may move to another node
 * meanwhile, so this is not enough for __GFP_THISNODE. In a BYTEPOOL_SINGLE pool, all CPUs
 * use the same cache, whose blocks are of one node.
 */
static __always_inline bool bp_node_is_local(const struct bytepool *pool, int node)
{
	return node == numa_mem_id() && !(nr_node_ids > 1 && bp_pool_single(pool));
}

/* Return a block from this CPU's cache, or NULL if that has none or must not be used. */
static __always_inline void *bp_cache_alloc(struct bytepool *pool, u32 slot)
{
	struct bp_cache *cache;
	void *block;

	bp_section_enter();
	cache = bp_cache_this_cpu(pool, slot);
	if (likely(bp_cache_enter(cache, pool))) {
		block = bp_cache_pop(cache);
		if (likely(block)) {
			bp_cache_count(cache->hits, 1);
			bp_cache_leave(cache, pool);
			bp_section_exit();
			return block;
		}
		bp_cache_leave(cache, pool);
	}
	bp_section_exit();
	return NULL;
}

/* Take up to @nr blocks from this CPU's cache. Return their number. */
static inline unsigned int bp_cache_alloc_bulk(struct bytepool *pool, u32 slot,
					       unsigned int nr, void **blocks)
{
	struct bp_cache *cache;
	unsigned int got = 0;

	bp_section_enter();
	cache = bp_cache_this_cpu(pool, slot);
	if (bp_cache_enter(cache, pool)) {
		struct bp_entry *top = cache->top;

		while (got < nr) {
			struct bp_entry *entry = top - 1;

			blocks[got] = entry->block;
			if (likely(blocks[got])) {
				WRITE_ONCE(*entry->state, BP_BLOCK_IN_USE);
				top = entry;
				got++;
				continue;
			}
			WRITE_ONCE(cache->top, top);
			if (!cache->spare->nr)
				break;
			bp_cache_swap(cache);
			top = cache->top;
		}
		WRITE_ONCE(cache->top, top);
		bp_cache_count(cache->hits, got);
		bp_cache_leave(cache, pool);
	}
	bp_section_exit();
	return got;
}

/* Tell the kernel's checkers that a caller gets a block. */
static inline void bp_block_instrument(u32 size, void *block, gfp_t gfp)
{
	if (BP_INSTRUMENTED)
		bp_instrument_alloc(block, size, bp_system_gfp(gfp), bp_system_may_serve());
}

/* Prepare a block, which comes from its depot, for its caller. */
static inline void bp_block_prepare(struct bp_class *class, void *block, gfp_t gfp,
				    unsigned long caller)
{
	bp_instrument_open(block, class->size);
	if (unlikely(class->pool->flags & BP_FLAGS_CHECKED))
		bp_block_check(class, block, caller);
	bp_block_instrument(class->size, block, gfp);
}

/* Count and trace a failed allocation. Return NULL. */
static inline void *bp_alloc_fail(struct bytepool *pool, size_t size, gfp_t gfp,
				  unsigned long caller)
{
	atomic64_inc(&pool->failures);
	trace_alloc(pool->name, size, 0, NULL, gfp, false, caller);
	return NULL;
}

/* Return true if the arguments of an allocation are valid. If @size is 0, size - 1 wraps around. */
static __always_inline bool bp_alloc_ok(struct bytepool *pool, size_t size, gfp_t gfp)
{
	return !IS_ERR_OR_NULL(pool) && size - 1 < pool->sizes.max &&
	       !(gfp & BP_GFP_REFUSED);
}

#endif /* _BP_ALLOC_H */
