/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A memo: each CPU remembers where the table found the blocks that it freed
 * last, so that the next free of one of them needs no lookup.
 */
#ifndef _BP_MEMO_H
#define _BP_MEMO_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/hash.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "types.h"

/*
 * A memo has two entries for each of these places, and takes 16 KiB on a 64-bit
 * machine: enough for blocks on their way from CPU to CPU.
 */
#define BP_MEMO_BITS	8
#define BP_MEMO_PLACES	BIT(BP_MEMO_BITS)

/**
 * struct bp_where - a block that this CPU has freed, and where the table found it
 * @cache: the cache to free it to; bp_closed_cache while the other members are invalid
 * @block: its address
 * @state: its state in @slab
 * @slab: where it lies
 */
struct bp_where {
	struct bp_cache *cache;
	const void *block;
	u8 *state;
	struct bp_slab *slab;
};

/*
 * The memo of a CPU. Its entries are valid only while bp_memo_seen of the CPU
 * equals bp_memo_generation. The generation is incremented when a slab is
 * removed from the table or a cache is closed, at least a grace period before
 * the slab is freed or the cache touched. bytepool_free() may compare the two
 * before the memo is allocated.
 *
 * A memo is read in sections. See memo_writable() for when it may be written.
 */
struct bp_memo {
	struct bp_where at[2][BP_MEMO_PLACES];
};

extern struct bp_memo __percpu *bp_memos;
DECLARE_PER_CPU(long, bp_memo_seen);
extern atomic_long_t bp_memo_generation;

bool bp_memo_refresh(void);
void bp_memo_enter(const struct bp_where *new);
bool bp_memo_find(struct bp_where *where);
int bp_memo_init(void);
void bp_memo_exit(void);

/*
 * Return one of the two places of a block. They are different parts of one
 * product, which spreads addresses that are far apart as well as those that are
 * near.
 */
static __always_inline u32 bp_memo_place(const void *block, unsigned int which)
{
	unsigned long hash = (unsigned long)block * GOLDEN_RATIO_32;

	if (!which)
		return (u32)hash >> (32 - BP_MEMO_BITS);
	return hash >> (BITS_PER_LONG == 64 ? 32 : 16) & (BP_MEMO_PLACES - 1);
}

/*
 * Find the entry of a block. Return false if there is none.
 * Context: Section.
 */
static __always_inline bool bp_memo_locate(const void *block, struct bp_where __percpu **where)
{
	*where = &bp_memos->at[0][bp_memo_place(block, 0)];
	if (likely(raw_cpu_read((*where)->block) == block))
		return true;
	*where = &bp_memos->at[1][bp_memo_place(block, 1)];
	return raw_cpu_read((*where)->block) == block;
}

/* Return true if the entries of this CPU are valid, for the rest of the section. */
static __always_inline bool bp_memo_current(void)
{
	return likely(raw_cpu_read(bp_memo_seen) == atomic_long_read(&bp_memo_generation));
}

/*
 * Invalidate all memos: no section that begins after the next grace period uses
 * what they hold now. The caller has removed a slab from the table or closed a
 * cache, and waits for a grace period before it frees the slab or touches the
 * cache.
 */
static inline void bp_memo_forget(void)
{
	/* Pairs with smp_rmb() in bp_memo_refresh(). */
	smp_mb__before_atomic();
	atomic_long_inc(&bp_memo_generation);
}

#endif /* _BP_MEMO_H */
