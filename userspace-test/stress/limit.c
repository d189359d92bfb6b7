// SPDX-License-Identifier: GPL-2.0-only
/*
 * Room below the limit, while several CPUs want it.
 */
#include <stdio.h>

#include "stress.h"

/*
 * Idle memory of other classes makes room at the limit, also while another CPU frees
 * too little by age.
 */
#define ROOM_BLOCKS	31
#define ROOM_TIMEOUT_MS	30

static struct bytepool *small_pool;

static bool room_go;

static void *little_giver(void *arg)
{
	shim_cpu_enter(1);
	while (!stopped()) {
		if (!__atomic_exchange_n(&room_go, false, __ATOMIC_SEQ_CST)) {
			sleep_us(20);
			continue;
		}
		/* Sleep at each point, so that the other thread runs in between. */
		shim_countdown = 1;
		bytepool_gc(small_pool, NULL);
		shim_countdown = 0;
	}
	shim_cpu_exit();
	return arg;
}

static void room_round(void)
{
	void *blocks[ROOM_BLOCKS], *block;

	bytepool_free(small_pool, bytepool_alloc(small_pool, 4096, GFP_KERNEL));
	sleep_us(2 * ROOM_TIMEOUT_MS * 1000);
	EXPECT(bytepool_alloc_bulk(small_pool, 32768, GFP_KERNEL, ROOM_BLOCKS, blocks) ==
	       ROOM_BLOCKS);
	bytepool_free_bulk(small_pool, ROOM_BLOCKS, blocks);
	__atomic_store_n(&room_go, true, __ATOMIC_SEQ_CST);
	sleep_us(rnd(500));
	block = bytepool_alloc(small_pool, 65536, GFP_KERNEL);
	EXPECT(block);
	bytepool_free(small_pool, block);
	bytepool_trim(small_pool);
}

static void test_room(void)
{
	const struct bytepool_params params = {
		.limit_bytes = 1024 * 1024, .idle_timeout_ms = ROOM_TIMEOUT_MS,
	};
	unsigned long end = jiffies + msecs_to_jiffies(seconds * 200);
	unsigned int rounds;
	pthread_t thread;

	*shim_param_gc_interval_ms = 10000;
	shim_point_hook = sleep_at_point;
	test_module_start();
	small_pool = bytepool_create("small", &params);
	stop_set(false);
	pthread_create(&thread, NULL, little_giver, NULL);
	for (rounds = 0; (time_before(jiffies, end) || rounds <= 5) && !test_failed(); rounds++)
		room_round();
	EXPECT(rounds > 5);
	stop_set(true);
	pthread_join(thread, NULL);
	bytepool_destroy(small_pool);
	test_module_stop();
	shim_point_hook = NULL;
}

/*
 * The limit suffices for all blocks that the threads hold at once. An allocation may only
 * fail if other CPUs kept taking the idle memory that it saw, which is very rare. One of
 * 3,000 failed when a single fruitless trim was enough to give up.
 */
#define SUFFICING	4
#define SUFFICES_BYTES	65536

static unsigned long nr_sufficed, nr_refused;

static void *moderate(void *arg)
{
	void *block;

	shim_cpu_enter((long)arg);
	while (!stopped()) {
		block = bytepool_alloc(small_pool, 1 + rnd(SUFFICES_BYTES), GFP_KERNEL);
		__atomic_fetch_add(block ? &nr_sufficed : &nr_refused, 1, __ATOMIC_RELAXED);
		bytepool_free(small_pool, block);
	}
	shim_cpu_exit();
	return NULL;
}

static void test_suffices(void)
{
	const struct bytepool_params params = { .limit_bytes = SUFFICING * SUFFICES_BYTES };
	unsigned long end = jiffies + msecs_to_jiffies(seconds * 400);
	pthread_t threads[SUFFICING];
	long i;

	test_module_start();
	small_pool = bytepool_create("small", &params);
	stop_set(false);
	for (i = 0; i < SUFFICING; i++)
		pthread_create(&threads[i], NULL, moderate, (void *)i);
	while (time_before(jiffies, end) ||
	       __atomic_load_n(&nr_sufficed, __ATOMIC_RELAXED) <= 100)
		sleep_us(10000);
	stop_set(true);
	for (i = 0; i < SUFFICING; i++)
		pthread_join(threads[i], NULL);
	shim_libc(printf("# %lu of %lu were refused\n", nr_refused, nr_refused + nr_sufficed));
	EXPECT(nr_sufficed > 100 && nr_refused * 4000 <= nr_sufficed + 8000);
	bytepool_destroy(small_pool);
	test_module_stop();
}

const struct test limit_tests[] = {
	{ "idle memory makes room at the limit", test_room },
	{ "a limit that suffices", test_suffices },
	{}
};
