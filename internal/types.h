/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The data model: pool, class, depot, slab, cache and magazine.
 *
 * A pool has size classes. A class has a depot for each NUMA node, with slabs,
 * and a cache for each CPU that uses it.
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
#include <linux/seqlock.h>
#include <linux/spinlock.h>
#include <linux/swait.h>
#include <linux/types.h>

#include "../bytepool.h"
#include "compat.h"
#include "size_class.h"

#define BP_NO_BLOCK	0xffff	/* no granule of a slab has this number */

/* The state of a block. CPUs race only for the transition from IN_USE, see bp_state_claim(). */
enum bp_block_state {
	BP_BLOCK_IDLE,	/* in its slab */
	BP_BLOCK_CACHED,	/* idle in a magazine, or on its way between slab and caller */
	BP_BLOCK_IN_USE,	/* a caller has it */
	BP_BLOCK_NONE,	/* no block starts in this granule */
};

/**
 * struct bp_slab - one run of memory and the states of its blocks
 * @list: link in the depot's list of partial or of idle slabs; a slab without an
 *	idle block is on neither
 * @age: instead of @list, node in the depot's tree of idle slabs that came out of order
 * @rcu: defers the end of the descriptor until no CPU can be looking at it
 * @depot: the depot that owns it
 * @idle_since: jiffies when the youngest idle block in the slab was freed, or later
 * @next_dead: instead of @idle_since, the next slab whose descriptor is freed by the same
 *	callback, see bp_slabs_destroy()
 * @node: link in the table of addresses, by @base
 * @base: address of the memory and of its first block
 * @cpu: the first CPU to take blocks of it since it was wholly idle
 * @nr: number of blocks
 * @nr_idle: number of idle blocks in the slab
 * @first: granule of the head of the chain if it is @chained, or BP_NO_BLOCK
 * @carved: if it is @chained, no block from this granule on was handed out or has a link
 * @hashed: it is in the table of addresses
 * @pending: it is not in the table yet, see bp_table_add()
 * @leaked: its pool was destroyed with blocks in use
 * @chained: idle blocks are chained, because there are several and they may be written to
 * @state: enum bp_block_state of each granule; in a pool with BYTEPOOL_TRACK, a
 *	struct bp_track of each block follows
 */
struct bp_slab {
	union {
		struct list_head list;
		struct rb_node age;
		struct rcu_head rcu;
	};
	struct bp_depot *depot;
	union {
		unsigned long idle_since;
		struct bp_slab *next_dead;
	};
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
 * struct bp_track - the last caller of a block
 * @caller: the call site that allocated it, or freed it if it is idle; 0 = none yet
 * @when: jiffies then
 * @pid: the task then
 */
struct bp_track {
	unsigned long caller;
	unsigned long when;
	pid_t pid;
};

/**
 * struct bp_entry - an idle block in a magazine
 * @block: its address
 * @state: its state in @slab
 * @slab: the slab that it lies in
 * @idle_since: jiffies when it was freed; @idle_since of @slab if it came from there
 */
struct bp_entry {
	void *block;
	u8 *state;
	struct bp_slab *slab;
	unsigned long idle_since;
} __aligned(4 * sizeof(long));	/* in one cache line */

/**
 * struct bp_magazine - a stack of idle blocks of one class and node
 * @list: link in a list of the depot, unless a cache has it
 * @rcu: defers its end until no CPU can be looking at it
 * @nr: number of entries, unless it is the loaded one of a cache
 * @capacity: the largest number of entries
 * @floor: an entry without a block, below the oldest
 * @entries: the blocks, the oldest first
 */
struct bp_magazine {
	union {
		struct list_head list;
		struct rcu_head rcu;
	};
	u32 nr;
	u32 capacity;
	struct bp_entry floor;
	struct bp_entry entries[];
};

/* bp_cache_pop() relies on this. */
static_assert(offsetof(struct bp_magazine, entries) ==
	      offsetof(struct bp_magazine, floor) + sizeof(struct bp_entry));

/*
 * The blocks that a pass takes out of a cache, a grace period after it has closed the cache.
 * If several passes have closed the cache, the largest value holds.
 */
enum bp_drain {
	BP_DRAIN_NONE,	/* no pass has closed the cache */
	BP_DRAIN_EXPIRED,	/* expired blocks; an empty cache without a grant is freed */
	BP_DRAIN_ALL,	/* all blocks; the cache stays, because its CPU may go on using it */
	BP_DRAIN_RETIRE,	/* all blocks; the cache is freed */
};

/**
 * struct bp_cache - the idle blocks of one class on one CPU
 * @pool: its pool; BP_CACHE_BUSY while its CPU is inside, so that an interrupt uses the depot
 * @top: one above the youngest entry of @loaded
 * @end: value of @top when @loaded is full; NULL if freed blocks have to be wiped, so
 *	that bp_free_fast() takes none
 * @hits: allocations served
 * @frees: frees taken
 * @depot: the depot that its blocks come from and go to
 * @page_granules: granules of a page; 0 in bp_closed_cache
 * @shift: log2 of the bytes of a granule
 * @drain: enum bp_drain; unless it is BP_DRAIN_NONE, a pass owns the cache after the
 *	grace period of @grace. Changes under gc_lock and the lock of the depot
 * @granted: the blocks that it may have beyond the reserve of the class; this and the next
 *	change under the lock of the depot
 * @accepts: blocks may enter it, in a class with a reserve; see bp_cache_may_accept()
 * @fresh: it was just closed, and @grace is not set yet; under gc_lock
 * @cpu: the CPU that it belongs to
 * @refused: how often the depot has served its CPU because it did not accept blocks
 * @seen: the sum of @hits, @frees and @refused when a pass last found it empty, modulo
 *	2^32; under gc_lock
 * @loaded: the magazine in use
 * @spare: the other magazine, which is empty, or has only older blocks than @loaded
 * @grace: the grace period after which its CPU has left the closed cache; under gc_lock
 * @rcu: defers its end until no CPU can be looking at it
 */
struct bp_cache {
	struct bytepool *pool;
	struct bp_entry *top;
	struct bp_entry *end;
	u64 hits;
	u64 frees;
	struct bp_depot *depot;
	unsigned long page_granules;
	u8 shift;
	u8 drain;
	bool fresh;
	bool accepts;
	u16 cpu;
	u16 refused;
	u16 granted;
	u32 seen;
	struct bp_magazine *loaded;
	struct bp_magazine *spare;
	struct rcu_gp_seq grace;
	struct rcu_head rcu;
} ____cacheline_aligned_in_smp;

/* Flags of pools that check each block between depot and caller. They have no caches. */
#define BP_FLAGS_CHECKED	(BYTEPOOL_POISON | BYTEPOOL_TRACK)
#define BP_FLAGS_ALL		(BYTEPOOL_SINGLE | BYTEPOOL_CONTIG | BYTEPOOL_WIPE | \
				 BP_FLAGS_CHECKED)
#define BP_NAME_MAX		63

/**
 * struct bp_depot - the slabs of a class on a NUMA node
 * @lock: protects all but @class and @node; taken in any context, but never in a
 *	BYTEPOOL_SINGLE pool
 * @class: its class
 * @node: its node
 * @pages: pages of its slabs
 * @whole_pages: pages of those that are wholly idle
 * @reclaimable_pages: pages that the kernel counts as reclaimable, see
 *	bp_depot_update_reclaimable()
 * @partial: slabs that are partly idle, the last touched first
 * @idle: slabs that are wholly idle, the youngest first
 * @idle_tree: slabs that became wholly idle when a younger one was in @idle, by age
 * @nr_blocks: number of blocks of its slabs
 * @nr_idle: number of idle blocks in its slabs
 * @nr_stacked: number of idle blocks in @full
 * @told_stacked: value of @nr_stacked when the kernel was last told of reclaimable pages
 * @nr_slabs: number of slabs, in use and idle
 * @full: magazines with blocks, not in @nr_idle; by the age of their oldest block,
 *	the youngest first. If there are none, it may have one without blocks
 * @empty: magazines without blocks
 * @nr_magazines: number of magazines in both lists
 * @overhead: bytes of these magazines, and of the descriptors of the slabs
 * @hits: allocations that it served
 * @misses: allocations that brought it a slab
 * @frees: frees that it took
 * @unstacked: frees of a class with a reserve that found no room in a magazine
 * @rcu: defers its end until no CPU can be looking at it
 */
struct bp_depot {
	raw_spinlock_t lock;
	struct bp_class *class;
	int node;
	u32 pages;
	u32 whole_pages;
	u32 reclaimable_pages;
	struct list_head partial;
	struct list_head idle;
	struct rb_root_cached idle_tree;
	unsigned long nr_blocks;
	unsigned long nr_idle;
	unsigned long nr_stacked;
	unsigned long told_stacked;
	unsigned long nr_slabs;
	struct list_head full;
	struct list_head empty;
	unsigned long nr_magazines;
	size_t overhead;
	u64 hits;
	u64 misses;
	u64 frees;
	u32 unstacked;
	struct rcu_head rcu;
} ____cacheline_aligned_in_smp;

/* A power of two, so that no division is needed. */
#define BP_GROUP_CPUS		16U

/**
 * struct bp_group - the caches of a class on CPUs with consecutive numbers
 * @rcu: defers its end until no CPU can be looking at it
 * @cache: the cache of each CPU
 */
struct bp_group {
	struct rcu_head rcu;
	struct bp_cache *cache[BP_GROUP_CPUS];
};

/**
 * struct bp_class - a size class
 * @pool: its pool
 * @index: its number in the pool
 * @size: size of a block, bytes
 * @slab_bytes: size of a slab, bytes. The first slabs are as small as a block
 *	allows, and so are others when memory is short
 * @least_nr: number of blocks of the smallest slab
 * @capacity: the largest number of blocks in a magazine; fewer under a limit, see
 *	cache_create(); 0 = no per-CPU caches
 * @stride: granules from the start of a block to that of the next
 * @shift: log2 of the bytes of a granule
 * @reserve: blocks to keep, see internal/reserve.h; written under gc_lock and, one after
 *	the other, the lock of each depot, and at the end by the last user
 * @nr_blocks: number of blocks of all slabs; decreases under reap_lock
 * @spare: the blocks that no promise binds: @nr_blocks less @reserve, less the grants
 *	of caches; negative while a new reserve is filled
 * @nr_waiters: tasks that wait for blocks. While there are any, no cache of a class with a
 *	reserve accepts blocks
 * @nr_accepting: number of caches with @accepts
 * @nr_caches: number of caches in all groups
 * @removals: caches are removed under it, see bp_cache_remove()
 * @wait: tasks that wait for a block, see bp_class_may_wait()
 * @rcu: defers its end until no CPU can be looking at it
 * @group: the groups of caches, each made with its first cache, see bp_class_cache(). A
 *	pass may free a cache, see cache_release(). A group stays until the pool is destroyed
 * @depot: the depot of each node, allocated one by one, because there may be many nodes
 */
struct bp_class {
	struct bytepool *pool;
	u32 index;
	u32 size;
	u32 slab_bytes;
	u32 least_nr;
	u32 capacity;
	u32 stride;
	u32 shift;
	unsigned int reserve;
	atomic_long_t nr_blocks;
	atomic_long_t spare;
	atomic_long_t nr_waiters;
	atomic_long_t nr_accepting;
	atomic_long_t nr_caches;
	seqcount_t removals;
	struct swait_queue_head wait;
	struct rcu_head rcu;
	struct bp_group **group;
	struct bp_depot *depot[];
};

/*
 * The caches that a CPU follows: open[slot] is its cache of the slot's class,
 * or bp_closed_cache if there is none or it must not be used. A CPU that has not
 * made a cache yet follows @closed of the pool. All CPUs follow the same table in a
 * BYTEPOOL_SINGLE pool.
 */
struct bp_cpu {
	struct bp_cache **open;
};

/**
 * struct bytepool - a pool
 * @cpu: the open caches of each CPU
 * @sizes: its size classes
 * @flags: BYTEPOOL_*
 * @awake: the GC visits the pool. While this is false, all caches are closed, so that
 *	the next free calls bp_pool_wake(). A pool whose blocks never expire is an exception
 * @draining: the GC has to visit it, asleep or not, until closed caches are drained
 * @visited: the pool is in the current or the last pass of bp_gc_work; this and the next are
 *	used by that alone
 * @reap_at: the class at which its next turn goes on
 * @class: the classes, each made at its first use
 * @closed: bp_closed_cache for each slot
 * @closed_page: the page that is mapped again and again as @closed, if that takes more
 *	than a page; otherwise 0. See internal/slots.c
 * @idle_timeout_ms: as in struct bytepool_params
 * @limit: limit of @held, bytes; 0 = none
 * @held: backing memory, bytes
 * @failures: allocations that returned NULL
 * @bad_frees: frees that were refused
 * @bad_frees_warned: a bit for each enum bad_free_reason whose stack trace was shown
 * @overwritten_limit: ratelimit of reports of writes to idle blocks
 * @trim_lock: serialises trims of the pool; held over their grace period. bp_trim_all() does not
 *	take it
 * @trims: number of trims begun, without those by bp_trim_all(); this and the next are
 *	written under @trim_lock
 * @last_fruitful_trim: value of @trims at the last trim that gave something back
 * @gc_lock: held by a pass to close and to drain caches: by the GC, trims, waiters, changes of
 *	a reserve and the OOM killer's notifier. The shrinker only tries it
 * @gc_runs: GC passes; written under @gc_lock
 * @reap_lock: held from taking slabs out of a depot until the system has them
 * @reclaimed_blocks: blocks given back to the system; this and the next are
 *	written under @reap_lock
 * @reclaimed_bytes: bytes given back to the system
 * @debugfs: its directory
 * @list: link in the list of pools, under pools_lock
 * @nr_pins: walks of the list that are at this pool, under pools_lock
 * @dying: no new pin may be taken, under pools_lock
 * @unpinned: completed with the last pin of a dying pool
 * @kobj: in sysfs
 * @released: completed with the last reference to @kobj
 * @name: in sysfs and in messages
 */
struct bytepool {
	struct bp_cpu __percpu *cpu;
	struct bp_sizes sizes;
	unsigned int flags;
	bool awake;
	bool draining;
	bool visited;
	u32 reap_at;
	struct bp_class **class;
	struct bp_cache **closed;
	unsigned long closed_page;

	unsigned int idle_timeout_ms;
	unsigned long limit;
	atomic_long_t held ____cacheline_aligned_in_smp;
	atomic64_t failures;
	atomic64_t bad_frees;
	unsigned long bad_frees_warned;
	struct ratelimit_state overwritten_limit;

	struct mutex trim_lock;	/* outermost; not held over an allocation from the system */
	unsigned long trims;
	unsigned long last_fruitful_trim;
	struct mutex gc_lock;	/* within trim_lock; not over a grace period or a free of slabs */
	u64 gc_runs;
	struct mutex reap_lock;	/* within trim_lock; not held over a grace period */
	u64 reclaimed_blocks;
	u64 reclaimed_bytes;

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
