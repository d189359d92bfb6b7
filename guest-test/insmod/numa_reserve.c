// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two NUMA nodes: reserves, and a node that has no memory left
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "../lib/worker.h"
#include "numa.h"
#include "tests.h"

#define NR_ROUNDS	100U

/*
 * Reserves
 */

static void reserve(struct numa *n)
{
	int err = bytepool_reserve(n->pool, n->size, n->nr, GFP_KERNEL);
	int round;

	want(n, !err, "error %d", err);
	skip_misses(n);
	for (round = 0; round < 8; round++) {
		int here = round & 1 ? n->node : n->other;

		numa_go(here);
		take_on(n, n->nr, GFP_IDLE, round & 2 ? here : UNNAMED, n->node, "reserved");
		want_misses(n, 0, "reserved");
		numa_go(round & 4 ? n->node : n->other);
		put(n, n->nr, round & 2);
	}
	bytepool_trim(n->pool);
	want(n, nr_idle(n) == n->nr, "trim has left %llu blocks", nr_idle(n));
	bytepool_reserve(n->pool, n->size, 0, GFP_KERNEL);
}

void numa_reserve(struct seq_file *m)
{
	test_all(m, reserve, LIMITED | WITH_SINGLE | WITH_MAPPED,
		 "a reserve serves either node without a miss");
}

/* Reserve more blocks than either node has. */
static void reserve_spread(struct numa *n)
{
	unsigned int nr = n->nr + n->nr / 2;
	u64 slab, left;
	int err;

	take(n, 1, GFP_KERNEL, n->node);
	slab = 1 + nr_idle(n);
	take(n, n->nr - 1, GFP_KERNEL, n->node);
	take_on(n, n->nr, GFP_KERNEL, n->other, n->other, "new there");
	err = bytepool_reserve(n->pool, n->size, nr, GFP_KERNEL);
	want(n, !err && n->got + nr_idle(n) == 2 * n->nr, "error %d, or more blocks", err);
	put(n, n->nr, false);
	numa_go(n->other);
	put_all(n);
	bytepool_trim(n->pool);
	left = nr_idle(n);
	want(n, left >= nr && left < nr + slab, "trim has left %llu blocks of %u", left, nr);
	skip_misses(n);
	want(n, take(n, nr, GFP_IDLE, UNNAMED) == nr, "it does not serve");
	put_all(n);
	want_misses(n, 0, "reserved");
	bytepool_reserve(n->pool, n->size, 0, GFP_KERNEL);
}

void numa_reserve_spread(struct seq_file *m)
{
	test_all(m, reserve_spread, WITH_SINGLE, "a reserve may lie on both nodes");
}

/* A thread that waits for a block, from @node or UNNAMED. */
struct waiter {
	struct worker w;
	struct numa *n;
	int node;
	bool served;
};

static void wait_fn(struct worker *w)
{
	struct waiter *waiter = w->data;
	void *block = numa_alloc(waiter->n->pool, waiter->n->size, GFP_KERNEL, waiter->node);

	waiter->served = block;
	bytepool_free(waiter->n->pool, block);
}

static void wait_for(struct numa *n, int node)
{
	struct waiter waiter = { .n = n, .node = node };
	unsigned long start;

	waiter.w = (struct worker){ .fn = wait_fn, .data = &waiter, .cpu = numa_cpu(n->other) };
	if (worker_start(&waiter.w, "bytepool_test")) {
		want(n, false, "out of memory");
		return;
	}
	msleep(50);
	want(n, !completion_done(&waiter.w.done), "it does not wait");
	start = jiffies;
	put(n, 1, false);
	worker_join(&waiter.w);
	n->allocs += waiter.served;
	n->frees += waiter.served;
	want(n, waiter.served, "it is not served");
	/* A waiter that is not woken looks again after 5 s. */
	want(n, time_before(jiffies, start + 2 * HZ), "it was not woken");
	take_on(n, 1, GFP_IDLE, UNNAMED, n->node, "its block");
}

/* All of the reserve is in use. Free a block here while a thread waits on the other node. */
static void wake(struct numa *n)
{
	int err = bytepool_reserve(n->pool, n->size, n->nr, GFP_KERNEL);

	want(n, !err, "error %d", err);
	take_on(n, n->nr, GFP_IDLE, UNNAMED, n->node, "reserved");
	wait_for(n, UNNAMED);
	wait_for(n, n->other);
	put_all(n);
	bytepool_reserve(n->pool, n->size, 0, GFP_KERNEL);
}

void numa_wake(struct seq_file *m)
{
	test_all(m, wake, LIMITED | WITH_MAPPED, "a free wakes a waiter on the other node");
}

/*
 * A node that has no memory left
 */

/* Allocate all memory that is left on the other node, by another pool. */
static struct bytepool *exhaust(struct numa *n, void **blocks, unsigned int *nr)
{
	struct bytepool_params params = { .min_size = SZ_1M, .max_size = SZ_1M };
	struct bytepool *pool = bytepool_create("numa-full", &params);

	*nr = 0;
	while (!IS_ERR(pool) && *nr < NR_BLOCKS) {
		blocks[*nr] = bytepool_alloc_node(pool, SZ_1M, GFP_IDLE | __GFP_THISNODE, n->other);
		if (!blocks[*nr])
			break;
		(*nr)++;
	}
	return pool;
}

/* Allocate from the node without memory: the pool must use the idle block of the other one. */
static void exhausted(struct numa *n)
{
	unsigned int round;

	for (round = 0; round < NR_ROUNDS; round++) {
		numa_go(round & 1 ? n->other : n->node);
		want(n, take(n, 1, GFP_IDLE, n->other), "no block");
		numa_go(round & 2 ? n->other : n->node);
		put_all(n);
	}
	want(n, bytepool_size(n->pool) <= 4 * n->size, "%zu bytes held", bytepool_size(n->pool));
}

static void exhaust_other(struct numa *n)
{
	void **blocks = kvmalloc_array(NR_BLOCKS, sizeof(*blocks), GFP_KERNEL);
	struct bytepool *pool;
	unsigned int nr;

	if (!blocks) {
		want(n, false, "out of memory");
		return;
	}
	pool = exhaust(n, blocks, &nr);
	want(n, nr > 64 && nr < NR_BLOCKS, "%u MiB on node %d", nr, n->other);
	exhausted(n);
	while (nr)
		bytepool_free(pool, blocks[--nr]);
	bytepool_destroy(pool);
	kvfree(blocks);
}

void numa_exhausted(struct seq_file *m)
{
	test_all(m, exhaust_other, WITH_SINGLE | LARGE,
		 "with no memory left on the node that is named, idle memory serves");
}
