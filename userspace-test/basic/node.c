// SPDX-License-Identifier: GPL-2.0-only
/*
 * NUMA nodes, and slabs that CPUs do not share.
 */
#include "basic.h"

/* Each CPU without a cache gets a slab of its own, and no page that it does not need. */
static void own_slabs_at_first(void)
{
	unsigned long page[4];
	void *blocks[4][10], *p;
	unsigned int cpu, i;

	for (i = 0; i < 10; i++) {
		for (cpu = 0; cpu < 4; cpu++) {
			shim_cpu_move(cpu);
			blocks[cpu][i] = bytepool_alloc(pool, 64, GFP_KERNEL);
			if (!i)
				page[cpu] = (unsigned long)blocks[cpu][0] & PAGE_MASK;
			EXPECT(((unsigned long)blocks[cpu][i] & PAGE_MASK) == page[cpu]);
		}
	}
	EXPECT(stats().misses == 4 && bytepool_size(pool) == 4 * 4096);
	/* Another CPU gets a block of these slabs if there is no new memory. */
	shim_cpu_move(5);
	shim_fail(SHIM_FAIL_ANY, 1, true);
	p = bytepool_alloc(pool, 64, GFP_KERNEL);
	shim_fail(0, 0, false);
	EXPECT(p);
	bytepool_free(pool, p);
	for (cpu = 0; cpu < 4; cpu++)
		bytepool_free_bulk(pool, 10, blocks[cpu]);
	bytepool_trim(pool);
	EXPECT(!bytepool_size(pool));
}

/*
 * Two slabs are idle. While the class has more than a page for each other CPU, CPUs share a
 * slab. After that, a CPU takes the whole idle slab, and the next one a new slab.
 */
static void own_slabs_from_idle(void)
{
	void *blocks[4];
	unsigned int i;

	shim_cpu_move(0);
	EXPECT(!bytepool_reserve(pool, 64, 128, GFP_KERNEL));
	EXPECT(!bytepool_reserve(pool, 64, 0, GFP_KERNEL));
	for (i = 0; i < 4; i++) {
		shim_cpu_move(2 * i);	/* of one node */
		blocks[i] = bytepool_alloc(pool, 64, GFP_KERNEL);
		EXPECT(bytepool_size(pool) == (i < 3 ? 2 : 3) * 4096);
	}
	/* For the third CPU, the two slabs are no more than a page for each of the others. */
	EXPECT(!(((unsigned long)blocks[0] ^ (unsigned long)blocks[1]) & PAGE_MASK));
	EXPECT(((unsigned long)blocks[0] ^ (unsigned long)blocks[2]) & PAGE_MASK);
	for (i = 0; i < 4; i++)
		bytepool_free(pool, blocks[i]);
}

/* Below a limit, all classes share the room, and CPUs share slabs. */
static void no_own_slabs(void)
{
	unsigned int cpu;
	void *blocks[4];

	for (cpu = 0; cpu < 4; cpu++) {
		shim_cpu_move(2 * cpu);	/* of one node */
		blocks[cpu] = bytepool_alloc(pool, 64, GFP_KERNEL);
	}
	EXPECT(bytepool_size(pool) == 4096);
	bytepool_free_bulk(pool, 4, blocks);
}

/* While a class is small, each CPU gets slabs of its own, unless there is no memory. */
static void test_own_slabs(void)
{
	const struct bytepool_params params = { .limit_bytes = 2 * 4096 };

	shim_exact_node = true;
	pool_start(NULL);
	own_slabs_at_first();
	own_slabs_from_idle();
	pool_stop();
	pool_start(&params);
	no_own_slabs();
	pool_stop();
	shim_exact_node = false;
}

/*
 * A node has no memory left. Idle blocks of other nodes serve its CPUs, but an allocation with
 * __GFP_THISNODE fails.
 */
static void test_full_node(void)
{
	static const u32 sizes[] = { 64, 4096, 1 << 20 };
	const struct bytepool_params params = { .limit_bytes = 4096 };
	unsigned int i, pairs;
	void *p;

	shim_full_node = 1;
	pool_start(NULL);
	shim_cpu_move(0);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (pairs = 0; pairs < 100; pairs++) {
			p = bytepool_alloc_node(pool, sizes[i], GFP_KERNEL, 1);
			EXPECT(p);
			bytepool_free(pool, p);
		}
		EXPECT(!bytepool_alloc_node(pool, sizes[i], GFP_KERNEL | __GFP_THISNODE, 1));
	}
	EXPECT(stats().misses == ARRAY_SIZE(sizes));
	pool_stop();

	pool_start(&params);
	EXPECT(!bytepool_reserve(pool, 4096, 1, GFP_KERNEL));
	EXPECT(!bytepool_alloc_node(pool, 4096, GFP_KERNEL | __GFP_THISNODE, 1));
	p = bytepool_alloc_node(pool, 4096, GFP_KERNEL | __GFP_THISNODE | __GFP_NOFAIL, 1);
	EXPECT(p);
	bytepool_free(pool, p);
	pool_stop();
	shim_full_node = NUMA_NO_NODE;
}

/* CPUs of a node without memory have caches for memory of another node. */
static void test_bare_node(void)
{
	void *p, *q;

	shim_bare_node = 1;
	shim_exact_node = true;
	pool_start(NULL);
	shim_cpu_move(1);
	p = bytepool_alloc_node(pool, 4096, GFP_KERNEL, 1);
	EXPECT(p);
	bytepool_free(pool, p);
	/* Blocks in the cache of one CPU do not serve another CPU. */
	shim_cpu_move(3);
	q = bytepool_alloc(pool, 4096, GFP_KERNEL);
	EXPECT(q != p && stats().misses == 2);
	bytepool_free(pool, q);
	shim_cpu_move(1);
	EXPECT(bytepool_alloc(pool, 4096, GFP_KERNEL) == p);
	bytepool_free(pool, p);
	/* No page counts on the node without memory. */
	EXPECT(!bytepool_reserve(pool, 4096, 4, GFP_KERNEL));
	EXPECT(!bytepool_reserve(pool, 4096, 0, GFP_KERNEL));
	EXPECT((unsigned long)shim_reclaimable_pages(0) == bytepool_size(pool) / 4096);
	pool_stop();
	shim_exact_node = false;
	shim_bare_node = NUMA_NO_NODE;
}

/*
 * A pool that was warmed up on one node serves the CPUs of another node from memory of their node.
 * This is not so if that has none, if the pool is at its limit, or if the class has a reserve.
 */
static void test_warm_elsewhere(void)
{
	static const struct {
		struct bytepool_params params;
		unsigned int reserve;
		int full;
		bool bulk;
		u64 misses;
	} ways[] = {
		{ .full = NUMA_NO_NODE, .misses = 1 },
		{ .full = NUMA_NO_NODE, .bulk = true, .misses = 1 },
		{ .full = 1 },
		{ .full = NUMA_NO_NODE, .params.limit_bytes = 1 << 20, .misses = 1 },
		{ .full = NUMA_NO_NODE, .params.limit_bytes = 10 * 16384 },
		{ .full = NUMA_NO_NODE, .reserve = 1 },
	};
	void *blocks[10];
	unsigned int i, pairs;
	u64 misses;

	shim_exact_node = true;
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		pool_start(&ways[i].params);
		EXPECT(!bytepool_reserve(pool, 16384, ways[i].reserve, GFP_KERNEL));
		EXPECT(bytepool_alloc_bulk(pool, 16384, GFP_KERNEL, 10, blocks) == 10);
		bytepool_free_bulk(pool, 10, blocks);
		shim_cpu_move(1);
		shim_cpu_die(0);
		misses = stats().misses;
		shim_full_node = ways[i].full;
		if (ways[i].bulk) {
			EXPECT(bytepool_alloc_bulk(pool, 16384, GFP_KERNEL, 1, blocks) == 1);
			bytepool_free(pool, blocks[0]);
		}
		for (pairs = 0; pairs < 10; pairs++)
			bytepool_free(pool, bytepool_alloc(pool, 16384, GFP_KERNEL));
		shim_full_node = NUMA_NO_NODE;
		EXPECT(stats().misses == misses + ways[i].misses);
		EXPECT(!bytepool_reserve(pool, 16384, 0, GFP_KERNEL));
		shim_cpu_move(0);
		pool_stop();
	}
	shim_exact_node = false;
}

/* Return true if the kernel counts so many pages of each node as reclaimable. */
static bool reclaimable_are(long on_node0, long on_node1)
{
	return shim_reclaimable_pages(0) == on_node0 && shim_reclaimable_pages(1) == on_node1;
}

/* A pool without caches: each slab that is wholly idle counts on its node, and no other. */
static void reclaimable_by_slab(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_TRACK };
	void *large[10], *small[65], *p;
	unsigned int i;

	pool_start(&params);
	EXPECT(bytepool_alloc_bulk(pool, 65536, GFP_KERNEL, 10, large) == 10);
	shim_cpu_move(1);
	EXPECT(bytepool_alloc_bulk(pool, 64, GFP_KERNEL, 65, small) == 65);
	EXPECT(reclaimable_are(0, 0));
	bytepool_free_bulk(pool, 4, large);
	EXPECT(reclaimable_are(4 * 16, 0));
	for (i = 0; i < 65; i++) {
		EXPECT(reclaimable_are(4 * 16, i == 64));
		bytepool_free(pool, small[i]);
	}
	EXPECT(reclaimable_are(4 * 16, 2));
	p = bytepool_alloc(pool, 64, GFP_KERNEL);
	EXPECT(reclaimable_are(4 * 16, 1));
	/* A reserve binds slabs, if the blocks in use are fewer. */
	EXPECT(!bytepool_reserve(pool, 65536, 8, GFP_KERNEL));
	EXPECT(reclaimable_are(2 * 16, 1));
	bytepool_free_bulk(pool, 2, large + 4);
	EXPECT(reclaimable_are(2 * 16, 1));
	EXPECT(!bytepool_reserve(pool, 65536, 2, GFP_KERNEL));
	EXPECT(reclaimable_are(6 * 16, 1));
	EXPECT(!bytepool_reserve(pool, 65536, 0, GFP_KERNEL));
	EXPECT(reclaimable_are(6 * 16, 1));
	bytepool_free(pool, p);
	bytepool_trim(pool);
	EXPECT(reclaimable_are(0, 0));
	/* New slabs for a reserve are idle from the beginning. */
	EXPECT(!bytepool_reserve(pool, 4096, 8, GFP_KERNEL) && reclaimable_are(0, 0));
	EXPECT(!bytepool_reserve(pool, 4096, 0, GFP_KERNEL));
	EXPECT((unsigned long)shim_reclaimable_pages(1) == bytepool_size(pool) / 4096 - 4 * 16);
	bytepool_free_bulk(pool, 4, large + 6);
	EXPECT(reclaimable_are(4 * 16, 8));
	pool_stop();
}

/* Idle memory in caches counts as soon as it is back in the depot. */
static void reclaimable_by_cache(void)
{
	void *p;

	pool_start(NULL);
	p = bytepool_alloc(pool, 1 << 20, GFP_KERNEL);
	bytepool_free(pool, p);
	EXPECT(reclaimable_are(0, 0));
	shim_cpu_move(2);
	shim_cpu_die(0);
	EXPECT(reclaimable_are(256, 0));
	/* Another cache takes it. */
	EXPECT(bytepool_alloc(pool, 1 << 20, GFP_KERNEL) == p);
	bytepool_free(pool, p);
	EXPECT(reclaimable_are(0, 0));
	pool_stop();
}

/* Blocks in magazines of the depot count by the slabs that they fill. */
static void reclaimable_by_magazine(void)
{
	static const struct bytepool_params bound = { .limit_bytes = 32 * 4096 };
	static void *blocks[4096];
	unsigned long pages;
	unsigned int i, nr;

	pool_start(NULL);
	EXPECT(bytepool_alloc_bulk(pool, 1024, GFP_KERNEL, ARRAY_SIZE(blocks), blocks) ==
	       ARRAY_SIZE(blocks));
	EXPECT(reclaimable_are(0, 0));
	bytepool_free_bulk(pool, ARRAY_SIZE(blocks), blocks);
	/*
	 * At most two magazines of 29 blocks are in a cache, and keep a slab of 8 pages each. After
	 * magazines have moved, the count may be a quarter too low.
	 */
	pages = bytepool_size(pool) / 4096;
	EXPECT((unsigned long)shim_reclaimable_pages(0) + 2 * 29 * 8 + pages / 4 >= pages);
	bytepool_trim(pool);
	EXPECT(reclaimable_are(0, 0));
	/* Once the depot has enough magazines, nothing but magazines moves. */
	for (i = 0; i < 16; i++) {
		EXPECT(bytepool_alloc_bulk(pool, 65536, GFP_KERNEL, 400, blocks) == 400);
		EXPECT(reclaimable_are(0, 0));
		bytepool_free_bulk(pool, 400, blocks);
	}
	EXPECT(shim_reclaimable_pages(0) >= (400 - 2 * 29) * 16 - 400 * 16 / 4);
	pool_stop();
	/* Nothing counts when all blocks are in use. */
	pool_start(&bound);
	EXPECT(!bytepool_reserve(pool, 4096, 4, GFP_KERNEL));
	for (i = 0; i < 3; i++) {
		for (nr = 0; nr < 32; nr++)
			blocks[nr] = bytepool_alloc(pool, 4096, GFP_ATOMIC);
		while (nr--)
			bytepool_free(pool, blocks[nr]);
	}
	EXPECT(shim_reclaimable_pages(0));
	/* An alloc from a node takes the blocks in slabs first. */
	for (nr = 0; nr < 32; nr++)
		blocks[nr] = bytepool_alloc_node(pool, 4096, GFP_ATOMIC, 0);
	EXPECT(reclaimable_are(0, 0));
	bytepool_free_bulk(pool, 32, blocks);
	pool_stop();
}

/* Only the owner of a SINGLE pool gives its memory back, so that no page of it counts. */
static void reclaimable_of_single(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_SINGLE | BYTEPOOL_TRACK };

	pool_start(&params);
	bytepool_free(pool, bytepool_alloc(pool, 65536, GFP_KERNEL));
	EXPECT(reclaimable_are(0, 0));
	EXPECT(!bytepool_reserve(pool, 65536, 2, GFP_KERNEL));
	EXPECT(!bytepool_reserve(pool, 65536, 0, GFP_KERNEL));
	EXPECT(bytepool_size(pool) == 2 * 65536 && reclaimable_are(0, 0));
	pool_stop();
}

static void test_reclaimable(void)
{
	shim_exact_node = true;
	reclaimable_by_slab();
	reclaimable_by_cache();
	reclaimable_by_magazine();
	reclaimable_of_single();
	shim_exact_node = false;
}

const struct test node_tests[] = {
	{ "a pool that is warm on another node", test_warm_elsewhere },
	{ "a node without memory", test_bare_node },
	{ "CPUs have slabs of their own", test_own_slabs },
	{ "a node that is out of memory", test_full_node },
	{ "what counts as reclaimable memory", test_reclaimable },
	{}
};
