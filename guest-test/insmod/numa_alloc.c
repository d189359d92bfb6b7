// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two NUMA nodes: which node a block comes from
 */
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/numa.h>

#include "block.h"
#include "numa.h"
#include "tests.h"

/*
 * New memory
 */

static void local(struct numa *n)
{
	static const int nodes[] = { NUMA_NO_NODE, -7, INT_MAX, MAX_NUMNODES, 2 };
	unsigned int i;

	take_on(n, n->nr, GFP_KERNEL, UNNAMED, n->node, "alloc");
	want(n, is_vmalloc_addr(n->blocks[0]) == n->mapped, "mapped, or not");
	put_all(n);
	bytepool_trim(n->pool);
	n->got = bytepool_alloc_bulk(n->pool, n->size, GFP_KERNEL, n->nr, n->blocks);
	n->allocs += n->got;
	for (i = 0; i < n->got; i++)
		block_fill(n->blocks[i], n->size, i);
	want(n, n->got == n->nr && nr_on(n, n->got, n->node) == n->nr, "bulk: not all from here");
	put(n, n->nr, true);
	for (i = 0; i < ARRAY_SIZE(nodes); i++) {
		bytepool_trim(n->pool);
		take_on(n, n->nr, GFP_KERNEL, nodes[i], n->node, "alloc from no node");
		put_all(n);
	}
}

void numa_local(struct seq_file *m)
{
	test_all(m, local, WITH_SINGLE | WITH_MAPPED, "new memory is of the node that allocates");
}

static void named(struct numa *n)
{
	take_on(n, n->nr, GFP_KERNEL, n->other, n->other, "GFP_KERNEL");
	put_all(n);
	bytepool_trim(n->pool);
	take_on(n, n->nr, GFP_IDLE | __GFP_THISNODE, n->other, n->other, "GFP_NOWAIT");
	take_on(n, n->nr, GFP_KERNEL, n->node, n->node, "GFP_KERNEL, here");
}

void numa_named(struct seq_file *m)
{
	test_all(m, named, WITH_SINGLE, "new memory is of the node that is named");
}

/*
 * Idle memory
 */

/* Allocate on node @here, without a miss. All blocks must be of n->node. */
static void comes_back(struct numa *n, int here, int named)
{
	skip_misses(n);
	numa_go(here);
	take_on(n, n->nr, GFP_KERNEL, named, n->node, named == UNNAMED ? "alloc" : "alloc_node");
	want_misses(n, 0, named == UNNAMED ? "alloc" : "alloc_node");
}

/*
 * Allocate on the other node, which has nothing idle. It gets new memory of that node if this needs
 * no reclaim. A mapping needs reclaim, so idle blocks of n->node are used instead. The one cache of
 * a SINGLE pool serves its owner on either node.
 */
static void idle_elsewhere(struct numa *n)
{
	unsigned int cached = n->single ? n->nr / 4 * 3 : 0;
	unsigned int got, here;

	if (n->mapped) {
		comes_back(n, n->other, UNNAMED);
		return;
	}
	numa_go(n->other);
	got = take(n, n->nr, GFP_KERNEL, UNNAMED);
	here = nr_on(n, got, n->other);
	want(n, got == n->nr && here >= n->nr - cached,
	     "nothing idle here: %u of %u blocks, %u of them from here", got, n->nr, here);
}

static void home(struct numa *n)
{
	int bulk;

	for (bulk = 0; bulk < 2; bulk++) {
		numa_go(n->node);
		take_on(n, n->nr, GFP_KERNEL, UNNAMED, n->node, "new");
		numa_go(n->other);
		put(n, n->nr, bulk);
		comes_back(n, n->node, UNNAMED);
		numa_go(n->other);
		put(n, n->nr, bulk);
		comes_back(n, n->node, n->node);
		numa_go(n->other);
		put(n, n->nr, bulk);
		comes_back(n, n->other, n->node);
		put(n, n->nr, bulk);
		idle_elsewhere(n);
		put(n, n->nr, bulk);
		bytepool_trim(n->pool);
	}
}

void numa_home(struct seq_file *m)
{
	test_all(m, home, WITH_SINGLE | WITH_MAPPED,
		 "blocks freed on the other node go back to their own");
}

/* Allocate blocks of the two nodes in turn. */
static void take_mixed(struct numa *n)
{
	unsigned int i;

	for (i = 0; i < n->nr / 2; i++) {
		take(n, 1, GFP_KERNEL, n->node);
		take(n, 1, GFP_KERNEL, n->other);
	}
	want(n, nr_on(n, n->nr, n->other) == n->nr / 2, "not half of them from either node");
}

/* Allocate as many blocks as are idle, without naming a node: idle ones of here, then new ones. */
static void drain(struct numa *n)
{
	unsigned int idle = nr_idle(n);

	skip_misses(n);
	take_on(n, n->nr / 2, GFP_IDLE, UNNAMED, n->node, "idle here");
	want_misses(n, 0, "idle here");
	take_on(n, idle - n->nr / 2, GFP_IDLE, UNNAMED, n->node, "new here");
	want(n, nr_idle(n) >= n->nr / 2, "%llu blocks are idle, not those of there", nr_idle(n));
}

static void order(struct numa *n)
{
	int bulk;

	for (bulk = 0; bulk < 2; bulk++) {
		take_mixed(n);
		put(n, n->nr, bulk);
		drain(n);
		put(n, n->got, bulk);
		bytepool_trim(n->pool);
	}
}

void numa_order(struct seq_file *m)
{
	test_all(m, order, WITH_SINGLE, "idle memory from here first, then new from here");
}

/* Do the same with cached blocks. The blocks of one node lie between those of the other. */
static void order_named(struct numa *n)
{
	int bulk;

	for (bulk = 0; bulk < 2; bulk++) {
		take_mixed(n);
		put(n, n->nr, bulk);
		skip_misses(n);
		take_on(n, n->nr / 2, GFP_KERNEL, n->other, n->other, "idle there");
		take_on(n, n->nr / 2, GFP_KERNEL, n->node, n->node, "idle here");
		want_misses(n, 0, "idle");
		put(n, n->nr, bulk);
		bytepool_trim(n->pool);
	}
	take_on(n, n->nr, GFP_KERNEL, n->node, n->node, "new");
	put_all(n);
	skip_misses(n);
	take_on(n, 1, GFP_KERNEL, n->other, n->other, "new there, though some is idle here");
	want_misses(n, 1, "new there");
	bytepool_trim(n->pool);
	put_all(n);
}

void numa_order_named(struct seq_file *m)
{
	test_all(m, order_named, WITH_SINGLE,
		 "idle memory of the node that is named, then new from there");
}

/* Bring the pool to its limit, with all of its memory idle on n->node. */
static void fill(struct numa *n)
{
	numa_go(n->node);
	take_on(n, n->nr, GFP_KERNEL, UNNAMED, n->node, "up to the limit");
	want(n, !take(n, 1, GFP_IDLE, n->other), "above the limit");
	put_all(n);
	skip_misses(n);
}

static void limit(struct numa *n)
{
	fill(n);
	take_on(n, n->nr, GFP_IDLE, n->other, n->node, "idle here, for there");
	want(n, !take(n, 1, GFP_IDLE, n->other), "above it");
	put_all(n);
	numa_go(n->other);
	take_on(n, n->nr / 4, GFP_IDLE, UNNAMED, n->node, "idle elsewhere");
	put_all(n);
	take_on(n, n->nr / 4, GFP_IDLE, n->other, n->node, "idle elsewhere, for here");
	put_all(n);
	take_on(n, 1, GFP_KERNEL, n->other, n->node, "idle elsewhere, rather than to make room");
	put_all(n);
	want_misses(n, 0, "idle");
	take_on(n, 1, GFP_KERNEL | __GFP_THISNODE, n->other, n->other, "room was made here");
	want_misses(n, 1, "room was made");
}

void numa_limit(struct seq_file *m)
{
	test_all(m, limit, LIMITED | WITH_SINGLE,
		 "at the limit, idle memory of the other node serves, or makes room");
}

static void only(struct numa *n)
{
	fill(n);
	want(n, !take(n, 1, GFP_IDLE | __GFP_THISNODE, n->other), "another node's block");
	numa_go(n->other);
	want(n, !take(n, 1, GFP_IDLE | __GFP_THISNODE, n->other), "another node's block, there");
	numa_go(n->node);
	take_on(n, n->nr, GFP_IDLE | __GFP_THISNODE, n->node, n->node, "idle here");
	numa_go(n->other);
	put_all(n);
	take_on(n, n->nr, GFP_IDLE | __GFP_THISNODE, n->node, n->node, "idle there");
	want_misses(n, 0, "idle");
}

void numa_only(struct seq_file *m)
{
	test_all(m, only, LIMITED | WITH_SINGLE,
		 "__GFP_THISNODE: from the node that is named, or not at all");
}
