// SPDX-License-Identifier: GPL-2.0-only
/* The birth and death of a slab: the step between system and slab. */
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/kmemleak.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "backing.h"
#include "check.h"
#include "instrument.h"
#include "size_class.h"
#include "slab.h"
#include "table.h"
#include "trace.h"
#include "types.h"

/* Fill the blocks of a new slab. */
static void slab_poison(struct bp_slab *slab)
{
	const struct bp_class *class = slab->depot->class;
	u32 granule;

	bp_for_each_block(granule, slab)
		bp_block_poison(bp_slab_block(slab, class, granule), class->size);
}

/* Check the blocks of a slab that is about to be freed. */
static void slab_verify(struct bp_slab *slab)
{
	const struct bp_class *class = slab->depot->class;
	u32 granule;

	bp_for_each_block(granule, slab) {
		struct bp_track last = {};

		if (class->pool->flags & BYTEPOOL_TRACK)
			last = bp_track_read(slab, granule);
		bp_block_verify(class, bp_slab_block(slab, class, granule), &last);
	}
}

/*
 * Allocate the descriptor. That of one large block takes no more than 96 bytes on
 * a 64-bit machine.
 */
static struct bp_slab *slab_desc_alloc(struct bp_class *class, void *base,
				       unsigned int nr, gfp_t gfp, int node)
{
	unsigned int flags = class->pool->flags;
	u32 granules = bp_slab_granules(nr, class->stride, class->shift);
	struct bp_slab *slab;
	u32 granule;

	slab = kmalloc_node(bp_slab_desc_bytes(class, nr), gfp, node);
	if (!slab)
		return NULL;
	/* Otherwise @base would be a reference to the first block and hide its leak. */
	kmemleak_scan_area(slab, offsetof(struct bp_slab, base), gfp);
	slab->depot = class->depot[bp_backing_node(base)];
	slab->idle_since = jiffies;
	slab->base = (unsigned long)base;
	slab->nr = nr;
	slab->nr_idle = nr;
	slab->first = BP_NO_BLOCK;
	slab->carved = 0;
	slab->hashed = false;
	slab->pending = false;
	slab->leaked = false;
	slab->chained = nr > 1 && !(flags & BYTEPOOL_POISON) && !IS_ENABLED(CONFIG_KASAN_GENERIC);
	memset(slab->state, BP_BLOCK_NONE, granules);
	bp_for_each_block(granule, slab)
		slab->state[granule] = BP_BLOCK_IDLE;
	if (flags & BYTEPOOL_TRACK)
		memset(bp_slab_track(slab, 0), 0, nr * sizeof(struct bp_track));
	return slab;
}

/*
 * Return the alignment of a slab. A lookup finds its base by that, unless all of
 * its blocks begin in its first page.
 */
static unsigned long slab_align(unsigned int nr, unsigned long bytes)
{
	return nr > 1 && bytes > PAGE_SIZE ? BP_SLAB_ALIGN : PAGE_SIZE;
}

/*
 * Create a slab of @bytes. If that fails, *@at_limit tells whether the limit of
 * the pool was the reason.
 */
static struct bp_slab *slab_create_sized(struct bp_class *class, unsigned long bytes,
					 gfp_t gfp, int node, bool *at_limit)
{
	unsigned int nr = bp_slab_blocks(bytes, class->size);
	unsigned long align = slab_align(nr, bytes);
	struct bytepool *pool = class->pool;
	struct bp_slab *slab;
	void *base;

	*at_limit = !bp_pool_charge(pool, bytes);
	if (*at_limit)
		return NULL;
	base = bp_backing_alloc(pool, bytes, align, gfp, node);
	if (!base)
		goto uncharge;
	slab = slab_desc_alloc(class, base, nr, gfp, node);
	if (!slab)
		goto free_backing;
	if (pool->flags & BYTEPOOL_POISON)
		slab_poison(slab);
	bp_instrument_idle(base, bytes);
	if (bp_table_add(slab, gfp))
		goto free_slab;
	trace_grow(pool->name, class->size, nr, bytes, slab->depot->node, gfp);
	return slab;

free_slab:
	bp_instrument_open(base, bytes);
	kfree(slab);
free_backing:
	bp_backing_free(base, bytes, align);
uncharge:
	bp_pool_uncharge(pool, bytes);
	return NULL;
}

/*
 * Create a slab, all idle and in the table, but in no depot yet. If it may be
 * @large, try the usual size of the class first. Otherwise, or if that fails,
 * make it as small as a block allows. *@at_limit is as in slab_create_sized().
 */
struct bp_slab *bp_slab_create_fitting(struct bp_class *class, bool large,
				       gfp_t gfp, int node, bool *at_limit)
{
	unsigned long least = PAGE_ALIGN(class->size);
	struct bp_slab *slab = NULL;

	if (large && class->slab_bytes > least)
		slab = slab_create_sized(class, class->slab_bytes,
					 gfp | __GFP_NOWARN | __GFP_NORETRY, node, at_limit);
	return slab ?: slab_create_sized(class, least, gfp, node, at_limit);
}

/*
 * Give the memory of a slab back. Return its bytes.
 * Context: May sleep.
 */
static unsigned long slab_destroy(struct bp_slab *slab)
{
	struct bp_class *class = slab->depot->class;
	struct bytepool *pool = class->pool;
	unsigned long bytes = bp_slab_held(slab, class);

	trace_shrink(pool->name, class->size, slab->nr, bytes, slab->idle_since);
	bp_instrument_open((void *)slab->base, bytes);
	if (pool->flags & BYTEPOOL_POISON)
		slab_verify(slab);
	bp_backing_free((void *)slab->base, bytes, slab_align(slab->nr, bytes));
	bp_pool_uncharge(pool, bytes);
	return bytes;
}

static void slab_descs_free(struct rcu_head *rcu)
{
	struct bp_slab *slab = container_of(rcu, struct bp_slab, rcu);

	while (slab) {
		struct bp_slab *next = slab->next_dead;

		kfree(slab);
		slab = next;
	}
}

/*
 * Free slabs that are in neither a depot nor the table. Return their bytes. One RCU callback
 * frees all descriptors, because kfree_rcu() of each would take several times as long.
 * Context: May sleep.
 */
unsigned long bp_slabs_destroy(struct list_head *dead)
{
	struct bp_slab *slab, *next, *first = NULL;
	unsigned long bytes = 0;

	list_for_each_entry_safe(slab, next, dead, list) {
		bytes += slab_destroy(slab);
		slab->next_dead = first;
		first = slab;
	}
	if (first)
		call_rcu(&first->rcu, slab_descs_free);
	return bytes;
}
