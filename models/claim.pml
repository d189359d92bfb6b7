/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One block is freed by two CPUs and an interrupt at the same time:
 * bp_state_claim().
 *
 * Each of them does what bp_free_fast() and free_looked_up() do: it claims the block.
 * If that succeeds, it puts the block into its own cache. If the cache is busy,
 * it puts the block into the slab, as bp_depot_push() does. Before that, CPU 0
 * takes the block from its cache: bp_cache_pop().
 *
 * One free succeeds, the others are counted as bad, and the block is in one
 * place. The slab is not idle until the block is back in it.
 *
 * Abstracted: There are two magazines of one block each, and a slab of one block.
 *
 * Wrong:
 *	WRONG_LOOK_THEN_STORE: a test and a store instead of try_cmpxchg()
 *	WRONG_STORE: a store that does not test the state
 *	WRONG_COUNTED_FIRST: bp_depot_push() before the block is claimed
 */
#define NR_CPUS	2
#define NR_VARS	3
#define STATE	0	/* the state of the block, in its slab */
#define LOCK	1	/* the lock of the depot */
#define IDLE	2	/* idle blocks in the slab */

#include "memory.pml"

#define BLOCK_IDLE	0
#define BLOCK_CACHED	1
#define BLOCK_IN_USE	2

byte cached[NR_CPUS];	/* blocks in the CPU's magazine */
bool busy[NR_CPUS];
bool in_irq;
bool irqs_off;		/* on CPU 0 */
bool in_use;
byte good, bad, done;

inline bp_state_claim()
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
		/* If it succeeds, it is fully ordered, after the CPU's own pending stores. */
		smp_mb();
		claimed = memory[STATE] == BLOCK_IN_USE;
		if
		:: claimed -> memory[STATE] = BLOCK_CACHED
		:: else
		fi
	}
#endif
}

inline bp_depot_push()
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
	bp_section_enter();
	atomic { entered = !busy[cpu]; busy[cpu] = true };
#ifdef WRONG_COUNTED_FIRST
	if
	:: !entered -> bp_depot_push()
	:: else
	fi;
#endif
	bp_state_claim();
	if
	:: claimed && entered -> x = cached[cpu]; assert(!x); cached[cpu] = x + 1
#ifndef WRONG_COUNTED_FIRST
	:: claimed && !entered -> bp_depot_push()
#endif
	:: else
	fi;
	if
	:: entered -> busy[cpu] = false
	:: else
	fi;
	bp_section_exit();
	atomic { good = good + claimed; bad = bad + !claimed; done++ }
}

proctype first() provided (!in_irq)
{
	byte cpu, x;
	bool entered, claimed;

	/* bp_cache_pop(). After a full barrier, the block may be freed by any CPU. */
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
