// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pending slabs: they could not enter the hash table at once.
 */
#include "basic.h"

static void *pending_block[2];

static void use_pending(void)
{
	EXPECT(bytepool_usable_size(pool, pending_block[0]) == 64);
	if (pending_block[1])
		bytepool_free(pool, pending_block[1]);
	pending_block[1] = NULL;
}

static void other_uses(void)
{
	shim_cpu_run_other(5, use_pending);
}

static void op_pending(void)
{
	shim_fail(SHIM_FAIL_TABLE, 1, true);
	pending_block[0] = bytepool_alloc(pool, 64, GFP_ATOMIC);
	pending_block[1] = bytepool_alloc(pool, 64, GFP_ATOMIC);
	EXPECT(shim_failed() && pending_block[0]);
	shim_fail(0, 0, false);
	use_pending();
	pending_block[1] = bytepool_alloc(pool, 64, GFP_ATOMIC);
	/* The work inserts the slab while another CPU looks it up. */
	shim_clock_advance(3);
	use_pending();
	EXPECT(!shim_works_pending());
	bytepool_free(pool, pending_block[0]);
	bytepool_trim(pool);
	EXPECT(bytepool_size(pool) == 0 && stats().bad_frees == 0);
}

static void test_pending_lookup(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER };
	unsigned int point;

	pool_start(&params);
	between = other_uses;
	for (point = 1; point < 1000; point++) {
		shim_fail(SHIM_FAIL_TABLE, 1, true);
		pending_block[0] = bytepool_alloc(pool, 64, GFP_ATOMIC);
		pending_block[1] = bytepool_alloc(pool, 64, GFP_ATOMIC);
		shim_fail(0, 0, false);
		shim_point_hook = at_point;
		nr_between = 0;
		shim_countdown = point;
		shim_clock_advance(3);
		shim_countdown = 0;
		shim_point_hook = NULL;
		use_pending();
		bytepool_free(pool, pending_block[0]);
		bytepool_trim(pool);
		EXPECT(bytepool_size(pool) == 0);
		if (!nr_between)
			break;
	}
	EXPECT(point > 3 && point < 1000 && stats().bad_frees == 0);
	op_pending();
	pool_stop();
}

static void work_in_between(void)
{
	shim_clock_advance(3);
}

static void other_works(void)
{
	shim_cpu_run_other(5, work_in_between);
}

/*
 * During a lookup, the slab moves from the list of pending slabs to the table. It is
 * found in either place.
 */
static void test_pending_moves(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER };
	unsigned int point;

	pool_start(&params);
	between = other_works;
	for (point = 1; point < 1000; point++) {
		shim_fail(SHIM_FAIL_TABLE, 1, true);
		pending_block[0] = bytepool_alloc(pool, 64, GFP_ATOMIC);
		shim_fail(0, 0, false);
		shim_point_hook = at_point;
		nr_between = 0;
		shim_countdown = point;
		EXPECT(bytepool_usable_size(pool, pending_block[0]) == 64);
		shim_countdown = 0;
		shim_point_hook = NULL;
		shim_clock_advance(3);
		bytepool_free(pool, pending_block[0]);
		bytepool_trim(pool);
		if (!nr_between)
			break;
	}
	EXPECT(point > 1 && point < 1000 && stats().bad_frees == 0);
	pool_stop();
}

/* A pending slab may be freed before the work runs, be inserted in part, or fail repeatedly. */
static void test_pending_slabs(void)
{
	unsigned long nth;
	void *p;

	pool_start(NULL);
	for (nth = 1; nth < 10; nth++) {
		shim_fail(SHIM_FAIL_TABLE, nth, true);
		p = bytepool_alloc(pool, 2720, GFP_KERNEL);
		EXPECT(p && bytepool_usable_size(pool, p));
		shim_clock_advance(nth % 3);
		EXPECT(bytepool_usable_size(pool, p));
		shim_fail(0, 0, false);
		if (nth % 2)
			shim_clock_advance(2);
		bytepool_free(pool, p);
		bytepool_trim(pool);
		EXPECT(bytepool_size(pool) == 0);
		bad_free(p);
		/* There is no memory to put the slab on the list either. */
		shim_fail(SHIM_FAIL_TABLE | SHIM_FAIL_KMALLOC, nth, true);
		p = bytepool_alloc(pool, 2720, GFP_ATOMIC);
		shim_fail(0, 0, false);
		bytepool_free(pool, p);
		bytepool_trim(pool);
		EXPECT(bytepool_size(pool) == 0);
	}
	shim_clock_advance(10);
	EXPECT(stats().blocks_in_use == 0);
	pool_stop();
	test_expect_warnings(1);
}

const struct test table_tests[] = {
	{ "lookups while a pending slab enters the table", test_pending_lookup },
	{ "a pending slab enters the table during a lookup", test_pending_moves },
	{ "pending slabs", test_pending_slabs },
	{}
};
