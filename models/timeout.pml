/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A timeout is written while the GC finds that the pool has none:
 * bp_timeout_changed() against gc_begin().
 *
 * The pool has something idle all the time. Its timeout was set to never, so
 * CPU 1 runs bp_gc_work_fn() for the last time. Meanwhile, CPU 0 sets a timeout
 * again. No later write changes it. So in the end the pool is awake, and its
 * work item is queued.
 *
 * Wrong:
 *	WRONG_NO_MB: bp_timeout_changed() without smp_mb()
 *	WRONG_NO_MB_IN_CLOSE: gc_begin() without smp_mb()
 *	WRONG_NO_LOOK: gc_begin() does not call bp_pool_wake()
 *	WRONG_NO_WAKE: bp_timeout_changed() does not call bp_pool_wake()
 */
#define NR_CPUS	2
#define NR_VARS	2
#define AWAKE	0
#define TIMEOUT	1	/* 0 means never */

#include "memory.pml"

bool queued = true;	/* bp_gc_work is queued */
byte done;

/* The work item sees all earlier stores, even if it was already queued. */
inline queue_work()
{
	smp_mb();
	queued = true
}

inline bp_pool_wake()
{
	load(x, AWAKE);
	load(y, TIMEOUT);
	if
	:: !x && y -> store(AWAKE, 1); queue_work()
	:: else
	fi
}

proctype writer()
{
	byte cpu, x, y;

	store(TIMEOUT, 1);
#ifndef WRONG_NO_MB
	smp_mb();
#endif
#ifndef WRONG_NO_WAKE
	bp_pool_wake();
#endif
	done++
}

proctype gc()
{
	byte cpu = 1;
	byte x, y;

	do
	:: atomic { queued -> queued = false };
		load(x, AWAKE);
		if
		:: x ->
			load(y, TIMEOUT);
			if
			:: y -> break
			:: else
			fi;
			store(AWAKE, 0);
#ifndef WRONG_NO_MB_IN_CLOSE
			smp_mb();
#endif
#ifndef WRONG_NO_LOOK
			bp_pool_wake()
#endif
		:: else
		fi;
		load(x, AWAKE);
		if
		:: x -> queue_work()
		:: else
		fi
	:: atomic { done && !queued -> break }
	od;
	if
	:: y -> queued = true
	:: else
	fi;
	done++
}

init {
	atomic {
		memory[AWAKE] = 1;
		run commits(0);
		run commits(1);
		run writer();
		run gc()
	}
	done == 2 && !buffer[0].pending && !buffer[1].pending;
	assert(memory[AWAKE] && queued)
}
