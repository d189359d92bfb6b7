// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls about a whole pool, from its creation to its end.
 */
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

int model_create(struct model_pool *pool, const char *name, const struct bytepool_params *params)
{
	struct bytepool *made = bytepool_create(name, params);

	if (IS_ERR(made))
		return PTR_ERR(made);
	memset(pool, 0, sizeof(*pool));
	INIT_LIST_HEAD(&pool->runs);
	snprintf(pool->name, sizeof(pool->name), "%s", name);
	pool->flags = params->flags;
	pool->timeout_ms = params->idle_timeout_ms;
	pool->limit = params->limit_bytes;
	bp_sizes_init(&pool->sizes, params->min_size ?: 8, params->max_size ?: SZ_4M,
		      params->step);
	pool->class = calloc(pool->sizes.nr, sizeof(*pool->class));
	pool->changed = jiffies;
	pool->pool = made;
	return 0;
}

unsigned int model_buried;

/* Blocks in use stay with their owners. */
void model_destroy(struct model_pool *pool, bool leak)
{
	struct op outer = model_op_begin(pool, 0);
	struct run *run, *next;
	u32 i;

	while (!leak && pool->nr_in_use)
		model_free(pool->in_use[0]);
	op.any_age = true;
	for (i = 0; i < pool->sizes.nr; i++)
		pool->class[i].reserve = 0;
	model_check_stats(pool);
	op.pool = pool;
	bytepool_destroy(pool->pool);
	expected_warnings += leak;
	model_buried += leak;
	CHECK(leak || list_empty(&pool->runs));
	list_for_each_entry_safe(run, next, &pool->runs, list) {
		CHECK(run->nr_in_use);
		for (i = 0; i < model_run_blocks(run); i++) {
			if (run->block[i].in_use)
				block_check(&run->block[i]);
		}
		run->nr_in_use = 0;
		/* The pool did not check idle blocks there. */
		for (i = 0; i < model_run_blocks(run); i++)
			run->block[i].overwritten = false;
		shim_backing_release(run->base);
	}
	check_reports(pool);
	free(pool->class);
	memset(pool, 0, sizeof(*pool));
	op = outer;
}

void model_reserve(struct model_pool *pool, u32 size, u32 nr)
{
	u32 index = bp_class_index(&pool->sizes, size);
	struct class_state *class = &pool->class[index];
	unsigned int old = class->reserve;
	struct bytepool_stats now;
	struct op outer = model_op_begin(pool, index);
	int err;

	op.any_age = true;
	class->reserve = min(old, nr);
	pool->reserved |= nr;
	err = bytepool_reserve(pool->pool, size, nr, GFP_KERNEL);
	CHECK(!err || err == -ENOMEM);
	CHECK(!err || shim_failed() || pool->limit ||
	      !run_possible(pool, bp_class_size(&pool->sizes, index), GFP_KERNEL));
	class->reserve = err ? old : nr;
	CHECK(class->blocks >= class->reserve);
	check_limit();
	model_calm();
	/* Only the pool knows if the blocks that it took and gave back were idle meanwhile. */
	now = test_stats(pool->pool);
	CHECK(err || now.reclaimed_blocks == pool->stats.reclaimed_blocks);
	pool->stats.reclaimed_blocks = now.reclaimed_blocks;
	pool->stats.reclaimed_bytes = now.reclaimed_bytes;
	pool->changed = jiffies;
	op = outer;
}

void model_gc(struct model_pool *pool)
{
	struct op outer = model_op_begin(pool, 0);
	u64 before = pool->stats.reclaimed_blocks;
	unsigned long nested_before = nested;
	unsigned long blocks;
	size_t held;

	blocks = bytepool_gc(pool->pool, &held);
	CHECK(blocks == pool->stats.reclaimed_blocks - before);
	CHECK(held == pool->held || nested != nested_before);
	if (nested == nested_before)
		check_gone_by_age(pool, 0);
	op = outer;
}

void model_trim(struct model_pool *pool)
{
	struct op outer = model_op_begin(pool, 0);
	u64 before = pool->stats.reclaimed_blocks;
	unsigned long nested_before = nested;

	op.any_age = true;
	CHECK(bytepool_trim(pool->pool) == pool->stats.reclaimed_blocks - before);
	if (nested == nested_before)
		CHECK(!run_reclaimable(pool));
	op = outer;
}

void model_shrink(unsigned long pages)
{
	struct op outer = model_op_begin(NULL, 0);
	unsigned long nested_before = nested;
	unsigned long counted = shim_shrink_count();
	unsigned long freed = 0, more;
	unsigned int in_vain = 0;

	op.any_age = true;
	/* The second scan frees blocks in caches. */
	do {
		more = shim_shrink(pages);
		freed += more;
		in_vain = more ? 0 : in_vain + 1;
	} while (in_vain < 2 && freed < counted);
	if (nested == nested_before)
		CHECK(freed >= counted);
	op = outer;
}

void model_cpu_dies(void)
{
	int self = raw_smp_processor_id();

	shim_cpu_die((self + 1 + rnd(CPUS - 1)) % CPUS);
}

void model_limit(struct model_pool *pool, unsigned long limit)
{
	struct op outer = model_op_begin(pool, 0);

	op.any_age = true;
	model_calm();
	pool->limit = limit;
	CHECK(model_write_pool(pool, "limit_bytes", limit) > 0);
	op = outer;
}

void model_time(unsigned long by)
{
	struct op outer = model_op_begin(NULL, 0);

	shim_clock_advance(by);
	model_calm();
	model_check_all();
	op = outer;
}

void model_quiet(unsigned int longest_ms)
{
	void (*hook)(void) = shim_grace_hook;

	shim_grace_hook = NULL;
	model_op_begin(NULL, 0);
	shim_clock_advance(msecs_to_jiffies(longest_ms) + 4 * msecs_to_jiffies(interval_ms));
	CHECK(!shim_works_pending());
	model_check_all();
	shim_grace_hook = hook;
	op = (struct op){};
}
