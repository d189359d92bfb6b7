// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module and its pools, from the start to the end.
 */
#include "basic.h"

static void test_load(void)
{
	int round;

	for (round = 0; round < 3; round++) {
		test_module_start();
		EXPECT(!IS_ERR_OR_NULL(bytepool_system));
		bytepool_free(bytepool_system, bytepool_alloc(bytepool_system, 100, GFP_KERNEL));
		test_module_stop();
	}
}

static void free_wrong(void)
{
	static int no_block;

	bytepool_free(ERR_PTR(-ENODEV), &no_block);
}

static void free_wrong_elsewhere(void)
{
	shim_cpu_run_other(5, free_wrong);
	shim_countdown = 1;
}

/* This test is the first, because bytepool_init() must not have run before. */
static void test_built_in(void)
{
	void *blocks[2] = {};
	int nr = 0, err;

	do {
		EXPECT(bytepool_create("early", NULL) == ERR_PTR(-ENODEV));
		bytepool_free(ERR_PTR(-ENODEV), NULL);
		bytepool_free_bulk(ERR_PTR(-ENODEV), ARRAY_SIZE(blocks), blocks);
		bytepool_free_any(NULL);
		test_expect_warnings(0);
		bytepool_free(ERR_PTR(-ENODEV), &nr);
		bytepool_free_any(&nr);
		EXPECT(!bytepool_usable_size(ERR_PTR(-ENODEV), &nr));
		test_expect_warnings(!nr);
		shim_fail(SHIM_FAIL_ANY, ++nr, false);
		shim_point_hook = free_wrong_elsewhere;
		shim_countdown = 1;
		err = shim_module_init();
		shim_countdown = 0;
		shim_point_hook = NULL;
		shim_fail(0, 0, false);
		shim_cpu_run_other(5, free_wrong);
	} while (err == -ENOMEM);
	EXPECT(!err && nr > 5);
	test_module_stop();
}

static void test_load_parameters(void)
{
	static const unsigned int intervals[] = { 0, 9, 3600001, UINT_MAX };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(intervals); i++) {
		*shim_param_gc_interval_ms = intervals[i];
		EXPECT(shim_module_init() == -EINVAL);
	}
	*shim_param_gc_interval_ms = 10000;
	*shim_param_idle_timeout_ms = UINT_MAX;
	EXPECT(shim_module_init() == -EINVAL);
	*shim_param_idle_timeout_ms = 300000;
	EXPECT(!shim_usage().kmallocs);
}

static void test_load_failures(void)
{
	unsigned long nth;
	int err;

	for (nth = 1; nth < 100; nth++) {
		shim_fail(SHIM_FAIL_ANY, nth, false);
		err = shim_module_init();
		if (!shim_failed())
			break;
		shim_fail(0, 0, false);
		EXPECT(err == -ENOMEM);
		EXPECT(!shim_usage().kmallocs && !shim_works_pending());
	}
	shim_fail(0, 0, false);
	EXPECT(nth > 5 && !err);
	test_module_stop();
}

static void create_fails(const char *name, const struct bytepool_params *params, int err)
{
	unsigned long messages = shim_messages();
	struct shim_usage before = shim_usage();

	EXPECT(PTR_ERR(bytepool_create(name, params)) == err);
	EXPECT(shim_messages() == messages + (err == -EINVAL));
	EXPECT(shim_usage().kmallocs == before.kmallocs);
}

static void test_names(void)
{
	static const char * const bad[] = {
		NULL, "", ".", "..", "a/b", "a b", "a\n", "\xe9t\xe9", "a*",
		"0123456789012345678901234567890123456789012345678901234567890123",
	};
	unsigned int i;

	pool_start(NULL);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		create_fails(bad[i], NULL, -EINVAL);
	create_fails("basic", NULL, -EEXIST);
	create_fails("system", NULL, -EEXIST);
	bytepool_destroy(bytepool_create(bad[ARRAY_SIZE(bad) - 1] + 1, NULL));
	bytepool_destroy(bytepool_create("...", NULL));
	bytepool_destroy(NULL);
	bytepool_destroy(ERR_PTR(-ENOMEM));
	pool_stop();
}

static void test_parameters(void)
{
	static const struct bytepool_params bad[] = {
		{ .min_size = 12 }, { .max_size = 12 }, { .step = 12 }, { .flags = BIT(5) },
		{ .max_size = (1UL << 30) + 8 }, { .min_size = 64, .max_size = 32 },
		{ .min_size = (4 << 20) + 8 }, { .max_size = 1 << 30, .step = 8 },
		{ .step = -8UL }, { .min_size = -8UL }, { .flags = BIT(31) },
	};
	const struct bytepool_params largest = { .max_size = 1 << 30 };
	struct bytepool_params most = { .max_size = 8 << 20, .step = 8 };
	struct bytepool *p;
	unsigned int i;

	test_module_start();
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		create_fails("basic", &bad[i], -EINVAL);
	bytepool_destroy(bytepool_create("basic", &largest));
	/* The largest possible number of classes, and one class more. */
	p = bytepool_create("basic", &most);
	EXPECT(!IS_ERR(p));
	bytepool_destroy(p);
	most.max_size += 8;
	create_fails("basic", &most, -EINVAL);
	test_module_stop();
}

/* Destroy a pool with two blocks in use, which are noted as born. */
static void destroy_with(u8 **p, u8 **q)
{
	pool_start(NULL);
	test_note_born(true);
	*p = bytepool_alloc(pool, 50, GFP_KERNEL);
	*q = bytepool_alloc(pool, 50000, GFP_KERNEL);
	test_note_born(false);
	bytepool_free(pool, bytepool_alloc(pool, 3000, GFP_KERNEL));
	bytepool_destroy(pool);
	test_expect_warnings(1);
}

static void test_destroy_in_use(void)
{
	u8 *p, *q;

	destroy_with(&p, &q);
	EXPECT(strstr(shim_last_message(), "2 blocks"));
	memset(p, 1, 50);
	memset(q, 1, 50000);
	/* Another pool does not know the leaked blocks. */
	EXPECT(!bytepool_usable_size(bytepool_system, p));
	bytepool_free(bytepool_system, q);
	test_expect_warnings(1);
	EXPECT(test_release_born() == 2);
	test_module_stop();
}

/* The owner of a leaked block frees it after its pool was destroyed. The log reports that. */
static void test_late_free(void)
{
	void *block;
	u8 *p, *q;

	destroy_with(&p, &q);
	bytepool_free(pool, q);
	test_expect_warnings(1);
	EXPECT(strstr(shim_last_message(), "basic: bad free"));
	bytepool_free(pool, p);
	block = p;
	bytepool_free_bulk(pool, 1, &block);
	EXPECT(!bytepool_usable_size(pool, p));
	bytepool_free_any(p);
	test_expect_warnings(0);
	/* Another pool may have the same name now. */
	pool = bytepool_create("basic", NULL);
	EXPECT(!IS_ERR(pool));
	bytepool_destroy(pool);
	EXPECT(test_release_born() == 2);
	test_module_stop();
}

/* Each pool keeps the module loaded, except the shared pool, which nobody can destroy. */
static void test_module_kept(void)
{
	struct bytepool *other;

	pool_start(NULL);
	EXPECT(shim_module_refs == 1);
	other = bytepool_create("other", NULL);
	EXPECT(shim_module_refs == 2);
	create_fails("basic", NULL, -EEXIST);
	EXPECT(shim_module_refs == 2);
	bytepool_destroy(other);
	EXPECT(shim_module_refs == 1);
	test_expect_warnings(0);
	bytepool_destroy(bytepool_system);
	test_expect_warnings(1);
	EXPECT(shim_module_refs == 1);
	bytepool_free(bytepool_system, bytepool_alloc(bytepool_system, 1000, GFP_KERNEL));
	shim_module_going = true;
	create_fails("late", NULL, -ENODEV);
	shim_module_going = false;
	pool_stop();
}

/* A pool that was destroyed is refused, without a look at its memory. */
static void test_destroy_again(void)
{
	struct bytepool *other;

	pool_start(NULL);
	other = bytepool_create("other", NULL);
	bytepool_destroy(other);
	test_expect_warnings(0);
	bytepool_destroy(other);
	test_expect_warnings(1);
	EXPECT(shim_module_refs == 1);
	pool_stop();
}

const struct test lifecycle_tests[] = {
	{ "built in, before the initcall and after its failure", test_built_in },
	{ "load and unload", test_load },
	{ "load with parameters out of range", test_load_parameters },
	{ "names", test_names },
	{ "parameters of a pool", test_parameters },
	{ "every allocation failing while loading", test_load_failures },
	{ "destroyed in use", test_destroy_in_use },
	{ "a free after the pool was destroyed", test_late_free },
	{ "pools keep the module", test_module_kept },
	{ "a pool that is destroyed twice", test_destroy_again },
	{}
};
