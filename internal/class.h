/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A size class: made at its first use; the walk over its caches.
 */
#ifndef _BP_CLASS_H
#define _BP_CLASS_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/overflow.h>
#include <linux/types.h>

#include "context.h"
#include "size_class.h"
#include "types.h"

/* Return the bytes of the structure of a class, without its depots. */
static inline size_t bp_class_bytes(void)
{
	return struct_size_t(struct bp_class, depot, nr_node_ids) +
	       array_size(bp_nr_groups(), sizeof(struct bp_group *));
}

struct bp_class *bp_class_add(struct bytepool *pool, u32 index, gfp_t gfp);
bool bp_class_reclaimable(struct bp_class *class);
void bp_cache_hide(struct bp_cache *cache);
void bp_class_close_accepting(struct bp_class *class);
void bp_class_wake(struct bp_class *class);
void bp_class_free(struct bp_class *class);

/* Return the class, which is made at its first use, or NULL if memory is short. */
static inline struct bp_class *bp_class_get(struct bytepool *pool, u32 index, gfp_t gfp)
{
	/* Pairs with cmpxchg() in bp_class_add(). */
	struct bp_class *class = smp_load_acquire(&pool->class[index]);

	return likely(class) ? class : bp_class_add(pool, index, gfp);
}

/*
 * Return the class at *@index or the next one that exists, and set *@index to
 * the one after it. Return NULL at the end.
 */
static inline struct bp_class *bp_class_next(struct bytepool *pool, u32 *index)
{
	while (*index < pool->sizes.nr) {
		/* Pairs with cmpxchg() in bp_class_add(). */
		struct bp_class *class = smp_load_acquire(&pool->class[(*index)++]);

		if (class)
			return class;
	}
	return NULL;
}

#define bp_for_each_class(class, pool) \
	for (u32 __index = 0; ((class) = bp_class_next(pool, &__index)); )

/* Return one of the slots of the class. */
static inline u32 bp_class_slot(const struct bp_class *class)
{
	return bp_last_slot(&class->pool->sizes, class->index);
}

/*
 * Return the cache of CPU *@cpu or the next one that exists, and set *@cpu to
 * the CPU after it. Return NULL at the end.
 * Context: RCU reader, or gc_lock, because a pass may free the cache. The last user of the
 * pool needs neither.
 */
static inline struct bp_cache *bp_cache_next(struct bp_class *class, unsigned int *cpu)
{
	while (*cpu < nr_cpu_ids) {
		struct bp_cache *cache;

		if (!(*cpu % BP_GROUP_CPUS) && !READ_ONCE(class->group[*cpu / BP_GROUP_CPUS])) {
			*cpu += BP_GROUP_CPUS;
			continue;
		}
		cache = bp_class_cache(class, (*cpu)++);
		if (cache)
			return cache;
	}
	return NULL;
}

#define bp_for_each_cache(cache, class) \
	for (unsigned int __cpu = 0; ((cache) = bp_cache_next(class, &__cpu)); )

/*
 * If the depots have fewer idle blocks than the reserve, close the caches that accept blocks.
 * Call it after an attempt to take blocks. Frees that begin after that go to the depots, until
 * these have the reserve and a magazine more. mempool_free() refills its reserve first, too.
 * Context: Any, but not with the lock of a depot.
 */
static inline void bp_class_close_if_short(struct bp_class *class)
{
	if (!READ_ONCE(class->reserve))
		return;
	/*
	 * Pairs with atomic_long_add_return() in bp_cache_set_accepts(): either the CPU of the
	 * cache sees that blocks were taken, or we see that the cache accepts blocks.
	 */
	smp_mb();
	if (unlikely(atomic_long_read(&class->nr_accepting)))
		bp_class_close_accepting(class);
}

/*
 * Return true if an allocation waits rather than fail. The owner of a
 * BYTEPOOL_SINGLE pool would wait for itself. With __GFP_THISNODE, an
 * allocation does not wait for the reserve, because the reserve may have no
 * block of that node.
 */
static inline bool bp_class_may_wait(struct bp_class *class, gfp_t gfp)
{
	if (!gfpflags_allow_blocking(gfp) || bp_pool_single(class->pool))
		return false;
	if (gfp & __GFP_NOFAIL)
		return true;
	return READ_ONCE(class->reserve) && !(gfp & __GFP_THISNODE);
}

#endif /* _BP_CLASS_H */
