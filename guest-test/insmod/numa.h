/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Helpers that the tests on two NUMA nodes share
 *
 * Each test runs with blocks of several sizes, and from either node. The thread that runs it
 * moves between the nodes. "Here" is the node where the thread is at the time.
 */
#ifndef _BYTEPOOL_TEST_NUMA_H
#define _BYTEPOOL_TEST_NUMA_H

#include <linux/bits.h>
#include <linux/gfp.h>
#include <linux/limits.h>
#include <linux/seq_file.h>
#include <linux/types.h>

#include "bytepool.h"

#define NR_BLOCKS	4096U
#define NUMA_TIMEOUT_MS	50U	/* of pools that age */
#define GFP_IDLE	(GFP_NOWAIT | __GFP_NOWARN)

/* In place of a node: call bytepool_alloc(), not bytepool_alloc_node(). */
#define UNNAMED		INT_MIN

/* The pools and blocks that a test runs with. */
#define WITH_SINGLE	BIT(0)	/* also pools without locks and caches */
#define WITH_MAPPED	BIT(1)	/* also blocks that are too large for the page allocator */
#define LIMITED		BIT(2)	/* pools with a limit of the usual number of blocks */
#define AGEING		BIT(3)	/* pools with a short timeout */
#define LARGE		BIT(4)	/* only blocks of 1 MiB or more */

/**
 * struct numa - a run of a test with blocks of one kind, from one node
 * @pool: a new pool with one class
 * @single: the pool is BYTEPOOL_SINGLE
 * @mapped: the blocks are mapped, as by vmalloc()
 * @size: size of a block
 * @nr: number of blocks to use: more than a CPU caches, and a multiple of those in a slab
 * @node: the node that the test begins on
 * @other: the other node
 * @allocs: allocations so far
 * @frees: frees so far
 * @failures: allocations that returned NULL
 * @misses: misses at the last want_misses() or skip_misses()
 * @why: reason of the first failure
 * @got: number of @blocks
 * @blocks: the blocks in use
 */
struct numa {
	struct bytepool *pool;
	bool single;
	bool mapped;
	size_t size;
	unsigned int nr;
	int node;
	int other;
	u64 allocs;
	u64 frees;
	u64 failures;
	u64 misses;
	char why[160];
	unsigned int got;
	void *blocks[NR_BLOCKS];
};

__printf(3, 4)
void want(struct numa *n, bool ok, const char *why, ...);
int numa_cpu(int node);
void numa_go(int node);
int block_node(const void *block);
void *numa_alloc(struct bytepool *pool, size_t size, gfp_t gfp, int node);
unsigned int take(struct numa *n, unsigned int nr, gfp_t gfp, int node);
unsigned int nr_on(struct numa *n, unsigned int nr, int node);
void take_on(struct numa *n, unsigned int nr, gfp_t gfp, int node, int where, const char *what);
void put(struct numa *n, unsigned int nr, bool bulk);
void put_all(struct numa *n);
u64 nr_idle(struct numa *n);
void want_misses(struct numa *n, u64 nr, const char *what);
void skip_misses(struct numa *n);
void want_empty(struct numa *n, const char *what);
void test_all(struct seq_file *m, void (*fn)(struct numa *n), unsigned int with, const char *what);

#endif /* _BYTEPOOL_TEST_NUMA_H */
