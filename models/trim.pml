/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Passes that share a cache: bp_pool_trim(), a pass of the GC, and a scan of the
 * shrinker close and drain the cache of a CPU, and reap its depot.
 *
 * There are two blocks, each a slab of its own. At first both are idle in the cache. One
 * has expired. The CPU frees a block to the cache, or to the depot while the cache is
 * closed for a pass, and allocates blocks of the cache.
 *
 * When the trim returns, the system has every block that was idle when the trim
 * began, unless the CPU has allocated it since. No section uses the cache while a
 * pass empties it.
 *
 * Abstracted: Memory is sequentially consistent, see cache.pml for the weaker one. The
 * cache is opened as if the pool were awake, see sleep.pml. The magazines of the depot
 * are its slabs. An alloc from the depot is left out, because it may move any block to
 * the cache that it opens, and so uses the block. A mark tells reliably that its grace
 * period has ended.
 *
 * Wrong:
 *	WRONG_SMALLER_DRAIN: cache_claim() keeps the smaller drain kind
 *	WRONG_LAST_DRAIN: cache_claim() stores the drain kind of the last pass
 *	WRONG_OWN_DRAIN: class_drain() takes the blocks that its own pass wants, whatever the kind
 *	WRONG_MARK_IGNORED: class_drain() does not look at the mark
 *	WRONG_MARK_AGAIN: class_close() gives a cache that was closed before a new mark
 *	WRONG_LOSSY_MARK: a mark may miss that its grace period has ended
 *	WRONG_NO_GRACE_PERIOD: pool_trim_locked() does not wait
 *	WRONG_NO_WAIT_FOR_REAP: bp_pool_trim() does not call bp_pool_wait_for_reap()
 */
#define OLD	1	/* the block that has expired */
#define YOUNG	2
#define NR_OPS	3	/* of the CPU */

#define BP_DRAIN_NONE		0
#define BP_DRAIN_EXPIRED	1
#define BP_DRAIN_ALL		2	/* and BP_DRAIN_RETIRE */

/* Each set of blocks has a bit for each block. Each block is in one set. */
byte cached = OLD | YOUNG;	/* in the cache */
byte depot;
byte in_use;
byte dead;		/* off the books, but not given back to the system yet */
byte given;		/* given back to the system */

byte expired = OLD;	/* blocks that a pass by age wants; OLD until it is allocated */
byte before;		/* idle since before the trim, and not allocated since */

bool open = true;	/* the open pointer */
bool section;		/* the CPU is in a section that began while the cache was open */
byte drain;		/* cache->drain */
byte mark;		/* cache->grace */

bool gc_lock, reap_lock;
byte begun, over;	/* grace periods, by number */
byte needed;		/* the last one for which a mark was taken */

/* Grace periods, one after the other. The CPU is outside of its section once in each. */
proctype rcu()
{
end:
	do
	:: begun < needed ->
		begun++;
		!section;
		over = begun
	od
}

inline start_poll_synchronize_rcu(m)
{
	d_step { m = begun + 1; needed = m }
}

inline synchronize_rcu()
{
	start_poll_synchronize_rcu(other);
	over >= other;
	other = 0
}

inline mutex_lock(mutex)
{
	atomic { !mutex -> mutex = true }
}

#define mutex_unlock(mutex)	mutex = false

/* Call with gc_lock held. */
inline class_close(kind)
{
	atomic {
		if
		:: !drain ->
			open = false;
			drain = kind;
			start_poll_synchronize_rcu(mark)
		:: else ->
#if defined(WRONG_SMALLER_DRAIN)
			drain = (kind < drain -> kind : drain);
#elif defined(WRONG_LAST_DRAIN)
			drain = kind;
#else
			drain = (kind > drain -> kind : drain);
#endif
#ifdef WRONG_MARK_AGAIN
			start_poll_synchronize_rcu(mark);
#endif
			skip
		fi
	}
}

/* Call with gc_lock held. @wants: the blocks that the pass wants. */
inline class_drain(wants)
{
	if
#ifdef WRONG_MARK_IGNORED
	:: drain ->
#else
	:: drain && over >= mark ->
#endif
		atomic {
			assert(!section);
#ifdef WRONG_OWN_DRAIN
			x = cached & (wants);
#else
			x = cached & (drain == BP_DRAIN_ALL -> OLD | YOUNG : (wants));
#endif
			depot = depot | x;
			cached = cached & ~x;
			drain = BP_DRAIN_NONE;
			mark = 0;
			open = cached != 0;
			x = 0
		}
#ifdef WRONG_LOSSY_MARK
	:: drain
#endif
	:: else
	fi
}

/* bp_class_reap(), which takes reap_lock only if it sees an idle block */
inline reap(wants)
{
	if
	:: depot ->
		mutex_lock(reap_lock);
		atomic { dead = depot & (wants); depot = depot & ~dead };
		atomic { given = given | dead; dead = 0 };
		mutex_unlock(reap_lock)
	:: else
	fi
}

proctype cpu()
{
	byte block, nr;

	for (nr : 1 .. NR_OPS) {
		if
		:: break
		/* An alloc. */
		:: atomic { open -> section = true };
			atomic {
				if
				:: cached & OLD -> block = OLD
				:: cached & YOUNG -> block = YOUNG
				:: else
				fi;
				cached = cached & ~block;
				in_use = in_use | block;
				before = before & ~block;
				expired = expired & ~block;
				block = 0
			};
			section = false
		/* A free to the cache. */
		:: atomic { open && in_use -> section = true };
			atomic {
				block = (in_use & OLD -> OLD : YOUNG);
				in_use = in_use & ~block;
				cached = cached | block;
				block = 0
			};
			section = false
		/* depot_free(), under the lock of the depot. */
		:: atomic {
				!open && in_use -> block = (in_use & OLD -> OLD : YOUNG);
				in_use = in_use & ~block;
				if
				:: !drain -> cached = cached | block; open = true
				:: else -> depot = depot | block
				fi;
				block = 0
			}
		fi
	}
}

/* gc_close(), gc_drain() and gc_reap() */
proctype gc()
{
	byte x, other;
	bool closed;

	mutex_lock(gc_lock);
	if
	:: drain || cached & expired -> class_close(BP_DRAIN_EXPIRED); closed = true
	:: else
	fi;
	mutex_unlock(gc_lock);
	if
	:: closed -> synchronize_rcu()
	:: else
	fi;
	mutex_lock(gc_lock);
	class_drain(expired);
	mutex_unlock(gc_lock);
	reap(expired)
}

proctype scan()
{
	byte x;

	if
	:: atomic { !gc_lock -> gc_lock = true };
		class_drain(expired);
		mutex_unlock(gc_lock)
	:: skip
	fi;
	reap(OLD | YOUNG);
	if
	:: atomic { !gc_lock -> gc_lock = true };
		class_close(BP_DRAIN_ALL);
		mutex_unlock(gc_lock)
	:: skip
	fi
}

/* bp_pool_trim() */
proctype trim()
{
	byte x, other;
	bool closed;

	before = cached | depot | dead;
	mutex_lock(gc_lock);
	if
	:: cached || depot -> class_close(BP_DRAIN_ALL); closed = true
	:: else
	fi;
	mutex_unlock(gc_lock);
#ifndef WRONG_NO_GRACE_PERIOD
	if
	:: closed -> synchronize_rcu()
	:: else
	fi;
#endif
	mutex_lock(gc_lock);
	class_drain(OLD | YOUNG);
	mutex_unlock(gc_lock);
	reap(OLD | YOUNG);
#ifndef WRONG_NO_WAIT_FOR_REAP
	mutex_lock(reap_lock);
	mutex_unlock(reap_lock);
#endif
	assert(!(before & ~given))
}

init {
	atomic {
		run rcu();
		run cpu();
		run gc();
		run scan();
		run trim()
	}
	timeout;
	assert((cached | depot | in_use | given) == (OLD | YOUNG));
	assert(cached + depot + in_use + given == (OLD | YOUNG))
}
