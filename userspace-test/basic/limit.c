// SPDX-License-Identifier: GPL-2.0-only
/*
 * The limit of a pool, and the room below it.
 */
#include "basic.h"

static void test_limit(void)
{
	const struct bytepool_params params = { .limit_bytes = 10 * 4096 };
	void *blocks[11], *p;
	unsigned int cpu;

	pool_start(&params);
	EXPECT(!bytepool_alloc_bulk(pool, 4096, GFP_KERNEL, 11, blocks));
	EXPECT(stats().blocks_in_use == 0);
	EXPECT(bytepool_alloc_bulk(pool, 4096, GFP_KERNEL, 10, blocks) == 10);
	EXPECT(!bytepool_alloc(pool, 4096, GFP_ATOMIC) && !bytepool_alloc(pool, 8, GFP_KERNEL));
	EXPECT(bytepool_size(pool) == 10 * 4096);
	/* Idle memory of other CPUs and classes makes room. */
	for (cpu = 0; cpu < 4; cpu++) {
		shim_cpu_move(cpu);
		bytepool_free(pool, blocks[cpu]);
	}
	p = bytepool_alloc(pool, 4 * 4096, GFP_KERNEL);
	EXPECT(p && bytepool_size(pool) == 10 * 4096);
	bytepool_free(pool, p);
	bytepool_free_bulk(pool, 6, blocks + 4);
	EXPECT(bytepool_reserve(pool, 4096, 11, GFP_KERNEL) == -ENOMEM);
	EXPECT(!bytepool_reserve(pool, 4096, 10, GFP_KERNEL));
	EXPECT(bytepool_size(pool) == 10 * 4096);
	EXPECT(!bytepool_reserve(pool, 4096, 0, GFP_KERNEL));
	/* If a request exceeds the limit itself, idle memory is not freed for it. */
	EXPECT(!bytepool_alloc(pool, 11 * 4096, GFP_KERNEL));
	EXPECT(bytepool_size(pool) == 10 * 4096);
	pool_stop();
}

static void lift_limit(void)
{
	EXPECT(strstr(shim_last_message(), "basic: 1 block(s) of 65536 bytes") &&
	       strstr(shim_last_message(), "40960"));
	EXPECT(shim_sysfs_write("bytepool/pools/basic/limit_bytes", "0") == 1);
}

/* No free ends the wait for a block above the limit. The log says so. */
static void test_limit_hopeless(void)
{
	const struct bytepool_params params = { .limit_bytes = 10 * 4096 };
	unsigned long messages;
	void *p;

	pool_start(&params);
	messages = shim_messages();
	shim_wait_hook = lift_limit;
	p = bytepool_alloc(pool, 65536, GFP_KERNEL | __GFP_NOFAIL);
	shim_wait_hook = NULL;
	EXPECT(p && shim_messages() == messages + 1);
	bytepool_free(pool, p);
	pool_stop();
}

/* Lift the limit after 12 seconds. */
static void lift_limit_late(void)
{
	static unsigned int nr;

	shim_clock_advance(HZ);
	if (!(++nr % 12))
		shim_sysfs_write("bytepool/pools/basic/limit_bytes", "0");
}

/* A wait for several blocks that the limit does not allow at once, and a wait that takes long. */
static void test_limit_hopeless_bulk(void)
{
	const struct bytepool_params params = { .limit_bytes = 10 * 4096 };
	unsigned long messages;
	void *blocks[11], *all;

	pool_start(&params);
	messages = shim_messages();
	shim_wait_hook = lift_limit_late;
	EXPECT(bytepool_alloc_bulk(pool, 4096, GFP_KERNEL | __GFP_NOFAIL, 11, blocks) == 11);
	shim_wait_hook = NULL;
	EXPECT(shim_messages() == messages + 2);
	EXPECT(strstr(shim_last_message(), "waits for 11 block(s) of 4096 bytes for long"));
	bytepool_free_bulk(pool, 11, blocks);
	bytepool_trim(pool);

	EXPECT(shim_sysfs_write("bytepool/pools/basic/limit_bytes", "40960") == 5);
	all = bytepool_alloc(pool, 40960, GFP_KERNEL);
	messages = shim_messages();
	shim_wait_hook = lift_limit_late;
	blocks[0] = bytepool_alloc(pool, 4096, GFP_KERNEL | __GFP_NOFAIL);
	shim_wait_hook = NULL;
	EXPECT(blocks[0] && shim_messages() == messages + 1);
	EXPECT(strstr(shim_last_message(), "waits for 1 block(s) of 4096 bytes for long"));
	bytepool_free(pool, blocks[0]);
	bytepool_free(pool, all);
	pool_stop();
}

/* If depots can make room, no caller waits for a grace period. */
static void test_limit_soon(void)
{
	const struct bytepool_params params = { .limit_bytes = 16 * SZ_64K };
	void *blocks[16], *p;

	pool_start(&params);
	EXPECT(bytepool_alloc_bulk(pool, SZ_64K, GFP_KERNEL, 16, blocks) == 16);
	bytepool_free_bulk(pool, 16, blocks);
	shim_cpu_move(2);
	shim_cpu_die(0);
	nr_graces = 0;
	shim_grace_hook = count_grace;
	p = bytepool_alloc(pool, 2 * SZ_64K, GFP_KERNEL);
	shim_grace_hook = NULL;
	EXPECT(p && !nr_graces && bytepool_size(pool) == 16 * SZ_64K);
	bytepool_free(pool, p);
	shim_cpu_move(0);
	pool_stop();
}

/* The limit counts bytes, and slabs are whole pages. */
static void test_limit_edges(void)
{
	static const unsigned long limits[] = { 1, 4095, 4096, 4097, 3 * 4096 - 1, 3 * 4096 };
	void *blocks[4];
	unsigned int i, nr;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		const struct bytepool_params params = { .limit_bytes = limits[i] };

		pool_start(&params);
		for (nr = 0; nr < ARRAY_SIZE(blocks); nr++)
			blocks[nr] = bytepool_alloc(pool, 4096, GFP_ATOMIC);
		EXPECT(bytepool_size(pool) == (limits[i] & PAGE_MASK));
		bytepool_free_bulk(pool, ARRAY_SIZE(blocks), blocks);
		pool_stop();
	}
}

static void *taken[4];

static void take_all(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(taken); i++)
		taken[i] = bytepool_alloc(pool, SZ_64K, GFP_ATOMIC);
}

static void other_takes_all(void)
{
	shim_cpu_run_other(5, take_all);
}

static void op_take_one(void)
{
	void *p = bytepool_alloc(pool, SZ_64K, GFP_ATOMIC);

	shim_countdown = 0;
	EXPECT(bytepool_size(pool) <= ARRAY_SIZE(taken) * SZ_64K);
	bytepool_free(pool, p);
	bytepool_free_bulk(pool, ARRAY_SIZE(taken), taken);
	memset(taken, 0, sizeof(taken));
	bytepool_trim(pool);
}

/* Another CPU allocates all memory that the limit allows, at any point of an allocation. */
static void test_limit_race(void)
{
	const struct bytepool_params params = { .limit_bytes = ARRAY_SIZE(taken) * SZ_64K };

	pool_start(&params);
	EXPECT(at_each_point(op_take_one, other_takes_all) > 10);
	pool_stop();
}

static void use_cache(void)
{
	bytepool_free(pool, bytepool_alloc(pool, 64, GFP_ATOMIC));
}

static void use_cache_elsewhere(void)
{
	shim_cpu_run_other(5, use_cache);
	shim_countdown = 1;
}

/* Expect that an allocation of 64 KiB fails, while another CPU uses its cache repeatedly. */
static void refused_amid_use(void)
{
	nr_graces = 0;
	shim_grace_hook = count_grace;
	shim_point_hook = use_cache_elsewhere;
	shim_countdown = 1;
	EXPECT(!bytepool_alloc(pool, SZ_64K, GFP_KERNEL));
	shim_countdown = 0;
	shim_point_hook = NULL;
	shim_grace_hook = NULL;
}

/* An allocation that fails does so after few grace periods, also while caches are in use. */
static void test_limit_refused(void)
{
	const struct bytepool_params params = { .limit_bytes = 1 << 20, .flags = BYTEPOOL_CONTIG };
	void *blocks[15], *small;

	shim_exact_node = true;		/* otherwise CPU 5 may not cache the blocks that it frees */
	pool_start(&params);
	shim_cpu_move(5);
	small = bytepool_alloc(pool, 64, GFP_KERNEL);
	shim_cpu_move(0);
	/* Below the limit, the system is short of memory. The caller waits for no grace period. */
	bytepool_free(pool, bytepool_alloc(pool, SZ_64K, GFP_KERNEL));
	bytepool_trim(pool);
	shim_cpu_run_other(5, use_cache);
	shim_fail(SHIM_FAIL_PAGES, 1, true);
	refused_amid_use();
	shim_fail(0, 0, false);
	EXPECT(nr_graces == 0);
	EXPECT(bytepool_alloc_bulk(pool, SZ_64K, GFP_KERNEL, 15, blocks) == 15);
	refused_amid_use();
	EXPECT(nr_graces && nr_graces <= 3);
	bytepool_free_bulk(pool, 15, blocks);
	bytepool_free(pool, small);
	pool_stop();
	shim_exact_node = false;
}

/*
 * When the system is short of memory, the pool gives as much of its depots back as is wanted, and
 * then asks again. Caches keep their blocks.
 */
static void test_short(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_CONTIG };
	unsigned long cached;
	void *blocks[100], *p;

	shim_exact_node = true;
	pool_start(&params);
	EXPECT(bytepool_alloc_bulk(pool, SZ_64K, GFP_KERNEL, 100, blocks) == 100);
	bytepool_free_bulk(pool, 100, blocks);
	cached = class_cached(SZ_64K);
	EXPECT(cached && cached < 60);
	shim_fail(SHIM_FAIL_PAGES, 1, false);
	p = bytepool_alloc_node(pool, 2 * SZ_64K, GFP_KERNEL | __GFP_THISNODE, 0);
	shim_fail(0, 0, false);
	EXPECT(p && bytepool_size(pool) == 100 * SZ_64K);
	bytepool_free(pool, p);
	pool_stop();
	shim_exact_node = false;
}

/* Blocks in the cache of another CPU serve a caller that may sleep, although no slab is idle. */
static void test_room(void)
{
	const struct bytepool_params params = {
		.min_size = 64, .max_size = 64, .limit_bytes = 16 * 4096,
	};
	static void *blocks[1024];

	pool_start(&params);
	EXPECT(bytepool_alloc_bulk(pool, 64, GFP_KERNEL, 1024, blocks) == 1024);
	shim_cpu_move(2);
	/* The first free creates the cache. */
	bytepool_free_bulk(pool, 1, blocks);
	bytepool_free_bulk(pool, 5, blocks + 1);
	shim_cpu_move(0);
	EXPECT(bytepool_alloc_bulk(pool, 64, GFP_ATOMIC, 1, blocks) == 1);
	EXPECT(!bytepool_alloc(pool, 64, GFP_ATOMIC));
	EXPECT(bytepool_alloc_bulk(pool, 64, GFP_KERNEL, 5, blocks + 1) == 5);
	EXPECT(!bytepool_alloc(pool, 64, GFP_KERNEL));
	bytepool_free_bulk(pool, 1024, blocks);
	pool_stop();
}

const struct test limit_tests[] = {
	{ "a limit below __GFP_NOFAIL", test_limit_hopeless },
	{ "a limit below __GFP_NOFAIL for several blocks", test_limit_hopeless_bulk },
	{ "limit, with idle memory in depots", test_limit_soon },
	{ "room from blocks that other CPUs have cached", test_room },
	{ "a system that is short of memory", test_short },
	{ "limit", test_limit },
	{ "limit, to the byte", test_limit_edges },
	{ "limit, while another CPU takes all of it", test_limit_race },
	{ "limit, without idle memory that could make room", test_limit_refused },
	{}
};
