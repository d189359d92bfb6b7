/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A memo: where the table found the pages of the blocks that a CPU freed last. The
 * next free of a block in one of these pages needs no lookup.
 */
#ifndef _BP_MEMO_H
#define _BP_MEMO_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/types.h>

#include "size_class.h"
#include "types.h"

/* A memo has two entries for each of these places, and takes 16 KiB on a 64-bit machine. */
#define BP_MEMO_BITS	8
#define BP_MEMO_PLACES	BIT(BP_MEMO_BITS)

/**
 * struct bp_memo_entry - a page of blocks
 * @cache: the cache to free them to, or bp_no_cache; bp_closed_cache while the other members
 *	are invalid
 * @page: its address
 * @state: the state of its first granule
 * @slab: the slab that it is part of
 */
struct bp_memo_entry {
	struct bp_cache *cache;
	unsigned long page;
	u8 *state;
	struct bp_slab *slab;
};

/**
 * struct bp_where - where a block is
 * @block: its address
 * @slab: the slab that it lies in
 * @state: its state in @slab
 * @cache: the cache that the memo has for its page; NULL if it was not found there
 */
struct bp_where {
	const void *block;
	struct bp_slab *slab;
	u8 *state;
	struct bp_cache *cache;
};

/*
 * In an entry of a memo, bp_no_cache[shift] says that the blocks of the page go to their depot.
 * It is always busy, so that the slow path frees them. Its @shift is @shift.
 */
extern struct bp_cache bp_no_cache[PAGE_SHIFT + 1];

/*
 * The memo of a CPU. Its entries are valid only while bp_memo_seen of the CPU
 * equals bp_memo_generation. The generation is incremented when a slab is
 * removed from the table or a cache is closed. Only a grace period later, the
 * descriptor of the slab is freed, or the cache is touched by others than its CPU.
 * bytepool_free() may compare the two numbers before the memo is allocated.
 *
 * A memo is read in sections. See bp_memo_writable() for when it may be written.
 */
struct bp_memo {
	struct bp_memo_entry at[2][BP_MEMO_PLACES];
	u32 turn;	/* see bp_memo_enter() */
};

extern struct bp_memo __percpu *bp_memos;
DECLARE_PER_CPU(long, bp_memo_seen);
extern atomic_long_t bp_memo_generation;

bool bp_memo_drop(void);
void bp_memo_enter(const struct bp_where *where, struct bp_cache *cache);
bool bp_where_look_up(struct bp_where *where);
int bp_memo_init(void);
void bp_memo_exit(void);

/*
 * Return one of the two places of a page, whose number is @pfn. They are different
 * parts of one product, which spreads near pages as well as distant ones.
 */
static __always_inline u32 bp_memo_place(unsigned long pfn, unsigned int which)
{
	unsigned long hash = pfn * GOLDEN_RATIO_32;

	if (!which)
		return (u32)hash >> (32 - BP_MEMO_BITS);
	return hash >> (BITS_PER_LONG == 64 ? 32 : 16) & (BP_MEMO_PLACES - 1);
}

/*
 * Return true if the entry has the page of the block. Set *@cache to its cache, and
 * *@granule to the granule of the page in which the block starts. A single comparison
 * tells, because the result of bp_granule() is huge for another page, too.
 */
static __always_inline bool bp_memo_hit(struct bp_memo_entry __percpu *entry,
					const void *block, struct bp_cache **cache,
					unsigned long *granule)
{
	*cache = raw_cpu_read(entry->cache);
	*granule = bp_granule((unsigned long)block ^ raw_cpu_read(entry->page), (*cache)->shift);
	return *granule < (*cache)->page_granules;
}

/*
 * Find the entry of the page of a block. Return false if there is none, or if no
 * granule starts there.
 * Context: Section.
 */
static __always_inline bool bp_memo_locate(const void *block,
					   struct bp_memo_entry __percpu **entry,
					   struct bp_cache **cache, unsigned long *granule)
{
	unsigned long pfn = (unsigned long)block >> PAGE_SHIFT;

	*entry = &bp_memos->at[0][bp_memo_place(pfn, 0)];
	/* Have the compiler keep the sum, not its parts. */
	OPTIMIZER_HIDE_VAR(*entry);
	if (likely(bp_memo_hit(*entry, block, cache, granule)))
		return true;
	/* Compute the product and read bp_memos again, which takes fewer registers. */
	OPTIMIZER_HIDE_VAR(pfn);
	barrier();
	*entry = &bp_memos->at[1][bp_memo_place(pfn, 1)];
	return bp_memo_hit(*entry, block, cache, granule);
}

/* Return true if the entries of this CPU are valid, for the rest of the section. */
static __always_inline bool bp_memo_current(void)
{
	return likely(raw_cpu_read(bp_memo_seen) == atomic_long_read(&bp_memo_generation));
}

/*
 * Return true if no interrupted section on this CPU can be in the middle of an
 * update of the memo. A task interrupts no section, and neither does an
 * interrupt that was taken with preemption enabled.
 * Context: Section.
 */
static inline bool bp_memo_writable(void)
{
	return in_task() || (IS_ENABLED(CONFIG_PREEMPT_COUNT) &&
			     (preempt_count() & PREEMPT_MASK) == PREEMPT_OFFSET);
}

/*
 * Drop invalid entries. Return true if entries may be added.
 * Context: Section.
 */
static inline bool bp_memo_refresh(void)
{
	return bp_memo_writable() && (bp_memo_current() || bp_memo_drop());
}

/*
 * Fill in @where for its @block from the memo, if the memo has the page of the block, and a granule
 * starts there.
 * Context: Section.
 */
static inline void bp_memo_find(struct bp_where *where)
{
	struct bp_memo_entry __percpu *entry;
	struct bp_cache *cache;
	unsigned long granule;

	if (!bp_memo_current() || !bp_memo_locate(where->block, &entry, &cache, &granule))
		return;
	where->slab = raw_cpu_read(entry->slab);
	where->state = raw_cpu_read(entry->state) + granule;
	where->cache = cache;
}

/*
 * Invalidate all memos. The caller has removed a slab from the table or closed a
 * cache. The descriptor must not be freed, or the cache touched by others than its CPU, before
 * the end of a grace period that begins after this call.
 */
static inline void bp_memo_forget(void)
{
	/* Pairs with smp_rmb() in bp_memo_drop(). */
	smp_mb__before_atomic();
	atomic_long_inc(&bp_memo_generation);
}

#endif /* _BP_MEMO_H */
