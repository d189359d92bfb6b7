/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory from the system and back, the limit of a pool, and NUMA nodes.
 */
#ifndef _BP_BACKING_H
#define _BP_BACKING_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/types.h>

#include "size_class.h"
#include "types.h"

/* What slabs of several pages and blocks are aligned to, so that an address tells their base. */
#define BP_SLAB_ALIGN		(BYTEPOOL_SLAB_PAGES * PAGE_SIZE)
/* What is aligned is never mapped, see bp_backing_alloc(). */
static_assert(!(BYTEPOOL_SLAB_PAGES & (BYTEPOOL_SLAB_PAGES - 1)) &&
	      BYTEPOOL_SLAB_PAGES <= 1 << PAGE_ALLOC_COSTLY_ORDER);

int bp_cpu_memory_node(int cpu);
bool bp_pool_charge(struct bytepool *pool, unsigned long bytes);
void bp_pool_uncharge(struct bytepool *pool, unsigned long bytes);
void bp_backing_free(void *base, unsigned long bytes, unsigned long align);
void *bp_backing_alloc(struct bytepool *pool, unsigned long bytes, unsigned long align,
		       gfp_t gfp, int node);
int bp_backing_node(const void *base);

/* Whether @bytes more than are held would be too much. */
static inline bool bp_over_limit(unsigned long limit, unsigned long held, unsigned long bytes)
{
	return limit && (bytes > limit || held > limit - bytes);
}

/* Memory that the pool has from the system, bytes. */
static inline size_t bp_pool_held(const struct bytepool *pool)
{
	return atomic_long_read(&pool->held);
}

#endif /* _BP_BACKING_H */
