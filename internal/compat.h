/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All differences between the kernels that bytepool builds on. Kbuild defines
 * BYTEPOOL_... for the features that the preprocessor does not know.
 */
#ifndef _BP_COMPAT_H
#define _BP_COMPAT_H

#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/overflow.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/types.h>

/* GFP_ATOMIC had a bit of its own before 6.3. */
#ifndef __GFP_ATOMIC
#define __GFP_ATOMIC	((__force gfp_t)0)
#endif

/* Kernels since 6.5 and the later releases of 6.1 have it. */
#ifndef struct_size_t
#define struct_size_t(type, member, n)	struct_size((type *)NULL, member, n)
#endif

/* The name of the state of a grace period before 7.3. */
#ifndef BYTEPOOL_RCU_GP_SEQ
#define rcu_gp_seq	rcu_gp_oldstate
#endif

/*
 * Return true if an rhashtable may be modified in this context. At first, its
 * bucket locks disabled only softirqs. To enable softirqs with interrupts off
 * is an error.
 */
static inline bool compat_rhashtable_writable(void)
{
#ifdef BYTEPOOL_RHASHTABLE_IRQSAFE
	return true;
#else
	return !irqs_disabled() && !in_hardirq();
#endif
}

typedef unsigned long (*compat_shrinker_fn)(struct shrinker *shrinker, struct shrink_control *sc);

/*
 * Register a shrinker with batches of @batch objects. Return NULL if memory is short.
 * Since 6.7, the kernel allocates it.
 */
static inline struct shrinker *compat_shrinker_add(const char *name, long batch,
						   compat_shrinker_fn count,
						   compat_shrinker_fn scan)
{
#ifdef SHRINKER_ALLOCATED
	struct shrinker *shrinker = shrinker_alloc(0, "%s", name);
#else
	struct shrinker *shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);
#endif

	if (!shrinker)
		return NULL;
	shrinker->count_objects = count;
	shrinker->scan_objects = scan;
	shrinker->batch = batch;
#ifdef SHRINKER_ALLOCATED
	shrinker_register(shrinker);
#else
	shrinker->seeks = DEFAULT_SEEKS;
	if (register_shrinker(shrinker, "%s", name)) {
		kfree(shrinker);
		return NULL;
	}
#endif
	return shrinker;
}

/* Unregister a shrinker, and wait for its scans. */
static inline void compat_shrinker_remove(struct shrinker *shrinker)
{
#ifdef SHRINKER_ALLOCATED
	shrinker_free(shrinker);
#else
	unregister_shrinker(shrinker);
	kfree(shrinker);
#endif
}

/* Account for freed pages that are on no LRU list. Since 6.4, a function does that. */
static inline void compat_account_reclaimed(unsigned long pages)
{
#ifdef BYTEPOOL_ACCOUNT_RECLAIMED
	mm_account_reclaimed_pages(pages);
#else
	if (current->reclaim_state)
		current->reclaim_state->reclaimed_slab += pages;
#endif
}

/* Assign a string in TP_fast_assign(). Since 6.10, __string() has told the source already. */
#ifdef BYTEPOOL_ASSIGN_STR_DST
#define compat_assign_str(dst, ...)	__assign_str(dst)
#else
#define compat_assign_str(dst, ...)	__assign_str(dst, __VA_ARGS__)
#endif

#endif /* _BP_COMPAT_H */
