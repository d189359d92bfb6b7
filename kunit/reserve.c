// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test reserves: they are filled, kept, serve every context, are waited for,
 * and are refused if they do not fit.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "../internal/size_class.h"
#include "fixture.h"

static u64 blocks_of(struct bytepool *pool)
{
	struct bytepool_stats stats = bk_stats(pool);

	return stats.blocks_in_use + stats.blocks_idle;
}

static void fills(struct kunit *test)
{
	static const size_t sizes[] = { 8, 64, 1000, 5120, SZ_64K, SZ_1M };
	unsigned int i, nr;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct bytepool *pool = bk_pool(test, NULL);
		void **blocks;

		nr = sizes[i] < SZ_64K ? 500 : 5;
		blocks = bk_array(test, nr);
		KUNIT_ASSERT_EQ(test, bytepool_reserve(pool, sizes[i], nr, GFP_KERNEL), 0);
		KUNIT_EXPECT_GE(test, bk_stats(pool).blocks_idle, nr);
		KUNIT_EXPECT_EQ(test, bk_stats(pool).allocs, 0);
		KUNIT_EXPECT_EQ(test, bk_stats(pool).misses, 0);
		bk_alloc_many(test, pool, sizes[i], nr, blocks);
		KUNIT_EXPECT_EQ(test, bk_stats(pool).hits, nr);
		KUNIT_EXPECT_EQ(test, bk_stats(pool).misses, 0);
		bk_free_many(pool, nr, blocks);
		bk_check_stats(test, pool);
		KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, sizes[i], 0, GFP_KERNEL), 0);
	}
}

/* A reserve of large blocks holds exactly the number of blocks asked for. */
static void is_exact_for_large_blocks(struct kunit *test)
{
	struct bytepool *pool = bk_pool_fixed(test, SZ_64K, 0);

	KUNIT_ASSERT_EQ(test, bytepool_reserve(pool, SZ_64K, 7, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).blocks_idle, 7);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), 7 * SZ_64K);
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, SZ_64K, 0, GFP_KERNEL), 0);
}

static void check_kept(struct kunit *test, size_t size, unsigned int nr, unsigned int flags)
{
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){
		.flags = flags, .idle_timeout_ms = 1,
	});
	/*
	 * The blocks of one slab. The pool may keep up to this many more than
	 * the reserve.
	 */
	u32 most = bp_slab_blocks(bp_slab_bytes(size), size);
	void **blocks = bk_array(test, 3 * nr);
	u64 least;

	KUNIT_ASSERT_EQ(test, bytepool_reserve(pool, size, nr, GFP_KERNEL), 0);
	least = blocks_of(pool);
	KUNIT_EXPECT_GE(test, least, nr);
	KUNIT_EXPECT_EQ(test, bytepool_trim(pool), 0);
	KUNIT_EXPECT_EQ(test, blocks_of(pool), least);

	bk_alloc_many(test, pool, size, 3 * nr, blocks);
	bk_free_many(pool, 3 * nr, blocks);
	KUNIT_EXPECT_GE(test, blocks_of(pool), 3 * nr);
	msleep(50);
	bytepool_gc(pool, NULL);
	KUNIT_EXPECT_GE(test, blocks_of(pool), nr);
	KUNIT_EXPECT_LT(test, blocks_of(pool), nr + most);
	bytepool_trim(pool);
	KUNIT_EXPECT_GE(test, blocks_of(pool), nr);

	/* Blocks in use count toward the reserve. */
	bk_alloc_many(test, pool, size, nr, blocks);
	bytepool_trim(pool);
	KUNIT_EXPECT_LT(test, blocks_of(pool), nr + most);
	bk_free_many(pool, nr, blocks);
	bytepool_trim(pool);
	KUNIT_EXPECT_GE(test, blocks_of(pool), nr);

	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, size, 0, GFP_KERNEL), 0);
	bytepool_trim(pool);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), 0);
}

static void is_kept(struct kunit *test)
{
	check_kept(test, 64, 200, 0);
	check_kept(test, 5120, 20, 0);
	check_kept(test, SZ_64K, 4, 0);
	check_kept(test, SZ_1M, 2, 0);
	check_kept(test, 64, 200, BYTEPOOL_SINGLE);
	check_kept(test, SZ_64K, 4, BYTEPOOL_SINGLE);
}

static void is_kept_by_background_gc(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){
		.idle_timeout_ms = 20,
	});
	void *blocks[10];
	ktime_t freed;

	bk_set_interval(test, 10);
	KUNIT_ASSERT_EQ(test, bytepool_reserve(pool, SZ_64K, 4, GFP_KERNEL), 0);
	bk_alloc_many(test, pool, SZ_64K, 10, blocks);
	freed = ktime_get();
	bk_free_many(pool, 10, blocks);
	bk_wait_held(test, pool, 4 * SZ_64K, freed, 20, 200);
	msleep(200);
	KUNIT_EXPECT_EQ(test, blocks_of(pool), 4);
	freed = ktime_get();
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, SZ_64K, 0, GFP_KERNEL), 0);
	bk_wait_held(test, pool, 0, freed, 0, 200);
}

static void grows_and_shrinks(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	static const unsigned int steps[] = { 2, 8, 8, 3, 5, 1, 0, 4, 0 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		KUNIT_ASSERT_EQ(test, bytepool_reserve(pool, SZ_64K, steps[i], GFP_KERNEL), 0);
		KUNIT_EXPECT_GE(test, blocks_of(pool), steps[i]);
		bytepool_trim(pool);
		KUNIT_EXPECT_EQ(test, blocks_of(pool), steps[i]);
	}
}

/* Existing blocks count toward a new reserve, in use or idle. */
static void takes_what_is_there(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	void *blocks[5];

	bk_alloc_many(test, pool, SZ_64K, 5, blocks);
	bytepool_free(pool, blocks[0]);
	bytepool_free(pool, blocks[1]);
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, SZ_64K, 5, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, blocks_of(pool), 5);
	bk_alloc_many(test, pool, SZ_64K, 2, blocks);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).hits, 2);
	bk_free_many(pool, 5, blocks);
	bytepool_trim(pool);
	KUNIT_EXPECT_EQ(test, blocks_of(pool), 5);
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, SZ_64K, 0, GFP_KERNEL), 0);
}

/* The reserve of one class does not keep the blocks of another class. */
static void is_of_one_class(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);
	void *block;

	KUNIT_ASSERT_EQ(test, bytepool_reserve(pool, SZ_64K, 2, GFP_KERNEL), 0);
	KUNIT_ASSERT_EQ(test, bytepool_reserve(pool, SZ_1M, 1, GFP_KERNEL), 0);
	block = bytepool_alloc(pool, SZ_256K, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, block);
	bytepool_free(pool, block);
	KUNIT_EXPECT_EQ(test, bytepool_trim(pool), 1);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), 2 * SZ_64K + SZ_1M);
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, SZ_64K, 0, GFP_KERNEL), 0);
	bytepool_trim(pool);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), SZ_1M);
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, SZ_1M, 0, GFP_KERNEL), 0);
}

static void sizes_refused(struct kunit *test)
{
	static const size_t sizes[] = { 0, SZ_64K + 1, SIZE_MAX, SIZE_MAX - 6 };
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){ .max_size = SZ_64K });
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, sizes[i], 1, GFP_KERNEL), -EINVAL);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), 0);
}

/* A reserve beyond the limit is refused, and the previous reserve stays. */
static void refused_beyond_limit(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, &(struct bytepool_params){
		.limit_bytes = 6 * SZ_64K,
	});
	void *block;

	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, SZ_64K, 7, GFP_KERNEL), -ENOMEM);
	bytepool_trim(pool);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), 0);
	KUNIT_ASSERT_EQ(test, bytepool_reserve(pool, SZ_64K, 2, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, SZ_64K, 100, GFP_KERNEL), -ENOMEM);
	bytepool_trim(pool);
	KUNIT_EXPECT_EQ(test, blocks_of(pool), 2);

	/* The reserve does not fit as long as another class has a block in use. */
	block = bytepool_alloc(pool, SZ_128K, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, block);
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, SZ_64K, 5, GFP_KERNEL), -ENOMEM);
	bytepool_free(pool, block);
	bytepool_trim(pool);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), 2 * SZ_64K);

	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, SZ_64K, 6, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), 6 * SZ_64K);
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, SZ_64K, 0, GFP_KERNEL), 0);
}

/*
 * A reserve larger than any machine's memory is refused without an attempt to
 * allocate it.
 */
static void refused_beyond_reason(struct kunit *test)
{
	struct bytepool *pool = bk_pool(test, NULL);

	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, SZ_4M, UINT_MAX, GFP_KERNEL), -ENOMEM);
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, SZ_64K, INT_MAX, GFP_KERNEL), -ENOMEM);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), 0);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).reclaimed_bytes, 0);
}

struct taker {
	struct bytepool *pool;
	size_t size;
	gfp_t gfp;
	unsigned int nr;
	void *blocks[8];
	unsigned int got;
	struct completion done;
};

static void take(void *arg)
{
	struct taker *taker = arg;
	unsigned int i;

	for (i = 0; i < taker->nr; i++) {
		taker->blocks[i] = bytepool_alloc(taker->pool, taker->size, taker->gfp);
		if (taker->blocks[i])
			taker->got++;
	}
}

static void give(void *arg)
{
	struct taker *taker = arg;

	bytepool_free_bulk(taker->pool, taker->nr, taker->blocks);
	taker->got = 0;
}

static struct taker *new_taker(struct kunit *test, size_t size, unsigned int nr, gfp_t gfp)
{
	struct taker *taker = kunit_kzalloc(test, sizeof(*taker), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, taker);
	taker->size = size;
	taker->nr = nr;
	taker->gfp = gfp;
	init_completion(&taker->done);
	/*
	 * The limit is the size of the reserve in whole pages, so that no other
	 * memory is available.
	 */
	taker->pool = bk_pool(test, &(struct bytepool_params){
		.min_size = size, .max_size = size, .limit_bytes = PAGE_ALIGN(nr * size),
	});
	KUNIT_ASSERT_EQ(test, bytepool_reserve(taker->pool, size, nr, GFP_KERNEL), 0);
	bk_pool_dirty(test, taker->pool);
	return taker;
}

/* Any context can take the whole reserve, wherever the blocks were freed. */
static void serves_every_context(struct kunit *test)
{
	static const size_t sizes[] = { PAGE_SIZE / 8, PAGE_SIZE, SZ_64K };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct taker *taker = new_taker(test, sizes[i], 8, GFP_ATOMIC);

		for (j = 0; j < BK_CONTEXTS; j++) {
			bk_contexts[j].run(take, taker);
			KUNIT_EXPECT_EQ_MSG(test, taker->got, 8, "size %zu, %s", sizes[i],
					    bk_contexts[j].name);
			bk_contexts[j].run(give, taker);
		}
		KUNIT_EXPECT_EQ(test, bk_stats(taker->pool).misses, 0);
	}
}

static void serves_every_cpu(struct kunit *test)
{
	struct taker *taker = new_taker(test, PAGE_SIZE, 8, GFP_ATOMIC);
	unsigned int cpu, freer;

	for_each_online_cpu(freer) {
		for_each_online_cpu(cpu) {
			bk_on_cpu(freer, take, taker);
			KUNIT_ASSERT_EQ(test, taker->got, 8);
			bk_on_cpu(freer, give, taker);
			bk_on_cpu(cpu, take, taker);
			KUNIT_EXPECT_EQ(test, taker->got, 8);
			bk_on_cpu(cpu, give, taker);
		}
	}
}

/* Blocks that CPUs cached before the reserve was made serve any CPU as well. */
static void gathers_what_cpus_cached(struct kunit *test)
{
	struct taker *taker = new_taker(test, PAGE_SIZE, 8, GFP_ATOMIC);
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		KUNIT_ASSERT_EQ(test, bytepool_reserve(taker->pool, PAGE_SIZE, 0, GFP_KERNEL), 0);
		take(taker);
		KUNIT_ASSERT_EQ(test, taker->got, 8);
		bk_on_cpu(cpu, give, taker);
		KUNIT_ASSERT_EQ(test, bytepool_reserve(taker->pool, PAGE_SIZE, 8, GFP_KERNEL), 0);
		take(taker);
		KUNIT_EXPECT_EQ(test, taker->got, 8);
		give(taker);
	}
}

static int take_one_more(void *arg)
{
	struct taker *taker = arg;

	taker->blocks[0] = bytepool_alloc(taker->pool, taker->size, taker->gfp);
	complete(&taker->done);
	return 0;
}

static void check_waits(struct kunit *test, size_t size, unsigned int nr, gfp_t gfp)
{
	struct taker *taker = new_taker(test, size, nr, GFP_KERNEL);
	struct task_struct *task;
	void *blocks[8];
	ktime_t freed;

	take(taker);
	KUNIT_ASSERT_EQ(test, taker->got, nr);
	memcpy(blocks, taker->blocks, sizeof(blocks));

	taker->blocks[0] = NULL;
	taker->gfp = gfp;
	task = kthread_run(take_one_more, taker, "bytepool-kunit");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	msleep(50);
	KUNIT_EXPECT_FALSE(test, completion_done(&taker->done));
	freed = ktime_get();
	bytepool_free(taker->pool, blocks[3]);
	wait_for_completion(&taker->done);
	/*
	 * The free woke the waiter. It did not find the block by polling, which
	 * takes seconds.
	 */
	KUNIT_EXPECT_LT(test, ktime_ms_delta(ktime_get(), freed), 2000);
	KUNIT_EXPECT_PTR_EQ(test, taker->blocks[0], blocks[3]);
	bk_free_many(taker->pool, nr, blocks);
	KUNIT_EXPECT_EQ(test, bk_stats(taker->pool).blocks_in_use, 0);
	KUNIT_EXPECT_EQ(test, bk_stats(taker->pool).failures, 0);
	bk_check_stats(test, taker->pool);
}

static void is_waited_for(struct kunit *test)
{
	check_waits(test, SZ_64K, 4, GFP_KERNEL);
	check_waits(test, PAGE_SIZE / 8, 8, GFP_KERNEL);
	check_waits(test, PAGE_SIZE, 4, GFP_NOIO);
	check_waits(test, PAGE_SIZE, 4, GFP_NOFS | __GFP_ZERO);
}

static void waiters_all_get_one(struct kunit *test)
{
	struct taker *taker = new_taker(test, SZ_64K, 4, GFP_KERNEL);
	struct taker *waiters[4];
	struct task_struct *task;
	unsigned int i;

	take(taker);
	KUNIT_ASSERT_EQ(test, taker->got, 4);
	for (i = 0; i < 4; i++) {
		waiters[i] = kunit_kzalloc(test, sizeof(*waiters[i]), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, waiters[i]);
		waiters[i]->pool = taker->pool;
		waiters[i]->size = SZ_64K;
		waiters[i]->gfp = GFP_KERNEL;
		init_completion(&waiters[i]->done);
		task = kthread_run(take_one_more, waiters[i], "bytepool-kunit/%u", i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	}
	msleep(50);
	bytepool_free_bulk(taker->pool, 4, taker->blocks);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_NE(test, 0, wait_for_completion_timeout(&waiters[i]->done,
								     msecs_to_jiffies(2000)));
		KUNIT_EXPECT_NOT_NULL(test, waiters[i]->blocks[0]);
		bytepool_free(taker->pool, waiters[i]->blocks[0]);
	}
	KUNIT_EXPECT_EQ(test, bk_stats(taker->pool).blocks_in_use, 0);
}

static void is_not_waited_for_by_atomic_callers(struct kunit *test)
{
	struct taker *taker = new_taker(test, SZ_64K, 4, GFP_KERNEL);
	void *block;

	take(taker);
	KUNIT_ASSERT_EQ(test, taker->got, 4);
	KUNIT_EXPECT_NULL(test, bytepool_alloc(taker->pool, SZ_64K, GFP_NOWAIT));
	KUNIT_EXPECT_NULL(test, bytepool_alloc(taker->pool, SZ_64K, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, 0, bytepool_alloc_bulk(taker->pool, SZ_64K, GFP_ATOMIC, 1, &block));
	KUNIT_EXPECT_EQ(test, bk_stats(taker->pool).failures, 3);
	give(taker);
}

static struct kunit_case reserve_cases[] = {
	KUNIT_CASE(fills),
	KUNIT_CASE(is_exact_for_large_blocks),
	KUNIT_CASE(is_kept),
	KUNIT_CASE(is_kept_by_background_gc),
	KUNIT_CASE(grows_and_shrinks),
	KUNIT_CASE(takes_what_is_there),
	KUNIT_CASE(is_of_one_class),
	KUNIT_CASE(sizes_refused),
	KUNIT_CASE(refused_beyond_limit),
	KUNIT_CASE(refused_beyond_reason),
	KUNIT_CASE(serves_every_context),
	KUNIT_CASE(serves_every_cpu),
	KUNIT_CASE(gathers_what_cpus_cached),
	KUNIT_CASE(is_waited_for),
	KUNIT_CASE(waiters_all_get_one),
	KUNIT_CASE(is_not_waited_for_by_atomic_callers),
	{}
};

BK_SUITE(reserve, reserve_cases);
