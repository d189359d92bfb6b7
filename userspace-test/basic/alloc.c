// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocations: sizes, gfp, flags of the pool, counters.
 */
#include <stdint.h>
#include <stdio.h>

#include "basic.h"

static void test_sizes(void)
{
	u32 size, usable;
	u8 *p;

	pool_start(NULL);
	for (size = 1; size <= SZ_4M; size += 1 + size / 7) {
		p = bytepool_alloc(pool, size, GFP_KERNEL);
		usable = bytepool_usable_size(pool, p);
		EXPECT(usable >= size && usable % 8 == 0);
		EXPECT(usable <= 32 || usable * 4 <= size * 5);
		EXPECT((unsigned long)p % min_t(u32, usable & -usable, PAGE_SIZE) == 0);
		memset(p, 1, usable);
		bytepool_free(pool, p);
		p = bytepool_zalloc(pool, size, GFP_ATOMIC);
		EXPECT(p && bytes_are(p, 0, size));
		bytepool_free(pool, p);
	}
	pool_stop();
}

static void test_refused(void)
{
	static const size_t sizes[] = { 0, SZ_4M + 1, 1UL << 32, (1UL << 32) + 8, SIZE_MAX };
	void *blocks[4];
	unsigned int i;

	pool_start(NULL);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT(!bytepool_alloc(pool, sizes[i], GFP_KERNEL));
		EXPECT(!bytepool_zalloc(pool, sizes[i], GFP_ATOMIC));
		EXPECT(!bytepool_alloc_bulk(pool, sizes[i], GFP_KERNEL, 4, blocks));
		EXPECT(bytepool_reserve(pool, sizes[i], 1, GFP_KERNEL) == -EINVAL);
	}
	EXPECT(!bytepool_alloc(pool, 8, GFP_KERNEL | GFP_DMA));
	EXPECT(!bytepool_alloc(pool, 8, GFP_KERNEL | GFP_DMA32));
	EXPECT(stats().failures == 3 * ARRAY_SIZE(sizes) + 2 && stats().allocs == 0);
	bytepool_free(pool, NULL);
	EXPECT(stats().frees == 0);
	pool_stop();
}

/* Flags that have no meaning for a pool do not reach the system's allocators. */
static void test_gfp(void)
{
	static const gfp_t dropped[] = {
		__GFP_ACCOUNT, __GFP_HIGHMEM, __GFP_MOVABLE, __GFP_COMP, __GFP_ZERO,
	};
	unsigned int i, j;
	void *blocks[5];

	pool_start(NULL);
	for (i = 0; i < ARRAY_SIZE(dropped); i++) {
		gfp_t gfp = GFP_KERNEL | dropped[i];

		EXPECT(bytepool_alloc_bulk(pool, 5000, gfp, ARRAY_SIZE(blocks), blocks));
		for (j = 0; j < ARRAY_SIZE(blocks); j++) {
			EXPECT(!(gfp & __GFP_ZERO) || bytes_are(blocks[j], 0, 5000));
			memset(blocks[j], 1, 5000);
		}
		bytepool_free_bulk(pool, ARRAY_SIZE(blocks), blocks);
		EXPECT(bytepool_reserve(pool, 100, 10, gfp) == 0);
		EXPECT(bytepool_reserve(pool, 100, 0, gfp) == 0);
		if (i % 2)
			bytepool_trim(pool);
	}
	/* Zeroing also applies to idle blocks that were written to. */
	EXPECT(bytepool_alloc_bulk(pool, 5000, GFP_KERNEL, ARRAY_SIZE(blocks), blocks));
	for (j = 0; j < ARRAY_SIZE(blocks); j++)
		memset(blocks[j], 1, 5000);
	bytepool_free_bulk(pool, ARRAY_SIZE(blocks), blocks);
	EXPECT(bytepool_alloc_bulk(pool, 5000, GFP_ATOMIC | __GFP_ZERO, ARRAY_SIZE(blocks),
				   blocks));
	for (j = 0; j < ARRAY_SIZE(blocks); j++)
		EXPECT(bytes_are(blocks[j], 0, 5000));
	bytepool_free_bulk(pool, ARRAY_SIZE(blocks), blocks);
	pool_stop();
}

/* A pool counts the memory that it takes besides its blocks, and gives it back. */
static void test_overhead(void)
{
	u64 empty, used, idle;
	void *blocks[50];

	pool_start(NULL);
	empty = stats().bytes_overhead;
	EXPECT(empty > 100 * sizeof(void *));
	EXPECT(bytepool_alloc_bulk(pool, 40000, GFP_KERNEL, 50, blocks) == 50);
	used = stats().bytes_overhead;
	/* A descriptor for each block, the class, a cache and its magazines. */
	EXPECT(used > empty + 50 * sizeof(long) * 8 + 2048);
	bytepool_free_bulk(pool, 50, blocks);
	idle = stats().bytes_overhead;
	bytepool_trim(pool);
	EXPECT(stats().bytes_overhead + 50 * sizeof(long) * 8 < idle);
	pool_stop();
}

static void test_wipe(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_WIPE };
	u32 size;
	int round;

	pool_start(&params);
	for (size = 8; size < 300000; size = size * 3 + 8) {
		for (round = 0; round < 100; round++) {
			u8 *p = bytepool_alloc(pool, size, GFP_KERNEL);

			EXPECT(bytes_are(p, 0, size));
			memset(p, 0xff, size);
			bytepool_free(pool, p);
			if (round % 3 == 0)
				bytepool_reserve(pool, size, round % 2, GFP_KERNEL);
		}
		bytepool_reserve(pool, size, 0, GFP_KERNEL);
	}
	pool_stop();
}

static bool any_mapped;

static void note_mapped(void *base, unsigned long bytes, bool mapped)
{
	any_mapped |= mapped;
	EXPECT(base && bytes);
}

static void test_contig(void)
{
	const struct bytepool_params contig = { .flags = BYTEPOOL_CONTIG, .max_size = 8 << 20 };
	unsigned int mapped;

	for (mapped = 0; mapped < 2; mapped++) {
		const struct bytepool_params any = { .max_size = 8 << 20 };
		void *p;

		pool_start(mapped ? &any : &contig);
		any_mapped = false;
		shim_backing_born = note_mapped;
		shim_fail(SHIM_FAIL_PAGES, 1, true);
		p = bytepool_alloc(pool, 1 << 20, GFP_KERNEL);
		EXPECT(!p == !mapped);
		bytepool_free(pool, p);
		/*
		 * Mapped memory also stands in for a size that the page allocator does not
		 * have.
		 */
		shim_fail(0, 0, false);
		p = bytepool_alloc(pool, 8 << 20, GFP_KERNEL);
		EXPECT(!p == !mapped);
		bytepool_free(pool, p);
		EXPECT(!bytepool_alloc(pool, 8 << 20, GFP_ATOMIC) == !p);
		EXPECT(any_mapped == mapped);
		shim_backing_born = NULL;
		bytepool_free(pool, p);
		pool_stop();
	}
}

/* Mapped memory is asked for without bits that vmalloc() warns of, see __vmalloc() of the shim. */
static void test_mapped_gfp(void)
{
	void *blocks[3];

	pool_start(NULL);
	EXPECT(!bytepool_reserve(pool, 1 << 20, 1, GFP_KERNEL));
	shim_fail(SHIM_FAIL_PAGES, 1, true);
	/* A class with a reserve does not use the system's emergency reserves. */
	blocks[0] = bytepool_alloc(pool, 1 << 20, GFP_KERNEL);
	blocks[1] = bytepool_alloc(pool, 1 << 20, GFP_KERNEL);
	blocks[2] = bytepool_alloc(pool, 2 << 20, GFP_KERNEL | __GFP_MEMALLOC);
	shim_fail(0, 0, false);
	EXPECT(blocks[0] && blocks[1] && blocks[2]);
	bytepool_free_bulk(pool, 3, blocks);
	pool_stop();
}

/* Return the number of points in an allocation and its free. */
static unsigned int pair_points(size_t size)
{
	const unsigned int most = 10000;
	unsigned int left;

	shim_countdown = most;
	bytepool_free(pool, bytepool_alloc(pool, size, GFP_ATOMIC));
	left = shim_countdown;
	shim_countdown = 0;
	return most - left;
}

/* The fast path serves all sizes of a class. */
static void test_hot_sizes(void)
{
	const struct bytepool_params params = { .min_size = 64 };
	unsigned int points, i;
	size_t size;

	pool_start(&params);
	for (i = 0; i < 3; i++)
		points = pair_points(64);
	for (size = 1; size < 64; size++)
		EXPECT(pair_points(size) == points);
	/* An allocation of a class without idle blocks takes longer. */
	EXPECT(pair_points(80) > 2 * points);
	pool_stop();
}

static unsigned long slabs_shown(void)
{
	static char text[65536];
	unsigned long size, slabs, sum = 0;
	char *line = text;

	EXPECT(shim_debugfs_read("bytepool/basic/classes", text, sizeof(text)) > 0);
	while ((line = strchr(line, '\n'))) {
		if (sscanf(++line, "%lu %lu", &size, &slabs) == 2)
			sum += slabs;
	}
	return sum;
}

static void test_counts(void)
{
	const struct bytepool_params params = { .limit_bytes = 3 * 8192, .idle_timeout_ms = 1000 };
	void *blocks[5];
	u64 runs;

	pool_start(&params);
	EXPECT(bytepool_alloc_bulk(pool, 8192, GFP_KERNEL, 3, blocks) == 3);
	EXPECT(slabs_shown() == 3 && stats().failures == 0);
	EXPECT(!bytepool_alloc(pool, 8192, GFP_ATOMIC) && stats().failures == 1);
	EXPECT(!bytepool_alloc_bulk(pool, 8192, GFP_ATOMIC, 2, blocks + 3));
	EXPECT(stats().failures == 2);
	bytepool_free_bulk(pool, 3, blocks);
	bytepool_gc(pool, NULL);
	runs = stats().gc_runs;
	EXPECT(runs == 1 && slabs_shown() == 3);
	/* Background passes are counted, too. */
	shim_clock_advance(msecs_to_jiffies(1000 + 2 * 10000));
	EXPECT(stats().gc_runs > runs);
	EXPECT(slabs_shown() == 0 && stats().reclaimed_bytes == 3 * 8192);
	pool_stop();
}

/* An allocation from idle memory asks the system for nothing, and cannot fail. */
static void test_hot(void)
{
	static const u32 sizes[] = { 8, 100, 4096, 40000, 1 << 20, SZ_4M };
	unsigned int i;
	void *p;

	pool_start(NULL);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = bytepool_alloc(pool, sizes[i], GFP_KERNEL);
		bytepool_free(pool, p);
		shim_fail(SHIM_FAIL_ANY, 1, true);
		EXPECT(bytepool_alloc(pool, sizes[i], GFP_ATOMIC) == p);
		EXPECT(!shim_failed());
		bytepool_free(pool, p);
		shim_fail(0, 0, false);
	}
	EXPECT(stats().hits == ARRAY_SIZE(sizes));
	pool_stop();
}

/*
 * A pool of 131,072 classes. Before it is used, only its table of classes takes much memory,
 * with and without locks. The first caller may not sleep, so there is no table of caches yet.
 */
static void test_many_classes(void)
{
	static const unsigned int flags[] = { 0, BYTEPOOL_SINGLE };
	const u32 nr = 131072;
	const size_t table = nr * sizeof(void *);
	unsigned int i, pairs;
	u64 overhead;
	void *p;

	shim_exact_node = true;
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		pool_start(&(struct bytepool_params){
			.max_size = 8 * nr, .step = 8, .flags = flags[i],
		});
		overhead = stats().bytes_overhead;
		EXPECT(overhead > table && overhead < table + 3 * PAGE_SIZE);
		p = bytepool_alloc(pool, 8 * nr, GFP_ATOMIC);
		EXPECT(p);
		bytepool_free(pool, p);
		for (pairs = 0; pairs < 3; pairs++) {
			p = bytepool_alloc(pool, 8 * nr, GFP_KERNEL);
			EXPECT(p);
			bytepool_free(pool, p);
			/* All CPUs use the same cache of a SINGLE pool. */
			shim_cpu_move(flags[i] ? pairs + 1 : 0);
		}
		EXPECT(class_cached(8 * nr) == 1 && stats().misses == 1);
		EXPECT(stats().bytes_overhead > 2 * table && stats().bytes_overhead < 3 * table);
		pool_stop();
	}
	shim_exact_node = false;
}

/* The caches of a class are in groups of CPUs. Each CPU has a cache, and finds its own blocks. */
static void test_groups(void)
{
	const unsigned int cpus[] = { 1, 15, 17 };	/* a group has 16 CPUs */
	void *blocks[ARRAY_SIZE(cpus)];
	unsigned int i, round;
	u64 overhead[2];

	shim_exact_node = true;
	pool_start(NULL);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < ARRAY_SIZE(cpus); i++) {
			shim_cpu_move(cpus[i]);
			if (!round)
				blocks[i] = bytepool_alloc(pool, 65536, GFP_KERNEL);
			else
				EXPECT(bytepool_alloc(pool, 65536, GFP_KERNEL) == blocks[i]);
		}
		for (i = 0; i < ARRAY_SIZE(cpus); i++) {
			shim_cpu_move(cpus[i]);
			bytepool_free(pool, blocks[i]);
		}
		overhead[round] = stats().bytes_overhead;
	}
	EXPECT(stats().misses == ARRAY_SIZE(cpus) && overhead[0] == overhead[1]);
	EXPECT(class_cached(65536) == ARRAY_SIZE(cpus));
	/* A dead CPU has no block. */
	shim_cpu_move(1);
	shim_cpu_die(cpus[2]);
	EXPECT(class_cached(65536) == ARRAY_SIZE(cpus) - 1);
	pool_stop();
	shim_exact_node = false;
}

const struct test alloc_tests[] = {
	{ "sizes", test_sizes },
	{ "sizes and zones that are refused", test_refused },
	{ "gfp", test_gfp },
	{ "WIPE", test_wipe },
	{ "bytes_overhead", test_overhead },
	{ "CPUs of several groups have caches", test_groups },
	{ "a pool of very many classes", test_many_classes },
	{ "CONTIG", test_contig },
	{ "gfp of mapped memory", test_mapped_gfp },
	{ "counters", test_counts },
	{ "allocations from idle blocks do not need the system", test_hot },
	{ "all sizes of a class are as fast", test_hot_sizes },
	{}
};
