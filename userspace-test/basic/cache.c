// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a cache: the CPU makes it when it uses the class, and a pass or a trim frees it.
 */
#include "basic.h"

#define SIZE		4096
#define NR_CPUS_USED	6

static u64 used;	/* number of blocks that were allocated */

static void use(int cpu)
{
	void *block;

	shim_cpu_move(cpu);
	block = bytepool_alloc(pool, SIZE, GFP_KERNEL);
	EXPECT(block);
	bytepool_free(pool, block);
	used++;
}

static void use_all(void)
{
	unsigned int cpu;

	for (cpu = 0; cpu < NR_CPUS_USED; cpu++) {
		use(cpu);
		use(cpu);
	}
	shim_cpu_move(0);
}

static void start(unsigned int timeout_ms, unsigned int flags)
{
	const struct bytepool_params params = { .idle_timeout_ms = timeout_ms, .flags = flags };

	used = 0;
	shim_exact_node = true;
	pool_start(&params);
}

static void stop(void)
{
	EXPECT(stats().allocs == used && stats().frees == used && !stats().blocks_in_use);
	pool_stop();
	shim_exact_node = false;
}

/* A CPU's cache is freed when its blocks have expired. */
static void test_age(void)
{
	u64 overhead;
	unsigned int round;

	start(1000, 0);
	for (round = 0; round < 3; round++) {
		use_all();
		overhead = stats().bytes_overhead;
		shim_clock_advance(21 * HZ);
		EXPECT(!stats().bytes_held && !shim_works_pending());
		EXPECT(stats().bytes_overhead + NR_CPUS_USED * CACHE_BYTES_MIN <= overhead);
		EXPECT(stats().allocs == used && stats().frees == used);
	}
	stop();
}

static void test_trim(void)
{
	u64 overhead;

	start(0, 0);
	use_all();
	overhead = stats().bytes_overhead;
	bytepool_trim(pool);
	EXPECT(stats().bytes_overhead + NR_CPUS_USED * CACHE_BYTES_MIN <= overhead);
	stop();
}

/* The owner of a SINGLE pool calls the GC itself. */
static void test_single(void)
{
	u64 overhead;

	start(1000, BYTEPOOL_SINGLE);
	use_all();
	overhead = stats().bytes_overhead;
	shim_clock_advance(2 * HZ);
	bytepool_gc(pool, NULL);
	EXPECT(!stats().bytes_held && stats().bytes_overhead + CACHE_BYTES_MIN <= overhead);
	use_all();
	stop();
}

/* An empty cache is freed if its CPU has not used it between two passes, and only then. */
static void test_unused(void)
{
	void *unused, *block;
	u64 overhead;

	start(BYTEPOOL_TIMEOUT_DEFAULT, 0);
	shim_cpu_move(2);
	unused = bytepool_alloc(pool, SIZE, GFP_KERNEL);
	shim_cpu_move(4);
	block = bytepool_alloc(pool, SIZE, GFP_KERNEL);
	EXPECT(unused && block);
	use(3);		/* its idle block keeps the pool awake */
	overhead = stats().bytes_overhead;
	shim_clock_advance(10 * HZ);
	EXPECT(stats().bytes_overhead == overhead);
	shim_cpu_move(4);
	bytepool_free(pool, block);
	block = bytepool_alloc(pool, SIZE, GFP_KERNEL);
	used += 3;
	shim_clock_advance(10 * HZ);
	/* One cache is gone, and not two. */
	EXPECT(stats().bytes_overhead + CACHE_BYTES_MIN <= overhead);
	EXPECT(stats().bytes_overhead + 2 * CACHE_BYTES_MIN > overhead);
	bytepool_free(pool, unused);
	bytepool_free(pool, block);
	stop();
}

/* A cache that was used since the last pass stays, even if a scan has seen it in between. */
static void test_scan(void)
{
	void *block;
	u64 overhead;

	start(BYTEPOOL_TIMEOUT_DEFAULT, 0);
	/* Keep the pool awake. */
	bytepool_free(pool, bytepool_alloc(pool, 2 * SIZE, GFP_KERNEL));
	shim_cpu_move(4);
	block = bytepool_alloc(pool, SIZE, GFP_KERNEL);
	shim_clock_advance(10 * HZ);
	bytepool_free(pool, block);
	block = bytepool_alloc(pool, SIZE, GFP_KERNEL);
	shim_cpu_move(2);
	bytepool_free(pool, bytepool_alloc(pool, 4 * SIZE, GFP_KERNEL));
	shim_cpu_move(0);
	shim_cpu_die(2);
	used += 4;
	/* The scan gets enough, and closes the cache with the older block. */
	EXPECT(shim_shrink(4) == 4);
	overhead = stats().bytes_overhead;
	/* The GC drains that cache. */
	shim_clock_advance(2);
	EXPECT(stats().bytes_overhead == overhead);
	bytepool_free(pool, block);
	stop();
}

/* The blocks of a dead CPU leave its cache at once, and passes free the cache. */
static void test_dead(void)
{
	u64 overhead;

	start(0, 0);
	use_all();
	overhead = stats().bytes_overhead;
	shim_cpu_die(3);
	EXPECT(class_cached(SIZE) == NR_CPUS_USED - 1);
	shim_clock_advance(20 * HZ);
	EXPECT(stats().bytes_overhead + CACHE_BYTES_MIN <= overhead);
	EXPECT(class_cached(SIZE) == NR_CPUS_USED - 1);
	use(3);
	stop();
}

static void use_and_count(void)
{
	use_all();
	EXPECT(stats().allocs == used && stats().frees == used);
}

static void trim(void)
{
	bytepool_trim(pool);
}

/* A trim waits for the sections of this CPU, so it cannot run inside one. */
static void trim_in_between(void)
{
	if (preemptible())
		shim_cpu_run_other(NR_CPUS_USED, trim);
}

/* The counts are exact, also while caches are freed. */
static void test_count(void)
{
	start(0, 0);
	EXPECT(at_each_point(use_and_count, trim_in_between));
	stop();
}

const struct test cache_tests[] = {
	{ "passes by age free caches", test_age },
	{ "a trim frees caches", test_trim },
	{ "a GC of a SINGLE pool frees its cache", test_single },
	{ "an unused, empty cache is freed", test_unused },
	{ "a scan does not make a cache unused", test_scan },
	{ "the empty cache of a dead CPU is freed", test_dead },
	{ "counts while caches are freed", test_count },
	{}
};
