/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Adding a slab to the table, and freeing the slab.
 *
 * CPU 1 creates a slab that cannot enter the table at once: slab_register(). A
 * work item on CPU 0 adds it to the table: orphans_work_fn(). CPU 1 frees the
 * slab, perhaps before the work item is done: slab_unregister(),
 * lookaside_forget(), and, after a grace period, the end of kfree_rcu(). Before
 * the slab is freed, CPU 2 has a block of it. CPU 2 frees the block, and frees
 * it again: slab_find(), slab_find_slow(). It also finds the slab by its memo:
 * lookaside_current(), lookaside_refresh().
 *
 * A block in use is found even while its slab is pending. No descriptor is read
 * before it is complete, or after it was freed. When a descriptor is freed, it
 * is neither in the table nor on the list of pending slabs.
 *
 * Abstracted: rhashtable and the list are one word each, and the word points to the
 * descriptor. rcu_assign_pointer() or smp_store_release() writes it. So the
 * locks of the bucket and of the list are not needed.
 *
 * Wrong:
 *	WRONG_NO_WMB: orphans_work_fn() without smp_wmb()
 *	WRONG_NO_RMB: slab_find_slow() without smp_rmb()
 *	WRONG_TABLE_ONCE: slab_find_slow() does not search the table again
 *	WRONG_NO_RELEASE: slab->orphan is cleared by a plain store
 *	WRONG_NO_ACQUIRE: slab->orphan is read by a plain load in slab_unregister()
 *	WRONG_NO_MUTEX: slab_unregister() does not take orphans_mutex
 *	WRONG_NO_ORPHAN: slab_register() does not set slab->orphan
 *	WRONG_LIST_FORGOTTEN: slab_unregister() leaves the slab on the list
 *	WRONG_NO_FORGET: no lookaside_forget()
 *	WRONG_EARLY_FORGET: lookaside_forget() before slab_unregister()
 *	WRONG_LATE_FORGET: lookaside_forget() after the grace period
 *	WRONG_NO_MB_IN_FORGET: lookaside_forget() without smp_mb__before_atomic()
 *	WRONG_NO_RMB_IN_REFRESH: lookaside_refresh() without smp_rmb()
 *	WRONG_NO_GRACE_PERIOD: kfree() instead of kfree_rcu()
 *	WRONG_NO_SECTION: slab_find() with preemption enabled
 */
#define NR_CPUS	3
#define NR_VARS	7
#define TABLE	0	/* points to the slab */
#define LIST	1	/* points to the slab while it is pending */
#define SLAB	2	/* the descriptor of the slab is complete */
#define ORPHAN	3	/* slab->orphan */
#define HASHED	4	/* slab->hashed */
#define MUTEX	5	/* orphans_mutex */
#define AGE	6	/* lookaside_age */

#include "memory.pml"

#define FREES	3

bool in_use;		/* the reader has a block of the slab */
bool idle;		/* all blocks of the slab are idle */
bool freed;		/* the descriptor of the slab is freed */
byte done;

proctype work()
{
	byte cpu, x;

	/* The work item may have been queued for another pending slab. */
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
	/* The reader gets the block after a full barrier. */
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

/* Read the descriptor. */
inline look()
{
	atomic { load(x, SLAB); assert(x && !freed) }
}

/*
 * The loads are in the order of look_find(), and of lookaside_refresh() and
 * slab_find().
 */
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
	/* The state was claimed. Put the block into the depot, under the depot's lock. */
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
