/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bytepool - pools of byte blocks in size classes
 *
 * A pool allocates blocks of memory from 8 bytes to megabytes. It keeps freed
 * blocks, and reuses them. A hot pair is an alloc and a free when the CPU has just
 * freed a block of that size. Its cost is the same for any size up to 4 MiB.
 *
 * bytepool.c describes how a pool works. See README.md for how to use one.
 */
#ifndef _BYTEPOOL_H
#define _BYTEPOOL_H

#include <linux/bits.h>
#include <linux/gfp.h>
#include <linux/limits.h>
#include <linux/types.h>

struct bytepool;
struct device;

/* The owner serialises all calls. No locks, one cache for all CPUs, no background GC. */
#define BYTEPOOL_SINGLE		BIT(0)
/* Blocks of any size are physically contiguous, and never come from vmalloc. */
#define BYTEPOOL_CONTIG		BIT(1)
/* A block is zeroed when it is freed. */
#define BYTEPOOL_WIPE		BIT(2)
/* A block is filled when it is freed and checked when it is reused. No per-CPU caches. */
#define BYTEPOOL_POISON		BIT(3)
/* The pool records the call site that allocated each block. No per-CPU caches. */
#define BYTEPOOL_TRACK		BIT(4)

/* Special values of bytepool_params.idle_timeout_ms. 0 is no default in sysfs: it means never. */
#define BYTEPOOL_TIMEOUT_DEFAULT	0U
#define BYTEPOOL_TIMEOUT_NEVER		UINT_MAX

/**
 * struct bytepool_params - parameters of a pool; all-zero selects every default
 * @min_size: smallest size class in bytes, a multiple of 8; 0 = 8
 * @max_size: largest size class in bytes, a multiple of 8, at most 1 GiB; 0 = 4 MiB
 * @step: distance of the size classes in bytes, a multiple of 8; 0 = geometric,
 *	four classes per doubling
 * @flags: BYTEPOOL_*
 * @idle_timeout_ms: age in milliseconds at which an idle block is given back;
 *	BYTEPOOL_TIMEOUT_DEFAULT follows the module-wide value,
 *	BYTEPOOL_TIMEOUT_NEVER keeps idle blocks whatever their age
 * @limit_bytes: hard limit of the bytes that the pool holds; 0 = none
 */
struct bytepool_params {
	size_t min_size;
	size_t max_size;
	size_t step;
	unsigned int flags;
	unsigned int idle_timeout_ms;
	size_t limit_bytes;
};

/**
 * struct bytepool_stats - the memory of a pool, and counters since its creation
 * @bytes_held: all backing memory, in use and idle, including rounding
 * @bytes_in_use: class sizes of the blocks in use
 * @bytes_idle: class sizes of the idle blocks
 * @bytes_overhead: memory of the pool beside @bytes_held: descriptors, caches, tables
 * @blocks_in_use: blocks that callers own
 * @blocks_idle: free blocks that the pool keeps
 * @allocs: allocations that succeeded, @hits + @misses
 * @frees: frees that succeeded
 * @hits: allocations served from idle blocks
 * @misses: allocations served from new memory of the system
 * @failures: allocations that returned NULL
 * @bad_frees: frees that were refused
 * @gc_runs: GC passes over this pool, not including trims
 * @reclaimed_blocks: blocks given back to the system
 * @reclaimed_bytes: backing memory given back to the system
 */
struct bytepool_stats {
	u64 bytes_held;
	u64 bytes_in_use;
	u64 bytes_idle;
	u64 bytes_overhead;
	u64 blocks_in_use;
	u64 blocks_idle;
	u64 allocs;
	u64 frees;
	u64 hits;
	u64 misses;
	u64 failures;
	u64 bad_frees;
	u64 gc_runs;
	u64 reclaimed_blocks;
	u64 reclaimed_bytes;
};

/* The shared pool: 8 bytes to 4 MiB, geometric. It exists as long as the module is loaded. */
extern struct bytepool *bytepool_system;

struct bytepool *bytepool_create(const char *name, const struct bytepool_params *params);
struct bytepool *devm_bytepool_create(struct device *dev, const char *name,
				      const struct bytepool_params *params);
void bytepool_destroy(struct bytepool *pool);

void *bytepool_alloc(struct bytepool *pool, size_t size, gfp_t gfp);
void *bytepool_alloc_node(struct bytepool *pool, size_t size, gfp_t gfp, int node);
void *bytepool_zalloc(struct bytepool *pool, size_t size, gfp_t gfp);
void bytepool_free(struct bytepool *pool, const void *block);
void bytepool_free_any(const void *block);

unsigned int bytepool_alloc_bulk(struct bytepool *pool, size_t size, gfp_t gfp,
				 unsigned int nr, void **blocks);
void bytepool_free_bulk(struct bytepool *pool, unsigned int nr, void **blocks);

size_t bytepool_usable_size(struct bytepool *pool, const void *block);
int bytepool_reserve(struct bytepool *pool, size_t size, unsigned int nr, gfp_t gfp);

unsigned long bytepool_gc(struct bytepool *pool, size_t *bytes_held);
unsigned long bytepool_trim(struct bytepool *pool);
size_t bytepool_size(struct bytepool *pool);
void bytepool_get_stats(struct bytepool *pool, struct bytepool_stats *stats);

/* sparse cannot ask whether a header exists. Kernels have this one since 6.5, 6.1.y too. */
#ifndef __has_include
#define BYTEPOOL_CLEANUP
#elif __has_include("linux/cleanup.h")
#define BYTEPOOL_CLEANUP
#endif

#ifdef BYTEPOOL_CLEANUP
#include <linux/cleanup.h>

/*
 * CLASS(bytepool_block, b)(pool, size, gfp) declares b, a void *, and allocates
 * a block. The block is freed when b goes out of scope. no_free_ptr(b) keeps
 * it. b is NULL if the allocation failed. __free(bytepool) destroys a pool at
 * the end of its scope.
 */
DEFINE_CLASS(bytepool_block, void *, bytepool_free_any(_T),
	     bytepool_alloc(pool, size, gfp),
	     struct bytepool *pool, size_t size, gfp_t gfp)
DEFINE_FREE(bytepool, struct bytepool *, bytepool_destroy(_T))
#endif /* BYTEPOOL_CLEANUP */

#endif /* _BYTEPOOL_H */
