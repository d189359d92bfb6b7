// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reserves, and allocations that wait for a block.
 */
#include "basic.h"

static void test_reserve(void)
{
	void *blocks[20];
	unsigned int cpu;

	pool_start(NULL);
	EXPECT(bytepool_alloc_bulk(pool, 5000, GFP_KERNEL, 8, blocks) == 8);
	for (cpu = 0; cpu < 8; cpu++) {
		shim_cpu_move(cpu % 4);
		bytepool_free(pool, blocks[cpu]);
	}
	EXPECT(!bytepool_reserve(pool, 5000, 20, GFP_KERNEL));
	bytepool_trim(pool);
	EXPECT(stats().blocks_idle >= 20);
	/* A reserved block serves any CPU, without the system, wherever it was freed. */
	shim_fail(SHIM_FAIL_ANY, 1, true);
	shim_cpu_move(2);
	EXPECT(bytepool_alloc_bulk(pool, 5000, GFP_ATOMIC, 20, blocks) == 20);
	for (cpu = 0; cpu < 20; cpu++) {
		shim_cpu_move(cpu % 4);
		bytepool_free(pool, blocks[cpu]);
	}
	shim_cpu_move(1);
	EXPECT(bytepool_alloc_bulk(pool, 5000, GFP_ATOMIC, 20, blocks) == 20);
	bytepool_free_bulk(pool, 20, blocks);
	shim_fail(0, 0, false);
	EXPECT(!bytepool_reserve(pool, 5000, 0, GFP_KERNEL));
	bytepool_trim(pool);
	EXPECT(bytepool_size(pool) == 0);
	pool_stop();
}

/* Blocks in caches of other CPUs become part of the reserve. */
static void test_reserve_cached(void)
{
	void *blocks[8];
	unsigned int i;

	pool_start(NULL);
	EXPECT(bytepool_alloc_bulk(pool, 20000, GFP_KERNEL, 8, blocks) == 8);
	for (i = 0; i < 4; i++) {
		shim_cpu_move(i);
		/* The first free creates the cache. */
		bytepool_free(pool, blocks[i]);
		bytepool_free(pool, blocks[i + 4]);
	}
	shim_grace_held = true;
	EXPECT(!bytepool_reserve(pool, 20000, 8, GFP_KERNEL));
	shim_grace_held = false;
	EXPECT(stats().misses == 8);
	shim_fail(SHIM_FAIL_ANY, 1, true);
	shim_cpu_move(5);
	EXPECT(bytepool_alloc_bulk(pool, 20000, GFP_ATOMIC, 8, blocks) == 8);
	shim_fail(0, 0, false);
	bytepool_free_bulk(pool, 8, blocks);
	pool_stop();
}

/* A reserve keeps no work pending. Idle blocks above it are given back. */
static void test_reserve_age(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = 1000, .limit_bytes = 4096 };
	unsigned long end = msecs_to_jiffies(1000) + 2 * msecs_to_jiffies(100);
	unsigned int i;

	*shim_param_gc_interval_ms = 100;
	pool_start(&params);
	/* The limit leaves room for a slab of only one block. */
	EXPECT(!bytepool_reserve(pool, 3072, 1, GFP_KERNEL));
	for (i = 0; i < 10; i++) {
		bytepool_free(pool, bytepool_alloc(pool, 3072, GFP_ATOMIC));
		EXPECT(!shim_works_pending());
		shim_clock_advance(10);
	}
	/* The reserve consists of exactly as many blocks as were asked for. */
	EXPECT(shim_sysfs_write("bytepool/pools/basic/limit_bytes", "0") == 1);
	EXPECT(!bytepool_reserve(pool, 3072, 25, GFP_KERNEL));
	EXPECT(stats().blocks_idle == 25 && !shim_works_pending());
	/* Lower the reserve by one, and one block is given back. */
	bytepool_reserve(pool, 3072, 24, GFP_KERNEL);
	shim_clock_advance(end);
	EXPECT(stats().blocks_idle == 24 && stats().reclaimed_blocks == 1);
	shim_clock_advance(end);
	EXPECT(!shim_works_pending());
	pool_stop();
	*shim_param_gc_interval_ms = 10000;
}

static void *waited_for[2];
static unsigned int nr_waits;

static void free_waited_for(void)
{
	unsigned int first = !waited_for[0];

	bytepool_free(pool, waited_for[first]);
	waited_for[first] = NULL;
}

static void on_wait(void)
{
	EXPECT(++nr_waits == 1);
	if (nr_waits > 10)
		shim_die("it waits for ever");
	shim_cpu_run_other(3, free_waited_for);
}

/* A caller waits at the limit, and when the system has no memory. */
static void test_wait(void)
{
	unsigned int short_of, i;
	void *p;

	for (short_of = 0; short_of < 2; short_of++) {
		const struct bytepool_params params = { .limit_bytes = short_of ? 0 : 2 * 8192 };

		pool_start(&params);
		EXPECT(!bytepool_reserve(pool, 8192, 1, GFP_KERNEL));
		/* The depot gets a magazine, which must not take the block. */
		for (i = 0; !short_of && i < 200; i++)
			bytepool_free(pool, bytepool_alloc(pool, 8192, GFP_ATOMIC));
		waited_for[0] = bytepool_alloc(pool, 8192, GFP_KERNEL);
		waited_for[1] = bytepool_alloc(pool, 8192, GFP_KERNEL);
		shim_fail(SHIM_FAIL_PAGES | SHIM_FAIL_VMALLOC, short_of, true);
		EXPECT(!bytepool_alloc(pool, 8192, GFP_ATOMIC));
		nr_waits = 0;
		shim_wait_hook = on_wait;
		p = bytepool_alloc(pool, 8192, GFP_KERNEL);
		EXPECT(p && nr_waits == 1);
		shim_wait_hook = NULL;
		shim_fail(0, 0, false);
		bytepool_free(pool, p);
		bytepool_free(pool, waited_for[1]);
		pool_stop();
	}
}

enum { STACKED = 64 };	/* blocks of a reserve, four in a slab */

static void *stacked[STACKED];

static void alloc_stacked(unsigned int nr)
{
	while (nr--)
		stacked[nr] = bytepool_alloc(pool, 1024, GFP_ATOMIC);
}

static void free_stacked(unsigned int nr)
{
	while (nr--)
		bytepool_free(pool, stacked[nr]);
}

/* Have the depot get magazines. */
static void use_depot(void)
{
	unsigned int i;

	for (i = 0; i < 200; i++)
		bytepool_free(pool, bytepool_alloc(pool, 1024, GFP_ATOMIC));
}

/* Have the depot get as many magazines as it needs. */
static void fill_magazines(void)
{
	unsigned int i;

	for (i = 0; i < 24; i++) {
		alloc_stacked(STACKED);
		free_stacked(STACKED);
	}
}

/* If a pool has a limit, the depot keeps the reserved blocks that were freed last in magazines. */
static void test_reserve_stacked(void)
{
	const struct bytepool_params params = { .limit_bytes = 32 * 4096 };
	void *all[2 * STACKED];
	unsigned int i, nr;
	u64 overhead, magazines;

	shim_exact_node = true;
	pool_start(&params);
	EXPECT(!bytepool_reserve(pool, 1024, STACKED, GFP_KERNEL));
	overhead = stats().bytes_overhead;
	fill_magazines();
	magazines = stats().bytes_overhead - overhead;
	EXPECT(magazines);
	/* Blocks in slabs come after those in magazines. */
	EXPECT(!bytepool_reserve(pool, 1024, 2 * STACKED, GFP_KERNEL));
	shim_exact_node = false;
	/* The block that was freed last is the next one, whatever slab it is in. */
	alloc_stacked(STACKED);
	for (nr = 1; nr < STACKED; nr += 3) {
		for (i = 0; i < nr; i++)
			bytepool_free(pool, stacked[i * 7 % STACKED]);
		while (i--)
			EXPECT(bytepool_alloc(pool, 1024, GFP_ATOMIC) == stacked[i * 7 % STACKED]);
	}
	/* The pages are in the memo, but not with a cache. */
	bytepool_free_any(stacked[0]);
	bytepool_free(pool, stacked[0]);
	bytepool_free(pool, stacked[1] + 8);
	bytepool_free(bytepool_system, stacked[1]);
	EXPECT(stats().bad_frees == 2);
	EXPECT(bytepool_usable_size(pool, stacked[1]) == 1024);
	EXPECT(!bytepool_usable_size(pool, stacked[0]));
	/* Blocks in magazines serve any CPU. */
	for (i = 1; i < STACKED; i++)
		bytepool_free(pool, stacked[i]);
	shim_cpu_move(2);
	EXPECT(bytepool_alloc_bulk(pool, 1024, GFP_ATOMIC, 2 * STACKED, all) == 2 * STACKED);
	EXPECT(!bytepool_alloc(pool, 1024, GFP_ATOMIC));
	/* A trim frees magazines without blocks, but none of those that the reserve binds. */
	overhead = stats().bytes_overhead;
	bytepool_trim(pool);
	EXPECT(stats().bytes_overhead == overhead - magazines);
	for (i = 0; i < 2 * STACKED; i++)
		bytepool_free(pool, all[i]);
	overhead = stats().bytes_overhead;
	bytepool_trim(pool);
	EXPECT(stats().blocks_idle == 2 * STACKED);
	EXPECT(stats().bytes_overhead == overhead);
	/* The GC does not run for them. */
	EXPECT(!bytepool_reserve(pool, 1024, 2 * STACKED, GFP_KERNEL));
	EXPECT(!shim_works_pending());
	EXPECT(!bytepool_reserve(pool, 1024, 0, GFP_KERNEL));
	bytepool_trim(pool);
	EXPECT(!bytepool_size(pool));
	pool_stop();
	test_expect_warnings(3);
}

/* The GC gives back blocks in magazines beyond the reserve. */
static void test_reserve_stacked_age(void)
{
	const struct bytepool_params params = { .limit_bytes = 16 * 4096, .idle_timeout_ms = 1000 };
	unsigned long end = msecs_to_jiffies(1000) + 2 * msecs_to_jiffies(100);
	unsigned int i;

	*shim_param_gc_interval_ms = 100;
	shim_exact_node = true;
	pool_start(&params);
	EXPECT(!bytepool_reserve(pool, 1024, 8, GFP_KERNEL));
	use_depot();
	alloc_stacked(40);
	EXPECT(!shim_works_pending());
	free_stacked(20);
	EXPECT(stats().blocks_idle == 20);
	/* The oldest blocks expire below one that is used all the time. */
	for (i = 0; i < 13; i++) {
		bytepool_free(pool, bytepool_alloc(pool, 1024, GFP_ATOMIC));
		shim_clock_advance(msecs_to_jiffies(100));
	}
	EXPECT(stats().blocks_idle < 8);
	shim_clock_advance(end);
	EXPECT(!shim_works_pending());
	use_depot();
	bytepool_free_bulk(pool, 20, stacked + 20);
	EXPECT(!bytepool_reserve(pool, 1024, 0, GFP_KERNEL));
	shim_clock_advance(end);
	EXPECT(!bytepool_size(pool));
	pool_stop();
	shim_exact_node = false;
	*shim_param_gc_interval_ms = 10000;
}

/* Another CPU takes the reserve out of magazines. Then a cache that accepts blocks is closed. */
static void test_reserve_stacked_short(void)
{
	const struct bytepool_params params = { .limit_bytes = 16 * 4096 };
	unsigned long cached;
	void *p;

	shim_exact_node = true;
	pool_start(&params);
	EXPECT(!bytepool_reserve(pool, 1024, STACKED, GFP_KERNEL));
	fill_magazines();
	EXPECT(shim_sysfs_write("bytepool/pools/basic/limit_bytes", "0") == 1);
	shim_cpu_move(2);
	p = bytepool_alloc(pool, 1024, GFP_ATOMIC);
	use_depot();
	cached = class_cached(1024);
	EXPECT(cached);
	shim_cpu_move(4);	/* of the same node */
	alloc_stacked(STACKED - 1);
	shim_cpu_move(2);
	bytepool_free(pool, p);
	EXPECT(class_cached(1024) == cached);
	free_stacked(STACKED - 1);
	pool_stop();
	shim_exact_node = false;
}

/* The depot gets as many magazines as it needs, and no more, whichever frees find no room. */
static void test_reserve_stacked_growth(void)
{
	const struct bytepool_params params = { .limit_bytes = 16 * 4096 };
	unsigned int phase, i;
	u64 overhead, first = 0;

	shim_exact_node = true;
	for (phase = 0; phase < 64; phase += 8) {
		pool_start(&params);
		EXPECT(!bytepool_reserve(pool, 1024, STACKED, GFP_KERNEL));
		use_depot();
		for (i = 0; i < phase; i++)
			bytepool_free(pool, bytepool_alloc(pool, 1024, GFP_ATOMIC));
		fill_magazines();
		overhead = stats().bytes_overhead;
		first = first ?: overhead;
		EXPECT(overhead == first);
		pool_stop();
	}
	/* A CPU that only frees does not use magazines for long. */
	pool_start(NULL);
	EXPECT(!bytepool_reserve(pool, 1024, 4 * STACKED, GFP_KERNEL));
	shim_fail(SHIM_FAIL_PAGES | SHIM_FAIL_VMALLOC, 1, true);
	overhead = stats().bytes_overhead;
	for (i = 0; i < 500; i++) {
		shim_cpu_move(0);
		alloc_stacked(STACKED);
		shim_cpu_move(4);
		free_stacked(STACKED);
	}
	EXPECT(stats().bytes_overhead < overhead + 16 * 1024);
	shim_fail(0, 0, false);
	pool_stop();
	shim_exact_node = false;
}

static unsigned int nr_meanwhile;

static void grow_meanwhile(void)
{
	void *blocks[4];
	unsigned int i;

	for (i = 0; i < 4; i++)
		blocks[i] = bytepool_alloc(pool, 4096, GFP_ATOMIC);
	for (i = 0; i < 4; i++)
		bytepool_free(pool, blocks[i]);
}

static void on_reclaim(void)
{
	if (stats().blocks_idle == 3 && !nr_meanwhile++)
		shim_cpu_run_other(3, grow_meanwhile);
}

/* If another CPU has the class grow while the reserve is filled, the rest is given back. */
static void test_reserve_meanwhile(void)
{
	pool_start(NULL);
	nr_meanwhile = 0;
	shim_reclaim_hook = on_reclaim;
	EXPECT(!bytepool_reserve(pool, 4096, 4, GFP_KERNEL));
	shim_reclaim_hook = NULL;
	EXPECT(nr_meanwhile == 1);
	shim_clock_advance(600 * HZ);
	shim_clock_advance(600 * HZ);
	EXPECT(stats().blocks_idle == 4);
	pool_stop();
}

static void free_while_bulk_waits(void)
{
	if (++nr_waits == 2)
		free_stacked(20);
}

/* Blocks in magazines end the wait for several. */
static void test_reserve_stacked_bulk(void)
{
	const struct bytepool_params params = { .limit_bytes = 16 * 4096 };
	void *blocks[20];

	pool_start(&params);
	EXPECT(!bytepool_reserve(pool, 1024, STACKED, GFP_KERNEL));
	use_depot();
	alloc_stacked(STACKED);
	nr_waits = 0;
	shim_wait_hook = free_while_bulk_waits;
	EXPECT(bytepool_alloc_bulk(pool, 1024, GFP_KERNEL, 20, blocks) == 20);
	shim_wait_hook = NULL;
	EXPECT(nr_waits == 2);
	bytepool_free_bulk(pool, 20, blocks);
	bytepool_free_bulk(pool, STACKED - 20, stacked + 20);
	pool_stop();
}

const struct test reserve_tests[] = {
	{ "a waiter gets the block that is freed", test_wait },
	{ "reserve", test_reserve },
	{ "reserve, from blocks in caches", test_reserve_cached },
	{ "reserve, and age", test_reserve_age },
	{ "reserve, in magazines of the depot", test_reserve_stacked },
	{ "reserve, in magazines, and age", test_reserve_stacked_age },
	{ "reserve, in magazines, and a cache that accepts blocks", test_reserve_stacked_short },
	{ "reserve, in magazines, and their number", test_reserve_stacked_growth },
	{ "reserve, while the class grows", test_reserve_meanwhile },
	{ "reserve, in magazines, and a task that waits for several", test_reserve_stacked_bulk },
	{}
};
