// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reserve: blocks of a class that are always there.
 */
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/swait.h>

#include "age.h"
#include "alloc.h"
#include "class.h"
#include "context.h"
#include "depot.h"
#include "grow.h"
#include "reclaim.h"
#include "reserve.h"
#include "size_class.h"
#include "types.h"
#include "wake.h"

/*
 * Set the reserve of the class. Return the old one.
 *
 * The reserve is written under the lock of each depot. A CPU may open a cache under
 * such a lock without seeing the reserve. Then the cache is closed here after that.
 * All grants end, because they were made with another reserve.
 */
static unsigned int class_set_reserve(struct bp_class *class, unsigned int nr)
{
	struct bytepool *pool = class->pool;
	struct bp_depot *depot;
	unsigned long flags;
	unsigned int old;

	mutex_lock(&pool->gc_lock);
	old = class->reserve;
	/* Bind the blocks of the reserve before others see the reserve. */
	atomic_long_sub((long)nr - old, &class->spare);
	bp_for_each_depot(depot, class) {
		flags = bp_depot_lock(depot);
		WRITE_ONCE(class->reserve, nr);
		bp_depot_update_reclaimable(depot);
		bp_depot_unlock(depot, flags);
	}
	mutex_unlock(&pool->gc_lock);
	if ((nr || old) && bp_class_recall(class, true)) {
		bp_pool_wait_for_grace(pool);
		bp_class_drain_recalled(class);
	}
	/*
	 * More may be idle in depots or above the reserve, or there may be
	 * nothing to wait for any more.
	 */
	swake_up_all(&class->wait);
	if (bp_class_reclaimable(class))
		bp_pool_wake(pool);
	return old;
}

/* Have the class of @size keep @nr blocks. Return 0 or -errno. */
int bp_pool_reserve(struct bytepool *pool, size_t size, unsigned int nr, gfp_t gfp)
{
	struct bp_class *class;
	unsigned long added = 0;
	unsigned long limit;
	unsigned int old;
	u64 bytes;

	if (!bp_alloc_ok(pool, size, gfp))
		return -EINVAL;
	gfp = bp_system_gfp(gfp) & ~__GFP_THISNODE;
	if (!(gfp & __GFP_NORETRY))
		gfp |= __GFP_RETRY_MAYFAIL;	/* fail rather than invoke the OOM killer */
	class = bp_class_get(pool, bp_class_index(&pool->sizes, size), gfp);
	if (!class)
		return -ENOMEM;
	bytes = (u64)nr * class->size;
	limit = READ_ONCE(pool->limit);
	if (bytes >> PAGE_SHIFT > totalram_pages() || (limit && bytes > limit))
		return -ENOMEM;

	old = class_set_reserve(class, nr);
	/* From now on, the class cannot fall below the reserve. */
	while (atomic_long_read(&class->nr_blocks) < nr) {
		struct bp_slab *slab = bp_class_new_slab(class, false, gfp, NUMA_NO_NODE);

		if (!slab)
			goto undo;
		added += slab->nr;
		bp_depot_add(slab);
		bp_class_wake(class);
		cond_resched();
	}
	/* Others may have added blocks meanwhile. */
	if (bp_class_reclaimable(class))
		bp_pool_wake(pool);
	return 0;

undo:
	class_set_reserve(class, old);
	bp_class_reap(class, &bp_gc_everything, added);
	return -ENOMEM;
}
