// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test create and destroy: names, parameters, refusals and their reasons,
 * blocks left in use, and automatic cleanup.
 */
#include <linux/ctype.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/string.h>

#include "fixture.h"

static void check_created(struct kunit *test, const char *name)
{
	struct bytepool *pool = bytepool_create(name, NULL);
	void *block;

	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR_OR_NULL(pool), "\"%s\": %pe", name, pool);
	block = bytepool_alloc(pool, 100, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, block);
	bytepool_free(pool, block);
	bytepool_destroy(pool);
}

static void check_refused(struct kunit *test, const char *name,
			  const struct bytepool_params *params, long error)
{
	struct bytepool *pool = bytepool_create(name, params);

	KUNIT_EXPECT_EQ_MSG(test, PTR_ERR(pool), error, "\"%s\"", name ?: "NULL");
	if (!IS_ERR_OR_NULL(pool))
		bytepool_destroy(pool);
}

static void names(struct kunit *test)
{
	char name[BK_NAME_SIZE + 1];

	check_created(test, "k");
	check_created(test, "-");
	check_created(test, "...");
	check_created(test, "..k");
	check_created(test, ".k");
	check_created(test, "kunit_ABC-xyz.0189");
	memset(name, 'n', sizeof(name));
	name[63] = '\0';
	check_created(test, name);
	name[63] = 'n';
	name[64] = '\0';
	check_refused(test, name, NULL, -EINVAL);
}

static void names_refused(struct kunit *test)
{
	char name[] = "kunit?";
	unsigned int c;

	check_refused(test, NULL, NULL, -EINVAL);
	check_refused(test, "", NULL, -EINVAL);
	check_refused(test, ".", NULL, -EINVAL);
	check_refused(test, "..", NULL, -EINVAL);
	check_refused(test, "../kunit", NULL, -EINVAL);
	for (c = 1; c < 256; c++) {
		name[5] = c;
		if (isascii(c) && (isalnum(c) || strchr("._-", c)))
			check_created(test, name);
		else
			check_refused(test, name, NULL, -EINVAL);
	}
}

static void names_are_unique(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	char name[BK_NAME_SIZE];

	strscpy(name, bk_pool_name(test, pool), sizeof(name));
	check_refused(test, name, NULL, -EEXIST);
	check_refused(test, "system", NULL, -EEXIST);
	bk_check_sound(test, pool, 64, 10);
	bk_pool_destroy(test, pool);
	check_created(test, name);
}

/*
 * The name is copied, and a name that begins with the name of another pool is
 * not confused with it.
 */
static void names_are_copied(struct kunit *test)
{
	struct bytepool *pool, *longer;
	char name[] = "kunit-copied";

	pool = bytepool_create(name, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	longer = bytepool_create("kunit-copied-longer", NULL);
	KUNIT_EXPECT_FALSE(test, IS_ERR_OR_NULL(longer));
	bytepool_destroy(longer);
	name[0] = 'K';
	check_refused(test, "kunit-copied", NULL, -EEXIST);
	check_created(test, name);
	bytepool_destroy(pool);
}

static void params_refused(struct kunit *test)
{
	static const struct {
		struct bytepool_params params;
		const char *culprit;
	} cases[] = {
		{ { .min_size = 1 }, ": min_size" },
		{ { .min_size = 7 }, ": min_size" },
		{ { .min_size = 12 }, ": min_size" },
		{ { .min_size = SZ_8M }, ": min_size" },
		{ { .min_size = 64, .max_size = 56 }, ": min_size" },
		{ { .min_size = SIZE_MAX & ~7UL, .max_size = SZ_1M }, ": min_size" },
		{ { .max_size = 4 }, ": max_size" },
		{ { .max_size = 1001 }, ": max_size" },
		{ { .max_size = SZ_1G + 8 }, ": max_size" },
		{ { .max_size = SIZE_MAX }, ": max_size" },
		{ { .max_size = SIZE_MAX & ~7UL }, ": max_size" },
		{ { .step = 1 }, ": step" },
		{ { .step = 12 }, ": step" },
		{ { .step = SIZE_MAX }, ": step" },
		{ { .flags = BIT(5) }, ": unknown flags" },
		{ { .flags = BIT(31) }, ": unknown flags" },
		{ { .flags = ~0U }, ": unknown flags" },
#if BITS_PER_LONG == 64
		{ { .min_size = SZ_4G + 64, .max_size = SZ_4G + 128 }, ": m" },
		{ { .max_size = SZ_4G + 64 }, ": max_size" },
#endif
	};
	struct bk_log *log = bk_log_start(test);
	char name[BK_NAME_SIZE];
	unsigned int i;

	bk_unique_name(name);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		bk_log_next(log);
		check_refused(test, name, &cases[i].params, -EINVAL);
		KUNIT_EXPECT_EQ_MSG(test, bk_log_count(log, name, cases[i].culprit), 1,
				    "case %u: the reason is not logged once", i);
	}
	/* A failed create leaves nothing behind. */
	check_created(test, name);
}

/* The bounds themselves are accepted. */
static void params_accepted(struct kunit *test)
{
	static const struct bytepool_params cases[] = {
		{},
		{ .min_size = 8, .max_size = 8 },
		{ .max_size = SZ_1G },
		{ .min_size = SZ_1G, .max_size = SZ_1G },
		{ .min_size = SZ_4M },
		{ .min_size = 8, .max_size = 16, .step = SZ_1M },
		{ .min_size = 64, .max_size = 64, .step = 8 },
		{ .max_size = SZ_1G, .step = SZ_1M },
		{ .idle_timeout_ms = 1 },
		{ .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER },
		{ .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER - 1 },
		{ .limit_bytes = 1 },
		{ .limit_bytes = SIZE_MAX },
		{ .flags = BYTEPOOL_SINGLE | BYTEPOOL_CONTIG | BYTEPOOL_WIPE },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytepool *pool = bk_pool(test, &cases[i]);
		size_t size = min_t(size_t, cases[i].max_size ?: SZ_4K, SZ_4K);
		void *block = NULL;

		KUNIT_EXPECT_EQ_MSG(test, bytepool_size(pool), 0, "case %u", i);
		if (cases[i].min_size <= SZ_4K && cases[i].limit_bytes != 1) {
			block = bytepool_alloc(pool, size, GFP_KERNEL);
			KUNIT_EXPECT_NOT_NULL_MSG(test, block, "case %u", i);
		}
		bytepool_free(pool, block);
		bk_pool_destroy(test, pool);
	}
}

static void destroy_of_nothing(struct kunit *test)
{
	bytepool_destroy(NULL);
	bytepool_destroy(ERR_PTR(-ENOMEM));
	bytepool_destroy(ERR_PTR(-EINVAL));
}

/* Destroy a pool whose blocks are idle in every place, reserved, or never used. */
static void destroy_gives_all_back(struct kunit *test)
{
	static const unsigned int flags[] = { 0, BYTEPOOL_SINGLE, BYTEPOOL_WIPE };
	u64 before = bk_sysfs_number(test, "bytes_held");
	void **blocks = bk_array(test, 1000);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct bytepool *pool = bk_pool(test, &(struct bytepool_params){
			.flags = flags[i],
		});

		bk_alloc_many(test, pool, 64, 1000, blocks);
		bk_free_many(pool, 1000, blocks);
		bk_alloc_many(test, pool, SZ_64K, 40, blocks);
		bk_free_many(pool, 40, blocks);
		KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, SZ_1M, 2, GFP_KERNEL), 0);
		KUNIT_EXPECT_GE(test, bk_sysfs_number(test, "bytes_held"), bytepool_size(pool));
		bk_pool_dirty(test, pool);
		bk_pool_destroy(test, pool);
	}
	/* Other pools may allocate and free meanwhile, but not this much. */
	KUNIT_EXPECT_LT(test, bk_sysfs_number(test, "bytes_held"), before + 2 * SZ_1M);
}

/* Blocks in use stay with their owners. The log has their number and class. */
static void destroy_with_blocks_in_use(struct kunit *test)
{
	struct bk_log *log = bk_log_start(test);
	struct bytepool *pool = bk_pool(test, NULL);
	struct bytepool *other = bk_pool(test, NULL);
	char name[BK_NAME_SIZE];
	void *small[7], *large[3];
	unsigned int i;

	strscpy(name, bk_pool_name(test, pool), sizeof(name));
	bk_alloc_many(test, pool, 320, 7, small);
	bk_alloc_many(test, pool, SZ_64K, 3, large);
	bytepool_free(pool, large[2]);
	bk_leak_many(7, small);
	bk_leak_many(2, large);
	bk_pool_dirty(test, pool);
	bk_log_next(log);
	bk_pool_destroy(test, pool);
	bk_log_next(log);

	for (i = 0; i < 7; i++)
		bk_fill(small[i], 320, i);
	bk_fill(large[0], SZ_64K, 10);
	bk_fill(large[1], SZ_64K, 11);
	check_created(test, name);
	bk_check_sound(test, other, 320, 100);
	bk_check_sound(test, other, SZ_64K, 10);
	for (i = 0; i < 7; i++)
		KUNIT_EXPECT_TRUE(test, bk_filled(small[i], 320, i));
	KUNIT_EXPECT_TRUE(test, bk_filled(large[0], SZ_64K, 10));
	KUNIT_EXPECT_TRUE(test, bk_filled(large[1], SZ_64K, 11));

	/* No pool takes such a block when it is freed later. */
	bk_expect_warning_begin();
	bytepool_free(other, small[0]);
	bytepool_free(other, large[0]);
	bk_expect_warning_end();
	KUNIT_EXPECT_EQ(test, bk_stats(other).bad_frees, 2);
	KUNIT_EXPECT_EQ(test, bytepool_usable_size(other, small[0]), 0);
}

/*
 * Destroy a pool with @nr blocks in use. Return how many lines of the log contain @other and
 * @one, or the name of the pool if @one is NULL.
 */
static unsigned int leak_lines(struct kunit *test, struct bk_log *log, unsigned int nr,
			       const char *one, const char *other)
{
	struct bytepool *pool = bk_pool(test, NULL);
	char name[BK_NAME_SIZE];
	void *blocks[7];

	strscpy(name, bk_pool_name(test, pool), sizeof(name));
	bk_alloc_many(test, pool, 320, nr, blocks);
	bk_leak_many(nr, blocks);
	bk_pool_dirty(test, pool);
	bk_log_next(log);
	bk_pool_destroy(test, pool);
	return bk_log_count(log, one ?: name, other);
}

static void leak_is_named(struct kunit *test)
{
	struct bk_log *log = bk_log_start(test);

	KUNIT_EXPECT_GE(test, leak_lines(test, log, 7, NULL, "7 block"), 1);
	KUNIT_EXPECT_GE(test, leak_lines(test, log, 7, NULL, "320"), 1);
	KUNIT_EXPECT_EQ(test, leak_lines(test, log, 1, "WARNING:", ""), 1);
}

/* Destroying a pool without blocks in use logs nothing. */
static void destroy_is_quiet(struct kunit *test)
{
	struct bk_log *log = bk_log_start(test);
	struct bytepool *pool = bk_pool(test, NULL);

	bk_check_sound(test, pool, 64, 100);
	bk_log_next(log);
	bk_pool_destroy(test, pool);
	KUNIT_EXPECT_EQ(test, bk_log_count(log, "bytepool:", ""), 0);
	KUNIT_EXPECT_EQ(test, bk_log_count(log, "WARNING:", ""), 0);
}

static void many_pools(struct kunit *test)
{
	void **pools = bk_array(test, 200);
	char name[BK_NAME_SIZE];
	unsigned int i;

	for (i = 0; i < 200; i++) {
		bk_unique_name(name);
		pools[i] = bytepool_create(name, NULL);
		KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(pools[i]));
		bk_check_sound(test, pools[i], 64, 2);
	}
	for (i = 0; i < 200; i += 2)
		bytepool_destroy(pools[i]);
	for (i = 1; i < 200; i += 2) {
		bk_check_sound(test, pools[i], 64, 20);
		bytepool_destroy(pools[i]);
	}
}

static void scope_frees_block(struct kunit *test)
{
#ifdef DEFINE_CLASS
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){ .max_size = SZ_64K });
	void *kept;

	{
		CLASS(bytepool_block, block)(pool, 100, GFP_KERNEL);

		KUNIT_EXPECT_EQ(test, bytepool_usable_size(pool, block), 112);
		KUNIT_EXPECT_EQ(test, bk_stats(pool).blocks_in_use, 1);
	}
	KUNIT_EXPECT_EQ(test, bk_stats(pool).blocks_in_use, 0);
	{
		CLASS(bytepool_block, block)(pool, SZ_1M, GFP_KERNEL);

		KUNIT_EXPECT_NULL(test, block);
	}
	{
		CLASS(bytepool_block, block)(pool, 100, GFP_KERNEL);

		kept = no_free_ptr(block);
	}
	KUNIT_EXPECT_EQ(test, bytepool_usable_size(pool, kept), 112);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).bad_frees, 0);
	bytepool_free(pool, kept);
#else
	kunit_skip(test, "needs linux/cleanup.h");
#endif
}

static void scope_destroys_pool(struct kunit *test)
{
#ifdef DEFINE_FREE
	char name[BK_NAME_SIZE];

	bk_unique_name(name);
	{
		struct bytepool *pool __free(bytepool) = bytepool_create(name, NULL);

		KUNIT_EXPECT_FALSE(test, IS_ERR_OR_NULL(pool));
		check_refused(test, name, NULL, -EEXIST);
	}
	{
		struct bytepool *pool __free(bytepool) = bytepool_create("", NULL);

		KUNIT_EXPECT_TRUE(test, IS_ERR(pool));
	}
	check_created(test, name);
#else
	kunit_skip(test, "needs linux/cleanup.h");
#endif
}

static void device_destroys_pool(struct kunit *test)
{
	struct device *dev = root_device_register("bytepool-kunit");
	struct bytepool *pool, *none;
	char name[BK_NAME_SIZE];
	void *block;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	bk_unique_name(name);
	pool = devm_bytepool_create(dev, name, &(struct bytepool_params){ .max_size = SZ_64K });
	KUNIT_EXPECT_FALSE(test, IS_ERR_OR_NULL(pool));
	none = devm_bytepool_create(dev, name, NULL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(none), -EEXIST);
	none = devm_bytepool_create(dev, "", NULL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(none), -EINVAL);
	if (!IS_ERR_OR_NULL(pool)) {
		block = bytepool_alloc(pool, 100, GFP_KERNEL);
		KUNIT_EXPECT_NOT_NULL(test, block);
		bytepool_free(pool, block);
		check_refused(test, name, NULL, -EEXIST);
	}
	root_device_unregister(dev);
	check_created(test, name);
}

static struct kunit_case lifecycle_cases[] = {
	KUNIT_CASE(names),
	KUNIT_CASE(names_refused),
	KUNIT_CASE(names_are_unique),
	KUNIT_CASE(names_are_copied),
	KUNIT_CASE(params_refused),
	KUNIT_CASE(params_accepted),
	KUNIT_CASE(destroy_of_nothing),
	KUNIT_CASE(destroy_gives_all_back),
	KUNIT_CASE(destroy_with_blocks_in_use),
	KUNIT_CASE(leak_is_named),
	KUNIT_CASE(destroy_is_quiet),
	KUNIT_CASE(many_pools),
	KUNIT_CASE(scope_frees_block),
	KUNIT_CASE(scope_destroys_pool),
	KUNIT_CASE(device_destroys_pool),
	{}
};

BK_SUITE(lifecycle, lifecycle_cases);
