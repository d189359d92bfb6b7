/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bytepool - pools of byte blocks in size classes
 *
 * A pool hands out blocks of memory from 8 bytes to megabytes and keeps what
 * is freed, to hand it out again at one constant cost. See README.md for how
 * to use it and bytepool.c for how it works.
 */
#ifndef _BYTEPOOL_H
#define _BYTEPOOL_H

#include <linux/bits.h>
#include <linux/gfp.h>
#include <linux/limits.h>
#include <linux/types.h>

struct bytepool;
struct device;

/* The owner serialises every call: no locks, no per-CPU caches, no background GC. */
#define BYTEPOOL_SINGLE		BIT(0)
/* Blocks are physically contiguous, whatever their size; never vmalloc. */
#define BYTEPOOL_CONTIG		BIT(1)
/* A block is zeroed when it is freed. */
#define BYTEPOOL_WIPE		BIT(2)
/* A block is filled when it is freed and checked when it is reused; no per-CPU caches. */
#define BYTEPOOL_POISON		BIT(3)
/* The pool remembers who allocated each block; no per-CPU caches. */
#define BYTEPOOL_TRACK		BIT(4)

/* Values of bytepool_params.idle_timeout_ms with a meaning of their own. */
#define BYTEPOOL_TIMEOUT_DEFAULT	0U
#define BYTEPOOL_TIMEOUT_NEVER		UINT_MAX

/**
 * struct bytepool_params - what a pool is made of; all-zero means every default
 * @min_size: smallest size class, bytes, a multiple of 8; 0 = 8
 * @max_size: largest size class, bytes, a multiple of 8, at most 1 GiB; 0 = 4 MiB
 * @step: distance of the size classes, bytes, a multiple of 8; 0 = geometric,
 *	four classes per doubling
 * @flags: BYTEPOOL_*
 * @idle_timeout_ms: age in milliseconds at which an idle block is given back;
 *	BYTEPOOL_TIMEOUT_DEFAULT follows the module-wide value,
 *	BYTEPOOL_TIMEOUT_NEVER keeps idle blocks whatever their age
 * @limit_bytes: hard cap on the bytes that the pool holds; 0 = none
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
 * struct bytepool_stats - what a pool holds and has done
 * @bytes_held: all backing memory, in use and idle, rounding included
 * @bytes_in_use: class sizes of the blocks in use
 * @bytes_idle: class sizes of the idle blocks
 * @blocks_in_use: blocks that callers have
 * @blocks_idle: blocks ready to be handed out
 * @allocs: allocations that succeeded, @hits + @misses
 * @frees: blocks that came back
 * @hits: allocations served from idle blocks
 * @misses: allocations that went to the system
 * @failures: allocations that returned NULL
 * @bad_frees: frees refused
 * @gc_runs: GC passes over this pool, trims not counted
 * @reclaimed_blocks: blocks given back to the system
 * @reclaimed_bytes: backing memory given back to the system
 */
struct bytepool_stats {
	u64 bytes_held;
	u64 bytes_in_use;
	u64 bytes_idle;
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

/* The shared pool: 8 bytes to 4 MiB, geometric; there as long as the module is. */
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

/* sparse cannot ask what there is: let it see what kernels have since 6.5, and 6.1 by now. */
#ifndef __has_include
#define BYTEPOOL_CLEANUP
#elif __has_include("linux/cleanup.h")
#define BYTEPOOL_CLEANUP
#endif

#ifdef BYTEPOOL_CLEANUP
#include <linux/cleanup.h>

/*
 * CLASS(bytepool_block, b)(pool, size, gfp) declares b, a void *, freed when
 * it goes out of scope; no_free_ptr(b) keeps the block. b is NULL if the
 * allocation failed. __free(bytepool) destroys a pool in the same way.
 */
DEFINE_CLASS(bytepool_block, void *, bytepool_free_any(_T),
	     bytepool_alloc(pool, size, gfp),
	     struct bytepool *pool, size_t size, gfp_t gfp)
DEFINE_FREE(bytepool, struct bytepool *, bytepool_destroy(_T))
#endif /* BYTEPOOL_CLEANUP */

#endif /* _BYTEPOOL_H */
