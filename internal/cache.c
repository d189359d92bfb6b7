// SPDX-License-Identifier: GPL-2.0-only
/* Per-CPU caches: the step between depot and cache. */
#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/seqlock.h>
#include <linux/slab.h>

#include "age.h"
#include "backing.h"
#include "cache.h"
#include "context.h"
#include "depot.h"
#include "size_class.h"
#include "slots.h"
#include "types.h"

char bp_busy_mark;

struct bp_cache bp_closed_cache __read_mostly = { .pool = BP_CACHE_BUSY };

/*
 * Set @accepts of a cache, in a class with a reserve. Before it is cleared, the CPU of an open
 * cache has to forget the cache, see bp_cache_hide(). A dead CPU forgets it later.
 */
void bp_cache_set_accepts(struct bp_cache *cache, bool accepts)
{
	bp_depot_assert_held(cache->depot);
	if (cache->accepts == accepts)
		return;
	/* Pairs with READ_ONCE() in bp_class_close_if_short(). */
	smp_store_release(&cache->accepts, accepts);
	/* A full barrier. It pairs with smp_mb() in bp_class_close_if_short(). */
	atomic_long_add_return(accepts ? 1 : -1, &cache->depot->class->nr_accepting);
}

/*
 * Grant a cache as many blocks beyond the reserve of the class as it takes. Return false if the
 * class does not have them.
 */
static bool cache_grant(struct bp_cache *cache)
{
	u32 capacity = bp_cache_capacity(cache);

	if (!cache->granted && !bp_class_take_spare(cache->depot->class, capacity))
		return false;
	WRITE_ONCE(cache->granted, capacity);
	return true;
}

/*
 * Return true if blocks may enter the cache. Call it once for each call that the depot serves,
 * because it counts these in @refused. In a class without a reserve, blocks always may enter.
 * Otherwise the cache has to accept blocks (@accepts), and the depots need the reserve. A cache
 * begins to accept blocks when the depot has served its CPU BP_GRANT_AFTER times. The class has
 * to grant it blocks, and the depots need a magazine more than the reserve, so that the cache is
 * not closed again soon. If the pool has a limit, no cache begins to accept blocks. While a task
 * waits for a block, each free goes to a depot. At a limit, or while a task waits, another caller
 * may need the block more.
 */
bool bp_cache_may_accept(struct bp_cache *cache)
{
	struct bp_class *class = cache->depot->class;
	u32 refused;

	bp_depot_assert_held(cache->depot);
	if (likely(!READ_ONCE(class->reserve)))
		return true;
	if (atomic_long_read(&class->nr_waiters))
		return false;
	if (cache->accepts)
		return bp_class_has_surplus(class, 0);
	/* Pairs with WRITE_ONCE() in class_put_off_growth(), which holds no lock. */
	refused = READ_ONCE(cache->refused);
	if (refused < BP_GRANT_AFTER) {
		WRITE_ONCE(cache->refused, refused + 1);
		return false;
	}
	if (READ_ONCE(class->pool->limit) ||
	    !bp_class_has_surplus(class, cache->loaded->capacity))
		return false;
	bp_cache_set_accepts(cache, true);
	/* Look again. A CPU that has just taken blocks may not see that the cache accepts any. */
	if (bp_class_has_surplus(class, 0) && cache_grant(cache))
		return true;
	bp_cache_set_accepts(cache, false);
	return false;
}

/*
 * Return true if this CPU's cache of a class with a reserve exists and does not begin to accept
 * blocks now. Count the call as bp_cache_may_accept() does.
 * Context: Section.
 */
bool bp_cache_refuses(struct bp_class *class)
{
	struct bp_cache *cache = bp_class_cache(class, bp_class_cpu(class));
	u32 refused;

	if (!cache || READ_ONCE(cache->accepts))
		return false;
	/* As in bp_cache_may_accept(). */
	refused = READ_ONCE(cache->refused);
	if (refused >= BP_GRANT_AFTER)
		return false;
	WRITE_ONCE(cache->refused, refused + 1);
	return true;
}

/*
 * Return this CPU's cache of the depot, or NULL if there is none or it must not be used.
 * Its blocks may be taken, whether it is open or not.
 */
struct bp_cache *bp_depot_this_cpu_cache(struct bp_depot *depot)
{
	struct bp_class *class = depot->class;
	struct bp_cache *cache = bp_class_cache(class, bp_class_cpu(class));

	bp_depot_assert_held(depot);
	if (!cache || READ_ONCE(cache->pool) != class->pool || cache->depot != depot ||
	    cache->drain)
		return NULL;
	return cache;
}

/* Have the CPU of a cache follow @to: the cache, or bp_closed_cache. */
void bp_cache_set_open(struct bp_cache *cache, struct bp_cache *to)
{
	const struct bp_class *class = cache->depot->class;
	const struct bp_sizes *sizes = &class->pool->sizes;
	struct bp_cache **open = per_cpu_ptr(class->pool->cpu, cache->cpu)->open;
	u32 slot = bp_first_slot(sizes, class->index);

	bp_depot_assert_held(cache->depot);
	for (; slot <= bp_last_slot(sizes, class->index); slot++) {
		/* Pairs with the dependent loads of the fast paths: the pass has left the cache. */
		smp_store_release(&open[slot], to);
	}
}

/* Return the group of caches of a CPU. Make it if there is none; NULL if memory is short. */
static struct bp_group *group_ensure(struct bp_class *class, int cpu)
{
	struct bp_group **at = &class->group[cpu / BP_GROUP_CPUS];
	/* Pairs with cmpxchg() below. */
	struct bp_group *group = READ_ONCE(*at);
	struct bp_group *first;

	if (group)
		return group;
	group = kzalloc_node(sizeof(*group), GFP_NOWAIT | __GFP_NOWARN, cpu_to_node(cpu));
	if (!group)
		return NULL;
	/* Pairs with READ_ONCE() and dependent loads in bp_class_cache(). */
	first = cmpxchg(at, NULL, group);
	if (!first)
		return group;
	kfree(group);	/* another CPU was first */
	return first;
}

/* Make @cache that of its CPU. Return false if the CPU has one, or if memory is short. */
static bool cache_publish(struct bp_class *class, struct bp_cache *cache)
{
	struct bp_group *group = group_ensure(class, cache->cpu);

	if (!group)
		return false;
	/* Count the cache before bp_class_shares_lines() can see it. */
	atomic_long_inc(&class->nr_caches);
	/*
	 * Pairs with READ_ONCE() and dependent loads in bp_class_cache(), and as a full
	 * barrier with pool_sleep() and bp_class_shares_lines().
	 */
	if (!cmpxchg(&group->cache[cache->cpu % BP_GROUP_CPUS], NULL, cache))
		return true;
	atomic_long_dec(&class->nr_caches);
	return false;
}

/* Make this CPU's cache of the class, if memory is at hand. Without a cache, the depot serves. */
static noinline void cache_create(struct bp_class *class, gfp_t gfp)
{
	bool single = bp_pool_single(class->pool);
	int cpu = bp_class_cpu(class);
	struct bp_cache *cache;
	unsigned long limit = READ_ONCE(class->pool->limit);
	unsigned long capacity = class->capacity;

	if (!bp_system_may_serve())
		return;
	/*
	 * Blocks in one CPU's cache are not available to the others. The caches
	 * of a class together may hold at most an eighth of the present limit.
	 */
	if (limit)
		capacity = min(limit / 16 / class->size / (single ? 1 : num_online_cpus()),
			       capacity);
	if (!capacity || !bp_slots_ensure(class->pool, cpu, gfp))
		return;
	cache = kzalloc_node(sizeof(*cache), GFP_NOWAIT | __GFP_NOWARN, cpu_to_node(cpu));
	if (!cache)
		return;
	cache->loaded = bp_magazine_new(capacity, cpu_to_node(cpu));
	cache->spare = bp_magazine_new(capacity, cpu_to_node(cpu));
	if (!cache->loaded || !cache->spare)
		goto free_cache;
	cache->cpu = cpu;
	cache->seen = UINT_MAX;	/* no pass has seen it */
	cache->top = cache->loaded->entries;
	if (!(class->pool->flags & BYTEPOOL_WIPE))
		cache->end = cache->loaded->entries + capacity;
	cache->pool = class->pool;
	cache->depot = class->depot[bp_cpu_memory_node(single ? raw_smp_processor_id() : cpu)];
	cache->shift = class->shift;
	cache->page_granules = PAGE_SIZE >> class->shift;
	if (cache_publish(class, cache))
		return;
free_cache:
	kfree(cache->loaded);
	kfree(cache->spare);
	kfree(cache);
}

/* Make this CPU's cache of the class, if it has none, for the next call. */
void bp_cache_ensure(struct bp_class *class, gfp_t gfp)
{
	if (unlikely(!bp_class_cache(class, bp_class_cpu(class))))
		cache_create(class, gfp);
}

/*
 * Fill an empty cache with the youngest magazine of the depot, unless that has expired.
 * Expired blocks must not enter a cache, because a pass that is about to give them back
 * would miss them. In a class with a reserve, the caller has not asked yet whether the cache
 * accepts blocks.
 */
void bp_cache_load_full(struct bp_depot *depot, struct bp_cache *cache)
{
	struct bp_magazine *full = bp_depot_first_full(depot);
	struct bp_magazine *empty = cache->loaded;
	struct bp_gc_pass pass;

	bp_depot_assert_held(depot);
	/* Capacities differ if the magazines were made under different limits. */
	if (!full || full->capacity != empty->capacity || READ_ONCE(depot->class->reserve))
		return;
	pass = bp_gc_pass_begin(depot->class->pool);
	if (bp_gc_pass_wants(&pass, bp_magazine_oldest(full)))
		return;
	bp_depot_del_magazine(depot, full);
	bp_cache_load(cache, full);
	/* Pairs with READ_ONCE() in bp_cache_peek(), which may still look at it. */
	WRITE_ONCE(empty->nr, 0);
	bp_depot_put_magazine(depot, empty);
}

/*
 * Fill half of the loaded magazine, which is empty, from slabs of the depot, unless their
 * blocks have expired. Leave the reserve in the depots.
 */
void bp_cache_refill(struct bp_depot *depot, struct bp_cache *cache,
		     void **overwritten)
{
	const struct bp_gc_pass pass = bp_gc_pass_begin(depot->class->pool);
	u32 most = (cache->loaded->capacity + 1) / 2;

	bp_depot_assert_held(depot);
	if (READ_ONCE(depot->class->reserve))
		most = clamp(bp_class_surplus(depot->class), 0L, (long)most);
	while (bp_cache_nr_loaded(cache) < most && depot->nr_idle) {
		struct bp_slab *slab = bp_depot_take_slab(depot);
		unsigned long idle_since = slab->idle_since;

		if (bp_gc_pass_wants(&pass, idle_since)) {
			bp_depot_link_uncounted(depot, slab);
			break;
		}
		do {
			u8 *state;
			void *block = bp_depot_pop(depot, slab, &state, overwritten);

			WRITE_ONCE(*state, BP_BLOCK_CACHED);
			bp_cache_insert(cache, block, state, slab, idle_since);
		} while (bp_cache_nr_loaded(cache) < most && slab->nr_idle);
		bp_depot_link_uncounted(depot, slab);
	}
	bp_depot_update_reclaimable(depot);
}

/*
 * Open a cache unless it is empty. Return true if the pool has to be woken, because the cache
 * has blocks or a grant. A grant may bind idle slabs.
 */
bool bp_cache_reopen(struct bp_cache *cache)
{
	if (bp_cache_nr(cache))
		bp_cache_open(cache);
	return bp_cache_nr(cache) || cache->granted;
}

/* Put all blocks of a magazine back into their slabs. */
static void magazine_flush(struct bp_depot *depot, struct bp_magazine *magazine)
{
	bp_depot_push_entries(depot, magazine->entries, magazine->nr);
	WRITE_ONCE(magazine->nr, 0);
}

/*
 * Make the spare magazine of a full cache empty. If the depot has an empty magazine, the
 * two change places. Another CPU can then take the blocks without touching their slabs.
 * Otherwise the blocks go back into their slabs, as they always do in a class with a
 * reserve. If the depot should get another magazine, return its capacity, otherwise 0.
 */
u32 bp_cache_make_space(struct bp_depot *depot, struct bp_cache *cache)
{
	bool reserve = READ_ONCE(depot->class->reserve);
	struct bp_magazine *full = cache->spare;
	struct bp_magazine *empty = NULL;

	bp_depot_assert_held(depot);
	if (!reserve)
		empty = bp_depot_take_empty(depot, full->capacity);
	if (empty) {
		/* As in bp_cache_swap(). */
		smp_store_release(&cache->spare, empty);
		bp_depot_put_magazine(depot, full);
	} else {
		magazine_flush(depot, full);
	}
	return empty || reserve ? 0 : full->capacity;
}

/*
 * Put the blocks that the pass wants back into their slabs. The rest of the spare
 * magazine goes with them, because that has to be full or empty. If the cache has a
 * grant, all blocks go, because without the grant the reserve pins fewer slabs. The
 * CPU of the cache must not be able to use it meanwhile.
 */
void bp_cache_drain(struct bp_cache *cache, const struct bp_gc_pass *pass)
{
	struct bp_entry *entries = cache->loaded->entries;
	u32 nr = 0;

	bp_depot_assert_held(cache->depot);
	if (cache->granted)
		pass = &bp_gc_everything;
	if (cache->spare->nr && bp_gc_pass_wants(pass, bp_magazine_oldest(cache->spare)))
		magazine_flush(cache->depot, cache->spare);
	while (nr < bp_cache_nr_loaded(cache) && bp_gc_pass_wants(pass, entries[nr].idle_since))
		nr++;
	bp_depot_push_entries(cache->depot, entries, nr);
	bp_cache_drop_oldest(cache, nr);
	if (cache->granted) {
		/* The cache has no block, and does not accept blocks. */
		atomic_long_add(cache->granted, &cache->depot->class->spare);
		WRITE_ONCE(cache->granted, 0);
		WRITE_ONCE(cache->refused, 0);
	}
}

/*
 * Remove an empty, closed cache from its class. Its counts move to its depot. RCU readers may
 * still look at the cache.
 * Context: gc_lock, and the lock of the depot.
 */
void bp_cache_remove(struct bp_cache *cache)
{
	struct bp_depot *depot = cache->depot;
	struct bp_class *class = depot->class;
	struct bp_group *group = class->group[cache->cpu / BP_GROUP_CPUS];

	lockdep_assert_held(&class->pool->gc_lock);
	bp_depot_assert_held(depot);
	/* In a BYTEPOOL_SINGLE pool, the lock does not disable preemption. */
	preempt_disable();
	raw_write_seqcount_begin(&class->removals);
	depot->hits += cache->hits;
	depot->frees += cache->frees;
	WRITE_ONCE(group->cache[cache->cpu % BP_GROUP_CPUS], NULL);
	raw_write_seqcount_end(&class->removals);
	preempt_enable();
	atomic_long_dec(&class->nr_caches);
}

/* Free a cache that no CPU can find any more, after a grace period. */
void bp_cache_free(struct bp_cache *cache)
{
	kfree_rcu(cache->loaded, rcu);
	kfree_rcu(cache->spare, rcu);
	kfree_rcu(cache, rcu);
}

/*
 * Put all blocks in the cache of a CPU back into their slabs. Return true if the pool has to
 * be woken. The CPU must not be able to use its cache meanwhile.
 */
bool bp_class_flush_cpu(struct bp_class *class, unsigned int cpu)
{
	struct bp_cache *cache;
	struct bp_depot *depot;
	unsigned long flags;
	bool wake = false;

	rcu_read_lock();
	cache = bp_class_cache(class, cpu);
	if (!cache)
		goto unlock;
	depot = cache->depot;
	flags = bp_depot_lock(depot);
	/* A pass may just have removed it. */
	if (cache == bp_class_cache(class, cpu)) {
		bp_cache_close(cache);
		bp_cache_set_accepts(cache, false);
		bp_cache_drain(cache, &bp_gc_everything);
		wake = bp_depot_wakes(depot);
	}
	bp_depot_unlock(depot, flags);
unlock:
	rcu_read_unlock();
	return wake;
}

/*
 * Return the number of blocks of a cache. Unless @oldest is NULL, set *@oldest to the time
 * when the oldest block was freed. Both are hints, because the CPU of the cache may change
 * it meanwhile. A cache whose magazines are just changing places has at least one block.
 */
u32 bp_cache_peek(const struct bp_cache *cache, unsigned long *oldest)
{
	const struct bp_magazine *loaded, *spare;
	u32 nr, nr_spare;

	/* The depot may get a magazine meanwhile, and free it. */
	rcu_read_lock();
	loaded = READ_ONCE(cache->loaded);
	/* Pairs with smp_store_release() in bp_cache_load(). */
	smp_rmb();
	spare = READ_ONCE(cache->spare);
	nr_spare = READ_ONCE(spare->nr);
	nr = min_t(u32, READ_ONCE(cache->top) - loaded->entries, loaded->capacity);
	if (oldest) {
		/* Its CPU may move entries meanwhile. */
		*oldest = data_race((nr_spare ? spare : loaded)->entries[0].idle_since);
	}
	/* As above. */
	smp_rmb();
	if (spare == loaded || loaded != READ_ONCE(cache->loaded))
		nr = max(nr, 1U);
	rcu_read_unlock();
	return nr + nr_spare;
}
