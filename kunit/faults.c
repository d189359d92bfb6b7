// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test failures of the system's allocators. The first allocation of an
 * operation fails, then the second, and so on until none fails. No outcome may
 * leak anything, and afterwards the pool must work.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/sched.h>

#include "fixture.h"

#if IS_ENABLED(CONFIG_FAULT_INJECTION_DEBUG_FS)

/*
 * debugfs stores the address of the value of a single-value file. The file
 * itself can be written from userspace only.
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

/*
 * If @on, inject failures into sleeping allocations and into single pages, too.
 * The kernel logs none of them.
 */
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

/* Return true if a failure was injected, because there were enough allocations. */
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

/*
 * Fail each of the first allocations of an operation, and some of the many
 * pages of a large block.
 */
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

/**
 * struct fault_run - an operation that is repeated with another failing allocation each time
 * @size: size of the blocks
 * @gfp: flags of the operation
 * @nr: number of @blocks
 * @blocks: array for the operation
 * @pool: new pool of this repetition
 * @nth: number of the allocation that fails
 * @hit: true if the operation made that many allocations; set by the operation
 * @failed: number of failed operations; counted by the operation
 */
struct fault_run {
	size_t size;
	gfp_t gfp;
	unsigned int nr;
	void **blocks;
	struct bytepool *pool;
	unsigned int nth;
	bool hit;
	unsigned int failed;
};

/*
 * Run @op on a new pool while its first allocation fails, then the second, and so on until none
 * fails. It has @nr_small blocks, or 3 if they are large. Return how often the operation failed.
 */
static unsigned int fail_each(struct kunit *test, unsigned int nr_small,
			      void (*op)(struct kunit *test, struct fault_run *run))
{
	const struct fault_case *fault_case = test->param_value;
	struct fault_run run = {
		.size = fault_case->size,
		.gfp = fault_case->gfp,
		.nr = fault_case->size < SZ_64K ? nr_small : 3,
	};

	needs_injection(test);
	run.blocks = bk_array(test, run.nr);
	for (run.nth = 1; run.nth < FAULTS_MAX; run.nth = next(run.nth)) {
		run.pool = faulty_pool(test, fault_case);
		op(test, &run);
		bk_pool_destroy(test, run.pool);
		if (!run.hit)
			break;
	}
	KUNIT_EXPECT_LT(test, run.nth, FAULTS_MAX);
	return run.failed;
}

/* The first allocation of a pool creates all structures. */
static void first_alloc(struct kunit *test, struct fault_run *run)
{
	void *block;

	inject(run->nth);
	block = bytepool_alloc(run->pool, run->size, run->gfp);
	run->hit = injected();
	KUNIT_ASSERT_TRUE(test, block || run->hit);
	KUNIT_EXPECT_EQ(test, bk_stats(run->pool).failures, !block);
	if (block) {
		memset(block, 1, run->size);
		KUNIT_EXPECT_GE(test, bytepool_usable_size(run->pool, block), run->size);
	} else {
		KUNIT_EXPECT_EQ(test, bytepool_size(run->pool), 0);
		run->failed++;
	}
	bytepool_free(run->pool, block);
	check_empty(test, run->pool);
	bk_check_sound(test, run->pool, run->size, 2);
}

static void during_first_alloc(struct kunit *test)
{
	KUNIT_EXPECT_GE(test, fail_each(test, 1, first_alloc), 1);
}

/* Allocate from a class that exists already. */
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

/* A free needs no memory, so it works when the system has none. */
static void free_all(struct kunit *test, struct fault_run *run)
{
	unsigned int i;

	bk_alloc_many(test, run->pool, run->size, run->nr, run->blocks);
	inject(run->nth);
	for (i = 0; i < run->nr; i++)
		bytepool_free(run->pool, run->blocks[i]);
	run->hit = injected();
	KUNIT_EXPECT_EQ(test, bk_stats(run->pool).frees, run->nr);
	bk_check_sound(test, run->pool, run->size, run->nr);
	inject(1);
	bytepool_trim(run->pool);
	injected();
	KUNIT_EXPECT_EQ(test, bytepool_size(run->pool), 0);
}

static void during_free(struct kunit *test)
{
	fail_each(test, 200, free_all);
}

static void alloc_bulk(struct kunit *test, struct fault_run *run)
{
	unsigned int got;

	inject(run->nth);
	got = bytepool_alloc_bulk(run->pool, run->size, run->gfp, run->nr, run->blocks);
	run->hit = injected();
	KUNIT_ASSERT_TRUE(test, got == run->nr || (!got && run->hit));
	KUNIT_ASSERT_EQ(test, bk_stats(run->pool).blocks_in_use, got);
	run->failed += !got;
	bytepool_free_bulk(run->pool, got, run->blocks);
	check_empty(test, run->pool);
	bk_check_sound(test, run->pool, run->size, 2);
}

static void during_bulk(struct kunit *test)
{
	KUNIT_EXPECT_GE(test, fail_each(test, 70, alloc_bulk), 1);
}

/* A reserve is granted as a whole or not at all. */
static void reserve(struct kunit *test, struct fault_run *run)
{
	int err;

	inject(run->nth);
	err = bytepool_reserve(run->pool, run->size, run->nr, run->gfp);
	run->hit = injected();
	if (err) {
		KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		KUNIT_ASSERT_TRUE(test, run->hit);
		run->failed++;
	} else {
		KUNIT_EXPECT_GE(test, bk_stats(run->pool).blocks_idle, run->nr);
		bytepool_trim(run->pool);
		KUNIT_EXPECT_GE(test, bk_stats(run->pool).blocks_idle, run->nr);
		err = bytepool_reserve(run->pool, run->size, 0, GFP_KERNEL);
		KUNIT_EXPECT_EQ(test, err, 0);
	}
	/* After an error, no memory is kept. */
	check_empty(test, run->pool);
}

static void during_reserve(struct kunit *test)
{
	KUNIT_EXPECT_GE(test, fail_each(test, 100, reserve), 1);
}

/* The reserve serves allocations while the system has no memory. */
static void reserve_bridges(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	unsigned int i;

	needs_injection(test);
	KUNIT_ASSERT_EQ(test, bytepool_reserve(pool, SZ_4K, 1, GFP_KERNEL), 0);
	for (i = 0; i < 100; i++) {
		void *block;

		/* The first failure would be that of fail_bytepool. */
		inject(2);
		block = bytepool_alloc(pool, SZ_4K, GFP_ATOMIC);
		injected();
		KUNIT_EXPECT_NOT_NULL(test, block);
		bytepool_free(pool, block);
	}
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, SZ_4K, 0, GFP_KERNEL), 0);
}

/* An idle block is allocated without the system allocator. */
static void idle_needs_no_system(struct kunit *test)
{
	static const size_t sizes[] = { 8, 64, 1000, SZ_4K, 5120, SZ_64K, SZ_1M, SZ_4M };
	struct bytepool *pool = bk_pool(test, NULL);
	unsigned int i, round;

	needs_injection(test);
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		kunit_skip(test, "kmemleak allocates a record of each block");
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
