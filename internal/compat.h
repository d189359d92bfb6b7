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
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/types.h>

/* GFP_ATOMIC had a bit of its own before 6.3. */
#ifndef __GFP_ATOMIC
#define __GFP_ATOMIC	((__force gfp_t)0)
#endif

/* Since 6.5, and in the later releases of 6.1. */
#ifndef struct_size_t
#define struct_size_t(type, member, n)	struct_size((type *)NULL, member, n)
#endif

/*
 * Return true if an rhashtable may be modified in this context. Its bucket
 * locks disabled only softirqs at first, and enabling softirqs with interrupts
 * off is an error.
 */
static inline bool compat_rhashtable_writable(void)
{
#ifdef BYTEPOOL_RHASHTABLE_IRQSAFE
	return true;
#else
	return !irqs_disabled() && !in_hardirq();
#endif
}

/* Since 6.7, the kernel allocates shrinkers, and they have private data. */
#ifndef SHRINKER_ALLOCATED
struct compat_shrinker {
	struct shrinker shrinker;
	void *data;
};
#endif

typedef unsigned long (*compat_shrinker_fn)(struct shrinker *shrinker, struct shrink_control *sc);

/*
 * Register a shrinker of @data, with batches of @batch objects. Return NULL if
 * memory is short.
 */
static inline struct shrinker *compat_shrinker_add(const char *name, long batch,
						   compat_shrinker_fn count,
						   compat_shrinker_fn scan, void *data)
{
#ifdef SHRINKER_ALLOCATED
	struct shrinker *shrinker = shrinker_alloc(0, "bytepool-%s", name);

	if (!shrinker)
		return NULL;
	shrinker->count_objects = count;
	shrinker->scan_objects = scan;
	shrinker->batch = batch;
	shrinker->private_data = data;
	shrinker_register(shrinker);
	return shrinker;
#else
	struct compat_shrinker *compat = kzalloc(sizeof(*compat), GFP_KERNEL);

	if (!compat)
		return NULL;
	compat->data = data;
	compat->shrinker.count_objects = count;
	compat->shrinker.scan_objects = scan;
	compat->shrinker.batch = batch;
	compat->shrinker.seeks = DEFAULT_SEEKS;
	if (register_shrinker(&compat->shrinker, "bytepool-%s", name)) {
		kfree(compat);
		return NULL;
	}
	return &compat->shrinker;
#endif
}

static inline void *compat_shrinker_data(struct shrinker *shrinker)
{
#ifdef SHRINKER_ALLOCATED
	return shrinker->private_data;
#else
	return container_of(shrinker, struct compat_shrinker, shrinker)->data;
#endif
}

/* Unregister a shrinker, which may be NULL, and wait for its scans. */
static inline void compat_shrinker_remove(struct shrinker *shrinker)
{
#ifdef SHRINKER_ALLOCATED
	shrinker_free(shrinker);
#else
	if (!shrinker)
		return;
	unregister_shrinker(shrinker);
	kfree(container_of(shrinker, struct compat_shrinker, shrinker));
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
