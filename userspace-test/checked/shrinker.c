// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shrinker: the memory that a scan takes, and in which order.
 */
#include "checked.h"

static u32 gone_order[16];
static unsigned int nr_gone;

static void note_gone(void *base, unsigned long bytes)
{
	(void)base;
	if (nr_gone < ARRAY_SIZE(gone_order))
		gone_order[nr_gone++] = bytes;
}

/*
 * Blocks of many classes are freed one after another. The shrinker frees them in the same
 * order.
 */
static void test_shrink_order(void)
{
	static const u32 sizes[] = { 1 << 20, 65536, 4096, 2 << 20, 16384, 131072, 8192, 262144 };
	void *blocks[ARRAY_SIZE(sizes)];
	unsigned int i, way;

	for (way = 0; way < 2; way++) {
		pool_start(NULL);
		for (i = 0; i < ARRAY_SIZE(sizes); i++)
			blocks[i] = bytepool_alloc(pool, sizes[i], GFP_KERNEL);
		EXPECT(shim_shrink_count() == 0 && shim_shrink(1000) == 0);
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			bytepool_free(pool, blocks[i]);
			shim_clock_advance(HZ);
		}
		/* The blocks are in caches, or in depots. */
		if (way)
			shim_cpu_die(0);
		nr_gone = 0;
		shim_backing_gone = note_gone;
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			EXPECT(shim_shrink(1) == sizes[i] / PAGE_SIZE);
			EXPECT(nr_gone == i + 1 && gone_order[i] == sizes[i]);
		}
		shim_backing_gone = NULL;
		EXPECT(!bytepool_size(pool) && shim_shrink_count() == 0);
		pool_stop();
	}
}

/* An old slab in a depot does not make its neighbours older. */
static void test_shrink_among(void)
{
	void *blocks[10], *old;
	unsigned int i;

	pool_start(NULL);
	for (i = 0; i < 10; i++)
		blocks[i] = bytepool_alloc(pool, 65536, GFP_KERNEL);
	old = bytepool_alloc(pool, 1 << 20, GFP_KERNEL);
	bytepool_free(pool, blocks[0]);
	shim_cpu_die(0);
	shim_clock_advance(10 * HZ);
	bytepool_free(pool, old);
	shim_clock_advance(90 * HZ);
	shim_cpu_move(2);
	for (i = 1; i < 10; i++)
		bytepool_free(pool, blocks[i]);
	shim_cpu_move(0);
	shim_cpu_die(2);
	nr_gone = 0;
	shim_backing_gone = note_gone;
	EXPECT(shim_shrink(128) == 16 + 256);
	EXPECT(nr_gone == 2 && gone_order[0] == 65536 && gone_order[1] == 1 << 20);
	shim_backing_gone = NULL;
	pool_stop();
}

/*
 * A scan ignores timeouts, keeps reserves and blocks in use, and frees as much as was asked
 * for.
 */
static void test_shrink_bounds(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER };
	void *blocks[64], *used;
	unsigned int i;

	pool_start(&params);
	used = bytepool_alloc(pool, 4096, GFP_KERNEL);
	EXPECT(!bytepool_reserve(pool, 65536, 4, GFP_KERNEL));
	EXPECT(shim_shrink_count() == 0 && shim_shrink(1000) == 0);
	EXPECT(bytepool_alloc_bulk(pool, 65536, GFP_KERNEL, 6, blocks) == 6);
	bytepool_free_bulk(pool, 6, blocks);
	EXPECT(shim_shrink_count() == 32);
	EXPECT(shim_shrink(1) == 16 && shim_shrink_count() == 16);
	EXPECT(shim_shrink(1000) == 16 && shim_shrink_count() == 0);
	EXPECT(bytepool_size(pool) == 4 * 65536 + 4096);
	EXPECT(!bytepool_reserve(pool, 65536, 0, GFP_KERNEL));
	EXPECT(shim_shrink(1000) == 64);

	EXPECT(bytepool_alloc_bulk(pool, 4096, GFP_KERNEL, 64, blocks) == 64);
	bytepool_free_bulk(pool, 64, blocks);
	EXPECT(shim_shrink_count() >= 48 && shim_shrink_count() <= 64);
	for (i = 0; shim_shrink_count(); i++)
		EXPECT(shim_shrink(8) > 0);
	EXPECT(i >= 6 && bytepool_size(pool) >= 4096);
	bytepool_free(pool, used);
	/* The counters include this memory. */
	EXPECT(stats().reclaimed_bytes >= 6 * 65536 + 32 * 4096);
	pool_stop();
}

/* A reserve may pin slabs of several blocks, so that not all memory above it can be freed. */
static void test_shrink_reserve(void)
{
	const struct bytepool_params params = { .min_size = 4096, .max_size = 4096 };
	void *blocks[256];
	unsigned long counted;

	pool_start(&params);
	EXPECT(bytepool_alloc_bulk(pool, 4096, GFP_KERNEL, 256, blocks) == 256);
	EXPECT(!bytepool_reserve(pool, 4096, 100, GFP_KERNEL));
	bytepool_free_bulk(pool, 256, blocks);
	while ((counted = shim_shrink_count())) {
		size_t held = bytepool_size(pool);

		shim_shrink(counted);
		EXPECT(held - bytepool_size(pool) >= counted * PAGE_SIZE);
		if (test_failed())
			break;
	}
	EXPECT(bytepool_size(pool) >= 100 * PAGE_SIZE && bytepool_size(pool) < 108 * PAGE_SIZE);
	EXPECT(!bytepool_reserve(pool, 4096, 0, GFP_KERNEL));
	pool_stop();
}

/* A slab of many blocks is freed as a whole. Small blocks in caches are found, too. */
static void test_shrink_small(void)
{
	void *blocks[600];
	unsigned int i;

	pool_start(NULL);
	for (i = 0; i < 600; i++)
		blocks[i] = bytepool_alloc(pool, 64, GFP_KERNEL);
	for (i = 1; i < 600; i++)
		bytepool_free(pool, blocks[i]);
	while (shim_shrink(1))
		;
	EXPECT(shim_shrink_count() == 0 && bytepool_size(pool) <= 8 * 4096);
	bytepool_free(pool, blocks[0]);
	pool_stop();
}

/* The shrinker leaves SINGLE pools alone, because their owner does not lock. */
static void test_shrink_single(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_SINGLE };

	pool_start(&params);
	bytepool_free(pool, bytepool_alloc(pool, 65536, GFP_KERNEL));
	EXPECT(shim_shrink_count() == 0 && shim_shrink(1000) == 0);
	EXPECT(bytepool_size(pool) == 65536);
	bytepool_trim(pool);
	pool_stop();
}

/* Younger memory in depots stays until older memory in caches has been freed. */
static void test_shrink_younger(void)
{
	void *a, *b, *c;

	pool_start(NULL);
	shim_exact_node = true;
	a = bytepool_alloc(pool, 4096, GFP_KERNEL);
	b = bytepool_alloc(pool, 8192, GFP_KERNEL);
	c = bytepool_alloc(pool, 16384, GFP_KERNEL);
	bytepool_free(pool, a);
	shim_clock_advance(60);
	bytepool_free(pool, b);
	shim_clock_advance(30);
	shim_cpu_move(2);
	bytepool_free(pool, c);
	shim_cpu_move(0);
	shim_cpu_die(2);
	shim_clock_advance(10);
	nr_gone = 0;
	shim_backing_gone = note_gone;
	EXPECT(shim_shrink(3) == 1 && shim_shrink(2) == 2 && shim_shrink(4) == 4);
	shim_backing_gone = NULL;
	EXPECT(nr_gone == 3 && gone_order[0] == 4096);
	EXPECT(gone_order[1] == 8192 && gone_order[2] == 16384);
	shim_exact_node = false;
	pool_stop();
}

const struct test shrinker_tests[] = {
	{ "shrinker: the oldest first", test_shrink_order },
	{ "shrinker: the oldest first in caches and depots", test_shrink_among },
	{ "shrinker: timeouts, reserves and blocks in use", test_shrink_bounds },
	{ "shrinker: large slabs beside a reserve", test_shrink_reserve },
	{ "shrinker: small blocks", test_shrink_small },
	{ "shrinker: not of a SINGLE pool", test_shrink_single },
	{ "shrinker: memory that is younger than that in caches", test_shrink_younger },
	{}
};
