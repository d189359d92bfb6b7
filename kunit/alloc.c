// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test alloc and free: contents, reuse, counters, bulk, and invalid arguments.
 */
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../internal/size_class.h"
#include "fixture.h"

static const size_t some_sizes[] = { 8, 24, 64, 1000, 4096, 5120, 12288, 65536, 100000, SZ_1M };

static void contents_are_kept(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);

	bk_check_sound(test, pool, 8, 3000);
	bk_check_sound(test, pool, 100, 1000);
	bk_check_sound(test, pool, 5000, 50);
	bk_check_sound(test, pool, 70000, 20);
	bk_check_sound(test, pool, SZ_2M, 3);
}

static void zeroed(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	unsigned int i;

	for (i = 0; i < 2 * ARRAY_SIZE(some_sizes); i++) {
		size_t size = some_sizes[i / 2];
		void *block = bytepool_alloc(pool, size, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, block);
		memset(block, 0xa5, bytepool_usable_size(pool, block));
		bytepool_free(pool, block);
		block = i % 2 ? bytepool_zalloc(pool, size, GFP_KERNEL) :
				bytepool_alloc(pool, size, GFP_KERNEL | __GFP_ZERO);
		KUNIT_ASSERT_NOT_NULL(test, block);
		KUNIT_EXPECT_NULL_MSG(test, memchr_inv(block, 0, size), "size %zu", size);
		bytepool_free(pool, block);
	}
}

static void zeroed_when_new(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	unsigned int i, round;

	/* The system sooner or later returns pages that a trim gave back dirty. */
	for (i = 0; i < ARRAY_SIZE(some_sizes); i++) {
		for (round = 0; round < 10; round++) {
			void *block = bytepool_zalloc(pool, some_sizes[i], GFP_KERNEL);

			KUNIT_ASSERT_NOT_NULL(test, block);
			KUNIT_ASSERT_NULL(test, memchr_inv(block, 0, some_sizes[i]));
			memset(block, 0xa5, some_sizes[i]);
			bytepool_free(pool, block);
			bytepool_trim(pool);
		}
	}
}

static void zeroed_in_bulk(struct kunit *test)
{
	struct bytepool *pool = bk_pool_fixed(test, 256, 0);
	void **blocks = bk_array(test, 100);
	unsigned int i;

	bk_alloc_many(test, pool, 256, 100, blocks);
	for (i = 0; i < 100; i++)
		memset(blocks[i], 0xa5, 256);
	bk_free_many(pool, 100, blocks);
	KUNIT_ASSERT_EQ(test, 100, bytepool_alloc_bulk(pool, 256, GFP_KERNEL | __GFP_ZERO, 100,
						       blocks));
	for (i = 0; i < 100; i++)
		KUNIT_EXPECT_NULL(test, memchr_inv(blocks[i], 0, 256));
	bytepool_free_bulk(pool, 100, blocks);
}

/* Check that a block holds no data of its last owner, wherever it was idle meanwhile. */
static void check_wiped(struct kunit *test, struct bytepool *pool, size_t size, unsigned int nr)
{
	void **blocks = bk_array(test, nr);
	unsigned int i, round;

	for (round = 0; round < 3; round++) {
		bk_alloc_many(test, pool, size, nr, blocks);
		for (i = 0; i < nr; i++) {
			if (round)
				KUNIT_ASSERT_NULL_MSG(test, memchr_inv(blocks[i], 0, size),
						      "size %zu, round %u", size, round);
			memset(blocks[i], 0xa5, size);
		}
		bk_free_many(pool, nr, blocks);
	}
	kunit_kfree(test, blocks);
}

static void wiped(struct kunit *test)
{
	static const unsigned int flags[] = { 0, BYTEPOOL_SINGLE, BYTEPOOL_CONTIG };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		for (j = 0; j < ARRAY_SIZE(some_sizes); j++) {
			size_t size = some_sizes[j];
			struct bytepool *pool = bk_pool_fixed(test, size,
							      BYTEPOOL_WIPE | flags[i]);

			/*
			 * Use whole slabs, so that no new block appears in the
			 * second round.
			 */
			check_wiped(test, pool, size, 1);
			bytepool_trim(pool);
			check_wiped(test, pool, size,
				    PAGE_SIZE % size ? 1 : PAGE_SIZE / size);
			bk_pool_destroy(test, pool);
		}
	}
}

static void wiped_in_bulk(struct kunit *test)
{
	struct bytepool *pool = bk_pool_fixed(test, 512, BYTEPOOL_WIPE);
	/*
	 * Use every block of the slabs, because a block that had no owner yet
	 * is not wiped.
	 */
	unsigned int nr = PAGE_SIZE / 512 * 24;
	void **blocks = bk_array(test, nr);
	unsigned int i;

	bk_alloc_many(test, pool, 512, nr, blocks);
	KUNIT_ASSERT_EQ(test, bk_stats(pool).blocks_idle, 0);
	for (i = 0; i < nr; i++)
		memset(blocks[i], 0xa5, 512);
	bytepool_free_bulk(pool, nr, blocks);
	KUNIT_ASSERT_EQ(test, bytepool_alloc_bulk(pool, 512, GFP_KERNEL, nr, blocks), nr);
	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_NULL(test, memchr_inv(blocks[i], 0, 512));
	bytepool_free_bulk(pool, nr, blocks);
}

/* The block freed last is still in the CPU's data cache, so it is handed out first. */
static void reuse_is_lifo(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	unsigned int i, j;
	void *blocks[4];

	for (i = 0; i < ARRAY_SIZE(some_sizes); i++) {
		unsigned int nr = some_sizes[i] < SZ_1M ? 4 : 1;

		bk_alloc_many(test, pool, some_sizes[i], nr, blocks);
		bk_free_many(pool, nr, blocks);
		for (j = nr; j-- > 0; ) {
			void *block = bytepool_alloc(pool, some_sizes[i], GFP_KERNEL);

			KUNIT_EXPECT_PTR_EQ(test, blocks[j], block);
			blocks[j] = block;
		}
		bk_free_many(pool, nr, blocks);
	}
}

static void classes_do_not_mix(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	void *small = bytepool_alloc(pool, 64, GFP_KERNEL);
	void *large;

	KUNIT_ASSERT_NOT_NULL(test, small);
	bytepool_free(pool, small);
	large = bytepool_alloc(pool, 65, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, large);
	KUNIT_EXPECT_PTR_NE(test, small, large);
	KUNIT_EXPECT_EQ(test, bytepool_usable_size(pool, large), 80);
	bytepool_free(pool, large);
}

static void counters(struct kunit *test)
{
	static const unsigned int flags[] = { 0, BYTEPOOL_SINGLE };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct bytepool *pool = bk_pool_fixed(test, SZ_64K, flags[i]);
		struct bytepool_stats stats = bk_stats(pool);
		void *blocks[3];

		KUNIT_EXPECT_GT(test, stats.bytes_overhead, 0);
		stats.bytes_overhead = 0;
		KUNIT_EXPECT_NULL(test, memchr_inv(&stats, 0, sizeof(stats)));

		bk_alloc_many(test, pool, SZ_64K, 3, blocks);
		bk_check_stats(test, pool);
		stats = bk_stats(pool);
		KUNIT_EXPECT_EQ(test, stats.allocs, 3);
		KUNIT_EXPECT_EQ(test, stats.misses, 3);
		KUNIT_EXPECT_EQ(test, stats.bytes_in_use, 3 * SZ_64K);
		KUNIT_EXPECT_EQ(test, stats.blocks_in_use, 3);
		KUNIT_EXPECT_EQ(test, stats.bytes_held, 3 * SZ_64K);

		bytepool_free(pool, blocks[0]);
		bytepool_free(pool, blocks[1]);
		stats = bk_stats(pool);
		KUNIT_EXPECT_EQ(test, stats.frees, 2);
		KUNIT_EXPECT_EQ(test, stats.blocks_in_use, 1);
		KUNIT_EXPECT_EQ(test, stats.blocks_idle, 2);
		KUNIT_EXPECT_EQ(test, stats.bytes_idle, 2 * SZ_64K);
		KUNIT_EXPECT_EQ(test, stats.bytes_held, 3 * SZ_64K);

		blocks[0] = bytepool_alloc(pool, 1, GFP_KERNEL);
		KUNIT_EXPECT_EQ(test, bk_stats(pool).hits, 1);
		bytepool_free(pool, blocks[0]);
		bytepool_free(pool, blocks[2]);
		bk_check_stats(test, pool);

		KUNIT_EXPECT_EQ(test, bytepool_trim(pool), 3);
		stats = bk_stats(pool);
		KUNIT_EXPECT_EQ(test, stats.bytes_held, 0);
		KUNIT_EXPECT_EQ(test, stats.blocks_idle, 0);
		KUNIT_EXPECT_EQ(test, stats.reclaimed_blocks, 3);
		KUNIT_EXPECT_EQ(test, stats.reclaimed_bytes, 3 * SZ_64K);
		KUNIT_EXPECT_EQ(test, stats.allocs, 4);
		KUNIT_EXPECT_EQ(test, stats.frees, 4);
		KUNIT_EXPECT_EQ(test, stats.failures, 0);
		KUNIT_EXPECT_EQ(test, stats.bad_frees, 0);
	}
}

/* A slab comes with one miss. The other allocations from it are hits. */
static void counters_of_small_blocks(struct kunit *test)
{
	struct bytepool *pool = bk_pool_fixed(test, 64, 0);
	void **blocks = bk_array(test, 1000);
	struct bytepool_stats stats;

	bk_alloc_many(test, pool, 64, 1000, blocks);
	stats = bk_stats(pool);
	bk_check_stats(test, pool);
	KUNIT_EXPECT_EQ(test, stats.allocs, 1000);
	KUNIT_EXPECT_EQ(test, stats.blocks_in_use, 1000);
	KUNIT_EXPECT_EQ(test, stats.bytes_in_use, 64000);
	KUNIT_EXPECT_GE(test, stats.misses,
			DIV_ROUND_UP(64000, BP_SLAB_PAGES * PAGE_SIZE));
	KUNIT_EXPECT_LE(test, stats.misses, DIV_ROUND_UP(64000, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, (stats.blocks_in_use + stats.blocks_idle) * 64, stats.bytes_held);
	bk_free_many(pool, 1000, blocks);
	bk_check_stats(test, pool);
	stats = bk_stats(pool);
	KUNIT_EXPECT_EQ(test, stats.blocks_idle * 64, stats.bytes_held);
	KUNIT_EXPECT_EQ(test, bytepool_trim(pool), stats.blocks_idle);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).reclaimed_blocks, stats.blocks_idle);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).reclaimed_bytes, stats.bytes_held);
}

static void memory_bar(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	void **blocks = bk_array(test, 10000);

	bk_alloc_many(test, pool, 64, 10000, blocks);
	KUNIT_EXPECT_LE(test, bytepool_size(pool), 640000 * 11 / 10);
	bk_free_many(pool, 10000, blocks);
}

static void sizes_refused(struct kunit *test)
{
	static const size_t sizes[] = {
		0, SZ_64K + 1, SZ_4M, SZ_1G, SZ_2G, SIZE_MAX, SIZE_MAX - 6, SIZE_MAX / 2,
#if BITS_PER_LONG == 64
		/* A size must not be truncated to its lower 32 bits. */
		SZ_4G, SZ_4G + 8, SZ_4G * 2 + 100,
#endif
	};
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){ .max_size = SZ_64K });
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		void *block = (void *)1;

		KUNIT_EXPECT_NULL(test, bytepool_alloc(pool, sizes[i], GFP_KERNEL));
		KUNIT_EXPECT_NULL(test, bytepool_zalloc(pool, sizes[i], GFP_ATOMIC));
		KUNIT_EXPECT_NULL(test, bytepool_alloc_node(pool, sizes[i], GFP_KERNEL, 0));
		KUNIT_EXPECT_EQ(test, bk_stats(pool).failures, 4 * i + 3);
		KUNIT_EXPECT_EQ(test, 0,
				bytepool_alloc_bulk(pool, sizes[i], GFP_KERNEL, 1, &block));
		KUNIT_EXPECT_EQ(test, bk_stats(pool).failures, 4 * i + 4);
	}
	KUNIT_EXPECT_EQ(test, bk_stats(pool).allocs, 0);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), 0);
}

/* An allocation may fail. If it succeeds, the block must be usable. */
static void try_gfp(struct kunit *test, struct bytepool *pool, size_t size, gfp_t gfp, int node)
{
	void *block = bytepool_alloc_node(pool, size, gfp, node);

	if (!block)
		return;
	KUNIT_ASSERT_GE(test, bytepool_usable_size(pool, block), size);
	bk_fill(block, size, 1);
	KUNIT_EXPECT_TRUE(test, bk_filled(block, size, 1));
	bytepool_free(pool, block);
}

static void gfp_any_bit(struct kunit *test)
{
	static const size_t sizes[] = { 64, 5120, 65536, 160000 };
	struct bytepool *pool = bk_pool(test, NULL);
	unsigned int i, bit, round;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (bit = 0; bit < 32; bit++) {
			gfp_t gfp = (__force gfp_t)BIT(bit);

			/*
			 * The first round allocates from the system, the second
			 * from the pool.
			 */
			for (round = 0; round < 2; round++) {
				try_gfp(test, pool, sizes[i], GFP_KERNEL | gfp, NUMA_NO_NODE);
				try_gfp(test, pool, sizes[i], GFP_NOWAIT | gfp, NUMA_NO_NODE);
				try_gfp(test, pool, sizes[i], gfp, NUMA_NO_NODE);
			}
			bytepool_trim(pool);
		}
		try_gfp(test, pool, sizes[i], 0, NUMA_NO_NODE);
		try_gfp(test, pool, sizes[i], (__force gfp_t)~0U, NUMA_NO_NODE);
		bytepool_trim(pool);
		try_gfp(test, pool, sizes[i], (__force gfp_t)~0U, NUMA_NO_NODE);
	}
	bk_check_stats(test, pool);
}

static void gfp_usual(struct kunit *test)
{
	static const gfp_t gfps[] = {
		GFP_KERNEL, GFP_NOFS, GFP_NOIO, GFP_NOWAIT, GFP_ATOMIC, GFP_KERNEL_ACCOUNT,
		GFP_KERNEL | __GFP_NOWARN, GFP_KERNEL | __GFP_NORETRY,
		GFP_KERNEL | __GFP_RETRY_MAYFAIL, GFP_ATOMIC | __GFP_ZERO,
	};
	struct bytepool *pool = bk_pool(test, NULL);
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(gfps); i++) {
		for (j = 0; j < ARRAY_SIZE(some_sizes); j++) {
			void *block = bytepool_alloc(pool, some_sizes[j], gfps[i]);

			KUNIT_ASSERT_NOT_NULL(test, block);
			bk_fill(block, some_sizes[j], i);
			bytepool_free(pool, block);
		}
		bytepool_trim(pool);
	}
	KUNIT_EXPECT_EQ(test, bk_stats(pool).failures, 0);
}

static void nodes(struct kunit *test)
{
	static const int ids[] = {
		NUMA_NO_NODE, 0, 1, MAX_NUMNODES - 1, MAX_NUMNODES, MAX_NUMNODES + 1,
		-2, -100, INT_MAX, INT_MIN,
	};
	struct bytepool *pool = bk_pool(test, NULL);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		try_gfp(test, pool, 64, GFP_KERNEL, ids[i]);
		try_gfp(test, pool, SZ_64K, GFP_KERNEL, ids[i]);
		bytepool_trim(pool);
		try_gfp(test, pool, 64, GFP_KERNEL, ids[i]);
		try_gfp(test, pool, SZ_64K, GFP_KERNEL, ids[i]);
	}
	KUNIT_EXPECT_GE(test, bk_stats(pool).allocs, 8);
}

static void contiguous(struct kunit *test)
{
	static const size_t sizes[] = { 64, 4096, 65536, 100000, SZ_1M };
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){
		.max_size = SZ_1G, .flags = BYTEPOOL_CONTIG,
	});
	unsigned int i;
	void *block;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t offset;

		block = bytepool_alloc(pool, sizes[i], GFP_KERNEL | __GFP_NOWARN);
		KUNIT_ASSERT_NOT_NULL(test, block);
		KUNIT_EXPECT_FALSE(test, is_vmalloc_addr(block));
		for (offset = 0; offset < sizes[i]; offset += PAGE_SIZE)
			KUNIT_ASSERT_TRUE(test, virt_addr_valid(block + offset));
		bk_fill(block, sizes[i], i);
		bytepool_free(pool, block);
	}
	/*
	 * The page allocator rarely has this much contiguous memory. The pool
	 * must then return NULL and not use vmalloc.
	 */
	block = bytepool_alloc(pool, SZ_16M + SZ_1M, GFP_KERNEL | __GFP_NOWARN);
	KUNIT_EXPECT_FALSE(test, block && is_vmalloc_addr(block));
	KUNIT_EXPECT_EQ(test, bk_stats(pool).failures, !block);
	bytepool_free(pool, block);
}

/* Without BYTEPOOL_CONTIG, a block may be larger than the page allocator can serve. */
static void larger_than_pages_in_a_row(struct kunit *test)
{
	size_t size = SZ_16M + PAGE_SIZE;
	struct bytepool *pool = bk_pool_fixed(test, size, 0);
	void *block = bytepool_alloc(pool, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, block);
	KUNIT_EXPECT_EQ(test, bytepool_usable_size(pool, block), size);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), size);
	memset(block, 1, size);
	bytepool_free(pool, block);
	block = bytepool_zalloc(pool, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, block);
	KUNIT_EXPECT_NULL(test, memchr_inv(block, 0, size));
	bytepool_free(pool, block);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).hits, 1);
}

static void single(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){
		.flags = BYTEPOOL_SINGLE,
	});

	bk_check_sound(test, pool, 8, 3000);
	bk_check_sound(test, pool, 1000, 100);
	bk_check_sound(test, pool, SZ_1M, 3);
	bk_check_stats(test, pool);
}

static void bulk(struct kunit *test)
{
	static const size_t sizes[] = { 64, 5120, 65536 };
	struct bytepool *pool = bk_pool(test, NULL);
	void **blocks = bk_array(test, 300);
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned int nr = sizes[i] < SZ_64K ? 300 : 20;

		KUNIT_ASSERT_EQ(test, bytepool_alloc_bulk(pool, sizes[i], GFP_KERNEL, nr, blocks),
				nr);
		KUNIT_EXPECT_EQ(test, bk_stats(pool).blocks_in_use, nr);
		for (j = 0; j < nr; j++) {
			KUNIT_ASSERT_EQ(test, bytepool_usable_size(pool, blocks[j]), sizes[i]);
			bk_fill(blocks[j], sizes[i], j);
		}
		for (j = 0; j < nr; j++)
			KUNIT_ASSERT_TRUE(test, bk_filled(blocks[j], sizes[i], j));
		bytepool_free_bulk(pool, nr, blocks);
		KUNIT_EXPECT_EQ(test, bk_stats(pool).blocks_in_use, 0);
		bk_check_stats(test, pool);
	}
	KUNIT_EXPECT_EQ(test, bk_stats(pool).allocs, 620);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).frees, 620);
}

static void bulk_of_nothing(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	void *blocks[4] = {};

	KUNIT_EXPECT_EQ(test, bytepool_alloc_bulk(pool, 64, GFP_KERNEL, 0, blocks), 0);
	KUNIT_EXPECT_EQ(test, bytepool_alloc_bulk(pool, 64, GFP_KERNEL, 0, NULL), 0);
	bytepool_free_bulk(pool, 0, NULL);
	bytepool_free_bulk(pool, 4, blocks);
	blocks[2] = bytepool_alloc(pool, 64, GFP_KERNEL);
	bytepool_free_bulk(pool, 4, blocks);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).frees, 1);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).blocks_in_use, 0);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).bad_frees, 0);
}

static void free_null(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);

	bytepool_free(pool, NULL);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).frees, 0);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).bad_frees, 0);
}

static void shared_pool(struct kunit *test)
{
	void *blocks[3];

	KUNIT_ASSERT_NOT_NULL(test, bytepool_system);
	blocks[0] = bytepool_alloc(bytepool_system, 1, GFP_KERNEL);
	blocks[1] = bytepool_alloc(bytepool_system, 1000, GFP_KERNEL);
	blocks[2] = bytepool_alloc(bytepool_system, SZ_4M, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, bytepool_usable_size(bytepool_system, blocks[0]), 8);
	KUNIT_EXPECT_EQ(test, bytepool_usable_size(bytepool_system, blocks[1]), 1024);
	KUNIT_EXPECT_EQ(test, bytepool_usable_size(bytepool_system, blocks[2]), SZ_4M);
	bytepool_free_bulk(bytepool_system, 3, blocks);
	KUNIT_EXPECT_NULL(test, bytepool_alloc(bytepool_system, SZ_4M + 1, GFP_KERNEL));
}

static struct kunit_case alloc_cases[] = {
	KUNIT_CASE(contents_are_kept),
	KUNIT_CASE(zeroed),
	KUNIT_CASE(zeroed_when_new),
	KUNIT_CASE(zeroed_in_bulk),
	KUNIT_CASE(wiped),
	KUNIT_CASE(wiped_in_bulk),
	KUNIT_CASE(reuse_is_lifo),
	KUNIT_CASE(classes_do_not_mix),
	KUNIT_CASE(counters),
	KUNIT_CASE(counters_of_small_blocks),
	KUNIT_CASE(memory_bar),
	KUNIT_CASE(sizes_refused),
	KUNIT_CASE(gfp_any_bit),
	KUNIT_CASE(gfp_usual),
	KUNIT_CASE(nodes),
	KUNIT_CASE(contiguous),
	KUNIT_CASE(larger_than_pages_in_a_row),
	KUNIT_CASE(single),
	KUNIT_CASE(bulk),
	KUNIT_CASE(bulk_of_nothing),
	KUNIT_CASE(free_null),
	KUNIT_CASE(shared_pool),
	{}
};

BK_SUITE(alloc, alloc_cases);
