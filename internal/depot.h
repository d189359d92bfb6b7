/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A depot: the slabs of a class on one NUMA node, their lock, lists and batches.
 */
#ifndef _BP_DEPOT_H
#define _BP_DEPOT_H

#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "age.h"
#include "context.h"
#include "types.h"

void bp_depot_init(struct bp_depot *depot, struct bp_class *class);
struct bp_slab *bp_depot_oldest(struct bp_depot *depot, const struct bp_gc_pass *pass);
struct bp_slab *bp_depot_take_oldest(struct bp_depot *depot,
				     const struct bp_gc_pass *pass);
bool bp_slab_is_private(const struct bp_slab *slab);
bool bp_class_shares_lines(const struct bp_class *class);
struct bp_slab *bp_depot_next_slab(struct bp_depot *depot);
struct bp_slab *bp_depot_take_slab(struct bp_depot *depot);
void bp_depot_link(struct bp_depot *depot, struct bp_slab *slab);
void *bp_depot_pop(struct bp_depot *depot, struct bp_slab *slab, u8 **state,
		   void **overwritten);
void bp_depot_push(struct bp_depot *depot, struct bp_slab *slab, const u8 *state,
		   unsigned long idle_since);
void bp_depot_account(struct bp_depot *depot, const struct bp_slab *slab);
void bp_depot_add(struct bp_slab *slab);
void bp_depot_put_batch(struct bp_depot *depot, struct bp_batch *batch);
struct bp_batch *bp_batch_take(struct bp_batch **list);
void bp_depot_add_batch(struct bp_depot *depot, int node);
void bp_depot_push_entries(struct bp_depot *depot, const struct bp_entry *entry,
			   u32 nr);
bool bp_depot_wakes(struct bp_depot *depot);
void bp_block_mark_leaving(const struct bp_class *class, u8 *state);

static inline unsigned long bp_depot_lock(struct bp_depot *depot)
	__acquires(&depot->lock)
{
	unsigned long flags = 0;

	if (bp_pool_single(depot->class->pool))
		__acquire(&depot->lock);
	else
		raw_spin_lock_irqsave(&depot->lock, flags);
	return flags;
}

static inline void bp_depot_unlock(struct bp_depot *depot, unsigned long flags)
	__releases(&depot->lock)
{
	if (bp_pool_single(depot->class->pool))
		__release(&depot->lock);
	else
		raw_spin_unlock_irqrestore(&depot->lock, flags);
}

/* Assert that the lock is held. A BYTEPOOL_SINGLE pool has none. */
static inline void bp_depot_assert_held(const struct bp_depot *depot)
{
	if (!bp_pool_single(depot->class->pool))
		lockdep_assert_held(&depot->lock);
}

/* Take a slab off its list, if it is on one, before a block comes back to it. */
static inline void bp_depot_unlink(struct bp_slab *slab)
{
	if (slab->nr_idle)
		list_del(&slab->list);
}

/* Return true if the depot seems to have an idle block. */
static inline bool bp_depot_has_idle(const struct bp_depot *depot)
{
	/* Another CPU may change it meanwhile. */
	return data_race(depot->nr_idle) || READ_ONCE(depot->full);
}

#endif /* _BP_DEPOT_H */
