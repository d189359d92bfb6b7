/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory from the system and back, the limit of a pool, and NUMA nodes.
 */
#ifndef _BP_BACKING_H
#define _BP_BACKING_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/types.h>
#include <linux/vmalloc.h>

#include "size_class.h"
#include "types.h"

/*
 * The alignment of slabs of several pages and blocks. The base of such a slab follows
 * from an address in it.
 */
#define BP_SLAB_ALIGN		(BP_SLAB_PAGES * PAGE_SIZE)
/* Aligned memory is never mapped, see bp_backing_alloc(). */
static_assert(!(BP_SLAB_PAGES & (BP_SLAB_PAGES - 1)) &&
	      BP_SLAB_PAGES <= 1 << PAGE_ALLOC_COSTLY_ORDER);

int bp_cpu_memory_node(int cpu);
void *bp_backing_alloc(struct bytepool *pool, unsigned long bytes, unsigned long align,
		       gfp_t gfp, int node);
int bp_backing_node(const void *base);

/* Return true if @held and @bytes together exceed @limit. */
static inline bool bp_over_limit(unsigned long limit, unsigned long held, unsigned long bytes)
{
	return limit && (bytes > limit || held > limit - bytes);
}

/* Return true if @limit is too small for a single block of the class. */
static inline bool bp_block_over_limit(const struct bp_class *class, unsigned long limit)
{
	return bp_over_limit(limit, 0, PAGE_ALIGN(class->size));
}

/* Return true if the system has no run of pages for a block, and the pool takes nothing else. */
static inline bool bp_block_never_fits(const struct bp_class *class)
{
	return class->pool->flags & BYTEPOOL_CONTIG &&
	       1UL << get_order(class->size) > MAX_ORDER_NR_PAGES;
}

/* Return the memory that the pool has from the system, in bytes. */
static inline size_t bp_pool_held(const struct bytepool *pool)
{
	return atomic_long_read(&pool->held);
}

/* Charge @bytes to the pool. Return false, and charge nothing, if they exceed the limit. */
static inline bool bp_pool_charge(struct bytepool *pool, unsigned long bytes)
{
	unsigned long limit = READ_ONCE(pool->limit);
	long held = atomic_long_read(&pool->held);

	do {
		if (bp_over_limit(limit, held, bytes))
			return false;
	} while (!atomic_long_try_cmpxchg(&pool->held, &held, held + bytes));
	return true;
}

static inline void bp_pool_uncharge(struct bytepool *pool, unsigned long bytes)
{
	atomic_long_sub(bytes, &pool->held);
}

/*
 * Free memory of bp_backing_alloc().
 * Context: May sleep.
 */
static inline void bp_backing_free(void *base, unsigned long bytes, unsigned long align)
{
	unsigned int order = get_order(max(bytes, align));

	if (is_vmalloc_addr(base))
		vfree(base);
	else if (bytes == PAGE_SIZE << order)
		free_pages((unsigned long)base, order);
	else
		free_pages_exact(base, bytes);
}

#endif /* _BP_BACKING_H */
