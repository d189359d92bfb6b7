/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Adding a slab to the table, and freeing the slab.
 *
 * CPU 1 creates a slab that cannot enter the table at once: bp_table_add(). A
 * work item on CPU 0 adds it to the table: table_pending_work_fn(). CPU 1 frees the
 * slab, perhaps before the work item is done: bp_table_remove(),
 * bp_memo_forget(), and, after a grace period, the callback of call_rcu(). Before
 * the slab is freed, CPU 2 has a block of it. CPU 2 frees the block, and frees
 * it again: bp_table_find(), bp_table_find_pending(). It also finds the slab by its memo:
 * bp_memo_current(), bp_memo_refresh().
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
 *	WRONG_NO_WMB: table_pending_work_fn() without smp_wmb()
 *	WRONG_NO_RMB: bp_table_find_pending() without smp_rmb()
 *	WRONG_TABLE_ONCE: bp_table_find_pending() does not search the table again
 *	WRONG_NO_RELEASE: slab->pending is cleared by a plain store
 *	WRONG_NO_ACQUIRE: slab->pending is read by a plain load in bp_table_remove()
 *	WRONG_NO_MUTEX: bp_table_remove() does not take table_pending_mutex
 *	WRONG_NO_PENDING: bp_table_add() does not set slab->pending
 *	WRONG_LIST_FORGOTTEN: bp_table_remove() leaves the slab on the list
 *	WRONG_NO_FORGET: no bp_memo_forget()
 *	WRONG_EARLY_FORGET: bp_memo_forget() before bp_table_remove()
 *	WRONG_LATE_FORGET: bp_memo_forget() after the grace period
 *	WRONG_NO_MB_IN_FORGET: bp_memo_forget() without smp_mb__before_atomic()
 *	WRONG_NO_RMB_IN_REFRESH: bp_memo_refresh() without smp_rmb()
 *	WRONG_NO_GRACE_PERIOD: kfree() instead of call_rcu()
 *	WRONG_NO_SECTION: bp_table_find() with preemption enabled
 */
#define NR_CPUS	3
#define NR_VARS	7
#define TABLE	0	/* points to the slab */
#define LIST	1	/* points to the slab while it is pending */
#define SLAB	2	/* the descriptor of the slab is complete */
#define PENDING	3	/* slab->pending */
#define HASHED	4	/* slab->hashed */
#define MUTEX	5	/* table_pending_mutex */
#define AGE	6	/* bp_memo_generation */

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
		/* table_insert() */
		smp_store_release(TABLE, 1);
		store(HASHED, 1);
#ifndef WRONG_NO_WMB
		smp_wmb();
#endif
		/* table_pending_remove() */
		store(LIST, 0);
#ifdef WRONG_NO_RELEASE
		store(PENDING, 0)
#else
		smp_store_release(PENDING, 0)
#endif
	:: else
	fi;
	unlock(MUTEX);
	done++
}

inline bp_memo_forget()
{
#ifndef WRONG_NO_MB_IN_FORGET
	smp_mb();
#endif
	atomic_inc(AGE)
}

inline bp_table_add()
{
	store(SLAB, 1);
#ifndef WRONG_NO_PENDING
	store(PENDING, 1);
#endif
	smp_store_release(LIST, 1)
}

inline bp_table_remove()
{
	is_early = false;
#ifdef WRONG_NO_ACQUIRE
	early(HASHED);
#endif
	load(x, PENDING);
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

	bp_table_add();
	/* The reader gets the block after a full barrier. */
	smp_mb();
	in_use = true;

	idle;
#ifdef WRONG_EARLY_FORGET
	bp_memo_forget();
#endif
	bp_table_remove();
#if !defined(WRONG_EARLY_FORGET) && !defined(WRONG_NO_FORGET) && !defined(WRONG_LATE_FORGET)
	bp_memo_forget();
#endif
#ifndef WRONG_NO_GRACE_PERIOD
	synchronize_rcu();
#endif
	freed = true;
#ifdef WRONG_LATE_FORGET
	bp_memo_forget();
#endif
	done++
}

/* Read the descriptor. */
inline look()
{
	atomic { load(x, SLAB); assert(x && !freed) }
}

/*
 * The loads are in the order of bp_memo_locate(), and of bp_memo_refresh() and
 * bp_table_find().
 */
inline free_block()
{
#ifndef WRONG_NO_SECTION
	bp_section_enter();
#endif
	early(TABLE);
	load(x, AGE);
	if
	:: x == memo_seen && remembered ->
		smp_rmb();
		found = true
	:: else ->
		if
		:: memo_seen != x ->
			remembered = false;
#ifndef WRONG_NO_RMB_IN_REFRESH
			smp_rmb();
#endif
			memo_seen = x
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
	bp_section_exit()
#endif
}

proctype reader()
{
	byte cpu = 2;
	byte x, nr, memo_seen, early_value;
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
