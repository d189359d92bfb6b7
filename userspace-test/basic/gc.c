// SPDX-License-Identifier: GPL-2.0-only
/*
 * Garbage collection by age.
 */
#include "basic.h"

/* Blocks are freed on several CPUs, some of which are idle afterwards. */
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
			shim_cpu_move(cpu);
			bytepool_free(pool, blocks[cpu]);
		}
		shim_cpu_move(0);
		shim_clock_advance(left);
		EXPECT(stats().reclaimed_blocks == 0);
		EXPECT(shim_works_pending());
		shim_clock_advance(2 * msecs_to_jiffies(100));
		EXPECT(bytepool_size(pool) == 0);
		/* Without idle memory, no work is pending. */
		shim_clock_advance(2 * msecs_to_jiffies(100));
		EXPECT(!shim_works_pending());
		pool_stop();
	}
	*shim_param_gc_interval_ms = 10000;
}

/* A busy block keeps the other blocks of its cache from neither ageing nor being freed. */
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

/* A block that was carved for a cache and freed to it has never been in the depot. */
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

/* A block that lay in a cache for long is older than blocks that came to the depot before it. */
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
	/* This CPU has no cache yet. */
	shim_cpu_move(2);
	bytepool_free(pool, blocks[1]);
	shim_cpu_move(0);
	shim_clock_advance(msecs_to_jiffies(400) + grace);
	EXPECT(stats().reclaimed_blocks == 1);
	shim_clock_advance(msecs_to_jiffies(600));
	EXPECT(stats().reclaimed_blocks == 2);
	bytepool_free(pool, blocks[2]);
	pool_stop();
	*shim_param_gc_interval_ms = 10000;
}

/* The age of a slab is the age of its youngest block. */
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

/* Old blocks that leave a cache in one magazine with younger ones keep their age. */
static void test_age_magazine(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = 1000 };
	void *blocks[30];

	*shim_param_gc_interval_ms = 100;
	pool_start(&params);
	EXPECT(bytepool_alloc_bulk(pool, 20000, GFP_KERNEL, 30, blocks) == 30);
	bytepool_free_bulk(pool, 20, blocks);
	shim_clock_advance(msecs_to_jiffies(600));
	/* The last block does not fit into the magazine of the others. */
	bytepool_free_bulk(pool, 10, blocks + 20);
	shim_clock_advance(msecs_to_jiffies(400) + 2 * msecs_to_jiffies(100));
	EXPECT(stats().reclaimed_blocks == 20);
	shim_clock_advance(msecs_to_jiffies(600));
	EXPECT(stats().reclaimed_blocks == 30);
	pool_stop();
	*shim_param_gc_interval_ms = 10000;
}

/* A pass that finds nothing old enough does not close the caches. */
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

/* A pass leaves younger blocks in the cache. */
static void test_age_part(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = 1000 };
	void *old, *young;

	shim_exact_node = true;
	pool_start(&params);
	old = bytepool_alloc(pool, 4096, GFP_KERNEL);
	young = bytepool_alloc(pool, 4096, GFP_KERNEL);
	bytepool_free(pool, old);
	shim_clock_advance(msecs_to_jiffies(600));
	bytepool_free(pool, young);
	EXPECT(class_cached(4096) == 2);
	shim_clock_advance(msecs_to_jiffies(600));
	EXPECT(bytepool_gc(pool, NULL) == 1 && class_cached(4096) == 1);
	shim_clock_advance(10 * HZ);
	EXPECT(!bytepool_size(pool));
	/* The next run lets the pool sleep, so that the next free starts the interval. */
	shim_clock_advance(10 * HZ);
	EXPECT(!shim_works_pending());
	old = bytepool_alloc(pool, 4096, GFP_KERNEL);
	young = bytepool_alloc(pool, 4096, GFP_KERNEL);
	bytepool_free(pool, old);
	shim_clock_advance(9 * HZ + HZ / 2);
	bytepool_free(pool, young);
	shim_clock_advance(HZ / 2 + 1);
	EXPECT(bytepool_size(pool) == 4096 && class_cached(4096) == 1);
	pool_stop();
	shim_exact_node = false;
}

/* A trim of all pools has one grace period for all, and none if nothing is idle. */
static void test_trim_all(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_SINGLE };
	struct bytepool *other, *single;
	void *blocks[100], *p;
	size_t held;

	pool_start(NULL);
	other = bytepool_create("other", NULL);
	single = bytepool_create("single", &params);
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	bytepool_free(other, bytepool_alloc(other, 4096, GFP_KERNEL));
	/* Its depot has blocks, and so has its cache. */
	EXPECT(bytepool_alloc_bulk(single, SZ_64K, GFP_KERNEL, 100, blocks) == 100);
	bytepool_free_bulk(single, 100, blocks);
	p = bytepool_alloc(single, 4096, GFP_KERNEL);
	bytepool_free(single, p);
	held = bytepool_size(single);
	nr_graces = 0;
	shim_grace_hook = count_grace;
	shim_grace_held = true;
	EXPECT(shim_sysfs_write("bytepool/trim", "1") == 1 && nr_graces == 1);
	EXPECT(!bytepool_size(pool) && !bytepool_size(other) && bytepool_size(single) == held);
	EXPECT(shim_sysfs_write("bytepool/trim", "1") == 1 && nr_graces == 1);
	EXPECT(bytepool_trim(pool) == 0 && nr_graces == 1);
	/* The cache of a SINGLE pool stays open. */
	EXPECT(bytepool_alloc(single, 4096, GFP_ATOMIC) == p);
	bytepool_free(single, p);
	EXPECT(bytepool_trim(single) == 101 && nr_graces == 1);
	shim_grace_held = false;
	shim_grace_hook = NULL;
	bytepool_destroy(single);
	bytepool_destroy(other);
	pool_stop();
}

static void test_never(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER };

	pool_start(&params);
	bytepool_free(pool, bytepool_alloc(pool, 5000, GFP_KERNEL));
	EXPECT(!shim_works_pending());
	EXPECT(bytepool_gc(pool, NULL) == 0);
	/* The block stays however old it is. */
	shim_clock_advance(MAX_JIFFY_OFFSET + 1);
	EXPECT(bytepool_gc(pool, NULL) == 0);
	EXPECT(shim_sysfs_write("bytepool/pools/basic/idle_timeout_ms", "40") == 2);
	shim_clock_advance(5000);
	EXPECT(bytepool_size(pool) == 0);
	EXPECT(!shim_works_pending());
	/* A reserve alone keeps no work pending. */
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

/* Free and allocate, so that the cache of this CPU is open and empty. */
static void other_takes_again(void)
{
	shim_cpu_run_other(5, take_again);
}

/* The GC finds nothing idle and is about to stop. At each point, another CPU frees a block. */
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
		/* Leave the cache of this CPU open and empty. */
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

static void set_interval(const char *ms)
{
	EXPECT(shim_sysfs_write("bytepool/gc_interval_ms", ms) == (ssize_t)strlen(ms));
}

static void free_a_block(void)
{
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
}

/* Writes to the interval do not put the GC off, however often they come. */
static void test_interval_writes(void)
{
	unsigned int i;

	pool_start(&(struct bytepool_params){ .idle_timeout_ms = 1000 });
	set_interval("20000");
	EXPECT(!shim_works_pending());
	free_a_block();
	for (i = 0; i < 20; i++) {
		shim_clock_advance(5 * HZ);
		set_interval("20000");
	}
	EXPECT(!bytepool_size(pool));
	/* A longer one holds at once, and so does a shorter one. */
	free_a_block();
	set_interval("3600000");
	shim_clock_advance(3000 * HZ);
	EXPECT(bytepool_size(pool) == 4096);
	set_interval("1000");
	shim_clock_advance(4 * HZ);
	EXPECT(!bytepool_size(pool));
	free_a_block();
	set_interval("1000");
	shim_clock_advance(4 * HZ);
	EXPECT(!bytepool_size(pool));
	set_interval("10000");
	pool_stop();
}

static void interval_is_short(void)
{
	set_interval("10");
}

static void interval_is_long(void)
{
	set_interval("3600000");
}

static void scan_once(void)
{
	shim_shrink(1);
}

static void (*meanwhile)(void);
static bool was_meanwhile;

static void run_meanwhile(void)
{
	if (meanwhile)
		was_meanwhile = shim_cpu_run_other(5, meanwhile);
	meanwhile = NULL;
}

/*
 * A write to the interval races with a free that wakes the pool, or with a scan that calls the GC.
 * Whatever comes first, the GC runs within an interval that is short in the end.
 */
static void test_interval_races(void)
{
	static const struct {
		void (*first)(void);
		void (*then)(void);
		void (*meanwhile)(void);
		void (*last)(void);
	} ways[] = {
		{ interval_is_long, free_a_block, interval_is_short, free_a_block },
		{ free_a_block, interval_is_long, scan_once, interval_is_short },
	};
	unsigned int i, point;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		was_meanwhile = true;
		for (point = 1; was_meanwhile; point++) {
			pool_start(&(struct bytepool_params){ .idle_timeout_ms = 1000 });
			ways[i].first();
			was_meanwhile = false;
			meanwhile = ways[i].meanwhile;
			shim_point_hook = run_meanwhile;
			shim_countdown = point;
			ways[i].then();
			shim_countdown = 0;
			shim_point_hook = NULL;
			ways[i].last();
			shim_clock_advance(10 * HZ);
			EXPECT(!bytepool_size(pool) || !was_meanwhile);
			set_interval("10000");
			pool_stop();
		}
		EXPECT(point > 2);
	}
}

const struct test gc_tests[] = {
	{ "GC: writes to its interval race with its calls", test_interval_races },
	{ "GC: writes to its interval", test_interval_writes },
	{ "age, to the tick", test_age },
	{ "age beside a hot block", test_age_hot },
	{ "age of a block that was only in a cache", test_age_cached },
	{ "age of a block that comes to the depot late", test_age_late },
	{ "age of a slab of several blocks", test_age_young },
	{ "age of blocks that leave a cache in one magazine", test_age_magazine },
	{ "no memory is old enough", test_age_calm },
	{ "age of a part of the blocks in a cache", test_age_part },
	{ "a trim of all pools", test_trim_all },
	{ "no time-out at first, then one", test_never },
	{ "SINGLE", test_single },
	{ "a block becomes idle while the GC goes to sleep", test_sleep },
	{}
};
