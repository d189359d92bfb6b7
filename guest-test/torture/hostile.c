// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread that frees what it must not free
 *
 * Only this thread makes bad frees, so that the pool's count is known after each of them. A block
 * that is freed twice must not have another owner at the second free. In pools that actors use,
 * the block is therefore of a class that only this thread uses. It also shares a page with a block
 * in use, so that its slab is not given back to the system between the two frees.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/vmalloc.h>

#include "../lib/hardirq.h"
#include "../lib/worker.h"
#include "actor.h"
#include "hostile.h"
#include "pattern.h"
#include "random.h"
#include "report.h"

#define NR_PAIR		10U
#define RACE_SPINS	100000U

static struct actor *hostile_actor;
static u64 hostile_rnd;
static void *own_memory[3];	/* of no pool: a page, from kmalloc(), from vmalloc() */
static struct torture_pool *lone;

/* Blocks in use. @target is not one of @blocks, but shares a page with one of them. */
struct pair {
	struct torture_pool *tp;
	unsigned int nr;
	void *blocks[NR_PAIR];
	void *target;
};

static void *hostile_alloc(struct torture_pool *tp, size_t size)
{
	void *block = bytepool_alloc(tp->pool, size, GFP_KERNEL);

	if (block)
		hostile_actor->tally[tp->index].allocs++;
	else
		hostile_actor->tally[tp->index].failures++;
	return block;
}

/* Free a block in use. */
static void hostile_free(struct torture_pool *tp, void *block)
{
	if (!block)
		return;
	hostile_actor->tally[tp->index].frees++;
	bytepool_free(tp->pool, block);
}

/* Check that the pool has counted @nr more bad frees. */
static void expect_bad(struct torture_pool *tp, unsigned int nr, const char *how)
{
	struct bytepool_stats stats;

	tp->injected += nr;
	bytepool_get_stats(tp->pool, &stats);
	if (stats.bad_frees == tp->injected)
		return;
	torture_error(ERROR_BAD_FREES, "%s: %llu bad frees, %llu counted, the last %s", tp->name,
		      tp->injected, stats.bad_frees, how);
}

static void inject(struct torture_pool *tp, const void *block, const char *how)
{
	bytepool_free(tp->pool, block);
	expect_bad(tp, 1, how);
}

static void inject_unknown(struct torture_pool *tp)
{
	u64 on_stack;
	const void *addresses[] = {
		own_memory[0], own_memory[0] + 64, own_memory[1], own_memory[1] + 8, own_memory[2],
		&on_stack, &hostile_rnd, ZERO_SIZE_PTR, (void *)8UL, (void *)PAGE_SIZE,
		(void *)-8UL, ERR_PTR(-ENOMEM), (void *)LONG_MAX,
	};
	const void *address = addresses[random_below(&hostile_rnd, ARRAY_SIZE(addresses))];

	if (bytepool_usable_size(tp->pool, address))
		torture_error(ERROR_SIZE, "%s: an unknown address is usable", tp->name);
	inject(tp, address, "of an unknown address");
}

static void inject_inside(struct torture_pool *tp)
{
	static const u32 offsets[] = { 1, 8, HOSTILE_SIZE / 2, HOSTILE_SIZE - 1 };
	struct parcel parcel = {
		.size = HOSTILE_SIZE, .id = parcel_id(tp->index, hostile_actor->owner, 0),
	};

	parcel.block = hostile_alloc(tp, HOSTILE_SIZE);
	if (!parcel.block)
		return;
	pattern_fill(&parcel);
	inject(tp, parcel.block + offsets[random_below(&hostile_rnd, ARRAY_SIZE(offsets))],
	       "inside a block");
	pattern_check(&parcel, tp);
	hostile_free(tp, parcel.block);
}

static void inject_foreign(struct torture_pool *tp, struct torture_pool *owner)
{
	struct parcel parcel = {
		.size = HOSTILE_SIZE,
		.id = parcel_id(owner->index, hostile_actor->owner, 0),
	};

	if (owner == tp)
		return;
	parcel.block = hostile_alloc(owner, parcel.size);
	if (!parcel.block)
		return;
	pattern_fill(&parcel);
	inject(tp, parcel.block, "of another pool's block");
	pattern_check(&parcel, owner);
	hostile_free(owner, parcel.block);
}

static void pair_find(struct pair *pair)
{
	unsigned int i, j;

	for (i = 0; i < pair->nr; i++) {
		for (j = 0; j < i; j++) {
			if (((unsigned long)pair->blocks[i] ^ (unsigned long)pair->blocks[j]) >>
			    PAGE_SHIFT)
				continue;
			pair->target = pair->blocks[i];
			pair->blocks[i] = NULL;
			return;
		}
	}
}

/* Return true if there is a target. */
static bool pair_get(struct pair *pair, struct torture_pool *tp)
{
	struct tally *tally = &hostile_actor->tally[tp->index];

	*pair = (struct pair){ .tp = tp };
	pair->nr = bytepool_alloc_bulk(tp->pool, HOSTILE_SIZE, GFP_KERNEL, NR_PAIR, pair->blocks);
	tally->allocs += pair->nr;
	tally->failures += !pair->nr;
	pair_find(pair);
	return pair->target;
}

/* Free all blocks but the target, which is free already. */
static void pair_put(struct pair *pair)
{
	unsigned int i;

	for (i = 0; i < pair->nr; i++)
		hostile_free(pair->tp, pair->blocks[i]);
}

static void check_idle(struct torture_pool *tp, const void *block)
{
	if (bytepool_usable_size(tp->pool, block))
		torture_error(ERROR_SIZE, "%s: a free block is usable", tp->name);
}

static void inject_double(struct torture_pool *tp, bool bulk)
{
	struct pair pair;

	if (pair_get(&pair, tp)) {
		void *twice[] = { pair.target, pair.target };

		if (bulk) {
			hostile_actor->tally[tp->index].frees++;
			bytepool_free_bulk(tp->pool, 2, twice);
			expect_bad(tp, 1, "in a bulk, of a free block");
		} else {
			hostile_free(tp, pair.target);
			inject(tp, pair.target, "of a free block");
		}
		check_idle(tp, pair.target);
	}
	pair_put(&pair);
}

/*
 * Several CPUs free one block at the same time
 */

struct race {
	struct bytepool *pool;
	void *block;
	int expected;
	atomic_t arrived;
};

static void race_free(void *data)
{
	struct race *race = data;
	unsigned int spins;

	atomic_inc(&race->arrived);
	/* Do not wait for long: on a busy host a virtual CPU may not run at all. */
	for (spins = 0; spins < RACE_SPINS; spins++) {
		if (atomic_read(&race->arrived) >= race->expected)
			break;
		cpu_relax();
	}
	remote_call_begin();
	bytepool_free(race->pool, race->block);
	remote_call_end();
}

/* Free @block on several CPUs. One of the frees is good. */
static void race_run(struct torture_pool *tp, void *block)
{
	struct race race = { .pool = tp->pool, .block = block };
	static struct cpumask mask;
	int nr, cpu;

	cpumask_clear(&mask);
	cpus_read_lock();
	for_each_online_cpu(cpu) {
		if (random_below(&hostile_rnd, 3))
			cpumask_set_cpu(cpu, &mask);
	}
	cpumask_set_cpu(cpumask_any(cpu_online_mask), &mask);
	race.expected = cpumask_weight(&mask);
	on_each_cpu_mask(&mask, race_free, &race, true);
	cpus_read_unlock();
	nr = atomic_read(&race.arrived);
	hostile_actor->tally[tp->index].frees++;
	expect_bad(tp, nr - 1, "by several CPUs at once");
	totals.races += nr > 1;
}

static void inject_race(struct torture_pool *tp)
{
	struct pair pair;

	if (pair_get(&pair, tp)) {
		race_run(tp, pair.target);
		check_idle(tp, pair.target);
	}
	pair_put(&pair);
}

/*
 * Free a block of any size twice, in a pool that only this thread uses: on several CPUs at once, or
 * with a trim in between.
 */
static void inject_lone(struct torture_pool *tp)
{
	static const u32 sizes[] = { 8, 200, SZ_4K, SZ_64K, SZ_1M };
	void *block = hostile_alloc(tp, sizes[random_below(&hostile_rnd, ARRAY_SIZE(sizes))]);

	if (!block)
		return;
	if (random_below(&hostile_rnd, 2)) {
		race_run(tp, block);
		return;
	}
	hostile_free(tp, block);
	bytepool_trim(tp->pool);
	inject(tp, block, "of memory that went back");
}

static void hostile_step(void)
{
	struct torture_pool *tp = pool_random(&hostile_rnd);
	u32 dice = random_below(&hostile_rnd, 7);

	/* A pool of one class has no class for this thread alone. */
	if (tp->params.min_size == tp->params.max_size)
		dice = dice % 3;
	switch (dice) {
	case 0:
		inject_unknown(tp);
		break;
	case 1:
		inject_inside(tp);
		break;
	case 2:
		inject_foreign(tp, pool_random(&hostile_rnd));
		break;
	case 3:
		inject_double(tp, false);
		break;
	case 4:
		inject_double(tp, true);
		break;
	case 5:
		inject_race(tp);
		break;
	case 6:
		inject_lone(lone);
		break;
	}
}

static void hostile_fn(struct worker *w)
{
	while (!worker_stopping(w)) {
		hostile_step();
		usleep_range(100, 2000);
	}
}

static struct worker hostile = { .fn = hostile_fn, .cpu = -1 };

static int hostile_init(void)
{
	hostile_rnd = get_random_u64() | 1;
	hostile_actor = actor_new(PROCESS);
	own_memory[0] = (void *)__get_free_page(GFP_KERNEL);
	own_memory[1] = kmalloc(64, GFP_KERNEL);
	own_memory[2] = vmalloc(PAGE_SIZE);
	lone = &torture_pools[NR_POOLS - 1];
	return hostile_actor && own_memory[0] && own_memory[1] && own_memory[2] ? 0 : -ENOMEM;
}

/*
 * Inject one bad free of each kind into each pool, because the first of a kind is reported with
 * a stack trace. Call before there are other threads, whose warnings must not pass.
 */
int hostile_first(void)
{
	struct torture_pool *tp;
	int err = hostile_init();

	if (err)
		return err;
	/* Between these lines, lib/kernel-log lets warnings of bytepool pass. */
	pr_info("bytepool-torture: expect-warning begin\n");
	for (tp = torture_pools; tp < torture_pools + NR_POOLS; tp++) {
		inject_unknown(tp);
		inject_inside(tp);
		inject_foreign(tp, tp == lone ? &torture_pools[0] : lone);
		inject_double(tp, false);
	}
	pr_info("bytepool-torture: expect-warning end\n");
	return 0;
}

int hostile_start(void)
{
	return worker_start(&hostile, "torture-hostile");
}

void hostile_stop(void)
{
	worker_stop(&hostile);
	vfree(own_memory[2]);
	kfree(own_memory[1]);
	free_page((unsigned long)own_memory[0]);
	memset(own_memory, 0, sizeof(own_memory));
}
