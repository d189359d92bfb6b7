/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Caches beside a reserve: bp_cache_may_accept(), bp_class_recall(), bp_class_take_spare(),
 * bp_class_close_if_short().
 *
 * A class has two blocks, of two depots, and a reserve of one. CPU 0 has both blocks,
 * and a cache of depot 0, which may be granted one block. CPU 0 frees one block or both:
 * bp_free_fast(), depot_free(). Or the block of depot 1 is idle from the start, and the
 * cache may be open. CPU 1 takes a block if one is idle, and waits for another, or waits
 * for both at once: bp_class_wait_begin(), class_wait(), bp_class_wait_bulk(),
 * bp_class_wait_end(). The GC drains the cache at any time that its mark permits:
 * class_drain(). Another CPU frees the slab of depot 1 if it is idle: depot_take_oldest().
 *
 * At any time, blocks in the cache <= grants <= blocks - reserve. If no block is idle in a
 * depot after CPU 1 has looked for one, then a block that is freed later does not enter the
 * cache. In the end, no task waits while the blocks that it wants are idle, although a wait
 * times out here only while a closed cache has to wait for its grace period.
 *
 * Abstracted: A cache takes one block. How often the depot has served CPU 0 is
 * left out, so it may be granted blocks at any time. The queue of waiters is as in
 * wait.pml. The memo is left out, see cache.pml, and so is the order of stores to @accepts.
 *
 * Wrong:
 *	WRONG_WAITERS_IGNORED: bp_cache_may_accept() does not check nr_waiters
 *	WRONG_NOT_CHECKED_AGAIN: bp_cache_may_accept() does not look again once @accepts is set
 *	WRONG_KEEPS_OPEN: bp_class_close_if_short() does not close the cache
 *	WRONG_LATE_WAITERS: bp_class_wait_begin() increments nr_waiters after the recall
 *	WRONG_NO_RECALL: bp_class_wait_begin() does not call bp_class_recall()
 *	WRONG_MARK_IGNORED: class_drain() does not look at the mark of the cache
 *	WRONG_NO_POLL: class_wait() does not look again after the grace period
 *	WRONG_NOT_DRAINED: bp_cache_drain() takes the grant and leaves the blocks
 *	WRONG_SPARE_LATE: depot_take_oldest() checks spare, and subtracts from it later
 */
#define NR_CPUS	2
#define NR_VARS	7
#define SPARE	0	/* class->spare */
#define WAITERS	1	/* class->nr_waiters */
#define OPEN	2	/* the open pointer: the cache, or bp_closed_cache, which is 0 */
#define CACHE	3	/* blocks in the cache */
#define DEPOT	4	/* idle blocks in depot 0 */
#define LOCK	5	/* the lock of depot 0 */
#define QUEUE	6	/* class->wait: the waiter is on it */

#include "memory.pml"

#define RESERVE	1

byte blocks = 2;	/* class->nr_blocks */
bool other_lock;	/* the lock of depot 1 */
bool idle;		/* the block of depot 1 is idle; changes under other_lock */
bool gc_lock;
bool drain;		/* cache->drain is not BP_DRAIN_NONE; this and the next change under LOCK */
bool granted;
bool accepts;
bool grace;		/* the grace period of cache->grace is not over */
bool woken;
bool bulk;		/* CPU 1 waits for both blocks at once */
bool served;		/* the waiter has the blocks that it wants */
bool theirs;		/* the block of depot 1 is in use, and CPU 0 frees it */
bool bare;		/* CPU 1 found no idle block left in a depot, and none has come since */

inline check()
{
	assert(granted + RESERVE <= blocks)
}

/* Bind the blocks of a grant or of a slab: bp_class_take_spare(). */
inline take_spare()
{
	atomic {
		taken = memory[SPARE] > 0;
		memory[SPARE] = memory[SPARE] - taken
	}
}

inline swake_up_one()
{
	smp_mb();
	atomic {
		if
		:: memory[QUEUE] -> memory[QUEUE] = 0; woken = true
		:: else
		fi
	}
}

/* Call with LOCK held. */
inline depots_are_bare(result)
{
	load(d, DEPOT);
	result = !d && !idle
}

/* Call with LOCK held. */
inline bp_cache_may_accept()
{
	own = false;
	load(x, WAITERS);
#ifdef WRONG_WAITERS_IGNORED
	x = 0;
#endif
	if
	:: x
	:: !x && accepts -> depots_are_bare(x); own = !x
	:: !x && !accepts	/* the depot has not served the CPU often enough */
	:: !x && !accepts ->
		depots_are_bare(x);
		if
		:: !x ->
			accepts = true;
			smp_mb();
#ifndef WRONG_NOT_CHECKED_AGAIN
			depots_are_bare(x);
#endif
			if
			:: !x && granted -> own = true
			:: !x && !granted -> take_spare(); granted = taken; own = taken; check()
			:: else
			fi;
			accepts = own
		:: else
		fi
	fi
}

/* Call with LOCK held. */
inline bp_depot_this_cpu_cache()
{
	if
	:: drain -> own = false
	:: else -> bp_cache_may_accept()
	fi
}

/* Free the block of depot 0 to the open cache. */
inline bp_free_fast()
{
	was_bare = bare;
	bp_section_enter();
	load(x, OPEN);
	if
	:: x ->
		load(x, CACHE);
		if
		:: !x -> store(CACHE, 1); mine = false; assert(!was_bare)
		:: else
		fi
	:: else
	fi;
	bp_section_exit()
}

inline depot_free()
{
	bp_section_enter();
	lock(LOCK);
	load(waited_for, QUEUE);
	own = false;
	if
	:: !waited_for -> bp_depot_this_cpu_cache()
	:: else
	fi;
	atomic {
		load(d, CACHE);
		if
		:: own && !d ->
			assert(!bare);
			store(CACHE, 1);
			smp_store_release(OPEN, 1)
		:: else ->
			load(d, DEPOT);
			store(DEPOT, d + 1);
			bare = false
		fi;
		mine = false;
		unlock(LOCK)
	}
	if
	:: waited_for -> swake_up_one()
	:: else
	fi;
	bp_section_exit()
}

/* Free the block of depot 1, which the cache does not take. */
inline depot_free_other()
{
	atomic { !other_lock -> load(waited_for, QUEUE); idle = true; theirs = false; bare = false }
	if
	:: waited_for -> swake_up_one()
	:: else
	fi
}

proctype user()
{
	byte cpu, x, d, waited_for;
	bool own, taken, was_bare;
	bool mine = true;

	do
	:: mine ->
		bp_free_fast();
		if
		:: mine -> depot_free()
		:: else
		fi
	:: theirs -> depot_free_other()
	:: !mine || !theirs -> break
	od
}

inline bp_class_close_if_short()
{
	smp_mb();
	load(x, DEPOT);
	if
	:: !x && !idle && accepts -> atomic {
		lock(LOCK);
#ifndef WRONG_KEEPS_OPEN
		if
		:: accepts -> smp_store_release(OPEN, 0); accepts = false
		:: else
		fi;
#endif
		unlock(LOCK)
	}
	:: else
	fi;
	/* After the barrier, a CPU that sees the block also sees the closed cache. */
	atomic { smp_mb() -> load(x, DEPOT); bare = !x && !idle }
}

inline bp_class_alloc_or_grow()
{
	atomic {
		lock(LOCK);
		load(x, DEPOT);
		if
		:: x -> store(DEPOT, x - 1); served = true
		:: else
		fi;
		unlock(LOCK)
	}
	atomic {
		!other_lock;
		if
		:: !served && idle -> idle = false; served = true
		:: else
		fi
	}
	bp_class_close_if_short()
}

proctype rcu()
{
end:
	do
	:: atomic { grace && section[0] == 0 && buffer[0].pending == 0 -> grace = false }
	od
}

/* The recall returns before the grace period is over. */
inline bp_class_recall()
{
	atomic { !gc_lock -> gc_lock = true };
	if
	:: !drain ->
		atomic {
			lock(LOCK);
			drain = true;
			accepts = false;
			smp_store_release(OPEN, 0);
			unlock(LOCK)
		}
		atomic { smp_mb() -> grace = true }
	:: else
	fi;
	gc_lock = false
}

/* Call with gc_lock held. */
inline class_drain()
{
	if
#ifdef WRONG_MARK_IGNORED
	:: drain ->
#else
	:: drain && !grace ->
#endif
		atomic {
			lock(LOCK);
			load(x, CACHE);
#ifndef WRONG_NOT_DRAINED
			load(d, DEPOT);
			d = d + x;
			store(DEPOT, d);
			bare = bare && !d;
			store(CACHE, 0);
			x = 0;
#endif
			memory[SPARE] = memory[SPARE] + granted;
			granted = false;
			drain = false;
			if
			:: x -> smp_store_release(OPEN, 1)
			:: else
			fi;
			unlock(LOCK)
		}
	:: else
	fi
}

inline bp_class_drain_recalled()
{
	atomic { !gc_lock -> gc_lock = true };
	class_drain();
	pending = drain;
	gc_lock = false
}

proctype gc()
{
	byte cpu = 1;
	byte x, d;

end:
	atomic { drain && !grace && !gc_lock -> gc_lock = true };
	class_drain();
	gc_lock = false
}

inline bp_class_wait_begin()
{
#ifndef WRONG_LATE_WAITERS
	atomic_inc(WAITERS);
#endif
#ifndef WRONG_NO_RECALL
	bp_class_recall();
#endif
#ifdef WRONG_LATE_WAITERS
	atomic_inc(WAITERS);
#endif
	skip
}

inline class_wait()
{
	bp_class_drain_recalled();
#ifdef WRONG_NO_POLL
	pending = false;
#endif
	smp_mb();
	atomic { memory[QUEUE] = 1; woken = false }
	atomic { lock(LOCK); load(x, DEPOT); unlock(LOCK) }
	atomic { !other_lock -> x = x + idle }
	if
	:: !x ->
end_asleep:
		woken || (pending && !grace)
	:: else
	fi;
	smp_mb();
	memory[QUEUE] = 0
}

inline bp_class_wait_end()
{
	atomic { smp_mb(); memory[WAITERS] = memory[WAITERS] - 1 }
}

proctype waiter()
{
	byte cpu = 1;
	byte x, d;
	bool pending;

	bp_class_alloc_or_grow();
	/* It takes a block that is idle, and wants the other one. */
	served = false;
	bp_class_alloc_or_grow();
	if
	:: !served ->
		bp_class_wait_begin();
		bp_class_alloc_or_grow();
		do
		:: !served -> class_wait(); bp_class_alloc_or_grow()
		:: else -> break
		od;
		bp_class_wait_end()
	:: else
	fi
}

inline bp_class_wait_bulk()
{
	do
	:: bp_class_drain_recalled();
		if
		:: memory[DEPOT] + idle == 2 -> break
		:: else
		fi;
end_asleep_bulk:
		memory[DEPOT] + idle == 2 || (pending && !grace)
	od
}

/* Both blocks are more than the reserve, so that CPU 0 may have filled its cache again. */
proctype bulk_waiter()
{
	byte cpu = 1;
	byte x, d;
	bool pending;

	bp_class_wait_begin();
	bp_class_wait_bulk();
	served = true;
	bp_class_wait_end()
}

/* depot_take_oldest() */
proctype reaper()
{
	bool taken;

end:
	atomic { idle && !other_lock -> other_lock = true }
#ifdef WRONG_SPARE_LATE
	taken = memory[SPARE] > 0;
	atomic { memory[SPARE] = memory[SPARE] - (taken && memory[SPARE]) }
#else
	take_spare();
#endif
	atomic {
		blocks = blocks - taken;
		idle = !taken;
		other_lock = false;
		check()
	}
}

/* The waiter may sleep for ever only if it wants more blocks than are idle. */
init {
	atomic {
		if
		:: theirs = true; granted = true
		:: idle = true; granted = true; accepts = true; memory[OPEN] = 1
		:: theirs = true
		:: idle = true
		fi;
		memory[SPARE] = !granted;
		run commits(0);
		run commits(1);
		run rcu();
		run user();
		if
		:: run waiter()
		:: bulk = true; run bulk_waiter()
		fi;
		run gc();
		run reaper()
	}
	timeout;
	assert(memory[CACHE] <= granted);
	assert(memory[SPARE] + granted + RESERVE == blocks);
	assert(served || idle + memory[DEPOT] + memory[CACHE] <= bulk)
}
