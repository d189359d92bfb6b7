// SPDX-License-Identifier: GPL-2.0-only
/*
 * bytepool - pools of byte blocks in size classes
 *
 * A pool serves a request from the smallest of its size classes that fits,
 * and keeps what is freed to hand it out again. Memory moves one way out and
 * the same way back:
 *
 *	system <-> slab <-> depot <-> per-CPU cache <-> caller
 *
 * - A slab is one allocation from the system: a run of pages carved into equal
 *   blocks (internal/slab.h), or one large block. It is born with an entry in
 *   a table of addresses and dies with it; that table tells what a pointer is.
 * - A class keeps its slabs in depots, one for each NUMA node: a lock, a list of
 *   those with idle blocks and others, and the wholly idle ones in order of age;
 *   full ones only the table knows. A block goes back to the depot that it came
 *   from, whoever frees it.
 * - A per-CPU cache is a stack of idle blocks of one class (internal/cache.h),
 *   all from the depot of its CPU's node. Its CPU uses it with preemption off,
 *   and marked busy against its own interrupts: no lock, no interrupt
 *   disabling, and the one atomic operation of a pair is the one that catches
 *   two CPUs freeing the same block. What one CPU has too much of, another takes
 *   from the depot in batches.
 * - A memo on each CPU remembers what the table said of the blocks that it
 *   freed last, until any slab dies or any cache is closed.
 * - The GC works from the far end. To reach into the cache of another CPU it
 *   closes it, by turning the pointer that the CPU would follow to a cache
 *   that is always busy, and waits for an RCU grace period: regions with
 *   preemption off are readers, so then the CPU has left. No CPU is
 *   interrupted or waited for otherwise, and the fast path pays one test. A
 *   shrinker does the same when the system is short, whatever the age; the
 *   caches of a CPU that died need no grace period.
 * - Pools with BYTEPOOL_POISON or BYTEPOOL_TRACK have no per-CPU caches: each
 *   block is looked at between depot and caller.
 *
 * Locks: gc_lock is outermost, then comes reap_lock; within them either
 * table_pending_mutex and then table_pending_lock, or a depot's lock, never both. pools_lock
 * nests with none. Alloc and free take a depot's lock, and alloc table_pending_lock:
 * raw spinlocks, held for a bounded number of steps and never over a call to the
 * system's allocator. An alloc that may sleep also takes gc_lock, to have idle
 * memory given back when the pool is at its limit or the system is short. A
 * shrinker, which runs amid anybody's allocation, only tries gc_lock: where
 * others have it, reap_lock is enough for what the depots have.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/completion.h>
#include <linux/cpuhotplug.h>
#include <linux/ctype.h>
#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/fault-inject.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/poison.h>
#include <linux/ratelimit.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/shrinker.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/swait.h>
#include <linux/sysfs.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "bytepool.h"
#include "internal/cache.h"
#include "internal/compat.h"
#include "internal/instrument.h"
#include "internal/size_class.h"
#include "internal/slab.h"

#define CREATE_TRACE_POINTS
#include "internal/trace.h"

/* What wants each block looked at when it comes and goes. */
#define BYTEPOOL_FLAGS_CHECKED	(BYTEPOOL_POISON | BYTEPOOL_TRACK)
/* Pools without per-CPU caches. */
#define BYTEPOOL_FLAGS_UNCACHED	(BYTEPOOL_SINGLE | BYTEPOOL_FLAGS_CHECKED)
#define BYTEPOOL_FLAGS_ALL	(BYTEPOOL_CONTIG | BYTEPOOL_WIPE | BYTEPOOL_FLAGS_UNCACHED)
#define BYTEPOOL_NAME_MAX	63
#define BYTEPOOL_DEFAULT_MAX	SZ_4M
#define GC_INTERVAL_MIN_MS	10U
#define GC_INTERVAL_MAX_MS	3600000U

/*
 * A CPU caches up to CACHE_BYTES and CACHE_ENTRIES_MAX blocks of a class; of
 * classes above CACHE_BLOCK_MAX none. On a 64-bit machine the largest cache is
 * 1 KiB.
 */
#define CACHE_BYTES		SZ_8M
#define CACHE_BLOCK_MAX		SZ_4M
#define CACHE_ENTRIES_MAX	29U

/*
 * What a CPU remembers of blocks, two for each of these places, takes 16 KiB on a
 * 64-bit machine: room for what is on its way from CPU to CPU.
 */
#define MEMO_BITS		8
#define MEMO_PLACES	BIT(MEMO_BITS)

/*
 * What expires within this of a pass is closed with it: some grace periods, of
 * 10 ms as a rule. If one takes longer, ageing is as late.
 */
#define GC_CLOSE_AHEAD		(HZ / 10)

/* No pass takes as long: what seems to be freed later than that after it began is old. */
#define GC_PASS_MAX		(3600UL * HZ)

/*
 * Given back while reap_lock is held once: so many slabs, which are taken under
 * a depot's lock, and no more after so many bytes. Nobody waits for long.
 */
#define REAP_SLABS		16U
#define REAP_BYTES		SZ_4M

/*
 * How long a task waits for what nobody announces, before it looks again: as
 * mempool_alloc() does.
 */
#define RESERVE_RETRY		(5 * HZ)
#define NOFAIL_RETRY		(HZ / 10)

/* How often bytepool_alloc_bulk() looks meanwhile. */
#define BULK_RETRY		(HZ / 50)

/* What slabs of several pages and blocks are aligned to, so that an address tells their base. */
#define SLAB_ALIGN		(BYTEPOOL_SLAB_PAGES * PAGE_SIZE)
/* What is aligned is never mapped, see backing_alloc(). */
static_assert(!(BYTEPOOL_SLAB_PAGES & (BYTEPOOL_SLAB_PAGES - 1)) &&
	      BYTEPOOL_SLAB_PAGES <= 1 << PAGE_ALLOC_COSTLY_ORDER);

/* A CPU looks at so many slabs for one that it has taken blocks of. */
#define PRIVATE_LOOKS		4U

/* A class whose blocks take so many times its slab_bytes grows by slabs of several pages. */
#define LARGE_SLABS_FROM	8UL

/* So many blocks of a bulk at most are freed in one section. */
#define BULK_SECTION		64U

/* What a scan is asked for at least: it may have to wait for a grace period. */
#define SHRINK_BYTES		SZ_1M

/* How often a scan looks again, if others have taken what it saw. */
#define SHRINK_RETRIES		8U

/* How often an alloc has room made, if others have taken what was made. */
#define ROOM_RETRIES		8U

/* After how many in a row that made none it gives up. */
#define ROOM_IN_VAIN		3U

/* So many slabs at most are looked at in one RCU section, where all are. */
#define WALK_SECTION		1024U

/* So many call sites are told apart in a leak report. */
#define LEAK_SITES		32U

/* So many bytes of what was written to a free block are shown. */
#define REPORT_BYTES		16U

/* What a caller's gfp may say to the system: how hard to try, not what to give. */
#define BYTEPOOL_GFP_MASK	(__GFP_RECLAIM | __GFP_IO | __GFP_FS | __GFP_HIGH | __GFP_ATOMIC | \
				 __GFP_NOWARN | __GFP_NORETRY | __GFP_RETRY_MAYFAIL | \
				 __GFP_MEMALLOC | __GFP_NOMEMALLOC | __GFP_HARDWALL | \
				 __GFP_THISNODE)

/* For memory that is good to have: without reclaim, and no emergency reserves. */
#define GFP_SPARE		(__GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN)

/* Idle memory is anywhere in memory, so a request for a zone cannot be met. */
#define BYTEPOOL_GFP_REFUSED	(__GFP_DMA | __GFP_DMA32)

/* What the fast path does not look at. */
#define BYTEPOOL_GFP_SLOW	(BYTEPOOL_GFP_REFUSED | __GFP_ZERO)

/* Why a free is refused. */
enum bytepool_bad_free {
	BAD_FREE_NONE,
	BAD_FREE_UNKNOWN,
	BAD_FREE_INSIDE,
	BAD_FREE_FOREIGN,
	BAD_FREE_IDLE,
};

static const char * const bad_free_text[] = {
	[BAD_FREE_UNKNOWN]	= "no block of any pool starts there",
	[BAD_FREE_INSIDE]	= "it points into a block",
	[BAD_FREE_FOREIGN]	= "the block is another pool's",
	[BAD_FREE_IDLE]		= "the block is free already",
};

/**
 * struct bytepool_depot - the slabs of a class on a NUMA node
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
struct bytepool_depot {
	raw_spinlock_t lock;
	struct bytepool_class *class;
	struct list_head partial;
	struct list_head idle;
	struct rb_root_cached idle_tree;
	unsigned long nr_idle;
	unsigned long nr_whole;
	unsigned long nr_slabs;
	struct bytepool_batch *full;
	struct bytepool_batch *empty;
	u64 hits;
	u64 misses;
	u64 frees;
} ____cacheline_aligned_in_smp;

/**
 * struct bytepool_class - a size class
 * @pool: whose
 * @index: number in the pool
 * @size: of a block, bytes
 * @slab_bytes: of a slab, bytes; for a start, and where that is not to be had, as
 *	few as hold a block
 * @capacity: most blocks that a CPU may keep, fewer under a limit, see
 *	cache_create(); 0 = no per-CPU caches
 * @reciprocal: of @size, see block_state()
 * @reserve: blocks to keep; written under gc_lock and every depot's lock, at the
 *	end by the last user
 * @nr_blocks: blocks of all slabs; becomes less under reap_lock
 * @nr_caches: how many there are in @cache
 * @wait: tasks that wait for a block, see class_may_wait()
 * @rcu: at its end, until no CPU can be looking at it
 * @cache: of each CPU; once there, it stays until the pool is destroyed
 * @depot: of each node
 */
struct bytepool_class {
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
	struct bytepool_cache **cache;
	struct bytepool_depot depot[];
};

/*
 * What a CPU follows: open[slot] is its cache of the slot's class, or
 * closed_cache while there is none or it may not be used.
 */
struct bytepool_cpu {
	struct bytepool_cache **open;
};

/**
 * struct bytepool - a pool
 * @cpu: the open caches of each CPU
 * @sizes: its size classes
 * @flags: BYTEPOOL_*
 * @awake: the GC visits it. While it does not, all caches are closed, so that
 *	the next free calls pool_wake(); except where blocks never age
 * @visited: gc_work's own: the pool is in its pass
 * @class: the classes, each made at its first use
 * @idle_timeout_ms: as in struct bytepool_params
 * @limit: cap on @held, bytes; 0 = none
 * @held: backing memory, bytes
 * @failures: allocations that returned NULL
 * @bad_frees: frees refused
 * @bad_frees_told: a bit for each enum bytepool_bad_free that had its stack trace
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
	struct bytepool_cpu __percpu *cpu;
	struct bytepool_sizes sizes;
	unsigned int flags;
	bool awake;
	bool visited;
	struct bytepool_class **class;

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
	char name[BYTEPOOL_NAME_MAX + 1];
};

/*
 * A slab that is not in the table: born where the table may not be modified, or
 * while it had no memory to grow. Lookups that miss come here.
 */
struct pending_slab {
	struct list_head list;
	struct bytepool_slab *slab;
	struct rcu_head rcu;
};

/**
 * struct gc_pass - what to give back
 * @all: everything idle, else by age
 * @now: jiffies when the pass began
 * @timeout: age in jiffies beyond which a block has expired; MAX_JIFFY_OFFSET = never
 */
struct gc_pass {
	bool all;
	unsigned long now;
	unsigned long timeout;
};

static const struct gc_pass gc_everything = { .all = true };

static unsigned int idle_timeout_ms = 300000;
static unsigned int gc_interval_ms = 10000;

/* Not readable as parameters: /sys/kernel/bytepool tells what they are by now. */
module_param(idle_timeout_ms, uint, 0);
MODULE_PARM_DESC(idle_timeout_ms, "Age at which idle memory is given back, ms; 0 = never (default 300000)");
module_param(gc_interval_ms, uint, 0);
MODULE_PARM_DESC(gc_interval_ms, "How often the GC looks, ms; 10 to 3600000 (default 10000)");

struct bytepool *bytepool_system;
EXPORT_SYMBOL_GPL(bytepool_system);

/* No pool: who finds it as a cache's goes to the depot. */
static char no_pool;
#define CACHE_BUSY	((struct bytepool *)&no_pool)

static struct bytepool_cache closed_cache __read_mostly = { .pool = CACHE_BUSY };

/**
 * struct where - a block that this CPU has freed, and what the table said of it
 * @cache: where to free it; closed_cache while the rest is not to be relied on
 * @block: its address
 * @state: its state in @slab
 * @slab: where it lies
 */
struct where {
	struct bytepool_cache *cache;
	const void *block;
	u8 *state;
	struct bytepool_slab *slab;
};

/*
 * The memo of a CPU. What is in it was true when memo_generation was its
 * memo_seen, which bytepool_free() may read before there is a memo.
 * The age goes up when a slab has died or a cache was closed, a grace period
 * before the one is freed or the other touched.
 * Read in sections; see memo_writable() for who writes them.
 */
struct memo {
	struct where at[2][MEMO_PLACES];
};

static struct memo __percpu *memos;
static DEFINE_PER_CPU(long, memo_seen);
static atomic_long_t memo_generation __read_mostly = ATOMIC_LONG_INIT(1);

/* All pools. Sleeping contexts only. */
static LIST_HEAD(pools);
static DEFINE_MUTEX(pools_lock);

/* Slabs by where they begin. Modified at a slab's birth and death alone. */
static struct rhashtable table;

/* Additions to the list of pending slabs, from any context; read under RCU. */
static LIST_HEAD(table_pending);
static DEFINE_RAW_SPINLOCK(table_pending_lock);
/* Removals from the list, and what becomes of a pending slab. Sleeping contexts only. */
static DEFINE_MUTEX(table_pending_mutex);

/* The GC's work item, of which gc_work_fn() is the function. */
static struct delayed_work gc_work;
/* NULL while bytepool, built into the kernel, has not started, or where it could not: no pools. */
static struct workqueue_struct *gc_wq;

static bool pool_make_room(struct bytepool *pool, unsigned long trims);

/*
 * The section in which a CPU may use its open caches and look at slabs that
 * are not its own: preemption off, which RCU knows as a reader. Only a kernel
 * that checks the use of RCU wants to be told so.
 */
static __always_inline void section_enter(void)
{
	preempt_disable();
	if (IS_ENABLED(CONFIG_PROVE_RCU))
		rcu_read_lock();
}

static __always_inline void section_exit(void)
{
	if (IS_ENABLED(CONFIG_PROVE_RCU))
		rcu_read_unlock();
	preempt_enable();
}

/* What of a caller's gfp is for the system; 6.1 warns of __GFP_ATOMIC where one may sleep. */
static gfp_t system_gfp(gfp_t gfp)
{
	gfp &= BYTEPOOL_GFP_MASK;
	return gfp & __GFP_DIRECT_RECLAIM ? gfp & ~__GFP_ATOMIC : gfp;
}

/* On PREEMPT_RT, the locks of the system's allocator are not to be taken with preemption off. */
static bool system_may_serve(void)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) || preemptible();
}

static bool pool_single(const struct bytepool *pool)
{
	return pool->flags & BYTEPOOL_SINGLE;
}

/* Where a CPU's memory comes from: its node, or the nearest to one that has none. */
static int cpu_memory_node(int cpu)
{
	int node = cpu_to_mem(cpu);
	int nearest = NUMA_NO_NODE;
	int other;

	if (likely(node_state(node, N_MEMORY)))
		return node;
	for_each_node_state(other, N_MEMORY) {
		if (nearest == NUMA_NO_NODE ||
		    node_distance(node, other) < node_distance(node, nearest))
			nearest = other;
	}
	return nearest;
}

/*
 * Size classes
 */

static void depot_init(struct bytepool_depot *depot, struct bytepool_class *class)
{
	raw_spin_lock_init(&depot->lock);
	depot->class = class;
	INIT_LIST_HEAD(&depot->partial);
	INIT_LIST_HEAD(&depot->idle);
	depot->idle_tree = RB_ROOT_CACHED;
}

static struct bytepool_class *class_new(struct bytepool *pool, u32 index, gfp_t gfp)
{
	u32 size = bytepool_class_size(&pool->sizes, index);
	struct bytepool_class *class;
	size_t caches = struct_size(class, depot, nr_node_ids);
	unsigned int node;

	class = kzalloc(caches + array_size(nr_cpu_ids, sizeof(*class->cache)), gfp);
	if (!class)
		return NULL;
	class->pool = pool;
	class->index = index;
	class->size = size;
	/* Where each block has a record in the descriptor, or is searched for there, few do. */
	class->slab_bytes = pool->flags & BYTEPOOL_FLAGS_CHECKED ? PAGE_ALIGN(size) :
								    bytepool_slab_bytes(size);
	class->reciprocal = bytepool_reciprocal(size);
	if (!(pool->flags & BYTEPOOL_FLAGS_UNCACHED) && size <= CACHE_BLOCK_MAX)
		class->capacity = min(CACHE_BYTES / size, CACHE_ENTRIES_MAX);
	init_swait_queue_head(&class->wait);
	class->cache = (void *)class + caches;
	for (node = 0; node < nr_node_ids; node++)
		depot_init(&class->depot[node], class);
	return class;
}

static noinline struct bytepool_class *class_add(struct bytepool *pool, u32 index, gfp_t gfp)
{
	struct bytepool_class *class;
	gfp_t class_gfp;

	if (!system_may_serve())
		return NULL;
	class_gfp = system_gfp(gfp);
	if (gfpflags_allow_blocking(gfp))
		class_gfp |= gfp & __GFP_NOFAIL;
	class = class_new(pool, index, class_gfp);
	if (!class)
		return NULL;
	/* Pairs with smp_load_acquire() below, in class_get() and in class_next(). */
	if (cmpxchg(&pool->class[index], NULL, class)) {
		kfree(class);
		return smp_load_acquire(&pool->class[index]);	/* another was first */
	}
	return class;
}

/* The class, made at its first use. */
static struct bytepool_class *class_get(struct bytepool *pool, u32 index, gfp_t gfp)
{
	/* Pairs with cmpxchg() in class_add(). */
	struct bytepool_class *class = smp_load_acquire(&pool->class[index]);

	return likely(class) ? class : class_add(pool, index, gfp);
}

/* The class at *@index, or the next one that there is; *@index is then after it. */
static struct bytepool_class *class_next(struct bytepool *pool, u32 *index)
{
	while (*index < pool->sizes.nr) {
		/* Pairs with cmpxchg() in class_add(). */
		struct bytepool_class *class = smp_load_acquire(&pool->class[(*index)++]);

		if (class)
			return class;
	}
	return NULL;
}

#define for_each_class(class, pool) \
	for (u32 __index = 0; ((class) = class_next(pool, &__index)); )

/* Any of its slots. */
static u32 class_slot(const struct bytepool_class *class)
{
	return bytepool_last_slot(&class->pool->sizes, class->index);
}

/* The depot of node *@node, if there is one; *@node is then after it. */
static struct bytepool_depot *depot_next(struct bytepool_class *class, unsigned int *node)
{
	return *node < nr_node_ids ? &class->depot[(*node)++] : NULL;
}

#define for_each_depot(depot, class) \
	for (unsigned int __node = 0; ((depot) = depot_next(class, &__node)); )

/*
 * The table of addresses
 */

/* Fibonacci hashing: slabs are near each other, and the product spreads them at little cost. */
static __always_inline u32 table_hash(const void *key, u32 len, u32 seed)
{
	unsigned long page = *(const unsigned long *)key >> PAGE_SHIFT;

#if BITS_PER_LONG == 64
	return (page ^ seed) * GOLDEN_RATIO_64 >> 32;
#else
	u32 hash = (page ^ seed) * GOLDEN_RATIO_32;

	return hash ^ hash >> 16;
#endif
}

/* 0 if the slab begins where the key says. rhashtable's own calls memcmp(). */
static __always_inline int table_cmp(struct rhashtable_compare_arg *arg, const void *slab)
{
	return ((const struct bytepool_slab *)slab)->base != *(const unsigned long *)arg->key;
}

/* It does not shrink: that, and to grow again, costs as much as all else of a slab's life. */
static const struct rhashtable_params table_params = {
	.key_len = sizeof_field(struct bytepool_slab, base),
	.key_offset = offsetof(struct bytepool_slab, base),
	.head_offset = offsetof(struct bytepool_slab, node),
	.hashfn = table_hash,
	.obj_cmpfn = table_cmp,
};

/* Whether one of the slab's blocks is at an address. */
static bool slab_holds(const struct bytepool_slab *slab, unsigned long address)
{
	return address - slab->base < (unsigned long)slab->nr * slab->depot->class->size;
}

/* The slab that begins at @base, if it is in the table and one of its blocks is at @address. */
static struct bytepool_slab *table_at(unsigned long base, unsigned long address)
{
	struct bytepool_slab *slab = rhashtable_lookup(&table, &base, table_params);

	return likely(slab && slab_holds(slab, address)) ? slab : NULL;
}

/*
 * The slab with a block at the address, if it is in the table. One with blocks
 * that start in several pages is aligned to SLAB_ALIGN.
 */
static struct bytepool_slab *table_lookup(unsigned long address)
{
	return table_at(address & ~(SLAB_ALIGN - 1), address) ?:
	       table_at(address & PAGE_MASK, address);
}

static noinline struct bytepool_slab *table_find_pending(unsigned long address)
{
	struct pending_slab *pending;

	list_for_each_entry_rcu(pending, &table_pending, list) {
		if (slab_holds(pending->slab, address))
			return pending->slab;
	}
	/*
	 * Pairs with smp_wmb() in table_pending_work_fn(): who has left the list
	 * is in the table.
	 */
	smp_rmb();
	return table_lookup(address);
}

/* The slab with a block at an address, or NULL. Section. */
static __always_inline struct bytepool_slab *table_find(const void *block)
{
	struct bytepool_slab *slab;

	if (unlikely(!gc_wq))
		return NULL;
	slab = table_lookup((unsigned long)block);
	return likely(slab) ? slab : table_find_pending((unsigned long)block);
}

/* The state of the block of the slab that starts there, or NULL. */
static u8 *block_state(struct bytepool_slab *slab, const void *block)
{
	const struct bytepool_class *class = slab->depot->class;
	u32 offset = (unsigned long)block - slab->base;
	u32 index = bytepool_block_index(offset, class->reciprocal);

	return index < slab->nr && index * class->size == offset ? &slab->state[index] : NULL;
}

/* Put the slab into the table. 0 or -errno. */
static int table_insert(struct bytepool_slab *slab)
{
	int err = rhashtable_insert_fast(&table, &slab->node, table_params);

	slab->hashed = !err;
	return err;
}

static void table_pending_remove(struct pending_slab *pending)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&table_pending_lock, flags);
	list_del_rcu(&pending->list);
	raw_spin_unlock_irqrestore(&table_pending_lock, flags);
	kfree_rcu(pending, rcu);
}

/* Put the pending slabs into the table. Those that came since are the next run's. */
static void table_pending_work_fn(struct work_struct *work)
{
	struct pending_slab *pending;
	bool again = false;

	mutex_lock(&table_pending_mutex);
	rcu_read_lock();
	list_for_each_entry_rcu(pending, &table_pending, list) {
		struct bytepool_slab *slab = pending->slab;

		if (table_insert(slab)) {
			again = true;
			continue;
		}
		/* Pairs with smp_rmb() in table_find_pending(): in the table, then off the list. */
		smp_wmb();
		table_pending_remove(pending);
		/* Pairs with smp_load_acquire() in table_remove(). */
		smp_store_release(&slab->pending, false);
	}
	rcu_read_unlock();
	mutex_unlock(&table_pending_mutex);
	if (again)
		queue_delayed_work(gc_wq, to_delayed_work(work), 1);
}

static DECLARE_DELAYED_WORK(table_pending_work, table_pending_work_fn);

static int __init table_init(void)
{
	return rhashtable_init(&table, &table_params);
}

static void table_exit(void)
{
	cancel_delayed_work_sync(&table_pending_work);
	rhashtable_destroy(&table);
}

/* Make the slab known by its address. Any context that may allocate with @gfp. */
static int table_add(struct bytepool_slab *slab, gfp_t gfp)
{
	struct pending_slab *pending;
	unsigned long flags;

	if (compat_rhashtable_writable() && !table_insert(slab))
		return 0;
	pending = kmalloc(sizeof(*pending), gfp);
	if (!pending)
		return -ENOMEM;
	pending->slab = slab;
	slab->pending = true;
	raw_spin_lock_irqsave(&table_pending_lock, flags);
	list_add_tail_rcu(&pending->list, &table_pending);
	raw_spin_unlock_irqrestore(&table_pending_lock, flags);
	queue_delayed_work(gc_wq, &table_pending_work, 0);
	return 0;
}

static void table_remove(struct bytepool_slab *slab)
{
	/* Pairs with smp_store_release() in table_pending_work_fn(): @hashed is final. */
	if (smp_load_acquire(&slab->pending)) {
		struct pending_slab *pending;

		mutex_lock(&table_pending_mutex);
		rcu_read_lock();
		list_for_each_entry_rcu(pending, &table_pending, list) {
			if (pending->slab == slab)
				table_pending_remove(pending);
		}
		rcu_read_unlock();
		mutex_unlock(&table_pending_mutex);
	}
	if (slab->hashed)
		rhashtable_remove_fast(&table, &slab->node, table_params);
}

/*
 * Call @fn for each slab; for some twice, if the table is resized meanwhile or
 * pending slabs enter it. Walk the list of pending slabs first: a pending slab
 * is in the table before it leaves the list, so that none is missed.
 */
static void table_for_each_slab(void (*fn)(struct bytepool_slab *slab, void *arg), void *arg)
{
	struct pending_slab *pending;
	struct bytepool_slab *slab;
	struct rhashtable_iter iter;
	unsigned long seen = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(pending, &table_pending, list)
		fn(pending->slab, arg);
	rcu_read_unlock();
	rhashtable_walk_enter(&table, &iter);
	rhashtable_walk_start(&iter);
	while ((slab = rhashtable_walk_next(&iter))) {
		/* -EAGAIN: the table was resized, and some come again. */
		if (!IS_ERR(slab))
			fn(slab, arg);
		if (!(++seen % WALK_SECTION)) {
			rhashtable_walk_stop(&iter);
			cond_resched();
			rhashtable_walk_start(&iter);
		}
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
}

/*
 * The memo
 */

/*
 * A block has two places, by different parts of a product that spreads addresses
 * that are far apart as well as those that are near.
 */
static __always_inline u32 memo_place(const void *block, unsigned int which)
{
	unsigned long hash = (unsigned long)block * GOLDEN_RATIO_32;

	if (!which)
		return (u32)hash >> (32 - MEMO_BITS);
	return hash >> (BITS_PER_LONG == 64 ? 32 : 16) & (MEMO_PLACES - 1);
}

/* Whether this CPU remembers the block, and where. Section. */
static __always_inline bool memo_locate(const void *block, struct where __percpu **where)
{
	*where = &memos->at[0][memo_place(block, 0)];
	if (likely(raw_cpu_read((*where)->block) == block))
		return true;
	*where = &memos->at[1][memo_place(block, 1)];
	return raw_cpu_read((*where)->block) == block;
}

/* Whether what this CPU remembers is true, for the rest of the section. */
static __always_inline bool memo_current(void)
{
	return likely(raw_cpu_read(memo_seen) == atomic_long_read(&memo_generation));
}

/*
 * What is remembered of a slab or by a cache is not true any more: no section
 * that begins after the next grace period believes it. The caller has unhashed
 * the slab, or closed the cache; and lets a grace period pass before it frees the
 * one or reaches into the other.
 */
static void memo_forget(void)
{
	/* Pairs with smp_rmb() in memo_refresh(). */
	smp_mb__before_atomic();
	atomic_long_inc(&memo_generation);
}

/*
 * Whether no section that this one interrupted can be amid the memo: a
 * task interrupts none, and where preemption was on, there was none. Section.
 */
static bool memo_writable(void)
{
	return in_task() || (IS_ENABLED(CONFIG_PREEMPT_COUNT) &&
			     (preempt_count() & PREEMPT_MASK) == PREEMPT_OFFSET);
}

/* Forget what is not true any more: whether anything may be entered. Section. */
static bool memo_refresh(void)
{
	struct memo *memo = this_cpu_ptr(memos);
	long age = atomic_long_read(&memo_generation);
	unsigned int place;

	if (!memo_writable())
		return false;
	if (raw_cpu_read(memo_seen) == age)
		return true;
	if (!gc_wq)
		return false;
	for (place = 0; place < MEMO_PLACES; place++) {
		memo->at[0][place].cache = &closed_cache;
		memo->at[1][place].cache = &closed_cache;
	}
	/* Pairs with smp_mb__before_atomic() in memo_forget(): look up what is true by now. */
	smp_rmb();
	raw_cpu_write(memo_seen, age);
	return true;
}

/* This CPU's interrupts may read it at any time, so the compiler's order is enough. */
static void memo_set(struct where *where, const struct where *from)
{
	where->cache = &closed_cache;
	barrier();
	where->block = from->block;
	where->state = from->state;
	where->slab = from->slab;
	barrier();
	where->cache = from->cache;
}

/*
 * Remember a block, which was looked up since memo_refresh() allowed it. Who
 * was there goes to its other place. Section.
 */
static void memo_enter(const struct where *new)
{
	struct memo *memo = this_cpu_ptr(memos);
	struct where *where = &memo->at[0][memo_place(new->block, 0)];

	if (where->cache != &closed_cache)
		memo_set(&memo->at[1][memo_place(where->block, 1)], where);
	memo_set(where, new);
}

/* What this CPU remembers of a block. Section. */
static bool memo_find(struct where *where)
{
	struct where __percpu *at;

	if (!memo_current() || !memo_locate(where->block, &at) ||
	    raw_cpu_read(at->cache) == &closed_cache)
		return false;
	*where = *this_cpu_ptr(at);
	return true;
}

static int __init memo_init(void)
{
	memos = alloc_percpu(struct memo);
	if (!memos)
		return -ENOMEM;
	kmemleak_free_percpu(memos);	/* what they remember are no references */
	return 0;
}

static void memo_exit(void)
{
	free_percpu(memos);
}

/*
 * POISON and TRACK: what a pool checks, and remembers, of each block. They write
 * while the block is theirs alone: before it is in the depot, and once it is out.
 */

static void block_poison(void *block, u32 size)
{
	memset(block, POISON_FREE, size - 1);
	((u8 *)block)[size - 1] = POISON_END;
}

/* The first byte that is not as block_poison() left it, or NULL. */
static u8 *poison_broken(void *block, u32 size)
{
	u8 *last = block + size - 1;
	u8 *broken = memchr_inv(block, POISON_FREE, size - 1);

	if (broken)
		return broken;
	return *last == POISON_END ? NULL : last;
}

static void block_track(struct bytepool_slab *slab, u32 index, unsigned long caller)
{
	struct bytepool_track *track = slab_track(slab, index);

	/* Pairs with READ_ONCE() in track_read(). */
	WRITE_ONCE(track->caller, caller);
	WRITE_ONCE(track->when, jiffies);
	WRITE_ONCE(track->pid, task_pid_nr(current));
}

/* What is known of a block that may be allocated or freed meanwhile. */
static struct bytepool_track track_read(struct bytepool_slab *slab, u32 index)
{
	struct bytepool_track *track = slab_track(slab, index);

	return (struct bytepool_track){
		.caller = READ_ONCE(track->caller),
		.when = READ_ONCE(track->when),
		.pid = READ_ONCE(track->pid),
	};
}

static u64 track_age_ms(const struct bytepool_track *track)
{
	return jiffies64_to_msecs(jiffies - track->when);
}

/* Tell if somebody wrote to an idle block, and who had it @last, if that is known. */
static void block_verify(const struct bytepool_class *class, u8 *block,
			 const struct bytepool_track *last)
{
	struct bytepool *pool = class->pool;
	u8 *broken = poison_broken(block, class->size);
	u32 offset;

	if (likely(!broken) || !__ratelimit(&pool->overwritten_limit))
		return;
	offset = broken - block;
	pr_err("%s: a free block of %u bytes was written to: %p, at offset %u: %*ph\n", pool->name,
	       class->size, block, offset, (int)min(class->size - offset, REPORT_BYTES), broken);
	if (last->caller)
		pr_err("%s: it was freed %llu ms ago by %pS, pid %d\n", pool->name,
		       track_age_ms(last), (void *)last->caller, last->pid);
}

/* Fill the blocks of a new slab. */
static void slab_poison(struct bytepool_slab *slab)
{
	u32 size = slab->depot->class->size;
	u32 index;

	for (index = 0; index < slab->nr; index++)
		block_poison(slab_block(slab, size, index), size);
}

/* Check those of one that goes. */
static void slab_verify(struct bytepool_slab *slab)
{
	const struct bytepool_class *class = slab->depot->class;
	u32 index;

	for (index = 0; index < slab->nr; index++) {
		struct bytepool_track last = {};

		if (class->pool->flags & BYTEPOOL_TRACK)
			last = track_read(slab, index);
		block_verify(class, slab_block(slab, class->size, index), &last);
	}
}

/* Blocks in use that one line of code has allocated. */
struct leak_site {
	unsigned long caller;
	unsigned long nr;
	unsigned int size;
	u64 age_ms;	/* of the oldest */
};

struct leak_report {
	unsigned int nr;
	struct leak_site site[LEAK_SITES];
};

static void report_leak(struct leak_report *report, struct bytepool_slab *slab, u32 index)
{
	struct bytepool_track track = track_read(slab, index);
	u32 size = slab->depot->class->size;
	struct leak_site *site = report->site;

	while (site < report->site + report->nr &&
	       (site->caller != track.caller || site->size != size))
		site++;
	if (site == report->site + report->nr) {
		/* The last one is for all that have no room. */
		if (report->nr == LEAK_SITES)
			site--;
		else
			report->nr++;
		site->caller = report->nr == LEAK_SITES ? 0 : track.caller;
		site->size = size;
	}
	site->nr++;
	site->age_ms = max(site->age_ms, track_age_ms(&track));
}

/* Tell who allocated the blocks in use of these slabs. */
static void report_leaks(struct bytepool *pool, struct list_head *slabs)
{
	struct leak_report *report = kzalloc(sizeof(*report), GFP_KERNEL);
	struct bytepool_slab *slab;
	unsigned int i;
	u32 index;

	if (!report)
		return;
	list_for_each_entry(slab, slabs, list) {
		for (index = 0; index < slab->nr; index++) {
			if (slab->state[index] == BYTEPOOL_BLOCK_IN_USE)
				report_leak(report, slab, index);
		}
		cond_resched();
	}
	for (i = 0; i < report->nr; i++) {
		struct leak_site *site = &report->site[i];

		if (site->caller)
			pr_warn("%s: %lu blocks of %u bytes were allocated by %pS, the first %llu ms ago\n",
				pool->name, site->nr, site->size, (void *)site->caller,
				site->age_ms);
		else
			pr_warn("%s: %lu blocks were allocated by others, the first %llu ms ago\n",
				pool->name, site->nr, site->age_ms);
	}
	kfree(report);
}

/*
 * System <-> slab
 */

/* Whether @bytes more than are held would be too much. */
static bool over_limit(unsigned long limit, unsigned long held, unsigned long bytes)
{
	return limit && (bytes > limit || held > limit - bytes);
}

/* Memory that the pool has from the system, bytes. */
static size_t pool_held(const struct bytepool *pool)
{
	return atomic_long_read(&pool->held);
}

/* Take @bytes of the pool's limit: all or nothing, whoever else does. */
static bool pool_charge(struct bytepool *pool, unsigned long bytes)
{
	unsigned long limit = READ_ONCE(pool->limit);
	long held = atomic_long_read(&pool->held);

	do {
		if (over_limit(limit, held, bytes))
			return false;
	} while (!atomic_long_try_cmpxchg(&pool->held, &held, held + bytes));
	return true;
}

static void pool_uncharge(struct bytepool *pool, unsigned long bytes)
{
	atomic_long_sub(bytes, &pool->held);
}

/*
 * Pages in a row, the surplus of the order given back: alloc_pages_exact() with
 * a node and an alignment.
 */
static void *pages_alloc(unsigned long bytes, unsigned long align, gfp_t gfp, int node)
{
	unsigned int order = get_order(max(bytes, align));
	unsigned long nr = bytes >> PAGE_SHIFT;
	struct page *page;

	if (1UL << order > MAX_ORDER_NR_PAGES)
		return NULL;
	if (nr == 1UL << order)
		gfp |= __GFP_COMP;
	page = alloc_pages_node(node, gfp, order);
	if (!page)
		return NULL;
	if (nr != 1UL << order) {
		unsigned long i;

		split_page(page, order);
		for (i = nr; i < 1UL << order; i++)
			__free_page(page + i);
	}
	return page_address(page);
}

static void backing_free(void *base, unsigned long bytes, unsigned long align)
{
	unsigned int order = get_order(max(bytes, align));

	if (is_vmalloc_addr(base))
		vfree(base);
	else if (bytes == PAGE_SIZE << order)
		free_pages((unsigned long)base, order);
	else
		free_pages_exact(base, bytes);
}

/*
 * A long run is asked of the page allocator only gently if the caller may
 * sleep: then one that is mapped will do as well.
 */
static void *backing_alloc(struct bytepool *pool, unsigned long bytes, unsigned long align,
			   gfp_t gfp, int node)
{
	bool may_map = bytes > PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER &&
		       !(pool->flags & BYTEPOOL_CONTIG) && gfpflags_allow_blocking(gfp) &&
		       !(gfp & __GFP_THISNODE);
	void *base;

	base = pages_alloc(bytes, align, may_map ? gfp | __GFP_NORETRY | __GFP_NOWARN : gfp, node);
	if (!base && may_map) {
		base = __vmalloc(bytes, gfp);
		kmemleak_free(base);	/* what it knows are blocks in use */
	}
	return base;
}

/* The node where the slab's memory begins; where it is mapped, the rest may be elsewhere. */
static int backing_node(const void *base)
{
	return page_to_nid(is_vmalloc_addr(base) ? vmalloc_to_page(base) : virt_to_page(base));
}

/* The descriptor. One of a single block takes no more than 96 bytes on a 64-bit machine. */
static struct bytepool_slab *slab_desc_alloc(struct bytepool_class *class, void *base,
					     unsigned int nr, gfp_t gfp, int node)
{
	unsigned int flags = class->pool->flags;
	struct bytepool_slab *slab;

	slab = kmalloc_node(slab_desc_bytes(nr, flags & BYTEPOOL_TRACK), gfp, node);
	if (!slab)
		return NULL;
	/* Or @base would be a reference to the first block that hides its leak. */
	kmemleak_scan_area(slab, offsetof(struct bytepool_slab, base), gfp);
	slab->depot = &class->depot[backing_node(base)];
	slab->idle_since = jiffies;
	slab->base = (unsigned long)base;
	slab->nr = nr;
	slab->nr_idle = nr;
	slab->first = BYTEPOOL_NO_BLOCK;
	slab->carved = 0;
	slab->hashed = false;
	slab->pending = false;
	slab->leaked = false;
	slab->chained = nr > 1 && !(flags & BYTEPOOL_POISON) && !IS_ENABLED(CONFIG_KASAN_GENERIC);
	memset(slab->state, BYTEPOOL_BLOCK_IDLE, nr);
	if (flags & BYTEPOOL_TRACK)
		memset(slab_track(slab, 0), 0, nr * sizeof(struct bytepool_track));
	return slab;
}

/* A block of a slab is found by the slab's alignment, unless all begin in its first page. */
static unsigned long slab_align(unsigned int nr, unsigned long bytes)
{
	return nr > 1 && bytes > PAGE_SIZE ? SLAB_ALIGN : PAGE_SIZE;
}

/* Whether it was the pool's limit, if there is none, goes to *@at_limit. */
static struct bytepool_slab *slab_create_sized(struct bytepool_class *class, unsigned long bytes,
					       gfp_t gfp, int node, bool *at_limit)
{
	unsigned int nr = bytepool_slab_blocks(bytes, class->size);
	unsigned long align = slab_align(nr, bytes);
	struct bytepool *pool = class->pool;
	struct bytepool_slab *slab;
	void *base;

	*at_limit = !pool_charge(pool, bytes);
	if (*at_limit)
		return NULL;
	base = backing_alloc(pool, bytes, align, gfp, node);
	if (!base)
		goto uncharge;
	slab = slab_desc_alloc(class, base, nr, gfp, node);
	if (!slab)
		goto free_backing;
	if (pool->flags & BYTEPOOL_POISON)
		slab_poison(slab);
	instrument_idle(base, bytes);
	if (table_add(slab, gfp))
		goto free_slab;
	trace_grow(pool->name, class->size, nr, bytes, slab->depot - class->depot, gfp);
	return slab;

free_slab:
	instrument_open(base, bytes);
	kfree(slab);
free_backing:
	backing_free(base, bytes, align);
uncharge:
	pool_uncharge(pool, bytes);
	return NULL;
}

/*
 * A new slab, all idle, known by its address but in no depot yet: the usual one
 * if it may be @large, or else, or where that is not to be had, as small as a
 * block allows; *@at_limit as above.
 */
static struct bytepool_slab *slab_create_fitting(struct bytepool_class *class, bool large,
						 gfp_t gfp, int node, bool *at_limit)
{
	unsigned long least = PAGE_ALIGN(class->size);
	struct bytepool_slab *slab = NULL;

	if (large && class->slab_bytes > least)
		slab = slab_create_sized(class, class->slab_bytes,
					 gfp | __GFP_NOWARN | __GFP_NORETRY, node, at_limit);
	return slab ?: slab_create_sized(class, least, gfp, node, at_limit);
}

/*
 * The same. At the pool's limit, or when the system is short, what the pool
 * has idle elsewhere goes first, before the system is pressed any harder.
 */
static struct bytepool_slab *class_new_slab(struct bytepool_class *class, bool large,
					 gfp_t gfp, int node)
{
	unsigned int left = gfpflags_allow_blocking(gfp) ? ROOM_RETRIES : 0;
	const gfp_t gently = gfp | __GFP_NOWARN | __GFP_NORETRY;
	unsigned int in_vain = 0;
	struct bytepool_slab *slab;
	unsigned long trims;
	bool at_limit;

	if (!system_may_serve())
		return NULL;
	/* More than the limit: no room would do. */
	if (over_limit(READ_ONCE(class->pool->limit), 0, PAGE_ALIGN(class->size)))
		return NULL;
	while (left-- && in_vain < ROOM_IN_VAIN) {
		/*
		 * Pairs with smp_mb() in pool_trim_locked(): it counts, or it
		 * finds what we have freed.
		 */
		smp_mb();
		trims = READ_ONCE(class->pool->trims);
		slab = slab_create_fitting(class, large, gently, node, &at_limit);
		if (slab)
			return slab;
		in_vain = pool_make_room(class->pool, trims) ? 0 : in_vain + 1;
		/*
		 * Below the limit nobody takes that room: it is the system that is
		 * short. At it, others may take what is idle, and leave something else,
		 * between a look and the next: one trim in vain is not enough to tell.
		 */
		if (at_limit)
			continue;
		slab = slab_create_fitting(class, large, gfp, node, &at_limit);
		if (slab || !at_limit)
			return slab;
	}
	return slab_create_fitting(class, large, gfp, node, &at_limit);
}

/* Give a slab back that nothing leads to any more: how many bytes. Sleeping contexts only. */
static unsigned long slab_destroy(struct bytepool_slab *slab)
{
	struct bytepool_class *class = slab->depot->class;
	struct bytepool *pool = class->pool;
	/* Less than a page is left over, see bytepool_slab_bytes(). */
	unsigned long bytes = PAGE_ALIGN((unsigned long)slab->nr * class->size);

	trace_shrink(pool->name, class->size, slab->nr, bytes, slab->idle_since);
	instrument_open((void *)slab->base, bytes);
	if (pool->flags & BYTEPOOL_POISON)
		slab_verify(slab);
	backing_free((void *)slab->base, bytes, slab_align(slab->nr, bytes));
	pool_uncharge(pool, bytes);
	kfree_rcu(slab, rcu);
	return bytes;
}

/*
 * Slab <-> depot
 */

static unsigned long depot_lock(struct bytepool_depot *depot)
	__acquires(&depot->lock)
{
	unsigned long flags = 0;

	if (pool_single(depot->class->pool))
		__acquire(&depot->lock);
	else
		raw_spin_lock_irqsave(&depot->lock, flags);
	return flags;
}

static void depot_unlock(struct bytepool_depot *depot, unsigned long flags)
	__releases(&depot->lock)
{
	if (pool_single(depot->class->pool))
		__release(&depot->lock);
	else
		raw_spin_unlock_irqrestore(&depot->lock, flags);
}

static bool slab_older(struct rb_node *a, const struct rb_node *b)
{
	return longer_ago(rb_entry(a, struct bytepool_slab, age)->idle_since,
			  rb_entry(b, struct bytepool_slab, age)->idle_since);
}

/*
 * File a slab whose last block came back, by age. Blocks mostly come in order;
 * those that lay in a cache for long do not, and the tree is for them.
 */
static void depot_add_idle(struct bytepool_depot *depot, struct bytepool_slab *slab)
{
	struct bytepool_slab *youngest;

	depot->nr_whole += slab->nr;
	youngest = list_first_entry_or_null(&depot->idle, struct bytepool_slab, list);
	if (!youngest || !longer_ago(slab->idle_since, youngest->idle_since))
		list_add(&slab->list, &depot->idle);
	else
		rb_add_cached(&slab->age, &depot->idle_tree, slab_older);
}

static struct bytepool_slab *depot_oldest_in_tree(struct bytepool_depot *depot)
{
	struct rb_node *node = rb_first_cached(&depot->idle_tree);

	return node ? rb_entry(node, struct bytepool_slab, age) : NULL;
}

/* Age in jiffies at which idle blocks of the pool are given back. */
static unsigned long pool_timeout(const struct bytepool *pool)
{
	unsigned int ms = READ_ONCE(pool->idle_timeout_ms);

	if (ms == BYTEPOOL_TIMEOUT_DEFAULT)
		ms = READ_ONCE(idle_timeout_ms) ?: BYTEPOOL_TIMEOUT_NEVER;
	if (ms == BYTEPOOL_TIMEOUT_NEVER)
		return MAX_JIFFY_OFFSET;
	/* msecs_to_jiffies() takes what is above INT_MAX for negative. */
	return min_t(u64, DIV_ROUND_UP_ULL((u64)ms * HZ, MSEC_PER_SEC), MAX_JIFFY_OFFSET);
}

/* By the pool's timeout, as of now. */
static struct gc_pass gc_pass_begin(const struct bytepool *pool)
{
	return (struct gc_pass){ .now = jiffies, .timeout = pool_timeout(pool) };
}

/* Age at @now, when a pass began, of what became idle at @idle_since: 0 if that was later. */
static unsigned long age_at(unsigned long now, unsigned long idle_since)
{
	unsigned long age = now - idle_since;

	return age > -GC_PASS_MAX ? 0 : age;
}

/* Whether the pass takes what became idle at @idle_since. */
static bool gc_pass_wants(const struct gc_pass *pass, unsigned long idle_since)
{
	unsigned long age = age_at(pass->now, idle_since);

	return pass->all || (pass->timeout != MAX_JIFFY_OFFSET && age > pass->timeout);
}

/* Whether the class keeps its reserve without the slab: sure under reap_lock, else a guess. */
static bool class_spares(struct bytepool_class *class, const struct bytepool_slab *slab)
{
	return slab && atomic_long_read(&class->nr_blocks) - slab->nr >= READ_ONCE(class->reserve);
}

/* The oldest wholly idle slab, if the pass wants it and the reserve allows it. depot->lock. */
static struct bytepool_slab *depot_oldest(struct bytepool_depot *depot, const struct gc_pass *pass)
{
	struct bytepool_slab *slab = depot_oldest_in_tree(depot);
	struct bytepool_slab *last = NULL;

	if (!list_empty(&depot->idle))
		last = list_last_entry(&depot->idle, struct bytepool_slab, list);
	if (!class_spares(depot->class, slab) ||
	    (class_spares(depot->class, last) && longer_ago(last->idle_since, slab->idle_since)))
		slab = last;
	return class_spares(depot->class, slab) && gc_pass_wants(pass, slab->idle_since) ? slab :
	       NULL;
}

/* Take a slab with idle blocks only off its list; of the tree, only the oldest. depot->lock. */
static void depot_del_idle(struct bytepool_depot *depot, struct bytepool_slab *slab)
{
	depot->nr_whole -= slab->nr;
	if (slab == depot_oldest_in_tree(depot))
		rb_erase_cached(&slab->age, &depot->idle_tree);
	else
		list_del(&slab->list);
}

/* Take what depot_oldest() finds off the depot's books. depot->lock, and reap_lock. */
static struct bytepool_slab *depot_take_oldest(struct bytepool_depot *depot,
					       const struct gc_pass *pass)
{
	struct bytepool_slab *slab = depot_oldest(depot, pass);

	if (!slab)
		return NULL;
	depot_del_idle(depot, slab);
	depot->nr_idle -= slab->nr;
	depot->nr_slabs--;
	atomic_long_sub(slab->nr, &depot->class->nr_blocks);
	return slab;
}

/* Whether the slab is wholly idle, or this CPU was the first to take blocks of it. */
static bool slab_is_private(const struct bytepool_slab *slab)
{
	return slab->nr_idle == slab->nr || slab->cpu == raw_smp_processor_id();
}

/*
 * Whether the class has no more than a page for each other CPU that uses it.
 * CPUs that change the states of one slab's blocks take the cache line from each
 * other, so until then each gets a slab of its own.
 */
static bool class_shares_lines(const struct bytepool_class *class)
{
	bool own = READ_ONCE(class->cache[raw_smp_processor_id()]);
	unsigned long others;

	/* Pairs with cmpxchg() in cache_create(): what is seen has been counted. */
	smp_rmb();
	others = atomic_long_read(&class->nr_caches) - own;
	return atomic_long_read(&class->nr_blocks) * class->size <= others * PAGE_SIZE;
}

/*
 * The slab to take the next block of: rather a partial one, so that idle ones
 * stay whole, and rather this CPU's; a whole one before another CPU's where the
 * class is crowded. NULL if there is no idle block. depot->lock.
 */
static struct bytepool_slab *depot_next_slab(struct bytepool_depot *depot)
{
	struct bytepool_slab *partial = list_first_entry_or_null(&depot->partial,
								 struct bytepool_slab, list);
	struct bytepool_slab *whole = list_first_entry_or_null(&depot->idle,
							       struct bytepool_slab, list);
	struct bytepool_slab *slab;
	unsigned int looks = 0;

	list_for_each_entry(slab, &depot->partial, list) {
		if (slab_is_private(slab))
			return slab;
		if (++looks == PRIVATE_LOOKS)
			break;
	}
	whole = whole ?: depot_oldest_in_tree(depot);
	return partial && !(whole && class_shares_lines(depot->class)) ? partial : whole;
}

/* The same, off its list. depot->lock, and there is an idle block. */
static struct bytepool_slab *depot_take_slab(struct bytepool_depot *depot)
{
	struct bytepool_slab *slab = depot_next_slab(depot);

	if (slab->nr_idle < slab->nr) {
		list_del(&slab->list);
		return slab;
	}
	depot_del_idle(depot, slab);
	slab->cpu = raw_smp_processor_id();
	return slab;
}

/* Put a slab that is on no list where it belongs; with no idle block, to none. depot->lock. */
static void depot_link(struct bytepool_depot *depot, struct bytepool_slab *slab)
{
	if (slab->nr_idle == slab->nr)
		depot_add_idle(depot, slab);
	else if (slab->nr_idle)
		list_add(&slab->list, &depot->partial);
}

/* Take a slab of which a block comes back off its list, if it is on one. depot->lock. */
static void depot_unlink(struct bytepool_slab *slab)
{
	if (slab->nr_idle)
		list_del(&slab->list);
}

/* Take a block of a slab that is on no list; its @state is the caller's to set. depot->lock. */
static void *depot_pop(struct bytepool_depot *depot, struct bytepool_slab *slab, u8 **state,
		       void **overwritten)
{
	struct bytepool_class *class = depot->class;
	u32 index = slab_pop(slab, class->size, overwritten);
	void *block = slab_block(slab, class->size, index);

	*state = &slab->state[index];
	depot->nr_idle--;
	if (class->pool->flags & BYTEPOOL_WIPE && slab->chained)
		*(u16 *)block = 0;	/* the link */
	return block;
}

/* Put a block back into its slab, which is on no list. depot->lock. */
static void depot_push(struct bytepool_depot *depot, struct bytepool_slab *slab, const u8 *state,
		       unsigned long idle_since)
{
	slab_push(slab, depot->class->size, state - slab->state, idle_since);
	depot->nr_idle++;
}

/* A new slab's blocks, all idle, into the depot's books. depot->lock. */
static void depot_account(struct bytepool_depot *depot, const struct bytepool_slab *slab)
{
	depot->nr_idle += slab->nr;
	depot->nr_slabs++;
	atomic_long_add(slab->nr, &depot->class->nr_blocks);
}

/* Put a new slab, all idle, into its depot. */
static void depot_add(struct bytepool_slab *slab)
{
	struct bytepool_depot *depot = slab->depot;
	unsigned long flags = depot_lock(depot);

	depot_account(depot, slab);
	depot_link(depot, slab);
	depot_unlock(depot, flags);
}

/* Whether it has an idle block. */
static bool depot_has_idle(const struct bytepool_depot *depot)
{
	/* It may change meanwhile. */
	return data_race(depot->nr_idle) || READ_ONCE(depot->full);
}

/* How many idle blocks the depots' slabs have; more or less, while others use the class. */
static unsigned long class_nr_idle(struct bytepool_class *class)
{
	struct bytepool_depot *depot;
	unsigned long nr = 0;

	for_each_depot(depot, class) {
		/* It may change meanwhile. */
		nr += data_race(depot->nr_idle);
	}
	return nr;
}

/*
 * Depot <-> per-CPU cache
 *
 * Alloc and free come here in a section; whoever has a depot's lock has
 * interrupts off. What keeps a CPU from its own cache then is only that it
 * interrupted itself there, or that the GC has it.
 */

/*
 * Make a cache this section's alone, if it is the pool's: an interrupt of this
 * CPU finds it busy. Against those, the compiler's order is enough. Section.
 */
static __always_inline bool cache_enter(struct bytepool_cache *cache, struct bytepool *pool)
{
	/* An interrupt that comes here leaves it as it was. */
	if (unlikely(data_race(cache->pool) != pool))
		return false;
	WRITE_ONCE(cache->pool, CACHE_BUSY);
	barrier();
	return true;
}

static __always_inline void cache_leave(struct bytepool_cache *cache, struct bytepool *pool)
{
	barrier();
	WRITE_ONCE(cache->pool, pool);
}

/* This CPU's cache for the slot, or closed_cache. Section. */
static __always_inline struct bytepool_cache *cache_this_cpu(struct bytepool *pool, u32 slot)
{
	return READ_ONCE(raw_cpu_read(pool->cpu->open)[slot]);
}

/* Statistics of a cache are read from afar, as they stand. */
#define cache_count(counter, nr)	((void)data_race((counter) += (nr)))

/* The cache of CPU *@cpu, or the next one that there is; *@cpu is then after it. */
static struct bytepool_cache *cache_next(struct bytepool_class *class, unsigned int *cpu)
{
	while (*cpu < nr_cpu_ids) {
		struct bytepool_cache *cache = READ_ONCE(class->cache[(*cpu)++]);

		if (cache)
			return cache;
	}
	return NULL;
}

#define for_each_cache(cache, class) \
	for (unsigned int __cpu = 0; ((cache) = cache_next(class, &__cpu)); )

/* This CPU's cache of the depot, if there is one and it may be used. depot->lock. */
static struct bytepool_cache *depot_this_cpu_cache(struct bytepool_depot *depot)
{
	struct bytepool_class *class = depot->class;
	struct bytepool_cache *cache = READ_ONCE(class->cache[smp_processor_id()]);

	if (!cache || READ_ONCE(cache->pool) != class->pool || cache->depot != depot ||
	    cache->gc_owned || READ_ONCE(class->reserve))
		return NULL;
	return cache;
}

/* Let a CPU follow its cache, or closed_cache. depot->lock. */
static void cache_set_open(struct bytepool_cache *cache, struct bytepool_cache *to)
{
	const struct bytepool_class *class = cache->depot->class;
	const struct bytepool_sizes *sizes = &class->pool->sizes;
	struct bytepool_cache **open = per_cpu_ptr(class->pool->cpu, cache->cpu)->open;
	u32 slot = bytepool_first_slot(sizes, class->index);

	for (; slot <= bytepool_last_slot(sizes, class->index); slot++) {
		/* Pairs with the dependent loads of the fast paths: the GC has left the cache. */
		smp_store_release(&open[slot], to);
	}
}

static u32 cache_half(const struct bytepool_cache *cache)
{
	return (cache_capacity(cache) + 1) / 2;
}

/* depot->lock, as for all about batches. */
static void depot_put_batch(struct bytepool_depot *depot, struct bytepool_batch *batch)
{
	struct bytepool_batch **list = batch->nr ? &depot->full : &depot->empty;

	batch->next = *list;
	WRITE_ONCE(*list, batch);
}

/* The first batch of a list, off it, or NULL. */
static struct bytepool_batch *batch_take(struct bytepool_batch **list)
{
	struct bytepool_batch *batch = *list;

	if (batch)
		WRITE_ONCE(*list, batch->next);
	return batch;
}

/* A first batch for a new cache, to fill one day. Not having it does no harm. */
static void depot_add_batch(struct bytepool_depot *depot, int node)
{
	struct bytepool_batch *batch;
	unsigned long flags;

	batch = kzalloc_node(struct_size(batch, entries, (depot->class->capacity + 1) / 2),
			     GFP_NOWAIT | __GFP_NOWARN, node);
	if (!batch)
		return;
	/* Its entries are no references to blocks. */
	kmemleak_scan_area(&batch->next, sizeof(batch->next), GFP_NOWAIT | __GFP_NOWARN);
	flags = depot_lock(depot);
	depot_put_batch(depot, batch);
	depot_unlock(depot, flags);
}

/* Make this CPU's cache of the class, if that is easy. Without one the depot serves. */
static noinline void cache_create(struct bytepool_class *class)
{
	int cpu = raw_smp_processor_id();
	struct bytepool_cache *cache;
	unsigned long limit = READ_ONCE(class->pool->limit);
	unsigned long capacity = class->capacity;
	size_t bytes;

	if (READ_ONCE(class->reserve) || !system_may_serve())
		return;
	/*
	 * What CPUs keep for themselves others cannot have: of each class no
	 * more than an eighth of the limit, as it is now.
	 */
	if (limit)
		capacity = min(limit / 8 / num_online_cpus() / class->size, capacity);
	if (!capacity)
		return;
	bytes = ALIGN(struct_size(cache, entries, capacity), SMP_CACHE_BYTES);
	cache = kzalloc_node(bytes, GFP_NOWAIT | __GFP_NOWARN, cpu_to_node(cpu));
	if (!cache)
		return;
	kmemleak_no_scan(cache);	/* as of a batch */
	cache->cpu = cpu;
	cache->top = cache->entries;
	cache->end = cache->entries + capacity;
	cache->pool = class->pool;
	cache->depot = &class->depot[cpu_memory_node(cpu)];
	/* Before it is seen, for class_shares_lines(). */
	atomic_long_inc(&class->nr_caches);
	/*
	 * Pairs with READ_ONCE() and dependent loads wherever class->cache[] is
	 * followed, and as a full barrier with pool_sleep() and class_shares_lines().
	 */
	if (cmpxchg(&class->cache[cpu], NULL, cache)) {
		atomic_long_dec(&class->nr_caches);
		kfree(cache);
		return;
	}
	if (cache_half(cache) > 1)
		depot_add_batch(cache->depot, cpu_to_node(cpu));
}

/* For next time. */
static void cache_ensure(struct bytepool_class *class)
{
	if (unlikely(!READ_ONCE(class->cache[raw_smp_processor_id()])))
		cache_create(class);
}

/*
 * Fill an empty cache with a batch, if there is one. What has expired is not
 * for caches: a pass that is about to give it back would miss it. depot->lock.
 */
static void cache_take_batch(struct bytepool_depot *depot, struct bytepool_cache *cache)
{
	struct bytepool_batch *batch = depot->full;
	struct gc_pass pass;

	if (!batch)
		return;
	pass = gc_pass_begin(depot->class->pool);
	if (gc_pass_wants(&pass, batch->entries[0].idle_since))
		return;
	batch_take(&depot->full);
	cache_load_batch(cache, batch);
	depot_put_batch(depot, batch);
}

/* Fill with half of what fits, if it has not expired. depot->lock. */
static void cache_refill(struct bytepool_depot *depot, struct bytepool_cache *cache,
			 void **overwritten)
{
	const struct gc_pass pass = gc_pass_begin(depot->class->pool);

	while (cache_nr(cache) < cache_half(cache) && depot->nr_idle) {
		struct bytepool_slab *slab = depot_take_slab(depot);
		unsigned long idle_since = slab->idle_since;

		if (gc_pass_wants(&pass, idle_since)) {
			depot_link(depot, slab);
			break;
		}
		do {
			u8 *state;
			void *block = depot_pop(depot, slab, &state, overwritten);

			WRITE_ONCE(*state, BYTEPOOL_BLOCK_CACHED);
			cache_insert(cache, block, state, slab, idle_since);
		} while (cache_nr(cache) < cache_half(cache) && slab->nr_idle);
		depot_link(depot, slab);
	}
}

/* Let the CPU follow its cache if that has a block: then the pool is to wake. depot->lock. */
static bool cache_reopen(struct bytepool_cache *cache)
{
	if (!cache || !cache_nr(cache))
		return false;
	cache_set_open(cache, cache);
	return true;
}

/* Put cached blocks back into their slabs. depot->lock. */
static void depot_push_entries(struct bytepool_depot *depot, const struct bytepool_entry *entry,
			       u32 nr)
{
	const struct bytepool_entry *end = entry + nr;

	while (entry < end) {
		struct bytepool_slab *slab = entry->slab;

		depot_unlink(slab);
		do {
			depot_push(depot, slab, entry->state, entry->idle_since);
		} while (++entry < end && entry->slab == slab);
		depot_link(depot, slab);
	}
}

/* Move the @nr oldest blocks to their slabs. depot->lock. */
static void cache_flush(struct bytepool_cache *cache, u32 nr)
{
	depot_push_entries(cache->depot, cache->entries, nr);
	cache_drop_oldest(cache, nr);
}

/*
 * Make room in a cache that is full: by a batch, in which the blocks leave for
 * another CPU without a look at their slabs, if an empty one is left. depot->lock.
 */
static void cache_make_space(struct bytepool_depot *depot, struct bytepool_cache *cache)
{
	struct bytepool_batch *batch = batch_take(&depot->empty);

	if (!batch) {
		cache_flush(cache, cache_half(cache));
		return;
	}
	cache_unload_batch(cache, batch, cache_half(cache));
	depot_put_batch(depot, batch);
}

/*
 * GC: when it runs
 */

static unsigned long gc_interval(void)
{
	return msecs_to_jiffies(READ_ONCE(gc_interval_ms));
}

/*
 * Have the GC visit the pool, since it may have something idle to give back: when
 * a slab is wholly idle and above the reserve, a cache is opened, or a timeout or a
 * reserve changes. The GC clears @awake before it closes the caches of a pool with
 * nothing idle, and looks again after a grace period: what a section did that came
 * too early to see @awake cleared, it sees whole.
 */
static void pool_wake(struct bytepool *pool)
{
	if (READ_ONCE(pool->awake) || pool_single(pool) || pool_timeout(pool) == MAX_JIFFY_OFFSET)
		return;
	WRITE_ONCE(pool->awake, true);
	queue_delayed_work(gc_wq, &gc_work, gc_interval());
}

/* Whether what lies in the depot calls for pool_wake(). depot->lock. */
static bool depot_wakes(struct bytepool_depot *depot)
{
	return !READ_ONCE(depot->class->pool->awake) && depot_oldest(depot, &gc_everything);
}

/* Whether the class has something that age or a trim could give back. */
static bool class_reclaimable(struct bytepool_class *class)
{
	struct bytepool_depot *depot;
	struct bytepool_cache *cache;
	unsigned long flags;
	bool reclaimable;

	/* First and under the lock: what then leaves for a cache is seen there. */
	for_each_depot(depot, class) {
		flags = depot_lock(depot);
		reclaimable = depot->full || depot_oldest(depot, &gc_everything);
		depot_unlock(depot, flags);
		if (reclaimable)
			return true;
	}
	/* What comes in this moment comes with pool_wake(). */
	for_each_cache(cache, class) {
		if (cache_nr(cache))
			return true;
	}
	return false;
}

/* A timeout was written: have the GC see it soon. */
static void timeout_changed(struct bytepool *pool)
{
	/* Pairs with smp_mb() in gc_begin(): it sees the timeout, or we the pool not awake. */
	smp_mb();
	pool_wake(pool);
}

/*
 * Alloc
 */

/* A block from this CPU's cache, if it has one. */
static __always_inline void *cache_alloc(struct bytepool *pool, u32 slot)
{
	struct bytepool_cache *cache;
	void *block;

	section_enter();
	cache = cache_this_cpu(pool, slot);
	if (likely(cache_enter(cache, pool))) {
		block = cache_pop(cache);
		if (likely(block)) {
			cache_count(cache->hits, 1);
			cache_leave(cache, pool);
			section_exit();
			return block;
		}
		cache_leave(cache, pool);
	}
	section_exit();
	return NULL;
}

/* Up to @nr blocks from this CPU's cache: how many it had. */
static unsigned int cache_alloc_bulk(struct bytepool *pool, u32 slot, unsigned int nr,
				     void **blocks)
{
	struct bytepool_cache *cache;
	unsigned int got = 0;

	section_enter();
	cache = cache_this_cpu(pool, slot);
	if (cache_enter(cache, pool)) {
		while (got < nr && (blocks[got] = cache_pop(cache)))
			got++;
		cache_count(cache->hits, got);
		cache_leave(cache, pool);
	}
	section_exit();
	return got;
}

/* A block leaves its depot for a caller; where it is to be checked, block_check() says when. */
static void block_mark_leaving(const struct bytepool_class *class, u8 *state)
{
	WRITE_ONCE(*state, class->pool->flags & BYTEPOOL_FLAGS_CHECKED ? BYTEPOOL_BLOCK_CACHED :
									 BYTEPOOL_BLOCK_IN_USE);
}

/* An idle block, past any cache. depot->lock. */
static void *depot_alloc_one(struct bytepool_depot *depot, void **overwritten)
{
	struct bytepool_slab *slab;
	struct bytepool_batch *batch;
	void *block;
	u8 *state;

	if (depot->nr_idle) {
		slab = depot_take_slab(depot);
		block = depot_pop(depot, slab, &state, overwritten);
		depot_link(depot, slab);
	} else {
		/* It stays where depot_has_idle() looks until it is empty. */
		batch = depot->full;
		if (!batch)
			return NULL;
		block = batch->entries[--batch->nr].block;
		state = batch->entries[batch->nr].state;
		if (!batch->nr)
			depot_put_batch(depot, batch_take(&depot->full));
	}
	block_mark_leaving(depot->class, state);
	return block;
}

/* An idle block from the depot, and more for this CPU's cache while it is there. Section. */
static void *depot_alloc(struct bytepool_depot *depot, void **overwritten)
{
	struct bytepool_cache *cache;
	void *block = NULL;
	unsigned long flags;
	bool opened;

	flags = depot_lock(depot);
	cache = depot_this_cpu_cache(depot);
	if (cache) {
		/* If there is something in it, it was closed, or we were on another CPU. */
		if (!cache_nr(cache))
			cache_take_batch(depot, cache);
		block = cache_pop(cache);
	}
	if (!block) {
		block = depot_alloc_one(depot, overwritten);
		if (block && cache)
			cache_refill(depot, cache, overwritten);
	}
	if (block)
		depot->hits++;
	opened = cache_reopen(cache);
	depot_unlock(depot, flags);
	if (opened)
		pool_wake(depot->class->pool);
	return block;
}

/*
 * Whether depot_alloc() seems to have one, without the lock: what moves in this
 * moment may be missed. Section.
 */
static bool depot_may_alloc(const struct bytepool_depot *depot)
{
	const struct bytepool_cache *cache = READ_ONCE(depot->class->cache[smp_processor_id()]);

	return depot_has_idle(depot) || (cache && cache_nr(cache));
}

/* An idle block of another node than @not. Section. */
static void *depot_alloc_other(struct bytepool_class *class, const struct bytepool_depot *not,
			       bool sure, void **overwritten)
{
	struct bytepool_depot *depot;
	void *block;

	for_each_depot(depot, class) {
		if (depot == not || !(sure || depot_may_alloc(depot)))
			continue;
		block = depot_alloc(depot, overwritten);
		if (block)
			return block;
	}
	return NULL;
}

static void report_overwritten(struct bytepool_class *class, const void *block)
{
	if (__ratelimit(&class->pool->overwritten_limit))
		pr_err("%s: a free block of %u bytes was written to: %p, or near it\n",
		       class->pool->name, class->size, block);
}

/*
 * An idle block of the node; where that is NUMA_NO_NODE, of this CPU's, or else
 * of another. To be @sure that there is none takes the locks.
 */
static void *class_alloc(struct bytepool_class *class, int node, bool sure)
{
	struct bytepool_depot *depot;
	void *overwritten = NULL;
	void *block = NULL;

	section_enter();
	depot = &class->depot[node == NUMA_NO_NODE ? cpu_memory_node(smp_processor_id()) : node];
	if (sure || depot_may_alloc(depot))
		block = depot_alloc(depot, &overwritten);
	if (!block && node == NUMA_NO_NODE)
		block = depot_alloc_other(class, depot, sure, &overwritten);
	section_exit();
	if (unlikely(overwritten))
		report_overwritten(class, overwritten);
	return block;
}

static bool class_has_idle(struct bytepool_class *class)
{
	struct bytepool_depot *depot;

	for_each_depot(depot, class) {
		if (depot_has_idle(depot))
			return true;
	}
	return false;
}

/* Wake one who waits for a block: there are more than its caller takes. */
static void class_wake(struct bytepool_class *class)
{
	/* One wakeup too many does no harm, and who waits looks again. */
	if (class_has_idle(class))
		swake_up_one(&class->wait);
}

/*
 * Put a new slab into its depot, but for a block, which it returns; if there
 * are more, some go into this CPU's empty cache. Section.
 */
static void *depot_add_and_take(struct bytepool_slab *slab, void **overwritten)
{
	struct bytepool_depot *depot = slab->depot;
	unsigned long flags = depot_lock(depot);
	struct bytepool_cache *cache;
	bool opened = false;
	void *block;
	u8 *state;

	depot_account(depot, slab);
	slab->cpu = smp_processor_id();
	/* Nobody had a block of it yet, to write to. */
	block = depot_pop(depot, slab, &state, NULL);
	block_mark_leaving(depot->class, state);
	depot->misses++;
	depot_link(depot, slab);
	if (slab->nr_idle) {
		cache = depot_this_cpu_cache(depot);
		if (cache && !cache_nr(cache))
			cache_refill(depot, cache, overwritten);
		opened = cache_reopen(cache);
	}
	depot_unlock(depot, flags);
	if (opened)
		pool_wake(depot->class->pool);
	return block;
}

/* A block of a new slab. */
static void *class_grow(struct bytepool_class *class, gfp_t gfp, int node)
{
	/*
	 * Who needs few blocks should hold few pages, and have them go back one
	 * by one; and beside a reserve, a large slab could not go for little.
	 */
	unsigned long held = atomic_long_read(&class->nr_blocks) * class->size;
	bool large = held >= LARGE_SLABS_FROM * class->slab_bytes && !READ_ONCE(class->reserve);
	struct bytepool_slab *slab = class_new_slab(class, large, gfp, node);
	void *overwritten = NULL;
	void *block;

	if (!slab)
		return NULL;
	section_enter();
	block = depot_add_and_take(slab, &overwritten);
	section_exit();
	if (unlikely(overwritten))
		report_overwritten(class, overwritten);
	/* With more blocks, idle ones of any node may be above the reserve. */
	if (READ_ONCE(class->reserve) && class_reclaimable(class))
		pool_wake(class->pool);
	if (slab->nr > 1)
		class_wake(class);
	return block;
}

/* Jiffies after which a task that waits for a block tries again, though nobody has woken it. */
static unsigned long class_retry_delay(const struct bytepool_class *class)
{
	return READ_ONCE(class->reserve) ? RESERVE_RETRY : NOFAIL_RETRY;
}

/*
 * Wait until a block may be in a depot, as mempool_alloc() does. Queued before
 * looking, and looking under the lock under which depot_free() looks for us,
 * we miss none. What nobody announces - memory of the system, room below the
 * limit, a block that a CPU keeps in its cache - is looked for from time to time.
 */
static void class_wait(struct bytepool_class *class)
{
	DECLARE_SWAITQUEUE(wait);
	struct bytepool_depot *depot;
	unsigned long flags;
	bool idle = false;

	prepare_to_swait_exclusive(&class->wait, &wait, TASK_UNINTERRUPTIBLE);
	for_each_depot(depot, class) {
		flags = depot_lock(depot);
		idle |= depot_has_idle(depot);
		depot_unlock(depot, flags);
	}
	if (!idle)
		io_schedule_timeout(class_retry_delay(class));
	finish_swait(&class->wait, &wait);
}

/*
 * Whether an allocation waits rather than fail. Where only the waiter frees, it
 * would wait in vain; and so it may for a block of one node.
 */
static bool class_may_wait(struct bytepool_class *class, gfp_t gfp)
{
	if (!gfpflags_allow_blocking(gfp) || pool_single(class->pool))
		return false;
	if (gfp & __GFP_NOFAIL)
		return true;
	return READ_ONCE(class->reserve) && !(gfp & __GFP_THISNODE);
}

/*
 * Whether this CPU would have to share a slab, and should rather get one of its
 * own: not where others may need the memory more.
 */
static bool class_wants_private_slab(struct bytepool_class *class)
{
	struct bytepool_depot *depot;
	unsigned long flags;
	bool shares = false;

	if (!class_shares_lines(class) || READ_ONCE(class->reserve) ||
	    READ_ONCE(class->pool->limit))
		return false;
	for_each_depot(depot, class) {
		struct bytepool_slab *slab;
		bool serves;

		flags = depot_lock(depot);
		slab = depot_next_slab(depot);
		serves = depot->full || (slab && slab_is_private(slab));
		depot_unlock(depot, flags);
		if (serves)
			return false;
		shares |= !!slab;
	}
	return shares;
}

/*
 * An idle block, or one of a new slab, which is a @miss: of the node alone, or of any
 * where it is NUMA_NO_NODE.
 */
static void *class_alloc_or_grow(struct bytepool_class *class, gfp_t gfp, int node, bool *miss)
{
	void *block = NULL;

	if (node == NUMA_NO_NODE && class_wants_private_slab(class))
		block = class_grow(class, GFP_SPARE | (gfp & __GFP_HARDWALL), node);
	*miss = block;
	block = block ?: class_alloc(class, node, false);
	if (!block) {
		/* With a reserve behind it, the system need not try hard. */
		if (READ_ONCE(class->reserve))
			gfp |= __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN;
		/* What pool_make_room() has found to be idle may have become no slab's worth. */
		block = class_grow(class, gfp, node);
		*miss = block;
		block = block ?: class_alloc(class, node, true);
	}
	/* Not before there is a block. */
	if (block)
		cache_ensure(class);
	return block;
}

/*
 * The same for who would rather have a node, but takes any: what is idle there,
 * new memory there if it is to be had at once, what is idle elsewhere, new memory
 * from elsewhere, in this order.
 */
static void *class_alloc_preferred(struct bytepool_class *class, gfp_t gfp, int node, bool *miss)
{
	gfp_t there = (gfp & ~__GFP_DIRECT_RECLAIM) | __GFP_THISNODE | __GFP_NOWARN;

	return class_alloc_or_grow(class, there, node, miss) ?:
	       cache_alloc(class->pool, class_slot(class)) ?:
	       class_alloc_or_grow(class, gfp, NUMA_NO_NODE, miss);
}

/* A block, without waiting for one: of the node alone with __GFP_THISNODE. */
static void *class_alloc_once(struct bytepool_class *class, gfp_t gfp, int node, bool *miss)
{
	if (node == NUMA_NO_NODE || gfp & __GFP_THISNODE)
		return class_alloc_or_grow(class, gfp, node, miss);
	return class_alloc_preferred(class, gfp, node, miss);
}

/* Tell a kernel that looks for bugs of a block that a caller gets. */
static void block_instrument(u32 size, void *block, gfp_t gfp)
{
	if (BYTEPOOL_INSTRUMENTED)
		instrument_alloc(block, size, system_gfp(gfp), system_may_serve());
}

/*
 * Check a block that comes from its depot, and remember who takes it. It is in
 * use only then: until it is, a stale free is refused, and the slab stays.
 */
static noinline void block_check(struct bytepool_class *class, void *block, unsigned long caller)
{
	unsigned int flags = class->pool->flags;
	struct bytepool_track last = {};
	struct bytepool_slab *slab;
	u8 *state;

	section_enter();
	slab = table_find(block);
	section_exit();
	state = block_state(slab, block);
	if (flags & BYTEPOOL_TRACK) {
		last = track_read(slab, state - slab->state);
		block_track(slab, state - slab->state, caller);
	}
	if (flags & BYTEPOOL_POISON) {
		block_verify(class, block, &last);
		if (flags & BYTEPOOL_WIPE)
			memset(block, 0, class->size);
	}
	WRITE_ONCE(*state, BYTEPOOL_BLOCK_IN_USE);
}

/* All that is done of a block that comes from its depot, before its caller gets it. */
static void block_prepare(struct bytepool_class *class, void *block, gfp_t gfp,
			  unsigned long caller)
{
	instrument_open(block, class->size);
	if (unlikely(class->pool->flags & BYTEPOOL_FLAGS_CHECKED))
		block_check(class, block, caller);
	block_instrument(class->size, block, gfp);
}

static void *alloc_fail(struct bytepool *pool, size_t size, gfp_t gfp, unsigned long caller)
{
	atomic64_inc(&pool->failures);
	trace_alloc(pool->name, size, 0, NULL, gfp, false, caller);
	return NULL;
}

/* For all that this CPU's cache does not serve. */
static noinline void *alloc_slow(struct bytepool *pool, size_t size, gfp_t gfp, int node,
				 unsigned long caller)
{
	struct bytepool_class *class;
	bool waited = false;
	bool miss;
	void *block;

	/* It means nothing without a node, and yields to __GFP_NOFAIL. */
	if (node == NUMA_NO_NODE || gfp & __GFP_NOFAIL)
		gfp &= ~__GFP_THISNODE;
	/* Not in the fast path, where it may cost a call. */
	might_alloc(gfp);
	class = class_get(pool, bytepool_class_index(&pool->sizes, size), gfp);
	if (!class)
		goto fail;
	while (!(block = class_alloc_once(class, system_gfp(gfp), node, &miss))) {
		if (!class_may_wait(class, gfp))
			goto fail;
		class_wait(class);
		waited = true;
	}
	/* The wakeup may have been for another block than the one we got: pass it on. */
	if (waited)
		class_wake(class);
	block_prepare(class, block, gfp, caller);
	trace_alloc(pool->name, size, class->size, block, gfp, !miss, caller);
	return block;

fail:
	return alloc_fail(pool, size, gfp, caller);
}

#ifdef CONFIG_FAULT_INJECTION
/* In debugfs, as failslab: which of those that may be refused are. */
static struct {
	struct fault_attr attr;
	bool ignore_gfp_wait;
} fail_bytepool = {
	.attr = FAULT_ATTR_INITIALIZER,
	.ignore_gfp_wait = true,
};

/* Whether the allocation is to fail. Who would wait for a block is spared, as by a shortage. */
static noinline bool alloc_injected(struct bytepool *pool, size_t size, gfp_t gfp)
{
	struct bytepool_class *class;

	if (gfp & __GFP_NOFAIL ||
	    (READ_ONCE(fail_bytepool.ignore_gfp_wait) && gfpflags_allow_blocking(gfp)))
		return false;
	/* should_fail() takes a lock that sleeps on PREEMPT_RT. */
	if (!system_may_serve())
		return false;
	/* Pairs with cmpxchg() in class_add(). */
	class = smp_load_acquire(&pool->class[bytepool_class_index(&pool->sizes, size)]);
	if (class && class_may_wait(class, gfp))
		return false;
	return should_fail(&fail_bytepool.attr, size);
}

static struct dentry *faults_add(void)
{
	struct dentry *dir = fault_create_debugfs_attr("fail_bytepool", NULL, &fail_bytepool.attr);

	if (!IS_ERR(dir))
		debugfs_create_bool("ignore-gfp-wait", 0600, dir, &fail_bytepool.ignore_gfp_wait);
	return dir;
}
#else
static bool alloc_injected(struct bytepool *pool, size_t size, gfp_t gfp)
{
	return false;
}

static struct dentry *faults_add(void)
{
	return NULL;
}
#endif

/* @size 0 wraps around. */
static __always_inline bool alloc_ok(struct bytepool *pool, size_t size, gfp_t gfp)
{
	return !IS_ERR_OR_NULL(pool) && size - 1 < pool->sizes.max &&
	       !(gfp & BYTEPOOL_GFP_REFUSED);
}

static noinline void *alloc_refuse(struct bytepool *pool, size_t size, gfp_t gfp,
				   unsigned long caller)
{
	if (IS_ERR_OR_NULL(pool)) {
		pr_err_once("allocation from no pool, by %pS\n", (void *)caller);
		return NULL;
	}
	if (gfp & BYTEPOOL_GFP_REFUSED)
		pr_warn_once("%s: no pool serves a memory zone, gfp %pGg\n", pool->name, &gfp);
	return alloc_fail(pool, size, gfp, caller);
}

/* An allocation of any kind. */
static noinline void *alloc_any(struct bytepool *pool, size_t size, gfp_t gfp, int node,
				unsigned long caller)
{
	void *block = NULL;
	u32 class_size;

	if (!alloc_ok(pool, size, gfp) || alloc_injected(pool, size, gfp))
		return alloc_refuse(pool, size, gfp, caller);
	/* What is in a CPU's caches is of its node, which may just change. */
	if (node == NUMA_NO_NODE || (node == numa_mem_id() && !(gfp & __GFP_THISNODE)))
		block = cache_alloc(pool, bytepool_slot(&pool->sizes, size));
	class_size = bytepool_class_size(&pool->sizes, bytepool_class_index(&pool->sizes, size));
	if (block) {
		block_instrument(class_size, block, gfp);
		trace_alloc(pool->name, size, class_size, block, gfp, true, caller);
	} else {
		block = alloc_slow(pool, size, gfp, node, caller);
	}
	if (gfp & __GFP_ZERO && block)
		memset(block, 0, class_size);
	return block;
}

/**
 * bytepool_alloc() - get a block
 * @pool: the pool
 * @size: bytes wanted, 1 to the pool's max_size
 * @gfp: how hard to try. __GFP_ZERO clears the block, to its class's size;
 *	__GFP_ACCOUNT, __GFP_HIGHMEM, __GFP_MOVABLE and __GFP_COMP are dropped;
 *	GFP_DMA and GFP_DMA32 are refused.
 *
 * The block is aligned to the largest power of two that divides its class's
 * size, up to a page. It is freed with bytepool_free(), never with kfree() or
 * vfree(). An idle block is handed out without touching the system's
 * allocator. With a reserve for its size and a @gfp that may sleep, waits for
 * a block rather than fail; so does __GFP_NOFAIL. In a BYTEPOOL_SINGLE pool
 * nobody else would free one, and it fails.
 *
 * Context: Any but NMI; sleeps only if @gfp allows it.
 * Return: the block; NULL if memory is short or the pool's limit reached, if
 * @size is 0 or above max_size, or if @gfp asks for a zone.
 */
void *bytepool_alloc(struct bytepool *pool, size_t size, gfp_t gfp)
{
	void *block;

	/* What is usual, in few instructions and without a stack frame; @size 0 wraps around. */
	if (BYTEPOOL_INSTRUMENTED || IS_ERR_OR_NULL(pool) || trace_alloc_enabled() ||
	    unlikely(gfp & BYTEPOOL_GFP_SLOW))
		return alloc_any(pool, size, gfp, NUMA_NO_NODE, _RET_IP_);
	if (likely(size - 1 < pool->sizes.grid_max))
		block = cache_alloc(pool, bytepool_grid_point(size));
	else if (size - 1 < pool->sizes.max)
		block = cache_alloc(pool, bytepool_slot(&pool->sizes, size));
	else
		return alloc_refuse(pool, size, gfp, _RET_IP_);
	if (likely(block))
		return block;
	return alloc_slow(pool, size, gfp, NUMA_NO_NODE, _RET_IP_);
}
EXPORT_SYMBOL_GPL(bytepool_alloc);

/**
 * bytepool_alloc_node() - get a block, if possible from a NUMA node
 * @pool: the pool
 * @size: bytes wanted
 * @gfp: as for bytepool_alloc(); with __GFP_THISNODE, from @node or not at all,
 *	unless __GFP_NOFAIL is with it
 * @node: where the memory should be: an idle block there is best, then new
 *	memory there, then what is idle elsewhere. NUMA_NO_NODE, or one without
 *	memory: as bytepool_alloc()
 *
 * Context: Any but NMI; sleeps only if @gfp allows it.
 * Return: as bytepool_alloc().
 */
void *bytepool_alloc_node(struct bytepool *pool, size_t size, gfp_t gfp, int node)
{
	if (unlikely(node < 0 || node >= MAX_NUMNODES || !node_state(node, N_MEMORY)))
		node = NUMA_NO_NODE;
	return alloc_any(pool, size, gfp, node, _RET_IP_);
}
EXPORT_SYMBOL_GPL(bytepool_alloc_node);

/**
 * bytepool_zalloc() - get a block of zeros
 * @pool: the pool
 * @size: bytes wanted
 * @gfp: as for bytepool_alloc()
 *
 * Context: Any but NMI; sleeps only if @gfp allows it.
 * Return: as bytepool_alloc().
 */
void *bytepool_zalloc(struct bytepool *pool, size_t size, gfp_t gfp)
{
	return alloc_any(pool, size, gfp | __GFP_ZERO, NUMA_NO_NODE, _RET_IP_);
}
EXPORT_SYMBOL_GPL(bytepool_zalloc);

/* Tell of blocks that a cache had. */
static noinline void blocks_trace(struct bytepool_class *class, size_t size, gfp_t gfp,
				  unsigned int nr, void **blocks, unsigned long caller)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		block_instrument(class->size, blocks[i], gfp);
		trace_alloc(class->pool->name, size, class->size, blocks[i], gfp, true, caller);
	}
}

/* All or none, without waiting for a block. */
static bool alloc_bulk(struct bytepool_class *class, size_t size, gfp_t gfp, unsigned int nr,
		       void **blocks, unsigned long caller)
{
	unsigned int got = 0;
	bool miss;

	while (got < nr) {
		unsigned int n = cache_alloc_bulk(class->pool, class_slot(class), nr - got,
						  blocks + got);

		if (n) {
			if (BYTEPOOL_INSTRUMENTED || trace_alloc_enabled())
				blocks_trace(class, size, gfp, n, blocks + got, caller);
			got += n;
			continue;
		}
		blocks[got] = class_alloc_or_grow(class, system_gfp(gfp), NUMA_NO_NODE, &miss);
		if (!blocks[got]) {
			bytepool_free_bulk(class->pool, got, blocks);
			return false;
		}
		block_prepare(class, blocks[got], gfp, caller);
		trace_alloc(class->pool->name, size, class->size, blocks[got++], gfp, !miss,
			    caller);
	}
	return true;
}

/* Wait for @nr blocks with empty hands: two that held a part each would wait forever. */
static void bulk_wait(struct bytepool_class *class, unsigned int nr)
{
	unsigned long end = jiffies + class_retry_delay(class);

	/* With a reserve, all that is idle is in the depots' slabs. */
	do {
		schedule_timeout_uninterruptible(BULK_RETRY);
	} while (class_nr_idle(class) < nr && time_before(jiffies, end));
}

/**
 * bytepool_alloc_bulk() - get several blocks of a size
 * @pool: the pool
 * @size: bytes wanted in each
 * @gfp: as for bytepool_alloc()
 * @nr: how many; no more than are reserved, where it may have to wait for them
 * @blocks: where they go
 *
 * It takes nothing while it waits, and has its turn when all @nr are idle at
 * once: others that take single blocks may keep it waiting for long. Blocks
 * that it had to give back are in the statistics as allocated and freed.
 *
 * Context: Any but NMI; sleeps only if @gfp allows it.
 * Return: @nr, or 0 if not all could be had; then @blocks is undefined.
 */
unsigned int bytepool_alloc_bulk(struct bytepool *pool, size_t size, gfp_t gfp,
				 unsigned int nr, void **blocks)
{
	struct bytepool_class *class;
	unsigned int i;

	if (unlikely(!alloc_ok(pool, size, gfp) || alloc_injected(pool, size, gfp))) {
		alloc_refuse(pool, size, gfp, _RET_IP_);
		return 0;
	}
	might_alloc(gfp);
	gfp &= ~__GFP_THISNODE;
	class = class_get(pool, bytepool_class_index(&pool->sizes, size), gfp);
	if (!class)
		goto fail;
	while (!alloc_bulk(class, size, gfp, nr, blocks, _RET_IP_)) {
		if (!class_may_wait(class, gfp))
			goto fail;
		bulk_wait(class, nr);
	}
	if (gfp & __GFP_ZERO) {
		for (i = 0; i < nr; i++)
			memset(blocks[i], 0, class->size);
	}
	return nr;

fail:
	alloc_fail(pool, size, gfp, _RET_IP_);
	return 0;
}
EXPORT_SYMBOL_GPL(bytepool_alloc_bulk);

/*
 * Free
 */

/* Tell of a refused free: with a stack trace once for each reason, in a few lines after. */
static noinline void bad_free(struct bytepool *pool, const void *block,
			      enum bytepool_bad_free why, unsigned long caller)
{
	static unsigned long told;	/* as pool->bad_frees_told, without a pool */

	if (IS_ERR_OR_NULL(pool)) {
		if (!test_and_set_bit(why, &told))
			WARN(1, pr_fmt("bad free of %p to no pool: %s\n"), block,
			     bad_free_text[why]);
		else
			pr_warn_ratelimited("bad free of %p to no pool: %s\n", block,
					    bad_free_text[why]);
		return;
	}
	atomic64_inc(&pool->bad_frees);
	trace_bad_free(pool->name, block, bad_free_text[why], caller);
	if (!test_and_set_bit(why, &pool->bad_frees_told))
		WARN(1, pr_fmt("%s: bad free of %p: %s\n"), pool->name, block, bad_free_text[why]);
	else if (__ratelimit(&pool->bad_frees_limit))
		pr_warn("%s: bad free of %p: %s\n", pool->name, block, bad_free_text[why]);
}

/* Of several CPUs that free a block at once, one succeeds. From then on it is ours. */
static __always_inline bool state_claim(u8 *state)
{
	u8 in_use = BYTEPOOL_BLOCK_IN_USE;

	return likely(try_cmpxchg(state, &in_use, (u8)BYTEPOOL_BLOCK_CACHED));
}

/* Take a block back from its caller, and tell where it lies if @where does not yet. Section. */
static enum bytepool_bad_free block_claim(struct bytepool *pool, struct where *where)
{
	if (!where->slab)
		where->slab = table_find(where->block);
	if (!where->slab)
		return BAD_FREE_UNKNOWN;
	if (where->slab->depot->class->pool != pool)
		return BAD_FREE_FOREIGN;
	if (!where->state)
		where->state = block_state(where->slab, where->block);
	if (!where->state)
		return BAD_FREE_INSIDE;
	return state_claim(where->state) ? BAD_FREE_NONE : BAD_FREE_IDLE;
}

/* Put a claimed block on top of a cache that is not full. */
static void cache_push_freed(struct bytepool_cache *cache, struct where *where)
{
	cache_push(cache, cache->top, (void *)where->block, where->state, where->slab, jiffies);
	cache_count(cache->frees, 1);
	where->cache = cache;
}

/* Put a claimed block into this CPU's cache, if that is open and not full. Section. */
static bool cache_free(struct bytepool *pool, struct where *where)
{
	const struct bytepool_depot *depot = where->slab->depot;
	struct bytepool_cache *cache;
	bool done = false;

	cache = cache_this_cpu(pool, class_slot(depot->class));
	if (!cache_enter(cache, pool))
		return false;
	if (!cache_full(cache) && cache->depot == depot) {
		cache_push_freed(cache, where);
		done = true;
	}
	cache_leave(cache, pool);
	return done;
}

/*
 * Put a claimed block into this CPU's cache, making room there, or else into
 * its depot; @remember where it lies, if its cache is open then. Section.
 */
static void depot_free(struct where *where, bool remember)
{
	struct bytepool_depot *depot = where->slab->depot;
	struct bytepool_class *class = depot->class;
	unsigned long flags = depot_lock(depot);
	bool waited_for = swait_active(&class->wait);
	struct bytepool_cache *cache = waited_for ? NULL : depot_this_cpu_cache(depot);
	bool wake;

	/* A cache of one or two is not emptied for one more. */
	if (cache && cache_full(cache) && cache_half(cache) > 1)
		cache_make_space(depot, cache);
	if (cache && !cache_full(cache)) {
		cache_push_freed(cache, where);
		cache_set_open(cache, cache);
		wake = true;
	} else {
		depot_unlink(where->slab);
		depot_push(depot, where->slab, where->state, jiffies);
		depot_link(depot, where->slab);
		depot->frees++;
		wake = depot_wakes(depot);
	}
	depot_unlock(depot, flags);
	if (waited_for)
		swake_up_one(&class->wait);
	if (wake)
		pool_wake(class->pool);
	/* Unless it took the block, the cache may be closed, and the pool asleep. */
	if (where->cache && remember)
		memo_enter(where);
}

/* What a pool with such flags does to a claimed block, which may be long: no section. */
static noinline void block_retake(struct bytepool *pool, const struct where *where,
				  unsigned long caller)
{
	u32 size = where->slab->depot->class->size;

	if (pool->flags & BYTEPOOL_POISON)
		block_poison((void *)where->block, size);
	else if (pool->flags & BYTEPOOL_WIPE)
		memset((void *)where->block, 0, size);
	if (pool->flags & BYTEPOOL_TRACK)
		block_track(where->slab, where->state - where->slab->state, caller);
}

/* Free what may be anything, but may be @known to this CPU. */
static void free_looked_up(struct bytepool *pool, const void *block, bool known,
			   unsigned long caller)
{
	struct where where = { .block = block };
	struct bytepool_class *class;
	enum bytepool_bad_free bad;
	bool remember = false;

	section_enter();
	if (!known || !memo_find(&where))
		remember = memo_refresh();
	bad = block_claim(pool, &where);
	if (likely(!bad)) {
		class = where.slab->depot->class;
		trace_free(pool->name, class->size, block, caller);
		if (pool->flags & (BYTEPOOL_WIPE | BYTEPOOL_FLAGS_CHECKED)) {
			/* Never remembered: free_fast() does none of it. */
			remember = false;
			section_exit();
			block_retake(pool, &where, caller);
			section_enter();
		}
		instrument_free(block, class->size);
		if (!cache_free(pool, &where))
			depot_free(&where, remember);
		else if (remember)
			memo_enter(&where);
	}
	section_exit();
	if (likely(!bad))
		cache_ensure(class);
	else
		bad_free(pool, block, bad, caller);
}

/* What became of a free. */
enum free_result {
	FREE_DONE,
	FREE_TWICE,	/* refused: the block is idle */
	FREE_UNKNOWN,	/* this CPU does not remember the block */
	FREE_KNOWN,	/* it does, but its cache is busy, full, closed, or another pool's */
};

/* Free a block that this CPU remembers to its open cache. Section, memo_current(). */
static __always_inline enum free_result free_fast(struct bytepool *pool, const void *block)
{
	struct where __percpu *where;
	struct bytepool_entry *top;
	struct bytepool_cache *cache;
	struct bytepool_slab *slab;
	u8 *state;

	if (unlikely(!memo_locate(block, &where)))
		return FREE_UNKNOWN;
	cache = raw_cpu_read(where->cache);
	if (unlikely(!cache_enter(cache, pool)))
		return FREE_KNOWN;
	top = cache->top;
	if (unlikely(top == cache->end)) {
		cache_leave(cache, pool);
		return FREE_KNOWN;
	}
	state = raw_cpu_read(where->state);
	if (unlikely(!state_claim(state))) {
		cache_leave(cache, pool);
		return FREE_TWICE;
	}
	slab = raw_cpu_read(where->slab);
	if (BYTEPOOL_INSTRUMENTED)
		instrument_free(block, slab->depot->class->size);
	cache_push(cache, top, (void *)block, state, slab, jiffies);
	cache_count(cache->frees, 1);
	cache_leave(cache, pool);
	return FREE_DONE;
}

/* Free what free_fast() did not. */
static noinline void free_slow(struct bytepool *pool, const void *block, enum free_result result,
			       unsigned long caller)
{
	if (result == FREE_TWICE)
		bad_free(pool, block, BAD_FREE_IDLE, caller);
	else if (block)
		free_looked_up(pool, block, result == FREE_KNOWN, caller);
}

/**
 * bytepool_free() - give a block back
 * @pool: the pool that it came from
 * @block: the block, or NULL
 *
 * What is not an in-use block of the pool is refused without touching it,
 * counted in bad_frees and warned about; the pool stays sound.
 *
 * Context: Any but NMI; never sleeps.
 */
void bytepool_free(struct bytepool *pool, const void *block)
{
	enum free_result result = FREE_UNKNOWN;

	section_enter();
	if (memo_current() && !trace_free_enabled()) {
		result = free_fast(pool, block);
		if (likely(result == FREE_DONE)) {
			section_exit();
			return;
		}
	}
	section_exit();
	free_slow(pool, block, result, _RET_IP_);
}
EXPORT_SYMBOL_GPL(bytepool_free);

/**
 * bytepool_free_bulk() - give several blocks back
 * @pool: the pool that they came from
 * @nr: how many
 * @blocks: the blocks; each may be NULL
 *
 * Context: Any but NMI; never sleeps.
 */
void bytepool_free_bulk(struct bytepool *pool, unsigned int nr, void **blocks)
{
	unsigned int i = 0;

	while (i < nr) {
		unsigned int end = i + min(nr - i, BULK_SECTION);
		enum free_result result = FREE_UNKNOWN;

		section_enter();
		if (memo_current() && !trace_free_enabled()) {
			do {
				result = free_fast(pool, blocks[i]);
			} while (likely(result == FREE_DONE) && ++i < end);
		}
		section_exit();
		if (unlikely(result != FREE_DONE))
			free_slow(pool, blocks[i++], result, _RET_IP_);
	}
}
EXPORT_SYMBOL_GPL(bytepool_free_bulk);

/**
 * bytepool_free_any() - give a block back to the pool that it came from
 * @block: the block, or NULL
 *
 * For scope-based cleanup, which knows the block alone. bytepool_free() also
 * catches a block that goes back to the wrong pool. What no pool gave out is
 * refused and warned about; there is no pool to count it.
 *
 * Context: Any but NMI; never sleeps.
 */
void bytepool_free_any(const void *block)
{
	struct bytepool *pool = NULL;
	struct bytepool_slab *slab;

	if (!block)
		return;
	section_enter();
	slab = table_find(block);
	if (slab)
		pool = slab->depot->class->pool;
	section_exit();
	if (pool)
		free_looked_up(pool, block, false, _RET_IP_);
	else
		bad_free(NULL, block, BAD_FREE_UNKNOWN, _RET_IP_);
}
EXPORT_SYMBOL_GPL(bytepool_free_any);

/**
 * bytepool_usable_size() - how much of a block may be used
 * @pool: the pool
 * @block: what may be one of its blocks
 *
 * Context: Any but NMI; never sleeps.
 * Return: the block's class size in bytes; 0 if it is no in-use block of @pool.
 */
size_t bytepool_usable_size(struct bytepool *pool, const void *block)
{
	struct bytepool_slab *slab;
	size_t size = 0;
	u8 *state;

	section_enter();
	slab = table_find(block);
	if (slab && slab->depot->class->pool == pool) {
		state = block_state(slab, block);
		if (state && READ_ONCE(*state) == BYTEPOOL_BLOCK_IN_USE)
			size = slab->depot->class->size;
	}
	section_exit();
	return size;
}
EXPORT_SYMBOL_GPL(bytepool_usable_size);

/*
 * The list of pools
 */

/* Into the list of all pools, if the name is free. */
static int pool_link(struct bytepool *pool)
{
	struct bytepool *other;
	int err = 0;

	mutex_lock(&pools_lock);
	list_for_each_entry(other, &pools, list) {
		if (!strcmp(other->name, pool->name))
			err = -EEXIST;
	}
	if (!err)
		list_add_tail(&pool->list, &pools);
	mutex_unlock(&pools_lock);
	return err;
}

/* Off the list, once no walk stands at the pool. */
static void pool_unlink(struct bytepool *pool)
{
	bool pinned;

	mutex_lock(&pools_lock);
	pool->dying = true;
	pinned = pool->nr_pins;
	mutex_unlock(&pools_lock);
	if (pinned)
		wait_for_completion(&pool->unpinned);
	mutex_lock(&pools_lock);
	list_del(&pool->list);
	mutex_unlock(&pools_lock);
}

/* The pool after @prev, or the first: pinned, so that it stays; @prev is no longer. */
static struct bytepool *pool_next(struct bytepool *prev)
{
	struct bytepool *pool;

	mutex_lock(&pools_lock);
	pool = list_prepare_entry(prev, &pools, list);
	list_for_each_entry_continue(pool, &pools, list) {
		if (!pool->dying)
			break;
	}
	if (list_entry_is_head(pool, &pools, list))
		pool = NULL;
	else
		pool->nr_pins++;
	if (prev && !--prev->nr_pins && prev->dying)
		complete(&prev->unpinned);
	mutex_unlock(&pools_lock);
	return pool;
}

/*
 * GC: what it does
 *
 * A pass has two halves, with a grace period between them if the first closed
 * any cache: close the caches that have something to give; then move that to
 * the depots, and give their oldest slabs back. The background has the depots
 * give what has expired in the first half, too, and drops gc_lock between the
 * halves; all others hold it over both.
 */

/*
 * Close the caches of a class: all, or those that have what the pass wants.
 * Whether any is closed now, also by the background's first half, whose grace
 * period is not over yet.
 */
static bool class_close(struct bytepool_class *class, const struct gc_pass *pass)
{
	struct bytepool_cache *cache;
	bool closed = false;
	unsigned long flags;

	for_each_cache(cache, class) {
		if (!cache->gc_owned && !pass->all &&
		    !(cache_nr(cache) && gc_pass_wants(pass, cache_oldest(cache))))
			continue;
		flags = depot_lock(cache->depot);
		cache->gc_owned = true;
		cache_set_open(cache, &closed_cache);
		depot_unlock(cache->depot, flags);
		closed = true;
	}
	if (closed)
		memo_forget();
	return closed;
}

/*
 * A batch with what the pass wants, and that is not younger than @begun, its
 * entries being in order of age. Ages are compared: a stamp may be older than
 * half of what jiffies can tell. depot->lock.
 */
static struct bytepool_batch *depot_take_old_batch(struct bytepool_depot *depot,
						   const struct gc_pass *pass,
						   unsigned long begun)
{
	struct bytepool_batch **at = &depot->full;
	unsigned long now = jiffies;

	while (*at && (!gc_pass_wants(pass, (*at)->entries[0].idle_since) ||
		       now - (*at)->entries[0].idle_since < now - begun))
		at = &(*at)->next;
	return batch_take(at);
}

/* Put the blocks of such batches back into their slabs, but for those that fill meanwhile. */
static void class_flush_batches(struct bytepool_class *class, const struct gc_pass *pass)
{
	unsigned long begun = jiffies;
	struct bytepool_depot *depot;
	struct bytepool_batch *batch;
	unsigned long flags;

	for_each_depot(depot, class) {
		do {
			flags = depot_lock(depot);
			batch = depot_take_old_batch(depot, pass, begun);
			if (batch) {
				depot_push_entries(depot, batch->entries, batch->nr);
				batch->nr = 0;
				depot_put_batch(depot, batch);
			}
			depot_unlock(depot, flags);
		} while (batch);
	}
}

/*
 * Take what the pass wants out of a class's closed caches, a grace period after
 * they were closed, and out of its batches. A cache that is empty then stays
 * closed, though no longer the GC's, until depot_alloc() or depot_free() has
 * something for it and wakes the GC.
 */
static void class_drain(struct bytepool_class *class, const struct gc_pass *pass)
{
	struct bytepool_cache *cache;
	unsigned long flags;

	for_each_cache(cache, class) {
		u32 nr = 0;

		if (!cache->gc_owned)
			continue;
		flags = depot_lock(cache->depot);
		while (nr < cache_nr(cache) && gc_pass_wants(pass, cache->entries[nr].idle_since))
			nr++;
		cache_flush(cache, nr);
		cache->gc_owned = false;
		/* Open caches are for pools that are awake. */
		if (cache_nr(cache) && !class->reserve && READ_ONCE(class->pool->awake))
			cache_set_open(cache, cache);
		depot_unlock(cache->depot, flags);
	}
	class_flush_batches(class, pass);
}

/* What was given back. */
struct gc_reaped {
	unsigned long blocks;
	unsigned long bytes;
};

/* Give back a few wholly idle slabs, until it was @most blocks. */
static struct gc_reaped depot_reap(struct bytepool_depot *depot, const struct gc_pass *pass,
				   unsigned long most)
{
	struct bytepool *pool = depot->class->pool;
	struct bytepool_slab *slab, *next;
	u32 size = depot->class->size;
	struct gc_reaped reaped = {};
	unsigned int taken = 0;
	unsigned long flags;
	LIST_HEAD(dead);

	mutex_lock(&pool->reap_lock);
	flags = depot_lock(depot);
	while (taken++ < REAP_SLABS && reaped.blocks < most && reaped.blocks * size < REAP_BYTES) {
		slab = depot_take_oldest(depot, pass);
		if (!slab)
			break;
		list_add_tail(&slab->list, &dead);
		reaped.blocks += slab->nr;
	}
	depot_unlock(depot, flags);
	list_for_each_entry(slab, &dead, list)
		table_remove(slab);
	if (reaped.blocks)
		memo_forget();
	list_for_each_entry_safe(slab, next, &dead, list)
		reaped.bytes += slab_destroy(slab);
	WRITE_ONCE(pool->reclaimed_blocks, pool->reclaimed_blocks + reaped.blocks);
	WRITE_ONCE(pool->reclaimed_bytes, pool->reclaimed_bytes + reaped.bytes);
	mutex_unlock(&pool->reap_lock);
	return reaped;
}

/* Give back wholly idle slabs, until it was @most blocks or as many as there were. */
static struct gc_reaped class_reap(struct bytepool_class *class, const struct gc_pass *pass,
				   unsigned long most)
{
	struct bytepool_depot *depot;
	struct gc_reaped all = {};

	for_each_depot(depot, class) {
		/* No more than is idle now, about: others go on freeing. */
		unsigned long left = min(most, data_race(depot->nr_idle));

		while (left) {
			struct gc_reaped some = depot_reap(depot, pass, left);

			if (!some.blocks)
				break;
			all.blocks += some.blocks;
			all.bytes += some.bytes;
			left -= min(left, some.blocks);
			most -= min(most, some.blocks);
			cond_resched();
		}
		cond_resched();
	}
	return all;
}

/* Wait until the system has what others have taken off the books. */
static void pool_wait_for_reap(struct bytepool *pool)
{
	mutex_lock(&pool->reap_lock);
	mutex_unlock(&pool->reap_lock);
}

static bool pool_close(struct bytepool *pool, const struct gc_pass *pass)
{
	struct bytepool_class *class;
	bool closed = false;

	for_each_class(class, pool) {
		closed |= class_close(class, pass);
		cond_resched();
	}
	return closed;
}

static void pool_drain(struct bytepool *pool, const struct gc_pass *pass)
{
	struct bytepool_class *class;

	for_each_class(class, pool) {
		class_drain(class, pass);
		cond_resched();
	}
}

static void pool_flush_batches(struct bytepool *pool, const struct gc_pass *pass)
{
	struct bytepool_class *class;

	for_each_class(class, pool) {
		class_flush_batches(class, pass);
		cond_resched();
	}
}

static unsigned long pool_reap(struct bytepool *pool, const struct gc_pass *pass)
{
	struct gc_reaped all = {};
	struct bytepool_class *class;

	for_each_class(class, pool) {
		struct gc_reaped reaped = class_reap(class, pass, ULONG_MAX);

		all.blocks += reaped.blocks;
		all.bytes += reaped.bytes;
	}
	if (all.blocks)
		trace_gc(pool->name, pass->all ? "trim" : "age", all.blocks, all.bytes,
			 pool_held(pool));
	return all.blocks;
}

static bool pool_reclaimable(struct bytepool *pool)
{
	struct bytepool_class *class;

	for_each_class(class, pool) {
		if (class_reclaimable(class))
			return true;
		cond_resched();
	}
	return false;
}

/*
 * Let a pool with nothing idle sleep: its caches are closed, so that the next
 * free comes by pool_wake(). See there for the order of things; the caller
 * lets a grace period pass, and then looks whether it has to be woken again.
 */
static void pool_sleep(struct bytepool *pool)
{
	WRITE_ONCE(pool->awake, false);
	/* Pairs with cmpxchg() in cache_create(): we see the cache, or its CPU the pool asleep. */
	smp_mb();
	pool_close(pool, &gc_everything);
}

/*
 * First half, for a pool that is awake. Whether it needs a grace period. What
 * has expired in the depot need not wait for it; and what expires in a cache
 * while it lasts need not wait for the next pass.
 */
static bool gc_begin(struct bytepool *pool)
{
	struct gc_pass pass = gc_pass_begin(pool);
	bool closed;

	if (pass.timeout == MAX_JIFFY_OFFSET) {
		WRITE_ONCE(pool->awake, false);
		/* Pairs with smp_mb() in timeout_changed(). */
		smp_mb();
		pool_wake(pool);
		return false;
	}
	pool->visited = true;
	mutex_lock(&pool->gc_lock);
	pool_flush_batches(pool, &pass);
	pool_reap(pool, &pass);
	pass.now += GC_CLOSE_AHEAD;
	closed = pool_close(pool, &pass);
	if (!closed && !pool_reclaimable(pool)) {
		pool_sleep(pool);
		closed = true;
	}
	mutex_unlock(&pool->gc_lock);
	return closed;
}

/* Second half. */
static void gc_finish(struct bytepool *pool)
{
	struct gc_pass pass = gc_pass_begin(pool);

	mutex_lock(&pool->gc_lock);
	pool_drain(pool, &pass);
	pool_reap(pool, &pass);
	WRITE_ONCE(pool->gc_runs, pool->gc_runs + 1);
	mutex_unlock(&pool->gc_lock);
	pool->visited = false;
	if (!READ_ONCE(pool->awake) && pool_reclaimable(pool))
		pool_wake(pool);
}

static void gc_work_fn(struct work_struct *work)
{
	unsigned long due = jiffies + gc_interval();
	struct bytepool *pool = NULL;
	bool closed = false;
	bool again = false;

	while ((pool = pool_next(pool))) {
		if (READ_ONCE(pool->awake))
			closed |= gc_begin(pool);
	}
	if (closed)
		synchronize_rcu();
	while ((pool = pool_next(pool))) {
		if (pool->visited)
			gc_finish(pool);
		again |= READ_ONCE(pool->awake);
	}
	if (again)
		queue_delayed_work(gc_wq, &gc_work, max((long)(due - jiffies), 0L));
}

/*
 * Give back what has expired, now. Return how many blocks; *@bytes_held, if any,
 * is what is left.
 */
static unsigned long pool_gc(struct bytepool *pool, size_t *bytes_held)
{
	struct gc_pass pass = gc_pass_begin(pool);
	unsigned long blocks;

	mutex_lock(&pool->gc_lock);
	if (pool_close(pool, &pass))
		synchronize_rcu();
	pool_drain(pool, &pass);
	blocks = pool_reap(pool, &pass);
	WRITE_ONCE(pool->gc_runs, pool->gc_runs + 1);
	mutex_unlock(&pool->gc_lock);
	if (bytes_held)
		*bytes_held = pool_held(pool);
	return blocks;
}

/**
 * bytepool_gc() - give back what has been idle beyond the pool's timeout, now
 * @pool: the pool
 * @bytes_held: if not NULL, set to the bytes that the pool still holds
 *
 * The owner of a BYTEPOOL_SINGLE pool calls it, since no one else does; for
 * the others the same is done in the background.
 *
 * Context: Process; may sleep.
 * Return: blocks given back.
 */
unsigned long bytepool_gc(struct bytepool *pool, size_t *bytes_held)
{
	return pool_gc(pool, bytes_held);
}
EXPORT_SYMBOL_GPL(bytepool_gc);

/* Give everything idle back, but for what a shrinker has in hand. gc_lock. */
static unsigned long pool_trim_locked(struct bytepool *pool)
{
	unsigned long blocks;

	WRITE_ONCE(pool->trims, pool->trims + 1);
	/* Pairs with smp_mb() in class_new_slab(). */
	smp_mb();
	if (pool_reclaimable(pool)) {
		/* Nothing may be left to look after: what is, wakes the pool again. */
		pool_sleep(pool);
		if (!pool_single(pool))
			synchronize_rcu();
		pool_drain(pool, &gc_everything);
	} else {
		/* A cache that was emptied while we looked has nothing now, but its depot has. */
		pool_flush_batches(pool, &gc_everything);
	}
	blocks = pool_reap(pool, &gc_everything);
	if (blocks)
		pool->last_fruitful_trim = pool->trims;
	if (pool_reclaimable(pool))
		pool_wake(pool);
	return blocks;
}

/*
 * Trim for the sake of what is wanted now, unless a trim was begun since @trims was
 * read. Whether there may be room now: one in vain is that for all who waited for it.
 */
static bool pool_make_room(struct bytepool *pool, unsigned long trims)
{
	bool made;

	mutex_lock(&pool->gc_lock);
	if (pool->trims == trims)
		pool_trim_locked(pool);
	made = (long)(pool->last_fruitful_trim - trims) > 0;
	mutex_unlock(&pool->gc_lock);
	pool_wait_for_reap(pool);
	return made;
}

/* Give back everything that is idle, now. Return how many blocks. */
static unsigned long pool_trim(struct bytepool *pool)
{
	unsigned long blocks;

	mutex_lock(&pool->gc_lock);
	blocks = pool_trim_locked(pool);
	mutex_unlock(&pool->gc_lock);
	pool_wait_for_reap(pool);
	return blocks;
}

/**
 * bytepool_trim() - give every idle block back, whatever its age
 * @pool: the pool
 *
 * Reaches the caches of all CPUs. What is reserved stays, and so do idle
 * blocks that share a slab with one in use. Beyond a reserve, up to a slab of its
 * class may stay.
 *
 * Context: Process; may sleep.
 * Return: blocks given back.
 */
unsigned long bytepool_trim(struct bytepool *pool)
{
	return pool_trim(pool);
}
EXPORT_SYMBOL_GPL(bytepool_trim);

/*
 * Reserve
 */

/*
 * Change the reserve. With one, the depots alone serve the class, so that each
 * idle block serves any CPU. It is written under every depot's lock: who opened
 * a cache under one without seeing it, did so before we close them.
 */
static unsigned int class_set_reserve(struct bytepool_class *class, unsigned int nr)
{
	struct bytepool *pool = class->pool;
	struct bytepool_depot *depot;
	unsigned long flags;
	unsigned int old;

	mutex_lock(&pool->gc_lock);
	old = class->reserve;
	for_each_depot(depot, class) {
		flags = depot_lock(depot);
		WRITE_ONCE(class->reserve, nr);
		depot_unlock(depot, flags);
	}
	if (nr && !old && class_close(class, &gc_everything)) {
		synchronize_rcu();
		class_drain(class, &gc_everything);
	}
	mutex_unlock(&pool->gc_lock);
	/* More may be idle in the depot, or above the reserve; or waiting may be over. */
	swake_up_all(&class->wait);
	if (class_reclaimable(class))
		pool_wake(pool);
	return old;
}

/* Have the class of @size keep @nr blocks. 0 or -errno. */
static int pool_reserve(struct bytepool *pool, size_t size, unsigned int nr, gfp_t gfp)
{
	struct bytepool_class *class;
	unsigned long added = 0;
	unsigned long limit;
	unsigned int old;
	u64 bytes;

	if (!alloc_ok(pool, size, gfp))
		return -EINVAL;
	gfp = system_gfp(gfp) & ~__GFP_THISNODE;
	if (!(gfp & __GFP_NORETRY))
		gfp |= __GFP_RETRY_MAYFAIL;	/* fail rather than kill */
	class = class_get(pool, bytepool_class_index(&pool->sizes, size), gfp);
	if (!class)
		return -ENOMEM;
	bytes = (u64)nr * class->size;
	limit = READ_ONCE(pool->limit);
	if (bytes >> PAGE_SHIFT > totalram_pages() || (limit && bytes > limit))
		return -ENOMEM;

	old = class_set_reserve(class, nr);
	/* Blocks are taken off the books down to the reserve only. */
	while (atomic_long_read(&class->nr_blocks) < nr) {
		struct bytepool_slab *slab = class_new_slab(class, false, gfp, NUMA_NO_NODE);

		if (!slab)
			goto undo;
		added += slab->nr;
		depot_add(slab);
		class_wake(class);
		cond_resched();
	}
	return 0;

undo:
	class_set_reserve(class, old);
	class_reap(class, &gc_everything, added);
	return -ENOMEM;
}

/**
 * bytepool_reserve() - pre-allocate blocks of a size, and keep as many
 * @pool: the pool
 * @size: bytes, 1 to the pool's max_size
 * @nr: blocks to keep, in use and idle together; replaces what was reserved in
 *	this class before; 0 drops it
 * @gfp: how hard to try
 *
 * While a class has a reserve, its blocks go by the depot, not by per-CPU
 * caches: a lock on each call, for which an idle block serves any CPU and any
 * context. Calls for one class are the caller's to serialise.
 *
 * Context: Process; may sleep.
 * Return:
 * * 0: as many are there
 * * -EINVAL: @size is 0 or above max_size, @gfp asks for a zone, or @pool is none
 * * -ENOMEM: memory or the pool's limit does not allow it; all is as before
 */
int bytepool_reserve(struct bytepool *pool, size_t size, unsigned int nr, gfp_t gfp)
{
	return pool_reserve(pool, size, nr, gfp);
}
EXPORT_SYMBOL_GPL(bytepool_reserve);

/*
 * Statistics
 */

/**
 * bytepool_size() - how much memory a pool holds
 * @pool: the pool
 *
 * Context: Any.
 * Return: bytes, in use and idle, rounding included, descriptors not.
 */
size_t bytepool_size(struct bytepool *pool)
{
	return pool_held(pool);
}
EXPORT_SYMBOL_GPL(bytepool_size);

static void class_add_stats(struct bytepool_class *class, struct bytepool_stats *stats)
{
	u64 hits = 0, misses = 0, frees = 0, in_use, blocks;
	struct bytepool_depot *depot;
	struct bytepool_cache *cache;
	unsigned long flags;

	for_each_depot(depot, class) {
		flags = depot_lock(depot);
		hits += depot->hits;
		misses += depot->misses;
		frees += depot->frees;
		depot_unlock(depot, flags);
	}
	blocks = atomic_long_read(&class->nr_blocks);
	for_each_cache(cache, class) {
		/* Its CPU may change both meanwhile. */
		frees += data_race(cache->frees);
		/* As above. */
		hits += data_race(cache->hits);
	}
	/* Counters that move are not read at one moment: keep what is derived within its bounds. */
	in_use = hits + misses > frees ? min(hits + misses - frees, blocks) : 0;
	stats->hits += hits;
	stats->misses += misses;
	stats->allocs += hits + misses;
	stats->frees += frees;
	stats->blocks_in_use += in_use;
	stats->bytes_in_use += in_use * class->size;
	stats->blocks_idle += blocks - in_use;
	stats->bytes_idle += (blocks - in_use) * class->size;
}

/* Fill in @stats. */
static void pool_stats(struct bytepool *pool, struct bytepool_stats *stats)
{
	struct bytepool_class *class;

	memset(stats, 0, sizeof(*stats));
	for_each_class(class, pool)
		class_add_stats(class, stats);
	stats->bytes_held = pool_held(pool);
	stats->failures = atomic64_read(&pool->failures);
	stats->bad_frees = atomic64_read(&pool->bad_frees);
	stats->gc_runs = READ_ONCE(pool->gc_runs);
	stats->reclaimed_blocks = READ_ONCE(pool->reclaimed_blocks);
	stats->reclaimed_bytes = READ_ONCE(pool->reclaimed_bytes);
}

/**
 * bytepool_get_stats() - what a pool holds and has done
 * @pool: the pool
 * @stats: filled in; exact while nobody else uses the pool, else near it
 *
 * Context: Any but NMI; never sleeps.
 */
void bytepool_get_stats(struct bytepool *pool, struct bytepool_stats *stats)
{
	pool_stats(pool, stats);
}
EXPORT_SYMBOL_GPL(bytepool_get_stats);

/*
 * Shrinker
 *
 * When the system is short, idle memory goes whatever its timeout, the oldest
 * first. A scan may run in the middle of anybody's allocation, also of one for a
 * slab of this pool: no lock is held over those, and of the locks that it takes
 * it waits for none that is held over a grace period.
 */

/*
 * Bytes that a scan could give back, at the least: what it can not would be
 * asked for in vain. A block in use keeps one slab from going, so all but as
 * many slabs as there are such blocks go, wherever the idle ones are.
 */
static unsigned long class_shrinkable(struct bytepool_class *class)
{
	long blocks = atomic_long_read(&class->nr_blocks);
	long reserve = READ_ONCE(class->reserve);
	long per_slab = bytepool_slab_blocks(class->slab_bytes, class->size);
	long spare = blocks - reserve;
	struct bytepool_stats stats = {};
	struct bytepool_depot *depot;
	long nr = 0;

	if (spare <= 0)
		return 0;
	/* A slab that is larger than what the reserve leaves stays. */
	if (reserve) {
		if (!class_reclaimable(class))
			return 0;
		spare = max(spare - (per_slab - 1), 1L);
	}
	for_each_depot(depot, class) {
		/* It may change meanwhile. */
		nr += data_race(depot->nr_whole);
	}
	class_add_stats(class, &stats);
	if (stats.blocks_in_use <= blocks / per_slab)
		nr = max(nr, blocks - (long)stats.blocks_in_use * per_slab);
	return min(nr, spare) * class->size;
}

static unsigned long shrink_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct bytepool *pool = compat_shrinker_data(shrinker);
	struct bytepool_class *class;
	unsigned long bytes = 0;

	for_each_class(class, pool) {
		bytes += class_shrinkable(class);
		cond_resched();
	}
	return bytes >> PAGE_SHIFT;
}

/**
 * struct shrink_survey - how old the oldest idle memory of a pool is
 * @now: jiffies
 * @age: of the oldest slab that a depot could give back, in jiffies; -1 = there is none
 * @cached_age: of the oldest block in a cache or a batch
 */
struct shrink_survey {
	unsigned long now;
	long age;
	long cached_age;
};

static void survey_add(const struct shrink_survey *survey, long *oldest, unsigned long idle_since)
{
	long age = min_t(unsigned long, age_at(survey->now, idle_since), LONG_MAX);

	*oldest = max(*oldest, age);
}

static void survey_depot(struct bytepool_depot *depot, struct shrink_survey *survey)
{
	const struct bytepool_batch *batch;
	struct bytepool_slab *slab;
	unsigned long flags;

	/* Nothing, or what came in this moment. */
	if (!data_race(depot->nr_whole) && !READ_ONCE(depot->full))
		return;
	flags = depot_lock(depot);
	slab = depot_oldest(depot, &gc_everything);
	if (slab)
		survey_add(survey, &survey->age, slab->idle_since);
	for (batch = depot->full; batch; batch = batch->next)
		survey_add(survey, &survey->cached_age, batch->entries[0].idle_since);
	depot_unlock(depot, flags);
}

static struct shrink_survey survey_pool(struct bytepool *pool)
{
	struct shrink_survey survey = { .now = jiffies, .age = -1, .cached_age = -1 };
	struct bytepool_class *class;
	struct bytepool_depot *depot;
	struct bytepool_cache *cache;

	for_each_class(class, pool) {
		for_each_depot(depot, class)
			survey_depot(depot, &survey);
		for_each_cache(cache, class) {
			if (cache_nr(cache))
				survey_add(&survey, &survey.cached_age, cache_oldest(cache));
		}
		cond_resched();
	}
	return survey;
}

/* A pass for what is at least so many jiffies old. */
static struct gc_pass shrink_pass(unsigned long now, long age)
{
	return (struct gc_pass){ .all = age <= 0, .now = now, .timeout = age - 1 };
}

/* Reap all depots, until so many bytes are given back. */
static unsigned long pool_reap_bytes(struct bytepool *pool, const struct gc_pass *pass,
				     unsigned long bytes)
{
	struct bytepool_class *class;
	struct gc_reaped all = {};

	for_each_class(class, pool) {
		unsigned long most = DIV_ROUND_UP(bytes - all.bytes, class->size);
		struct gc_reaped reaped = class_reap(class, pass, most);

		all.blocks += reaped.blocks;
		all.bytes += reaped.bytes;
		if (all.bytes >= bytes)
			break;
	}
	if (all.blocks)
		trace_gc(pool->name, "pressure", all.blocks, all.bytes, pool_held(pool));
	return all.bytes;
}

/*
 * Get what a pass wants out of the caches. Without gc_lock only out of the
 * batches, after a grace period in which whoever has the lock may get on with
 * the caches.
 */
static void shrink_drain(struct bytepool *pool, const struct gc_pass *pass, bool locked)
{
	if (!locked || pool_close(pool, pass))
		synchronize_rcu();
	if (locked)
		pool_drain(pool, pass);
	else
		pool_flush_batches(pool, pass);
}

/*
 * Give back so many bytes of idle memory, if there are as many: the oldest
 * first, ages within a sixteenth being one. How many.
 *
 * Where the oldest is in caches, all there that is more than half as old leaves
 * them, so that a grace period is seldom needed; and all, if that gave nothing.
 * Another scan may have gc_lock, or take what this one saw. The system is not to
 * conclude that the pool is empty: without the lock the depots come first, and
 * what was lost to others is looked for again.
 */
static unsigned long pool_shrink(struct bytepool *pool, unsigned long bytes)
{
	unsigned int drains = 0, lost = 0;
	unsigned long done = 0, got;
	bool locked = false;

	while (done < bytes && lost < SHRINK_RETRIES) {
		struct shrink_survey survey;
		struct gc_pass pass;
		bool may_drain;

		locked = locked || mutex_trylock(&pool->gc_lock);
		survey = survey_pool(pool);
		may_drain = locked ? !drains || (drains == 1 && !done) : !drains && survey.age < 0;
		if (survey.cached_age > survey.age && may_drain) {
			pass = shrink_pass(survey.now, drains ? 0 : survey.cached_age / 2);
			shrink_drain(pool, &pass, locked);
			drains++;
			continue;
		}
		/* What is in caches is older: the next scan's, after a grace period. */
		if (survey.age < 0 || (locked && done && survey.cached_age > survey.age))
			break;
		pass = shrink_pass(survey.now, max(survey.age - survey.age / 16,
						   may_drain ? survey.cached_age : 0));
		got = pool_reap_bytes(pool, &pass, bytes - done);
		done += got;
		lost += !got;
	}
	if (locked)
		mutex_unlock(&pool->gc_lock);
	return done;
}

static unsigned long shrink_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct bytepool *pool = compat_shrinker_data(shrinker);
	unsigned long pages = pool_shrink(pool, sc->nr_to_scan << PAGE_SHIFT) >> PAGE_SHIFT;

	compat_account_reclaimed(pages);
	sc->nr_scanned = max(pages, sc->nr_to_scan);
	return pages ?: SHRINK_STOP;
}

/* The owner of a SINGLE pool would not notice what a scan does. 0 or -errno. */
static int pool_shrinker_add(struct bytepool *pool)
{
	if (pool_single(pool))
		return 0;
	pool->shrinker = compat_shrinker_add(pool->name, SHRINK_BYTES >> PAGE_SHIFT, shrink_count,
					     shrink_scan, pool);
	return pool->shrinker ? 0 : -ENOMEM;
}

/*
 * CPUs that go away
 */

/* All that a cache has goes to the depot. Its CPU is not inside, nor will it be soon. */
static bool cache_flush_all(struct bytepool_cache *cache)
{
	unsigned long flags = depot_lock(cache->depot);
	bool wake;

	cache_set_open(cache, &closed_cache);
	cache_flush(cache, cache_nr(cache));
	wake = depot_wakes(cache->depot);
	depot_unlock(cache->depot, flags);
	return wake;
}

static int cpu_dead(unsigned int cpu)
{
	struct bytepool *pool = NULL;
	struct bytepool_class *class;

	while ((pool = pool_next(pool))) {
		bool wake = false;

		if (pool_single(pool))
			continue;
		/* No section of a dead CPU is left. */
		for_each_class(class, pool) {
			struct bytepool_cache *cache = READ_ONCE(class->cache[cpu]);

			wake |= cache && cache_flush_all(cache);
		}
		if (wake)
			pool_wake(pool);
	}
	/* Should the CPU come back: it remembers caches that are closed now. */
	memo_forget();
	return 0;
}

/*
 * sysfs
 */

struct pool_attribute {
	struct attribute attr;
	ssize_t (*show)(struct bytepool *pool, const struct pool_attribute *attr, char *buf);
	ssize_t (*store)(struct bytepool *pool, const char *buf, size_t len);
	size_t stat;	/* offset in struct bytepool_stats */
};

/* A write that means "do it": of 1, and of nothing else. */
static int parse_one(const char *buf)
{
	unsigned int value;
	int err = kstrtouint(buf, 0, &value);

	return err ?: value == 1 ? 0 : -EINVAL;
}

/* The same; but the owner of a BYTEPOOL_SINGLE pool cannot serialise with a write to sysfs. */
static int pool_parse_one(struct bytepool *pool, const char *buf)
{
	int err = parse_one(buf);

	if (err)
		return err;
	return pool_single(pool) ? -EOPNOTSUPP : 0;
}

/* The value UINT_MAX is BYTEPOOL_TIMEOUT_NEVER's; to a person, never is 0. */
static int parse_timeout(const char *buf, unsigned int *ms)
{
	unsigned int value;
	int err = kstrtouint(buf, 0, &value);

	if (err)
		return err;
	if (value == UINT_MAX)
		return -ERANGE;
	*ms = value;
	return 0;
}

static ssize_t idle_timeout_ms_show(struct bytepool *pool, const struct pool_attribute *attr,
				    char *buf)
{
	unsigned int ms = READ_ONCE(pool->idle_timeout_ms);

	if (ms == BYTEPOOL_TIMEOUT_DEFAULT)
		return sysfs_emit(buf, "default\n");
	return sysfs_emit(buf, "%u\n", ms == BYTEPOOL_TIMEOUT_NEVER ? 0 : ms);
}

static ssize_t idle_timeout_ms_store(struct bytepool *pool, const char *buf, size_t len)
{
	unsigned int ms = BYTEPOOL_TIMEOUT_DEFAULT;

	if (!sysfs_streq(buf, "default")) {
		int err = parse_timeout(buf, &ms);

		if (err)
			return err;
		ms = ms ?: BYTEPOOL_TIMEOUT_NEVER;
	}
	WRITE_ONCE(pool->idle_timeout_ms, ms);
	timeout_changed(pool);
	return len;
}

static ssize_t limit_bytes_show(struct bytepool *pool, const struct pool_attribute *attr,
				char *buf)
{
	return sysfs_emit(buf, "%lu\n", READ_ONCE(pool->limit));
}

static ssize_t limit_bytes_store(struct bytepool *pool, const char *buf, size_t len)
{
	unsigned long limit;
	int err = kstrtoul(buf, 0, &limit);

	if (err)
		return err;
	WRITE_ONCE(pool->limit, limit);
	if (limit && pool_held(pool) > limit && !pool_single(pool))
		pool_trim(pool);
	return len;
}

static ssize_t min_size_show(struct bytepool *pool, const struct pool_attribute *attr,
			     char *buf)
{
	return sysfs_emit(buf, "%u\n", pool->sizes.min);
}

static ssize_t max_size_show(struct bytepool *pool, const struct pool_attribute *attr,
			     char *buf)
{
	return sysfs_emit(buf, "%u\n", pool->sizes.max);
}

static ssize_t nr_classes_show(struct bytepool *pool, const struct pool_attribute *attr,
			       char *buf)
{
	return sysfs_emit(buf, "%u\n", pool->sizes.nr);
}

static ssize_t flags_show(struct bytepool *pool, const struct pool_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%#x\n", pool->flags);
}

static ssize_t gc_store(struct bytepool *pool, const char *buf, size_t len)
{
	int err = pool_parse_one(pool, buf);

	if (err)
		return err;
	pool_gc(pool, NULL);
	return len;
}

static ssize_t trim_store(struct bytepool *pool, const char *buf, size_t len)
{
	int err = pool_parse_one(pool, buf);

	if (err)
		return err;
	pool_trim(pool);
	return len;
}

static struct pool_attribute idle_timeout_ms_attr = __ATTR_RW(idle_timeout_ms);
static struct pool_attribute limit_bytes_attr = __ATTR_RW(limit_bytes);
static struct pool_attribute min_size_attr = __ATTR_RO(min_size);
static struct pool_attribute max_size_attr = __ATTR_RO(max_size);
static struct pool_attribute nr_classes_attr = __ATTR_RO(nr_classes);
static struct pool_attribute flags_attr = __ATTR_RO(flags);
static struct pool_attribute gc_attr = __ATTR_WO(gc);
static struct pool_attribute trim_attr = __ATTR_WO(trim);

static struct attribute *pool_attrs[] = {
	&idle_timeout_ms_attr.attr,
	&limit_bytes_attr.attr,
	&min_size_attr.attr,
	&max_size_attr.attr,
	&nr_classes_attr.attr,
	&flags_attr.attr,
	&gc_attr.attr,
	&trim_attr.attr,
	NULL
};

static const struct attribute_group pool_group = { .attrs = pool_attrs };

static ssize_t stat_show(struct bytepool *pool, const struct pool_attribute *attr, char *buf)
{
	struct bytepool_stats stats;

	pool_stats(pool, &stats);
	return sysfs_emit(buf, "%llu\n", *(u64 *)((void *)&stats + attr->stat));
}

#define POOL_STAT(_name)					\
	static struct pool_attribute _name##_attr = {		\
		.attr = { .name = #_name, .mode = 0444 },	\
		.show = stat_show,				\
		.stat = offsetof(struct bytepool_stats, _name),	\
	}

POOL_STAT(bytes_held);
POOL_STAT(bytes_in_use);
POOL_STAT(bytes_idle);
POOL_STAT(blocks_in_use);
POOL_STAT(blocks_idle);
POOL_STAT(allocs);
POOL_STAT(frees);
POOL_STAT(hits);
POOL_STAT(misses);
POOL_STAT(failures);
POOL_STAT(bad_frees);
POOL_STAT(gc_runs);
POOL_STAT(reclaimed_blocks);
POOL_STAT(reclaimed_bytes);

static struct attribute *pool_stats_attrs[] = {
	&bytes_held_attr.attr,
	&bytes_in_use_attr.attr,
	&bytes_idle_attr.attr,
	&blocks_in_use_attr.attr,
	&blocks_idle_attr.attr,
	&allocs_attr.attr,
	&frees_attr.attr,
	&hits_attr.attr,
	&misses_attr.attr,
	&failures_attr.attr,
	&bad_frees_attr.attr,
	&gc_runs_attr.attr,
	&reclaimed_blocks_attr.attr,
	&reclaimed_bytes_attr.attr,
	NULL
};

static const struct attribute_group pool_stats_group = {
	.name = "stats",
	.attrs = pool_stats_attrs,
};

static const struct attribute_group *pool_groups[] = { &pool_group, &pool_stats_group, NULL };

static ssize_t pool_attr_show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	struct pool_attribute *pool_attr = container_of(attr, struct pool_attribute, attr);

	if (!pool_attr->show)
		return -EIO;
	return pool_attr->show(container_of(kobj, struct bytepool, kobj), pool_attr, buf);
}

static ssize_t pool_attr_store(struct kobject *kobj, struct attribute *attr, const char *buf,
			       size_t len)
{
	struct pool_attribute *pool_attr = container_of(attr, struct pool_attribute, attr);

	if (!pool_attr->store)
		return -EIO;
	return pool_attr->store(container_of(kobj, struct bytepool, kobj), buf, len);
}

static const struct sysfs_ops pool_sysfs_ops = {
	.show = pool_attr_show,
	.store = pool_attr_store,
};

static void pool_kobj_release(struct kobject *kobj)
{
	complete(&container_of(kobj, struct bytepool, kobj)->released);
}

static const struct kobj_type pool_ktype = {
	.sysfs_ops = &pool_sysfs_ops,
	.release = pool_kobj_release,
	.default_groups = pool_groups,
};

static struct kobject *module_kobj;	/* /sys/kernel/bytepool */
static struct kobject *pools_kobj;	/* /sys/kernel/bytepool/pools */

/* Who holds the kobject last may be slow, and its release is in this module: wait. */
static void pool_kobj_put(struct bytepool *pool)
{
	kobject_put(&pool->kobj);
	wait_for_completion(&pool->released);
}

static void pool_sysfs_remove(struct bytepool *pool)
{
	kobject_del(&pool->kobj);
	pool_kobj_put(pool);
}

static int pool_sysfs_add(struct bytepool *pool)
{
	int err = kobject_init_and_add(&pool->kobj, &pool_ktype, pools_kobj, "%s", pool->name);

	if (err)
		pool_kobj_put(pool);
	return err;
}

/*
 * debugfs
 */

static struct dentry *debugfs_root;	/* /sys/kernel/debug/bytepool */

/* *pos is 1 + the class's index, or where the next one is. */
static void *classes_at(struct seq_file *m, loff_t *pos)
{
	struct bytepool *pool = m->private;
	u32 index = *pos - 1;
	struct bytepool_class *class = class_next(pool, &index);

	*pos = (class ? class->index : pool->sizes.nr) + 1;
	return class;
}

static void *classes_start(struct seq_file *m, loff_t *pos)
{
	return *pos ? classes_at(m, pos) : SEQ_START_TOKEN;
}

static void *classes_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return classes_at(m, pos);
}

static void classes_stop(struct seq_file *m, void *v)
{
}

static int classes_show(struct seq_file *m, void *v)
{
	struct bytepool_class *class = v;
	struct bytepool_stats stats = {};
	unsigned long nr_slabs = 0, nr_cached = 0;
	struct bytepool_depot *depot;
	struct bytepool_cache *cache;

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, "      size      slabs     in_use       idle   cpu_idle         hits       misses\n");
		return 0;
	}
	class_add_stats(class, &stats);
	for_each_depot(depot, class) {
		/* It may change meanwhile. */
		nr_slabs += data_race(depot->nr_slabs);
	}
	for_each_cache(cache, class)
		nr_cached += cache_nr(cache);
	seq_printf(m, "%10u %10lu %10llu %10llu %10lu %12llu %12llu\n", class->size, nr_slabs,
		   stats.blocks_in_use, stats.blocks_idle, nr_cached, stats.hits, stats.misses);
	return 0;
}

static const struct seq_operations classes_sops = {
	.start = classes_start,
	.next = classes_next,
	.stop = classes_stop,
	.show = classes_show,
};
DEFINE_SEQ_ATTRIBUTE(classes);

/* A walk over the table, of which a pool's own slabs are shown. */
struct blocks_iter {
	struct bytepool *pool;
	struct rhashtable_iter slabs;
};

static void *blocks_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct blocks_iter *iter = m->private;
	struct bytepool_slab *slab;
	unsigned long seen = 0;

	++*pos;
	/* -EAGAIN: the table was resized, and some come again. */
	while ((slab = rhashtable_walk_next(&iter->slabs))) {
		if (!IS_ERR(slab) && slab->depot->class->pool == iter->pool)
			break;
		if (!(++seen % WALK_SECTION)) {
			rhashtable_walk_stop(&iter->slabs);
			cond_resched();
			rhashtable_walk_start(&iter->slabs);
		}
	}
	return slab;
}

static void *blocks_start(struct seq_file *m, loff_t *pos)
	__acquires(RCU)
{
	struct blocks_iter *iter = m->private;
	struct bytepool_slab *slab;

	if (!*pos) {
		rhashtable_walk_exit(&iter->slabs);
		rhashtable_walk_enter(&table, &iter->slabs);
		rhashtable_walk_start(&iter->slabs);
		return SEQ_START_TOKEN;
	}
	rhashtable_walk_start(&iter->slabs);
	/* The one that was not shown yet; it may have gone meanwhile. */
	slab = rhashtable_walk_peek(&iter->slabs);
	if (!IS_ERR_OR_NULL(slab) && slab->depot->class->pool == iter->pool)
		return slab;
	return slab ? blocks_next(m, slab, pos) : NULL;
}

static void blocks_stop(struct seq_file *m, void *v)
	__releases(RCU)
{
	struct blocks_iter *iter = m->private;

	rhashtable_walk_stop(&iter->slabs);
}

static int blocks_show(struct seq_file *m, void *v)
{
	struct bytepool_slab *slab = v;
	u32 size;
	u32 index;

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, "            address       size     age_ms        pid allocated_by\n");
		return 0;
	}
	size = slab->depot->class->size;
	for (index = 0; index < slab->nr; index++) {
		struct bytepool_track track;

		if (READ_ONCE(slab->state[index]) != BYTEPOOL_BLOCK_IN_USE)
			continue;
		track = track_read(slab, index);
		seq_printf(m, "%19p %10u %10llu %10d %pS\n", slab_block(slab, size, index), size,
			   track_age_ms(&track), track.pid, (void *)track.caller);
	}
	return 0;
}

static const struct seq_operations blocks_sops = {
	.start = blocks_start,
	.next = blocks_next,
	.stop = blocks_stop,
	.show = blocks_show,
};

static int blocks_open(struct inode *inode, struct file *file)
{
	struct blocks_iter *iter = __seq_open_private(file, &blocks_sops, sizeof(*iter));

	if (!iter)
		return -ENOMEM;
	iter->pool = inode->i_private;
	rhashtable_walk_enter(&table, &iter->slabs);
	return 0;
}

static int blocks_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;
	struct blocks_iter *iter = m->private;

	rhashtable_walk_exit(&iter->slabs);
	return seq_release_private(inode, file);
}

static const struct file_operations blocks_fops = {
	.owner = THIS_MODULE,
	.open = blocks_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = blocks_release,
};

/* Without it, a pool is as good: nothing here fails. */
static void pool_debugfs_add(struct bytepool *pool)
{
	pool->debugfs = debugfs_create_dir(pool->name, debugfs_root);
	debugfs_create_file("classes", 0400, pool->debugfs, pool, &classes_fops);
	if (pool->flags & BYTEPOOL_TRACK)
		debugfs_create_file("blocks", 0400, pool->debugfs, pool, &blocks_fops);
}

/*
 * Lifecycle
 */

static bool name_ok(const char *name)
{
	size_t len = name ? strnlen(name, BYTEPOOL_NAME_MAX + 1) : 0;
	size_t i;

	if (!len || len > BYTEPOOL_NAME_MAX || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (i = 0; i < len; i++) {
		/* isalnum() knows Latin-1 too. */
		if (!isascii(name[i]) || !(isalnum(name[i]) || strchr("._-", name[i])))
			return false;
	}
	return true;
}

/* Check what the caller asks for and fill in the defaults: 0, or -EINVAL and a line why. */
static int params_check(const char *name, struct bytepool_params *params)
{
	const char *why = NULL;

	if (!name_ok(name)) {
		pr_err("a pool's name is 1 to %d of [A-Za-z0-9._-], not . or ..\n",
		       BYTEPOOL_NAME_MAX);
		return -EINVAL;
	}
	params->min_size = params->min_size ?: BYTEPOOL_GRAIN;
	params->max_size = params->max_size ?: BYTEPOOL_DEFAULT_MAX;
	if (params->min_size % BYTEPOOL_GRAIN)
		why = "min_size is not a multiple of 8";
	else if (params->max_size % BYTEPOOL_GRAIN)
		why = "max_size is not a multiple of 8";
	else if (params->max_size > BYTEPOOL_SIZE_MAX)
		why = "max_size is above 1 GiB";
	else if (params->min_size > params->max_size)
		why = "min_size is above max_size";
	else if (params->step % BYTEPOOL_GRAIN)
		why = "step is not a multiple of 8";
	else if (params->step > BYTEPOOL_SIZE_MAX)
		why = "step is above 1 GiB";
	else if (params->step && DIV_ROUND_UP_ULL(params->max_size - params->min_size,
						  params->step) >= BYTEPOOL_CLASSES_MAX)
		why = "step makes more than 1048576 classes";
	else if (params->flags & ~BYTEPOOL_FLAGS_ALL)
		why = "unknown flags";
	if (!why)
		return 0;
	pr_err("%s: %s (min_size %zu, max_size %zu, step %zu, flags %#x)\n", name, why,
	       params->min_size, params->max_size, params->step, params->flags);
	return -EINVAL;
}

static void pool_free(struct bytepool *pool)
{
	int cpu;

	if (pool->cpu) {
		for_each_possible_cpu(cpu)
			kvfree(per_cpu_ptr(pool->cpu, cpu)->open);
	}
	free_percpu(pool->cpu);
	kvfree(pool->class);
	kfree(pool);
}

/* The tables of a pool, all caches closed. */
static int pool_alloc_tables(struct bytepool *pool)
{
	u32 nr = bytepool_nr_slots(&pool->sizes);
	int cpu;

	pool->class = kvcalloc(pool->sizes.nr, sizeof(*pool->class), GFP_KERNEL);
	pool->cpu = alloc_percpu(struct bytepool_cpu);
	if (!pool->class || !pool->cpu)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct bytepool_cache **open;
		u32 i;

		open = kvmalloc_node(array_size(nr, sizeof(*open)), GFP_KERNEL, cpu_to_node(cpu));
		if (!open)
			return -ENOMEM;
		for (i = 0; i < nr; i++)
			open[i] = &closed_cache;
		per_cpu_ptr(pool->cpu, cpu)->open = open;
	}
	return 0;
}

/* A pool that nobody knows yet. */
static struct bytepool *pool_new(const char *name, const struct bytepool_params *params)
{
	struct bytepool *pool = kzalloc(sizeof(*pool), GFP_KERNEL);

	if (!pool)
		return NULL;
	bytepool_sizes_init(&pool->sizes, params->min_size, params->max_size, params->step);
	pool->flags = params->flags;
	pool->idle_timeout_ms = params->idle_timeout_ms;
	pool->limit = params->limit_bytes;
	ratelimit_state_init(&pool->bad_frees_limit, DEFAULT_RATELIMIT_INTERVAL,
			     DEFAULT_RATELIMIT_BURST);
	ratelimit_state_init(&pool->overwritten_limit, DEFAULT_RATELIMIT_INTERVAL,
			     DEFAULT_RATELIMIT_BURST);
	mutex_init(&pool->gc_lock);
	mutex_init(&pool->reap_lock);
	init_completion(&pool->unpinned);
	init_completion(&pool->released);
	strscpy(pool->name, name, sizeof(pool->name));
	if (pool_alloc_tables(pool)) {
		pool_free(pool);
		return NULL;
	}
	return pool;
}

/* Give back what is idle, whatever the reserve: how many blocks are in use, and leak. */
static unsigned long class_teardown(struct bytepool_class *class)
{
	struct bytepool_cache *cache;
	unsigned long leaked;

	/* No CPU is inside: the caller is the last user. */
	for_each_cache(cache, class)
		cache_flush_all(cache);
	class_flush_batches(class, &gc_everything);
	WRITE_ONCE(class->reserve, 0);
	class_reap(class, &gc_everything, ULONG_MAX);
	leaked = atomic_long_read(&class->nr_blocks) - class_nr_idle(class);
	if (leaked)
		pr_warn("%s: %lu blocks of %u bytes are in use, and leak\n", class->pool->name,
			leaked, class->size);
	return leaked;
}

/* A walk over the table that collects the slabs of a pool. */
struct leak_walk {
	struct bytepool *pool;
	struct list_head *leaked;
};

/* A slab of the pool goes to the leaked ones, whatever list it is on. */
static void slab_leak(struct bytepool_slab *slab, void *arg)
{
	struct leak_walk *walk = arg;

	if (slab->depot->class->pool != walk->pool || slab->leaked)
		return;
	slab->leaked = true;
	depot_unlink(slab);
	list_add(&slab->list, walk->leaked);
}

/*
 * Forget all slabs of a pool, whose memory is their blocks' owners' now. Those
 * without an idle block only the table knows.
 */
static void pool_leak(struct bytepool *pool)
{
	LIST_HEAD(leaked);
	struct leak_walk walk = { .pool = pool, .leaked = &leaked };
	struct bytepool_slab *slab, *next;

	table_for_each_slab(slab_leak, &walk);
	if (pool->flags & BYTEPOOL_TRACK)
		report_leaks(pool, &leaked);
	list_for_each_entry(slab, &leaked, list) {
		table_remove(slab);
		cond_resched();
	}
	memo_forget();
	list_for_each_entry_safe(slab, next, &leaked, list)
		kfree_rcu(slab, rcu);
}

/* No slab is left, and what looks at the caches or the class is over in a grace period. */
static void class_free(struct bytepool_class *class)
{
	struct bytepool_batch *batch;
	struct bytepool_depot *depot;
	struct bytepool_cache *cache;

	for_each_cache(cache, class)
		kfree_rcu(cache, rcu);
	for_each_depot(depot, class) {
		while ((batch = batch_take(&depot->empty)))
			kfree(batch);
	}
	kfree_rcu(class, rcu);
}

/* Make a pool. Return it or an ERR_PTR(). */
static struct bytepool *pool_create(const char *name, const struct bytepool_params *params)
{
	struct bytepool_params checked = {};
	struct bytepool *pool;
	int err;

	if (!gc_wq)
		return ERR_PTR(-ENODEV);
	if (params)
		checked = *params;
	err = params_check(name, &checked);
	if (err)
		return ERR_PTR(err);
	pool = pool_new(name, &checked);
	if (!pool)
		return ERR_PTR(-ENOMEM);
	err = pool_link(pool);
	if (err)
		goto free_pool;
	err = pool_shrinker_add(pool);
	if (err)
		goto unlink;
	err = pool_sysfs_add(pool);
	if (err)
		goto remove_shrinker;
	pool_debugfs_add(pool);
	return pool;

remove_shrinker:
	compat_shrinker_remove(pool->shrinker);
unlink:
	pool_unlink(pool);
free_pool:
	pool_free(pool);
	return ERR_PTR(err);
}

/**
 * bytepool_create() - make a pool
 * @name: 1 to 63 of [A-Za-z0-9._-], not "." or "..", not in use; copied
 * @params: what it is made of; NULL for every default
 *
 * The pool appears as /sys/kernel/bytepool/pools/@name. It takes memory for
 * blocks when they are first asked for, or with bytepool_reserve().
 *
 * Context: Process; may sleep.
 * Return:
 * * the pool
 * * ERR_PTR(-EINVAL): @name or @params is out of range; a line in the log says which and why
 * * ERR_PTR(-EEXIST): the name is in use
 * * ERR_PTR(-ENOMEM): memory is short
 * * ERR_PTR(-ENODEV): a bytepool that is built in has not started yet, or could not
 */
struct bytepool *bytepool_create(const char *name, const struct bytepool_params *params)
{
	return pool_create(name, params);
}
EXPORT_SYMBOL_GPL(bytepool_create);

/* Give the memory of a pool back, and end it. */
static void pool_destroy(struct bytepool *pool)
{
	struct bytepool_class *class;
	unsigned long leaked = 0;

	debugfs_remove(pool->debugfs);
	pool_sysfs_remove(pool);
	compat_shrinker_remove(pool->shrinker);
	pool_unlink(pool);
	for_each_class(class, pool)
		leaked += class_teardown(class);
	if (leaked)
		pool_leak(pool);
	/* What memos knew of the caches, they forgot with the slabs. */
	for_each_class(class, pool)
		class_free(class);
	WARN(leaked, pr_fmt("%s: destroyed with %lu blocks in use\n"), pool->name, leaked);
	pool_free(pool);
}

/**
 * bytepool_destroy() - give a pool's memory back and end it
 * @pool: the pool; NULL and ERR_PTR are no-ops
 *
 * Nobody may use the pool any more. Blocks that are still in use are warned
 * about and leak, since their owners may yet touch them.
 *
 * Context: Process; may sleep.
 */
void bytepool_destroy(struct bytepool *pool)
{
	if (!IS_ERR_OR_NULL(pool))
		pool_destroy(pool);
}
EXPORT_SYMBOL_GPL(bytepool_destroy);

static void devm_bytepool_destroy(void *pool)
{
	bytepool_destroy(pool);
}

/**
 * devm_bytepool_create() - make a pool that ends with a device's driver
 * @dev: the device
 * @name: as for bytepool_create()
 * @params: as for bytepool_create()
 *
 * Context: Process; may sleep.
 * Return: as bytepool_create().
 */
struct bytepool *devm_bytepool_create(struct device *dev, const char *name,
				      const struct bytepool_params *params)
{
	struct bytepool *pool = bytepool_create(name, params);
	int err;

	if (IS_ERR(pool))
		return pool;
	err = devm_add_action_or_reset(dev, devm_bytepool_destroy, pool);
	return err ? ERR_PTR(err) : pool;
}
EXPORT_SYMBOL_GPL(devm_bytepool_create);

/*
 * The module
 */

static ssize_t module_idle_timeout_ms_show(struct kobject *kobj, struct kobj_attribute *attr,
					   char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(idle_timeout_ms));
}

static ssize_t module_idle_timeout_ms_store(struct kobject *kobj, struct kobj_attribute *attr,
					    const char *buf, size_t len)
{
	struct bytepool *pool = NULL;
	unsigned int ms;
	int err = parse_timeout(buf, &ms);

	if (err)
		return err;
	WRITE_ONCE(idle_timeout_ms, ms);
	while ((pool = pool_next(pool)))
		timeout_changed(pool);
	return len;
}

static ssize_t module_gc_interval_ms_show(struct kobject *kobj, struct kobj_attribute *attr,
					  char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(gc_interval_ms));
}

static bool gc_interval_ok(unsigned int ms)
{
	return ms >= GC_INTERVAL_MIN_MS && ms <= GC_INTERVAL_MAX_MS;
}

static ssize_t module_gc_interval_ms_store(struct kobject *kobj, struct kobj_attribute *attr,
					   const char *buf, size_t len)
{
	unsigned int ms;
	int err = kstrtouint(buf, 0, &ms);

	if (err)
		return err;
	if (!gc_interval_ok(ms))
		return -ERANGE;
	WRITE_ONCE(gc_interval_ms, ms);
	mod_delayed_work(gc_wq, &gc_work, gc_interval());
	return len;
}

static ssize_t module_bytes_held_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct bytepool *pool = NULL;
	u64 held = 0;

	while ((pool = pool_next(pool)))
		held += pool_held(pool);
	return sysfs_emit(buf, "%llu\n", held);
}

static ssize_t module_trim_store(struct kobject *kobj, struct kobj_attribute *attr,
				 const char *buf, size_t len)
{
	struct bytepool *pool = NULL;
	int err = parse_one(buf);

	if (err)
		return err;
	while ((pool = pool_next(pool))) {
		if (!pool_single(pool))
			pool_trim(pool);
	}
	return len;
}

static struct kobj_attribute module_idle_timeout_ms_attr =
	__ATTR(idle_timeout_ms, 0644, module_idle_timeout_ms_show, module_idle_timeout_ms_store);
static struct kobj_attribute module_gc_interval_ms_attr =
	__ATTR(gc_interval_ms, 0644, module_gc_interval_ms_show, module_gc_interval_ms_store);
static struct kobj_attribute module_bytes_held_attr =
	__ATTR(bytes_held, 0444, module_bytes_held_show, NULL);
static struct kobj_attribute module_trim_attr = __ATTR(trim, 0200, NULL, module_trim_store);

static struct attribute *module_attrs[] = {
	&module_idle_timeout_ms_attr.attr,
	&module_gc_interval_ms_attr.attr,
	&module_bytes_held_attr.attr,
	&module_trim_attr.attr,
	NULL
};

static const struct attribute_group module_group = { .attrs = module_attrs };

static int __init module_sysfs_add(void)
{
	int err = -ENOMEM;

	module_kobj = kobject_create_and_add("bytepool", kernel_kobj);
	if (!module_kobj)
		return -ENOMEM;
	pools_kobj = kobject_create_and_add("pools", module_kobj);
	if (!pools_kobj)
		goto put_module;
	err = sysfs_create_group(module_kobj, &module_group);
	if (err)
		goto put_pools;
	return 0;

put_pools:
	kobject_put(pools_kobj);
put_module:
	kobject_put(module_kobj);
	return err;
}

static void module_sysfs_remove(void)
{
	sysfs_remove_group(module_kobj, &module_group);
	kobject_put(pools_kobj);
	kobject_put(module_kobj);
}

/*
 * Where the kernel promises that no memory passes from owner to owner as it
 * is, the pool that they share keeps that promise. Fresh pages already do.
 */
static struct bytepool *__init system_create(void)
{
	const struct bytepool_params params = {
		.flags = want_init_on_alloc(0) || want_init_on_free() ? BYTEPOOL_WIPE : 0,
	};

	return pool_create("system", &params);
}

static enum cpuhp_state cpuhp_state;	/* of cpu_dead() */
static struct dentry *faults_dir;	/* of fail_bytepool */

static bool __init module_params_ok(void)
{
	if (!gc_interval_ok(gc_interval_ms)) {
		pr_err("gc_interval_ms is %u, not in %u ... %u\n", gc_interval_ms,
		       GC_INTERVAL_MIN_MS, GC_INTERVAL_MAX_MS);
		return false;
	}
	if (idle_timeout_ms == UINT_MAX) {
		pr_err("idle_timeout_ms is out of range; 0 is never\n");
		return false;
	}
	return true;
}

static int __init bytepool_init(void)
{
	int err;

	if (!module_params_ok())
		return -EINVAL;
	err = table_init();
	if (err)
		return err;
	err = memo_init();
	if (err)
		goto exit_table;
	INIT_DELAYED_WORK(&gc_work, gc_work_fn);
	gc_wq = alloc_workqueue("bytepool", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!gc_wq) {
		err = -ENOMEM;
		goto exit_memo;
	}
	cpuhp_state = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "lib/bytepool:dead", NULL,
						cpu_dead);
	if (cpuhp_state < 0) {
		err = cpuhp_state;
		goto destroy_wq;
	}
	err = module_sysfs_add();
	if (err)
		goto remove_cpuhp;
	debugfs_root = debugfs_create_dir("bytepool", NULL);
	bytepool_system = system_create();
	if (IS_ERR(bytepool_system)) {
		err = PTR_ERR(bytepool_system);
		goto remove_files;
	}
	faults_dir = faults_add();
	return 0;

remove_files:
	debugfs_remove(debugfs_root);
	module_sysfs_remove();
	/* Whoever wrote to gc_interval_ms has armed it. */
	cancel_delayed_work_sync(&gc_work);
remove_cpuhp:
	cpuhp_remove_state_nocalls(cpuhp_state);
destroy_wq:
	destroy_workqueue(gc_wq);
	gc_wq = NULL;
	/* Who frees to no pool may have been in the memos: no longer. */
	memo_forget();
	synchronize_rcu();
exit_memo:
	memo_exit();
exit_table:
	table_exit();
	return err;
}

static void __exit bytepool_exit(void)
{
	debugfs_remove(faults_dir);
	pool_destroy(bytepool_system);
	debugfs_remove(debugfs_root);
	module_sysfs_remove();
	cpuhp_remove_state_nocalls(cpuhp_state);
	cancel_delayed_work_sync(&gc_work);
	table_exit();
	destroy_workqueue(gc_wq);
	memo_exit();
}

/* Early enough for the drivers of a kernel that bytepool is built into. */
subsys_initcall(bytepool_init);
module_exit(bytepool_exit);

MODULE_DESCRIPTION("Pools of byte blocks in size classes");
MODULE_LICENSE("GPL");
#ifdef BYTEPOOL_VERSION
MODULE_VERSION(BYTEPOOL_VERSION);
#endif
