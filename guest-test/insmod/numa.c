// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two NUMA nodes: where memory comes from, and that it goes back there. Each
 * test is run with blocks of several sizes, and from either node.
 *
 * The thread that runs a test goes from node to node; "here" is where it is.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/topology.h>

#include "test.h"

#define NR_BLOCKS	4096U
#define NR_ROUNDS	100U
#define NR_SWAPPERS	4U
#define NR_SLOTS	32U
#define NR_SWAPS	2000U
#define IDLE_TIMEOUT_MS	50U

#define GFP_IDLE	(GFP_NOWAIT | __GFP_NOWARN)

/* Not a node: bytepool_alloc() rather than bytepool_alloc_node(). */
#define UNNAMED		INT_MIN

/* What a test is good for, and wants. */
#define WITH_SINGLE	BIT(0)	/* also pools without locks and caches */
#define WITH_MAPPED	BIT(1)	/* also blocks that are too large for the page allocator */
#define LIMITED		BIT(2)	/* pools that can hold the usual number of blocks, no more */
#define AGEING		BIT(3)	/* pools with a short timeout */
#define LARGE		BIT(4)	/* blocks of a MiB or more */

struct kind {
	const char *name;
	size_t size;
	unsigned int nr;
	unsigned int flags;
	bool mapped;
};

static const struct kind kinds[] = {
	{ "numa-64", 64, 1024 },
	{ "numa-4k", SZ_4K, 64 },
	{ "numa-1m", SZ_1M, 16 },
	{ "numa-8m", SZ_8M, 4, .mapped = true },
	{ "numa-single-64", 64, 1024, BYTEPOOL_SINGLE },
	{ "numa-single-4k", SZ_4K, 64, BYTEPOOL_SINGLE },
	{ "numa-single-1m", SZ_1M, 16, BYTEPOOL_SINGLE },
	{ "numa-single-8m", SZ_8M, 4, BYTEPOOL_SINGLE, .mapped = true },
};

/**
 * struct numa - a test with blocks of one kind, from one node
 * @pool: new, with one class
 * @single: it is a BYTEPOOL_SINGLE one
 * @mapped: the blocks are
 * @size: of a block
 * @nr: blocks to use, more than a CPU caches; a multiple of those in a slab
 * @node: the node that the test begins at
 * @other: the other one
 * @allocs: allocations so far
 * @frees: frees so far
 * @failures: allocations that returned NULL
 * @misses: as of the last want_misses()
 * @why: the first that was not as wanted
 * @got: how many of @blocks there are
 * @blocks: in use
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

/* What is wanted after the first disappointment is disappointed as well: it is not told. */
static __printf(3, 4) void want(struct numa *n, bool ok, const char *why, ...)
{
	va_list args;

	if (ok || n->why[0])
		return;
	va_start(args, why);
	vsnprintf(n->why, sizeof(n->why), why, args);
	va_end(args);
}

static int node_cpu(int node)
{
	return cpumask_first(cpumask_of_node(node));
}

static void go(int node)
{
	set_cpus_allowed_ptr(current, cpumask_of(node_cpu(node)));
}

static int block_node(const void *block)
{
	return page_to_nid(is_vmalloc_addr(block) ? vmalloc_to_page(block) : virt_to_page(block));
}

static void *alloc(struct bytepool *pool, size_t size, gfp_t gfp, int node)
{
	return node == UNNAMED ? bytepool_alloc(pool, size, gfp) :
				 bytepool_alloc_node(pool, size, gfp, node);
}

/* Allocate up to @nr blocks, from @node or UNNAMED: how many. */
static unsigned int take(struct numa *n, unsigned int nr, gfp_t gfp, int node)
{
	unsigned int first = n->got;

	while (n->got - first < nr && n->got < NR_BLOCKS) {
		void *block = alloc(n->pool, n->size, gfp, node);

		if (!block) {
			n->failures++;
			break;
		}
		block_fill(block, n->size, n->got);
		n->blocks[n->got++] = block;
	}
	n->allocs += n->got - first;
	return n->got - first;
}

/* How many of the @nr last blocks are on @node. */
static unsigned int nr_on(struct numa *n, unsigned int nr, int node)
{
	unsigned int found = 0;
	unsigned int i;

	for (i = n->got - min(nr, n->got); i < n->got; i++)
		found += block_node(n->blocks[i]) == node;
	return found;
}

/* take(), and all are to be on @where. */
static void take_on(struct numa *n, unsigned int nr, gfp_t gfp, int node, int where,
		    const char *what)
{
	unsigned int got = take(n, nr, gfp, node);
	unsigned int on = nr_on(n, got, where);

	want(n, got == nr && on == nr, "%s: %u of %u blocks, %u of them on node %d", what, got, nr,
	     on, where);
}

/* Free the @nr last blocks here, one after the other or all at once. */
static void put(struct numa *n, unsigned int nr, bool bulk)
{
	void **blocks;
	unsigned int damaged = 0;
	unsigned int i;

	nr = min(nr, n->got);
	n->got -= nr;
	n->frees += nr;
	blocks = n->blocks + n->got;
	for (i = 0; i < nr; i++)
		damaged += !block_intact(blocks[i], n->size);
	want(n, !damaged, "%u blocks are not as they were left", damaged);
	if (bulk) {
		bytepool_free_bulk(n->pool, nr, blocks);
		return;
	}
	for (i = 0; i < nr; i++)
		bytepool_free(n->pool, blocks[i]);
}

static void put_all(struct numa *n)
{
	put(n, n->got, false);
}

static u64 nr_idle(struct numa *n)
{
	struct bytepool_stats stats;

	bytepool_get_stats(n->pool, &stats);
	return stats.blocks_idle;
}

/* So many allocations went to the system since the last time. */
static void want_misses(struct numa *n, u64 nr, const char *what)
{
	struct bytepool_stats stats;

	bytepool_get_stats(n->pool, &stats);
	want(n, stats.misses - n->misses == nr, "%s: %llu misses, not %llu", what,
	     stats.misses - n->misses, nr);
	n->misses = stats.misses;
}

static void skip_misses(struct numa *n)
{
	struct bytepool_stats stats;

	bytepool_get_stats(n->pool, &stats);
	n->misses = stats.misses;
}

static void want_empty(struct numa *n, const char *what)
{
	size_t held = bytepool_size(n->pool);

	want(n, !held, "%s: %zu bytes held", what, held);
}

/* Whatever the test did, the statistics know it, and nothing is lost. */
static void want_end(struct numa *n)
{
	struct bytepool_stats stats;

	put_all(n);
	bytepool_get_stats(n->pool, &stats);
	want(n, stats.allocs == n->allocs && stats.frees == n->frees &&
	     stats.failures == n->failures && stats.hits + stats.misses == n->allocs,
	     "%llu allocs, %llu frees, %llu failures; and not %llu, %llu, %llu", stats.allocs,
	     stats.frees, stats.failures, n->allocs, n->frees, n->failures);
	want(n, !stats.blocks_in_use && !stats.bad_frees, "%llu blocks in use, %llu bad frees",
	     stats.blocks_in_use, stats.bad_frees);
	bytepool_trim(n->pool);
	want_empty(n, "at the end");
}

static void test_one(struct seq_file *m, struct numa *n, void (*fn)(struct numa *n),
		     const struct kind *kind, const struct bytepool_params *params,
		     const char *what)
{
	char of[48];

	n->single = kind->flags & BYTEPOOL_SINGLE;
	n->mapped = kind->mapped;
	n->size = kind->size;
	n->nr = kind->nr;
	n->other = 1 - n->node;
	snprintf(of, sizeof(of), "%s from node %d", kind->name, n->node);
	n->pool = bytepool_create(kind->name, params);
	if (IS_ERR(n->pool)) {
		check(m, false, of, what, "create: %ld", PTR_ERR(n->pool));
		return;
	}
	go(n->node);
	fn(n);
	want_end(n);
	check(m, !n->why[0], of, what, "%s", n->why);
	bytepool_destroy(n->pool);
}

/* The test with a kind of blocks, from either node. */
static void test_kind(struct seq_file *m, void (*fn)(struct numa *n), const struct kind *kind,
		      unsigned int with, const char *what)
{
	struct bytepool_params params = {
		.min_size = kind->size,
		.max_size = kind->size,
		.flags = kind->flags,
		.limit_bytes = with & LIMITED ? kind->nr * kind->size : 0,
		.idle_timeout_ms = with & AGEING ? IDLE_TIMEOUT_MS : 0,
	};
	int node;

	for (node = 0; node < 2; node++) {
		struct numa *n = kvzalloc(sizeof(*n), GFP_KERNEL);

		if (!n || !node_online(node)) {
			check(m, false, kind->name, what, "out of memory, or no node %d", node);
		} else {
			n->node = node;
			test_one(m, n, fn, kind, &params, what);
		}
		kvfree(n);
	}
}

static void test_all(struct seq_file *m, void (*fn)(struct numa *n), unsigned int with,
		     const char *what)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].flags & BYTEPOOL_SINGLE && !(with & WITH_SINGLE))
			continue;
		if (kinds[i].mapped && !(with & WITH_MAPPED))
			continue;
		if (kinds[i].size < SZ_1M && with & LARGE)
			continue;
		test_kind(m, fn, &kinds[i], with, what);
	}
}

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
	test_all(m, local, WITH_SINGLE | WITH_MAPPED, "new memory is of the node that asks");
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

/* All blocks of @node, here or there, without a miss. */
static void comes_back(struct numa *n, int here, int named)
{
	skip_misses(n);
	go(here);
	take_on(n, n->nr, GFP_KERNEL, named, n->node, named == UNNAMED ? "alloc" : "alloc_node");
	want_misses(n, 0, named == UNNAMED ? "alloc" : "alloc_node");
}

static void home(struct numa *n)
{
	int bulk;

	for (bulk = 0; bulk < 2; bulk++) {
		go(n->node);
		take_on(n, n->nr, GFP_KERNEL, UNNAMED, n->node, "new");
		go(n->other);
		put(n, n->nr, bulk);
		comes_back(n, n->node, UNNAMED);
		go(n->other);
		put(n, n->nr, bulk);
		comes_back(n, n->node, n->node);
		go(n->other);
		put(n, n->nr, bulk);
		comes_back(n, n->other, n->node);
		put(n, n->nr, bulk);
		/* With nothing idle at the other node, what went home serves it. */
		comes_back(n, n->other, UNNAMED);
		put(n, n->nr, bulk);
		bytepool_trim(n->pool);
	}
}

void numa_home(struct seq_file *m)
{
	test_all(m, home, WITH_SINGLE | WITH_MAPPED, "what is freed on the other node goes home");
}

/* Blocks of both nodes by turns. */
static void take_mixed(struct numa *n)
{
	unsigned int i;

	for (i = 0; i < n->nr / 2; i++) {
		take(n, 1, GFP_KERNEL, n->node);
		take(n, 1, GFP_KERNEL, n->other);
	}
	want(n, nr_on(n, n->nr, n->other) == n->nr / 2, "not half of them from either node");
}

/* All that is idle, without a name: this node's and then the other's. */
static void drain(struct numa *n)
{
	unsigned int idle = nr_idle(n);
	unsigned int own = 0;

	skip_misses(n);
	want(n, take(n, idle, GFP_IDLE, UNNAMED) == idle, "not all that is idle can be had");
	want_misses(n, 0, "idle");
	idle = n->got;
	while (own < idle && block_node(n->blocks[own]) == n->node)
		own++;
	want(n, own >= n->nr / 2 && idle - own >= n->nr / 2 &&
	     nr_on(n, idle - own, n->other) == idle - own,
	     "%u idle blocks: %u from here, and then %u from there", idle, own,
	     nr_on(n, idle - own, n->other));
	take_on(n, 1, GFP_KERNEL, UNNAMED, n->node, "new");
	want_misses(n, 1, "new");
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
	test_all(m, order, WITH_SINGLE, "idle memory from here first, then from there, then new");
}

/* The same for what is cached: blocks of one node, amid frees of those of the other. */
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

/* The pool is at its limit, with all it has idle on n->node. */
static void fill(struct numa *n)
{
	go(n->node);
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
	go(n->other);
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
		 "at the limit, the other node's idle memory serves, or makes room");
}

static void only(struct numa *n)
{
	fill(n);
	want(n, !take(n, 1, GFP_IDLE | __GFP_THISNODE, n->other), "another node's block");
	go(n->other);
	want(n, !take(n, 1, GFP_IDLE | __GFP_THISNODE, n->other), "another node's block, there");
	go(n->node);
	take_on(n, n->nr, GFP_IDLE | __GFP_THISNODE, n->node, n->node, "idle here");
	go(n->other);
	put_all(n);
	take_on(n, n->nr, GFP_IDLE | __GFP_THISNODE, n->node, n->node, "idle there");
	want_misses(n, 0, "idle");
}

void numa_only(struct seq_file *m)
{
	test_all(m, only, LIMITED | WITH_SINGLE,
		 "__GFP_THISNODE: from the node that is named, or not at all");
}

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

		go(here);
		take_on(n, n->nr, GFP_IDLE, round & 2 ? here : UNNAMED, n->node, "reserved");
		want_misses(n, 0, "reserved");
		go(round & 4 ? n->node : n->other);
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

/* Neither node has as much as is reserved. */
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
	go(n->other);
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

/* Waits for a block: from where it says, or where it is. */
struct waiter {
	struct worker w;
	struct numa *n;
	int node;
	bool served;
};

static void wait_fn(struct worker *w)
{
	struct waiter *waiter = w->data;
	void *block = alloc(waiter->n->pool, waiter->n->size, GFP_KERNEL, waiter->node);

	waiter->served = block;
	bytepool_free(waiter->n->pool, block);
}

static void wait_for(struct numa *n, int node)
{
	struct waiter waiter = { .n = n, .node = node };
	unsigned long start;

	waiter.w = (struct worker){ .fn = wait_fn, .data = &waiter, .cpu = node_cpu(n->other) };
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
	/* Who is not woken looks again after 5 s. */
	want(n, time_before(jiffies, start + 2 * HZ), "it was not woken");
	take_on(n, 1, GFP_IDLE, UNNAMED, n->node, "its block");
}

/* All of the reserve is in use, and one is freed here while somebody waits there. */
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
	test_all(m, wake, LIMITED | WITH_MAPPED, "a free wakes who waits on the other node");
}

/*
 * A node without memory left
 */

/* Take all that is left of the other node, as MiBs of another pool. */
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

/* What the page allocator gives instead is the pool's already. */
static void exhausted(struct numa *n)
{
	unsigned int round;

	for (round = 0; round < NR_ROUNDS; round++) {
		go(round & 1 ? n->other : n->node);
		want(n, take(n, 1, GFP_IDLE, n->other), "no block");
		go(round & 2 ? n->other : n->node);
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
		 "with no memory left on the node that is named, what is idle serves");
}

/*
 * Back to the system
 */

/* @nr blocks of either node, half of them freed at each. */
static void leave_mixed(struct numa *n, unsigned int nr)
{
	int node;

	for (node = 0; node < 2; node++) {
		go(node);
		take_on(n, nr, GFP_KERNEL, node, node, "new");
	}
	for (node = 0; node < 2; node++) {
		unsigned int i;

		go(node);
		for (i = 0; i < nr; i += 2)
			swap(n->blocks[i], n->blocks[n->got - 1 - i]);
		put(n, nr, false);
	}
}

static void trim(struct numa *n)
{
	unsigned long blocks;
	u64 idle;

	leave_mixed(n, n->nr);
	idle = nr_idle(n);
	blocks = bytepool_trim(n->pool);
	want(n, blocks == idle && idle >= 2 * n->nr, "%lu blocks given back of %llu", blocks, idle);
	want_empty(n, "trim");
}

void numa_trim(struct seq_file *m)
{
	test_all(m, trim, WITH_SINGLE | WITH_MAPPED, "trim gives back what is idle on both nodes");
}

/* Of a single pool by its owner, of others in the background. */
static void want_aged(struct numa *n, const char *what)
{
	unsigned long end = jiffies + 3 * HZ;
	struct bytepool_stats stats;

	if (n->single) {
		size_t held;

		msleep(2 * IDLE_TIMEOUT_MS);
		bytepool_gc(n->pool, &held);
		want(n, !held, "%s: %zu bytes held", what, held);
	}
	while (bytepool_size(n->pool) && time_before(jiffies, end))
		msleep(20);
	want_empty(n, what);
	bytepool_get_stats(n->pool, &stats);
	want(n, stats.gc_runs, "%s: no GC", what);
}

static void age(struct numa *n)
{
	take_on(n, n->nr, GFP_KERNEL, UNNAMED, n->node, "new");
	put_all(n);
	want_aged(n, "freed here");
	take_on(n, n->nr, GFP_KERNEL, UNNAMED, n->node, "new");
	go(n->other);
	put_all(n);
	want_aged(n, "freed there");
	leave_mixed(n, n->nr);
	want_aged(n, "freed everywhere");
}

void numa_age(struct seq_file *m)
{
	test_all(m, age, AGEING | WITH_SINGLE | WITH_MAPPED, "what is idle on either node ages");
}

/*
 * There and back
 */

static void ping_pong(struct numa *n)
{
	unsigned int round;

	for (round = 0; round < NR_ROUNDS; round++) {
		go(n->node);
		take_on(n, 1, GFP_KERNEL, round & 1 ? n->node : UNNAMED, n->node, "from here");
		go(n->other);
		put(n, 1, round & 2);
	}
	want_misses(n, 1, "one block is enough");
}

void numa_ping_pong(struct seq_file *m)
{
	test_all(m, ping_pong, WITH_SINGLE | WITH_MAPPED,
		 "one block goes to the other node and back");
}

/**
 * struct swapper - a thread that frees what others allocated
 * @w: the thread
 * @n: the test
 * @slots: shared: who puts a block there frees the one before
 * @allocs: blocks that it got
 * @frees: blocks that it freed
 * @strays: blocks that were not on the node that was named
 * @damaged: blocks that were not as they were left
 */
struct swapper {
	struct worker w;
	struct numa *n;
	void **slots;
	unsigned int allocs;
	unsigned int frees;
	unsigned int strays;
	unsigned int damaged;
};

static void swap_in(struct swapper *s, void *block)
{
	u32 slot = prandom_u32_state(&s->w.rnd) % NR_SLOTS;
	void *old = xchg(&s->slots[slot], block);

	if (!old)
		return;
	s->damaged += !block_intact(old, s->n->size);
	bytepool_free(s->n->pool, old);
	s->frees++;
}

static void swap_fn(struct worker *w)
{
	static const int nodes[] = { UNNAMED, 0, 1 };
	struct swapper *s = w->data;
	unsigned int i;

	for (i = 0; i < NR_SWAPS; i++) {
		int node = nodes[prandom_u32_state(&w->rnd) % ARRAY_SIZE(nodes)];
		void *block = alloc(s->n->pool, s->n->size, GFP_KERNEL, node);

		if (!block)
			break;
		s->allocs++;
		s->strays += node != UNNAMED && block_node(block) != node;
		block_fill(block, s->n->size, i);
		swap_in(s, block);
		cond_resched();
	}
}

/* A thread on each CPU; trims here meanwhile. */
static void swappers_run(struct numa *n, struct swapper *swappers)
{
	unsigned int i, nr;

	for (nr = 0; nr < NR_SWAPPERS; nr++) {
		struct worker *w = &swappers[nr].w;

		*w = (struct worker){ .fn = swap_fn, .data = &swappers[nr], .cpu = nr };
		prandom_seed_state(&w->rnd, nr + 1);
		if (worker_start(w, "bytepool_test")) {
			want(n, false, "out of memory");
			break;
		}
	}
	for (i = 0; i < 10; i++) {
		bytepool_trim(n->pool);
		msleep(20);
	}
	for (i = 0; i < nr; i++)
		worker_join(&swappers[i].w);
}

static void swapped(struct numa *n, const struct swapper *s)
{
	want(n, s->allocs == NR_SWAPS && !s->strays && !s->damaged,
	     "CPU %d: %u allocs of %u, %u strays, %u damaged", s->w.cpu, s->allocs, NR_SWAPS,
	     s->strays, s->damaged);
	n->allocs += s->allocs;
	n->frees += s->frees;
}

static void exchange(struct numa *n)
{
	struct swapper swappers[NR_SWAPPERS] = {};
	void *slots[NR_SLOTS] = {};
	unsigned int i;
	u64 slab;

	take(n, 1, GFP_KERNEL, n->node);
	slab = 1 + nr_idle(n);
	for (i = 0; i < NR_SWAPPERS; i++) {
		swappers[i].n = n;
		swappers[i].slots = slots;
	}
	swappers_run(n, swappers);
	for (i = 0; i < NR_SWAPPERS; i++)
		swapped(n, &swappers[i]);
	for (i = 0; i < NR_SLOTS; i++) {
		bytepool_free(n->pool, slots[i]);
		n->frees += !!slots[i];
	}
	/* What the slots and caches can hold on either node, and slabs that are born at once. */
	want(n, nr_idle(n) <= 400 + 6 * slab, "%llu blocks are idle", nr_idle(n));
}

void numa_exchange(struct seq_file *m)
{
	test_all(m, exchange, 0, "threads on all CPUs free each other's blocks");
}
