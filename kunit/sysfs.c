// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test the files of /sys/kernel/bytepool: what they show, accept and refuse.
 */
#include <linux/limits.h>
#include <linux/stddef.h>

#include "fixture.h"

static void expect_mode(struct kunit *test, const char *path, bool readable, bool writable)
{
	int mode = bk_sysfs_mode(test, path);

	KUNIT_ASSERT_GT_MSG(test, mode, 0, "%s: %d", path, mode);
	KUNIT_EXPECT_EQ_MSG(test, !!(mode & 0400), readable, "%s has mode %o", path, mode);
	KUNIT_EXPECT_EQ_MSG(test, !!(mode & 0200), writable, "%s has mode %o", path, mode);
	KUNIT_EXPECT_EQ_MSG(test, mode & 0133, 0, "%s has mode %o", path, mode);
}

static void modes(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);

	expect_mode(test, "idle_timeout_ms", true, true);
	expect_mode(test, "gc_interval_ms", true, true);
	expect_mode(test, "bytes_held", true, false);
	expect_mode(test, "trim", false, true);
	expect_mode(test, bk_pool_path(test, pool, "idle_timeout_ms"), true, true);
	expect_mode(test, bk_pool_path(test, pool, "limit_bytes"), true, true);
	expect_mode(test, bk_pool_path(test, pool, "min_size"), true, false);
	expect_mode(test, bk_pool_path(test, pool, "max_size"), true, false);
	expect_mode(test, bk_pool_path(test, pool, "nr_classes"), true, false);
	expect_mode(test, bk_pool_path(test, pool, "flags"), true, false);
	expect_mode(test, bk_pool_path(test, pool, "gc"), false, true);
	expect_mode(test, bk_pool_path(test, pool, "trim"), false, true);
	expect_mode(test, bk_pool_path(test, pool, "stats/hits"), true, false);
}

/* Check that each value is refused with EINVAL or ERANGE, and that the old value stays. */
static void refuses(struct kunit *test, const char *path, const char *const *values,
		    unsigned int nr)
{
	char before[64], after[64];
	unsigned int i;

	KUNIT_ASSERT_GT(test, bk_sysfs_read(test, path, before, sizeof(before)), 0);
	for (i = 0; i < nr; i++) {
		int err = bk_sysfs_write(test, path, values[i]);

		KUNIT_EXPECT_TRUE_MSG(test, err == -EINVAL || err == -ERANGE,
				      "\"%s\" into %s: %d", values[i], path, err);
		KUNIT_ASSERT_GT(test, bk_sysfs_read(test, path, after, sizeof(after)), 0);
		KUNIT_EXPECT_STREQ(test, before, after);
	}
}

static const char * const no_numbers[] = {
	"\n", " ", "x", "-1", "-300", "1x", "1 2", "1.5", "0x", "ten", "1,000",
	"99999999999999999999999", "18446744073709551616",
};

static const char * const too_large_for_ms[] = { "4294967296", "18446744073709551615" };

static void module_timeout(struct kunit *test)
{
	static const char * const path = "idle_timeout_ms";

	bk_set_timeout(test, 300000);
	KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, path), 300000);
	bk_set_timeout(test, 0);
	KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, path), 0);
	KUNIT_EXPECT_EQ(test, bk_sysfs_write(test, path, "12345\n"), 0);
	KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, path), 12345);
	refuses(test, path, no_numbers, ARRAY_SIZE(no_numbers));
	refuses(test, path, too_large_for_ms, ARRAY_SIZE(too_large_for_ms));
	refuses(test, path, (const char *[]){ "default" }, 1);
}

static void module_interval(struct kunit *test)
{
	static const char * const path = "gc_interval_ms";
	static const char * const out_of_range[] = { "0", "1", "9", "3600001", "4294967295" };

	bk_set_interval(test, 10);
	KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, path), 10);
	bk_set_interval(test, 3600000);
	KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, path), 3600000);
	KUNIT_EXPECT_EQ(test, bk_sysfs_write(test, path, "10000\n"), 0);
	KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, path), 10000);
	refuses(test, path, no_numbers, ARRAY_SIZE(no_numbers));
	refuses(test, path, too_large_for_ms, ARRAY_SIZE(too_large_for_ms));
	refuses(test, path, out_of_range, ARRAY_SIZE(out_of_range));
}

static void pool_timeout(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	struct bytepool *own = bk_pool(test, &(struct bytepool_params){ .idle_timeout_ms = 777 });
	char *path = bk_pool_path(test, pool, "idle_timeout_ms");
	char value[64];

	KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, bk_pool_path(test, own, "idle_timeout_ms")),
			777);
	KUNIT_ASSERT_GT(test, bk_sysfs_read(test, path, value, sizeof(value)), 0);
	KUNIT_EXPECT_STREQ(test, value, "default");
	KUNIT_EXPECT_EQ(test, bk_sysfs_write(test, path, "1000\n"), 0);
	KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, path), 1000);
	refuses(test, path, no_numbers, ARRAY_SIZE(no_numbers));
	refuses(test, path, too_large_for_ms, ARRAY_SIZE(too_large_for_ms));
	refuses(test, path, (const char *[]){ "defaul", "default1", "Default ", "never mind" }, 4);
	KUNIT_EXPECT_EQ(test, bk_sysfs_write(test, path, "default\n"), 0);
	KUNIT_ASSERT_GT(test, bk_sysfs_read(test, path, value, sizeof(value)), 0);
	KUNIT_EXPECT_STREQ(test, value, "default");
}

/* Writing back the value that a pool's file shows leaves it unchanged. */
static void pool_timeout_round_trip(struct kunit *test)
{
	static const unsigned int timeouts[] = {
		BYTEPOOL_TIMEOUT_DEFAULT, 1, 300000, BYTEPOOL_TIMEOUT_NEVER - 1,
		BYTEPOOL_TIMEOUT_NEVER,
	};
	char before[64], after[64];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		struct bytepool *pool = bk_pool(test, &(struct bytepool_params){
			.idle_timeout_ms = timeouts[i],
		});
		char *path = bk_pool_path(test, pool, "idle_timeout_ms");

		KUNIT_ASSERT_GT(test, bk_sysfs_read(test, path, before, sizeof(before)), 0);
		KUNIT_EXPECT_EQ(test, bk_sysfs_write(test, path, before), 0);
		KUNIT_ASSERT_GT(test, bk_sysfs_read(test, path, after, sizeof(after)), 0);
		KUNIT_EXPECT_STREQ(test, before, after);
	}
}

static void pool_limit(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){ .limit_bytes = 123456 });
	char *path = bk_pool_path(test, pool, "limit_bytes");

	KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, path), 123456);
	KUNIT_EXPECT_EQ(test, bk_sysfs_write(test, path, "0\n"), 0);
	KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, path), 0);
	KUNIT_EXPECT_EQ(test, bk_sysfs_write(test, path, "1048576"), 0);
	KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, path), SZ_1M);
	refuses(test, path, no_numbers, ARRAY_SIZE(no_numbers));
	refuses(test, path, (const char *[]){ "default", "1Mx" }, 2);
	KUNIT_EXPECT_NULL(test, bytepool_alloc(pool, SZ_2M, GFP_KERNEL));
}

static void pool_properties(struct kunit *test)
{
	static const struct {
		struct bytepool_params params;
		u64 min_size, max_size, nr_classes;
	} cases[] = {
		/* 4 classes up to 32, then 4 for each of 17 doublings */
		{ {}, 8, SZ_4M, 72 },
		{ { .min_size = 64, .max_size = 64 }, 64, 64, 1 },
		{ { .max_size = 102400, .step = 8 }, 8, 102400, 12800 },
		{ { .min_size = 104, .max_size = 1000, .step = 24 }, 104, 1000, 39 },
		{ { .min_size = 64, .max_size = 128, .flags = BYTEPOOL_SINGLE }, 64, 128, 5 },
		{ { .min_size = 64, .max_size = 128, .flags = BYTEPOOL_WIPE }, 64, 128, 5 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytepool *pool = bk_pool(test, &cases[i].params);
		char flags[64];
		u32 value;

		KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, bk_pool_path(test, pool, "min_size")),
				cases[i].min_size);
		KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, bk_pool_path(test, pool, "max_size")),
				cases[i].max_size);
		KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, bk_pool_path(test, pool, "nr_classes")),
				cases[i].nr_classes);
		KUNIT_ASSERT_GT(test, bk_sysfs_read(test, bk_pool_path(test, pool, "flags"), flags,
						    sizeof(flags)), 0);
		KUNIT_EXPECT_EQ_MSG(test, kstrtou32(flags, 0, &value), 0, "\"%s\"", flags);
		KUNIT_EXPECT_EQ(test, value, cases[i].params.flags);
	}
}

static const struct {
	const char *name;
	size_t offset;
} fields[] = {
#define FIELD(_name) { "stats/" #_name, offsetof(struct bytepool_stats, _name) }
	FIELD(bytes_held),
	FIELD(bytes_in_use),
	FIELD(bytes_idle),
	FIELD(blocks_in_use),
	FIELD(blocks_idle),
	FIELD(allocs),
	FIELD(frees),
	FIELD(hits),
	FIELD(misses),
	FIELD(failures),
	FIELD(bad_frees),
	FIELD(gc_runs),
	FIELD(reclaimed_blocks),
	FIELD(reclaimed_bytes),
};

/* The test makes all values different, so that a file with the wrong field is noticed. */
static void pool_stats(struct kunit *test)
{
	struct bytepool *pool = bk_pool_fixed(test, SZ_64K, BYTEPOOL_SINGLE);
	struct bytepool_stats stats;
	char *paths[ARRAY_SIZE(fields)];
	void *blocks[20];
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		paths[i] = bk_pool_path(test, pool, fields[i].name);
		KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, paths[i]), 0);
	}
	bk_alloc_many(test, pool, SZ_64K, 20, blocks);
	bk_free_many(pool, 6, blocks);
	bytepool_trim(pool);
	bk_alloc_many(test, pool, SZ_64K, 5, blocks);
	bk_free_many(pool, 7, blocks + 5 + 1);
	bk_alloc_many(test, pool, SZ_64K, 4, blocks + 6);
	bk_leak_many(5, blocks);
	bk_leak_many(4, blocks + 6);
	bk_leak_many(7, blocks + 13);
	for (i = 0; i < 8; i++)
		bytepool_alloc(pool, SZ_1M, GFP_KERNEL);
	for (i = 0; i < 9; i++)
		bk_expecting_warning(bytepool_free(pool, &stats));
	for (i = 0; i < 10; i++)
		bytepool_gc(pool, NULL);
	stats = bk_stats(pool);
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		u64 value = *(u64 *)((void *)&stats + fields[i].offset);

		KUNIT_EXPECT_NE_MSG(test, value, 0, "%s", fields[i].name);
		KUNIT_EXPECT_EQ_MSG(test, value, bk_sysfs_number(test, paths[i]), "%s",
				    fields[i].name);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_NE_MSG(test, value,
					    *(u64 *)((void *)&stats + fields[j].offset),
					    "%s and %s", fields[i].name, fields[j].name);
	}
	bk_pool_dirty(test, pool);
}

static void shared_pool_is_there(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, "pools/system/min_size"), 8);
	KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, "pools/system/max_size"), SZ_4M);
	KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, "pools/system/limit_bytes"), 0);
}

static void pool_is_gone(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	char *path = bk_pool_path(test, pool, "min_size");
	char value[64];

	KUNIT_EXPECT_GT(test, bk_sysfs_read(test, path, value, sizeof(value)), 0);
	bk_pool_destroy(test, pool);
	KUNIT_EXPECT_EQ(test, bk_sysfs_read(test, path, value, sizeof(value)), -ENOENT);
}

static void bytes_held(struct kunit *test)
{
	u64 before = bk_sysfs_number(test, "bytes_held");
	struct bytepool *one = bk_pool(test, NULL);
	struct bytepool *two = bk_pool(test, NULL);
	void *blocks[6];

	bk_alloc_many(test, one, SZ_4M, 2, blocks);
	bk_alloc_many(test, two, SZ_4M, 4, blocks + 2);
	/* Other pools may allocate and free meanwhile, but not this much. */
	KUNIT_EXPECT_GE(test, bk_sysfs_number(test, "bytes_held") + SZ_4M, before + 6 * SZ_4M);
	KUNIT_EXPECT_LE(test, bk_sysfs_number(test, "bytes_held"), before + 7 * SZ_4M);
	bk_free_many(one, 2, blocks);
	bk_free_many(two, 4, blocks + 2);
}

static const char * const no_one[] = { "\n", "0", "2", "-1", "x", "11", "1x", "yes please" };

static void orders_refused(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	const char *const paths[] = {
		"trim", bk_pool_path(test, pool, "trim"), bk_pool_path(test, pool, "gc"),
	};
	void *block = bytepool_alloc(pool, 64, GFP_KERNEL);
	unsigned int i, j;

	bytepool_free(pool, block);
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		for (j = 0; j < ARRAY_SIZE(no_one); j++) {
			int err = bk_sysfs_write(test, paths[i], no_one[j]);

			KUNIT_EXPECT_EQ_MSG(test, err, -EINVAL, "\"%s\" into %s", no_one[j],
					    paths[i]);
		}
	}
	KUNIT_EXPECT_GT(test, bytepool_size(pool), 0);
}

static void trims_every_pool(struct kunit *test)
{
	struct bytepool *pools[3];
	unsigned int i;

	for (i = 0; i < 3; i++) {
		pools[i] = bk_pool(test, NULL);
		bk_check_sound(test, pools[i], 64, 100);
		bk_check_sound(test, pools[i], SZ_64K, 20);
		KUNIT_EXPECT_GT(test, bytepool_size(pools[i]), 0);
	}
	KUNIT_EXPECT_EQ(test, bk_sysfs_write(test, "trim", "1\n"), 0);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, bytepool_size(pools[i]), 0);
}

/* Sysfs must not touch a single-threaded pool, because its owner may be using it. */
static void leaves_single_alone(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){
		.flags = BYTEPOOL_SINGLE,
	});
	size_t held;
	char *limit;

	bk_check_sound(test, pool, SZ_64K, 3);
	held = bytepool_size(pool);
	KUNIT_EXPECT_EQ(test, bk_sysfs_write(test, "trim", "1"), 0);
	KUNIT_EXPECT_LT(test, bk_sysfs_write(test, bk_pool_path(test, pool, "trim"), "1"), 0);
	KUNIT_EXPECT_LT(test, bk_sysfs_write(test, bk_pool_path(test, pool, "gc"), "1"), 0);
	limit = bk_pool_path(test, pool, "limit_bytes");
	KUNIT_EXPECT_EQ(test, bk_sysfs_write(test, limit, "65536"), 0);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), held);
}

static void trims_one_pool(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	struct bytepool *other = bk_pool(test, NULL);

	bk_check_sound(test, pool, 64, 100);
	bk_check_sound(test, other, 64, 100);
	KUNIT_EXPECT_EQ(test, bk_sysfs_write(test, bk_pool_path(test, pool, "trim"), "1"), 0);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), 0);
	KUNIT_EXPECT_GT(test, bytepool_size(other), 0);
}

static void gc_of_one_pool(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){
		.idle_timeout_ms = 3600000,
	});
	char *timeout;
	u64 runs;

	bk_set_interval(test, 3600000);
	bk_check_sound(test, pool, SZ_64K, 3);
	runs = bk_stats(pool).gc_runs;
	KUNIT_EXPECT_EQ(test, bk_sysfs_write(test, bk_pool_path(test, pool, "gc"), "1\n"), 0);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).gc_runs, runs + 1);
	/* The GC frees by age, and these blocks have not expired. */
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), 3 * SZ_64K);
	timeout = bk_pool_path(test, pool, "idle_timeout_ms");
	KUNIT_EXPECT_EQ(test, bk_sysfs_write(test, timeout, "1"), 0);
	schedule_timeout_uninterruptible(3);
	KUNIT_EXPECT_EQ(test, bk_sysfs_write(test, bk_pool_path(test, pool, "gc"), "1"), 0);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), 0);
}

static void read_only_is_that(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);

	KUNIT_EXPECT_LT(test, bk_sysfs_write(test, "bytes_held", "1"), 0);
	KUNIT_EXPECT_LT(test, bk_sysfs_write(test, bk_pool_path(test, pool, "min_size"), "8"), 0);
	KUNIT_EXPECT_LT(test, bk_sysfs_write(test, bk_pool_path(test, pool, "stats/hits"), "0"), 0);
	KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, bk_pool_path(test, pool, "min_size")), 8);
}

static struct kunit_case sysfs_cases[] = {
	KUNIT_CASE(modes),
	KUNIT_CASE(module_timeout),
	KUNIT_CASE(module_interval),
	KUNIT_CASE(pool_timeout),
	KUNIT_CASE(pool_timeout_round_trip),
	KUNIT_CASE(pool_limit),
	KUNIT_CASE(pool_properties),
	KUNIT_CASE(pool_stats),
	KUNIT_CASE(shared_pool_is_there),
	KUNIT_CASE(pool_is_gone),
	KUNIT_CASE(bytes_held),
	KUNIT_CASE(orders_refused),
	KUNIT_CASE(trims_every_pool),
	KUNIT_CASE(leaves_single_alone),
	KUNIT_CASE(trims_one_pool),
	KUNIT_CASE(gc_of_one_pool),
	KUNIT_CASE(read_only_is_that),
	{}
};

BK_SUITE(sysfs, sysfs_cases);
