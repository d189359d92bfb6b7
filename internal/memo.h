/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A memo: what a CPU remembers of the blocks that it freed last, so that the next
 * free of one needs neither the table nor the slab.
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
 * What a CPU remembers of blocks, two for each of these places, takes 16 KiB on a
 * 64-bit machine: room for what is on its way from CPU to CPU.
 */
#define BP_MEMO_BITS	8
#define BP_MEMO_PLACES	BIT(BP_MEMO_BITS)

/**
 * struct bp_where - a block that this CPU has freed, and what the table said of it
 * @cache: where to free it; bp_closed_cache while the rest is not to be relied on
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
 * The memo of a CPU. What is in it was true when bp_memo_generation was its
 * bp_memo_seen, which bytepool_free() may read before there is a memo.
 * The age goes up when a slab has died or a cache was closed, a grace period
 * before the one is freed or the other touched.
 * Read in sections; see memo_writable() for who writes them.
 */
struct bp_memo {
	struct bp_where at[2][BP_MEMO_PLACES];
};

extern struct bp_memo __percpu *bp_memos;
DECLARE_PER_CPU(long, bp_memo_seen);
extern atomic_long_t bp_memo_generation;

void bp_memo_forget(void);
bool bp_memo_refresh(void);
void bp_memo_enter(const struct bp_where *new);
bool bp_memo_find(struct bp_where *where);
int bp_memo_init(void);
void bp_memo_exit(void);

/*
 * A block has two places, by different parts of a product that spreads addresses
 * that are far apart as well as those that are near.
 */
static __always_inline u32 bp_memo_place(const void *block, unsigned int which)
{
	unsigned long hash = (unsigned long)block * GOLDEN_RATIO_32;

	if (!which)
		return (u32)hash >> (32 - BP_MEMO_BITS);
	return hash >> (BITS_PER_LONG == 64 ? 32 : 16) & (BP_MEMO_PLACES - 1);
}

/* Whether this CPU remembers the block, and where. Section. */
static __always_inline bool bp_memo_locate(const void *block, struct bp_where __percpu **where)
{
	*where = &bp_memos->at[0][bp_memo_place(block, 0)];
	if (likely(raw_cpu_read((*where)->block) == block))
		return true;
	*where = &bp_memos->at[1][bp_memo_place(block, 1)];
	return raw_cpu_read((*where)->block) == block;
}

/* Whether what this CPU remembers is true, for the rest of the section. */
static __always_inline bool bp_memo_current(void)
{
	return likely(raw_cpu_read(bp_memo_seen) == atomic_long_read(&bp_memo_generation));
}

#endif /* _BP_MEMO_H */
