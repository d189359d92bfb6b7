// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test alloc and free in every context. The checks are made afterwards, because
 * a test must not fail where it must not sleep.
 */
#include <linux/cpumask.h>
#include <linux/preempt.h>

#include "fixture.h"

#define NR_BLOCKS	60

/* The work to do in a context, and its results. */
struct visit {
	struct bytepool *pool;
	size_t size;
	unsigned int nr;
	gfp_t gfp;
	void *blocks[NR_BLOCKS];
	unsigned int got;
	unsigned int intact;
	bool was_hardirq;
	bool was_softirq;
};

static const size_t sizes[] = { 8, 64, 1000, 4096, 5120, 65536 };

static void context_desc(const struct bk_context *context, char *desc)
{
	strscpy(desc, context->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(context, bk_contexts, context_desc);

static void visit_alloc(void *arg)
{
	struct visit *visit = arg;
	unsigned int i;

	visit->was_hardirq = in_hardirq();
	visit->was_softirq = in_serving_softirq();
	for (i = 0; i < visit->nr; i++) {
		visit->blocks[i] = bytepool_alloc(visit->pool, visit->size, visit->gfp);
		if (!visit->blocks[i])
			continue;
		visit->got++;
		bk_fill(visit->blocks[i], visit->size, i);
	}
}

static void visit_free(void *arg)
{
	struct visit *visit = arg;
	unsigned int i;

	for (i = 0; i < visit->nr; i++) {
		if (visit->blocks[i] && bk_filled(visit->blocks[i], visit->size, i))
			visit->intact++;
		bytepool_free(visit->pool, visit->blocks[i]);
	}
}

static void visit_alloc_bulk(void *arg)
{
	struct visit *visit = arg;

	visit->got = bytepool_alloc_bulk(visit->pool, visit->size, visit->gfp, visit->nr,
					 visit->blocks);
}

static void visit_free_bulk(void *arg)
{
	struct visit *visit = arg;

	bytepool_free_bulk(visit->pool, visit->got, visit->blocks);
}

static struct visit *new_visit(struct kunit *test, size_t size)
{
	struct visit *visit = kunit_kzalloc(test, sizeof(*visit), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, visit);
	visit->size = size;
	visit->nr = size < SZ_64K ? NR_BLOCKS : 6;
	visit->gfp = GFP_ATOMIC;
	return visit;
}

/* Return true if memory can be allocated from the system in @context. */
static bool has_system(const struct bk_context *context)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) || context->rt;
}

static void contexts_are_real(struct kunit *test)
{
	struct visit *visit = new_visit(test, 64);

	visit->nr = 0;
	bk_in_hardirq(visit_alloc, visit);
	KUNIT_EXPECT_TRUE(test, visit->was_hardirq);
	bk_in_softirq(visit_alloc, visit);
	KUNIT_EXPECT_TRUE(test, visit->was_softirq);
	KUNIT_EXPECT_FALSE(test, visit->was_hardirq);
}

/* Blocks come from the system, and go back to the pool. */
static void alloc_new(struct kunit *test)
{
	const struct bk_context *context = test->param_value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct visit *visit = new_visit(test, sizes[i]);

		visit->pool = bk_pool(test, NULL);
		context->run(visit_alloc, visit);
		if (has_system(context))
			KUNIT_EXPECT_EQ_MSG(test, visit->got, visit->nr, "size %zu", sizes[i]);
		KUNIT_EXPECT_EQ(test, bk_stats(visit->pool).failures, visit->nr - visit->got);
		context->run(visit_free, visit);
		KUNIT_EXPECT_EQ(test, visit->intact, visit->got);
		KUNIT_EXPECT_EQ(test, bk_stats(visit->pool).frees, visit->got);
		bk_check_stats(test, visit->pool);
	}
}

/* Idle blocks serve any context, without the system allocator. */
static void alloc_idle(struct kunit *test)
{
	const struct bk_context *context = test->param_value;
	unsigned int i, round;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct visit *visit = new_visit(test, sizes[i]);
		struct bytepool_stats before;

		visit->pool = bk_pool(test, &(struct bytepool_params){ .flags = BYTEPOOL_WIPE });
		bk_alloc_many(test, visit->pool, visit->size, visit->nr, visit->blocks);
		bk_free_many(visit->pool, visit->nr, visit->blocks);
		before = bk_stats(visit->pool);
		for (round = 0; round < 2; round++) {
			visit->got = 0;
			visit->intact = 0;
			context->run(visit_alloc, visit);
			KUNIT_EXPECT_EQ(test, visit->got, visit->nr);
			context->run(visit_free, visit);
			KUNIT_EXPECT_EQ(test, visit->intact, visit->got);
		}
		KUNIT_EXPECT_EQ(test, bk_stats(visit->pool).misses, before.misses);
		KUNIT_EXPECT_EQ(test, bk_stats(visit->pool).bytes_held, before.bytes_held);
		KUNIT_EXPECT_EQ(test, bk_stats(visit->pool).blocks_in_use, 0);
		bk_check_stats(test, visit->pool);
	}
}

static void bulk_idle(struct kunit *test)
{
	const struct bk_context *context = test->param_value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct visit *visit = new_visit(test, sizes[i]);

		visit->pool = bk_pool(test, NULL);
		visit_alloc_bulk(visit);
		KUNIT_ASSERT_EQ(test, visit->got, visit->nr);
		context->run(visit_free_bulk, visit);
		context->run(visit_alloc_bulk, visit);
		KUNIT_EXPECT_EQ(test, visit->got, visit->nr);
		context->run(visit_free_bulk, visit);
		bk_check_stats(test, visit->pool);
	}
}

/*
 * Blocks are allocated in one context and freed in another, as network buffers
 * usually are.
 */
static void free_elsewhere(struct kunit *test)
{
	const struct bk_context *context = test->param_value;
	unsigned int i, round;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct visit *visit = new_visit(test, sizes[i]);

		visit->pool = bk_pool(test, NULL);
		for (round = 0; round < 2; round++) {
			visit->got = 0;
			visit->intact = 0;
			visit_alloc(visit);
			KUNIT_EXPECT_EQ(test, visit->got, visit->nr);
			context->run(visit_free, visit);
			KUNIT_EXPECT_EQ(test, visit->intact, visit->got);
		}
		KUNIT_EXPECT_EQ(test, bk_stats(visit->pool).blocks_in_use, 0);
	}
}

/*
 * A bad free is detected in any context, even with interrupts off, where the
 * stack trace is printed, too.
 */
static void bad_free_anywhere(struct kunit *test)
{
	const struct bk_context *context = test->param_value;
	struct visit *visit = new_visit(test, 64);

	visit->pool = bk_pool(test, NULL);
	visit->nr = 3;
	visit_alloc(visit);
	KUNIT_ASSERT_EQ(test, visit->got, 3);
	visit_free(visit);
	bk_expecting_warning(context->run(visit_free_bulk, visit));
	KUNIT_EXPECT_EQ(test, bk_stats(visit->pool).bad_frees, 3);
	bk_check_sound(test, visit->pool, 64, 200);
}

/* A trim frees the idle blocks of all CPUs. */
static void trim_reaches_every_cpu(struct kunit *test)
{
	unsigned int cpu;
	u64 idle;

	for_each_online_cpu(cpu) {
		struct visit *visit = new_visit(test, SZ_4K);

		visit->pool = bk_pool_fixed(test, SZ_4K, 0);
		visit->nr = 10;
		bk_alloc_many(test, visit->pool, SZ_4K, 10, visit->blocks);
		bk_on_cpu(cpu, visit_free, visit);
		idle = bk_stats(visit->pool).blocks_idle;
		KUNIT_EXPECT_GE(test, idle, 10);
		KUNIT_EXPECT_EQ(test, bytepool_trim(visit->pool), idle);
		KUNIT_EXPECT_EQ(test, bytepool_size(visit->pool), 0);
		bk_pool_destroy(test, visit->pool);
	}
}

static struct kunit_case context_cases[] = {
	KUNIT_CASE(contexts_are_real),
	KUNIT_CASE_PARAM(alloc_new, context_gen_params),
	KUNIT_CASE_PARAM(alloc_idle, context_gen_params),
	KUNIT_CASE_PARAM(bulk_idle, context_gen_params),
	KUNIT_CASE_PARAM(free_elsewhere, context_gen_params),
	KUNIT_CASE_PARAM(bad_free_anywhere, context_gen_params),
	KUNIT_CASE(trim_reaches_every_cpu),
	{}
};

BK_SUITE(context, context_cases);
