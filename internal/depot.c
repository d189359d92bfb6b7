// SPDX-License-Identifier: GPL-2.0-only
/*
 * A depot: the slabs of a class on one NUMA node, and magazines of idle blocks.
 * This is the step between slab and depot.
 */
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/kmemleak.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/rbtree.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmstat.h>

#include "age.h"
#include "context.h"
#include "depot.h"
#include "types.h"
#include "wake.h"

/*
 * Take at most REAP_SLABS slabs at a time, and none after REAP_BYTES. So the lock of
 * the depot and reap_lock are held briefly.
 */
#define REAP_SLABS		16U
#define REAP_BYTES		SZ_4M

/*
 * The magazines of a depot take at most MAGAZINES_BYTES, or an eighth of the
 * bytes of the class if that is more.
 */
#define MAGAZINES_BYTES		SZ_64K

/* A CPU looks for a slab of its own among this many of the partial slabs. */
#define PRIVATE_LOOKS		4U

/* Make the depot of a class on a node. Return NULL if memory is short. */
struct bp_depot *bp_depot_new(struct bp_class *class, int node, gfp_t gfp)
{
	struct bp_depot *depot = kzalloc(sizeof(*depot), gfp);

	if (!depot)
		return NULL;
	raw_spin_lock_init(&depot->lock);
	depot->class = class;
	depot->node = node;
	INIT_LIST_HEAD(&depot->partial);
	INIT_LIST_HEAD(&depot->idle);
	INIT_LIST_HEAD(&depot->full);
	INIT_LIST_HEAD(&depot->empty);
	depot->idle_tree = RB_ROOT_CACHED;
	return depot;
}

/*
 * Have the kernel count @pages of the depot as reclaimable, on its node. MemAvailable of
 * /proc/meminfo depends on it. Call it only if the number has changed. A depot whose node
 * does not exist never has pages, and the kernel has no counter for it.
 */
void bp_depot_set_reclaimable_pages(struct bp_depot *depot, u32 pages)
{
	mod_node_page_state(NODE_DATA(depot->node), NR_KERNEL_MISC_RECLAIMABLE,
			    (long)pages - depot->reclaimable_pages);
	depot->reclaimable_pages = pages;
}

/* Do as bp_depot_update_reclaimable(), out of line. */
noinline void bp_depot_update_after_magazines(struct bp_depot *depot)
{
	bp_depot_update_reclaimable(depot);
}

/*
 * Return a lower bound of the pages that @reserve, which is less than @nr_blocks, allows to
 * give back, if enough slabs are idle. Slabs of a class that always had a reserve are as small as
 * a block allows. Otherwise the last slab that stays may be a large one.
 */
unsigned long bp_spare_pages(const struct bp_class *class, unsigned long nr_slabs,
			     unsigned long nr_blocks, unsigned long reserve)
{
	unsigned long spare = nr_blocks - reserve;
	unsigned long nr = class->least_nr;

	if (nr_blocks == nr_slabs * nr)
		return spare / nr * (PAGE_ALIGN(class->size) >> PAGE_SHIFT);
	nr = class->slab_bytes / (class->stride << class->shift);
	return spare < nr ? 0 : (u64)(spare - nr + 1) * class->size >> PAGE_SHIFT;
}

static struct bp_slab *depot_oldest_in_tree(struct bp_depot *depot)
{
	struct rb_node *node = rb_first_cached(&depot->idle_tree);

	return node ? rb_entry(node, struct bp_slab, age) : NULL;
}

/*
 * Return true if the class keeps its promises without the slab. It is a guess,
 * because a cache may be granted blocks meanwhile.
 */
static bool class_spares(struct bp_class *class, const struct bp_slab *slab)
{
	return slab && atomic_long_read(&class->spare) >= slab->nr;
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
 * Take a wholly idle slab off its list, or out of the tree. Only the oldest
 * slab of the tree may be taken.
 */
static void depot_del_idle(struct bp_depot *depot, struct bp_slab *slab)
{
	bp_depot_assert_held(depot);
	depot->whole_pages -= bp_slab_held(slab, depot->class) >> PAGE_SHIFT;
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
	if (!slab || !bp_class_take_spare(depot->class, slab->nr))
		return NULL;
	depot_del_idle(depot, slab);
	depot->nr_blocks -= slab->nr;
	depot->nr_idle -= slab->nr;
	depot->nr_slabs--;
	depot->pages -= bp_slab_held(slab, depot->class) >> PAGE_SHIFT;
	depot->overhead -= bp_slab_desc_bytes(depot->class, slab->nr);
	atomic_long_sub(slab->nr, &depot->class->nr_blocks);
	return slab;
}

/*
 * Move a few wholly idle slabs from the depot to the end of @taken, the oldest
 * first. Stop when they have @most blocks. Return the number of their blocks.
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
	bp_depot_update_reclaimable(depot);
	bp_depot_unlock(depot, flags);
	return blocks;
}

/*
 * Return true if the class has at most a page for each other CPU that uses it.
 * As long as it is that small, each CPU gets a slab of its own. Otherwise CPUs
 * that change the states of blocks of one slab would share a cache line.
 */
bool bp_class_shares_lines(const struct bp_class *class)
{
	bool own = bp_class_cache(class, bp_class_cpu(class));
	unsigned long others;

	/* Pairs with cmpxchg() in cache_publish(): a cache that is seen has been counted. */
	smp_rmb();
	/* A pass may have removed this CPU's cache since the first look. */
	others = max(atomic_long_read(&class->nr_caches) - own, 0L);
	return atomic_long_read(&class->nr_blocks) * class->size <= others * PAGE_SIZE;
}

/*
 * Return the slab to take the next block of, or NULL if no block is idle.
 * Prefer a partial slab, so that idle slabs stay whole, and one that is private
 * to this CPU. Prefer a whole slab to a slab of another CPU if CPUs of the class
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

/*
 * Take the slab of bp_depot_next_slab() off its list. The depot has an idle block. The
 * caller has to link the slab again, which also updates the count of reclaimable pages.
 */
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

/* Make an empty magazine, if memory is at hand, or return NULL. */
struct bp_magazine *bp_magazine_new(u32 capacity, int node)
{
	struct bp_magazine *magazine;

	magazine = kzalloc_node(bp_magazine_bytes(capacity), GFP_NOWAIT | __GFP_NOWARN, node);
	if (!magazine)
		return NULL;
	/* Tell kmemleak that its entries are no references to blocks. */
	kmemleak_scan_area(&magazine->list, sizeof(magazine->list), GFP_NOWAIT | __GFP_NOWARN);
	magazine->capacity = capacity;
	return magazine;
}

/* Return true if the depot may have another magazine. Without its lock, it is a guess. */
static bool depot_may_grow(const struct bp_depot *depot, size_t magazine_bytes)
{
	const struct bp_class *class = depot->class;
	unsigned long held = atomic_long_read(&class->nr_blocks) * class->size;

	/* Another CPU may change it meanwhile. */
	return (data_race(depot->nr_magazines) + 1) * magazine_bytes <=
	       max_t(unsigned long, MAGAZINES_BYTES, held / 8);
}

/*
 * Add an empty magazine, if the depot may have another and memory is at hand. Wake the
 * pool, because the GC has to see the magazine, unless the reserve binds all slabs.
 */
void bp_depot_grow_magazines(struct bp_depot *depot, u32 capacity)
{
	struct bp_magazine *magazine;
	unsigned long flags;

	if (!bp_system_may_serve() ||
	    !depot_may_grow(depot, bp_magazine_bytes(capacity)))
		return;
	magazine = bp_magazine_new(capacity, depot->node);
	if (!magazine)
		return;
	flags = bp_depot_lock(depot);
	bp_depot_put_magazine(depot, magazine);
	bp_depot_unlock(depot, flags);
	if (bp_class_has_spare(depot->class))
		bp_pool_wake(depot->class->pool);
}

/* If @full has no magazine with blocks, move the one that it may have to the others. */
static void depot_sort_magazines(struct bp_depot *depot)
{
	bp_depot_assert_held(depot);
	if (!depot->nr_stacked)
		list_splice_init(&depot->full, &depot->empty);
}

/*
 * Add a magazine to the depot. Magazines with blocks are in order of age. One that was
 * in a cache for long may be out of order. Then its blocks go back to their slabs.
 */
void bp_depot_put_magazine(struct bp_depot *depot, struct bp_magazine *magazine)
{
	struct bp_magazine *youngest = bp_depot_first_full(depot);

	bp_depot_assert_held(depot);
	if (magazine->nr && youngest &&
	    bp_longer_ago(bp_magazine_oldest(magazine), bp_magazine_oldest(youngest))) {
		bp_depot_push_entries(depot, magazine->entries, magazine->nr);
		/* As in bp_cache_load_full(). */
		WRITE_ONCE(magazine->nr, 0);
	}
	depot_sort_magazines(depot);
	list_add(&magazine->list, magazine->nr ? &depot->full : &depot->empty);
	depot->nr_stacked += magazine->nr;
	depot->nr_magazines++;
	depot->overhead += bp_magazine_bytes(magazine->capacity);
	bp_depot_update_roughly(depot);
}

/*
 * Take an empty magazine of @capacity, or of any if that is 0. Return NULL if there is
 * none. The search is short, because capacities differ only after a change of the limit.
 */
struct bp_magazine *bp_depot_take_empty(struct bp_depot *depot, u32 capacity)
{
	struct bp_magazine *magazine;

	depot_sort_magazines(depot);
	list_for_each_entry(magazine, &depot->empty, list) {
		if (!capacity || magazine->capacity == capacity) {
			bp_depot_del_magazine(depot, magazine);
			return magazine;
		}
	}
	return NULL;
}

/* Put blocks of a magazine back into their slabs. */
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
		bp_depot_link_uncounted(depot, slab);
	}
	bp_depot_update_reclaimable(depot);
}

/* Return true if the pool sleeps and the depot has a slab to give back. */
bool bp_depot_wakes(struct bp_depot *depot)
{
	bp_depot_assert_held(depot);
	return !READ_ONCE(depot->class->pool->awake) && bp_depot_oldest(depot, &bp_gc_everything);
}
