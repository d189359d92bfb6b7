// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test ageing. Idle memory is freed no earlier than the timeout, and no later
 * than two intervals after it, wherever the idle blocks are, and whichever
 * setting changes meanwhile.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>

#include "../internal/size_class.h"
#include "fixture.h"

static struct bytepool *ageing(struct kunit *test)
{
	bk_set_interval(test, BK_INTERVAL_MS);
	return bk_pool(test, &(struct bytepool_params){ .idle_timeout_ms = BK_TIMEOUT_MS });
}

struct age_case {
	const char *name;
	size_t size;
	unsigned int nr;
};

/*
 * A single block stays in a CPU's cache. Many blocks fill slabs. The largest
 * may come from vmalloc.
 */
static const struct age_case age_cases[] = {
	{ "one of 8", 8, 1 },
	{ "one of 64", 64, 1 },
	{ "a slab of 64", 64, 64 },
	{ "many of 64", 64, 3000 },
	{ "one of 1000", 1000, 1 },
	{ "many of 5120", 5120, 100 },
	{ "one page", 4096, 1 },
	{ "many pages", 4096, 200 },
	{ "one of 64 KiB", SZ_64K, 1 },
	{ "many of 64 KiB", SZ_64K, 60 },
	{ "some of 1 MiB", SZ_1M, 5 },
	{ "some of 4 MiB", SZ_4M, 3 },
};

static void age_desc(const struct age_case *age_case, char *desc)
{
	strscpy(desc, age_case->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(age, age_cases, age_desc);

/* The GC counts memory that it has given back a moment after the pool stops holding it. */
static void wait_reclaimed(struct bytepool *pool, u64 bytes)
{
	unsigned int tick;

	for (tick = 0; tick < 2 * HZ && bk_stats(pool).reclaimed_bytes < bytes; tick++)
		schedule_timeout_uninterruptible(1);
}

static void given_back_in_time(struct kunit *test)
{
	const struct age_case *age_case = test->param_value;
	void **blocks = bk_array(test, age_case->nr);
	struct bytepool *pool = ageing(test);
	struct bytepool_stats stats;
	ktime_t freed;

	bk_alloc_many(test, pool, age_case->size, age_case->nr, blocks);
	freed = ktime_get();
	bk_free_many(pool, age_case->nr, blocks);
	stats = bk_stats(pool);
	/* Nothing is freed early. */
	bk_wait_held(test, pool, stats.bytes_held - 1, freed, BK_TIMEOUT_MS, BK_LATEST_MS);
	/* Everything is freed in time. */
	bk_wait_held(test, pool, 0, freed, BK_TIMEOUT_MS, BK_LATEST_MS);
	wait_reclaimed(pool, stats.reclaimed_bytes + stats.bytes_held);
	/*
	 * If freeing took longer than the timeout, some blocks were reclaimed
	 * before it ended.
	 */
	KUNIT_EXPECT_EQ(test, bk_stats(pool).reclaimed_blocks,
			stats.reclaimed_blocks + stats.blocks_idle);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).reclaimed_bytes,
			stats.reclaimed_bytes + stats.bytes_held);
	KUNIT_EXPECT_GE(test, bk_stats(pool).gc_runs, 1);
	bk_check_stats(test, pool);
}

/* The bounds hold for any ratio of the timeout to the interval. */
static void whatever_the_timeout(struct kunit *test)
{
	static const unsigned int timeouts[] = { 1, 10, 60, 130, 310, 333 };
	unsigned int i;

	bk_set_interval(test, BK_INTERVAL_MS);
	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		struct bytepool *pool = bk_pool(test, &(struct bytepool_params){
			.idle_timeout_ms = timeouts[i],
		});
		void *block = bytepool_alloc(pool, SZ_64K, GFP_KERNEL);
		ktime_t freed = ktime_get();

		KUNIT_ASSERT_NOT_NULL(test, block);
		bytepool_free(pool, block);
		bk_wait_held(test, pool, 0, freed, timeouts[i], timeouts[i] + 2 * BK_INTERVAL_MS);
	}
}

/* Two sets of blocks, freed at different times, are reclaimed at different times. */
static void each_at_its_age(struct kunit *test)
{
	struct bytepool *pool = ageing(test);
	ktime_t first, second;
	void *blocks[4];

	bk_alloc_many(test, pool, SZ_64K, 4, blocks);
	first = ktime_get();
	bk_free_many(pool, 2, blocks);
	msleep(BK_TIMEOUT_MS - 20);
	second = ktime_get();
	bk_free_many(pool, 2, blocks + 2);
	bk_wait_held(test, pool, 2 * SZ_64K, first, BK_TIMEOUT_MS, BK_LATEST_MS);
	/* The second set may be reclaimed by now only if it has reached the timeout. */
	bk_wait_held(test, pool, 2 * SZ_64K - 1, second, BK_TIMEOUT_MS, BK_LATEST_MS);
	bk_wait_held(test, pool, 0, second, BK_TIMEOUT_MS, BK_LATEST_MS);
}

/* Test the same for blocks in the depot, freed in another order than allocated. */
static void each_at_its_age_in_the_depot(struct kunit *test)
{
	/* Each block is a slab of its own, whatever the page size. */
	size_t size = 2 * BP_SLAB_PAGES * PAGE_SIZE;
	struct bytepool *pool = ageing(test);
	void **blocks = bk_array(test, 100);
	ktime_t first, second;
	unsigned int i;
	size_t rest;

	bk_alloc_many(test, pool, size, 100, blocks);
	first = ktime_get();
	for (i = 0; i < 100; i += 2)
		bytepool_free(pool, blocks[i]);
	msleep(BK_TIMEOUT_MS - 20);
	second = ktime_get();
	for (i = 99; i < 100; i -= 2)
		bytepool_free(pool, blocks[i]);
	rest = 50 * size;
	bk_wait_held(test, pool, 2 * rest - 1, first, BK_TIMEOUT_MS, BK_LATEST_MS);
	bk_wait_held(test, pool, rest, first, BK_TIMEOUT_MS, BK_LATEST_MS);
	bk_wait_held(test, pool, rest - 1, second, BK_TIMEOUT_MS, BK_LATEST_MS);
	bk_wait_held(test, pool, 0, second, BK_TIMEOUT_MS, BK_LATEST_MS);
}

/* Using a block resets its age. */
static void use_resets_the_age(struct kunit *test)
{
	struct bytepool *pool = ageing(test);
	ktime_t freed = 0;
	unsigned int i;

	for (i = 0; i < 8; i++) {
		void *block = bytepool_alloc(pool, SZ_64K, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, block);
		freed = ktime_get();
		bytepool_free(pool, block);
		msleep(BK_TIMEOUT_MS / 4);
	}
	KUNIT_EXPECT_EQ(test, bk_stats(pool).hits, 7);
	bk_wait_held(test, pool, 0, freed, BK_TIMEOUT_MS, BK_LATEST_MS);
}

/*
 * A slab is freed when its youngest block has expired, and never while a block
 * is in use.
 */
static void slab_is_as_young_as_its_youngest(struct kunit *test)
{
	struct bytepool *pool = ageing(test);
	unsigned int nr = PAGE_SIZE / 512;
	void **blocks = bk_array(test, nr);
	ktime_t freed;

	bk_alloc_many(test, pool, 512, nr, blocks);
	KUNIT_ASSERT_EQ(test, bytepool_size(pool), PAGE_SIZE);
	bk_free_many(pool, nr - 1, blocks);
	msleep(BK_LATEST_MS + 2 * BK_INTERVAL_MS);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, bytepool_usable_size(pool, blocks[nr - 1]), 512);
	KUNIT_EXPECT_EQ(test, bytepool_trim(pool), 0);
	freed = ktime_get();
	bytepool_free(pool, blocks[nr - 1]);
	bk_wait_held(test, pool, 0, freed, BK_TIMEOUT_MS, BK_LATEST_MS);
}

struct freeing {
	struct bytepool *pool;
	unsigned int nr;
	void **blocks;
};

static void free_here(void *arg)
{
	struct freeing *freeing = arg;

	bk_free_many(freeing->pool, freeing->nr, freeing->blocks);
}

/* The GC reclaims blocks from CPUs that do not use the pool again. */
static void quiet_cpus_are_reached(struct kunit *test)
{
	struct freeing freeing = { .pool = ageing(test), .nr = 6 };
	unsigned int cpu, nr_cpus = 0;
	ktime_t freed = ktime_get();

	freeing.blocks = bk_array(test, freeing.nr);
	for_each_online_cpu(cpu) {
		bk_alloc_many(test, freeing.pool, SZ_64K, freeing.nr, freeing.blocks);
		bk_on_cpu(cpu, free_here, &freeing);
		nr_cpus++;
	}
	KUNIT_EXPECT_LE(test, bytepool_size(freeing.pool), nr_cpus * freeing.nr * SZ_64K);
	bk_wait_held(test, freeing.pool, 0, freed, BK_TIMEOUT_MS, BK_LATEST_MS);
}

/* The GC starts again after it had nothing to do. */
static void starts_again(struct kunit *test)
{
	struct bytepool *pool = ageing(test);
	unsigned int round;

	for (round = 0; round < 3; round++) {
		void *block = bytepool_alloc(pool, SZ_64K, GFP_KERNEL);
		ktime_t freed = ktime_get();

		KUNIT_ASSERT_NOT_NULL(test, block);
		bytepool_free(pool, block);
		bk_wait_held(test, pool, 0, freed, BK_TIMEOUT_MS, BK_LATEST_MS);
		msleep(3 * BK_INTERVAL_MS);
	}
}

/* A pool follows the module-wide timeout while many other pools exist. */
static void follows_module_timeout(struct kunit *test)
{
	struct bytepool *pools[5];
	ktime_t freed[5];
	unsigned int i;

	bk_set_interval(test, BK_INTERVAL_MS);
	bk_set_timeout(test, BK_TIMEOUT_MS);
	for (i = 0; i < ARRAY_SIZE(pools); i++) {
		void *block;

		pools[i] = bk_pool(test, NULL);
		block = bytepool_alloc(pools[i], SZ_64K, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, block);
		freed[i] = ktime_get();
		bytepool_free(pools[i], block);
		msleep(20);
	}
	for (i = 0; i < ARRAY_SIZE(pools); i++)
		bk_wait_held(test, pools[i], 0, freed[i], BK_TIMEOUT_MS, BK_LATEST_MS);
}

static ktime_t free_one(struct kunit *test, struct bytepool *pool)
{
	void *block = bytepool_alloc(pool, SZ_64K, GFP_KERNEL);
	ktime_t freed = ktime_get();

	KUNIT_ASSERT_NOT_NULL(test, block);
	bytepool_free(pool, block);
	return freed;
}

/*
 * A new timeout applies at once: memory that has expired by it is freed within
 * two intervals.
 */
static void module_timeout_applies_at_once(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	ktime_t freed, changed;

	bk_set_interval(test, BK_INTERVAL_MS);
	bk_set_timeout(test, 300000);
	freed = free_one(test, pool);
	msleep(BK_TIMEOUT_MS);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), SZ_64K);
	changed = ktime_get();
	bk_set_timeout(test, BK_TIMEOUT_MS);
	bk_wait_held(test, pool, 0, changed, 0, 2 * BK_INTERVAL_MS);
	KUNIT_EXPECT_GE(test, ktime_ms_delta(ktime_get(), freed), BK_TIMEOUT_MS);

	/* Raise the timeout again. */
	free_one(test, pool);
	bk_set_timeout(test, 300000);
	msleep(BK_LATEST_MS);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), SZ_64K);
}

static void module_timeout_of_0_is_never(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	ktime_t changed;

	bk_set_interval(test, BK_INTERVAL_MS);
	bk_set_timeout(test, 0);
	free_one(test, pool);
	msleep(BK_TIMEOUT_MS);
	KUNIT_EXPECT_EQ(test, bytepool_gc(pool, NULL), 0);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), SZ_64K);
	changed = ktime_get();
	bk_set_timeout(test, 1);
	bk_wait_held(test, pool, 0, changed, 0, 2 * BK_INTERVAL_MS);
}

/* A new interval applies at once, even if the GC has begun to sleep for an hour. */
static void interval_applies_at_once(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){ .idle_timeout_ms = 1 });
	ktime_t changed;

	bk_set_interval(test, 3600000);
	free_one(test, pool);
	msleep(BK_TIMEOUT_MS);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), SZ_64K);
	changed = ktime_get();
	bk_set_interval(test, BK_INTERVAL_MS);
	bk_wait_held(test, pool, 0, changed, 0, 2 * BK_INTERVAL_MS);
}

static void pool_timeout_applies_at_once(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	char *path = bk_pool_path(test, pool, "idle_timeout_ms");
	ktime_t changed;

	bk_set_interval(test, BK_INTERVAL_MS);
	bk_set_timeout(test, 300000);
	free_one(test, pool);
	msleep(BK_TIMEOUT_MS);
	changed = ktime_get();
	KUNIT_ASSERT_EQ(test, bk_sysfs_write(test, path, "100"), 0);
	bk_wait_held(test, pool, 0, changed, 0, 2 * BK_INTERVAL_MS);

	/* A pool with its own timeout does not follow the module-wide one. */
	KUNIT_ASSERT_EQ(test, bk_sysfs_write(test, path, "300000"), 0);
	bk_set_timeout(test, 1);
	free_one(test, pool);
	msleep(BK_TIMEOUT_MS);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), SZ_64K);

	/* "default" makes the pool follow the module-wide timeout again. */
	changed = ktime_get();
	KUNIT_ASSERT_EQ(test, bk_sysfs_write(test, path, "default"), 0);
	bk_wait_held(test, pool, 0, changed, 0, 2 * BK_INTERVAL_MS);

	/* 0 means never, for a pool as well as for the module. */
	KUNIT_ASSERT_EQ(test, bk_sysfs_write(test, path, "0"), 0);
	free_one(test, pool);
	msleep(BK_TIMEOUT_MS);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), SZ_64K);
	KUNIT_EXPECT_EQ(test, bytepool_gc(pool, NULL), 0);
	changed = ktime_get();
	KUNIT_ASSERT_EQ(test, bk_sysfs_write(test, path, "default\n"), 0);
	bk_wait_held(test, pool, 0, changed, 0, 2 * BK_INTERVAL_MS);
}

static void never(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){
		.idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER,
	});

	bk_set_interval(test, 10);
	bk_set_timeout(test, 1);
	free_one(test, pool);
	msleep(BK_TIMEOUT_MS);
	KUNIT_EXPECT_EQ(test, bytepool_gc(pool, NULL), 0);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), SZ_64K);
	KUNIT_EXPECT_EQ(test, bytepool_trim(pool), 1);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), 0);
}

/* Return true if the GC still visits @pool after a pass that found nothing to do. */
static bool visited(struct bytepool *pool)
{
	u64 runs;

	msleep(3 * BK_INTERVAL_MS);
	runs = bk_stats(pool).gc_runs;
	msleep(6 * BK_INTERVAL_MS);
	return bk_stats(pool).gc_runs != runs;
}

/* If no pool has idle memory above its reserve, the GC does not wake up. */
static void sleeps_when_nothing_is_idle(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	void *block;

	bk_set_timeout(test, 300000);
	bk_set_interval(test, BK_INTERVAL_MS);
	KUNIT_ASSERT_EQ(test, bk_sysfs_write(test, "trim", "1"), 0);
	if (bk_sysfs_number(test, "bytes_held"))
		kunit_skip(test, "other pools hold memory");
	KUNIT_EXPECT_FALSE_MSG(test, visited(pool), "an unused pool");

	block = bytepool_alloc(pool, SZ_64K, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, block);
	KUNIT_EXPECT_FALSE_MSG(test, visited(pool), "a pool with nothing idle");
	bytepool_free(pool, block);
	KUNIT_EXPECT_TRUE_MSG(test, visited(pool), "a pool with an idle block");
	bytepool_trim(pool);
	KUNIT_EXPECT_FALSE_MSG(test, visited(pool), "a pool that was trimmed");

	KUNIT_ASSERT_EQ(test, bytepool_reserve(pool, SZ_64K, 2, GFP_KERNEL), 0);
	KUNIT_EXPECT_FALSE_MSG(test, visited(pool), "a pool with its reserve");
	block = bytepool_alloc(pool, SZ_64K, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, block);
	bytepool_free(pool, block);
	KUNIT_EXPECT_FALSE_MSG(test, visited(pool), "a pool with its reserve, used");
	KUNIT_ASSERT_EQ(test, bytepool_reserve(pool, SZ_64K, 0, GFP_KERNEL), 0);
	KUNIT_EXPECT_TRUE_MSG(test, visited(pool), "a pool whose reserve was dropped");
}

/* bytepool_gc() frees by the same ages, immediately. */
static void check_gc_call(struct kunit *test, unsigned int flags)
{
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){
		.idle_timeout_ms = 100, .flags = flags,
	});
	size_t held = 1;
	void *blocks[6];

	bk_set_interval(test, 3600000);
	KUNIT_EXPECT_EQ(test, bytepool_gc(pool, &held), 0);
	KUNIT_EXPECT_EQ(test, held, 0);
	bk_alloc_many(test, pool, SZ_64K, 6, blocks);
	bk_free_many(pool, 3, blocks);
	KUNIT_EXPECT_EQ(test, bytepool_gc(pool, &held), 0);
	KUNIT_EXPECT_EQ(test, held, 6 * SZ_64K);
	msleep(140);
	bytepool_free(pool, blocks[3]);
	KUNIT_EXPECT_EQ(test, bytepool_gc(pool, &held), 3);
	KUNIT_EXPECT_EQ(test, held, 3 * SZ_64K);
	KUNIT_EXPECT_EQ(test, bytepool_gc(pool, NULL), 0);
	KUNIT_EXPECT_EQ(test, bytepool_trim(pool), 1);
	bk_free_many(pool, 2, blocks + 4);
	msleep(140);
	KUNIT_EXPECT_EQ(test, bytepool_gc(pool, NULL), 2);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), 0);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).gc_runs, 5);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).reclaimed_blocks, 6);
	bk_check_stats(test, pool);
}

static void gc_call(struct kunit *test)
{
	check_gc_call(test, 0);
	check_gc_call(test, BYTEPOOL_SINGLE);
}

/*
 * bytepool_gc() is never early, not even by the rest of the tick in which a
 * block was freed.
 */
static void gc_call_is_never_early(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){ .idle_timeout_ms = 40 });
	unsigned int i;

	bk_set_interval(test, 3600000);
	for (i = 0; i < 5; i++) {
		void *block = bytepool_alloc(pool, SZ_64K, GFP_KERNEL);
		unsigned long tick = jiffies;
		ktime_t freed;

		KUNIT_ASSERT_NOT_NULL(test, block);
		while (time_before_eq(jiffies, tick))
			cpu_relax();
		mdelay(MSEC_PER_SEC / HZ / 2);
		freed = ktime_get();
		bytepool_free(pool, block);
		while (!bytepool_gc(pool, NULL))
			cond_resched();
		KUNIT_EXPECT_GE(test, ktime_to_ns(ktime_sub(ktime_get(), freed)),
				40 * NSEC_PER_MSEC);
	}
}

/* The background GC does not touch a single-threaded pool. */
static void single_has_no_background(struct kunit *test)
{
	struct bytepool *other = bk_pool(test, &(struct bytepool_params){ .idle_timeout_ms = 1 });
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){
		.idle_timeout_ms = 1, .flags = BYTEPOOL_SINGLE,
	});
	u64 runs;

	bk_set_interval(test, 10);
	free_one(test, pool);
	runs = bk_stats(pool).gc_runs;
	bk_wait_held(test, other, 0, free_one(test, other), 1, BK_TIMEOUT_MS);
	msleep(BK_TIMEOUT_MS);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), SZ_64K);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).gc_runs, runs);
	KUNIT_EXPECT_EQ(test, bytepool_gc(pool, NULL), 1);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), 0);
}

static void trim_leaves_what_is_in_use(struct kunit *test)
{
	static const unsigned int flags[] = { 0, BYTEPOOL_SINGLE };
	size_t size = PAGE_SIZE / 64;
	void **blocks = bk_array(test, 1000);
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct bytepool *pool = bk_pool_fixed(test, size, flags[i]);
		unsigned long given;
		u64 idle;

		bk_alloc_many(test, pool, size, 1000, blocks);
		for (j = 0; j < 1000; j++) {
			bk_fill(blocks[j], size, j);
			if (j % 200)
				bytepool_free(pool, blocks[j]);
		}
		idle = bk_stats(pool).blocks_idle;
		given = bytepool_trim(pool);
		KUNIT_EXPECT_GT(test, given, 0);
		KUNIT_EXPECT_EQ(test, bk_stats(pool).blocks_idle, idle - given);
		KUNIT_EXPECT_LE(test, bytepool_size(pool), 5 * BP_SLAB_PAGES * PAGE_SIZE);
		for (j = 0; j < 1000; j += 200) {
			KUNIT_EXPECT_TRUE(test, bk_filled(blocks[j], size, j));
			bytepool_free(pool, blocks[j]);
		}
		bk_check_stats(test, pool);
	}
}

static struct kunit_case gc_cases[] = {
	KUNIT_CASE_PARAM(given_back_in_time, age_gen_params),
	KUNIT_CASE(whatever_the_timeout),
	KUNIT_CASE(each_at_its_age),
	KUNIT_CASE(each_at_its_age_in_the_depot),
	KUNIT_CASE(use_resets_the_age),
	KUNIT_CASE(slab_is_as_young_as_its_youngest),
	KUNIT_CASE(quiet_cpus_are_reached),
	KUNIT_CASE(starts_again),
	KUNIT_CASE(follows_module_timeout),
	KUNIT_CASE(module_timeout_applies_at_once),
	KUNIT_CASE(module_timeout_of_0_is_never),
	KUNIT_CASE(interval_applies_at_once),
	KUNIT_CASE(pool_timeout_applies_at_once),
	KUNIT_CASE(never),
	BK_CASE_SLOW(sleeps_when_nothing_is_idle),
	KUNIT_CASE(gc_call),
	KUNIT_CASE(gc_call_is_never_early),
	KUNIT_CASE(single_has_no_background),
	KUNIT_CASE(trim_leaves_what_is_in_use),
	{}
};

BK_SUITE(gc, gc_cases);
