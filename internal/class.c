// SPDX-License-Identifier: GPL-2.0-only
/*
 * A size class as a whole.
 */
#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/seqlock.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/swait.h>

#include "age.h"
#include "cache.h"
#include "class.h"
#include "context.h"
#include "depot.h"
#include "memo.h"
#include "size_class.h"
#include "types.h"

/*
 * A magazine has at most MAGAZINE_BYTES, in at most MAGAZINE_ENTRIES blocks. Classes of
 * larger blocks have no magazines. A magazine takes up to 1 KiB on a 64-bit machine.
 */
#define MAGAZINE_BYTES		SZ_4M
#define MAGAZINE_ENTRIES	29U

/* Free a class that no other CPU has seen. */
static void class_discard(struct bp_class *class)
{
	struct bp_depot *depot;

	bp_for_each_depot(depot, class)
		kfree(depot);
	kfree(class);
}

static struct bp_class *class_new(struct bytepool *pool, u32 index, gfp_t gfp)
{
	u32 size = bp_class_size(&pool->sizes, index);
	struct bp_class *class;
	unsigned int node;

	class = kzalloc(bp_class_bytes(), gfp);
	if (!class)
		return NULL;
	class->pool = pool;
	class->index = index;
	class->size = size;
	/*
	 * Pools that check their blocks have small slabs. Their descriptors
	 * have a record of each block, or are searched for idle ones.
	 */
	class->slab_bytes = pool->flags & BP_FLAGS_CHECKED ? PAGE_ALIGN(size) :
								    bp_slab_bytes(size);
	class->least_nr = bp_slab_blocks(PAGE_ALIGN(size), size);
	class->shift = bp_granule_shift(size);
	class->stride = bp_stride(size) >> class->shift;
	if (!(pool->flags & BP_FLAGS_CHECKED))
		class->capacity = min(MAGAZINE_BYTES / size, MAGAZINE_ENTRIES);
	init_swait_queue_head(&class->wait);
	seqcount_init(&class->removals);
	class->group = (void *)&class->depot[nr_node_ids];
	for (node = 0; node < nr_node_ids; node++) {
		class->depot[node] = bp_depot_new(class, node, gfp);
		if (!class->depot[node]) {
			class_discard(class);
			return NULL;
		}
	}
	return class;
}

/* Make the class, unless another CPU makes it first. Return NULL if memory is short. */
noinline struct bp_class *bp_class_add(struct bytepool *pool, u32 index, gfp_t gfp)
{
	struct bp_class *class;
	gfp_t class_gfp;

	if (!bp_system_may_serve())
		return NULL;
	class_gfp = bp_system_gfp(gfp);
	if (gfpflags_allow_blocking(gfp))
		class_gfp |= gfp & __GFP_NOFAIL;
	class = class_new(pool, index, class_gfp);
	if (!class)
		return NULL;
	/* Pairs with smp_load_acquire() below, in bp_class_get() and in bp_class_next(). */
	if (cmpxchg(&pool->class[index], NULL, class)) {
		class_discard(class);
		return smp_load_acquire(&pool->class[index]);	/* another CPU was first */
	}
	return class;
}

/* Return true if the class has something that a pass by age or a trim could give back. */
bool bp_class_reclaimable(struct bp_class *class)
{
	struct bp_depot *depot;
	struct bp_cache *cache;
	unsigned long flags;
	bool reclaimable = false;

	/*
	 * Look at the depots first and under their locks. A block that leaves
	 * for a cache later is seen there.
	 */
	bp_for_each_depot(depot, class) {
		flags = bp_depot_lock(depot);
		reclaimable = (depot->nr_stacked && bp_class_has_spare(class)) ||
			      bp_depot_oldest(depot, &bp_gc_everything);
		bp_depot_unlock(depot, flags);
		if (reclaimable)
			return true;
	}
	/* A CPU that opens a cache from now on calls bp_pool_wake(). */
	rcu_read_lock();
	bp_for_each_cache(cache, class) {
		/* A grant may bind slabs. */
		reclaimable = READ_ONCE(cache->granted) || bp_cache_peek(cache, NULL);
		if (reclaimable)
			break;
	}
	rcu_read_unlock();
	return reclaimable;
}

/*
 * Close a cache. If it accepts blocks in a class with a reserve, invalidate the memos before
 * @accepts is cleared, because bp_class_close_if_short() relies on that order.
 */
void bp_cache_hide(struct bp_cache *cache)
{
	bp_cache_close(cache);
	if (cache->accepts) {
		bp_memo_forget();
		bp_cache_set_accepts(cache, false);
	}
}

/* Close the caches that accept blocks, if the depots have fewer idle blocks than the reserve. */
void bp_class_close_accepting(struct bp_class *class)
{
	struct bp_cache *cache;
	unsigned long flags;

	if (bp_class_has_surplus(class, 0))
		return;
	rcu_read_lock();
	bp_for_each_cache(cache, class) {
		if (!READ_ONCE(cache->accepts))
			continue;
		flags = bp_depot_lock(cache->depot);
		if (cache->accepts)
			bp_cache_hide(cache);
		bp_depot_unlock(cache->depot, flags);
	}
	rcu_read_unlock();
}

static bool class_has_idle(struct bp_class *class)
{
	struct bp_depot *depot;

	bp_for_each_depot(depot, class) {
		if (bp_depot_has_idle(depot))
			return true;
	}
	return false;
}

/* Wake one task that waits for a block if the class has an idle one. */
void bp_class_wake(struct bp_class *class)
{
	/* A spurious wakeup does no harm, because the task looks again. */
	if (class_has_idle(class))
		swake_up_one(&class->wait);
}

/*
 * Free a class that has no slab, after a grace period. Until then, sections may
 * look at the class or its caches.
 */
void bp_class_free(struct bp_class *class)
{
	struct bp_depot *depot;
	struct bp_cache *cache;
	unsigned int i;

	bp_for_each_cache(cache, class)
		bp_cache_free(cache);
	bp_for_each_depot(depot, class)
		kfree_rcu(depot, rcu);
	for (i = 0; i < bp_nr_groups(); i++) {
		if (class->group[i])
			kfree_rcu(class->group[i], rcu);
	}
	kfree_rcu(class, rcu);
}
