// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of pools, walks over it, and CPUs that go away.
 */
#include <linux/completion.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "cache.h"
#include "class.h"
#include "context.h"
#include "memo.h"
#include "pools.h"
#include "types.h"
#include "wake.h"

/* All pools. The mutex protects the list, and the pins of each pool. */
static LIST_HEAD(pools);
static DEFINE_MUTEX(pools_lock);

/* Pools that were destroyed with blocks in use, under pools_lock. */
static LIST_HEAD(buried);

/* Add the pool to the list. Return 0, or -EEXIST if its name is in use. */
int bp_pool_link(struct bytepool *pool)
{
	struct bytepool *other;
	int err = 0;

	mutex_lock(&pools_lock);
	list_for_each_entry(other, &pools, list) {
		if (!strcmp(other->name, pool->name))
			err = -EEXIST;
	}
	if (!err)
		list_add_tail(&pool->list, &pools);
	mutex_unlock(&pools_lock);
	return err;
}

/* Return true if the pool is in the list. It may be any pointer. */
bool bp_pool_listed(const struct bytepool *pool)
{
	const struct bytepool *other;
	bool listed = false;

	mutex_lock(&pools_lock);
	list_for_each_entry(other, &pools, list)
		listed |= other == pool;
	mutex_unlock(&pools_lock);
	return listed;
}

/* Remove the pool from the list, when no walk pins it any more. */
void bp_pool_unlink(struct bytepool *pool)
{
	bool pinned;

	mutex_lock(&pools_lock);
	pool->dying = true;
	pinned = pool->nr_pins;
	mutex_unlock(&pools_lock);
	if (pinned)
		wait_for_completion(&pool->unpinned);
	mutex_lock(&pools_lock);
	list_del(&pool->list);
	mutex_unlock(&pools_lock);
}

/*
 * Keep the structure of a pool whose owner may still free a block that leaked. Such a
 * free is refused, and reported with the name of the pool.
 */
void bp_pool_bury(struct bytepool *pool)
{
	mutex_lock(&pools_lock);
	list_add(&pool->list, &buried);
	mutex_unlock(&pools_lock);
}

/* Free the buried pools. Nobody can call a function of this module any more. */
void bp_pools_exit(void)
{
	struct bytepool *pool, *next;

	list_for_each_entry_safe(pool, next, &buried, list) {
		list_del(&pool->list);
		kfree(pool);
	}
}

/*
 * Return the pool after @prev, or the first if that is NULL, and pin it. Unpin
 * @prev. Return NULL at the end.
 */
struct bytepool *bp_pool_next(struct bytepool *prev)
{
	struct bytepool *pool;

	mutex_lock(&pools_lock);
	pool = list_prepare_entry(prev, &pools, list);
	list_for_each_entry_continue(pool, &pools, list) {
		if (!pool->dying)
			break;
	}
	if (list_entry_is_head(pool, &pools, list))
		pool = NULL;
	else
		pool->nr_pins++;
	if (prev && !--prev->nr_pins && prev->dying)
		complete(&prev->unpinned);
	mutex_unlock(&pools_lock);
	return pool;
}

/*
 * Do as bp_pool_next(), but skip BYTEPOOL_SINGLE pools, whose owners cannot serialise with
 * the caller.
 */
struct bytepool *bp_pool_next_shared(struct bytepool *prev)
{
	do {
		prev = bp_pool_next(prev);
	} while (prev && bp_pool_single(prev));
	return prev;
}

/*
 * Put the blocks in the caches of a dead CPU back into their slabs. The empty caches stay until
 * a pass frees them. A trim frees them only if the pool has idle memory.
 */
int bp_cpu_dead(unsigned int cpu)
{
	struct bytepool *pool = NULL;
	struct bp_class *class;

	while ((pool = bp_pool_next_shared(pool))) {
		bool wake = false;

		/* A dead CPU is in no section. */
		bp_for_each_class(class, pool)
			wake |= bp_class_flush_cpu(class, cpu);
		if (wake)
			bp_pool_wake(pool);
	}
	/*
	 * The CPU's memo still refers to the caches just closed. Invalidate it
	 * in case the CPU comes back online.
	 */
	bp_memo_forget();
	return 0;
}
