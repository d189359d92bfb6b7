// SPDX-License-Identifier: GPL-2.0-only
/*
 * A depot: the slabs of a class on one NUMA node. Slab <-> depot.
 */
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "age.h"
#include "depot.h"
#include "instrument.h"
#include "slab.h"
#include "types.h"

/* A CPU looks at so many slabs for one that it has taken blocks of. */
#define PRIVATE_LOOKS		4U

void bp_depot_init(struct bp_depot *depot, struct bp_class *class)
{
	raw_spin_lock_init(&depot->lock);
	depot->class = class;
	INIT_LIST_HEAD(&depot->partial);
	INIT_LIST_HEAD(&depot->idle);
	depot->idle_tree = RB_ROOT_CACHED;
}

static bool slab_older(struct rb_node *a, const struct rb_node *b)
{
	return bp_longer_ago(rb_entry(a, struct bp_slab, age)->idle_since,
			     rb_entry(b, struct bp_slab, age)->idle_since);
}

/*
 * File a slab whose last block came back, by age. Blocks mostly come in order;
 * those that lay in a cache for long do not, and the tree is for them.
 */
static void depot_add_idle(struct bp_depot *depot, struct bp_slab *slab)
{
	struct bp_slab *youngest;

	depot->nr_whole += slab->nr;
	youngest = list_first_entry_or_null(&depot->idle, struct bp_slab, list);
	if (!youngest || !bp_longer_ago(slab->idle_since, youngest->idle_since))
		list_add(&slab->list, &depot->idle);
	else
		rb_add_cached(&slab->age, &depot->idle_tree, slab_older);
}

static struct bp_slab *depot_oldest_in_tree(struct bp_depot *depot)
{
	struct rb_node *node = rb_first_cached(&depot->idle_tree);

	return node ? rb_entry(node, struct bp_slab, age) : NULL;
}

/* Whether the class keeps its reserve without the slab: sure under reap_lock, else a guess. */
static bool class_spares(struct bp_class *class, const struct bp_slab *slab)
{
	return slab && atomic_long_read(&class->nr_blocks) - slab->nr >= READ_ONCE(class->reserve);
}

/* The oldest wholly idle slab, if the pass wants it and the reserve allows it. depot->lock. */
struct bp_slab *bp_depot_oldest(struct bp_depot *depot, const struct bp_gc_pass *pass)
{
	struct bp_slab *slab = depot_oldest_in_tree(depot);
	struct bp_slab *last = NULL;

	if (!list_empty(&depot->idle))
		last = list_last_entry(&depot->idle, struct bp_slab, list);
	if (!class_spares(depot->class, slab) ||
	    (class_spares(depot->class, last) && bp_longer_ago(last->idle_since, slab->idle_since)))
		slab = last;
	return class_spares(depot->class, slab) && bp_gc_pass_wants(pass, slab->idle_since) ? slab :
	       NULL;
}

/* Take a slab with idle blocks only off its list; of the tree, only the oldest. depot->lock. */
static void depot_del_idle(struct bp_depot *depot, struct bp_slab *slab)
{
	depot->nr_whole -= slab->nr;
	if (slab == depot_oldest_in_tree(depot))
		rb_erase_cached(&slab->age, &depot->idle_tree);
	else
		list_del(&slab->list);
}

/* Take what bp_depot_oldest() finds off the depot's books. depot->lock, and reap_lock. */
struct bp_slab *bp_depot_take_oldest(struct bp_depot *depot,
				     const struct bp_gc_pass *pass)
{
	struct bp_slab *slab = bp_depot_oldest(depot, pass);

	if (!slab)
		return NULL;
	depot_del_idle(depot, slab);
	depot->nr_idle -= slab->nr;
	depot->nr_slabs--;
	atomic_long_sub(slab->nr, &depot->class->nr_blocks);
	return slab;
}

/* Whether the slab is wholly idle, or this CPU was the first to take blocks of it. */
bool bp_slab_is_private(const struct bp_slab *slab)
{
	return slab->nr_idle == slab->nr || slab->cpu == raw_smp_processor_id();
}

/*
 * Whether the class has no more than a page for each other CPU that uses it.
 * CPUs that change the states of one slab's blocks take the cache line from each
 * other, so until then each gets a slab of its own.
 */
bool bp_class_shares_lines(const struct bp_class *class)
{
	bool own = READ_ONCE(class->cache[raw_smp_processor_id()]);
	unsigned long others;

	/* Pairs with cmpxchg() in cache_create(): what is seen has been counted. */
	smp_rmb();
	others = atomic_long_read(&class->nr_caches) - own;
	return atomic_long_read(&class->nr_blocks) * class->size <= others * PAGE_SIZE;
}

/*
 * The slab to take the next block of: rather a partial one, so that idle ones
 * stay whole, and rather this CPU's; a whole one before another CPU's where the
 * class is crowded. NULL if there is no idle block. depot->lock.
 */
struct bp_slab *bp_depot_next_slab(struct bp_depot *depot)
{
	struct bp_slab *partial = list_first_entry_or_null(&depot->partial,
							   struct bp_slab, list);
	struct bp_slab *whole = list_first_entry_or_null(&depot->idle,
							 struct bp_slab, list);
	struct bp_slab *slab;
	unsigned int looks = 0;

	list_for_each_entry(slab, &depot->partial, list) {
		if (bp_slab_is_private(slab))
			return slab;
		if (++looks == PRIVATE_LOOKS)
			break;
	}
	whole = whole ?: depot_oldest_in_tree(depot);
	return partial && !(whole && bp_class_shares_lines(depot->class)) ? partial : whole;
}

/* The same, off its list. depot->lock, and there is an idle block. */
struct bp_slab *bp_depot_take_slab(struct bp_depot *depot)
{
	struct bp_slab *slab = bp_depot_next_slab(depot);

	if (slab->nr_idle < slab->nr) {
		list_del(&slab->list);
		return slab;
	}
	depot_del_idle(depot, slab);
	slab->cpu = raw_smp_processor_id();
	return slab;
}

/* Put a slab that is on no list where it belongs; with no idle block, to none. depot->lock. */
void bp_depot_link(struct bp_depot *depot, struct bp_slab *slab)
{
	if (slab->nr_idle == slab->nr)
		depot_add_idle(depot, slab);
	else if (slab->nr_idle)
		list_add(&slab->list, &depot->partial);
}

/* Take a block of a slab that is on no list; its @state is the caller's to set. depot->lock. */
void *bp_depot_pop(struct bp_depot *depot, struct bp_slab *slab, u8 **state,
		   void **overwritten)
{
	struct bp_class *class = depot->class;
	u32 index = bp_slab_pop(slab, class->size, overwritten);
	void *block = bp_slab_block(slab, class->size, index);

	*state = &slab->state[index];
	depot->nr_idle--;
	if (class->pool->flags & BYTEPOOL_WIPE && slab->chained)
		*(u16 *)block = 0;	/* the link */
	return block;
}

/* Put a block back into its slab, which is on no list. depot->lock. */
void bp_depot_push(struct bp_depot *depot, struct bp_slab *slab, const u8 *state,
		   unsigned long idle_since)
{
	bp_slab_push(slab, depot->class->size, state - slab->state, idle_since);
	depot->nr_idle++;
}

/* A new slab's blocks, all idle, into the depot's books. depot->lock. */
void bp_depot_account(struct bp_depot *depot, const struct bp_slab *slab)
{
	depot->nr_idle += slab->nr;
	depot->nr_slabs++;
	atomic_long_add(slab->nr, &depot->class->nr_blocks);
}

/* Put a new slab, all idle, into its depot. */
void bp_depot_add(struct bp_slab *slab)
{
	struct bp_depot *depot = slab->depot;
	unsigned long flags = bp_depot_lock(depot);

	bp_depot_account(depot, slab);
	bp_depot_link(depot, slab);
	bp_depot_unlock(depot, flags);
}

/* depot->lock, as for all about batches. */
void bp_depot_put_batch(struct bp_depot *depot, struct bp_batch *batch)
{
	struct bp_batch **list = batch->nr ? &depot->full : &depot->empty;

	batch->next = *list;
	WRITE_ONCE(*list, batch);
}

/* The first batch of a list, off it, or NULL. */
struct bp_batch *bp_batch_take(struct bp_batch **list)
{
	struct bp_batch *batch = *list;

	if (batch)
		WRITE_ONCE(*list, batch->next);
	return batch;
}

/* A first batch for a new cache, to fill one day. Not having it does no harm. */
void bp_depot_add_batch(struct bp_depot *depot, int node)
{
	struct bp_batch *batch;
	unsigned long flags;

	batch = kzalloc_node(struct_size(batch, entries, (depot->class->capacity + 1) / 2),
			     GFP_NOWAIT | __GFP_NOWARN, node);
	if (!batch)
		return;
	/* Its entries are no references to blocks. */
	kmemleak_scan_area(&batch->next, sizeof(batch->next), GFP_NOWAIT | __GFP_NOWARN);
	flags = bp_depot_lock(depot);
	bp_depot_put_batch(depot, batch);
	bp_depot_unlock(depot, flags);
}

/* Put cached blocks back into their slabs. depot->lock. */
void bp_depot_push_entries(struct bp_depot *depot, const struct bp_entry *entry,
			   u32 nr)
{
	const struct bp_entry *end = entry + nr;

	while (entry < end) {
		struct bp_slab *slab = entry->slab;

		bp_depot_unlink(slab);
		do {
			bp_depot_push(depot, slab, entry->state, entry->idle_since);
		} while (++entry < end && entry->slab == slab);
		bp_depot_link(depot, slab);
	}
}

/* Whether what lies in the depot calls for bp_pool_wake(). depot->lock. */
bool bp_depot_wakes(struct bp_depot *depot)
{
	return !READ_ONCE(depot->class->pool->awake) && bp_depot_oldest(depot, &bp_gc_everything);
}

/* A block leaves its depot for a caller; where it is to be checked, bp_block_check() says when. */
void bp_block_mark_leaving(const struct bp_class *class, u8 *state)
{
	WRITE_ONCE(*state, class->pool->flags & BP_FLAGS_CHECKED ? BP_BLOCK_CACHED :
									 BP_BLOCK_IN_USE);
}
