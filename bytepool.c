// SPDX-License-Identifier: GPL-2.0-only
/*
 * bytepool - pools of byte blocks in size classes
 *
 * A pool serves a request from the smallest of its size classes that fits. It keeps
 * freed blocks, and hands them out again. Memory takes the same way out and back:
 *
 *	system <-> slab <-> depot <-> per-CPU cache <-> caller
 *
 * - A slab is one allocation from the system: a run of pages carved into equal
 *   blocks, or one large block. A table maps addresses to slabs. A free looks up
 *   the slab of its pointer there.
 * - A depot has the slabs of a class on one NUMA node, under a lock. Slabs that
 *   are partly idle are in one list, wholly idle ones in another, by age. A block
 *   goes back to the depot that it came from, whichever CPU frees it.
 * - A per-CPU cache is a stack of idle blocks of one class, all of its CPU's node.
 *   Its CPU uses it with preemption off, and marks it busy against its own
 *   interrupts. It takes no lock, and interrupts stay on. A pair of alloc and free
 *   has one atomic operation, which catches two CPUs that free the same block. A
 *   cache has two magazines. When both are full, or both are empty, one changes places
 *   with a magazine of the depot. Other CPUs find its blocks there.
 * - A memo tells each CPU where the table found the pages of the blocks that the CPU
 *   freed last. All memos are invalidated when a slab dies or a cache is closed.
 * - The GC gives idle slabs back by age. To reach into the cache of another CPU it
 *   closes the cache: it points the CPU at a cache that is always busy. After an RCU
 *   grace period, that CPU has left the cache. Then a pass drains the cache, and frees
 *   it if it is empty. No CPU is interrupted, and the fast path pays one test.
 * - One shrinker gives idle memory back, whatever its age, when the system is short of
 *   memory. It never waits: it reaps the depots and closes the caches. The next scan or
 *   the GC drains the caches. A notifier of the OOM killer waits for them.
 * - Pools with BYTEPOOL_POISON or BYTEPOOL_TRACK have no per-CPU caches, because
 *   each block is checked between depot and caller.
 *
 * This file has the exported functions: the fast paths of alloc and free, and little
 * more than a call for each of the others. The files behind it are in internal/. A
 * file there uses only those before it in this list, which is the order of Kbuild:
 *
 *	size_class, compat, types, context, instrument, trace
 *					the data model, and headers for all files
 *	age, backing, check, wake, table
 *					time, memory, debugging, GC timer, addresses
 *	slab, depot, slots, cache, memo, class
 *					the way of a block
 *	stats, reclaim, pools, leak	whole pools: counters, passes, list, leaks
 *	gc, events, shrinker		idle memory is given back by age, or on demand
 *	fault, free, grow, alloc, reserve
 *					the slow paths
 *	debugfs, sysfs, pool, module	the files and the life of a pool; init and exit
 *
 * interfaces checks the kernel's interfaces, and has no code.
 *
 * Names with bytepool_ are exported. Names with bp_ are shared by these files. Others
 * are static.
 *
 * Locks: trim_lock is outermost. Only a trim of one pool takes it, and holds it over a
 * grace period. Within it comes either gc_lock, to close and drain caches, or reap_lock,
 * to give slabs back. Within gc_lock comes the lock of a depot. Within reap_lock comes
 * either table_pending_mutex and then table_pending_lock, or the lock of a depot, never
 * both. pools_lock nests with none, and gc_timer_lock is innermost. Alloc and free take
 * the lock of a depot and gc_timer_lock, and alloc takes table_pending_lock: raw
 * spinlocks, held for a bounded number of steps and never over a call of the system's
 * allocator. An alloc that may sleep trims the pool at its limit. It takes reap_lock
 * there and when the system is short of memory, and gc_lock while it waits for a block. A
 * shrinker runs in the middle of anybody's allocation. A scan takes pools_lock, and only
 * tries gc_lock and reap_lock. The notifier of the OOM killer waits for gc_lock. So
 * nothing is allocated under pools_lock, gc_lock and reap_lock.
 */
#include <linux/compiler.h>
#include <linux/device.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/string.h>

#include "bytepool.h"
#include "internal/alloc.h"
#include "internal/backing.h"
#include "internal/class.h"
#include "internal/context.h"
#include "internal/fault.h"
#include "internal/free.h"
#include "internal/gc.h"
#include "internal/instrument.h"
#include "internal/memo.h"
#include "internal/pool.h"
#include "internal/reserve.h"
#include "internal/size_class.h"
#include "internal/stats.h"
#include "internal/trace.h"
#include "internal/types.h"

/* Bits of a gfp that the fast path does not handle. */
#define GFP_SLOW	(BP_GFP_REFUSED | __GFP_ZERO)

/* Free at most this many blocks of a bulk in one section. */
#define BULK_SECTION		64U

struct bytepool *bytepool_system;
EXPORT_SYMBOL_GPL(bytepool_system);

/**
 * bytepool_create() - make a pool
 * @name: its name, 1 to 63 of [A-Za-z0-9._-], unique, not "." or ".."; copied
 * @params: its parameters; NULL for every default
 *
 * The pool appears as /sys/kernel/bytepool/pools/@name, and keeps the module loaded. It
 * takes memory for blocks when they are first asked for, or by bytepool_reserve().
 *
 * Context: Process; may sleep.
 * Return:
 * * the pool
 * * ERR_PTR(-EINVAL): @name or @params is out of range; a line in the log says which and why
 * * ERR_PTR(-EEXIST): the name is in use
 * * ERR_PTR(-ENOMEM): memory is short
 * * ERR_PTR(-ENODEV): bytepool has not started yet, has failed to, or is being unloaded
 */
struct bytepool *bytepool_create(const char *name, const struct bytepool_params *params)
{
	return bp_pool_create(name, params);
}
EXPORT_SYMBOL_GPL(bytepool_create);

static void devm_bytepool_destroy(void *pool)
{
	bp_pool_destroy(pool);
}

/**
 * devm_bytepool_create() - make a pool that ends with the driver of a device
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
	struct bytepool *pool = bp_pool_create(name, params);
	int err;

	if (IS_ERR(pool))
		return pool;
	err = devm_add_action_or_reset(dev, devm_bytepool_destroy, pool);
	return err ? ERR_PTR(err) : pool;
}
EXPORT_SYMBOL_GPL(devm_bytepool_create);

/**
 * bytepool_destroy() - give the memory of a pool back and end the pool
 * @pool: the pool; NULL and ERR_PTR are no-ops
 *
 * Nobody may use the pool any more. Blocks that are still in use are reported and
 * leaked, because their owners may still touch them. A free of one of them is refused.
 * The shared pool cannot be destroyed. A pool that was destroyed before is refused with a
 * warning.
 *
 * Context: Process; may sleep.
 */
void bytepool_destroy(struct bytepool *pool)
{
	if (!IS_ERR_OR_NULL(pool))
		bp_pool_destroy(pool);
}
EXPORT_SYMBOL_GPL(bytepool_destroy);

/*
 * Return true if the fast path may serve the allocation, provided that its size is valid.
 * @slow has the bits of @gfp that the fast path does not handle.
 */
static __always_inline bool alloc_is_plain(const struct bytepool *pool, gfp_t gfp, gfp_t slow)
{
	return !BP_INSTRUMENTED && !bp_no_pool(pool) && !trace_alloc_enabled() && !(gfp & slow);
}

/* Return true if the slot of @size is its grid point. If @size is 0, size - 1 wraps around. */
static __always_inline bool size_on_grid(const struct bytepool *pool, size_t size)
{
	return likely(size - 1 < pool->sizes.grid_max);
}

/* Return a block by the fast path, or NULL. */
static __always_inline void *alloc_fast(struct bytepool *pool, size_t size, gfp_t gfp,
					gfp_t slow)
{
	if (unlikely(!alloc_is_plain(pool, gfp, slow) || !size_on_grid(pool, size)))
		return NULL;
	return bp_cache_alloc(pool, bp_grid_point_of_last(size - 1));
}

/**
 * bytepool_alloc() - get a block
 * @pool: the pool
 * @size: bytes wanted, 1 to the pool's max_size
 * @gfp: how hard to try. __GFP_ZERO clears the @size bytes asked for.
 *	__GFP_ACCOUNT, __GFP_HIGHMEM, __GFP_MOVABLE and __GFP_COMP are dropped.
 *	GFP_DMA and GFP_DMA32 are refused.
 *
 * The block is aligned to the largest power of two that divides the size of its
 * class, up to a page. Free it by bytepool_free(), never by kfree() or vfree().
 *
 * An idle block is handed out without a call of the system's allocator. If its class
 * has a reserve and @gfp may sleep, the allocation waits for a block rather than
 * fail. It also waits with __GFP_NOFAIL. In a BYTEPOOL_SINGLE pool it fails instead,
 * because nobody else would free a block.
 *
 * Context: Any but NMI; sleeps only if @gfp allows it.
 * Return: the block; NULL if memory is short, the limit of the pool is reached, @size
 * is 0 or above max_size, or @gfp asks for a zone.
 */
void *bytepool_alloc(struct bytepool *pool, size_t size, gfp_t gfp)
{
	void *block;

	/* The common case takes few instructions and no stack frame. */
	if (unlikely(!alloc_is_plain(pool, gfp, GFP_SLOW)))
		return bp_alloc_any(pool, size, gfp, NUMA_NO_NODE, _RET_IP_);
	if (!size_on_grid(pool, size))
		return bp_alloc_off_grid(pool, size, gfp, _RET_IP_);
	block = bp_cache_alloc(pool, bp_grid_point_of_last(size - 1));
	if (likely(block))
		return block;
	return bp_alloc_slow(pool, size, gfp, NUMA_NO_NODE, _RET_IP_);
}
EXPORT_SYMBOL_GPL(bytepool_alloc);

/**
 * bytepool_alloc_node() - get a block, if possible from a NUMA node
 * @pool: the pool
 * @size: bytes wanted
 * @gfp: as for bytepool_alloc(). With __GFP_THISNODE, but without __GFP_NOFAIL, the
 *	block comes from @node or the allocation fails.
 * @node: the preferred node. An idle block there comes first, then new memory there,
 *	then idle blocks of other nodes. NUMA_NO_NODE, or a node without memory:
 *	as bytepool_alloc()
 *
 * Context: Any but NMI; sleeps only if @gfp allows it.
 * Return: as bytepool_alloc().
 */
void *bytepool_alloc_node(struct bytepool *pool, size_t size, gfp_t gfp, int node)
{
	void *block = NULL;

	if (likely(!bp_no_pool(pool) && bp_node_is_local(pool, node)))
		block = alloc_fast(pool, size, gfp, GFP_SLOW | __GFP_THISNODE);
	if (likely(block))
		return block;
	if (unlikely(node < 0 || node >= MAX_NUMNODES || !node_state(node, N_MEMORY)))
		node = NUMA_NO_NODE;
	return bp_alloc_any(pool, size, gfp, node, _RET_IP_);
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
	void *block = alloc_fast(pool, size, gfp, GFP_SLOW);

	if (likely(block))
		return bp_must_clear(pool) ? memset(block, 0, size) : block;
	return bp_alloc_any(pool, size, gfp | __GFP_ZERO, NUMA_NO_NODE, _RET_IP_);
}
EXPORT_SYMBOL_GPL(bytepool_zalloc);

/* Free a block for the caller of the exported function. If @any, take the pool of the block. */
static __always_inline void free_one(struct bytepool *pool, const void *block, bool any)
{
	enum bp_free_result result = BP_FREE_UNKNOWN;
	struct bp_where where = { .block = block };
	struct bp_cache *cache;

	bp_section_enter();
	if (bp_memo_current() && !trace_free_enabled()) {
		result = bp_free_fast(pool, &where, &cache, any);
		if (likely(result == BP_FREE_DONE)) {
			bp_section_exit();
			return;
		}
		if (result == BP_FREE_FULL) {
			if (any)
				pool = cache->depot->class->pool;
			bp_free_full(pool, block, where.state, where.slab, cache, _RET_IP_);
			return;
		}
	}
	bp_section_exit();
	if (any)
		bp_free_any_slow(block, result, _RET_IP_);
	else
		bp_free_slow(pool, block, result, _RET_IP_);
}

/**
 * bytepool_free() - give a block back
 * @pool: the pool that it came from
 * @block: the block, or NULL
 *
 * If @block is not a block of @pool in use, the free is refused, and its memory is not
 * accessed. The free is counted in bad_frees, and reported with a warning. The pool stays
 * sound.
 *
 * Context: Any but NMI; never sleeps.
 */
void bytepool_free(struct bytepool *pool, const void *block)
{
	free_one(pool, block, false);
}
EXPORT_SYMBOL_GPL(bytepool_free);

/**
 * bytepool_free_any() - give a block back to the pool that it came from
 * @block: the block, or NULL
 *
 * This is for scope-based cleanup, which knows only the block. bytepool_free() also
 * catches a block that goes back to the wrong pool. A pointer that is no block in use is
 * refused and reported with a warning. If it points into memory of a pool, that pool
 * counts it in bad_frees.
 *
 * Context: Any but NMI; never sleeps.
 */
void bytepool_free_any(const void *block)
{
	free_one(NULL, block, true);
}
EXPORT_SYMBOL_GPL(bytepool_free_any);

/* Get all blocks or none, without waiting for one. Return true if all were got. */
static bool alloc_bulk(struct bp_class *class, size_t size, gfp_t gfp, unsigned int nr,
		       void **blocks, unsigned long caller)
{
	unsigned int got = 0;
	bool miss;

	while (got < nr) {
		unsigned int n = bp_cache_alloc_bulk(class->pool, bp_class_slot(class),
						     nr - got, blocks + got);

		if (n) {
			if (BP_INSTRUMENTED || trace_alloc_enabled())
				bp_blocks_report(class, size, gfp, n, blocks + got, caller);
			got += n;
			continue;
		}
		blocks[got] = bp_class_alloc_once(class, bp_system_gfp(gfp), NUMA_NO_NODE, &miss);
		if (!blocks[got]) {
			bytepool_free_bulk(class->pool, got, blocks);
			return false;
		}
		bp_block_prepare(class, blocks[got], gfp, caller);
		trace_alloc(class->pool->name, size, class->size, blocks[got++], gfp, !miss,
			    caller);
	}
	return true;
}

/**
 * bytepool_alloc_bulk() - get several blocks of a size
 * @pool: the pool
 * @size: bytes wanted in each block
 * @gfp: as for bytepool_alloc()
 * @nr: how many blocks; no more than the reserve, if the call may wait for that
 * @blocks: set to the blocks
 *
 * The call holds no block while it waits, and succeeds when all @nr are idle at once.
 * Calls that take single blocks may keep it waiting for long. Blocks that it had to
 * give back are in the statistics as allocated and freed.
 *
 * Context: Any but NMI; sleeps only if @gfp allows it.
 * Return: @nr, or 0 on failure; then @blocks is undefined.
 */
unsigned int bytepool_alloc_bulk(struct bytepool *pool, size_t size, gfp_t gfp,
				 unsigned int nr, void **blocks)
{
	unsigned long warn_at = 0;
	struct bp_class *class;
	bool waited = false, got;
	unsigned int i;

	if (unlikely(!bp_alloc_ok(pool, size, gfp) || bp_alloc_injected(pool, size, gfp))) {
		bp_alloc_refuse(pool, size, gfp, _RET_IP_);
		return 0;
	}
	might_alloc(gfp);
	gfp &= ~__GFP_THISNODE;
	class = bp_class_get(pool, bp_class_index(&pool->sizes, size), gfp);
	if (!class)
		goto fail;
	while (!(got = alloc_bulk(class, size, gfp, nr, blocks, _RET_IP_)) &&
	       bp_class_may_wait(class, gfp)) {
		if (!waited)
			warn_at = bp_class_wait_begin(class, nr);
		waited = true;
		bp_class_wait_bulk(class, nr);
		bp_class_warn_wait(class, nr, &warn_at);
	}
	if (waited)
		bp_class_wait_end(class);
	if (!got)
		goto fail;
	if (gfp & __GFP_ZERO && bp_must_clear(pool)) {
		for (i = 0; i < nr; i++)
			memset(blocks[i], 0, size);
	}
	return nr;

fail:
	bp_alloc_fail(pool, size, gfp, _RET_IP_);
	return 0;
}
EXPORT_SYMBOL_GPL(bytepool_alloc_bulk);

/**
 * bytepool_free_bulk() - give several blocks back
 * @pool: the pool that they came from
 * @nr: how many blocks
 * @blocks: the blocks; each may be NULL
 *
 * Context: Any but NMI; never sleeps.
 */
void bytepool_free_bulk(struct bytepool *pool, unsigned int nr, void **blocks)
{
	unsigned int i = 0;

	while (i < nr) {
		unsigned int end = i + min(nr - i, BULK_SECTION);
		unsigned int run = 0;

		bp_section_enter();
		if (bp_memo_current() && !trace_free_enabled()) {
			do {
				run = bp_free_run(pool, blocks + i, end - i);
				i += run;
			} while (run && i < end);
		}
		bp_section_exit();
		if (unlikely(!run))
			free_one(pool, blocks[i++], false);
	}
}
EXPORT_SYMBOL_GPL(bytepool_free_bulk);

/* Return the size of the class if the block is in use and of the pool, otherwise 0. */
static __always_inline size_t size_in_use(const struct bytepool *pool,
					  const struct bp_class *class, const u8 *state)
{
	return class->pool == pool && READ_ONCE(*state) == BP_BLOCK_IN_USE ? class->size : 0;
}

/* Do what bytepool_usable_size() does, but use the table. */
static noinline size_t usable_size_slow(struct bytepool *pool, const void *block)
{
	struct bp_where where = { .block = block };
	size_t size = 0;

	bp_section_enter();
	if (bp_where_look_up(&where))
		size = size_in_use(pool, where.slab->depot->class, where.state);
	bp_section_exit();
	return size;
}

/**
 * bytepool_usable_size() - ask how much of a block may be used
 * @pool: the pool
 * @block: any pointer
 *
 * Context: Any but NMI; never sleeps.
 * Return: the size of the block's class in bytes; 0 if it is no block of @pool in use.
 */
size_t bytepool_usable_size(struct bytepool *pool, const void *block)
{
	struct bp_memo_entry __percpu *entry;
	struct bp_cache *cache;
	unsigned long granule;
	size_t size;

	bp_section_enter();
	if (unlikely(!bp_memo_current() ||
		     !bp_memo_locate(block, &entry, &cache, &granule))) {
		bp_section_exit();
		return usable_size_slow(pool, block);
	}
	size = size_in_use(pool, raw_cpu_read(entry->slab)->depot->class,
			   raw_cpu_read(entry->state) + granule);
	bp_section_exit();
	return size;
}
EXPORT_SYMBOL_GPL(bytepool_usable_size);

/**
 * bytepool_reserve() - pre-allocate blocks of a size, and keep them
 * @pool: the pool
 * @size: bytes, 1 to the pool's max_size
 * @nr: blocks to keep, in use and idle together. It replaces the reserve that the
 *	class had before. 0 drops that.
 * @gfp: how hard to try
 *
 * The idle blocks of the reserve serve any CPU and any context. A CPU that uses the class
 * often may cache blocks beyond the reserve, unless the pool has a limit. The class may
 * grow by the blocks of that cache. While fewer than @nr blocks are idle outside of caches,
 * freed blocks do not enter caches. A BYTEPOOL_SINGLE pool is an exception.
 * The caller has to serialise calls for one class.
 *
 * Context: Process; may sleep.
 * Return:
 * * 0: the class has at least @nr blocks
 * * -EINVAL: @size is 0 or above max_size, @gfp asks for a zone, or @pool is NULL or ERR_PTR
 * * -ENOMEM: memory or the limit of the pool does not allow it; nothing has changed
 */
int bytepool_reserve(struct bytepool *pool, size_t size, unsigned int nr, gfp_t gfp)
{
	return bp_pool_reserve(pool, size, nr, gfp);
}
EXPORT_SYMBOL_GPL(bytepool_reserve);

/**
 * bytepool_gc() - give back blocks that were idle for longer than the timeout
 * @pool: the pool
 * @bytes_held: if not NULL, set to the bytes that the pool still holds
 *
 * The owner of a BYTEPOOL_SINGLE pool has to call it. For other pools, the background GC
 * does the same.
 *
 * Context: Process; may sleep.
 * Return: the number of blocks given back.
 */
unsigned long bytepool_gc(struct bytepool *pool, size_t *bytes_held)
{
	return bp_pool_gc(pool, bytes_held);
}
EXPORT_SYMBOL_GPL(bytepool_gc);

/**
 * bytepool_trim() - give all idle blocks back, whatever their age
 * @pool: the pool
 *
 * Blocks in the caches of all CPUs are given back, too. The reserve stays, and so do
 * idle blocks that share a slab with one in use. Beyond a reserve, up to a slab of its
 * class may stay.
 *
 * Context: Process; may sleep.
 * Return: the number of blocks given back.
 */
unsigned long bytepool_trim(struct bytepool *pool)
{
	return bp_pool_trim(pool);
}
EXPORT_SYMBOL_GPL(bytepool_trim);

/**
 * bytepool_size() - ask how much memory a pool holds
 * @pool: the pool
 *
 * Context: Any.
 * Return: bytes, in use and idle, including rounding, without descriptors.
 */
size_t bytepool_size(struct bytepool *pool)
{
	return bp_pool_held(pool);
}
EXPORT_SYMBOL_GPL(bytepool_size);

/**
 * bytepool_get_stats() - get the statistics of a pool
 * @pool: the pool
 * @stats: filled in. It is exact while nobody else uses the pool, otherwise close.
 *
 * Context: Any but NMI; never sleeps.
 */
void bytepool_get_stats(struct bytepool *pool, struct bytepool_stats *stats)
{
	bp_pool_stats(pool, stats);
}
EXPORT_SYMBOL_GPL(bytepool_get_stats);
