// SPDX-License-Identifier: GPL-2.0-only
/*
 * A depot: the slabs of a class on one NUMA node, and batches of idle blocks.
 * This is the step between slab and depot.
 */
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/kmemleak.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "age.h"
#include "depot.h"
#include "slab.h"
#include "types.h"

/* A CPU looks for a slab of its own among this many of the partial slabs. */
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
 * Link a slab whose last block came back, by age. Blocks mostly come back in
 * order of age, and go to the list. The tree is for blocks that were in a cache
 * for long.
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

/*
 * Return true if the class keeps its reserve without the slab. Without
 * reap_lock, the result is a guess.
 */
static bool class_spares(struct bp_class *class, const struct bp_slab *slab)
{
	return slab && atomic_long_read(&class->nr_blocks) - slab->nr >= READ_ONCE(class->reserve);
}

/*
 * Return the oldest wholly idle slab if the pass wants it and the reserve
 * allows it, otherwise NULL.
 */
struct bp_slab *bp_depot_oldest(struct bp_depot *depot, const struct bp_gc_pass *pass)
{
	struct bp_slab *slab = depot_oldest_in_tree(depot);
	struct bp_slab *last = NULL;

	bp_depot_assert_held(depot);
	if (!list_empty(&depot->idle))
		last = list_last_entry(&depot->idle, struct bp_slab, list);
	if (!class_spares(depot->class, slab) ||
	    (class_spares(depot->class, last) && bp_longer_ago(last->idle_since, slab->idle_since)))
		slab = last;
	return class_spares(depot->class, slab) && bp_gc_pass_wants(pass, slab->idle_since) ? slab :
	       NULL;
}

/*
 * Take a wholly idle slab off the list of those, or out of the tree. Of the
 * tree, only the oldest may be taken.
 */
static void depot_del_idle(struct bp_depot *depot, struct bp_slab *slab)
{
	bp_depot_assert_held(depot);
	depot->nr_whole -= slab->nr;
	if (slab == depot_oldest_in_tree(depot))
		rb_erase_cached(&slab->age, &depot->idle_tree);
	else
		list_del(&slab->list);
}

/* Remove the slab that bp_depot_oldest() finds from the depot, or return NULL. */
struct bp_slab *bp_depot_take_oldest(struct bp_depot *depot,
				     const struct bp_gc_pass *pass)
{
	struct bp_slab *slab = bp_depot_oldest(depot, pass);

	bp_depot_assert_held(depot);
	lockdep_assert_held(&depot->class->pool->reap_lock);
	if (!slab)
		return NULL;
	depot_del_idle(depot, slab);
	depot->nr_idle -= slab->nr;
	depot->nr_slabs--;
	atomic_long_sub(slab->nr, &depot->class->nr_blocks);
	return slab;
}

/* Return true if the slab is wholly idle, or this CPU was the first to take blocks of it. */
bool bp_slab_is_private(const struct bp_slab *slab)
{
	return slab->nr_idle == slab->nr || slab->cpu == raw_smp_processor_id();
}

/*
 * Return true if the class has at most a page for each other CPU that uses it.
 * CPUs that change the states of blocks of one slab share a cache line, so as
 * long as the class is that small, each CPU gets a slab of its own.
 */
bool bp_class_shares_lines(const struct bp_class *class)
{
	bool own = READ_ONCE(class->cache[raw_smp_processor_id()]);
	unsigned long others;

	/* Pairs with cmpxchg() in cache_create(): a cache that is seen has been counted. */
	smp_rmb();
	others = atomic_long_read(&class->nr_caches) - own;
	return atomic_long_read(&class->nr_blocks) * class->size <= others * PAGE_SIZE;
}

/*
 * Return the slab to take the next block of, or NULL if no block is idle.
 * Prefer a partial slab, so that idle slabs stay whole, and one that is private
 * to this CPU. Prefer a whole slab to that of another CPU if CPUs of the class
 * would share cache lines.
 */
struct bp_slab *bp_depot_next_slab(struct bp_depot *depot)
{
	struct bp_slab *partial = list_first_entry_or_null(&depot->partial,
							   struct bp_slab, list);
	struct bp_slab *whole = list_first_entry_or_null(&depot->idle,
							 struct bp_slab, list);
	struct bp_slab *slab;
	unsigned int looks = 0;

	bp_depot_assert_held(depot);
	list_for_each_entry(slab, &depot->partial, list) {
		if (bp_slab_is_private(slab))
			return slab;
		if (++looks == PRIVATE_LOOKS)
			break;
	}
	whole = whole ?: depot_oldest_in_tree(depot);
	return partial && !(whole && bp_class_shares_lines(depot->class)) ? partial : whole;
}

/* Take the slab of bp_depot_next_slab() off its list. The depot has an idle block. */
struct bp_slab *bp_depot_take_slab(struct bp_depot *depot)
{
	struct bp_slab *slab = bp_depot_next_slab(depot);

	bp_depot_assert_held(depot);
	if (slab->nr_idle < slab->nr) {
		list_del(&slab->list);
		return slab;
	}
	depot_del_idle(depot, slab);
	slab->cpu = raw_smp_processor_id();
	return slab;
}

/*
 * Put a slab that is on no list on the one where it belongs. A slab without an
 * idle block stays on none.
 */
void bp_depot_link(struct bp_depot *depot, struct bp_slab *slab)
{
	bp_depot_assert_held(depot);
	if (slab->nr_idle == slab->nr)
		depot_add_idle(depot, slab);
	else if (slab->nr_idle)
		list_add(&slab->list, &depot->partial);
}

/* Take a block of a slab that is on no list. The caller has to set *@state. */
void *bp_depot_pop(struct bp_depot *depot, struct bp_slab *slab, u8 **state,
		   void **overwritten)
{
	struct bp_class *class = depot->class;
	u32 index = bp_slab_pop(slab, class->size, overwritten);
	void *block = bp_slab_block(slab, class->size, index);

	bp_depot_assert_held(depot);
	*state = &slab->state[index];
	depot->nr_idle--;
	if (class->pool->flags & BYTEPOOL_WIPE && slab->chained)
		*(u16 *)block = 0;	/* the link */
	return block;
}

/* Put a block back into its slab, which is on no list. */
void bp_depot_push(struct bp_depot *depot, struct bp_slab *slab, const u8 *state,
		   unsigned long idle_since)
{
	bp_depot_assert_held(depot);
	bp_slab_push(slab, depot->class->size, state - slab->state, idle_since);
	depot->nr_idle++;
}

/* Account for the blocks of a new slab, which are all idle. */
void bp_depot_account(struct bp_depot *depot, const struct bp_slab *slab)
{
	bp_depot_assert_held(depot);
	depot->nr_idle += slab->nr;
	depot->nr_slabs++;
	atomic_long_add(slab->nr, &depot->class->nr_blocks);
}

/* Add a new slab, which is wholly idle, to its depot. */
void bp_depot_add(struct bp_slab *slab)
{
	struct bp_depot *depot = slab->depot;
	unsigned long flags = bp_depot_lock(depot);

	bp_depot_account(depot, slab);
	bp_depot_link(depot, slab);
	bp_depot_unlock(depot, flags);
}

/* Put a batch on the list of full or of empty batches of the depot. */
void bp_depot_put_batch(struct bp_depot *depot, struct bp_batch *batch)
{
	struct bp_batch **list = batch->nr ? &depot->full : &depot->empty;

	bp_depot_assert_held(depot);
	batch->next = *list;
	WRITE_ONCE(*list, batch);
}

/*
 * Take the first batch off a list of a depot, or return NULL. The lock of the
 * depot is held, unless the class is being freed.
 */
struct bp_batch *bp_batch_take(struct bp_batch **list)
{
	struct bp_batch *batch = *list;

	if (batch)
		WRITE_ONCE(*list, batch->next);
	return batch;
}

/* Add an empty batch for a new cache. It does no harm if there is no memory for one. */
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

/* Put blocks of a cache or a batch back into their slabs. */
void bp_depot_push_entries(struct bp_depot *depot, const struct bp_entry *entry,
			   u32 nr)
{
	const struct bp_entry *end = entry + nr;

	bp_depot_assert_held(depot);
	while (entry < end) {
		struct bp_slab *slab = entry->slab;

		bp_depot_unlink(slab);
		do {
			bp_depot_push(depot, slab, entry->state, entry->idle_since);
		} while (++entry < end && entry->slab == slab);
		bp_depot_link(depot, slab);
	}
}

/* Return true if the pool sleeps and the depot has a slab to give back. */
bool bp_depot_wakes(struct bp_depot *depot)
{
	bp_depot_assert_held(depot);
	return !READ_ONCE(depot->class->pool->awake) && bp_depot_oldest(depot, &bp_gc_everything);
}

/*
 * Set the state of a block that leaves its depot for a caller. In a pool that
 * checks its blocks, bp_block_check() sets the final state.
 */
void bp_block_mark_leaving(const struct bp_class *class, u8 *state)
{
	WRITE_ONCE(*state, class->pool->flags & BP_FLAGS_CHECKED ? BP_BLOCK_CACHED :
									 BP_BLOCK_IN_USE);
}
