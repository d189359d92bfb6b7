/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An allocation at the pool's limit, and a trim: bp_class_new_slab() and bp_pool_make_room()
 * against pool_trim_locked().
 *
 * CPU 0 frees a block to its cache. Then it allocates, and the pool has room
 * for that only if the cached block is freed to the system. CPU 0 trims the
 * pool, unless it sees that CPU 1 has begun a trim since. One of the two trims
 * frees the block.
 *
 * Wrong:
 *	WRONG_NO_MB: bp_class_new_slab() without smp_mb()
 *	WRONG_NO_MB_IN_TRIM: pool_trim_locked() without smp_mb()
 */
#define NR_CPUS	2
#define NR_VARS	3
#define CACHED	0
#define TRIMS	1
#define GC_LOCK	2

#include "memory.pml"

bool room;
byte done;

inline pool_trim_locked()
{
	store(TRIMS, trims + 1);
#ifndef WRONG_NO_MB_IN_TRIM
	smp_mb();
#endif
	load(cached, CACHED);
	if
	:: cached -> room = true
	:: else
	fi
}

proctype alloc()
{
	byte cpu, before, trims, cached;

	store(CACHED, 1);
#ifndef WRONG_NO_MB
	smp_mb();
#endif
	load(before, TRIMS);
	lock(GC_LOCK);
	load(trims, TRIMS);
	if
	:: trims == before -> pool_trim_locked()
	:: else
	fi;
	unlock(GC_LOCK);
	done++
}

proctype trim()
{
	byte cpu = 1;
	byte trims, cached;

	lock(GC_LOCK);
	load(trims, TRIMS);
	pool_trim_locked();
	unlock(GC_LOCK);
	done++
}

init {
	atomic {
		run commits(0);
		run commits(1);
		run alloc();
		run trim()
	}
	done == 2 && !buffer[0].pending && !buffer[1].pending;
	assert(room)
}
