/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The data model: pool, class, depot, slab, cache and batch.
 *
 * A pool has size classes. A class has a depot for each NUMA node, with slabs,
 * and a cache for each CPU that uses it. Every other file stands on this one.
 */
#ifndef _BP_TYPES_H
#define _BP_TYPES_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/completion.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/ratelimit.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable-types.h>
#include <linux/shrinker.h>
#include <linux/spinlock.h>
#include <linux/swait.h>
#include <linux/types.h>

#include "../bytepool.h"
#include "size_class.h"

#define BP_NO_BLOCK	0xffff	/* a slab has BYTEPOOL_SLAB_BLOCKS at most */

/* What a block is. Only the step from IN_USE is raced for: see bp_state_claim(). */
enum bp_block_state {
	BP_BLOCK_IDLE,	/* in its slab */
	BP_BLOCK_CACHED,	/* idle in a per-CPU cache, or on its way there or out */
	BP_BLOCK_IN_USE,	/* a caller has it */
};

/**
 * struct bp_slab - one run of memory and what became of its blocks
 * @list: in its depot's list of partial or idle slabs; of full ones there is none
 * @age: instead, in its depot's tree of idle slabs that came out of order
 * @rcu: at its end, until no CPU can be looking at it
 * @depot: whose
 * @idle_since: jiffies when the youngest idle block in the slab was freed
 * @node: in the table of addresses, by @base
 * @base: its address, which is that of its first block
 * @cpu: the first to take blocks of it since it was whole
 * @nr: blocks
 * @nr_idle: idle blocks in the slab
 * @first: head of the chain, if it is @chained, or BP_NO_BLOCK
 * @carved: blocks that were ever in the chain or handed out; those beyond have no links
 * @hashed: it is in the table of addresses
 * @pending: it is not yet, see bp_table_add()
 * @leaked: its pool was destroyed with blocks in use
 * @chained: idle blocks are: there are several, and they may be written to
 * @state: enum bp_block_state of each block; in a pool that tracks them,
 *	a struct bp_track of each follows
 */
struct bp_slab {
	union {
		struct list_head list;
		struct rb_node age;
		struct rcu_head rcu;
	};
	struct bp_depot *depot;
	unsigned long idle_since;
	struct rhash_head node;
	unsigned long base;
	u16 cpu;
	u16 nr;
	u16 nr_idle;
	u16 first;
	u16 carved;
	bool hashed;
	bool pending;
	bool leaked;
	bool chained;
	u8 state[];
};

/**
 * struct bp_track - who had a block last
 * @caller: where it was allocated, or freed if it is idle; 0 = never yet
 * @when: jiffies then
 * @pid: the task then
 */
struct bp_track {
	unsigned long caller;
	unsigned long when;
	pid_t pid;
};

/**
 * struct bp_entry - an idle block in a cache
 * @block: its address
 * @state: its state in @slab
 * @slab: where it lies
 * @idle_since: jiffies when it was freed; of one that came from its slab, when the
 *	youngest idle block there was
 */
struct bp_entry {
	void *block;
	u8 *state;
	struct bp_slab *slab;
	unsigned long idle_since;
} __aligned(4 * sizeof(long));	/* in one cache line */

/**
 * struct bp_cache - the idle blocks of one class on one CPU
 * @pool: whose; BP_CACHE_BUSY while its CPU is inside: an interrupt goes to the depot then
 * @top: one above the youngest entry
 * @end: where @top is when it is full
 * @hits: allocations served
 * @frees: frees taken
 * @depot: where its blocks come from and go
 * @cpu: the CPU that it belongs to
 * @gc_owned: the GC has it, or will after a grace period; changes under gc_lock
 *	and the depot's lock
 * @floor: one below the oldest entry; without a block
 * @rcu: at its end, until no CPU can be looking at it
 * @entries: oldest first
 */
struct bp_cache {
	struct bytepool *pool;
	struct bp_entry *top;
	struct bp_entry *end;
	u64 hits;
	u64 frees;
	struct bp_depot *depot;
	int cpu;
	bool gc_owned;
	union {
		/* Nobody pops from a cache at its end. */
		struct bp_entry floor;
		struct rcu_head rcu;
	};
	struct bp_entry entries[];
};

/* What bp_cache_pop() relies on. */
static_assert(offsetof(struct bp_cache, entries) ==
	      offsetof(struct bp_cache, floor) + sizeof(struct bp_entry));

/**
 * struct bp_batch - idle blocks on their way from CPU to CPU
 * @next: in the depot's list of full or of empty ones
 * @nr: entries
 * @entries: oldest first
 */
struct bp_batch {
	struct bp_batch *next;
	u32 nr;
	struct bp_entry entries[];
};

/* What wants each block looked at when it comes and goes. */
#define BP_FLAGS_CHECKED	(BYTEPOOL_POISON | BYTEPOOL_TRACK)
/* Pools without per-CPU caches. */
#define BP_FLAGS_UNCACHED	(BYTEPOOL_SINGLE | BP_FLAGS_CHECKED)
#define BP_FLAGS_ALL		(BYTEPOOL_CONTIG | BYTEPOOL_WIPE | BP_FLAGS_UNCACHED)
#define BP_NAME_MAX		63

/**
 * struct bp_depot - the slabs of a class on a NUMA node
 * @lock: protects all but @class; taken in any context, and not at all in a
 *	BYTEPOOL_SINGLE pool
 * @class: whose
 * @partial: slabs with idle blocks and others, the last touched first
 * @idle: slabs with idle blocks only, the youngest first
 * @idle_tree: the same, for those that came when a younger one was there already
 * @nr_idle: idle blocks of its slabs
 * @nr_whole: those of wholly idle ones
 * @nr_slabs: slabs, in use and idle
 * @full: batches of idle blocks that CPUs have freed, for others to take; not in
 *	@nr_idle. With @empty no more than caches of the node
 * @empty: batches without
 * @hits: allocations served from it
 * @misses: allocations that brought it a slab
 * @frees: frees taken
 */
struct bp_depot {
	raw_spinlock_t lock;
	struct bp_class *class;
	struct list_head partial;
	struct list_head idle;
	struct rb_root_cached idle_tree;
	unsigned long nr_idle;
	unsigned long nr_whole;
	unsigned long nr_slabs;
	struct bp_batch *full;
	struct bp_batch *empty;
	u64 hits;
	u64 misses;
	u64 frees;
} ____cacheline_aligned_in_smp;

/**
 * struct bp_class - a size class
 * @pool: whose
 * @index: number in the pool
 * @size: of a block, bytes
 * @slab_bytes: of a slab, bytes; for a start, and where that is not to be had, as
 *	few as hold a block
 * @capacity: most blocks that a CPU may keep, fewer under a limit, see
 *	cache_create(); 0 = no per-CPU caches
 * @reciprocal: of @size, see bp_block_state()
 * @reserve: blocks to keep; written under gc_lock and every depot's lock, at the
 *	end by the last user
 * @nr_blocks: blocks of all slabs; becomes less under reap_lock
 * @nr_caches: how many there are in @cache
 * @wait: tasks that wait for a block, see bp_class_may_wait()
 * @rcu: at its end, until no CPU can be looking at it
 * @cache: of each CPU; once there, it stays until the pool is destroyed
 * @depot: of each node
 */
struct bp_class {
	struct bytepool *pool;
	u32 index;
	u32 size;
	u32 slab_bytes;
	u32 capacity;
	u64 reciprocal;
	unsigned int reserve;
	atomic_long_t nr_blocks;
	atomic_long_t nr_caches;
	struct swait_queue_head wait;
	struct rcu_head rcu;
	struct bp_cache **cache;
	struct bp_depot depot[];
};

/*
 * What a CPU follows: open[slot] is its cache of the slot's class, or
 * bp_closed_cache while there is none or it may not be used.
 */
struct bp_cpu {
	struct bp_cache **open;
};

/**
 * struct bytepool - a pool
 * @cpu: the open caches of each CPU
 * @sizes: its size classes
 * @flags: BYTEPOOL_*
 * @awake: the GC visits it. While it does not, all caches are closed, so that
 *	the next free calls bp_pool_wake(); except where blocks never age
 * @visited: bp_gc_work's own: the pool is in its pass
 * @class: the classes, each made at its first use
 * @idle_timeout_ms: as in struct bytepool_params
 * @limit: cap on @held, bytes; 0 = none
 * @held: backing memory, bytes
 * @failures: allocations that returned NULL
 * @bad_frees: frees refused
 * @bad_frees_told: a bit for each enum bp_bad_free_reason that had its stack trace
 * @bad_frees_limit: for the lines after those
 * @overwritten_limit: for what is said of free blocks that were written to
 * @gc_lock: serialises what takes caches from their CPUs: GC, trim, reserve, and
 *	the shrinker, which only tries it
 * @trims: how many were begun; this and the next two are written under @gc_lock
 * @last_fruitful_trim: how many had been, with the last one that gave something back
 * @gc_runs: GC passes
 * @reap_lock: held from taking slabs off the books until the system has them
 * @reclaimed_blocks: blocks given back to the system; this and the next are
 *	written under @reap_lock
 * @reclaimed_bytes: memory given back to the system
 * @shrinker: gives idle memory back when the system is short; a BYTEPOOL_SINGLE
 *	pool has none
 * @debugfs: its directory
 * @list: in pools, under pools_lock
 * @nr_pins: walks of pools that stand at this one, under pools_lock
 * @dying: no new pin may be taken, under pools_lock
 * @unpinned: the last pin is gone
 * @kobj: in sysfs
 * @released: the last user of @kobj is gone
 * @name: in sysfs and in messages
 */
struct bytepool {
	struct bp_cpu __percpu *cpu;
	struct bytepool_sizes sizes;
	unsigned int flags;
	bool awake;
	bool visited;
	struct bp_class **class;

	unsigned int idle_timeout_ms;
	unsigned long limit;
	atomic_long_t held ____cacheline_aligned_in_smp;
	atomic64_t failures;
	atomic64_t bad_frees;
	unsigned long bad_frees_told;
	struct ratelimit_state bad_frees_limit;
	struct ratelimit_state overwritten_limit;

	struct mutex gc_lock;	/* not held over an allocation from the system */
	unsigned long trims;
	unsigned long last_fruitful_trim;
	u64 gc_runs;
	struct mutex reap_lock;	/* within gc_lock; not held over a grace period */
	u64 reclaimed_blocks;
	u64 reclaimed_bytes;

	struct shrinker *shrinker;
	struct dentry *debugfs;
	struct list_head list;
	unsigned int nr_pins;
	bool dying;
	struct completion unpinned;
	struct kobject kobj;
	struct completion released;
	char name[BP_NAME_MAX + 1];
};

#endif /* _BP_TYPES_H */
