// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memos: where the table found the blocks that a CPU freed last.
 */
#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/kmemleak.h>
#include <linux/percpu.h>
#include <linux/preempt.h>

#include "cache.h"
#include "memo.h"
#include "wake.h"

struct bp_memo __percpu *bp_memos;
DEFINE_PER_CPU(long, bp_memo_seen);
atomic_long_t bp_memo_generation __read_mostly = ATOMIC_LONG_INIT(1);

/*
 * Return true if no interrupted section on this CPU can be in the middle of an
 * update of the memo. A task interrupts no section, and neither does an
 * interrupt that was taken with preemption enabled.
 * Context: Section.
 */
static bool memo_writable(void)
{
	return in_task() || (IS_ENABLED(CONFIG_PREEMPT_COUNT) &&
			     (preempt_count() & PREEMPT_MASK) == PREEMPT_OFFSET);
}

/*
 * Drop invalid entries. Return true if entries may be added.
 * Context: Section.
 */
bool bp_memo_refresh(void)
{
	struct bp_memo *memo = this_cpu_ptr(bp_memos);
	long generation = atomic_long_read(&bp_memo_generation);
	unsigned int place;

	if (!memo_writable())
		return false;
	if (raw_cpu_read(bp_memo_seen) == generation)
		return true;
	if (!bp_gc_wq)
		return false;
	for (place = 0; place < BP_MEMO_PLACES; place++) {
		memo->at[0][place].cache = &bp_closed_cache;
		memo->at[1][place].cache = &bp_closed_cache;
	}
	/*
	 * Pairs with smp_mb__before_atomic() in bp_memo_forget(): later lookups
	 * see what it followed.
	 */
	smp_rmb();
	raw_cpu_write(bp_memo_seen, generation);
	return true;
}

/*
 * Set an entry. Compiler barriers are enough, because only interrupts of this
 * CPU can read it meanwhile.
 */
static void memo_set(struct bp_where *where, const struct bp_where *from)
{
	where->cache = &bp_closed_cache;
	barrier();
	where->block = from->block;
	where->state = from->state;
	where->slab = from->slab;
	barrier();
	where->cache = from->cache;
}

/*
 * Remember @new. It must have been looked up after bp_memo_refresh() returned
 * true. The entry that it displaces moves to its second place.
 * Context: Section.
 */
void bp_memo_enter(const struct bp_where *new)
{
	struct bp_memo *memo = this_cpu_ptr(bp_memos);
	struct bp_where *where = &memo->at[0][bp_memo_place(new->block, 0)];

	if (where->cache != &bp_closed_cache)
		memo_set(&memo->at[1][bp_memo_place(where->block, 1)], where);
	memo_set(where, new);
}

/*
 * Fill in @where for its @block from the memo. Return false if the block is not
 * in it.
 * Context: Section.
 */
bool bp_memo_find(struct bp_where *where)
{
	struct bp_where __percpu *at;

	if (!bp_memo_current() || !bp_memo_locate(where->block, &at) ||
	    raw_cpu_read(at->cache) == &bp_closed_cache)
		return false;
	*where = *this_cpu_ptr(at);
	return true;
}

int __init bp_memo_init(void)
{
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
