// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interface, call by call: what goes wrong at each step, and what comes in
 * between at each point where something may.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "test.h"
#include "internal/size_class.h"

static bool reads(const char *path, const char *text)
{
	char buf[4096];
	ssize_t len = shim_sysfs_read(path, buf);

	return len == (ssize_t)strlen(text) && !memcmp(buf, text, len);
}

/* The module and its pools */

static void test_load(void)
{
	int round;

	for (round = 0; round < 3; round++) {
		test_module_start();
		EXPECT(!IS_ERR_OR_NULL(bytepool_system));
		bytepool_free(bytepool_system, bytepool_alloc(bytepool_system, 100, GFP_KERNEL));
		test_module_stop();
	}
}

static void free_wrong(void)
{
	static int no_block;

	bytepool_free(ERR_PTR(-ENODEV), &no_block);
}

static void free_wrong_elsewhere(void)
{
	shim_cpu_run_other(5, free_wrong);
	shim_countdown = 1;
}

/* The first one: there was no bytepool_init() yet. */
static void test_built_in(void)
{
	void *blocks[2] = {};
	int nr = 0, err;

	do {
		EXPECT(bytepool_create("early", NULL) == ERR_PTR(-ENODEV));
		bytepool_free(ERR_PTR(-ENODEV), NULL);
		bytepool_free_bulk(ERR_PTR(-ENODEV), ARRAY_SIZE(blocks), blocks);
		bytepool_free_any(NULL);
		test_expect_warnings(0);
		bytepool_free(ERR_PTR(-ENODEV), &nr);
		bytepool_free_any(&nr);
		EXPECT(!bytepool_usable_size(ERR_PTR(-ENODEV), &nr));
		test_expect_warnings(!nr);
		shim_fail(SHIM_FAIL_ANY, ++nr, false);
		shim_point_hook = free_wrong_elsewhere;
		shim_countdown = 1;
		err = shim_module_init();
		shim_countdown = 0;
		shim_point_hook = NULL;
		shim_fail(0, 0, false);
		shim_cpu_run_other(5, free_wrong);
	} while (err == -ENOMEM);
	EXPECT(!err && nr > 5);
	test_module_stop();
}

static void test_load_parameters(void)
{
	static const unsigned int intervals[] = { 0, 9, 3600001, UINT_MAX };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(intervals); i++) {
		*shim_param_gc_interval_ms = intervals[i];
		EXPECT(shim_module_init() == -EINVAL);
	}
	*shim_param_gc_interval_ms = 10000;
	*shim_param_idle_timeout_ms = UINT_MAX;
	EXPECT(shim_module_init() == -EINVAL);
	*shim_param_idle_timeout_ms = 300000;
	EXPECT(!shim_usage().kmallocs);
}

static void create_fails(const char *name, const struct bytepool_params *params, int err)
{
	unsigned long messages = shim_messages();
	struct shim_usage before = shim_usage();

	EXPECT(PTR_ERR(bytepool_create(name, params)) == err);
	EXPECT(shim_messages() == messages + (err == -EINVAL));
	EXPECT(shim_usage().kmallocs == before.kmallocs);
}

static void test_names(void)
{
	static const char * const bad[] = {
		NULL, "", ".", "..", "a/b", "a b", "a\n", "\xe9t\xe9", "a*",
		"0123456789012345678901234567890123456789012345678901234567890123",
	};
	unsigned int i;

	pool_start(NULL);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		create_fails(bad[i], NULL, -EINVAL);
	create_fails("basic", NULL, -EEXIST);
	create_fails("system", NULL, -EEXIST);
	bytepool_destroy(bytepool_create(bad[ARRAY_SIZE(bad) - 1] + 1, NULL));
	bytepool_destroy(bytepool_create("...", NULL));
	bytepool_destroy(NULL);
	bytepool_destroy(ERR_PTR(-ENOMEM));
	pool_stop();
}

static void test_parameters(void)
{
	static const struct bytepool_params bad[] = {
		{ .min_size = 12 }, { .max_size = 12 }, { .step = 12 }, { .flags = BIT(5) },
		{ .max_size = (1UL << 30) + 8 }, { .min_size = 64, .max_size = 32 },
		{ .min_size = (4 << 20) + 8 }, { .max_size = 1 << 30, .step = 8 },
		{ .step = -8UL }, { .min_size = -8UL }, { .flags = BIT(31) },
	};
	const struct bytepool_params largest = { .max_size = 1 << 30 };
	struct bytepool_params most = { .max_size = 8 << 20, .step = 8 };
	struct bytepool *p;
	unsigned int i;

	test_module_start();
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		create_fails("basic", &bad[i], -EINVAL);
	bytepool_destroy(bytepool_create("basic", &largest));
	/* As many classes as there can be, and one more. */
	p = bytepool_create("basic", &most);
	EXPECT(!IS_ERR(p));
	bytepool_destroy(p);
	most.max_size += 8;
	create_fails("basic", &most, -EINVAL);
	test_module_stop();
}

/* Blocks */

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
		EXPECT(p && bytes_are(p, 0, usable));
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

/* What means nothing here, or would be wrong, is not for the system. */
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
	/* Idle blocks that are not as they came from the system. */
	EXPECT(bytepool_alloc_bulk(pool, 5000, GFP_KERNEL, ARRAY_SIZE(blocks), blocks));
	for (j = 0; j < ARRAY_SIZE(blocks); j++)
		memset(blocks[j], 1, 5000);
	bytepool_free_bulk(pool, ARRAY_SIZE(blocks), blocks);
	EXPECT(bytepool_alloc_bulk(pool, 5000, GFP_ATOMIC | __GFP_ZERO, ARRAY_SIZE(blocks),
				   blocks));
	for (j = 0; j < ARRAY_SIZE(blocks); j++)
		EXPECT(bytes_are(blocks[j], 0, bytepool_usable_size(pool, blocks[j])));
	bytepool_free_bulk(pool, ARRAY_SIZE(blocks), blocks);
	pool_stop();
}

static void bad_free(const void *p)
{
	u64 bad = stats().bad_frees;

	EXPECT(bytepool_usable_size(pool, p) == 0);
	bytepool_free(pool, p);
	EXPECT(stats().bad_frees == bad + 1);
}

/* Each kind, told of once with a stack trace. */
static void bad_frees_of(u32 size)
{
	u8 *p = bytepool_alloc(pool, size, GFP_KERNEL);
	u8 *foreign = bytepool_alloc(bytepool_system, size, GFP_KERNEL);
	unsigned long warnings = shim_warnings();
	u8 unknown[16];

	memset(p, 0x77, size);
	bad_free(unknown);
	bad_free((void *)8);
	bad_free((void *)-8L);
	bad_free(p + 1);
	bad_free(p + size - 1);
	bad_free(foreign);
	EXPECT(bytes_are(p, 0x77, size));
	EXPECT(bytepool_usable_size(pool, p) >= size);
	bytepool_free(pool, p);
	bad_free(p);
	EXPECT(shim_warnings() == warnings + 4);
	/* What does not come with a stack trace any more still comes in a few lines. */
	bad_free(p);
	EXPECT(shim_warnings() == warnings + 4);
	bytepool_trim(pool);
	bad_free(p);
	bytepool_free(bytepool_system, foreign);
	EXPECT(stats().frees == 1);
}

/* Refused by what this CPU remembers of the block, whose cache is no worse for it. */
static void test_bad_free_known(void)
{
	void *p;
	int i;

	pool_start(NULL);
	for (i = 0; i < 3; i++) {
		p = bytepool_alloc(pool, 20000, GFP_KERNEL);
		bytepool_free(pool, p);
	}
	bytepool_free(pool, p);
	EXPECT(stats().bad_frees == 1);
	EXPECT(bytepool_alloc(pool, 20000, GFP_KERNEL) == p);
	bytepool_free(pool, p);
	EXPECT(stats().misses == 1 && stats().frees == 4);
	pool_stop();
	test_expect_warnings(1);
}

static void test_bad_frees(void)
{
	static const u32 sizes[] = { 64, 3000, SZ_64K };
	static const unsigned int flags[] = { 0, BYTEPOOL_WIPE, BYTEPOOL_SINGLE };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (j = 0; j < ARRAY_SIZE(flags); j++) {
			const struct bytepool_params params = { .flags = flags[j] };

			pool_start(&params);
			bad_frees_of(sizes[i]);
			pool_stop();
			test_expect_warnings(4);
		}
	}
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

			EXPECT(!stats().hits || !round || bytes_are(p, 0, size));
			memset(p, 0xff, size);
			bytepool_free(pool, p);
			if (round % 3 == 0)
				bytepool_reserve(pool, size, round % 2, GFP_KERNEL);
		}
		bytepool_reserve(pool, size, 0, GFP_KERNEL);
	}
	pool_stop();
}

static void test_init_on(void)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		shim_init_on_alloc = i == 1;
		shim_init_on_free = i == 2;
		test_module_start();
		EXPECT(reads("bytepool/pools/system/flags", i ? "0x4\n" : "0\n"));
		test_module_stop();
	}
	shim_init_on_free = false;
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
		/* Nor for want of a size that the page allocator has. */
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

/* How many points there are in a pair. */
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

/* The fast path is for all sizes of a class. */
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
	/* A cold one is not as short. */
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
	/* The background, too. */
	shim_clock_advance(msecs_to_jiffies(1000 + 2 * 10000));
	EXPECT(stats().gc_runs > runs);
	EXPECT(slabs_shown() == 0 && stats().reclaimed_bytes == 3 * 8192);
	pool_stop();
}

/* Idle memory is not mapped again, nor asked for: allocations that cannot fail. */
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

/* Age */

static void on_cpu(int cpu)
{
	shim_cpu_move(cpu);
}

/*
 * While a class is small, CPUs take no blocks of each other's slabs, if memory
 * is to be had; nor does one take a page that it does not need.
 */
static void test_own_slabs(void)
{
	const struct bytepool_params params = { .limit_bytes = 2 * 4096 };
	unsigned long page[4];
	void *blocks[4][10], *p;
	unsigned int cpu, i;

	shim_exact_node = true;
	pool_start(NULL);
	for (i = 0; i < 10; i++) {
		for (cpu = 0; cpu < 4; cpu++) {
			on_cpu(cpu);
			blocks[cpu][i] = bytepool_alloc(pool, 64, GFP_KERNEL);
			if (!i)
				page[cpu] = (unsigned long)blocks[cpu][0] & PAGE_MASK;
			EXPECT(((unsigned long)blocks[cpu][i] & PAGE_MASK) == page[cpu]);
		}
	}
	EXPECT(stats().misses == 4 && bytepool_size(pool) == 4 * 4096);
	/* Another CPU gets what there is, if there is no more. */
	on_cpu(5);
	shim_fail(SHIM_FAIL_ANY, 1, true);
	p = bytepool_alloc(pool, 64, GFP_KERNEL);
	shim_fail(0, 0, false);
	EXPECT(p);
	bytepool_free(pool, p);
	for (cpu = 0; cpu < 4; cpu++)
		bytepool_free_bulk(pool, 10, blocks[cpu]);
	bytepool_trim(pool);

	/* The caches being there, the same again; but two whole slabs are taken before new ones. */
	EXPECT(!bytepool_size(pool));
	on_cpu(0);
	EXPECT(!bytepool_reserve(pool, 64, 128, GFP_KERNEL));
	EXPECT(!bytepool_reserve(pool, 64, 0, GFP_KERNEL));
	for (cpu = 0; cpu < 5; cpu += 2) {
		on_cpu(cpu);
		blocks[0][cpu] = bytepool_alloc(pool, 64, GFP_KERNEL);
	}
	EXPECT(((unsigned long)blocks[0][0] ^ (unsigned long)blocks[0][2]) & PAGE_MASK);
	EXPECT(bytepool_size(pool) == 3 * 4096);
	for (cpu = 0; cpu < 5; cpu += 2)
		bytepool_free(pool, blocks[0][cpu]);
	pool_stop();

	/* What is below the limit is for all classes. */
	pool_start(&params);
	for (cpu = 0; cpu < 4; cpu++) {
		on_cpu(cpu);
		blocks[cpu][0] = bytepool_alloc(pool, 64, GFP_KERNEL);
	}
	EXPECT(bytepool_size(pool) == 4096);
	for (cpu = 0; cpu < 4; cpu++)
		bytepool_free(pool, blocks[cpu][0]);
	pool_stop();
	shim_exact_node = false;
}

/*
 * A node that cannot give memory: what is idle elsewhere serves, and who wants
 * none but its own fails.
 */
static void test_full_node(void)
{
	static const u32 sizes[] = { 64, 4096, 1 << 20 };
	const struct bytepool_params params = { .limit_bytes = 4096 };
	unsigned int i, pairs;
	void *p;

	shim_full_node = 1;
	pool_start(NULL);
	on_cpu(0);
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

/* What another CPU has cached serves a caller that may sleep, though no slab becomes idle. */
static void test_room(void)
{
	const struct bytepool_params params = {
		.min_size = 64, .max_size = 64, .limit_bytes = 16 * 4096,
	};
	static void *blocks[1024];

	pool_start(&params);
	EXPECT(bytepool_alloc_bulk(pool, 64, GFP_KERNEL, 1024, blocks) == 1024);
	on_cpu(2);
	/* The first makes the cache. */
	bytepool_free_bulk(pool, 1, blocks);
	bytepool_free_bulk(pool, 5, blocks + 1);
	on_cpu(0);
	EXPECT(bytepool_alloc_bulk(pool, 64, GFP_ATOMIC, 1, blocks) == 1);
	EXPECT(!bytepool_alloc(pool, 64, GFP_ATOMIC));
	EXPECT(bytepool_alloc_bulk(pool, 64, GFP_KERNEL, 5, blocks + 1) == 5);
	EXPECT(!bytepool_alloc(pool, 64, GFP_KERNEL));
	bytepool_free_bulk(pool, 1024, blocks);
	pool_stop();
}

/* CPUs of a node without memory have caches, of the memory of another. */
static void test_bare_node(void)
{
	void *p, *q;

	shim_bare_node = 1;
	shim_exact_node = true;
	pool_start(NULL);
	on_cpu(1);
	p = bytepool_alloc_node(pool, 4096, GFP_KERNEL, 1);
	EXPECT(p);
	bytepool_free(pool, p);
	/* What is in one CPU's cache no other has. */
	on_cpu(3);
	q = bytepool_alloc(pool, 4096, GFP_KERNEL);
	EXPECT(q != p && stats().misses == 2);
	bytepool_free(pool, q);
	on_cpu(1);
	EXPECT(bytepool_alloc(pool, 4096, GFP_KERNEL) == p);
	bytepool_free(pool, p);
	pool_stop();
	shim_exact_node = false;
	shim_bare_node = NUMA_NO_NODE;
}

/* Freed on several CPUs, some of which do nothing more. */
static void test_age(void)
{
	static const unsigned int timeouts[] = { 1, 10, 999, 5000 };
	unsigned int i, cpu;

	*shim_param_gc_interval_ms = 100;
	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		const struct bytepool_params params = { .idle_timeout_ms = timeouts[i] };
		unsigned long left = msecs_to_jiffies(timeouts[i]);
		void *blocks[4];

		pool_start(&params);
		for (cpu = 0; cpu < 4; cpu++)
			blocks[cpu] = bytepool_alloc(pool, 10000, GFP_KERNEL);
		shim_clock_advance(1000);
		EXPECT(stats().reclaimed_blocks == 0);
		for (cpu = 0; cpu < 4; cpu++) {
			on_cpu(cpu);
			bytepool_free(pool, blocks[cpu]);
		}
		on_cpu(0);
		shim_clock_advance(left);
		EXPECT(stats().reclaimed_blocks == 0);
		EXPECT(shim_works_pending());
		shim_clock_advance(2 * msecs_to_jiffies(100));
		EXPECT(bytepool_size(pool) == 0);
		/* And then nobody is woken any more. */
		shim_clock_advance(2 * msecs_to_jiffies(100));
		EXPECT(!shim_works_pending());
		pool_stop();
	}
	*shim_param_gc_interval_ms = 10000;
}

/* One that is in use all the time keeps the others' age, not their memory. */
static void test_age_hot(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = 1000 };
	void *blocks[20];
	unsigned int i;

	*shim_param_gc_interval_ms = 100;
	pool_start(&params);
	EXPECT(bytepool_alloc_bulk(pool, 20000, GFP_KERNEL, 20, blocks) == 20);
	bytepool_free_bulk(pool, 20, blocks);
	for (i = 0; i < 300 + 50; i++) {
		void *p = bytepool_alloc(pool, 20000, GFP_ATOMIC);

		shim_clock_advance(1);
		bytepool_free(pool, p);
	}
	EXPECT(stats().blocks_idle == 1 && stats().reclaimed_blocks == 19);
	pool_stop();
	*shim_param_gc_interval_ms = 10000;
}

/* What was carved for its cache, and came back there, never went by the depot. */
static void test_age_cached(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = 1000 };
	void *p, *q;

	*shim_param_gc_interval_ms = 100;
	pool_start(&params);
	p = bytepool_alloc(pool, 64, GFP_KERNEL);
	shim_clock_advance(100);
	EXPECT(!shim_works_pending());
	q = bytepool_alloc(pool, 64, GFP_KERNEL);
	bytepool_free(pool, q);
	bytepool_free(pool, p);
	shim_clock_advance(msecs_to_jiffies(1000) + 2 * msecs_to_jiffies(100));
	EXPECT(bytepool_size(pool) == 0);
	pool_stop();
	*shim_param_gc_interval_ms = 10000;
}

/* What lay in a cache for long is not as young as what came to the depot before it. */
static void test_age_late(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = 1000 };
	unsigned long grace = 2 * msecs_to_jiffies(100);
	void *blocks[3];

	*shim_param_gc_interval_ms = 100;
	pool_start(&params);
	EXPECT(bytepool_alloc_bulk(pool, 10000, GFP_KERNEL, 3, blocks) == 3);
	bytepool_free(pool, blocks[0]);
	shim_clock_advance(msecs_to_jiffies(600));
	/* It has no cache yet. */
	on_cpu(2);
	bytepool_free(pool, blocks[1]);
	on_cpu(0);
	shim_clock_advance(msecs_to_jiffies(400) + grace);
	EXPECT(stats().reclaimed_blocks == 1);
	shim_clock_advance(msecs_to_jiffies(600));
	EXPECT(stats().reclaimed_blocks == 2);
	bytepool_free(pool, blocks[2]);
	pool_stop();
	*shim_param_gc_interval_ms = 10000;
}

/* A slab is as young as its youngest block. */
static void test_age_young(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_SINGLE, .idle_timeout_ms = 1000 };
	void *p, *q;

	pool_start(&params);
	p = bytepool_alloc(pool, 2000, GFP_KERNEL);
	q = bytepool_alloc(pool, 2000, GFP_KERNEL);
	EXPECT(bytepool_size(pool) == PAGE_SIZE);
	bytepool_free(pool, p);
	shim_clock_advance(msecs_to_jiffies(600));
	bytepool_free(pool, q);
	shim_clock_advance(msecs_to_jiffies(600));
	EXPECT(!bytepool_gc(pool, NULL));
	shim_clock_advance(msecs_to_jiffies(600));
	EXPECT(bytepool_gc(pool, NULL) == 2);
	pool_stop();
}

/* Old blocks that leave a cache with younger ones, for other CPUs, are as old as before. */
static void test_age_batch(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = 1000 };
	void *blocks[30];

	*shim_param_gc_interval_ms = 100;
	pool_start(&params);
	EXPECT(bytepool_alloc_bulk(pool, 20000, GFP_KERNEL, 30, blocks) == 30);
	bytepool_free_bulk(pool, 20, blocks);
	shim_clock_advance(msecs_to_jiffies(600));
	/* One more than fits. */
	bytepool_free_bulk(pool, 10, blocks + 20);
	shim_clock_advance(msecs_to_jiffies(400) + 2 * msecs_to_jiffies(100));
	EXPECT(stats().reclaimed_blocks == 20);
	shim_clock_advance(msecs_to_jiffies(600));
	EXPECT(stats().reclaimed_blocks == 30);
	pool_stop();
	*shim_param_gc_interval_ms = 10000;
}

static unsigned int nr_graces;

static void count_grace(void)
{
	nr_graces++;
}

/* Passes that find nothing old enough leave the caches alone. */
static void test_age_calm(void)
{
	pool_start(NULL);
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	nr_graces = 0;
	shim_grace_hook = count_grace;
	shim_clock_advance(msecs_to_jiffies(100000));
	EXPECT(stats().gc_runs > 5 && !nr_graces);
	shim_clock_advance(msecs_to_jiffies(1000000));
	EXPECT(!bytepool_size(pool) && nr_graces);
	shim_grace_hook = NULL;
	pool_stop();
}

static void test_never(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER };

	pool_start(&params);
	bytepool_free(pool, bytepool_alloc(pool, 5000, GFP_KERNEL));
	EXPECT(!shim_works_pending());
	EXPECT(bytepool_gc(pool, NULL) == 0);
	/* However long that is. */
	shim_clock_advance(MAX_JIFFY_OFFSET + 1);
	EXPECT(bytepool_gc(pool, NULL) == 0);
	EXPECT(shim_sysfs_write("bytepool/pools/basic/idle_timeout_ms", "40") == 2);
	shim_clock_advance(5000);
	EXPECT(bytepool_size(pool) == 0);
	EXPECT(!shim_works_pending());
	/* A reserve alone is nothing to wake up for either. */
	EXPECT(!bytepool_reserve(pool, 5000, 7, GFP_KERNEL));
	shim_clock_advance(50000);
	EXPECT(stats().blocks_idle >= 7 && !shim_works_pending());
	pool_stop();
}

static void test_single(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_SINGLE, .idle_timeout_ms = 40 };
	size_t held;

	pool_start(&params);
	bytepool_free(pool, bytepool_alloc(pool, 5000, GFP_KERNEL));
	EXPECT(!shim_works_pending());
	shim_clock_advance(10);
	EXPECT(bytepool_gc(pool, &held) == 0 && held > 0);
	shim_clock_advance(1);
	EXPECT(bytepool_gc(pool, &held) > 0 && held == 0);
	EXPECT(shim_sysfs_write("bytepool/pools/basic/trim", "1") == -EOPNOTSUPP);
	pool_stop();
}

/* What comes in between at each point, for the tests below */

static void (*between)(void);
static unsigned int nr_between;

static void at_point(void)
{
	nr_between++;
	between();
}

/* Do @op as often as it has points, with what comes in between once at each: how many points. */
static unsigned int at_each_point(void (*op)(void), void (*what)(void))
{
	unsigned int point;

	between = what;
	shim_point_hook = at_point;
	for (point = 1; point < 10000; point++) {
		nr_between = 0;
		shim_countdown = point;
		op();
		shim_countdown = 0;
		shim_irq_restore(shim_irq_save());
		if (!nr_between)
			break;
	}
	shim_point_hook = NULL;
	return point - 1;
}

/* Limits and reserves */

static void test_limit(void)
{
	const struct bytepool_params params = { .limit_bytes = 10 * 4096 };
	void *blocks[11], *p;
	unsigned int cpu;

	pool_start(&params);
	EXPECT(!bytepool_alloc_bulk(pool, 4096, GFP_KERNEL, 11, blocks));
	EXPECT(stats().blocks_in_use == 0);
	EXPECT(bytepool_alloc_bulk(pool, 4096, GFP_KERNEL, 10, blocks) == 10);
	EXPECT(!bytepool_alloc(pool, 4096, GFP_ATOMIC) && !bytepool_alloc(pool, 8, GFP_KERNEL));
	EXPECT(bytepool_size(pool) == 10 * 4096);
	/* What other CPUs and classes have idle makes room. */
	for (cpu = 0; cpu < 4; cpu++) {
		on_cpu(cpu);
		bytepool_free(pool, blocks[cpu]);
	}
	p = bytepool_alloc(pool, 4 * 4096, GFP_KERNEL);
	EXPECT(p && bytepool_size(pool) == 10 * 4096);
	bytepool_free(pool, p);
	bytepool_free_bulk(pool, 6, blocks + 4);
	EXPECT(bytepool_reserve(pool, 4096, 11, GFP_KERNEL) == -ENOMEM);
	EXPECT(!bytepool_reserve(pool, 4096, 10, GFP_KERNEL));
	EXPECT(bytepool_size(pool) == 10 * 4096);
	EXPECT(!bytepool_reserve(pool, 4096, 0, GFP_KERNEL));
	/* Where no room would do, none is made. */
	EXPECT(!bytepool_alloc(pool, 11 * 4096, GFP_KERNEL));
	EXPECT(bytepool_size(pool) == 10 * 4096);
	pool_stop();
}

/* To the byte, though slabs are whole pages. */
static void test_limit_edges(void)
{
	static const unsigned long limits[] = { 1, 4095, 4096, 4097, 3 * 4096 - 1, 3 * 4096 };
	void *blocks[4];
	unsigned int i, nr;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		const struct bytepool_params params = { .limit_bytes = limits[i] };

		pool_start(&params);
		for (nr = 0; nr < ARRAY_SIZE(blocks); nr++)
			blocks[nr] = bytepool_alloc(pool, 4096, GFP_ATOMIC);
		EXPECT(bytepool_size(pool) == (limits[i] & PAGE_MASK));
		bytepool_free_bulk(pool, ARRAY_SIZE(blocks), blocks);
		pool_stop();
	}
}

static void *taken[4];

static void take_all(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(taken); i++)
		taken[i] = bytepool_alloc(pool, SZ_64K, GFP_ATOMIC);
}

static void other_takes_all(void)
{
	shim_cpu_run_other(5, take_all);
}

static void op_take_one(void)
{
	void *p = bytepool_alloc(pool, SZ_64K, GFP_ATOMIC);

	shim_countdown = 0;
	EXPECT(bytepool_size(pool) <= ARRAY_SIZE(taken) * SZ_64K);
	bytepool_free(pool, p);
	bytepool_free_bulk(pool, ARRAY_SIZE(taken), taken);
	memset(taken, 0, sizeof(taken));
	bytepool_trim(pool);
}

/* Another CPU takes all that the limit allows, at any point of an allocation. */
static void test_limit_race(void)
{
	const struct bytepool_params params = { .limit_bytes = ARRAY_SIZE(taken) * SZ_64K };

	pool_start(&params);
	EXPECT(at_each_point(op_take_one, other_takes_all) > 10);
	pool_stop();
}

static void use_cache(void)
{
	bytepool_free(pool, bytepool_alloc(pool, 64, GFP_ATOMIC));
}

static void use_cache_elsewhere(void)
{
	shim_cpu_run_other(5, use_cache);
	shim_countdown = 1;
}

/* An alloc of 64 KiB is refused, while another CPU uses its cache again and again. */
static void refused_amid_use(void)
{
	nr_graces = 0;
	shim_grace_hook = count_grace;
	shim_point_hook = use_cache_elsewhere;
	shim_countdown = 1;
	EXPECT(!bytepool_alloc(pool, SZ_64K, GFP_KERNEL));
	shim_countdown = 0;
	shim_point_hook = NULL;
	shim_grace_hook = NULL;
}

/* Who gets nothing learns it soon, also where caches are in use. */
static void test_limit_refused(void)
{
	const struct bytepool_params params = { .limit_bytes = 1 << 20, .flags = BYTEPOOL_CONTIG };
	void *blocks[15], *small;

	shim_exact_node = true;		/* or CPU 5 may not keep what it frees */
	pool_start(&params);
	shim_cpu_move(5);
	small = bytepool_alloc(pool, 64, GFP_KERNEL);
	shim_cpu_move(0);
	/* Below the limit it is the system that is short: one look at what is idle will do. */
	bytepool_free(pool, bytepool_alloc(pool, SZ_64K, GFP_KERNEL));
	bytepool_trim(pool);
	shim_cpu_run_other(5, use_cache);
	shim_fail(SHIM_FAIL_PAGES, 1, true);
	refused_amid_use();
	shim_fail(0, 0, false);
	EXPECT(nr_graces == 1);
	EXPECT(bytepool_alloc_bulk(pool, SZ_64K, GFP_KERNEL, 15, blocks) == 15);
	refused_amid_use();
	EXPECT(nr_graces && nr_graces <= 3);
	bytepool_free_bulk(pool, 15, blocks);
	bytepool_free(pool, small);
	pool_stop();
	shim_exact_node = false;
}

static void *waited_for[2];
static unsigned int nr_waits;

static void free_waited_for(void)
{
	unsigned int first = !waited_for[0];

	bytepool_free(pool, waited_for[first]);
	waited_for[first] = NULL;
}

static void on_wait(void)
{
	EXPECT(++nr_waits == 1);
	if (nr_waits > 10)
		shim_die("it waits for ever");
	shim_cpu_run_other(3, free_waited_for);
}

/* Both at the limit and when the system has nothing. */
static void test_wait(void)
{
	unsigned int short_of;
	void *p;

	for (short_of = 0; short_of < 2; short_of++) {
		const struct bytepool_params params = { .limit_bytes = short_of ? 0 : 2 * 8192 };

		pool_start(&params);
		EXPECT(!bytepool_reserve(pool, 8192, 1, GFP_KERNEL));
		waited_for[0] = bytepool_alloc(pool, 8192, GFP_KERNEL);
		waited_for[1] = bytepool_alloc(pool, 8192, GFP_KERNEL);
		shim_fail(SHIM_FAIL_PAGES | SHIM_FAIL_VMALLOC, short_of, true);
		EXPECT(!bytepool_alloc(pool, 8192, GFP_ATOMIC));
		nr_waits = 0;
		shim_wait_hook = on_wait;
		p = bytepool_alloc(pool, 8192, GFP_KERNEL);
		EXPECT(p && nr_waits == 1);
		shim_wait_hook = NULL;
		shim_fail(0, 0, false);
		bytepool_free(pool, p);
		bytepool_free(pool, waited_for[1]);
		pool_stop();
	}
}

static void test_reserve(void)
{
	void *blocks[20];
	unsigned int cpu;

	pool_start(NULL);
	EXPECT(bytepool_alloc_bulk(pool, 5000, GFP_KERNEL, 8, blocks) == 8);
	for (cpu = 0; cpu < 8; cpu++) {
		on_cpu(cpu % 4);
		bytepool_free(pool, blocks[cpu]);
	}
	EXPECT(!bytepool_reserve(pool, 5000, 20, GFP_KERNEL));
	bytepool_trim(pool);
	EXPECT(stats().blocks_idle >= 20);
	/* From wherever it was freed, it serves any CPU, and without the system. */
	shim_fail(SHIM_FAIL_ANY, 1, true);
	on_cpu(2);
	EXPECT(bytepool_alloc_bulk(pool, 5000, GFP_ATOMIC, 20, blocks) == 20);
	for (cpu = 0; cpu < 20; cpu++) {
		on_cpu(cpu % 4);
		bytepool_free(pool, blocks[cpu]);
	}
	on_cpu(1);
	EXPECT(bytepool_alloc_bulk(pool, 5000, GFP_ATOMIC, 20, blocks) == 20);
	bytepool_free_bulk(pool, 20, blocks);
	shim_fail(0, 0, false);
	EXPECT(!bytepool_reserve(pool, 5000, 0, GFP_KERNEL));
	bytepool_trim(pool);
	EXPECT(bytepool_size(pool) == 0);
	pool_stop();
}

/* What other CPUs have cached becomes the reserve's. */
static void test_reserve_cached(void)
{
	void *blocks[8];
	unsigned int i;

	pool_start(NULL);
	EXPECT(bytepool_alloc_bulk(pool, 20000, GFP_KERNEL, 8, blocks) == 8);
	for (i = 0; i < 4; i++) {
		on_cpu(i);
		/* The first makes the cache. */
		bytepool_free(pool, blocks[i]);
		bytepool_free(pool, blocks[i + 4]);
	}
	EXPECT(!bytepool_reserve(pool, 20000, 8, GFP_KERNEL));
	EXPECT(stats().misses == 8);
	shim_fail(SHIM_FAIL_ANY, 1, true);
	on_cpu(5);
	EXPECT(bytepool_alloc_bulk(pool, 20000, GFP_ATOMIC, 8, blocks) == 8);
	shim_fail(0, 0, false);
	bytepool_free_bulk(pool, 8, blocks);
	pool_stop();
}

/* What is reserved wakes nobody; what is idle above it is given back, however it came there. */
static void test_reserve_age(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = 1000, .limit_bytes = 4096 };
	unsigned long end = msecs_to_jiffies(1000) + 2 * msecs_to_jiffies(100);
	unsigned int i;

	*shim_param_gc_interval_ms = 100;
	pool_start(&params);
	/* Below the limit there is room for a slab of one block alone. */
	EXPECT(!bytepool_reserve(pool, 3072, 1, GFP_KERNEL));
	for (i = 0; i < 10; i++) {
		bytepool_free(pool, bytepool_alloc(pool, 3072, GFP_ATOMIC));
		EXPECT(!shim_works_pending());
		shim_clock_advance(10);
	}
	/* However many, no more than were asked for. */
	EXPECT(shim_sysfs_write("bytepool/pools/basic/limit_bytes", "0") == 1);
	EXPECT(!bytepool_reserve(pool, 3072, 25, GFP_KERNEL));
	EXPECT(stats().blocks_idle == 25 && !shim_works_pending());
	/* One more, and what is above the reserve is given back. */
	bytepool_reserve(pool, 3072, 24, GFP_KERNEL);
	shim_clock_advance(end);
	EXPECT(stats().blocks_idle == 24 && stats().reclaimed_blocks == 1);
	shim_clock_advance(end);
	EXPECT(!shim_works_pending());
	pool_stop();
	*shim_param_gc_interval_ms = 10000;
}

/* Failures at each step */

static void op_create(void)
{
	bytepool_destroy(bytepool_create("other", NULL));
}

static void op_devm(void)
{
	struct device dev = {};

	if (!IS_ERR(devm_bytepool_create(&dev, "other", NULL)))
		shim_device_release(&dev);
}

static void op_alloc_small(void)
{
	bytepool_free(pool, bytepool_alloc(pool, 40, GFP_ATOMIC));
}

static void op_alloc_large(void)
{
	bytepool_free(pool, bytepool_zalloc(pool, 300000, GFP_KERNEL));
}

static void op_alloc_mid(void)
{
	bytepool_free(pool, bytepool_alloc(pool, 5000, GFP_NOIO));
}

static void op_bulk(void)
{
	unsigned int nr, i;
	void *blocks[30];

	nr = bytepool_alloc_bulk(pool, 3000, GFP_KERNEL, 30, blocks);
	EXPECT(nr == 0 || nr == 30);
	for (i = 0; i < nr; i++)
		memset(blocks[i], i, 3000);
	bytepool_free_bulk(pool, nr, blocks);
}

static void op_reserve(void)
{
	int err = bytepool_reserve(pool, 6000, 12, GFP_KERNEL);

	EXPECT(err ? bytepool_size(pool) == 0 : stats().blocks_idle >= 12);
	EXPECT(!bytepool_reserve(pool, 6000, 0, GFP_KERNEL) || !bytepool_size(pool));
}

/* Each failure alone, and with all after it; the memory that it had is back after. */
static void failures_of(void (*op)(void))
{
	unsigned long nth, all;

	for (all = 0; all < 2; all++) {
		for (nth = 1; nth < 1000; nth++) {
			struct shim_usage before, after;
			unsigned long failed;

			before = shim_usage();
			pool = bytepool_create("basic", NULL);
			shim_fail(SHIM_FAIL_ANY, nth, all);
			op();
			failed = shim_failed();
			shim_fail(0, 0, false);
			EXPECT(stats().blocks_in_use == 0);
			bytepool_trim(pool);
			EXPECT(bytepool_size(pool) == 0);
			bytepool_destroy(pool);
			shim_clock_advance(10);
			after = shim_usage();
			EXPECT(after.kmallocs == before.kmallocs);
			EXPECT(after.page_bytes == before.page_bytes);
			if (!failed)
				break;
		}
		EXPECT(nth < 1000);
	}
}

static void test_failures(void)
{
	static void (* const ops[])(void) = {
		op_create, op_devm, op_alloc_small, op_alloc_mid, op_alloc_large, op_bulk,
		op_reserve,
	};
	unsigned int i;

	test_module_start();
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		failures_of(ops[i]);
	test_module_stop();
}

static void test_load_failures(void)
{
	unsigned long nth;
	int err;

	for (nth = 1; nth < 100; nth++) {
		shim_fail(SHIM_FAIL_ANY, nth, false);
		err = shim_module_init();
		if (!shim_failed())
			break;
		shim_fail(0, 0, false);
		EXPECT(err == -ENOMEM);
		EXPECT(!shim_usage().kmallocs && !shim_works_pending());
	}
	shim_fail(0, 0, false);
	EXPECT(nth > 5 && !err);
	test_module_stop();
}

/* What comes in between at each point */

static void *in_between[8];

/* Takes and gives back, so that the caches run full and empty too. */
static void use_in_between(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(in_between); i++)
		in_between[i] = bytepool_alloc(pool, 40 + (i % 2) * 5000, GFP_ATOMIC);
	for (i = 0; i < ARRAY_SIZE(in_between); i++) {
		if (in_between[i])
			memset(in_between[i], 0xee, 40);
		bytepool_free(pool, in_between[i]);
	}
}

static void other_in_between(void)
{
	shim_cpu_run_other(5, use_in_between);
}

static void op_use(void)
{
	u8 *p = bytepool_alloc(pool, 40, GFP_KERNEL);
	u8 *q = bytepool_alloc(pool, 5000, GFP_KERNEL);
	unsigned int i;
	void *many[40];

	memset(p, 1, 40);
	memset(q, 2, 5000);
	EXPECT(bytepool_alloc_bulk(pool, 40, GFP_KERNEL, 40, many) == 40);
	for (i = 0; i < 40; i++)
		memset(many[i], i, 40);
	EXPECT(bytes_are(p, 1, 40) && bytes_are(q, 2, 5000));
	bytepool_free(pool, p);
	for (i = 0; i < 40; i++)
		EXPECT(bytes_are(many[i], i, 40));
	bytepool_free_bulk(pool, 40, many);
	bytepool_free(pool, q);
	EXPECT(stats().blocks_in_use == 0);
}

static void op_trim(void)
{
	op_use();
	bytepool_trim(pool);
}

static void op_gc(void)
{
	op_use();
	shim_clock_advance(100);
}

static void op_set_reserve(void)
{
	op_use();
	EXPECT(!bytepool_reserve(pool, 40, 200, GFP_KERNEL));
	op_use();
	EXPECT(!bytepool_reserve(pool, 40, 0, GFP_KERNEL));
}

static void in_between_all(void (*what)(void))
{
	const struct bytepool_params params = { .idle_timeout_ms = 20 };

	*shim_param_gc_interval_ms = 10;
	pool_start(&params);
	shim_hardirq = use_in_between;
	EXPECT(at_each_point(op_use, what) > 100);
	EXPECT(at_each_point(op_trim, what) > 100);
	EXPECT(at_each_point(op_gc, what) > 100);
	EXPECT(at_each_point(op_set_reserve, what) > 100);
	shim_hardirq = NULL;
	EXPECT(stats().allocs == stats().frees && stats().bad_frees == 0);
	shim_clock_advance(1000);
	EXPECT(bytepool_size(pool) == 0 && !shim_works_pending());
	pool_stop();
	*shim_param_gc_interval_ms = 10000;
}

static void test_interrupts(void)
{
	in_between_all(shim_interrupt);
}

static void test_other_cpus(void)
{
	in_between_all(other_in_between);
}

static void *known[16];

static void reuse_known(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		bytepool_free(pool, known[i]);
		known[i] = bytepool_alloc(pool, 3000, GFP_ATOMIC);
		EXPECT(bytepool_usable_size(pool, known[i]) == 3072);
	}
}

/*
 * Blocks take each other's place in the look-aside, while an interrupt frees
 * those that are there.
 */
static void test_look_places(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER };
	static void *blocks[100];
	unsigned int i, point;

	pool_start(&params);
	EXPECT(bytepool_alloc_bulk(pool, 3000, GFP_KERNEL, ARRAY_SIZE(known), known));
	EXPECT(bytepool_alloc_bulk(pool, 64, GFP_KERNEL, ARRAY_SIZE(blocks), blocks));
	shim_hardirq = reuse_known;
	shim_point_hook = at_point;
	between = shim_interrupt;
	for (i = 0; i < ARRAY_SIZE(blocks); i++) {
		for (point = 1; point < 100; point++) {
			/* Forget all, and then remember these. */
			bytepool_trim(pool);
			reuse_known();
			nr_between = 0;
			shim_countdown = point;
			bytepool_free(pool, blocks[i]);
			shim_countdown = 0;
			shim_irq_restore(shim_irq_save());
			blocks[i] = bytepool_alloc(pool, 64, GFP_KERNEL);
			EXPECT(bytepool_usable_size(pool, blocks[i]) == 64);
			if (!nr_between)
				break;
		}
	}
	shim_point_hook = NULL;
	shim_hardirq = NULL;
	bytepool_free_bulk(pool, ARRAY_SIZE(known), known);
	bytepool_free_bulk(pool, ARRAY_SIZE(blocks), blocks);
	EXPECT(stats().bad_frees == 0);
	pool_stop();
}

static void *last_block;

static void free_last(void)
{
	bytepool_free(pool, last_block);
	last_block = NULL;
}

static void other_frees_last(void)
{
	shim_cpu_run_other(5, free_last);
}

static void take_again(void)
{
	bytepool_free(pool, last_block);
	last_block = bytepool_alloc(pool, 4096, GFP_ATOMIC);
}

/* Then its cache is open, and empty. */
static void other_takes_again(void)
{
	shim_cpu_run_other(5, take_again);
}

/* The GC finds nothing; at each step from there to sleep, another CPU has something after all. */
static void sleep_with(void (*what)(void))
{
	const struct bytepool_params params = { .idle_timeout_ms = 20 };
	unsigned int point;
	void *p;

	*shim_param_gc_interval_ms = 100;
	pool_start(&params);
	between = what;
	for (point = 1; point < 1000; point++) {
		shim_cpu_move(5);
		last_block = bytepool_alloc(pool, 4096, GFP_KERNEL);
		/* Its cache is open, and empty. */
		bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
		p = bytepool_alloc(pool, 4096, GFP_KERNEL);
		shim_cpu_move(0);
		shim_point_hook = at_point;
		nr_between = 0;
		shim_countdown = point;
		shim_clock_advance(msecs_to_jiffies(100));
		shim_countdown = 0;
		shim_point_hook = NULL;
		if (!nr_between)
			break;
		other_frees_last();
		shim_clock_advance(msecs_to_jiffies(20) + 2 * msecs_to_jiffies(100));
		EXPECT(stats().blocks_idle == 0);
		bytepool_free(pool, p);
		shim_clock_advance(1000);
	}
	EXPECT(point > 3 && point < 1000);
	bytepool_free(pool, p);
	bytepool_free(pool, last_block);
	pool_stop();
	*shim_param_gc_interval_ms = 10000;
}

static void test_sleep(void)
{
	sleep_with(other_frees_last);
	sleep_with(other_takes_again);
}

/* Orphans: slabs that the table would not take */

static void *orphan_block[2];

static void use_orphan(void)
{
	EXPECT(bytepool_usable_size(pool, orphan_block[0]) == 64);
	if (orphan_block[1])
		bytepool_free(pool, orphan_block[1]);
	orphan_block[1] = NULL;
}

static void orphan_in_between(void)
{
	shim_cpu_run_other(5, use_orphan);
}

static void op_orphan(void)
{
	shim_fail(SHIM_FAIL_TABLE, 1, true);
	orphan_block[0] = bytepool_alloc(pool, 64, GFP_ATOMIC);
	orphan_block[1] = bytepool_alloc(pool, 64, GFP_ATOMIC);
	EXPECT(shim_failed() && orphan_block[0]);
	shim_fail(0, 0, false);
	use_orphan();
	orphan_block[1] = bytepool_alloc(pool, 64, GFP_ATOMIC);
	/* Now the work puts it into the table, meanwhile it is looked for. */
	shim_clock_advance(3);
	use_orphan();
	EXPECT(!shim_works_pending());
	bytepool_free(pool, orphan_block[0]);
	bytepool_trim(pool);
	EXPECT(bytepool_size(pool) == 0 && stats().bad_frees == 0);
}

static void test_orphan_lookup(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER };
	unsigned int point;

	pool_start(&params);
	between = orphan_in_between;
	for (point = 1; point < 1000; point++) {
		shim_fail(SHIM_FAIL_TABLE, 1, true);
		orphan_block[0] = bytepool_alloc(pool, 64, GFP_ATOMIC);
		orphan_block[1] = bytepool_alloc(pool, 64, GFP_ATOMIC);
		shim_fail(0, 0, false);
		shim_point_hook = at_point;
		nr_between = 0;
		shim_countdown = point;
		shim_clock_advance(3);
		shim_countdown = 0;
		shim_point_hook = NULL;
		use_orphan();
		bytepool_free(pool, orphan_block[0]);
		bytepool_trim(pool);
		EXPECT(bytepool_size(pool) == 0);
		if (!nr_between)
			break;
	}
	EXPECT(point > 3 && point < 1000 && stats().bad_frees == 0);
	op_orphan();
	pool_stop();
}

static void work_in_between(void)
{
	shim_clock_advance(3);
}

static void other_works(void)
{
	shim_cpu_run_other(5, work_in_between);
}

/* Not in the table yet, and then not on the list any more: it is found all the same. */
static void test_orphan_moves(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER };
	unsigned int point;

	pool_start(&params);
	between = other_works;
	for (point = 1; point < 1000; point++) {
		shim_fail(SHIM_FAIL_TABLE, 1, true);
		orphan_block[0] = bytepool_alloc(pool, 64, GFP_ATOMIC);
		shim_fail(0, 0, false);
		shim_point_hook = at_point;
		nr_between = 0;
		shim_countdown = point;
		EXPECT(bytepool_usable_size(pool, orphan_block[0]) == 64);
		shim_countdown = 0;
		shim_point_hook = NULL;
		shim_clock_advance(3);
		bytepool_free(pool, orphan_block[0]);
		bytepool_trim(pool);
		if (!nr_between)
			break;
	}
	EXPECT(point > 1 && point < 1000 && stats().bad_frees == 0);
	pool_stop();
}

/* Given back before the work comes; only half in the table; failing for a while. */
static void test_orphans(void)
{
	unsigned long nth;
	void *p;

	pool_start(NULL);
	for (nth = 1; nth < 10; nth++) {
		shim_fail(SHIM_FAIL_TABLE, nth, true);
		p = bytepool_alloc(pool, 2720, GFP_KERNEL);
		EXPECT(p && bytepool_usable_size(pool, p));
		shim_clock_advance(nth % 3);
		EXPECT(bytepool_usable_size(pool, p));
		shim_fail(0, 0, false);
		if (nth % 2)
			shim_clock_advance(2);
		bytepool_free(pool, p);
		bytepool_trim(pool);
		EXPECT(bytepool_size(pool) == 0);
		bad_free(p);
		/* No memory for an orphan either. */
		shim_fail(SHIM_FAIL_TABLE | SHIM_FAIL_KMALLOC, nth, true);
		p = bytepool_alloc(pool, 2720, GFP_ATOMIC);
		shim_fail(0, 0, false);
		bytepool_free(pool, p);
		bytepool_trim(pool);
		EXPECT(bytepool_size(pool) == 0);
	}
	shim_clock_advance(10);
	EXPECT(stats().blocks_in_use == 0);
	pool_stop();
	test_expect_warnings(1);
}

/* Contexts */

static void *irq_block;

static void alloc_in_irq(void)
{
	irq_block = bytepool_alloc(pool, 100, GFP_ATOMIC);
}

static void free_in_irq(void)
{
	bytepool_free(pool, irq_block);
}

/* New memory in an interrupt, if this kernel lets us; idle memory always. */
static void test_hardirq(void)
{
	bool rt = IS_ENABLED(CONFIG_PREEMPT_RT);
	void *p;

	pool_start(NULL);
	shim_hardirq = alloc_in_irq;
	shim_interrupt();
	EXPECT(!irq_block == rt);
	shim_hardirq = free_in_irq;
	shim_interrupt();
	p = bytepool_alloc(pool, 100, GFP_KERNEL);
	bytepool_free(pool, p);
	shim_hardirq = alloc_in_irq;
	shim_interrupt();
	EXPECT(irq_block);
	shim_hardirq = free_in_irq;
	shim_interrupt();
	shim_hardirq = NULL;
	pool_stop();
}

static void test_spinlock(void)
{
	DEFINE_RAW_SPINLOCK(lock);
	unsigned long flags;
	void *p;

	pool_start(NULL);
	bytepool_free(pool, bytepool_alloc(pool, 100, GFP_KERNEL));
	raw_spin_lock_irqsave(&lock, flags);
	p = bytepool_alloc(pool, 100, GFP_ATOMIC);
	EXPECT(p);
	bytepool_free(pool, p);
	p = bytepool_alloc(pool, 3000, GFP_NOWAIT);
	EXPECT(!p == IS_ENABLED(CONFIG_PREEMPT_RT));
	bytepool_free(pool, p);
	raw_spin_unlock_irqrestore(&lock, flags);
	pool_stop();
}

/* The end */

static void test_destroy_in_use(void)
{
	u8 *p, *q;

	pool_start(NULL);
	test_note_born(true);
	p = bytepool_alloc(pool, 50, GFP_KERNEL);
	q = bytepool_alloc(pool, 50000, GFP_KERNEL);
	test_note_born(false);
	bytepool_free(pool, bytepool_alloc(pool, 3000, GFP_KERNEL));
	bytepool_destroy(pool);
	test_expect_warnings(1);
	EXPECT(strstr(shim_last_message(), "2 blocks"));
	memset(p, 1, 50);
	memset(q, 1, 50000);
	/* Nor does another pool know them now. */
	EXPECT(!bytepool_usable_size(bytepool_system, p));
	bytepool_free(bytepool_system, q);
	test_expect_warnings(1);
	EXPECT(test_release_born() == 2);
	test_module_stop();
}

static void test_sysfs(void)
{
	static const char * const bad[] = {
		"", "x", "-1", "4294967296", "1x", "18446744073709551616",
	};
	static const char * const files[] = {
		"bytepool/idle_timeout_ms", "bytepool/gc_interval_ms", "bytepool/trim",
		"bytepool/pools/basic/idle_timeout_ms", "bytepool/pools/basic/gc",
		"bytepool/pools/basic/trim",
	};
	unsigned int i, j;

	pool_start(NULL);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		for (j = 0; j < ARRAY_SIZE(bad); j++) {
			ssize_t err = shim_sysfs_write(files[i], bad[j]);

			EXPECT(err == -EINVAL || err == -ERANGE);
		}
	}
	/* That number is BYTEPOOL_TIMEOUT_NEVER. */
	EXPECT(shim_sysfs_write("bytepool/idle_timeout_ms", "4294967295") == -ERANGE);
	EXPECT(shim_sysfs_write("bytepool/pools/basic/idle_timeout_ms", "4294967295") == -ERANGE);
	EXPECT(reads("bytepool/idle_timeout_ms", "300000\n"));
	EXPECT(reads("bytepool/gc_interval_ms", "10000\n"));
	EXPECT(shim_sysfs_write("bytepool/gc_interval_ms", "9") == -ERANGE);
	EXPECT(shim_sysfs_write("bytepool/gc_interval_ms", "3600001") == -ERANGE);
	EXPECT(shim_sysfs_write("bytepool/gc_interval_ms", "3600000\n") == 8);
	EXPECT(reads("bytepool/gc_interval_ms", "3600000\n"));
	EXPECT(shim_sysfs_write("bytepool/gc_interval_ms", "10000") == 5);
	EXPECT(shim_sysfs_write("bytepool/trim", "2") == -EINVAL);
	EXPECT(reads("bytepool/pools/basic/idle_timeout_ms", "default\n"));
	EXPECT(shim_sysfs_write("bytepool/pools/basic/idle_timeout_ms", "0") == 1);
	EXPECT(reads("bytepool/pools/basic/idle_timeout_ms", "0\n"));
	EXPECT(shim_sysfs_write("bytepool/pools/basic/idle_timeout_ms", "77\n") == 3);
	EXPECT(reads("bytepool/pools/basic/idle_timeout_ms", "77\n"));
	EXPECT(shim_sysfs_write("bytepool/pools/basic/idle_timeout_ms", "default") == 7);
	EXPECT(reads("bytepool/pools/basic/idle_timeout_ms", "default\n"));
	EXPECT(reads("bytepool/pools/basic/limit_bytes", "0\n"));
	EXPECT(shim_sysfs_write("bytepool/pools/basic/limit_bytes", "-1") == -EINVAL);
	EXPECT(reads("bytepool/pools/basic/min_size", "8\n"));
	EXPECT(reads("bytepool/pools/basic/max_size", "4194304\n"));
	EXPECT(reads("bytepool/pools/basic/nr_classes", "72\n"));
	bytepool_free(pool, bytepool_alloc(pool, 8192, GFP_KERNEL));
	EXPECT(reads("bytepool/bytes_held", "8192\n"));
	EXPECT(reads("bytepool/pools/basic/stats/bytes_idle", "8192\n"));
	EXPECT(shim_sysfs_write("bytepool/trim", "1") == 1);
	EXPECT(reads("bytepool/bytes_held", "0\n"));
	/* What is idle above a new limit goes. */
	bytepool_free(pool, bytepool_alloc(pool, 8192, GFP_KERNEL));
	EXPECT(shim_sysfs_write("bytepool/pools/basic/limit_bytes", "8192") == 4);
	EXPECT(bytepool_size(pool) == 8192);
	EXPECT(shim_sysfs_write("bytepool/pools/basic/limit_bytes", "4096") == 4);
	EXPECT(bytepool_size(pool) == 0);
	pool_stop();
	EXPECT(shim_sysfs_write("bytepool/trim", "1") == -ENOENT);
}

static const struct test tests[] = {
	{ "built in, and not there yet or not at all", test_built_in },
	{ "load and unload", test_load },
	{ "load with parameters out of range", test_load_parameters },
	{ "names", test_names },
	{ "parameters of a pool", test_parameters },
	{ "sizes", test_sizes },
	{ "sizes and zones that are refused", test_refused },
	{ "gfp", test_gfp },
	{ "bad frees", test_bad_frees },
	{ "a bad free of a block that is remembered", test_bad_free_known },
	{ "WIPE", test_wipe },
	{ "the shared pool where memory is initialised", test_init_on },
	{ "CONTIG", test_contig },
	{ "what is counted", test_counts },
	{ "idle blocks need no system", test_hot },
	{ "all sizes of a class are as fast", test_hot_sizes },
	{ "age, to the tick", test_age },
	{ "age beside a hot block", test_age_hot },
	{ "age of what is in a cache alone", test_age_cached },
	{ "age of what comes to the depot late", test_age_late },
	{ "age of a slab of several blocks", test_age_young },
	{ "age of what leaves a cache for other CPUs", test_age_batch },
	{ "nothing is old enough", test_age_calm },
	{ "never by age, and then after all", test_never },
	{ "SINGLE", test_single },
	{ "a node without memory", test_bare_node },
	{ "room among other CPUs' blocks", test_room },
	{ "limit", test_limit },
	{ "limit, to the byte", test_limit_edges },
	{ "limit, while another CPU takes all of it", test_limit_race },
	{ "limit, and nothing that could make room", test_limit_refused },
	{ "CPUs have slabs of their own", test_own_slabs },
	{ "a node without memory", test_full_node },
	{ "who waits gets the block that is freed", test_wait },
	{ "reserve", test_reserve },
	{ "reserve, of what is in caches", test_reserve_cached },
	{ "reserve, and age", test_reserve_age },
	{ "every allocation failing in every call", test_failures },
	{ "every allocation failing while loading", test_load_failures },
	{ "an interrupt at every point", test_interrupts },
	{ "another CPU at every point", test_other_cpus },
	{ "an interrupt while the look-aside changes", test_look_places },
	{ "something to give back while the GC goes to sleep", test_sleep },
	{ "lookups while an orphan finds its place", test_orphan_lookup },
	{ "an orphan finds its place during a lookup", test_orphan_moves },
	{ "orphans", test_orphans },
	{ "in an interrupt", test_hardirq },
	{ "under a spinlock", test_spinlock },
	{ "destroyed in use", test_destroy_in_use },
	{ "sysfs", test_sysfs },
};

int main(void)
{
	shim_cpu_enter(0);
	shim_virtual_clock = true;
	return test_main(tests, ARRAY_SIZE(tests));
}
