// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of addresses: which slab a pointer points into.
 *
 * A slab that cannot be added to the table at its birth is pending: it is on a
 * list, which a work item empties into the table.
 */
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "table.h"
#include "types.h"
#include "wake.h"

/* A walk over the table looks at no more than this many slabs in one RCU section. */
#define WALK_SECTION		1024U

/*
 * A slab that is not in the table yet. It was born in a context that must not
 * modify the table, or the table had no memory to grow. Lookups that do not find
 * a slab in the table search the list of pending slabs.
 */
struct pending_slab {
	struct list_head list;
	struct bp_slab *slab;
	struct rcu_head rcu;
};

/* Slabs by their base. */
struct rhashtable bp_table;

/* Slabs that are not in the table yet. Read it under RCU. */
static LIST_HEAD(table_pending);
/* Protects additions to the list, which any context may make, and removals. */
static DEFINE_RAW_SPINLOCK(table_pending_lock);
/* Protects removals from the list, and the move of a slab into the table. */
static DEFINE_MUTEX(table_pending_mutex);

/*
 * Return the slab with a block at the address, or NULL. Search the list, and
 * then the table again.
 * Context: Section.
 */
noinline struct bp_slab *bp_table_find_pending(unsigned long address)
{
	struct pending_slab *pending;

	list_for_each_entry_rcu(pending, &table_pending, list) {
		if (bp_slab_holds(pending->slab, address))
			return pending->slab;
	}
	/*
	 * Pairs with smp_wmb() in table_pending_work_fn(): a slab that has left
	 * the list is in the table.
	 */
	smp_rmb();
	return bp_table_lookup(address);
}

/* Insert the slab into the table. Return 0 or -errno. */
static int table_insert(struct bp_slab *slab)
{
	int err = rhashtable_insert_fast(&bp_table, &slab->node, bp_table_params);

	slab->hashed = !err;
	return err;
}

static void table_pending_remove(struct pending_slab *pending)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&table_pending_lock, flags);
	list_del_rcu(&pending->list);
	raw_spin_unlock_irqrestore(&table_pending_lock, flags);
	kfree_rcu(pending, rcu);
}

/* Move pending slabs into the table. The next run moves those that were added since. */
static void table_pending_work_fn(struct work_struct *work)
{
	struct pending_slab *pending;
	bool again = false;

	mutex_lock(&table_pending_mutex);
	rcu_read_lock();
	list_for_each_entry_rcu(pending, &table_pending, list) {
		struct bp_slab *slab = pending->slab;

		if (table_insert(slab)) {
			again = true;
			continue;
		}
		/*
		 * Pairs with smp_rmb() in bp_table_find_pending(): add to the
		 * table first, then remove from the list.
		 */
		smp_wmb();
		table_pending_remove(pending);
		/* Pairs with smp_load_acquire() in bp_table_remove(). */
		smp_store_release(&slab->pending, false);
	}
	rcu_read_unlock();
	mutex_unlock(&table_pending_mutex);
	if (again)
		queue_delayed_work(bp_gc_wq, to_delayed_work(work), 1);
}

static DECLARE_DELAYED_WORK(table_pending_work, table_pending_work_fn);

int __init bp_table_init(void)
{
	return rhashtable_init(&bp_table, &bp_table_params);
}

void bp_table_exit(void)
{
	cancel_delayed_work_sync(&table_pending_work);
	rhashtable_destroy(&bp_table);
}

/*
 * Add the slab to the table, or to the list of pending slabs. Return 0 or -ENOMEM.
 * Context: Any that may allocate with @gfp.
 */
int bp_table_add(struct bp_slab *slab, gfp_t gfp)
{
	struct pending_slab *pending;
	unsigned long flags;

	if (compat_rhashtable_writable() && !table_insert(slab))
		return 0;
	pending = kmalloc(sizeof(*pending), gfp);
	if (!pending)
		return -ENOMEM;
	pending->slab = slab;
	slab->pending = true;
	raw_spin_lock_irqsave(&table_pending_lock, flags);
	list_add_tail_rcu(&pending->list, &table_pending);
	raw_spin_unlock_irqrestore(&table_pending_lock, flags);
	queue_delayed_work(bp_gc_wq, &table_pending_work, 0);
	return 0;
}

/*
 * Take the slab off the list of pending slabs, unless the work item has done so.
 * After this, @hashed is final.
 * Context: May sleep.
 */
void bp_table_remove_pending(struct bp_slab *slab)
{
	struct pending_slab *pending;

	mutex_lock(&table_pending_mutex);
	rcu_read_lock();
	list_for_each_entry_rcu(pending, &table_pending, list) {
		if (pending->slab == slab)
			table_pending_remove(pending);
	}
	rcu_read_unlock();
	mutex_unlock(&table_pending_mutex);
}

/*
 * Return the next slab of a walk over the table, or NULL at the end. Some slabs
 * come twice if the table is resized. The RCU section of the walk may end before
 * the next slab. @seen is 0 at first, and counts slabs.
 */
struct bp_slab *bp_table_walk_next(struct rhashtable_iter *iter, unsigned long *seen)
{
	struct bp_slab *slab;

	do {
		if (!(++*seen % WALK_SECTION)) {
			rhashtable_walk_stop(iter);
			cond_resched();
			rhashtable_walk_start(iter);
		}
		slab = rhashtable_walk_next(iter);
	} while (IS_ERR(slab));	/* -EAGAIN: the table was resized */
	return slab;
}

/*
 * Call @fn for each slab, and twice for some: when the table is resized, or when a
 * pending slab enters it. A pending slab enters the table before it leaves the list.
 * Walk the list first, so that no slab is missed.
 */
void bp_table_walk(bp_table_fn fn, void *arg)
{
	struct pending_slab *pending;
	struct bp_slab *slab;
	struct rhashtable_iter iter;
	unsigned long seen = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(pending, &table_pending, list)
		fn(pending->slab, arg);
	rcu_read_unlock();
	rhashtable_walk_enter(&bp_table, &iter);
	rhashtable_walk_start(&iter);
	while ((slab = bp_table_walk_next(&iter, &seen)))
		fn(slab, arg);
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
}
