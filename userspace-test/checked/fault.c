// SPDX-License-Identifier: GPL-2.0-only
/*
 * fail_bytepool, and mistakes of callers.
 */
#include "checked.h"

static void test_fault(void)
{
	void *blocks[4];
	void *p;

	pool_start(NULL);
	if (!IS_ENABLED(CONFIG_FAULT_INJECTION)) {
		EXPECT(!shim_debugfs_bool("fail_bytepool/ignore-gfp-wait"));
		pool_stop();
		return;
	}
	bytepool_free(pool, bytepool_alloc(pool, 100, GFP_KERNEL));
	shim_fail(SHIM_FAIL_ALLOC, 1, true);
	p = bytepool_alloc(pool, 100, GFP_KERNEL);
	EXPECT(p && !shim_failed());
	EXPECT(!bytepool_alloc(pool, 100, GFP_ATOMIC) && !bytepool_zalloc(pool, 7, GFP_NOWAIT));
	EXPECT(!bytepool_alloc_bulk(pool, 100, GFP_NOWAIT, 4, blocks));
	EXPECT(stats().failures == 3 && shim_failed() == 3);
	*shim_debugfs_bool("fail_bytepool/ignore-gfp-wait") = false;
	EXPECT(!bytepool_alloc(pool, 100, GFP_KERNEL));
	bytepool_free(pool, p);
	p = bytepool_alloc(pool, 100, GFP_KERNEL | __GFP_NOFAIL);
	EXPECT(p);
	bytepool_free(pool, p);
	shim_fail(0, 0, false);
	EXPECT(!bytepool_reserve(pool, 100, 1, GFP_KERNEL));
	/* An allocation that may wait for a reserve does not fail. */
	shim_fail(SHIM_FAIL_ALLOC, 1, true);
	p = bytepool_alloc(pool, 100, GFP_KERNEL);
	EXPECT(p && !bytepool_alloc(pool, 100, GFP_ATOMIC));
	EXPECT(!bytepool_alloc(pool, 0, GFP_KERNEL));
	bytepool_free(pool, p);
	shim_fail(0, 0, false);
	*shim_debugfs_bool("fail_bytepool/ignore-gfp-wait") = true;
	EXPECT(!bytepool_reserve(pool, 100, 0, GFP_KERNEL));
	pool_stop();
}

/* Mistakes of callers other than bad frees are not warned about. */
static void test_mistakes(void)
{
	void *blocks[2];

	test_module_start();
	EXPECT(!bytepool_alloc(NULL, 8, GFP_KERNEL));
	EXPECT(!bytepool_zalloc(ERR_PTR(-ENOMEM), 8, GFP_KERNEL));
	EXPECT(!bytepool_alloc_bulk(NULL, 8, GFP_KERNEL, 2, blocks));
	EXPECT(!bytepool_alloc_node(ERR_PTR(-EINVAL), 8, GFP_KERNEL, 0));
	EXPECT(!bytepool_alloc(bytepool_system, 0, GFP_KERNEL));
	EXPECT(!bytepool_alloc(bytepool_system, 8, GFP_DMA));
	EXPECT(bytepool_reserve(NULL, 8, 1, GFP_KERNEL) == -EINVAL);
	test_expect_warnings(0);
	test_module_stop();
}

const struct test fault_tests[] = {
	{ "fail_bytepool", test_fault },
	{ "mistakes other than bad frees", test_mistakes },
	{}
};
