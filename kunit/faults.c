// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation failures: the first allocation of an operation fails, then the
 * second, and so on until none does. Whatever came of it, nothing is leaked,
 * and afterwards all works.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/sched.h>

#include "fixture.h"

#if IS_ENABLED(CONFIG_FAULT_INJECTION_DEBUG_FS)

/*
 * What debugfs keeps for a file of one value is the address of that value. The
 * file itself can be written from userspace only.
 */
static void *knob(const char *dir, const char *name)
{
	struct dentry *parent = debugfs_lookup(dir, NULL);
	struct dentry *dentry = parent ? debugfs_lookup(name, parent) : NULL;
	void *value = dentry ? d_inode(dentry)->i_private : NULL;

	dput(dentry);
	dput(parent);
	return value;
}

static void set_flag(const char *dir, const char *name, bool on)
{
	bool *flag = knob(dir, name);

	if (flag)
		*flag = on;
}

/* Allocations that may sleep fail too, and single pages do; the kernel says nothing of each. */
static void set_injection(bool on)
{
	u32 *min_order = knob("fail_page_alloc", "min-order");
	unsigned long *slab_verbose = knob("failslab", "verbose");
	unsigned long *page_verbose = knob("fail_page_alloc", "verbose");

	set_flag("failslab", "ignore-gfp-wait", !on);
	set_flag("fail_page_alloc", "ignore-gfp-wait", !on);
	set_flag("fail_page_alloc", "ignore-gfp-highmem", !on);
	if (min_order)
		*min_order = on ? 0 : 1;
	if (slab_verbose)
		*slab_verbose = on ? 0 : 2;
	if (page_verbose)
		*page_verbose = on ? 0 : 2;
}

static int faults_init(struct kunit *test)
{
	set_injection(true);
	return bk_init(test);
}

static void faults_exit(struct kunit *test)
{
	set_injection(false);
	bk_exit(test);
}

static void inject(unsigned int nth)
{
	bk_expect_warning_begin();
	current->fail_nth = nth;
}

/* Whether that many allocations were made, so that one of them failed. */
static bool injected(void)
{
	bool done = !current->fail_nth;

	current->fail_nth = 0;
	bk_expect_warning_end();
	return done;
}

static void needs_injection(struct kunit *test)
{
	void *probe;

	if (!knob("failslab", "ignore-gfp-wait"))
		kunit_skip(test, "needs CONFIG_FAILSLAB");
	inject(1);
	probe = kmalloc(64, GFP_KERNEL);
	KUNIT_EXPECT_TRUE(test, injected());
	KUNIT_EXPECT_NULL(test, probe);
	kfree(probe);
}

#else

static int faults_init(struct kunit *test)
{
	return bk_init(test);
}

static void faults_exit(struct kunit *test)
{
	bk_exit(test);
}

static void inject(unsigned int nth)
{
}

static bool injected(void)
{
	return false;
}

static void needs_injection(struct kunit *test)
{
	kunit_skip(test, "needs CONFIG_FAULT_INJECTION_DEBUG_FS");
}

#endif

#define FAULTS_MAX	100000

/* Each of the first allocations of an operation, and some of the many pages of a large block. */
static unsigned int next(unsigned int nth)
{
	return nth + 1 + nth / 8;
}

static void during_create(struct kunit *test)
{
	static const struct bytepool_params cases[] = {
		{},
		{ .min_size = 64, .max_size = 64, .flags = BYTEPOOL_SINGLE },
		{ .max_size = 102400, .step = 8 },
	};
	char name[BK_NAME_SIZE];
	unsigned int i, nth;

	needs_injection(test);
	bk_unique_name(name);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytepool *pool;
		unsigned int failed = 0;
		bool hit;

		for (nth = 1; nth < FAULTS_MAX; nth = next(nth)) {
			inject(nth);
			pool = bytepool_create(name, &cases[i]);
			hit = injected();
			KUNIT_ASSERT_NOT_NULL(test, pool);
			if (IS_ERR(pool)) {
				KUNIT_EXPECT_EQ(test, PTR_ERR(pool), -ENOMEM);
				KUNIT_ASSERT_TRUE(test, hit);
				failed++;
				continue;
			}
			bk_check_sound(test, pool, 64, 50);
			bytepool_destroy(pool);
			if (!hit)
				break;
		}
		KUNIT_EXPECT_LT(test, nth, FAULTS_MAX);
		KUNIT_EXPECT_GE(test, failed, 2);
	}
}

struct fault_case {
	const char *name;
	size_t size;
	gfp_t gfp;
	unsigned int flags;
};

static const struct fault_case fault_cases[] = {
	{ "64, sleeping", 64, GFP_KERNEL },
	{ "64, atomic", 64, GFP_ATOMIC },
	{ "64, single", 64, GFP_KERNEL, BYTEPOOL_SINGLE },
	{ "5120, sleeping", 5120, GFP_KERNEL },
	{ "5120, atomic", 5120, GFP_NOWAIT },
	{ "64 KiB, sleeping", SZ_64K, GFP_KERNEL },
	{ "64 KiB, atomic", SZ_64K, GFP_ATOMIC },
	{ "100,000, sleeping", 100000, GFP_KERNEL },
	{ "1 MiB, sleeping", SZ_1M, GFP_KERNEL },
	{ "1 MiB, contiguous", SZ_1M, GFP_KERNEL, BYTEPOOL_CONTIG },
	{ "5 MiB, sleeping", SZ_4M + SZ_1M, GFP_KERNEL },
};

static void fault_desc(const struct fault_case *fault_case, char *desc)
{
	strscpy(desc, fault_case->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(fault, fault_cases, fault_desc);

static struct bytepool *faulty_pool(struct kunit *test, const struct fault_case *fault_case)
{
	return bk_pool(test, &(struct bytepool_params){
		.max_size = SZ_8M, .flags = fault_case->flags,
	});
}

static void check_empty(struct kunit *test, struct bytepool *pool)
{
	KUNIT_ASSERT_EQ(test, bk_stats(pool).blocks_in_use, 0);
	bk_check_stats(test, pool);
	bytepool_trim(pool);
	KUNIT_ASSERT_EQ(test, bytepool_size(pool), 0);
}

/* The first alloc of a pool, which makes all that there is. */
static void during_first_alloc(struct kunit *test)
{
	const struct fault_case *fault_case = test->param_value;
	unsigned int nth, failed = 0;

	needs_injection(test);
	for (nth = 1; nth < FAULTS_MAX; nth = next(nth)) {
		struct bytepool *pool = faulty_pool(test, fault_case);
		void *block;
		bool hit;

		inject(nth);
		block = bytepool_alloc(pool, fault_case->size, fault_case->gfp);
		hit = injected();
		KUNIT_ASSERT_TRUE(test, block || hit);
		KUNIT_EXPECT_EQ(test, bk_stats(pool).failures, !block);
		if (block) {
			memset(block, 1, fault_case->size);
			KUNIT_EXPECT_GE(test, bytepool_usable_size(pool, block), fault_case->size);
		} else {
			KUNIT_EXPECT_EQ(test, bytepool_size(pool), 0);
			failed++;
		}
		bytepool_free(pool, block);
		check_empty(test, pool);
		bk_check_sound(test, pool, fault_case->size, 2);
		bk_pool_destroy(test, pool);
		if (!hit)
			break;
	}
	KUNIT_EXPECT_LT(test, nth, FAULTS_MAX);
	KUNIT_EXPECT_GE(test, failed, 1);
}

/* Of a class that is there already. */
static void during_alloc(struct kunit *test)
{
	const struct fault_case *fault_case = test->param_value;
	struct bytepool *pool = faulty_pool(test, fault_case);
	unsigned int nth;

	needs_injection(test);
	for (nth = 1; nth < FAULTS_MAX; nth = next(nth)) {
		void *block;
		bool hit;

		inject(nth);
		block = bytepool_zalloc(pool, fault_case->size, fault_case->gfp);
		hit = injected();
		KUNIT_ASSERT_TRUE(test, block || hit);
		bytepool_free(pool, block);
		check_empty(test, pool);
		if (!hit)
			break;
	}
	KUNIT_EXPECT_LT(test, nth, FAULTS_MAX);
	bk_check_sound(test, pool, fault_case->size, 2);
}

/* A free needs no memory: it works when there is none. */
static void during_free(struct kunit *test)
{
	const struct fault_case *fault_case = test->param_value;
	unsigned int nr = fault_case->size < SZ_64K ? 200 : 3;
	void **blocks = bk_array(test, nr);
	unsigned int nth;

	needs_injection(test);
	for (nth = 1; nth < FAULTS_MAX; nth = next(nth)) {
		struct bytepool *pool = faulty_pool(test, fault_case);
		unsigned int i;
		bool hit;

		bk_alloc_many(test, pool, fault_case->size, nr, blocks);
		inject(nth);
		for (i = 0; i < nr; i++)
			bytepool_free(pool, blocks[i]);
		hit = injected();
		KUNIT_EXPECT_EQ(test, bk_stats(pool).frees, nr);
		bk_check_sound(test, pool, fault_case->size, nr);
		inject(1);
		bytepool_trim(pool);
		injected();
		KUNIT_EXPECT_EQ(test, bytepool_size(pool), 0);
		bk_pool_destroy(test, pool);
		if (!hit)
			break;
	}
	KUNIT_EXPECT_LT(test, nth, FAULTS_MAX);
}

static void during_bulk(struct kunit *test)
{
	const struct fault_case *fault_case = test->param_value;
	unsigned int nr = fault_case->size < SZ_64K ? 70 : 3;
	void **blocks = bk_array(test, nr);
	unsigned int nth, got, failed = 0;

	needs_injection(test);
	for (nth = 1; nth < FAULTS_MAX; nth = next(nth)) {
		struct bytepool *pool = faulty_pool(test, fault_case);
		bool hit;

		inject(nth);
		got = bytepool_alloc_bulk(pool, fault_case->size, fault_case->gfp, nr, blocks);
		hit = injected();
		KUNIT_ASSERT_TRUE(test, got == nr || (!got && hit));
		KUNIT_ASSERT_EQ(test, bk_stats(pool).blocks_in_use, got);
		failed += !got;
		bytepool_free_bulk(pool, got, blocks);
		check_empty(test, pool);
		bk_check_sound(test, pool, fault_case->size, 2);
		bk_pool_destroy(test, pool);
		if (!hit)
			break;
	}
	KUNIT_EXPECT_LT(test, nth, FAULTS_MAX);
	KUNIT_EXPECT_GE(test, failed, 1);
}

/* All of it or nothing, and an old one stays. */
static void during_reserve(struct kunit *test)
{
	const struct fault_case *fault_case = test->param_value;
	unsigned int nr = fault_case->size < SZ_64K ? 100 : 3;
	unsigned int nth, failed = 0;

	needs_injection(test);
	for (nth = 1; nth < FAULTS_MAX; nth = next(nth)) {
		struct bytepool *pool = faulty_pool(test, fault_case);
		bool hit;
		int err;

		inject(nth);
		err = bytepool_reserve(pool, fault_case->size, nr, fault_case->gfp);
		hit = injected();
		if (err) {
			KUNIT_EXPECT_EQ(test, err, -ENOMEM);
			KUNIT_ASSERT_TRUE(test, hit);
			failed++;
			/* Nothing is kept. */
			check_empty(test, pool);
		} else {
			KUNIT_EXPECT_GE(test, bk_stats(pool).blocks_idle, nr);
			bytepool_trim(pool);
			KUNIT_EXPECT_GE(test, bk_stats(pool).blocks_idle, nr);
			err = bytepool_reserve(pool, fault_case->size, 0, GFP_KERNEL);
			KUNIT_EXPECT_EQ(test, err, 0);
			check_empty(test, pool);
		}
		bk_pool_destroy(test, pool);
		if (!hit)
			break;
	}
	KUNIT_EXPECT_LT(test, nth, FAULTS_MAX);
	KUNIT_EXPECT_GE(test, failed, 1);
}

/* While the system has nothing, the reserve serves. */
static void reserve_bridges(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	unsigned int i;

	needs_injection(test);
	KUNIT_ASSERT_EQ(test, bytepool_reserve(pool, SZ_4K, 1, GFP_KERNEL), 0);
	for (i = 0; i < 100; i++) {
		void *block;

		/* The first would be fail_bytepool's. */
		inject(2);
		block = bytepool_alloc(pool, SZ_4K, GFP_ATOMIC);
		injected();
		KUNIT_EXPECT_NOT_NULL(test, block);
		bytepool_free(pool, block);
	}
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, SZ_4K, 0, GFP_KERNEL), 0);
}

/* An idle block comes back without a visit to the system allocator. */
static void idle_needs_no_system(struct kunit *test)
{
	static const size_t sizes[] = { 8, 64, 1000, SZ_4K, 5120, SZ_64K, SZ_1M, SZ_4M };
	struct bytepool *pool = bk_pool(test, NULL);
	unsigned int i, round;

	needs_injection(test);
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		kunit_skip(test, "kmemleak asks the system for a record of each block");
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		void *block = bytepool_alloc(pool, sizes[i], GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, block);
		bytepool_free(pool, block);
		inject(1);
		for (round = 0; round < 10; round++) {
			block = bytepool_alloc(pool, sizes[i], GFP_KERNEL);
			if (!block)
				break;
			bytepool_free(pool, block);
		}
		KUNIT_EXPECT_FALSE_MSG(test, injected(), "size %zu", sizes[i]);
		KUNIT_EXPECT_EQ(test, round, 10);
	}
}

static struct kunit_case faults_cases[] = {
	KUNIT_CASE(during_create),
	KUNIT_CASE_PARAM(during_first_alloc, fault_gen_params),
	KUNIT_CASE_PARAM(during_alloc, fault_gen_params),
	KUNIT_CASE_PARAM(during_free, fault_gen_params),
	KUNIT_CASE_PARAM(during_bulk, fault_gen_params),
	KUNIT_CASE_PARAM(during_reserve, fault_gen_params),
	KUNIT_CASE(reserve_bridges),
	KUNIT_CASE(idle_needs_no_system),
	{}
};

static struct kunit_suite faults_suite = {
	.name = "bytepool_faults",
	.init = faults_init,
	.exit = faults_exit,
	.test_cases = faults_cases,
};

kunit_test_suite(faults_suite);
