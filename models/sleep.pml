/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The GC lets a pool sleep, and a user of the pool wakes it: gc_close(),
 * pool_sleep(), gc_drain(), gc_end(), bp_pool_wake().
 *
 * CPU 0 uses a class. It has no cache of the class at first: depot_alloc(),
 * depot_free(), cache_publish(). Once the cache is open, it uses bp_cache_alloc()
 * and cache_free(), too. CPU 1 runs bp_gc_work_fn() each time that it is queued.
 *
 * In the end, a pool that has something idle is awake, and its work item is
 * queued.
 *
 * Abstracted: No idle memory is old enough to be freed. The pool has one slab
 * of three blocks, which can be freed when all blocks are back in the slab. The other
 * passes are left out, because they open and drain caches under gc_lock as the GC does,
 * see trim.pml. A trim lets the pool sleep and looks again as the GC does.
 *
 * Wrong:
 *	WRONG_NO_MB_IN_SLEEP: pool_sleep() without smp_mb()
 *	WRONG_NO_GRACE_PERIOD: bp_gc_work_fn() does not wait after pool_sleep()
 *	WRONG_NOT_CLOSED: pool_sleep() leaves the caches open
 *	WRONG_LATE_ASLEEP: pool_sleep() closes the caches before it clears awake
 *	WRONG_NO_LOOK: gc_end() does not check again for idle memory
 *	WRONG_OPENED_ASLEEP: cache_release() opens a cache of a sleeping pool
 *	WRONG_NO_WAKE_BY_CACHE: depot_free() opens the cache and does not wake the pool
 *	WRONG_NO_WAKE_BY_DEPOT: depot_free() fills the slab and does not wake the pool
 *	WRONG_NO_WAKE_BY_ALLOC: depot_alloc() opens the cache and does not wake the pool
 */
#define NR_CPUS	2
#define NR_VARS	6
#define AWAKE	0
#define CACHE	1	/* the pointer to the cache in its group */
#define OPEN	2	/* the open pointer, which the CPU follows */
#define BLOCKS	3	/* number of blocks in the cache */
#define DEPOT	4	/* number of blocks in the depot */
#define LOCK	5	/* the lock of the depot */

#include "memory.pml"

#define OPS	6
#define PASSES	2
#define ALL	3	/* number of blocks of the slab */

bool queued = true;	/* bp_gc_work is queued */
bool drain;		/* cache->drain is not BP_DRAIN_NONE; changes under LOCK */
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
	if
	:: !x -> store(AWAKE, 1); queue_work()
	:: else
	fi
}

inline cache_publish()
{
	smp_mb();
	memory[CACHE] = 1
}

inline free_block()
{
	bp_section_enter();
	load(x, OPEN);
	if
	:: x -> load(x, BLOCKS); store(BLOCKS, x + 1)
	:: else ->
		/* depot_free() */
		atomic {
			lock(LOCK);
			load(x, CACHE);
			if
			:: x && !drain ->
				load(x, BLOCKS);
				store(BLOCKS, x + 1);
				smp_store_release(OPEN, 1);
#ifndef WRONG_NO_WAKE_BY_CACHE
				wake = true
#endif
			:: else ->
				load(x, DEPOT);
				store(DEPOT, x + 1);
#ifndef WRONG_NO_WAKE_BY_DEPOT
				wake = x + 1 == ALL
#endif
			fi;
			unlock(LOCK)
		}
		if
		:: wake -> wake = false; bp_pool_wake()
		:: else
		fi
	fi;
	held--;
	bp_section_exit();
	/* bp_cache_ensure() */
	load(x, CACHE);
	if
	:: !x -> cache_publish()
	:: !x -> skip	/* no memory for the cache */
	:: else
	fi
}

inline alloc_block()
{
	bp_section_enter();
	load(x, OPEN);
	if
	:: x ->
		load(x, BLOCKS);
		if
		:: x -> store(BLOCKS, x - 1); held++
		:: else
		fi
	:: else
	fi;
	if
	:: x -> skip
	:: else ->
		/*
		 * depot_alloc(): take a block from the CPU's cache. If it has none,
		 * take one from the slab, and move the others to the cache.
		 */
		atomic {
			lock(LOCK);
			load(x, CACHE);
			own = x && !drain;
			load(d, DEPOT);
			load(x, BLOCKS);
			if
			:: own && x -> held++; x--
			:: else ->
				if
				:: d -> held++; d--
				:: else
				fi;
				if
				:: own -> x = d; d = 0
				:: else
				fi;
				store(DEPOT, d)
			fi;
			if
			:: own -> store(BLOCKS, x)
			:: else
			fi;
			if
			:: own && x ->
				smp_store_release(OPEN, 1);
#ifndef WRONG_NO_WAKE_BY_ALLOC
				wake = true
#endif
			:: else
			fi;
			unlock(LOCK);
			x = 0;
			d = 0
		}
		if
		:: wake -> wake = false; bp_pool_wake()
		:: else
		fi
	fi;
	bp_section_exit()
}

proctype user()
{
	byte cpu, x, d, nr;
	byte held = ALL;
	bool wake, own;

	for (nr : 1 .. OPS) {
		if
		:: held -> free_block()
		:: held < ALL -> alloc_block()
		:: break
		fi
	}
	done++
}

/* bp_class_reclaimable(): check the depot under the lock, then the caches. */
inline bp_pool_reclaimable()
{
	atomic { lock(LOCK); load(x, DEPOT); reclaimable = x == ALL; unlock(LOCK) }
	load(x, CACHE);
	if
	:: !reclaimable && x -> load(reclaimable, BLOCKS)
	:: else
	fi
}

inline bp_pool_close()
{
	load(x, CACHE);
	if
	:: x -> atomic { lock(LOCK); drain = true; smp_store_release(OPEN, 0); unlock(LOCK) }
	:: else
	fi
}

inline pool_sleep()
{
#ifdef WRONG_LATE_ASLEEP
	bp_pool_close();
#endif
	store(AWAKE, 0);
#ifndef WRONG_NO_MB_IN_SLEEP
	smp_mb();
#endif
#if !defined(WRONG_NOT_CLOSED) && !defined(WRONG_LATE_ASLEEP)
	bp_pool_close()
#endif
}

inline class_drain()
{
	if
	:: drain ->
		load(y, AWAKE);
#ifdef WRONG_OPENED_ASLEEP
		y = 1;
#endif
		atomic {
			lock(LOCK);
			drain = false;
			load(x, BLOCKS);
			if
			:: x && y -> smp_store_release(OPEN, 1)
			:: else
			fi;
			/* An empty cache is freed, or stays. */
			if
			:: !x -> store(CACHE, 0)
			:: skip
			fi;
			unlock(LOCK)
		}
	:: else
	fi
}

proctype gc()
{
	byte cpu = 1;
	byte x, y, other, pass;
	byte reclaimable;

	for (pass : 1 .. PASSES) {
		if
		:: atomic { queued -> queued = false }
		:: done == 1 && !queued -> break
		fi;
		load(x, AWAKE);
		if
		:: x ->
			/* gc_close() */
			bp_pool_reclaimable();
			if
			:: !reclaimable ->
				pool_sleep();
#ifndef WRONG_NO_GRACE_PERIOD
				synchronize_rcu();
#endif
				skip
			:: else
			fi;
			/* gc_drain(), after the grace period of the mark */
			class_drain();
			/* gc_end() */
			load(x, AWAKE);
#ifndef WRONG_NO_LOOK
			if
			:: !x ->
				bp_pool_reclaimable();
				if
				:: reclaimable -> bp_pool_wake()
				:: else
				fi
			:: else
			fi
#endif
		:: else
		fi;
		load(x, AWAKE);
		if
		:: x -> queue_work()
		:: else
		fi
	}
	done++
}

init {
	atomic {
		memory[AWAKE] = 1;
		run commits(0);
		run commits(1);
		run user();
		run gc()
	}
	done == 2 && !buffer[0].pending && !buffer[1].pending;
	assert(!memory[BLOCKS] && memory[DEPOT] < ALL || memory[AWAKE] && queued)
}
