// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that wait for blocks of a reserve.
 */
#include <sched.h>

#include "stress.h"

/*
 * More threads want blocks than the pool may have. They wait, and all get some. A lost
 * wakeup shows as a wait that ends by its time-out.
 */
#define WAITERS		5
#define TURNS		20

static struct bytepool *small_pool;

static void yield_at_point(void)
{
	sched_yield();
	shim_countdown = 1 + rnd(8);
}

static void *waiter(void *arg)
{
	long who = (long)arg;
	unsigned int turn;

	shim_cpu_enter(who);
	shim_random_seed(jiffies + who);
	for (turn = 0; turn < TURNS; turn++) {
		long *block;

		shim_countdown = 1 + rnd(8);
		block = bytepool_alloc(small_pool, 4096, GFP_KERNEL);
		EXPECT(block);
		if (!block)
			break;
		*block = who;
		sched_yield();
		EXPECT(*block == who);
		bytepool_free(small_pool, block);
	}
	shim_countdown = 0;
	shim_cpu_exit();
	return NULL;
}

static void wait_round(void)
{
	unsigned long timeouts = shim_timeouts();
	pthread_t threads[WAITERS];
	long i;

	for (i = 0; i < WAITERS; i++)
		pthread_create(&threads[i], NULL, waiter, (void *)i);
	for (i = 0; i < WAITERS; i++)
		pthread_join(threads[i], NULL);
	EXPECT(shim_timeouts() == timeouts);
}

static void test_wait(void)
{
	const struct bytepool_params params = {
		.min_size = 4096, .max_size = 4096, .limit_bytes = 2 * 4096,
	};
	unsigned long end = jiffies + msecs_to_jiffies(seconds * 200);
	unsigned int rounds = 0;

	shim_point_hook = yield_at_point;
	test_module_start();
	small_pool = bytepool_create("small", &params);
	EXPECT(!bytepool_reserve(small_pool, 4096, 2, GFP_KERNEL));
	for (; (time_before(jiffies, end) || rounds <= 5) && !test_failed(); rounds++)
		wait_round();
	EXPECT(rounds > 5);
	EXPECT(test_stats(small_pool).failures == 0);
	EXPECT(test_stats(small_pool).allocs == rounds * WAITERS * TURNS);
	bytepool_destroy(small_pool);
	test_module_stop();
	shim_point_hook = NULL;
}

/* Two threads together want more blocks than there are, and the blocks return one by one. */
#define BULK_RESERVE	8
#define BULK_WANTED	6

static unsigned int nr_bulks;

static void *bulk_waiter(void *arg)
{
	void *blocks[BULK_WANTED];

	shim_cpu_enter((long)arg);
	EXPECT(bytepool_alloc_bulk(small_pool, 4096, GFP_KERNEL, BULK_WANTED, blocks) ==
	       BULK_WANTED);
	bytepool_free_bulk(small_pool, BULK_WANTED, blocks);
	__atomic_fetch_add(&nr_bulks, 1, __ATOMIC_RELAXED);
	shim_cpu_exit();
	return NULL;
}

static void bulk_round(void)
{
	void *blocks[BULK_RESERVE];
	unsigned int ms = 3000;
	pthread_t threads[2];
	long i;

	__atomic_store_n(&nr_bulks, 0, __ATOMIC_RELAXED);
	EXPECT(bytepool_alloc_bulk(small_pool, 4096, GFP_KERNEL, BULK_RESERVE, blocks) ==
	       BULK_RESERVE);
	for (i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, bulk_waiter, (void *)i);
	for (i = 0; i < BULK_RESERVE; i++) {
		sleep_us(15000);
		bytepool_free(small_pool, blocks[i]);
	}
	while (__atomic_load_n(&nr_bulks, __ATOMIC_RELAXED) < 2 && ms--)
		sleep_us(1000);
	if (__atomic_load_n(&nr_bulks, __ATOMIC_RELAXED) < 2)
		shim_die("two bulk allocations wait for each other");
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

static void test_bulk_wait(void)
{
	const struct bytepool_params params = {
		.min_size = 4096, .max_size = 4096, .limit_bytes = BULK_RESERVE * 4096,
	};
	unsigned int round;

	test_module_start();
	small_pool = bytepool_create("small", &params);
	EXPECT(!bytepool_reserve(small_pool, 4096, BULK_RESERVE, GFP_KERNEL));
	for (round = 0; round < 5 && !test_failed(); round++)
		bulk_round();
	EXPECT(test_stats(small_pool).failures == 0);
	bytepool_destroy(small_pool);
	test_module_stop();
}

/* There are as many blocks as threads, which keep what they get. Each gets a block soon. */
#define KEEPERS		3

static unsigned int nr_kept;

static void *keeper(void *arg)
{
	void *block;

	shim_cpu_enter((long)arg);
	shim_random_seed(jiffies * 5 + (long)arg);
	shim_countdown = 1 + rnd(8);
	block = bytepool_alloc(small_pool, 4096, GFP_KERNEL);
	shim_countdown = 0;
	__atomic_fetch_add(&nr_kept, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&nr_kept, __ATOMIC_RELAXED) < KEEPERS)
		sleep_us(50);
	bytepool_free(small_pool, block);
	shim_cpu_exit();
	return NULL;
}

static void keep_round(void)
{
	unsigned long timeouts = shim_timeouts();
	pthread_t threads[KEEPERS];
	void *blocks[KEEPERS];
	long i;

	__atomic_store_n(&nr_kept, 0, __ATOMIC_RELAXED);
	EXPECT(bytepool_alloc_bulk(small_pool, 4096, GFP_KERNEL, KEEPERS, blocks) == KEEPERS);
	for (i = 0; i < KEEPERS; i++)
		pthread_create(&threads[i], NULL, keeper, (void *)i);
	for (i = 0; i < KEEPERS; i++) {
		sleep_us(rnd(600));
		bytepool_free(small_pool, blocks[i]);
	}
	for (i = 0; i < KEEPERS; i++)
		pthread_join(threads[i], NULL);
	EXPECT(shim_timeouts() == timeouts);
}

static void test_keep(void)
{
	const struct bytepool_params params = {
		.min_size = 4096, .max_size = 4096, .limit_bytes = KEEPERS * 4096,
	};
	unsigned long end = jiffies + msecs_to_jiffies(seconds * 200);
	unsigned int rounds = 0;

	shim_point_hook = sleep_at_point;
	test_module_start();
	small_pool = bytepool_create("small", &params);
	EXPECT(!bytepool_reserve(small_pool, 4096, KEEPERS, GFP_KERNEL));
	for (; (time_before(jiffies, end) || rounds <= 5) && !test_failed(); rounds++)
		keep_round();
	EXPECT(rounds > 5);
	bytepool_destroy(small_pool);
	test_module_stop();
	shim_point_hook = NULL;
}

const struct test wait_tests[] = {
	{ "waiters for a reserve all get their turn", test_wait },
	{ "two bulk allocations do not wait for each other", test_bulk_wait },
	{ "waiters that keep their blocks do not delay others", test_keep },
	{}
};
