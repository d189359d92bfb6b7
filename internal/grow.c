// SPDX-License-Identifier: GPL-2.0-only
/* Growth: a class gets a slab. At a limit, idle memory of the pool makes room first. */
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>

#include "backing.h"
#include "cache.h"
#include "check.h"
#include "class.h"
#include "context.h"
#include "depot.h"
#include "gc.h"
#include "grow.h"
#include "slab.h"
#include "types.h"
#include "wake.h"

/* A class that holds at least this many of its usual slabs grows by slabs of several pages. */
#define LARGE_SLABS_FROM	8UL

/* How often an alloc makes room, because others may take the room that it made. */
#define ROOM_RETRIES		8U

/* An alloc gives up after this many trims in a row that gave back nothing. */
#define ROOM_IN_VAIN		3U

/*
 * A class with a reserve grows for the cache of a CPU, unless the blocks for the cache, or those
 * in the places of reserved blocks in use, would take more than GROW_BYTES. Each call adds at
 * most GROW_SLABS slabs.
 */
#define GROW_BYTES		SZ_1M
#define GROW_SLABS		8U

/* Return the bytes to give back for @bytes. The pool may hold more than its limit. */
static unsigned long room_wanted(const struct bytepool *pool, unsigned long bytes)
{
	unsigned long limit = READ_ONCE(pool->limit);
	unsigned long held = bp_pool_held(pool);

	return limit && held > limit ? held - limit + bytes : bytes;
}

/*
 * Create a slab, see bp_slab_create_fitting(). At the limit of the pool, give back idle
 * memory of the pool first. When the system is short of memory, give back what depots
 * have, and then ask the system to try harder.
 */
struct bp_slab *bp_class_new_slab(struct bp_class *class, bool large, gfp_t gfp,
				  int node)
{
	unsigned int left = gfpflags_allow_blocking(gfp) ? ROOM_RETRIES : 0;
	const gfp_t gently = gfp | __GFP_NOWARN | __GFP_NORETRY;
	const unsigned long bytes = PAGE_ALIGN(class->size);
	unsigned int in_vain = 0;
	struct bp_slab *slab;
	unsigned long trims;
	bool at_limit, gave;

	if (!bp_system_may_serve())
		return NULL;
	if (bp_block_over_limit(class, READ_ONCE(class->pool->limit)))
		return NULL;
	while (left-- && in_vain < ROOM_IN_VAIN) {
		/*
		 * Pairs with smp_mb() in pool_trim_locked(): either we see its
		 * number, or it finds what we have freed.
		 */
		smp_mb();
		trims = READ_ONCE(class->pool->trims);
		slab = bp_slab_create_fitting(class, large, gently, node, &at_limit);
		if (slab)
			return slab;
		/* Wait for a grace period only at the limit, and if nothing else makes room. */
		gave = bp_pool_reap_idle(class->pool, room_wanted(class->pool, bytes));
		if (!at_limit) {
			slab = bp_slab_create_fitting(class, large, gfp, node, &at_limit);
			if (slab || !at_limit)
				return slab;
		}
		if (gave)
			continue;
		/*
		 * Other allocations may take the room first. One trim in vain does not
		 * prove that there is none, so try again.
		 */
		in_vain = bp_pool_make_room(class->pool, trims) ? 0 : in_vain + 1;
	}
	return bp_slab_create_fitting(class, large, gfp, node, &at_limit);
}

/*
 * Add a new slab to its depot, but take one block of it, and return that. If
 * the slab has more, move some to this CPU's cache if that is empty.
 * Context: Section.
 */
static void *depot_add_and_take(struct bp_slab *slab, void **overwritten)
{
	struct bp_depot *depot = slab->depot;
	unsigned long flags = bp_depot_lock(depot);
	struct bp_cache *cache;
	bool opened = false;
	void *block;
	u8 *state;

	bp_depot_account(depot, slab);
	slab->cpu = smp_processor_id();
	/* Nobody can have written to a block of it yet. */
	block = bp_depot_pop(depot, slab, &state, NULL);
	bp_block_mark_leaving(depot->class, state);
	depot->misses++;
	bp_depot_link(depot, slab);
	if (slab->nr_idle) {
		cache = bp_depot_this_cpu_cache(depot);
		if (cache && bp_cache_may_accept(cache)) {
			if (!bp_cache_nr(cache))
				bp_cache_refill(depot, cache, overwritten);
			opened = bp_cache_reopen(cache);
		}
	}
	bp_depot_unlock(depot, flags);
	if (opened)
		bp_pool_wake(depot->class->pool);
	return block;
}

/* Return a block of a new slab, or NULL. */
void *bp_class_grow(struct bp_class *class, gfp_t gfp, int node)
{
	/*
	 * A class with few blocks grows by the smallest slab that holds one.
	 * Its pages can then be freed one at a time. A class with a reserve
	 * also grows by small slabs, because the reserve would bind a large
	 * slab as a whole.
	 */
	unsigned long held = atomic_long_read(&class->nr_blocks) * class->size;
	bool large = held >= LARGE_SLABS_FROM * class->slab_bytes && !READ_ONCE(class->reserve);
	struct bp_slab *slab = bp_class_new_slab(class, large, gfp, node);
	void *overwritten = NULL;
	void *block;

	if (!slab)
		return NULL;
	bp_section_enter();
	block = depot_add_and_take(slab, &overwritten);
	bp_section_exit();
	if (unlikely(overwritten))
		bp_report_overwritten(class, overwritten);
	/* With more blocks, idle ones of any node may exceed the reserve. */
	if (READ_ONCE(class->reserve) && bp_class_reclaimable(class))
		bp_pool_wake(class->pool);
	if (slab->nr > 1)
		bp_class_wake(class);
	return block;
}

/*
 * Return true if this CPU would have to share a slab, and should get one of its
 * own instead. Return false for a class with a reserve or a limit, because
 * others may need the memory more.
 */
bool bp_class_wants_private_slab(struct bp_class *class)
{
	struct bp_depot *depot;
	unsigned long flags;
	bool shares = false;

	if (READ_ONCE(class->reserve) || READ_ONCE(class->pool->limit) ||
	    !bp_class_shares_lines(class))
		return false;
	bp_for_each_depot(depot, class) {
		struct bp_slab *slab;
		bool serves;

		flags = bp_depot_lock(depot);
		slab = bp_depot_next_slab(depot);
		serves = depot->nr_stacked || (slab && bp_slab_is_private(slab));
		bp_depot_unlock(depot, flags);
		if (serves)
			return false;
		shares |= !!slab;
	}
	return shares;
}

/* Have this CPU's cache wait like a new cache before the class grows. */
static void class_put_off_growth(const struct bp_class *class)
{
	struct bp_cache *cache;

	rcu_read_lock();
	cache = bp_class_cache(class, bp_class_cpu(class));
	if (cache)
		WRITE_ONCE(cache->refused, 0);
	rcu_read_unlock();
}

/*
 * Return true if the class has to grow before this CPU's cache accepts blocks. If
 * blocks of the reserve are in use, others have to take their places. If these or the blocks
 * for the cache would take more than GROW_BYTES, put the growth off, because a smaller one would
 * not help.
 */
static bool class_lacks_blocks(const struct bp_class *class)
{
	long spare = atomic_long_read(&class->spare);
	const struct bp_cache *cache;
	long most = GROW_BYTES / class->size;
	long capacity = 0;
	long grant = 0;
	long lacks = 0;
	long stand_ins;

	rcu_read_lock();
	cache = bp_class_cache(class, bp_class_cpu(class));
	if (cache && READ_ONCE(cache->refused) >= BP_GRANT_AFTER && !READ_ONCE(cache->accepts)) {
		capacity = bp_cache_capacity(cache);
		grant = READ_ONCE(cache->granted) ? 0 : capacity;
	}
	rcu_read_unlock();
	if (!capacity)
		return false;
	if (!bp_pool_single(class->pool))
		lacks = capacity / 2 - bp_class_surplus(class);
	if (grant)
		lacks = max(lacks, grant - spare);
	/* Of the blocks in use, no more than the reserve need stand-ins. */
	stand_ins = min(spare + lacks - grant, (long)READ_ONCE(class->reserve));
	if (lacks <= 0)
		return false;
	if (capacity <= most && stand_ins <= most)
		return true;
	class_put_off_growth(class);
	return false;
}

/*
 * Grow the class by a few slabs, until this CPU's cache accepts blocks. Stop if the system does
 * not have the memory at hand.
 */
void bp_class_grow_for_cache(struct bp_class *class, gfp_t gfp)
{
	unsigned int left = GROW_SLABS;
	struct bp_slab *slab;

	if (READ_ONCE(class->pool->limit) || atomic_long_read(&class->nr_waiters))
		return;
	while (left-- && class_lacks_blocks(class)) {
		slab = bp_class_new_slab(class, false, BP_GFP_SPARE | (gfp & __GFP_HARDWALL),
					 NUMA_NO_NODE);
		if (!slab) {
			class_put_off_growth(class);
			break;
		}
		bp_depot_add(slab);
		bp_class_wake(class);
		bp_pool_wake(class->pool);
	}
}
