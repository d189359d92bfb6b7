// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test BYTEPOOL_POISON and BYTEPOOL_TRACK: what they report, and that a pool
 * with these flags otherwise works like any other.
 */
#include "fixture.h"

static const unsigned int checked_flags[] = {
	BYTEPOOL_POISON, BYTEPOOL_TRACK, BYTEPOOL_POISON | BYTEPOOL_TRACK,
	BYTEPOOL_POISON | BYTEPOOL_WIPE, BYTEPOOL_POISON | BYTEPOOL_TRACK | BYTEPOOL_SINGLE,
};

static const size_t checked_sizes[] = { 8, 48, 320, 4096, 20480, SZ_64K, SZ_1M };

static bool is_zero(const u8 *block, size_t size)
{
	return !memchr_inv(block, 0, size);
}

/* Allocate and free blocks of all sizes, one by one and in bulk. */
static void serve_all_sizes(struct kunit *test)
{
	unsigned int i, j;
	void *blocks[8];

	for (i = 0; i < ARRAY_SIZE(checked_flags); i++) {
		struct bytepool_params params = { .flags = checked_flags[i] };
		struct bytepool *pool = bk_pool(test, &params);

		for (j = 0; j < ARRAY_SIZE(checked_sizes); j++) {
			size_t size = checked_sizes[j];

			bk_check_sound(test, pool, size, size < SZ_64K ? 20 : 4);
			KUNIT_ASSERT_EQ(test, bytepool_alloc_bulk(pool, size, GFP_KERNEL, 8,
								  blocks), 8);
			bytepool_free_bulk(pool, 8, blocks);
			blocks[0] = bytepool_zalloc(pool, size, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, blocks[0]);
			KUNIT_EXPECT_TRUE(test, is_zero(blocks[0], size));
			bk_fill(blocks[0], size, j);
			bytepool_free(pool, blocks[0]);
			if (!(checked_flags[i] & BYTEPOOL_WIPE))
				continue;
			blocks[0] = bytepool_alloc(pool, size, GFP_KERNEL);
			KUNIT_EXPECT_TRUE(test, is_zero(blocks[0], size));
			bytepool_free(pool, blocks[0]);
		}
		bk_check_stats(test, pool);
		bytepool_trim(pool);
		KUNIT_EXPECT_EQ(test, bytepool_size(pool), 0);
	}
}

/*
 * Write through a stale pointer. KASAN must not report the write, because the
 * pool has to.
 */
static __no_sanitize_address void write_stale(u8 *block)
{
	WRITE_ONCE(*block, 0x42);
}

/*
 * Write at each end and in the middle. Each write is reported once, with its
 * offset and value.
 */
static void tell_of_stale_writes(struct kunit *test)
{
	struct bytepool *pool = bk_pool_fixed(test, 320, BYTEPOOL_POISON | BYTEPOOL_TRACK);
	static const unsigned int offsets[] = { 0, 1, 100, 318, 319 };
	struct bk_log *log = bk_log_start(test);
	unsigned int i;
	char at[32];
	u8 *block;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		block = bytepool_alloc(pool, 320, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, block);
		bytepool_free(pool, block);
		write_stale(block + offsets[i]);
		bk_log_next(log);
		KUNIT_EXPECT_PTR_EQ(test, bytepool_alloc(pool, 320, GFP_KERNEL), (void *)block);
		scnprintf(at, sizeof(at), "at offset %u: 42", offsets[i]);
		KUNIT_EXPECT_EQ(test, bk_log_count(log, "was written to", at), 1);
		bytepool_free(pool, block);
		bk_log_next(log);
		KUNIT_EXPECT_PTR_EQ(test, bytepool_alloc(pool, 320, GFP_KERNEL), (void *)block);
		KUNIT_EXPECT_EQ(test, bk_log_count(log, "was written to", ""), 0);
		bytepool_free(pool, block);
	}
	/*
	 * A trim reports the write too, so it is found even if the block is
	 * never allocated again.
	 */
	write_stale(block + 7);
	bk_log_next(log);
	bytepool_trim(pool);
	KUNIT_EXPECT_EQ(test, bk_log_count(log, "was written to", "at offset 7:"), 1);
	bk_log_next(log);
}

static noinline void *alloc_one_way(struct bytepool *pool)
{
	void *block = bytepool_alloc(pool, 320, GFP_KERNEL);

	barrier();	/* prevent a tail call */
	return block;
}

static noinline void *alloc_other_way(struct bytepool *pool)
{
	void *block = bytepool_zalloc(pool, SZ_64K, GFP_KERNEL);

	barrier();
	return block;
}

/* The leak report names the caller, the number of blocks and their class. */
static void name_who_leaks(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){
		.flags = BYTEPOOL_TRACK,
	});
	struct bk_log *log = bk_log_start(test);
	void *blocks[4];
	unsigned int i;

	for (i = 0; i < 3; i++)
		blocks[i] = alloc_one_way(pool);
	blocks[3] = alloc_other_way(pool);
	for (i = 0; i < 4; i++)
		KUNIT_ASSERT_NOT_NULL(test, blocks[i]);
	bytepool_free(pool, alloc_other_way(pool));
	bk_leak_many(4, blocks);
	bk_pool_dirty(test, pool);
	bk_log_next(log);
	bk_pool_destroy(test, pool);
	KUNIT_EXPECT_EQ(test, bk_log_count(log, "3 blocks of 320 bytes", "alloc_one_way"), 1);
	bk_log_next(log);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(serve_all_sizes),
	KUNIT_CASE(tell_of_stale_writes),
	KUNIT_CASE(name_who_leaks),
	{}
};

BK_SUITE(checked, cases);
