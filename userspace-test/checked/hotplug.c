// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs that go offline.
 */
#include "checked.h"

static void cpu_dies_elsewhere(void)
{
	shim_cpu_die(2);
}

static void cpu_dies_now(void)
{
	shim_cpu_run_other(5, cpu_dies_elsewhere);
}

/*
 * A CPU dies at any point, and the blocks of its cache return to the depot. A trim frees that
 * memory, and an allocation at the limit uses it.
 */
static void test_cpu_dies_amid(void)
{
	const struct bytepool_params params = { .max_size = SZ_1M, .limit_bytes = SZ_1M };
	unsigned int left = 1, point;
	void *used[3];

	shim_point_hook = cpu_dies_now;
	for (point = 1; left; point++) {
		pool_start(&params);
		shim_cpu_move(2);
		bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
		shim_cpu_move(0);
		used[0] = bytepool_alloc(pool, SZ_1M - 32 * SZ_4K, GFP_ATOMIC);
		used[1] = bytepool_alloc(pool, 28 * SZ_4K, GFP_ATOMIC);
		used[2] = bytepool_alloc(pool, 3 * SZ_4K, GFP_ATOMIC);
		EXPECT(bytepool_size(pool) == SZ_1M);
		shim_countdown = point;
		if (point % 2) {
			EXPECT(bytepool_trim(pool) == 1);
		} else {
			void *p = bytepool_alloc(pool, 2560, GFP_KERNEL);

			EXPECT(p);
			bytepool_free(pool, p);
		}
		left = !shim_countdown;
		shim_countdown = 0;
		bytepool_free_bulk(pool, 3, used);
		pool_stop();
	}
	shim_point_hook = NULL;
}

static void test_cpu_dies(void)
{
	const struct bytepool_params single = { .flags = BYTEPOOL_SINGLE };
	struct bytepool *other;
	void *blocks[40], *p;
	unsigned int i;

	pool_start(NULL);
	other = bytepool_create("other", &single);
	bytepool_free(other, bytepool_alloc(other, 100, GFP_KERNEL));
	shim_cpu_move(2);
	EXPECT(bytepool_alloc_bulk(pool, 4096, GFP_KERNEL, 40, blocks) == 40);
	bytepool_free_bulk(pool, 40, blocks);
	p = bytepool_alloc(pool, 1 << 20, GFP_KERNEL);
	bytepool_free(pool, p);
	shim_cpu_move(0);
	shim_cpu_die(2);
	/* A CPU of the same node gets all of these blocks without the system. */
	shim_fail(SHIM_FAIL_PAGES | SHIM_FAIL_VMALLOC, 1, true);
	for (i = 0; i < 40; i++) {
		blocks[i] = bytepool_alloc(pool, 4096, GFP_ATOMIC);
		EXPECT(blocks[i]);
	}
	EXPECT(bytepool_alloc(pool, 1 << 20, GFP_ATOMIC) == p);
	shim_fail(0, 0, false);
	bytepool_free_bulk(pool, 40, blocks);
	/* The CPU comes back. Its old cache is closed, and it does not use it. */
	shim_cpu_move(2);
	bytepool_free(pool, p);
	EXPECT(bytepool_alloc(pool, 1 << 20, GFP_ATOMIC) == p);
	bytepool_free(pool, p);
	shim_cpu_move(0);
	shim_cpu_die(2);
	shim_cpu_die(3);
	/* Blocks in the depots age. */
	shim_clock_advance(300 * HZ + 2 * 10 * HZ);
	EXPECT(!bytepool_size(pool));
	bytepool_destroy(other);
	pool_stop();
}

const struct test hotplug_tests[] = {
	{ "a CPU dies", test_cpu_dies },
	{ "a CPU dies during a trim", test_cpu_dies_amid },
	{}
};
