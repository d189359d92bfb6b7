// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failures of the system at each step of a call.
 */
#include "basic.h"

static void op_create(void)
{
	bytepool_destroy(bytepool_create("other", NULL));
}

/* With many classes, the table of closed caches is mapped. */
static void op_create_many(void)
{
	const struct bytepool_params params = { .max_size = 65536, .step = 8 };
	struct bytepool *other = bytepool_create("other", &params);

	if (IS_ERR(other))
		return;
	bytepool_free(other, bytepool_alloc(other, 65536, GFP_KERNEL));
	bytepool_destroy(other);
}

static void op_devm(void)
{
	struct device dev = {};

	if (!IS_ERR(devm_bytepool_create(&dev, "other", NULL)))
		shim_device_release(&dev);
}

static void op_alloc_small(void)
{
	bytepool_free(pool, bytepool_alloc(pool, 40, GFP_ATOMIC));
}

static void op_alloc_large(void)
{
	bytepool_free(pool, bytepool_zalloc(pool, 300000, GFP_KERNEL));
}

static void op_alloc_mid(void)
{
	bytepool_free(pool, bytepool_alloc(pool, 5000, GFP_NOIO));
}

static void op_bulk(void)
{
	unsigned int nr, i;
	void *blocks[30];

	nr = bytepool_alloc_bulk(pool, 3000, GFP_KERNEL, 30, blocks);
	EXPECT(nr == 0 || nr == 30);
	for (i = 0; i < nr; i++)
		memset(blocks[i], i, 3000);
	bytepool_free_bulk(pool, nr, blocks);
}

static void op_reserve(void)
{
	int err = bytepool_reserve(pool, 6000, 12, GFP_KERNEL);

	EXPECT(err ? bytepool_size(pool) == 0 : stats().blocks_idle >= 12);
	EXPECT(!bytepool_reserve(pool, 6000, 0, GFP_KERNEL) || !bytepool_size(pool));
}

/* Let each step fail alone, and with all later steps. The memory taken so far is given back. */
static void failures_of(void (*op)(void))
{
	unsigned long nth, all;

	for (all = 0; all < 2; all++) {
		for (nth = 1; nth < 1000; nth++) {
			struct shim_usage before, after;
			unsigned long failed;

			before = shim_usage();
			pool = bytepool_create("basic", NULL);
			shim_fail(SHIM_FAIL_ANY, nth, all);
			op();
			failed = shim_failed();
			shim_fail(0, 0, false);
			EXPECT(stats().blocks_in_use == 0);
			bytepool_trim(pool);
			EXPECT(bytepool_size(pool) == 0);
			bytepool_destroy(pool);
			shim_clock_advance(10);
			after = shim_usage();
			EXPECT(after.kmallocs == before.kmallocs);
			EXPECT(after.page_bytes == before.page_bytes);
			if (!failed)
				break;
		}
		EXPECT(nth < 1000);
	}
}

static void test_failures(void)
{
	static void (* const ops[])(void) = {
		op_create, op_create_many, op_devm, op_alloc_small, op_alloc_mid,
		op_alloc_large, op_bulk, op_reserve,
	};
	unsigned int i;

	test_module_start();
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		failures_of(ops[i]);
	test_module_stop();
}

const struct test failure_tests[] = {
	{ "every allocation failing in every call", test_failures },
	{}
};
