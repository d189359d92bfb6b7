/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A depot: the slabs of a class on one NUMA node, their lock, lists and magazines; the
 * walk over the depots of a class.
 */
#ifndef _BP_DEPOT_H
#define _BP_DEPOT_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rbtree.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "age.h"
#include "check.h"
#include "context.h"
#include "slab.h"
#include "types.h"

struct bp_depot *bp_depot_new(struct bp_class *class, int node, gfp_t gfp);
struct bp_slab *bp_depot_oldest(struct bp_depot *depot, const struct bp_gc_pass *pass);
unsigned long bp_depot_take_slabs(struct bp_depot *depot, const struct bp_gc_pass *pass,
				  unsigned long most, struct list_head *taken);
bool bp_class_shares_lines(const struct bp_class *class);
struct bp_slab *bp_depot_next_slab(struct bp_depot *depot);
struct bp_slab *bp_depot_take_slab(struct bp_depot *depot);
void bp_depot_add(struct bp_slab *slab);
struct bp_magazine *bp_magazine_new(u32 capacity, int node);
void bp_depot_grow_magazines(struct bp_depot *depot, u32 capacity);
void bp_depot_push_entries(struct bp_depot *depot, const struct bp_entry *entry,
			   u32 nr);
void bp_depot_put_magazine(struct bp_depot *depot, struct bp_magazine *magazine);
struct bp_magazine *bp_depot_take_empty(struct bp_depot *depot, u32 capacity);
bool bp_depot_wakes(struct bp_depot *depot);
unsigned long bp_spare_pages(const struct bp_class *class, unsigned long nr_slabs,
			     unsigned long nr_blocks, unsigned long reserve);
void bp_depot_set_reclaimable_pages(struct bp_depot *depot, u32 pages);
void bp_depot_update_after_magazines(struct bp_depot *depot);

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

/* Take @nr of the blocks that no promise binds. Return false if there are fewer. */
static inline bool bp_class_take_spare(struct bp_class *class, long nr)
{
	long spare = atomic_long_read(&class->spare);

	do {
		if (spare < nr)
			return false;
	} while (!atomic_long_try_cmpxchg(&class->spare, &spare, spare - nr));
	return true;
}

/* Return false if the reserve and the grants of the class bind all slabs, even the smallest one. */
static inline bool bp_class_has_spare(const struct bp_class *class)
{
	return atomic_long_read(&class->spare) >= class->least_nr;
}

/* Return the depot of node *@node and increment *@node. Return NULL at the end. */
static inline struct bp_depot *bp_depot_next(const struct bp_class *class, unsigned int *node)
{
	return *node < nr_node_ids ? class->depot[(*node)++] : NULL;
}

#define bp_for_each_depot(depot, class) \
	for (unsigned int __node = 0; ((depot) = bp_depot_next(class, &__node)); )

/*
 * Return the number of idle blocks of the depots. It is approximate while others use
 * the class.
 */
static inline unsigned long bp_class_nr_idle(const struct bp_class *class)
{
	struct bp_depot *depot;
	unsigned long nr = 0;

	bp_for_each_depot(depot, class) {
		/* Other CPUs may change it meanwhile. */
		nr += data_race(depot->nr_idle) + data_race(depot->nr_stacked);
	}
	return nr;
}

/*
 * Return the number of idle blocks of the depots beyond the reserve. It is negative while they
 * have fewer than the reserve, and approximate while others use the class.
 */
static inline long bp_class_surplus(const struct bp_class *class)
{
	return (long)bp_class_nr_idle(class) - READ_ONCE(class->reserve);
}

/*
 * Return true if the depots have @nr idle blocks beyond the reserve. A BYTEPOOL_SINGLE pool
 * needs none, because its cache serves every caller.
 */
static inline bool bp_class_has_surplus(const struct bp_class *class, long nr)
{
	return bp_pool_single(class->pool) || bp_class_surplus(class) >= nr;
}

/* Return true if the depot seems to have an idle block. */
static inline bool bp_depot_has_idle(const struct bp_depot *depot)
{
	/* Another CPU may change it meanwhile. */
	return data_race(depot->nr_idle) || data_race(depot->nr_stacked);
}

static inline bool bp_slab_older(struct rb_node *a, const struct rb_node *b)
{
	return bp_longer_ago(rb_entry(a, struct bp_slab, age)->idle_since,
			     rb_entry(b, struct bp_slab, age)->idle_since);
}

/*
 * Link a wholly idle slab by age. Slabs mostly become idle in order of age, and go
 * to the list. The tree is for slabs whose last block was in a cache for long.
 */
static inline void bp_depot_add_idle(struct bp_depot *depot, struct bp_slab *slab)
{
	struct bp_slab *youngest;

	depot->whole_pages += bp_slab_held(slab, depot->class) >> PAGE_SHIFT;
	youngest = list_first_entry_or_null(&depot->idle, struct bp_slab, list);
	if (!youngest || !bp_longer_ago(slab->idle_since, youngest->idle_since))
		list_add(&slab->list, &depot->idle);
	else
		rb_add_cached(&slab->age, &depot->idle_tree, bp_slab_older);
}

/*
 * Return a lower bound of the pages of wholly idle slabs that the reserve does not bind. All but
 * @busy blocks of the slabs are idle, and each busy block keeps one slab at most. The caller
 * knows of @whole_pages that they are wholly idle.
 */
static inline unsigned long bp_idle_pages(const struct bp_class *class, unsigned long nr_slabs,
					  unsigned long nr_blocks, unsigned long pages,
					  unsigned long whole_pages, unsigned long busy)
{
	unsigned long least = PAGE_ALIGN(class->size) >> PAGE_SHIFT;
	unsigned long most = class->slab_bytes >> PAGE_SHIFT;
	unsigned long reserve = READ_ONCE(class->reserve);
	unsigned long idle = whole_pages;

	if (reserve && nr_blocks < reserve + class->least_nr)
		return 0;
	if (busy < nr_slabs)
		idle = max(idle, (nr_slabs - busy) * least);
	if (busy * most < pages)
		idle = max(idle, pages - busy * most);
	if (reserve && idle)
		idle = min(idle, bp_spare_pages(class, nr_slabs, nr_blocks, reserve));
	return idle;
}

/*
 * Return a lower bound of the pages of wholly idle memory. The idle blocks are in slabs and in
 * magazines. Leave out BYTEPOOL_SINGLE pools, as the shrinker does.
 */
static inline u32 bp_depot_idle_pages(const struct bp_depot *depot)
{
	bp_depot_assert_held(depot);
	if (bp_pool_single(depot->class->pool))
		return 0;
	return bp_idle_pages(depot->class, depot->nr_slabs, depot->nr_blocks, depot->pages,
			     depot->whole_pages,
			     depot->nr_blocks - depot->nr_idle - depot->nr_stacked);
}

/* Have the kernel count the idle memory of the depot as reclaimable. Call it before the unlock. */
static inline void bp_depot_update_reclaimable(struct bp_depot *depot)
{
	u32 pages = bp_depot_idle_pages(depot);

	depot->told_stacked = depot->nr_stacked;
	if (pages != depot->reclaimable_pages)
		bp_depot_set_reclaimable_pages(depot, pages);
}

/*
 * Do the same after blocks came to magazines or left them, but leave a difference of up to a
 * quarter of the blocks or two magazines, because magazines come and go often. Less than half of
 * what the kernel was told is too little.
 */
static inline void bp_depot_update_roughly(struct bp_depot *depot)
{
	unsigned long now = depot->nr_stacked, told = depot->told_stacked;
	unsigned long change = max(now, told) - min(now, told);

	if ((change > 2 * depot->class->capacity && change > depot->nr_blocks / 4) || now < change)
		bp_depot_update_after_magazines(depot);
}

/* Do as bp_depot_link(), but leave bp_depot_update_reclaimable() to the caller. */
static inline void bp_depot_link_uncounted(struct bp_depot *depot, struct bp_slab *slab)
{
	bp_depot_assert_held(depot);
	if (slab->nr_idle == slab->nr)
		bp_depot_add_idle(depot, slab);
	else if (slab->nr_idle)
		list_add(&slab->list, &depot->partial);
}

/*
 * Put a slab that is on no list on the one where it belongs. A slab without an
 * idle block stays on none.
 */
static inline void bp_depot_link(struct bp_depot *depot, struct bp_slab *slab)
{
	bp_depot_link_uncounted(depot, slab);
	bp_depot_update_reclaimable(depot);
}

/* Take a block of a slab that is on no list. The caller has to set *@state. */
static inline void *bp_depot_pop(struct bp_depot *depot, struct bp_slab *slab, u8 **state,
				 void **overwritten)
{
	struct bp_class *class = depot->class;
	u32 granule = bp_slab_pop(slab, class, overwritten);
	void *block = bp_slab_block(slab, class, granule);

	bp_depot_assert_held(depot);
	*state = &slab->state[granule];
	depot->nr_idle--;
	if (class->pool->flags & BYTEPOOL_WIPE && slab->chained)
		*(u16 *)block = 0;	/* the link */
	return block;
}

/* Put a block back into its slab, which is on no list. */
static inline void bp_depot_push(struct bp_depot *depot, struct bp_slab *slab,
				 const u8 *state, unsigned long idle_since)
{
	bp_depot_assert_held(depot);
	bp_slab_push(slab, depot->class, state - slab->state, idle_since);
	depot->nr_idle++;
}

/* Account for the blocks of a new slab, which are all idle. */
static inline void bp_depot_account(struct bp_depot *depot, const struct bp_slab *slab)
{
	bp_depot_assert_held(depot);
	depot->nr_blocks += slab->nr;
	depot->nr_idle += slab->nr;
	depot->nr_slabs++;
	depot->pages += bp_slab_held(slab, depot->class) >> PAGE_SHIFT;
	depot->overhead += bp_slab_desc_bytes(depot->class, slab->nr);
	atomic_long_add(slab->nr, &depot->class->nr_blocks);
	atomic_long_add(slab->nr, &depot->class->spare);
}

/* Return the bytes of a magazine for @capacity blocks. */
static inline size_t bp_magazine_bytes(u32 capacity)
{
	return struct_size_t(struct bp_magazine, entries, capacity);
}

/* Return the time when the oldest block of a magazine with blocks was freed. */
static inline unsigned long bp_magazine_oldest(const struct bp_magazine *magazine)
{
	return magazine->entries[0].idle_since;
}

/* Return the youngest magazine with blocks, or NULL. */
static inline struct bp_magazine *bp_depot_first_full(struct bp_depot *depot)
{
	bp_depot_assert_held(depot);
	return depot->nr_stacked ? list_first_entry(&depot->full, struct bp_magazine, list) : NULL;
}

/* Return the oldest magazine with blocks, or NULL. */
static inline struct bp_magazine *bp_depot_last_full(struct bp_depot *depot)
{
	bp_depot_assert_held(depot);
	return depot->nr_stacked ? list_last_entry(&depot->full, struct bp_magazine, list) : NULL;
}

/* Remove a magazine from the depot. */
static inline void bp_depot_del_magazine(struct bp_depot *depot, struct bp_magazine *magazine)
{
	bp_depot_assert_held(depot);
	list_del(&magazine->list);
	depot->nr_stacked -= magazine->nr;
	depot->nr_magazines--;
	depot->overhead -= bp_magazine_bytes(magazine->capacity);
}

/* Return true if the slab is wholly idle, or this CPU was the first to take blocks of it. */
static inline bool bp_slab_is_private(const struct bp_slab *slab)
{
	return slab->nr_idle == slab->nr || slab->cpu == raw_smp_processor_id();
}

/*
 * Set the state of a block that leaves its depot for a caller. In a pool that
 * checks its blocks, bp_block_check() sets the final state.
 */
static inline void bp_block_mark_leaving(const struct bp_class *class, u8 *state)
{
	WRITE_ONCE(*state, class->pool->flags & BP_FLAGS_CHECKED ? BP_BLOCK_CACHED :
								   BP_BLOCK_IN_USE);
}

#endif /* _BP_DEPOT_H */
