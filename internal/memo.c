// SPDX-License-Identifier: GPL-2.0-only
/*
 * A memo: what a CPU remembers of the blocks that it freed last.
 */
#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/percpu.h>
#include <linux/preempt.h>

#include "cache.h"
#include "instrument.h"
#include "memo.h"
#include "wake.h"

struct bp_memo __percpu *bp_memos;
DEFINE_PER_CPU(long, bp_memo_seen);
atomic_long_t bp_memo_generation __read_mostly = ATOMIC_LONG_INIT(1);

/*
 * What is remembered of a slab or by a cache is not true any more: no section
 * that begins after the next grace period believes it. The caller has unhashed
 * the slab, or closed the cache; and lets a grace period pass before it frees the
 * one or reaches into the other.
 */
void bp_memo_forget(void)
{
	/* Pairs with smp_rmb() in bp_memo_refresh(). */
	smp_mb__before_atomic();
	atomic_long_inc(&bp_memo_generation);
}

/*
 * Whether no section that this one interrupted can be amid the memo: a
 * task interrupts none, and where preemption was on, there was none. Section.
 */
static bool memo_writable(void)
{
	return in_task() || (IS_ENABLED(CONFIG_PREEMPT_COUNT) &&
			     (preempt_count() & PREEMPT_MASK) == PREEMPT_OFFSET);
}

/* Forget what is not true any more: whether anything may be entered. Section. */
bool bp_memo_refresh(void)
{
	struct bp_memo *memo = this_cpu_ptr(bp_memos);
	long age = atomic_long_read(&bp_memo_generation);
	unsigned int place;

	if (!memo_writable())
		return false;
	if (raw_cpu_read(bp_memo_seen) == age)
		return true;
	if (!bp_gc_wq)
		return false;
	for (place = 0; place < BP_MEMO_PLACES; place++) {
		memo->at[0][place].cache = &bp_closed_cache;
		memo->at[1][place].cache = &bp_closed_cache;
	}
	/* Pairs with smp_mb__before_atomic() in bp_memo_forget(): look up what is true by now. */
	smp_rmb();
	raw_cpu_write(bp_memo_seen, age);
	return true;
}

/* This CPU's interrupts may read it at any time, so the compiler's order is enough. */
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
 * Remember a block, which was looked up since bp_memo_refresh() allowed it. Who
 * was there goes to its other place. Section.
 */
void bp_memo_enter(const struct bp_where *new)
{
	struct bp_memo *memo = this_cpu_ptr(bp_memos);
	struct bp_where *where = &memo->at[0][bp_memo_place(new->block, 0)];

	if (where->cache != &bp_closed_cache)
		memo_set(&memo->at[1][bp_memo_place(where->block, 1)], where);
	memo_set(where, new);
}

/* What this CPU remembers of a block. Section. */
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
	kmemleak_free_percpu(bp_memos);	/* what they remember are no references */
	return 0;
}

void bp_memo_exit(void)
{
	free_percpu(bp_memos);
}
