/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of addresses: which slab a pointer points into.
 */
#ifndef _BP_TABLE_H
#define _BP_TABLE_H

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/rhashtable.h>
#include <linux/types.h>

#include "backing.h"
#include "types.h"
#include "wake.h"

typedef void (*bp_table_fn)(struct bp_slab *slab, void *arg);

extern struct rhashtable bp_table;

struct bp_slab *bp_table_find_pending(unsigned long address);
int bp_table_init(void);
void bp_table_exit(void);
int bp_table_add(struct bp_slab *slab, gfp_t gfp);
void bp_table_remove_pending(struct bp_slab *slab);
void bp_table_walk(bp_table_fn fn, void *arg);
struct bp_slab *bp_table_walk_next(struct rhashtable_iter *iter, unsigned long *seen);

/*
 * Hash by multiplication (Fibonacci hashing). It spreads slabs, which are near
 * each other, at little cost.
 */
static __always_inline u32 bp_table_hash(const void *key, u32 len, u32 seed)
{
	unsigned long page = *(const unsigned long *)key >> PAGE_SHIFT;

#if BITS_PER_LONG == 64
	return (page ^ seed) * GOLDEN_RATIO_64 >> 32;
#else
	u32 hash = (page ^ seed) * GOLDEN_RATIO_32;

	return hash ^ hash >> 16;
#endif
}

/* Return 0 if the slab begins at the key. The default of rhashtable would call memcmp(). */
static __always_inline int bp_table_cmp(struct rhashtable_compare_arg *arg, const void *slab)
{
	return ((const struct bp_slab *)slab)->base != *(const unsigned long *)arg->key;
}

/*
 * The table never shrinks. Shrinking it and growing it again would cost as much
 * as everything else in the life of a slab.
 */
static const struct rhashtable_params bp_table_params = {
	.key_len = sizeof_field(struct bp_slab, base),
	.key_offset = offsetof(struct bp_slab, base),
	.head_offset = offsetof(struct bp_slab, node),
	.hashfn = bp_table_hash,
	.obj_cmpfn = bp_table_cmp,
};

/* Return true if the address is in the slab, before the end of its last block. */
static inline bool bp_slab_holds(const struct bp_slab *slab, unsigned long address)
{
	const struct bp_class *class = slab->depot->class;

	return address - slab->base < (unsigned long)slab->nr * class->stride << class->shift;
}

/*
 * Return the slab that begins at @base if it is in the table and has a block at
 * @address, otherwise NULL.
 */
static inline struct bp_slab *bp_table_at(unsigned long base, unsigned long address)
{
	struct bp_slab *slab = rhashtable_lookup(&bp_table, &base, bp_table_params);

	return likely(slab && bp_slab_holds(slab, address)) ? slab : NULL;
}

/*
 * Return the slab with a block at the address if it is in the table, otherwise
 * NULL. A slab whose blocks start in several pages is aligned to BP_SLAB_ALIGN.
 */
static inline struct bp_slab *bp_table_lookup(unsigned long address)
{
	return bp_table_at(address & ~(BP_SLAB_ALIGN - 1), address) ?:
	       bp_table_at(address & PAGE_MASK, address);
}

/*
 * Return the slab with a block at an address, or NULL.
 * Context: Section.
 */
static __always_inline struct bp_slab *bp_table_find(const void *block)
{
	struct bp_slab *slab;

	/* There is no table before a built-in bytepool has started. */
	if (unlikely(!bp_gc_wq))
		return NULL;
	slab = bp_table_lookup((unsigned long)block);
	return likely(slab) ? slab : bp_table_find_pending((unsigned long)block);
}

/*
 * Remove the slab from the table or from the list of pending slabs.
 * Context: May sleep.
 */
static inline void bp_table_remove(struct bp_slab *slab)
{
	/* Pairs with smp_store_release() in table_pending_work_fn(): @hashed is final. */
	if (smp_load_acquire(&slab->pending))
		bp_table_remove_pending(slab);
	if (slab->hashed)
		rhashtable_remove_fast(&bp_table, &slab->node, bp_table_params);
}

#endif /* _BP_TABLE_H */
