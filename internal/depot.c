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
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "age.h"
#include "depot.h"
#include "types.h"

/*
 * Take at most REAP_SLABS slabs at a time, and none after REAP_BYTES, so that
 * nobody waits for the lock of the depot or for reap_lock for long.
 */
#define REAP_SLABS		16U
#define REAP_BYTES		SZ_4M

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
static struct bp_slab *depot_take_oldest(struct bp_depot *depot, const struct bp_gc_pass *pass)
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

/*
 * Remove a few wholly idle slabs from the depot, the oldest first, until they
 * have @most blocks, and append them to @taken. Return the number of their
 * blocks.
 */
unsigned long bp_depot_take_slabs(struct bp_depot *depot, const struct bp_gc_pass *pass,
				  unsigned long most, struct list_head *taken)
{
	unsigned long flags = bp_depot_lock(depot);
	u32 size = depot->class->size;
	unsigned long blocks = 0;
	unsigned int nr = 0;

	while (nr++ < REAP_SLABS && blocks < most && blocks * size < REAP_BYTES) {
		struct bp_slab *slab = depot_take_oldest(depot, pass);

		if (!slab)
			break;
		list_add_tail(&slab->list, taken);
		blocks += slab->nr;
	}
	bp_depot_unlock(depot, flags);
	return blocks;
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

/* Add a new slab, which is wholly idle, to its depot. */
void bp_depot_add(struct bp_slab *slab)
{
	struct bp_depot *depot = slab->depot;
	unsigned long flags = bp_depot_lock(depot);

	bp_depot_account(depot, slab);
	bp_depot_link(depot, slab);
	bp_depot_unlock(depot, flags);
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

