// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test size classes: the arithmetic for every size, then allocations.
 */
#include <linux/kernel.h>
#include <linux/log2.h>

#include "../internal/size_class.h"
#include "fixture.h"

static struct bp_sizes sizes_of(u32 min, u32 max, u32 step)
{
	struct bp_sizes sizes = {};

	bp_sizes_init(&sizes, min, max, step);
	return sizes;
}

/* Check that classes ascend from min to max and are multiples of 8. */
static void check_classes(struct kunit *test, const struct bp_sizes *sizes)
{
	u32 index;

	KUNIT_ASSERT_GT(test, sizes->nr, 0);
	KUNIT_EXPECT_EQ(test, bp_class_size(sizes, 0), sizes->min);
	KUNIT_EXPECT_EQ(test, bp_class_size(sizes, sizes->nr - 1), sizes->max);
	for (index = 1; index < sizes->nr; index++) {
		u32 size = bp_class_size(sizes, index);

		KUNIT_ASSERT_GT(test, size, bp_class_size(sizes, index - 1));
		KUNIT_ASSERT_EQ(test, size % 8, 0);
		KUNIT_ASSERT_EQ(test, bp_class_index(sizes, size), index);
	}
}

/* Check that the smallest class that fits serves each size. */
static void check_sizes(struct kunit *test, const struct bp_sizes *sizes, u32 from, u32 to)
{
	u32 size;

	for (size = from; size && size <= to; size++) {
		u32 index = bp_class_index(sizes, size);

		/* A KUNIT_ASSERT for each of millions of sizes would be too slow. */
		if (index < sizes->nr && bp_class_size(sizes, index) >= size &&
		    (!index || bp_class_size(sizes, index - 1) < size))
			continue;
		KUNIT_FAIL(test, "%u bytes of %u ... %u by %u are in class %u of %u", size,
			   sizes->min, sizes->max, sizes->step, index, sizes->nr);
		return;
	}
}

static void check_waste(struct kunit *test, const struct bp_sizes *sizes, u32 to)
{
	u32 size;

	for (size = sizes->min; size <= to; size++) {
		u32 class = bp_class_size(sizes, bp_class_index(sizes, size));

		if (class - size <= size / 4 + 7)
			continue;
		KUNIT_FAIL(test, "%u bytes take %u", size, class);
		return;
	}
}

static void geometric_every_size(struct kunit *test)
{
	struct bp_sizes sizes = sizes_of(8, SZ_4M, 0);

	check_classes(test, &sizes);
	check_sizes(test, &sizes, 1, SZ_4M);
	check_waste(test, &sizes, SZ_4M);
}

static void geometric_up_to_1g(struct kunit *test)
{
	struct bp_sizes sizes = sizes_of(8, SZ_1G, 0);
	u32 size;

	check_classes(test, &sizes);
	for (size = 64; size < SZ_1G; size *= 2)
		check_sizes(test, &sizes, size - 2, size + 2);
	check_sizes(test, &sizes, SZ_1G - 1000, SZ_1G);
}

static void geometric_four_per_doubling(struct kunit *test)
{
	struct bp_sizes sizes = sizes_of(8, SZ_1G, 0);
	u32 size;

	for (size = 32; size < SZ_1G; size *= 2)
		KUNIT_EXPECT_EQ_MSG(test, bp_class_index(&sizes, 2 * size) -
					  bp_class_index(&sizes, size), 4,
				    "from %u to %u", size, 2 * size);
}

static void geometric_odd_bounds(struct kunit *test)
{
	static const u32 bounds[] = {
		8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128, 136,
		1000, 1024, 1032, 4088, 4096, 4104, 65528, 65536, 65544, 100000,
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(bounds); i++) {
		for (j = i; j < ARRAY_SIZE(bounds); j++) {
			struct bp_sizes sizes = sizes_of(bounds[i], bounds[j], 0);

			check_classes(test, &sizes);
			check_sizes(test, &sizes, 1, bounds[j]);
			check_waste(test, &sizes, bounds[j]);
		}
	}
}

static void linear_by_8(struct kunit *test)
{
	struct bp_sizes sizes = sizes_of(8, 102400, 8);

	KUNIT_EXPECT_EQ(test, sizes.nr, 12800);
	check_classes(test, &sizes);
	check_sizes(test, &sizes, 1, 102400);
}

static void linear_odd_bounds(struct kunit *test)
{
	static const struct {
		u32 min, max, step, nr;
	} cases[] = {
		{ 104, 1000, 8, 113 },
		{ 104, 1000, 24, 39 },		/* 104, 128 ... 992, 1000 */
		{ 104, 1000, 896, 2 },
		{ 104, 1000, 1024, 2 },
		{ 104, 104, 8, 1 },
		{ 8, 65536, 4096, 17 },
		{ 4096, 65536, 4096, 16 },
		{ 8, SZ_1M, 56, 18726 },
		{ 1000, SZ_1M, 1000, 1049 },
		{ SZ_1G - 8000, SZ_1G, 8, 1001 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bp_sizes sizes = sizes_of(cases[i].min, cases[i].max, cases[i].step);

		KUNIT_EXPECT_EQ_MSG(test, sizes.nr, cases[i].nr, "case %u", i);
		check_classes(test, &sizes);
		check_sizes(test, &sizes, max(cases[i].min, 1000U) - 999, cases[i].max);
	}
}

static void slab_geometry(struct kunit *test)
{
	u32 size;

	for (size = 8; size <= SZ_1M; size += 8) {
		u32 bytes = bp_slab_bytes(size);
		u32 waste = bytes % size;

		if (bytes >= size && !(bytes % PAGE_SIZE) && waste < PAGE_SIZE &&
		    (size > PAGE_SIZE || waste <= bytes / 8) &&
		    (bytes <= BP_SLAB_PAGES * PAGE_SIZE || bytes / size == 1) &&
		    bytes / size < U16_MAX)
			continue;
		KUNIT_FAIL(test, "a slab of blocks of %u takes %u bytes", size, bytes);
		return;
	}
}

/* Allocations */

static size_t served(struct kunit *test, struct bytepool *pool, size_t size)
{
	void *block = bytepool_alloc(pool, size, GFP_KERNEL);
	size_t usable;

	KUNIT_ASSERT_NOT_NULL_MSG(test, block, "%zu bytes", size);
	usable = bytepool_usable_size(pool, block);
	bytepool_free(pool, block);
	return usable;
}

static void usable_geometric(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	size_t before = 8;
	size_t size;

	for (size = 1; size <= SZ_4M; size += size < 70000 ? 1 : size / 97) {
		size_t usable = served(test, pool, size);

		KUNIT_ASSERT_GE(test, usable, size);
		KUNIT_ASSERT_LE(test, usable, size + size / 4 + 7);
		KUNIT_ASSERT_GE(test, usable, before);
		KUNIT_ASSERT_EQ(test, usable % 8, 0);
		before = usable;
	}
	KUNIT_EXPECT_EQ(test, served(test, pool, 1), 8);
	KUNIT_EXPECT_EQ(test, served(test, pool, SZ_4M), SZ_4M);
}

static void usable_linear(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){
		.min_size = 104, .max_size = 5000, .step = 24,
	});
	size_t size;

	for (size = 1; size <= 5000; size++) {
		size_t want = size <= 104 ? 104 :
			      min_t(size_t, 104 + roundup(size - 104, 24), 5000);

		KUNIT_ASSERT_EQ(test, served(test, pool, size), want);
	}
}

static void usable_fixed(struct kunit *test)
{
	struct bytepool *pool = bk_pool_fixed(test, 1000, 0);

	KUNIT_EXPECT_EQ(test, served(test, pool, 1), 1000);
	KUNIT_EXPECT_EQ(test, served(test, pool, 1000), 1000);
	KUNIT_EXPECT_NULL(test, bytepool_alloc(pool, 1001, GFP_KERNEL));
}

static void usable_of_no_block(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	struct bytepool *other = bk_pool(test, NULL);
	void *block = bytepool_alloc(pool, 100, GFP_KERNEL);
	int local;

	KUNIT_ASSERT_NOT_NULL(test, block);
	KUNIT_EXPECT_EQ(test, bytepool_usable_size(pool, block), 112);
	KUNIT_EXPECT_EQ(test, bytepool_usable_size(other, block), 0);
	KUNIT_EXPECT_EQ(test, bytepool_usable_size(pool, block + 8), 0);
	KUNIT_EXPECT_EQ(test, bytepool_usable_size(pool, block + 1), 0);
	KUNIT_EXPECT_EQ(test, bytepool_usable_size(pool, &local), 0);
	KUNIT_EXPECT_EQ(test, bytepool_usable_size(pool, NULL), 0);
	KUNIT_EXPECT_EQ(test, bytepool_usable_size(pool, ERR_PTR(-ENOMEM)), 0);
	KUNIT_EXPECT_EQ(test, bytepool_usable_size(pool, (void *)1), 0);
	bytepool_free(pool, block);
	KUNIT_EXPECT_EQ(test, bytepool_usable_size(pool, block), 0);
	bytepool_trim(pool);
	KUNIT_EXPECT_EQ(test, bytepool_usable_size(pool, block), 0);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).bad_frees, 0);
}

/* Check the alignment of every block of several slabs of one class. */
static void check_alignment(struct kunit *test, struct bytepool *pool, size_t size)
{
	size_t align = min_t(size_t, size & -size, PAGE_SIZE);
	unsigned int nr = clamp_t(size_t, 3 * SZ_32K / size, 2, 1000);
	void **blocks = bk_array(test, nr);
	unsigned int i;

	bk_alloc_many(test, pool, size, nr, blocks);
	for (i = 0; i < nr; i++) {
		KUNIT_ASSERT_EQ(test, bytepool_usable_size(pool, blocks[i]), size);
		KUNIT_ASSERT_EQ_MSG(test, (unsigned long)blocks[i] % align, 0, "size %zu", size);
	}
	bk_free_many(pool, nr, blocks);
	kunit_kfree(test, blocks);
}

static void alignment_geometric(struct kunit *test)
{
	struct bp_sizes sizes = sizes_of(8, SZ_1M, 0);
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){ .max_size = SZ_1M });
	u32 index;

	for (index = 0; index < sizes.nr; index++)
		check_alignment(test, pool, bp_class_size(&sizes, index));
}

static void alignment_linear(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){
		.max_size = 20000, .step = 8,
	});
	size_t size;

	for (size = 8; size <= 20000; size += size < 1024 ? 8 : 344)
		check_alignment(test, pool, size);
}

static void classes_12800(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){
		.min_size = 8, .max_size = 102400, .step = 8,
	});
	size_t size;

	KUNIT_EXPECT_EQ(test, bytepool_size(pool), 0);
	for (size = 8; size <= 102400; size += 8) {
		KUNIT_ASSERT_EQ(test, served(test, pool, size), size);
		/* A small test machine does not have the memory to keep all of them. */
		if (size % SZ_8K == 0)
			bytepool_trim(pool);
	}
	bk_check_stats(test, pool);
}

static struct kunit_case classes_cases[] = {
	KUNIT_CASE(geometric_every_size),
	KUNIT_CASE(geometric_up_to_1g),
	KUNIT_CASE(geometric_four_per_doubling),
	KUNIT_CASE(geometric_odd_bounds),
	KUNIT_CASE(linear_by_8),
	KUNIT_CASE(linear_odd_bounds),
	KUNIT_CASE(slab_geometry),
	KUNIT_CASE(usable_geometric),
	KUNIT_CASE(usable_linear),
	KUNIT_CASE(usable_fixed),
	KUNIT_CASE(usable_of_no_block),
	KUNIT_CASE(alignment_geometric),
	KUNIT_CASE(alignment_linear),
	KUNIT_CASE(classes_12800),
	{}
};

BK_SUITE(classes, classes_cases);
