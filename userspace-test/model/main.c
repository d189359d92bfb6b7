// SPDX-License-Identifier: GPL-2.0-only
/*
 * A long random sequence of all calls. One thread is several CPUs in turn. The test advances
 * the clock, and compares each call with the model.
 *
 * model [STEPS [SEED]]: the same steps and seed make the same run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "model.h"

static void step_bulk(struct model_pool *pool)
{
	u32 nr = 1 + rnd(BULK_MAX);
	u32 size = model_random_size(pool);

	if (rnd(2))
		model_free_bulk(pool, nr);
	else if (!model_full(pool))
		model_alloc_bulk(pool, size > 8192 ? size % 8192 + 1 : size,
				 model_random_gfp(false), nr);
}

static void step_bad_free(struct model_pool *pool)
{
	struct model_pool *other = model_random_pool();
	struct block *block = model_random_in_use(other);
	static u64 unknown;
	struct run *run;

	model_calm();
	if (!block) {
		model_bad_free(pool, &unknown, MODEL_UNKNOWN);
		return;
	}
	run = block->run;
	if (other != pool) {
		model_bad_free(pool, model_block_address(block), MODEL_FOREIGN);
		return;
	}
	if (rnd(2)) {
		block = &run->block[rnd(model_run_blocks(run))];
		if (!block->in_use)
			model_bad_free(pool, model_block_address(block), MODEL_IDLE);
		return;
	}
	model_bad_free_inside(pool, block, 1 + rnd(run->size - 1));
}

static void step_reserve(struct model_pool *pool)
{
	u32 size = rnd(4) ? min_t(u32, model_random_size(pool), SZ_64K) : model_random_size(pool);

	model_reserve(pool, size, rnd(2) ? 0 : rnd(size > 4096 ? 4 : 30));
}

static void step_pool_timeout(struct model_pool *pool)
{
	static const unsigned int values[] = { 0, 1, 30, 200, 1000, 4000 };
	unsigned int ms = values[rnd(6)];

	CHECK(model_write_pool(pool, "idle_timeout_ms", ms) > 0);
	pool->timeout_ms = ms ?: BYTEPOOL_TIMEOUT_NEVER;
	pool->changed = jiffies;
	if (rnd(2)) {
		char path[96];

		snprintf(path, sizeof(path), "bytepool/pools/%s/idle_timeout_ms", pool->name);
		CHECK(shim_sysfs_write(path, "default\n") == 8);
		pool->timeout_ms = 0;
	}
}

static void step_global(void)
{
	static const unsigned int timeouts[] = { 0, 1, 50, 300, 2000 };
	static const unsigned int intervals[] = { 10, 20, 100, 1000 };
	struct op outer = model_op_begin(NULL, 0);

	if (rnd(2)) {
		global_timeout_ms = timeouts[rnd(5)];
		CHECK(model_write("bytepool/idle_timeout_ms", global_timeout_ms) > 0);
	} else {
		interval_ms = intervals[rnd(4)];
		CHECK(model_write("bytepool/gc_interval_ms", interval_ms) > 0);
	}
	global_changed = jiffies;
	op = outer;
}

static void pool_create(struct model_pool *pool)
{
	static const struct bytepool_params kinds[] = {
		{},
		{ .min_size = 8, .max_size = 102400, .step = 8 },
		{ .max_size = 65536, .flags = BYTEPOOL_WIPE },
		{ .min_size = 64, .max_size = 1 << 20, .flags = BYTEPOOL_CONTIG },
		{ .min_size = 4096, .max_size = 4096 },
		{ .min_size = 40, .max_size = 3000, .step = 72 },
		{ .max_size = 8 << 20 },
		{ .flags = BYTEPOOL_SINGLE },
		{ .max_size = 512, .flags = BYTEPOOL_SINGLE | BYTEPOOL_WIPE },
		{ .max_size = 65536, .flags = BYTEPOOL_POISON },
		{ .max_size = 65536, .flags = BYTEPOOL_TRACK },
		{ .max_size = 4096, .step = 8,
		  .flags = BYTEPOOL_POISON | BYTEPOOL_TRACK | BYTEPOOL_WIPE },
		{ .max_size = 4096, .flags = BYTEPOOL_SINGLE | BYTEPOOL_POISON | BYTEPOOL_TRACK },
	};
	static unsigned long created;
	char name[32];

	snprintf(name, sizeof(name), "pool-%lu", ++created);
	CHECK(!model_create(pool, name, &kinds[rnd(ARRAY_SIZE(kinds))]));
}

static void pool_destroy(struct model_pool *pool)
{
	model_destroy(pool, pool->nr_in_use && !rnd(4));
}

static void step_pool(struct model_pool *pool)
{
	pool_destroy(pool);
	pool_create(pool);
	op = (struct op){};
}

static void step_in_use(struct model_pool *pool, void (*fn)(struct block *block))
{
	struct block *block = model_random_in_use(pool);

	if (block)
		fn(block);
}

static void one_step(void)
{
	struct model_pool *pool = model_random_pool();
	u32 what = rnd(1000);
	int cpu = rnd(CPUS);

	model_step(cpu, rnd(3) ? 0 : 1 + rnd(60));
	if (!rnd(12))
		shim_fail(rnd(2) ? SHIM_FAIL_ANY : BIT(rnd(5)), 1 + rnd(3), !rnd(4));
	if (what < 700)
		model_alloc_or_free(pool, false);
	else if (what < 760)
		step_bulk(pool);
	else if (what < 800)
		step_bad_free(pool);
	else if (what < 830)
		step_in_use(pool, model_usable_size);
	else if (what < 845)
		model_gc(pool);
	else if (what < 850)
		model_trim(pool);
	else if (what < 865)
		step_reserve(pool);
	else if (what < 870)
		model_limit(pool, rnd(2) ? 0 : pool->held / 2 + rnd(pool->held + (1 << 20)));
	else if (what < 875)
		step_pool_timeout(pool);
	else if (what < 878)
		step_global();
	else if (what < 890)
		model_out_of_range(pool);
	else if (what < 900)
		step_in_use(pool, model_reuse);
	else if (what < 904)
		model_shrink(rnd(2) ? 1 + rnd(1000) : 1UL << 30);
	else if (what < 907)
		model_cpu_dies();
	else if (what < 990)
		model_time(rnd(16) ? rnd(30) : rnd(2000));
	model_calm();
	shim_fail(0, 0, false);
	if (what % 16 == 0)
		model_check_stats(pool);
	if (what >= 990 && what < 993)
		step_pool(pool);
	if (what == 993)
		model_quiet(4000);
}

static unsigned long steps = 100000;
static unsigned long seed;

static void run_model(void)
{
	unsigned int i;

	model_begin();
	printf("# %lu steps, seed %lu\n", steps, seed);
	shim_random_seed(seed);
	test_module_start();
	for (i = 0; i < POOLS; i++)
		pool_create(&pools[i]);
	op = (struct op){};
	global_changed = jiffies;
	for (step = 0; step < steps; step++)
		one_step();
	shim_grace_hook = NULL;
	for (i = 0; i < POOLS; i++)
		pool_destroy(&pools[i]);
	test_module_stop();
	test_expect_warnings(expected_warnings);
}

static const struct test tests[] = {
	{ "every step agrees with the model", run_model },
	{}
};

int main(int argc, char **argv)
{
	shim_cpu_enter(0);
	seed = time(NULL);
	if (argc > 1)
		steps = strtoul(argv[1], NULL, 0);
	if (argc > 2)
		seed = strtoul(argv[2], NULL, 0);
	return test_main(tests);
}
