/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One block is freed by two CPUs and an interrupt at once: state_claim().
 *
 * Each does what free_known() and free_any() do: it claims the block, and if it
 * succeeds puts it into its own cache, or, where that is busy, into the slab, as
 * depot_push() does. Before, CPU 0 got the block from its cache: cache_pop().
 *
 * One free succeeds, the others are counted as bad, and the block is in one
 * place. Until it is there, the slab is not idle.
 *
 * Abstracted: two stacks that hold one block, and a slab of one.
 *
 * Wrong:
 *	WRONG_LOOK_THEN_STORE: a test and a store instead of try_cmpxchg()
 *	WRONG_STORE: whatever the state was
 *	WRONG_COUNTED_FIRST: depot_push() before the block is claimed
 */
#define NR_CPUS	2
#define NR_VARS	3
#define STATE	0	/* of the block, in its slab */
#define LOCK	1	/* of the depot */
#define IDLE	2	/* in the slab */

#include "memory.pml"

#define BLOCK_IDLE	0
#define BLOCK_CACHED	1
#define BLOCK_IN_USE	2

byte cached[NR_CPUS];	/* the block, on the CPU's own stack */
bool busy[NR_CPUS];
bool in_irq;
bool irqs_off;		/* on CPU 0 */
bool in_use;
byte good, bad, done;

inline state_claim()
{
#if defined(WRONG_LOOK_THEN_STORE)
	load(x, STATE);
	claimed = x == BLOCK_IN_USE;
	if
	:: claimed -> store(STATE, BLOCK_CACHED)
	:: else
	fi
#elif defined(WRONG_STORE)
	smp_mb();
	memory[STATE] = BLOCK_CACHED;
	claimed = true
#else
	atomic {
		/* Full order where it succeeds; the CPU's own store in the buffer is in its way. */
		smp_mb();
		claimed = memory[STATE] == BLOCK_IN_USE;
		if
		:: claimed -> memory[STATE] = BLOCK_CACHED
		:: else
		fi
	}
#endif
}

inline depot_push()
{
	atomic {
		irqs_off = irqs_off || cpu == 0;
		lock(LOCK);
		load(x, IDLE);
		assert(!x);
		store(IDLE, x + 1);
		store(STATE, BLOCK_IDLE);
		unlock(LOCK);
		irqs_off = irqs_off && cpu != 0
	}
}

inline free_block()
{
	section_enter();
	atomic { entered = !busy[cpu]; busy[cpu] = true };
#ifdef WRONG_COUNTED_FIRST
	if
	:: !entered -> depot_push()
	:: else
	fi;
#endif
	state_claim();
	if
	:: claimed && entered -> x = cached[cpu]; assert(!x); cached[cpu] = x + 1
#ifndef WRONG_COUNTED_FIRST
	:: claimed && !entered -> depot_push()
#endif
	:: else
	fi;
	if
	:: entered -> busy[cpu] = false
	:: else
	fi;
	section_exit();
	atomic { good = good + claimed; bad = bad + !claimed; done++ }
}

proctype first() provided (!in_irq)
{
	byte cpu, x;
	bool entered, claimed;

	/* cache_pop(); the caller gives the block to who frees it, in order. */
	busy[cpu] = true;
	cached[cpu] = 0;
	store(STATE, BLOCK_IN_USE);
	busy[cpu] = false;
	smp_mb();
	in_use = true;
	free_block()
}

proctype irq()
{
	byte cpu, x;
	bool entered, claimed;

	atomic { in_use && !irqs_off -> in_irq = true }
	free_block();
	in_irq = false
}

proctype second()
{
	byte cpu = 1;
	byte x;
	bool entered, claimed;

	in_use;
	free_block()
}

init {
	atomic {
		memory[STATE] = BLOCK_CACHED;
		cached[0] = 1;
		run commits(0);
		run commits(1);
		run first();
		run irq();
		run second()
	}
	done == 3 && !buffer[0].pending && !buffer[1].pending;
	assert(good == 1 && bad == 2);
	assert(cached[0] + cached[1] + memory[IDLE] == 1);
	assert(memory[STATE] == (memory[IDLE] -> BLOCK_IDLE : BLOCK_CACHED))
}
