// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test the limit: a pool never exceeds it, reaches it exactly, and takes a new
 * one at any time.
 */
#include "fixture.h"

static struct bytepool *limited(struct kunit *test, size_t limit, unsigned int flags)
{
	return bk_pool(test, &(struct bytepool_params){ .limit_bytes = limit, .flags = flags });
}

/* Large blocks use up the limit to the byte. */
static void is_exact(struct kunit *test)
{
	static const unsigned int flags[] = { 0, BYTEPOOL_SINGLE, BYTEPOOL_CONTIG };
	unsigned int i;
	void *blocks[4];

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct bytepool *pool = limited(test, 4 * SZ_256K, flags[i]);

		bk_alloc_many(test, pool, SZ_256K, 4, blocks);
		KUNIT_EXPECT_EQ(test, bytepool_size(pool), 4 * SZ_256K);
		KUNIT_EXPECT_NULL(test, bytepool_alloc(pool, SZ_256K, GFP_KERNEL));
		KUNIT_EXPECT_NULL(test, bytepool_alloc(pool, SZ_256K, GFP_ATOMIC));
		KUNIT_EXPECT_NULL(test, bytepool_alloc(pool, 8, GFP_KERNEL));
		KUNIT_EXPECT_EQ(test, bk_stats(pool).failures, 3);
		bytepool_free(pool, blocks[0]);
		blocks[0] = bytepool_alloc(pool, SZ_256K, GFP_ATOMIC);
		KUNIT_EXPECT_NOT_NULL(test, blocks[0]);
		bk_free_many(pool, 4, blocks);
		bk_check_stats(test, pool);
	}
}

/* If the limit is smaller than any slab, allocations fail and do no harm. */
static void may_be_tiny(struct kunit *test)
{
	struct bytepool *pool = limited(test, PAGE_SIZE - 1, 0);

	KUNIT_EXPECT_NULL(test, bytepool_alloc(pool, 8, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, bytepool_alloc(pool, SZ_4M, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), 0);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).failures, 2);
}

/* A limit of one page has room for a slab of any class up to a page. */
static void serves_what_fits(struct kunit *test)
{
	static const size_t sizes[] = { 8, 64, 320, 1000, 1792, 3072, 4096 };
	struct bytepool *pool = limited(test, PAGE_SIZE, 0);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		void *block = bytepool_alloc(pool, sizes[i], GFP_KERNEL);

		KUNIT_EXPECT_NOT_NULL_MSG(test, block, "size %zu", sizes[i]);
		KUNIT_EXPECT_LE(test, bytepool_size(pool), PAGE_SIZE);
		bytepool_free(pool, block);
		bytepool_trim(pool);
	}
}

static void is_never_passed(struct kunit *test)
{
	struct bytepool *pool = limited(test, SZ_1M, 0);
	void **blocks = bk_array(test, 20000);
	unsigned int nr = 0;
	size_t size;

	for (size = 40; nr < 20000; size = size * 7 % 50000 + 8) {
		blocks[nr] = bytepool_alloc(pool, size, GFP_KERNEL);
		KUNIT_ASSERT_LE(test, bytepool_size(pool), SZ_1M);
		if (!blocks[nr++])
			break;
	}
	KUNIT_EXPECT_GT(test, nr, 10);
	KUNIT_EXPECT_LT(test, nr, 20000);
	bk_free_many(pool, nr, blocks);
	bk_check_stats(test, pool);
}

/*
 * An allocation that may sleep makes room by freeing idle memory of other
 * classes. One that may not sleep fails.
 */
static void idle_of_other_classes_makes_room(struct kunit *test)
{
	static const unsigned int flags[] = { 0, BYTEPOOL_SINGLE };
	void *blocks[4];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct bytepool *pool = limited(test, 4 * SZ_64K, flags[i]);

		bk_alloc_many(test, pool, SZ_64K, 4, blocks);
		bk_free_many(pool, 4, blocks);
		KUNIT_EXPECT_NULL(test, bytepool_alloc(pool, SZ_128K, GFP_ATOMIC));
		bk_alloc_many(test, pool, SZ_128K, 2, blocks);
		KUNIT_EXPECT_EQ(test, bytepool_size(pool), 4 * SZ_64K);
		bytepool_free(pool, blocks[0]);
		blocks[0] = bytepool_alloc(pool, 64, GFP_KERNEL);
		KUNIT_EXPECT_NOT_NULL(test, blocks[0]);
		KUNIT_EXPECT_LE(test, bytepool_size(pool), 4 * SZ_64K);
		bk_free_many(pool, 2, blocks);
		bk_check_stats(test, pool);
	}
}

/* The reserve of another class is not freed to make room. */
static void reserve_of_other_classes_stays(struct kunit *test)
{
	struct bytepool *pool = limited(test, 4 * SZ_64K, 0);

	KUNIT_ASSERT_EQ(test, bytepool_reserve(pool, SZ_64K, 3, GFP_KERNEL), 0);
	KUNIT_EXPECT_NULL(test, bytepool_alloc(pool, SZ_128K, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, bk_stats(pool).blocks_idle, 3);
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, SZ_64K, 0, GFP_KERNEL), 0);
}

static void bulk_is_all_or_nothing(struct kunit *test)
{
	static const unsigned int flags[] = { 0, BYTEPOOL_SINGLE };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct bytepool *pool = limited(test, 8 * SZ_64K, flags[i]);
		void **blocks = bk_array(test, 9);
		struct bytepool_stats stats;

		blocks[0] = bytepool_alloc(pool, SZ_64K, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, blocks[0]);
		for (j = 1; j < 9; j++)
			blocks[j] = NULL;
		KUNIT_EXPECT_EQ(test, bytepool_alloc_bulk(pool, SZ_64K, GFP_KERNEL, 8, blocks + 1),
				0);
		stats = bk_stats(pool);
		KUNIT_EXPECT_EQ(test, stats.blocks_in_use, 1);
		KUNIT_EXPECT_GE(test, stats.failures, 1);
		KUNIT_EXPECT_EQ(test, stats.bad_frees, 0);
		KUNIT_EXPECT_LE(test, stats.bytes_held, 8 * SZ_64K);
		KUNIT_EXPECT_EQ(test, stats.allocs, stats.hits + stats.misses);
		KUNIT_EXPECT_EQ(test, bytepool_alloc_bulk(pool, SZ_64K, GFP_ATOMIC, 8, blocks + 1),
				0);
		KUNIT_EXPECT_EQ(test, bytepool_alloc_bulk(pool, SZ_64K, GFP_KERNEL, 7, blocks + 1),
				7);
		bytepool_free_bulk(pool, 8, blocks);
		KUNIT_EXPECT_EQ(test, bk_stats(pool).blocks_in_use, 0);
		bk_check_stats(test, pool);
	}
}

static void is_changed_live(struct kunit *test)
{
	struct bytepool *pool = limited(test, 2 * SZ_64K, 0);
	char *path = bk_pool_path(test, pool, "limit_bytes");
	void *blocks[4];

	KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, path), 2 * SZ_64K);
	bk_alloc_many(test, pool, SZ_64K, 2, blocks);
	KUNIT_EXPECT_NULL(test, bytepool_alloc(pool, SZ_64K, GFP_KERNEL));
	KUNIT_ASSERT_EQ(test, bk_sysfs_write(test, path, "196608\n"), 0);
	KUNIT_EXPECT_EQ(test, bk_sysfs_number(test, path), 3 * SZ_64K);
	blocks[2] = bytepool_alloc(pool, SZ_64K, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, blocks[2]);
	KUNIT_EXPECT_NULL(test, bytepool_alloc(pool, SZ_64K, GFP_KERNEL));
	KUNIT_ASSERT_EQ(test, bk_sysfs_write(test, path, "0"), 0);
	blocks[3] = bytepool_alloc(pool, SZ_64K, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, blocks[3]);

	/*
	 * If the limit is below the memory in use, allocations fail until
	 * enough has been freed.
	 */
	KUNIT_ASSERT_EQ(test, bk_sysfs_write(test, path, "65536"), 0);
	KUNIT_EXPECT_NULL(test, bytepool_alloc(pool, SZ_4K, GFP_KERNEL));
	bk_free_many(pool, 4, blocks);
	blocks[0] = bytepool_alloc(pool, SZ_4K, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, blocks[0]);
	KUNIT_EXPECT_LE(test, bytepool_size(pool), SZ_64K);
	bytepool_free(pool, blocks[0]);
}

static struct kunit_case limit_cases[] = {
	KUNIT_CASE(is_exact),
	KUNIT_CASE(may_be_tiny),
	KUNIT_CASE(serves_what_fits),
	KUNIT_CASE(is_never_passed),
	KUNIT_CASE(idle_of_other_classes_makes_room),
	KUNIT_CASE(reserve_of_other_classes_stays),
	KUNIT_CASE(bulk_is_all_or_nothing),
	KUNIT_CASE(is_changed_live),
	{}
};

BK_SUITE(limit, limit_cases);
