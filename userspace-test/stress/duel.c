// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two CPUs that free the same block at once. One of the two frees is refused.
 */
#include <sched.h>

#include "stress.h"

static struct bytepool *duel_pool;
static void *duel_block;
static unsigned int duel_turn[2];
static unsigned long duels;

static void duel_meet(int who, unsigned int turn)
{
	__atomic_store_n(&duel_turn[who], turn, __ATOMIC_RELEASE);
	while (__atomic_load_n(&duel_turn[!who], __ATOMIC_ACQUIRE) < turn)
		sched_yield();
}

static void *duellist(void *arg)
{
	int who = (long)arg;
	unsigned int turn = 0;

	shim_cpu_enter(who);
	for (;;) {
		/* Thread 0 allocates the block, or ends the test. */
		if (!who) {
			duel_block = stopped() ? NULL :
				bytepool_alloc(duel_pool, 1 + rnd(5000), GFP_KERNEL);
			__atomic_fetch_add(&duels, !!duel_block, __ATOMIC_RELAXED);
		}
		duel_meet(who, ++turn);
		if (!duel_block)
			break;
		bytepool_free(duel_pool, duel_block);
		duel_meet(who, ++turn);
	}
	shim_cpu_exit();
	return NULL;
}

static void test_duel(void)
{
	unsigned long end = jiffies + msecs_to_jiffies(seconds * 100);
	unsigned long warnings = shim_warnings();
	pthread_t threads[2];
	struct bytepool_stats stats;
	long i;

	*shim_param_gc_interval_ms = 10;
	test_module_start();
	duel_pool = bytepool_create("duel", NULL);
	memset(duel_turn, 0, sizeof(duel_turn));
	stop_set(false);
	duels = 0;
	for (i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, duellist, (void *)i);
	while (time_before(jiffies, end) || __atomic_load_n(&duels, __ATOMIC_RELAXED) <= 100) {
		bytepool_trim(duel_pool);
		sleep_us(500);
	}
	stop_set(true);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	stats = test_stats(duel_pool);
	EXPECT(duels > 100);
	EXPECT(stats.allocs == duels && stats.frees == duels && stats.bad_frees == duels);
	EXPECT(stats.blocks_in_use == 0);
	bytepool_destroy(duel_pool);
	/* A block was free already, or its memory was given back since. */
	test_expect_warnings(1 + (shim_warnings() - warnings > 1));
	test_module_stop();
}

const struct test duel_tests[] = {
	{ "two CPUs free a block at once", test_duel },
	{}
};
