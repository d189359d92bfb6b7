// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memos: where the table found the pages of the blocks that a CPU freed last.
 */
#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/kmemleak.h>
#include <linux/percpu.h>

#include "cache.h"
#include "memo.h"
#include "slab.h"
#include "table.h"
#include "types.h"
#include "wake.h"

struct bp_cache bp_no_cache[PAGE_SHIFT + 1] __read_mostly;
struct bp_memo __percpu *bp_memos;
DEFINE_PER_CPU(long, bp_memo_seen);
atomic_long_t bp_memo_generation __read_mostly = ATOMIC_LONG_INIT(1);

/* Drop all entries. Return false before a built-in bytepool has started. */
bool bp_memo_drop(void)
{
	struct bp_memo *memo = this_cpu_ptr(bp_memos);
	long generation = atomic_long_read(&bp_memo_generation);
	unsigned int place;

	if (!bp_gc_wq)
		return false;
	for (place = 0; place < BP_MEMO_PLACES; place++) {
		memo->at[0][place].cache = &bp_closed_cache;
		memo->at[1][place].cache = &bp_closed_cache;
	}
	/*
	 * Pairs with smp_mb__before_atomic() in bp_memo_forget(): later lookups
	 * see the changes that preceded it.
	 */
	smp_rmb();
	raw_cpu_write(bp_memo_seen, generation);
	return true;
}

/*
 * Remember the page of a block, whose blocks go to @cache. The block must have been
 * looked up after bp_memo_refresh() returned true. If other pages have both places, displace
 * them by turns. A CPU that frees blocks of too many pages in a cycle then keeps some of these
 * pages in its memo.
 * Context: Section.
 */
void bp_memo_enter(const struct bp_where *where, struct bp_cache *cache)
{
	unsigned long address = (unsigned long)where->block;
	unsigned long page = address & PAGE_MASK;
	unsigned long pfn = address >> PAGE_SHIFT;
	struct bp_memo *memo = this_cpu_ptr(bp_memos);
	struct bp_memo_entry *entry = &memo->at[0][bp_memo_place(pfn, 0)];
	struct bp_memo_entry *other = &memo->at[1][bp_memo_place(pfn, 1)];

	if (entry->cache != &bp_closed_cache && entry->page != page &&
	    (other->cache == &bp_closed_cache || other->page == page || memo->turn++ % 2))
		entry = other;
	/* Compiler barriers are enough, because only interrupts of this CPU can read it. */
	entry->cache = &bp_closed_cache;
	barrier();
	entry->page = page;
	entry->state = where->state - bp_granule(address & ~PAGE_MASK, cache->shift);
	entry->slab = where->slab;
	barrier();
	entry->cache = cache;
}

/*
 * Fill in @where for its @block from the table. Return false if no block of any
 * pool starts there. @slab is set even if the address is inside a block.
 * Context: Section.
 */
bool bp_where_look_up(struct bp_where *where)
{
	where->slab = bp_table_find(where->block);
	where->state = where->slab ? bp_block_state(where->slab, where->block) : NULL;
	return where->state;
}

int __init bp_memo_init(void)
{
	unsigned int shift;

	for (shift = 0; shift <= PAGE_SHIFT; shift++) {
		bp_no_cache[shift] = (struct bp_cache){
			.pool = BP_CACHE_BUSY, .shift = shift, .page_granules = PAGE_SIZE >> shift,
		};
	}
	bp_memos = alloc_percpu(struct bp_memo);
	if (!bp_memos)
		return -ENOMEM;
	kmemleak_free_percpu(bp_memos);	/* their entries are no references to blocks */
	return 0;
}

void bp_memo_exit(void)
{
	free_percpu(bp_memos);
}
