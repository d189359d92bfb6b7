/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Closing the cache of another CPU: class_close(), a grace period, class_drain().
 *
 * CPU 0 has a cache. In bp_cache_alloc(), bp_free_fast() and cache_free(), it uses
 * the cache in a section, without a lock. In depot_alloc() and depot_free(), it
 * uses the cache under the depot's lock. An interrupt does the same once, at
 * any point. CPU 0 finds its cache by the open pointer, or by its memo, which
 * bp_memo_current(), bp_memo_refresh() and bp_memo_writable() keep valid.
 * CPU 1 runs the passes.
 *
 * There are three blocks. However many of them a pass takes, each block is in
 * one place at any time, and no section uses the cache while a pass empties it.
 *
 * Abstracted: The two magazines of the cache are one set. The slabs and the magazines
 * of the depot are another, because moves between them are made under the lock. The
 * memo is one entry, which stands for the page of each block. The passes are one
 * process, because gc_lock serialises them: one closes the cache, and any later one
 * drains it when its mark tells that the grace period is over. The ages of blocks are not
 * modelled, so that a pass may want any blocks. trim.pml has ages.
 *
 * Wrong:
 *	WRONG_MARK_IGNORED: class_drain() does not look at the mark of the cache
 *	WRONG_EARLY_MARK: class_close() takes the mark before bp_memo_forget()
 *	WRONG_OLD_MARK: class_close() keeps the mark of an earlier pass
 *	WRONG_NO_RELEASE: the cache is opened by a plain store (bp_cache_set_open())
 *	WRONG_NO_FORGET: class_close() without bp_memo_forget()
 *	WRONG_LATE_FORGET: bp_memo_forget() after the grace period
 *	WRONG_NO_MB_IN_FORGET: bp_memo_forget() without smp_mb__before_atomic()
 *	WRONG_NO_RMB_IN_REFRESH: bp_memo_refresh() without smp_rmb()
 *	WRONG_DRAIN_IGNORED: bp_depot_this_cpu_cache() does not check drain
 *	WRONG_NOT_BUSY: bp_cache_enter() leaves the cache open for interrupts
 *	WRONG_IRQ_REFRESHES: bp_memo_writable() is always true
 *	WRONG_NO_SECTION: bp_free_fast() with preemption enabled
 */
#define NR_CPUS	2
#define NR_VARS	6
#define OPEN	0	/* the open pointer: the cache, or bp_closed_cache, which is 0 */
#define BLOCKS	1	/* in the cache, one bit per block */
#define OWNED	2	/* cache->drain is not BP_DRAIN_NONE */
#define AGE	3	/* bp_memo_generation */
#define LOCK	4	/* the lock of the depot */
#define DEPOT	5	/* in the depot, one bit per block */

#include "memory.pml"

#define OPS	2	/* operations of the task */
#define STEPS	4	/* of passes: the cache is closed and drained twice */
#define ALL	7	/* all blocks */

bool busy;		/* cache->pool is BP_CACHE_BUSY */
bool remembered;	/* the memo refers to the cache */
byte memo_seen;	/* the generation for which the memo is valid */

byte held;		/* blocks in use */
byte inside;		/* users of the cache without the lock */
bool irqs_off;		/* on CPU 0 */
bool grace;		/* the grace period of cache->grace is not over */
bool in_irq;
byte done;

/*
 * Steps that no other process can tell apart are atomic. So is code under the
 * lock, because each of its stores is seen only when it is committed.
 */

#define lowest(set)	((set) & 1 -> 1 : ((set) & 2 -> 2 : (set) & 4))

/* Use the magazines. The cache is busy, or the lock is held. */
inline push()
{
	atomic { load(x, BLOCKS); assert(!(x & block)) };
	atomic { store(BLOCKS, x | block); block = 0 }
}

inline pop()
{
	atomic { load(x, BLOCKS); block = lowest(x) };
	store(BLOCKS, x & ~block)
}

inline bp_cache_enter()
{
	atomic {
		entered = !busy;
		inside = inside + entered;
#ifndef WRONG_NOT_BUSY
		busy = true
#endif
	}
}

inline bp_cache_leave()
{
	atomic { inside = inside - 1; busy = false }
}

/* Call with LOCK held. */
inline bp_depot_this_cpu_cache()
{
	load(owned, OWNED);
#ifdef WRONG_DRAIN_IGNORED
	owned = false;
#endif
	own = !owned && !busy
}

inline bp_cache_alloc()
{
	atomic {
		bp_section_enter();
		load(x, OPEN);
		entered = false;
		if
		:: x -> bp_cache_enter()
		:: else
		fi
	}
	if
	:: entered -> pop(); bp_cache_leave()
	:: else
	fi;
	bp_section_exit()
}

/*
 * Take a block from the CPU's cache. If it has none, take one from the depot, and
 * move the others there to the cache.
 */
inline depot_alloc()
{
	bp_section_enter();
	atomic {
		irqs_off = true;
		lock(LOCK);
		bp_depot_this_cpu_cache();
		load(d, DEPOT);
		x = 0;
		if
		:: own -> load(x, BLOCKS)
		:: else
		fi;
		if
		:: x -> block = lowest(x); x = x & ~block
		:: else ->
			block = lowest(d);
			d = d & ~block;
			if
			:: own -> x = d; d = 0
			:: else
			fi;
			store(DEPOT, d)
		fi;
		if
		:: own -> store(BLOCKS, x)
		:: else
		fi;
		if
		:: x -> smp_store_release(OPEN, 1)
		:: else
		fi;
		unlock(LOCK);
		irqs_off = false;
		bp_section_exit()
	}
}

inline bp_free_fast()
{
	atomic {
#ifndef WRONG_NO_SECTION
		bp_section_enter();
#endif
		load(x, AGE);
		entered = false;
		if
		:: x == memo_seen && remembered -> bp_cache_enter()
		:: else
		fi
	}
	if
	:: entered -> push(); bp_cache_leave()
	:: else
	fi;
#ifndef WRONG_NO_SECTION
	bp_section_exit()
#endif
}

inline bp_memo_refresh()
{
	early(OPEN);
	atomic {
		load(x, AGE);
		writable = is_task || section[cpu] == 1;
#ifdef WRONG_IRQ_REFRESHES
		writable = true;
#endif
	}
	if
	:: writable && memo_seen != x ->
		remembered = false;
#ifndef WRONG_NO_RMB_IN_REFRESH
		smp_rmb();
#endif
		memo_seen = x
	:: else
	fi
}

inline depot_free()
{
	atomic {
		irqs_off = true;
		lock(LOCK);
		bp_depot_this_cpu_cache();
		if
		:: own ->
			load(x, BLOCKS);
			assert(!(x & block));
			store(BLOCKS, x | block);
			smp_store_release(OPEN, 1)
		:: else ->
			load(d, DEPOT);
			store(DEPOT, d | block)
		fi;
		block = 0;
		unlock(LOCK);
		irqs_off = false
	}
	/* bp_memo_enter() */
	if
	:: own && writable -> remembered = true
	:: else
	fi
}

inline free_looked_up()
{
	bp_section_enter();
	bp_memo_refresh();
	atomic {
		late(x, OPEN);
		entered = false;
		if
		:: x -> bp_cache_enter()
		:: else
		fi
	}
	if
	:: entered ->
		push();
		bp_cache_leave();
		/* bp_memo_enter() */
		if
		:: writable -> remembered = true
		:: else
		fi
	:: else ->
		depot_free()
	fi;
	bp_section_exit()
}

inline use()
{
	if
	:: bp_cache_alloc();
		if
		:: !block -> depot_alloc()
		:: else
		fi;
		atomic {
			assert(!(held & block));
			held = held | block;
			block = 0
		}
	:: atomic { held -> block = lowest(held); held = held & ~block };
		bp_free_fast();
		if
		:: block -> free_looked_up()
		:: else
		fi
	fi;
	atomic { x = 0; d = 0; own = false; owned = false; writable = false; entered = false }
}

proctype task() provided (!in_irq)
{
	byte cpu, x, d, block, early_value, nr;
	bool entered, own, owned, writable, is_early;
	bool is_task = true;

	for (nr : 1 .. OPS) {
		use()
	}
	done++
}

proctype irq()
{
	byte cpu, x, d, block, early_value;
	bool entered, own, owned, writable, is_early, is_task;

	atomic { !irqs_off -> in_irq = true }
	use();
	atomic { in_irq = false; done++ }
}

inline bp_memo_forget()
{
#ifndef WRONG_NO_MB_IN_FORGET
	smp_mb();
#endif
	atomic_inc(AGE)
}

/* A mark, and a grace period after it: CPU 0 is outside of any section once. */
inline start_poll_synchronize_rcu()
{
	atomic { smp_mb() -> grace = true }
}

proctype rcu()
{
end:
	do
	:: atomic { grace && section[0] == 0 && buffer[0].pending == 0 -> grace = false }
	od
}

inline class_close()
{
	atomic {
		lock(LOCK);
		store(OWNED, 1);
		smp_store_release(OPEN, 0);
		unlock(LOCK)
	}
#ifdef WRONG_EARLY_MARK
	start_poll_synchronize_rcu();
#endif
#if !defined(WRONG_NO_FORGET) && !defined(WRONG_LATE_FORGET)
	bp_memo_forget();
#endif
#if defined(WRONG_OLD_MARK)
	if
	:: step == 1 -> start_poll_synchronize_rcu()
	:: else
	fi
#elif !defined(WRONG_EARLY_MARK)
	start_poll_synchronize_rcu()
#endif
}

inline class_drain()
{
	select(want : 0 .. ALL);
	atomic {
		lock(LOCK);
		assert(!inside);
		load(x, BLOCKS);
		load(d, DEPOT);
		store(DEPOT, d | (x & want));
		store(BLOCKS, x & ~want);
		store(OWNED, 0);
		if
		:: x & ~want ->
#ifdef WRONG_NO_RELEASE
			store(OPEN, 1)
#else
			smp_store_release(OPEN, 1)
#endif
		:: else
		fi;
		unlock(LOCK);
		x = 0;
		d = 0;
		want = 0
	}
}

/* The passes: the odd steps close the cache, and the even ones drain it. */
proctype passes()
{
	byte cpu = 1;
	byte x, d, want, step;

	for (step : 1 .. STEPS) {
		if
		:: step & 1 -> class_close()
		:: else ->
#ifndef WRONG_MARK_IGNORED
			!grace;
#endif
#ifdef WRONG_LATE_FORGET
			bp_memo_forget();
#endif
			class_drain()
		fi
	}
	done++
}

init {
	atomic {
		held = ALL;
		/* The cache is open, and empty. */
		memory[OPEN] = 1;
		run commits(0);
		run commits(1);
		run task();
		run irq();
		run rcu();
		run passes()
	}
	done == 3 && !buffer[0].pending && !buffer[1].pending;
	assert((held | memory[BLOCKS] | memory[DEPOT]) == ALL);
	assert(held + memory[BLOCKS] + memory[DEPOT] == ALL)
}
