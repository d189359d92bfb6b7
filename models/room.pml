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
 * Abstracted: A trim that sees the block closes the cache, and frees the block. Once the
 * cache is closed, a block goes to the depot, where the trim finds it.
 *
 * Wrong:
 *	WRONG_LATE_NUMBER: the trim gets its number after it has looked at the caches
 *	WRONG_NO_MB: bp_class_new_slab() without smp_mb()
 *	WRONG_NO_MB_IN_TRIM: pool_trim_locked() without smp_mb()
 */
#define NR_CPUS	2
#define NR_VARS	3
#define CACHED	0
#define TRIMS	1
#define TRIM_LOCK 2

#include "memory.pml"

bool room;
byte done;

inline pool_trim_locked()
{
#ifdef WRONG_LATE_NUMBER
	load(cached, CACHED);
#endif
	store(TRIMS, trims + 1);
#ifndef WRONG_NO_MB_IN_TRIM
	smp_mb();
#endif
#ifndef WRONG_LATE_NUMBER
	load(cached, CACHED);
#endif
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
	lock(TRIM_LOCK);
	load(trims, TRIMS);
	if
	:: trims == before -> pool_trim_locked()
	:: else
	fi;
	unlock(TRIM_LOCK);
	done++
}

proctype trim()
{
	byte cpu = 1;
	byte trims, cached;

	lock(TRIM_LOCK);
	load(trims, TRIMS);
	pool_trim_locked();
	unlock(TRIM_LOCK);
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
