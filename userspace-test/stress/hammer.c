// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that use the same pools in every way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "stress.h"

#define THREADS		6
#define OWN		48
#define IN_IRQ		8
#define SHARED		64
#define POOLS		3

struct handle {
	u32 *p;
	u32 size;
	u32 mark;
	struct bytepool *pool;
};

static struct bytepool *pools[POOLS];
static struct handle *shared[SHARED];
static u64 bad_frees[POOLS][2];
static unsigned long nr_bad_contents;

static __thread struct handle own[OWN];
static __thread struct handle in_hardirq_only[IN_IRQ];
static __thread struct handle in_softirq_only[IN_IRQ];
static __thread bool is_worker;

static u32 random_size(struct bytepool *pool)
{
	if (pool == pools[1])
		return 4096;
	return 1 + rnd(1 << (3 + rnd(rnd(8) ? 10 : 15)));
}

static void handle_fill(struct handle *handle)
{
	handle->mark = shim_random();
	if (handle->size >= 4)
		handle->p[0] = handle->mark;
	if (handle->size >= 8)
		handle->p[handle->size / 4 - 1] = handle->mark;
}

static void handle_check(const struct handle *handle)
{
	if ((handle->size >= 4 && handle->p[0] != handle->mark) ||
	    (handle->size >= 8 && handle->p[handle->size / 4 - 1] != handle->mark))
		__atomic_fetch_add(&nr_bad_contents, 1, __ATOMIC_RELAXED);
}

static void handle_alloc(struct handle *handle, gfp_t gfp)
{
	handle->pool = pools[rnd(POOLS)];
	handle->size = random_size(handle->pool);
	/* Do not wait for this pool. All threads together may want more than its limit. */
	if (handle->pool == pools[1])
		gfp = GFP_NOWAIT;
	handle->p = bytepool_alloc(handle->pool, handle->size, gfp | (rnd(4) ? 0 : __GFP_ZERO));
	if (handle->p)
		handle_fill(handle);
}

static void handle_free(struct handle *handle)
{
	handle_check(handle);
	bytepool_free(handle->pool, handle->p);
	handle->p = NULL;
}

/* Exchange blocks between threads, so that a block is freed on another CPU. */
static void handle_swap(struct handle *handle)
{
	struct handle *mine = NULL, *other;

	if (handle->p) {
		shim_libc(mine = malloc(sizeof(*mine)));
		*mine = *handle;
	}
	handle->p = NULL;
	other = __atomic_exchange_n(&shared[rnd(SHARED)], mine, __ATOMIC_ACQ_REL);
	if (other) {
		*handle = *other;
		shim_libc(free(other));
	}
}

static void use_bulk(void)
{
	struct bytepool *pool = pools[rnd(2) * 2];
	unsigned int nr = 1 + rnd(40), got, i;
	u32 size = 1 + rnd(rnd(4) ? 64 : 2048);
	void *blocks[40];

	got = bytepool_alloc_bulk(pool, size, rnd(2) ? GFP_KERNEL : GFP_ATOMIC, nr, blocks);
	for (i = 0; i < got; i++)
		memset(blocks[i], i, size);
	for (i = 0; i < got; i++) {
		if (*(u8 *)blocks[i] != i)
			__atomic_fetch_add(&nr_bad_contents, 1, __ATOMIC_RELAXED);
	}
	bytepool_free_bulk(pool, got, blocks);
}

static void use_badly(const struct handle *handle)
{
	unsigned int nr = rnd(POOLS), kind = rnd(2);
	u64 unknown;

	if (!kind) {
		bytepool_free(pools[nr], &unknown);
	} else {
		for (nr = 0; pools[nr] != handle->pool; )
			nr++;
		bytepool_free(handle->pool, (char *)handle->p + 1);
	}
	__atomic_fetch_add(&bad_frees[nr][kind], 1, __ATOMIC_RELAXED);
}

static void use_one(struct handle *handle)
{
	u32 what = rnd(100);

	if (!handle->p)
		handle_alloc(handle, rnd(2) ? GFP_KERNEL : GFP_ATOMIC);
	else if (what < 70)
		handle_free(handle);
	else if (what < 90)
		handle_swap(handle);
	else if (what < 95)
		handle_check(handle);
	else if (bytepool_usable_size(handle->pool, handle->p) < handle->size)
		__atomic_fetch_add(&nr_bad_contents, 1, __ATOMIC_RELAXED);
	else if (what == 99)
		use_badly(handle);
}

static void use_atomic(struct handle *handle)
{
	if (handle->p)
		handle_free(handle);
	else
		handle_alloc(handle, GFP_ATOMIC);
}

static void on_hardirq(void)
{
	if (!is_worker)
		return;
	use_atomic(&in_hardirq_only[rnd(IN_IRQ)]);
	if (!rnd(4))
		shim_raise_softirq();
}

/* A hardirq may interrupt this. */
static void on_softirq(void)
{
	use_atomic(&in_softirq_only[rnd(IN_IRQ)]);
}

static void on_point(void)
{
	shim_interrupt();
	shim_countdown = 1 + rnd(200);
}

static void free_all(struct handle *handles, unsigned int nr)
{
	while (nr--) {
		if (handles[nr].p)
			handle_free(&handles[nr]);
	}
}

static void *worker(void *arg)
{
	shim_cpu_enter((long)arg);
	shim_random_seed((long)arg + time(NULL));
	is_worker = true;
	while (!stopped()) {
		if (!shim_countdown && shim_hardirq)
			shim_countdown = 1 + rnd(200);
		if (rnd(20))
			use_one(&own[rnd(OWN)]);
		else
			use_bulk();
	}
	is_worker = false;
	shim_countdown = 0;
	free_all(own, OWN);
	free_all(in_hardirq_only, IN_IRQ);
	free_all(in_softirq_only, IN_IRQ);
	shim_cpu_exit();
	return NULL;
}

/* Make a random call of a pool's owner or of an administrator. */
static void administrate(void)
{
	struct bytepool *pool = pools[rnd(POOLS)];
	static char text[4096];
	size_t held;

	switch (rnd(12)) {
	case 0:
		bytepool_gc(pool, &held);
		break;
	case 1:
		bytepool_trim(pool);
		break;
	case 2:
		bytepool_reserve(pools[1], 4096, rnd(64), GFP_KERNEL);
		break;
	case 3:
		bytepool_reserve(pools[0], 1 + rnd(3000), rnd(2) * rnd(20), GFP_KERNEL);
		break;
	case 4:
		shim_sysfs_write("bytepool/pools/stress-1/limit_bytes", rnd(2) ? "0" : "524288");
		break;
	case 5:
		shim_sysfs_write("bytepool/idle_timeout_ms", rnd(4) ? "8" : "0");
		break;
	case 6:
		shim_sysfs_write("bytepool/pools/stress-0/idle_timeout_ms",
				 rnd(2) ? "default" : "1");
		break;
	case 7:
		shim_sysfs_write("bytepool/trim", "1");
		break;
	case 8:
		shim_sysfs_write("bytepool/gc_interval_ms", "10");
		break;
	default:
		shim_sysfs_read("bytepool/pools/stress-2/stats/blocks_idle", text);
		shim_sysfs_read("bytepool/bytes_held", text);
	}
}

static void pools_create(void)
{
	static const struct bytepool_params params[POOLS] = {
		{},
		{ .min_size = 4096, .max_size = 4096, .limit_bytes = 1 << 20 },
		{ .flags = BYTEPOOL_WIPE, .idle_timeout_ms = 4 },
	};
	char name[32];
	int i;

	for (i = 0; i < POOLS; i++) {
		snprintf(name, sizeof(name), "stress-%d", i);
		pools[i] = bytepool_create(name, &params[i]);
		EXPECT(!IS_ERR(pools[i]));
	}
}

static unsigned int pool_check(unsigned int nr)
{
	struct bytepool_stats stats;

	bytepool_trim(pools[nr]);
	stats = test_stats(pools[nr]);
	EXPECT(stats.blocks_in_use == 0);
	EXPECT(stats.blocks_idle == 0);
	EXPECT(stats.bytes_held == 0);
	EXPECT(stats.allocs == stats.frees);
	EXPECT(stats.allocs == stats.hits + stats.misses);
	EXPECT(stats.hits > stats.misses && stats.misses > 0);
	EXPECT(stats.bad_frees == bad_frees[nr][0] + bad_frees[nr][1]);
	EXPECT(stats.gc_runs > 0 && stats.reclaimed_blocks > 0);
	return !!bad_frees[nr][0] + !!bad_frees[nr][1];
}

static void drop_reserves(void)
{
	u32 size;

	for (size = 1; size <= 4096; size += 7)
		bytepool_reserve(pools[0], size, 0, GFP_KERNEL);
	bytepool_reserve(pools[1], 4096, 0, GFP_KERNEL);
}

/* Return true if each pool has been used enough to be checked by pool_check(). */
static bool pools_used(void)
{
	int i;

	for (i = 0; i < POOLS; i++) {
		struct bytepool_stats stats = test_stats(pools[i]);

		if (!stats.misses || stats.hits <= stats.misses || !stats.gc_runs ||
		    !stats.reclaimed_blocks)
			return false;
	}
	return true;
}

static void hammer_for(unsigned int ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(ms);
	pthread_t threads[THREADS];
	long i;

	stop_set(false);
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, worker, (void *)i);
	while (time_before(jiffies, end) || !pools_used()) {
		administrate();
		if (shim_hardirq)
			shim_interrupt_all();
		sleep_us(rnd(400));
	}
	stop_set(true);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void hammer(void)
{
	unsigned int i, warnings = 0;

	*shim_param_gc_interval_ms = 10;
	*shim_param_idle_timeout_ms = 8;
	memset(bad_frees, 0, sizeof(bad_frees));
	shim_migrate_odds = 50;
	test_module_start();
	pools_create();
	shim_fail_odds(SHIM_FAIL_ANY & ~SHIM_FAIL_OTHER, 100);
	hammer_for(seconds * 1000 / 3);
	shim_fail_odds(0, 0);
	for (i = 0; i < SHARED; i++) {
		if (shared[i])
			handle_free(shared[i]);
		free(shared[i]);
		shared[i] = NULL;
	}
	drop_reserves();
	for (i = 0; i < POOLS; i++) {
		warnings += pool_check(i);
		bytepool_destroy(pools[i]);
	}
	test_module_stop();
	shim_migrate_odds = 0;
	EXPECT(!nr_bad_contents);
	test_expect_warnings(warnings);
}

static void test_hammer(void)
{
	hammer();
}

static void test_interrupts(void)
{
	shim_hardirq = on_hardirq;
	shim_softirq = on_softirq;
	shim_point_hook = on_point;
	hammer();
	shim_hardirq = NULL;
	shim_softirq = NULL;
	shim_point_hook = NULL;
}

const struct test hammer_tests[] = {
	{ "many CPUs at the same pools", test_hammer },
	{ "the same with interrupts", test_interrupts },
	{}
};
