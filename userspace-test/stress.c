// SPDX-License-Identifier: GPL-2.0-only
/*
 * Real threads at the same pools, with signals as interrupts, under ASan and
 * under TSan: stress [SECONDS].
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "test.h"

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
static unsigned int seconds = 10;
static bool stop;

static __thread struct handle own[OWN];
static __thread struct handle in_hardirq_only[IN_IRQ];
static __thread struct handle in_softirq_only[IN_IRQ];
static __thread bool is_worker;

static u32 rnd(u32 n)
{
	return shim_random() % n;
}

static bool stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

static void stop_set(bool value)
{
	__atomic_store_n(&stop, value, __ATOMIC_RELAXED);
}

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
	/* More may be wanted than its limit allows, and then nobody frees. */
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

/* The block changes hands: somebody else frees it, on another CPU. */
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

/* A hardirq may come in between. */
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

/* What an owner and an administrator do, meanwhile. */
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

static void sleep_us(long us)
{
	struct timespec time = { .tv_nsec = us * 1000 };

	nanosleep(&time, NULL);
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

static void hammer_for(unsigned int ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(ms);
	pthread_t threads[THREADS];
	long i;

	stop_set(false);
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, worker, (void *)i);
	while (time_before(jiffies, end)) {
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

/* Two CPUs free the same block at once: one of them is told. */

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
		/* Who is 0 decides when it is over. */
		if (!who) {
			duel_block = stopped() ? NULL :
				bytepool_alloc(duel_pool, 1 + rnd(5000), GFP_KERNEL);
			duels += !!duel_block;
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
	while (time_before(jiffies, end)) {
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
	/* It was free already, or given back to the system since. */
	test_expect_warnings(1 + (shim_warnings() - warnings > 1));
	test_module_stop();
}

/*
 * More want blocks than the pool may have: they wait, and all get some. A
 * wakeup that is lost costs its sleeper seconds, once nobody else is there.
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
	unsigned long start = jiffies;
	pthread_t threads[WAITERS];
	long i;

	for (i = 0; i < WAITERS; i++)
		pthread_create(&threads[i], NULL, waiter, (void *)i);
	for (i = 0; i < WAITERS; i++)
		pthread_join(threads[i], NULL);
	EXPECT(jiffies - start < 3 * HZ);
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
	for (; time_before(jiffies, end) && !test_failed(); rounds++)
		wait_round();
	EXPECT(rounds > 5);
	EXPECT(test_stats(small_pool).failures == 0);
	EXPECT(test_stats(small_pool).allocs == rounds * WAITERS * TURNS);
	bytepool_destroy(small_pool);
	test_module_stop();
	shim_point_hook = NULL;
}

/* Two want more blocks together than there are, and these come back one by one. */

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
	unsigned long end = jiffies + 3 * HZ;
	void *blocks[BULK_RESERVE];
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
	while (__atomic_load_n(&nr_bulks, __ATOMIC_RELAXED) < 2 && time_before(jiffies, end))
		sleep_us(1000);
	if (__atomic_load_n(&nr_bulks, __ATOMIC_RELAXED) < 2)
		shim_die("they wait for each other");
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

/* As many as there are blocks, who keep what they get: each has one soon. */

#define KEEPERS		3

static unsigned int nr_kept;

static void sleep_at_point(void)
{
	sleep_us(rnd(200));
	shim_countdown = 1 + rnd(8);
}

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
	unsigned long start = jiffies;
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
	EXPECT(jiffies - start < 3 * HZ);
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
	for (; time_before(jiffies, end) && !test_failed(); rounds++)
		keep_round();
	EXPECT(rounds > 5);
	bytepool_destroy(small_pool);
	test_module_stop();
	shim_point_hook = NULL;
}

/*
 * At the limit, what is idle in other classes makes room, also where another
 * CPU gives back something by age just then, and too little.
 */

#define ROOM_BLOCKS	31
#define ROOM_TIMEOUT_MS	30

static bool room_go;

static void *little_giver(void *arg)
{
	shim_cpu_enter(1);
	while (!stopped()) {
		if (!__atomic_exchange_n(&room_go, false, __ATOMIC_SEQ_CST)) {
			sleep_us(20);
			continue;
		}
		/* Slowly, so that the other one comes in between. */
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
	for (rounds = 0; time_before(jiffies, end) && !test_failed(); rounds++)
		room_round();
	EXPECT(rounds > 5);
	stop_set(true);
	pthread_join(thread, NULL);
	bytepool_destroy(small_pool);
	test_module_stop();
	shim_point_hook = NULL;
}

/*
 * At a limit that suffices for what all hold at once, an alloc may fail only where
 * others kept taking what was idle as it looked: next to never. It was one in 3,000
 * when a single trim in vain was enough to give up.
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
	while (time_before(jiffies, end))
		sleep_us(10000);
	stop_set(true);
	for (i = 0; i < SUFFICING; i++)
		pthread_join(threads[i], NULL);
	shim_libc(printf("# %lu of %lu were refused\n", nr_refused, nr_refused + nr_sufficed));
	EXPECT(nr_sufficed > 100 && nr_refused * 4000 <= nr_sufficed + 8000);
	bytepool_destroy(small_pool);
	test_module_stop();
}

/* Pools come and go while the GC, and who reads sysfs, walk them. */

static void *churner(void *arg)
{
	long who = (long)arg;
	char name[32];
	void *p;

	shim_cpu_enter(who);
	while (!stopped()) {
		struct bytepool *pool;

		shim_libc(snprintf(name, sizeof(name), "churn-%ld", who));
		pool = bytepool_create(name, NULL);
		EXPECT(!IS_ERR(pool));
		p = bytepool_alloc(pool, 1 + rnd(9000), GFP_KERNEL);
		bytepool_free(pool, p);
		if (rnd(2))
			sleep_us(rnd(3000));
		bytepool_destroy(pool);
	}
	shim_cpu_exit();
	return NULL;
}

static void test_churn(void)
{
	unsigned long end = jiffies + msecs_to_jiffies(seconds * 100);
	pthread_t threads[3];
	char text[4096];
	long i;

	*shim_param_gc_interval_ms = 10;
	*shim_param_idle_timeout_ms = 1;
	test_module_start();
	stop_set(false);
	for (i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, churner, (void *)i);
	while (time_before(jiffies, end)) {
		shim_sysfs_read("bytepool/bytes_held", text);
		shim_sysfs_read("bytepool/pools/churn-1/stats/allocs", text);
		shim_sysfs_write("bytepool/pools/churn-2/trim", "1");
		shim_sysfs_write("bytepool/idle_timeout_ms", "1");
		if (!rnd(8))
			shim_sysfs_write("bytepool/trim", "1");
		sleep_us(100);
	}
	stop_set(true);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	test_module_stop();
}

static const struct test tests[] = {
	{ "many CPUs at the same pools", test_hammer },
	{ "the same with interrupts", test_interrupts },
	{ "two CPUs free a block at once", test_duel },
	{ "waiters for a reserve all get their turn", test_wait },
	{ "two who wait for many do not wait for each other", test_bulk_wait },
	{ "waiters who keep what they get do not keep others waiting", test_keep },
	{ "what is idle makes room at the limit", test_room },
	{ "a limit that suffices", test_suffices },
	{ "pools come and go", test_churn },
};

int main(int argc, char **argv)
{
	if (argc > 1)
		seconds = strtoul(argv[1], NULL, 0);
	shim_cpu_enter(nr_cpu_ids - 2);
	return test_main(tests, ARRAY_SIZE(tests));
}
