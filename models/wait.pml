/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waking tasks that wait for a block: class_wait(), bp_class_wake(), depot_free().
 *
 * Two tasks wait for a block of a class with a reserve. Either two other CPUs
 * free a block each, or another CPU adds a new slab of two blocks. In the end
 * no task waits while a block is idle, although no wait times out here.
 *
 * Abstracted: prepare_to_swait_exclusive() and swake_up_one() hold the lock of
 * the queue. The queue has one bit per waiter, and the lowest bit is the first
 * waiter. A task that is woken is no longer on the queue. All frees go to the depot,
 * because no cache has a grant while a task waits, see grant.pml.
 *
 * Wrong:
 *	WRONG_LATE_QUEUE: class_wait() checks for a block before it queues the task
 *	WRONG_NO_LOCK: class_wait() checks for a block without the depot's lock
 *	WRONG_EARLY_LOOK: depot_free() checks for waiters before it takes the lock
 *	WRONG_NOT_PASSED_ON: bp_class_wait_end() does not call bp_class_wake()
 *	WRONG_NO_WAKE: depot_free() does not wake
 *	WRONG_NOT_ANNOUNCED: bp_class_grow() does not wake
 */
#define NR_CPUS	4
#define NR_VARS	3
#define DEPOT	0	/* idle blocks */
#define QUEUE	1	/* class->wait, one bit per waiter */
#define LOCK	2	/* the lock of the depot */

#include "memory.pml"

bool woken[2];
byte done;

/* Queue the task, under the lock of the queue. Set its state with a full barrier. */
inline prepare_to_swait()
{
	smp_mb();
	atomic { memory[QUEUE] = memory[QUEUE] | BIT(cpu); woken[cpu] = false }
}

inline finish_swait()
{
	smp_mb();
	atomic { memory[QUEUE] = memory[QUEUE] & ~BIT(cpu) }
}

inline swake_up_one()
{
	smp_mb();
	atomic {
		if
		:: memory[QUEUE] & 1 -> memory[QUEUE] = memory[QUEUE] & ~1; woken[0] = true
		:: !(memory[QUEUE] & 1) && memory[QUEUE] & 2 -> memory[QUEUE] = 0; woken[1] = true
		:: else
		fi
	}
}

inline try()
{
	atomic {
		lock(LOCK);
		load(x, DEPOT);
		if
		:: x -> store(DEPOT, x - 1); has = true
		:: else
		fi;
		unlock(LOCK)
	}
}

inline look()
{
#ifdef WRONG_NO_LOCK
	load(x, DEPOT)
#else
	atomic { lock(LOCK); load(x, DEPOT); unlock(LOCK) }
#endif
}

inline class_wait()
{
#ifdef WRONG_LATE_QUEUE
	look();
	prepare_to_swait();
#else
	prepare_to_swait();
	look();
#endif
	if
	:: !x -> woken[cpu]
	:: else
	fi;
	finish_swait()
}

proctype waiter(byte cpu)
{
	byte x;
	bool has, waited;

	try();
	do
	:: !has -> class_wait(); waited = true; try()
	:: else -> break
	od;
#ifndef WRONG_NOT_PASSED_ON
	/* bp_class_wake() */
	if
	:: waited ->
		load(x, DEPOT);
		if
		:: x -> swake_up_one()
		:: else
		fi
	:: else
	fi;
#endif
	done++
}

/* Call bp_depot_add() for a slab of two blocks, and bp_class_wake(), as bp_class_grow() does. */
proctype grower(byte cpu)
{
	byte x;

	atomic { lock(LOCK); load(x, DEPOT); store(DEPOT, x + 2); unlock(LOCK) }
#ifndef WRONG_NOT_ANNOUNCED
	swake_up_one();
#endif
	done = done + 2
}

proctype freer(byte cpu)
{
	byte x, waited_for;

#ifdef WRONG_EARLY_LOOK
	load(waited_for, QUEUE);
#endif
	lock(LOCK);
#ifndef WRONG_EARLY_LOOK
	load(waited_for, QUEUE);
#endif
	load(x, DEPOT);
	store(DEPOT, x + 1);
	unlock(LOCK);
#ifndef WRONG_NO_WAKE
	if
	:: waited_for -> swake_up_one()
	:: else
	fi;
#endif
	done++
}

/* There are two blocks for two waiters. An end in which one has none is invalid. */
init {
	atomic {
		run commits(0);
		run commits(1);
		run commits(2);
		run commits(3);
		run waiter(0);
		run waiter(1);
		if
		:: run freer(2); run freer(3)
		:: run grower(2)
		fi
	}
	done == 4 && !buffer[0].pending && !buffer[1].pending;
	assert(!memory[DEPOT])
}
