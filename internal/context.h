/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The current context: sections, and calls of the system's allocator.
 */
#ifndef _BP_CONTEXT_H
#define _BP_CONTEXT_H

#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/math.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/types.h>

#include "compat.h"
#include "types.h"

/* The bits of a caller's gfp that reach the system: how hard to try, not what to give. */
#define BP_GFP_MASK	(__GFP_RECLAIM | __GFP_IO | __GFP_FS | __GFP_HIGH | __GFP_ATOMIC | \
			 __GFP_NOWARN | __GFP_NORETRY | __GFP_RETRY_MAYFAIL | \
			 __GFP_MEMALLOC | __GFP_NOMEMALLOC | __GFP_HARDWALL | \
			 __GFP_THISNODE)

/*
 * Begin a section, in which the CPU may use its open caches and look up any slab.
 * Preemption is off, which makes the CPU an RCU reader. Only a kernel that
 * checks the use of RCU is told so.
 */
static __always_inline void bp_section_enter(void)
{
	preempt_disable();
	if (IS_ENABLED(CONFIG_PROVE_RCU))
		rcu_read_lock();
}

static __always_inline void bp_section_exit(void)
{
	if (IS_ENABLED(CONFIG_PROVE_RCU))
		rcu_read_unlock();
	preempt_enable();
}

/* Return the bits of @gfp for the system; __GFP_ATOMIC is not for callers that may sleep. */
static inline gfp_t bp_system_gfp(gfp_t gfp)
{
	gfp &= BP_GFP_MASK;
	return gfp & __GFP_DIRECT_RECLAIM ? gfp & ~__GFP_ATOMIC : gfp;
}

/*
 * Return true if the system's allocator may be called. On PREEMPT_RT, its locks
 * must not be taken with preemption off.
 */
static inline bool bp_system_may_serve(void)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) || preemptible();
}

/* Return true if the pool is NULL or ERR_PTR, by a single comparison. */
static __always_inline bool bp_no_pool(const struct bytepool *pool)
{
	return (unsigned long)pool - 1 >= -MAX_ERRNO - 1UL;
}

static inline bool bp_pool_single(const struct bytepool *pool)
{
	return pool->flags & BYTEPOOL_SINGLE;
}

/*
 * Return true if __GFP_ZERO has to clear a block. The blocks of a BYTEPOOL_WIPE pool are
 * zero, because the system clears new ones, and a free clears the others.
 */
static inline bool bp_must_clear(const struct bytepool *pool)
{
	return !(pool->flags & BYTEPOOL_WIPE);
}

/*
 * Return the CPU whose cache of the class the caller uses. All CPUs use the same cache
 * in a BYTEPOOL_SINGLE pool, because its owner serialises all calls.
 */
static inline int bp_class_cpu(const struct bp_class *class)
{
	return bp_pool_single(class->pool) ? 0 : raw_smp_processor_id();
}

/* Return the number of groups of caches of a class. */
static inline unsigned int bp_nr_groups(void)
{
	return DIV_ROUND_UP(nr_cpu_ids, BP_GROUP_CPUS);
}

/*
 * Return the cache of a CPU, or NULL if it has none.
 * Context: Any, if the caller only tests for NULL; otherwise as for bp_cache_next().
 */
static inline struct bp_cache *bp_class_cache(const struct bp_class *class, unsigned int cpu)
{
	/* Pairs with cmpxchg() in group_ensure(). */
	const struct bp_group *group = READ_ONCE(class->group[cpu / BP_GROUP_CPUS]);

	/* Pairs with cmpxchg() in cache_publish(). */
	return group ? READ_ONCE(group->cache[cpu % BP_GROUP_CPUS]) : NULL;
}

#endif /* _BP_CONTEXT_H */
