// SPDX-License-Identifier: GPL-2.0-only
/*
 * Magazines, with which CPUs of a node exchange blocks.
 */
#include <stdio.h>
#include <stdlib.h>

#include "basic.h"

#define MAGAZINE	29	/* blocks that a magazine takes */

unsigned long class_cached(unsigned int size)
{
	static char text[1 << 16];
	unsigned long at, cached;
	char *line = text;

	EXPECT(shim_debugfs_read("bytepool/basic/classes", text, sizeof(text)) > 0);
	while ((line = strchr(line, '\n'))) {
		if (sscanf(++line, "%lu %*u %*u %*u %lu", &at, &cached) == 2 && at == size)
			return cached;
	}
	return 0;
}

static void start_near(const struct bytepool_params *params)
{
	shim_exact_node = true;
	pool_start(params);
}

static void stop_near(void)
{
	pool_stop();
	shim_exact_node = false;
}

/* Make the caches of @cpu and of the lower CPUs of its node. */
static void make_caches(size_t size, int cpu)
{
	for (; cpu >= 0; cpu -= 2) {
		shim_cpu_move(cpu);
		bytepool_free(pool, bytepool_alloc(pool, size, GFP_KERNEL));
	}
}

static void free_each(void **blocks, unsigned int nr)
{
	while (nr--)
		bytepool_free(pool, blocks[nr]);
}

/* Another CPU gets the blocks that overflow from a CPU's cache. No magazine is lost. */
static void test_exchange(void)
{
	void *blocks[400];
	unsigned int round, i;

	start_near(NULL);
	make_caches(64, 2);
	for (round = 0; round < 10; round++) {
		shim_cpu_move(0);
		EXPECT(bytepool_alloc_bulk(pool, 64, GFP_KERNEL, 400, blocks) == 400);
		free_each(blocks, 400);
		EXPECT(class_cached(64) <= 2 * 2 * MAGAZINE);
		shim_cpu_move(2);
		shim_fail(SHIM_FAIL_PAGES | SHIM_FAIL_VMALLOC, 1, true);
		for (i = 0; i < 300; i++)
			blocks[i] = bytepool_alloc(pool, 64, GFP_ATOMIC);
		EXPECT(blocks[299]);
		shim_fail(0, 0, false);
		bytepool_free_bulk(pool, 300, blocks);
	}
	stop_near();
}

/* A depot has a bounded number of magazines, and gets new ones after a trim. */
static void test_bound(void)
{
	static void *blocks[8000];
	unsigned int round;
	long before;

	start_near(NULL);
	make_caches(8, 0);
	EXPECT(bytepool_alloc_bulk(pool, 8, GFP_KERNEL, 8000, blocks) == 8000);
	before = shim_usage().kmallocs;
	free_each(blocks, 8000);
	EXPECT(shim_usage().kmallocs > before + 10 && shim_usage().kmallocs < before + 68);
	/* Magazines that come and go are not counted twice. */
	for (round = 0; round < 20; round++) {
		EXPECT(bytepool_alloc_bulk(pool, 8, GFP_KERNEL, 1000, blocks) == 1000);
		free_each(blocks, 1000);
	}
	bytepool_trim(pool);
	EXPECT(bytepool_alloc_bulk(pool, 8, GFP_KERNEL, 1000, blocks) == 1000);
	before = shim_usage().kmallocs;
	free_each(blocks, 1000);
	EXPECT(shim_usage().kmallocs > before + 3);
	stop_near();
}

/* A magazine that was in a cache for long enters the depot after younger ones. */
static void test_late_magazine(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = 1000 };
	void *blocks[7 * MAGAZINE + 3];
	void **first = blocks, **second = blocks + 2 * MAGAZINE + 1;
	void **third = second + 2 * MAGAZINE + 1;

	start_near(&params);
	make_caches(20000, 4);
	/* Empty the caches. A trim would free them. */
	shim_cpu_move(4);
	blocks[0] = bytepool_alloc(pool, 20000, GFP_KERNEL);
	shim_cpu_move(2);
	blocks[1] = bytepool_alloc(pool, 20000, GFP_KERNEL);
	shim_cpu_move(0);
	EXPECT(bytepool_alloc_bulk(pool, 20000, GFP_KERNEL, ARRAY_SIZE(blocks) - 2, blocks + 2) ==
	       ARRAY_SIZE(blocks) - 2);
	shim_clock_advance(msecs_to_jiffies(1100));
	bytepool_gc(pool, NULL);
	EXPECT(!stats().blocks_idle);
	shim_cpu_move(2);
	free_each(first, 2 * MAGAZINE);
	shim_clock_advance(msecs_to_jiffies(500));
	/* The depot gets an empty magazine, which becomes full, and another. */
	shim_cpu_move(4);
	free_each(third, 2 * MAGAZINE + 1);
	shim_cpu_move(0);
	free_each(second, 2 * MAGAZINE + 1);
	shim_cpu_move(4);
	free_each(third + 2 * MAGAZINE + 1, MAGAZINE);
	shim_clock_advance(msecs_to_jiffies(100));
	shim_cpu_move(2);
	bytepool_free(pool, first[2 * MAGAZINE]);
	shim_clock_advance(msecs_to_jiffies(450));
	EXPECT(bytepool_gc(pool, NULL) == 2 * MAGAZINE);
	stop_near();
}

/* A pass empties the magazines of the depot that have expired, and no others. */
static void test_magazine_age(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = 1000 };
	void *blocks[7 * MAGAZINE];
	unsigned int i, nr;

	start_near(&params);
	make_caches(20000, 2);
	EXPECT(bytepool_alloc_bulk(pool, 20000, GFP_KERNEL, 7 * MAGAZINE, blocks) == 7 * MAGAZINE);
	shim_cpu_move(0);
	for (i = 0; i < 7; i++) {
		free_each(blocks + i * MAGAZINE, MAGAZINE);
		shim_clock_advance(msecs_to_jiffies(100));
	}
	/* The blocks that were freed first have expired. */
	shim_clock_advance(msecs_to_jiffies(550));
	for (nr = 3; nr <= 7; nr++) {
		bytepool_gc(pool, NULL);
		EXPECT(stats().blocks_idle == (7 - nr) * MAGAZINE);
		shim_clock_advance(msecs_to_jiffies(100));
	}
	stop_near();
}

/* All idle blocks are in the spare magazine of a cache. They are counted and given back. */
static void test_spare(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = 1000 };
	void *blocks[2 * MAGAZINE];
	unsigned int trim;

	for (trim = 0; trim < 2; trim++) {
		start_near(&params);
		make_caches(20000, 0);
		EXPECT(bytepool_alloc_bulk(pool, 20000, GFP_KERNEL, 2 * MAGAZINE, blocks) ==
		       2 * MAGAZINE);
		bytepool_trim(pool);
		free_each(blocks, 2 * MAGAZINE);
		EXPECT(bytepool_alloc_bulk(pool, 20000, GFP_KERNEL, MAGAZINE, blocks) == MAGAZINE);
		EXPECT(class_cached(20480) == MAGAZINE);
		shim_clock_advance(msecs_to_jiffies(1100));
		EXPECT((trim ? bytepool_trim(pool) : bytepool_gc(pool, NULL)) == MAGAZINE);
		bytepool_free_bulk(pool, MAGAZINE, blocks);
		stop_near();
	}
}

/* All CPUs use the same cache of a SINGLE pool. */
static void test_single_cache(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_SINGLE };
	u64 overhead;
	long before;
	void *p;

	start_near(&params);
	make_caches(20000, 0);
	bytepool_trim(pool);
	before = shim_usage().kmallocs;
	shim_cpu_move(4);
	p = bytepool_alloc(pool, 20000, GFP_KERNEL);
	overhead = stats().bytes_overhead;
	bytepool_free(pool, p);
	make_caches(20000, 4);
	EXPECT(stats().bytes_overhead < overhead + CACHE_BYTES_MIN);
	p = bytepool_alloc(pool, 20000, GFP_KERNEL);
	bytepool_free(pool, p);
	shim_cpu_move(2);
	EXPECT(class_cached(20480) == 1);
	EXPECT(bytepool_alloc(pool, 20000, GFP_KERNEL) == p);
	EXPECT(!class_cached(20480));
	bytepool_free(pool, p);
	bytepool_trim(pool);
	EXPECT(shim_usage().kmallocs == before);
	stop_near();
}

/* Blocks of a WIPE pool are wiped, whichever magazine they enter. */
static void test_wiped(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_WIPE };
	u8 *blocks[200];
	unsigned int round, i;

	start_near(&params);
	make_caches(64, 0);
	for (round = 0; round < 4; round++) {
		EXPECT(bytepool_alloc_bulk(pool, 64, GFP_KERNEL, 200, (void **)blocks) == 200);
		for (i = 0; i < 200; i++) {
			/* A block may have a link, or be new. */
			EXPECT(!bytes_are(blocks[i] + 8, 0x5a, 56));
			memset(blocks[i], 0x5a, 64);
		}
		if (round % 2)
			bytepool_free_bulk(pool, 200, (void **)blocks);
		else
			free_each((void **)blocks, 200);
	}
	stop_near();
}

const struct test magazine_tests[] = {
	{ "magazines of a WIPE pool", test_wiped },
	{ "magazines go from CPU to CPU", test_exchange },
	{ "magazines of a depot are bounded", test_bound },
	{ "a magazine that comes late", test_late_magazine },
	{ "magazines, and age", test_magazine_age },
	{ "a spare magazine", test_spare },
	{ "the cache of a SINGLE pool", test_single_cache },
	{}
};
