/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Publishing a slab, and its death.
 *
 * CPU 1 makes a slab that does not get into the table: slab_register(). The work
 * on CPU 0 puts it there: orphans_work_fn(). Then CPU 1 gives the slab back while
 * that may not be over yet: slab_unregister(), lookaside_forget(), and after a
 * grace period kfree_rcu()'s end. CPU 2 has a block of it first, frees that, and
 * frees it again: slab_find(), slab_find_slow(); with what its look-aside
 * remembers, too: lookaside_current(), lookaside_refresh().
 *
 * A block that is in use is found wherever the slab is on its way; no descriptor
 * is looked at before it is complete nor after it was freed; and when it is freed
 * it is neither in the table nor on the list.
 *
 * Abstracted: rhashtable and the list are one word each, that leads to the
 * descriptor, which is stored to by rcu_assign_pointer() or smp_store_release()
 * there, and the lock of the bucket and that of the list are not needed then.
 *
 * Wrong:
 *	WRONG_NO_WMB: orphans_work_fn() without smp_wmb()
 *	WRONG_NO_RMB: slab_find_slow() without smp_rmb()
 *	WRONG_TABLE_ONCE: slab_find_slow() does not look into the table again
 *	WRONG_NO_RELEASE: slab->orphan is cleared by a plain store
 *	WRONG_NO_ACQUIRE: slab->orphan is read by a plain load in slab_unregister()
 *	WRONG_NO_MUTEX: slab_unregister() does not take orphans_mutex
 *	WRONG_NO_ORPHAN: slab_register() does not set slab->orphan
 *	WRONG_LIST_FORGOTTEN: slab_unregister() leaves the slab on the list
 *	WRONG_NO_FORGET: no lookaside_forget()
 *	WRONG_EARLY_FORGET: lookaside_forget() before slab_unregister()
 *	WRONG_LATE_FORGET: lookaside_forget() after the grace period
 *	WRONG_NO_MB_IN_FORGET: without smp_mb__before_atomic()
 *	WRONG_NO_RMB_IN_REFRESH: lookaside_refresh() without smp_rmb()
 *	WRONG_NO_GRACE_PERIOD: kfree() instead of kfree_rcu()
 *	WRONG_NO_SECTION: slab_find() with preemption on
 */
#define NR_CPUS	3
#define NR_VARS	7
#define TABLE	0	/* leads to the slab */
#define LIST	1	/* leads to it, through its orphan */
#define SLAB	2	/* its descriptor is complete */
#define ORPHAN	3	/* slab->orphan */
#define HASHED	4	/* slab->hashed */
#define MUTEX	5	/* orphans_mutex */
#define AGE	6	/* lookaside_age */

#include "memory.pml"

#define FREES	3

bool in_use;		/* the reader has a block of the slab */
bool idle;		/* all blocks of the slab are */
bool freed;		/* its descriptor is */
byte done;

proctype work()
{
	byte cpu, x;

	/* It may have been queued for another orphan. */
	memory[LIST] || idle;
	atomic { lock(MUTEX); load(x, LIST) }
	if
	:: x ->
		/* slab_hash() */
		smp_store_release(TABLE, 1);
		store(HASHED, 1);
#ifndef WRONG_NO_WMB
		smp_wmb();
#endif
		/* orphan_remove() */
		store(LIST, 0);
#ifdef WRONG_NO_RELEASE
		store(ORPHAN, 0)
#else
		smp_store_release(ORPHAN, 0)
#endif
	:: else
	fi;
	unlock(MUTEX);
	done++
}

inline lookaside_forget()
{
#ifndef WRONG_NO_MB_IN_FORGET
	smp_mb();
#endif
	atomic_inc(AGE)
}

inline slab_register()
{
	store(SLAB, 1);
#ifndef WRONG_NO_ORPHAN
	store(ORPHAN, 1);
#endif
	smp_store_release(LIST, 1)
}

inline slab_unregister()
{
	is_early = false;
#ifdef WRONG_NO_ACQUIRE
	early(HASHED);
#endif
	load(x, ORPHAN);
	if
	:: x ->
		smp_rmb();
#ifndef WRONG_NO_MUTEX
		lock(MUTEX);
#endif
		load(x, LIST);
		if
#ifndef WRONG_LIST_FORGOTTEN
		:: x -> store(LIST, 0)
#endif
		:: else
		fi;
#ifndef WRONG_NO_MUTEX
		unlock(MUTEX)
#endif
	:: else
	fi;
	late(x, HASHED);
	if
	:: x -> store(TABLE, 0)
	:: else
	fi
}

proctype owner()
{
	byte cpu = 1;
	byte x, other, early_value;
	bool is_early;

	slab_register();
	/* The block gets to the reader, in order. */
	smp_mb();
	in_use = true;

	idle;
#ifdef WRONG_EARLY_FORGET
	lookaside_forget();
#endif
	slab_unregister();
#if !defined(WRONG_EARLY_FORGET) && !defined(WRONG_NO_FORGET) && !defined(WRONG_LATE_FORGET)
	lookaside_forget();
#endif
#ifndef WRONG_NO_GRACE_PERIOD
	synchronize_rcu();
#endif
	freed = true;
#ifdef WRONG_LATE_FORGET
	lookaside_forget();
#endif
	done++
}

/* Looks at the descriptor. */
inline look()
{
	atomic { load(x, SLAB); assert(x && !freed) }
}

/* The order of loads is that of look_find() and of lookaside_refresh(), slab_find(). */
inline free_block()
{
#ifndef WRONG_NO_SECTION
	section_enter();
#endif
	early(TABLE);
	load(x, AGE);
	if
	:: x == lookaside_age && remembered ->
		smp_rmb();
		found = true
	:: else ->
		if
		:: lookaside_age != x ->
			remembered = false;
#ifndef WRONG_NO_RMB_IN_REFRESH
			smp_rmb();
#endif
			lookaside_age = x
		:: else
		fi;
		late(found, TABLE);
		if
		:: !found ->
#ifndef WRONG_TABLE_ONCE
			early(TABLE);
#endif
			load(found, LIST);
			if
			:: !found ->
#ifndef WRONG_NO_RMB
				smp_rmb();
#endif
#ifndef WRONG_TABLE_ONCE
				late(found, TABLE)
#endif
			:: else -> smp_rmb()
			fi
		:: else
		fi;
		remembered = found
	fi;
	assert(found || !owned);
	if
	:: found -> look()
	:: else
	fi;
	/* The state was claimed: the block goes to the depot, under its lock. */
	if
	:: owned -> atomic { owned = false; in_use = false; idle = true }
	:: else
	fi;
#ifndef WRONG_NO_SECTION
	section_exit()
#endif
}

proctype reader()
{
	byte cpu = 2;
	byte x, nr, lookaside_age, early_value;
	bool is_early, remembered, found, owned;

	atomic { in_use -> owned = true }
	for (nr : 1 .. FREES) {
		free_block()
	}
	done++
}

init {
	atomic {
		run commits(0);
		run commits(1);
		run commits(2);
		run work();
		run owner();
		run reader()
	}
	done == 3 && !buffer[0].pending && !buffer[1].pending && !buffer[2].pending;
	assert(!memory[TABLE] && !memory[LIST])
}
