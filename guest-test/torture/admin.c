// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread that calls gc, trim and reserve, and one that watches a limit
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/random.h>

#include "../lib/hardirq.h"
#include "../lib/worker.h"
#include "actor.h"
#include "admin.h"
#include "random.h"
#include "report.h"

#define NR_RESERVED	12U

static const u32 reserve_sizes[] = { 8, 100, 256, 1024, 3000, SZ_8K };

static struct actor *admin_actor;
static u64 admin_rnd;
static struct bytepool_stats seen[NR_POOLS];

static bool stats_fell(const struct bytepool_stats *now, const struct bytepool_stats *before)
{
	return now->allocs < before->allocs || now->frees < before->frees ||
	       now->hits < before->hits || now->misses < before->misses ||
	       now->failures < before->failures || now->bad_frees < before->bad_frees ||
	       now->gc_runs < before->gc_runs ||
	       now->reclaimed_blocks < before->reclaimed_blocks ||
	       now->reclaimed_bytes < before->reclaimed_bytes;
}

static bool stats_absurd(const struct bytepool_stats *now)
{
	return (now->bytes_held | now->bytes_in_use | now->bytes_idle | now->blocks_in_use |
		now->blocks_idle | now->allocs | now->frees | now->hits | now->misses |
		now->failures | now->bad_frees | now->gc_runs | now->reclaimed_blocks |
		now->reclaimed_bytes) >> 62 ||
	       now->allocs != now->hits + now->misses;
}

/* Check that the statistics are plausible, and have not fallen since @before. Update @before. */
static void stats_check(struct torture_pool *tp, struct bytepool_stats *before)
{
	struct bytepool_stats now;

	bytepool_get_stats(tp->pool, &now);
	if (stats_absurd(&now) || stats_fell(&now, before))
		torture_error(ERROR_STATS,
			      "%s: %llu allocs, %llu hits, %llu misses, %llu frees, %llu and %llu blocks, %llu bytes; before %llu, %llu, %llu, %llu",
			      tp->name, now.allocs, now.hits, now.misses, now.frees,
			      now.blocks_in_use, now.blocks_idle, now.bytes_held, before->allocs,
			      before->hits, before->misses, before->frees);
	*before = now;
}

/*
 * No actor allocates from the class of RESERVE_SIZE, so all of its reserve is available to
 * every CPU and context.
 */

struct taking {
	struct torture_pool *tp;
	unsigned int want;
	unsigned int got;
	void *blocks[NR_RESERVED];
};

static void take_reserved(void *data)
{
	struct taking *taking = data;

	while (taking->got < taking->want) {
		void *block = bytepool_alloc(taking->tp->pool, RESERVE_SIZE,
					     GFP_NOWAIT | __GFP_NOWARN);

		if (!block)
			break;
		taking->blocks[taking->got++] = block;
	}
}

static void taken_give(struct taking *taking)
{
	struct tally *tally = &admin_actor->tally[taking->tp->index];

	tally->allocs += taking->got;
	tally->frees += taking->got;
	bytepool_free_bulk(taking->tp->pool, taking->got, taking->blocks);
	if (taking->got == taking->want)
		return;
	tally->failures++;
	if (!may_fail)
		torture_error(ERROR_RESERVE, "%s: %u blocks are reserved, %u were there",
			      taking->tp->name, taking->want, taking->got);
}

static void reserve_private(struct torture_pool *tp)
{
	struct taking taking = { .tp = tp, .want = 1 + random_below(&admin_rnd, NR_RESERVED) };
	int cpu = random_below(&admin_rnd, nr_cpu_ids);

	if (bytepool_reserve(tp->pool, RESERVE_SIZE, taking.want, GFP_KERNEL))
		return;
	totals.reserves++;
	if (random_below(&admin_rnd, 2))
		bytepool_trim(tp->pool);
	/* Allocate in an interrupt of that CPU; if it is offline, here. */
	if (remote_call(cpu, take_reserved, &taking))
		take_reserved(&taking);
	taken_give(&taking);
	if (random_below(&admin_rnd, 2))
		bytepool_reserve(tp->pool, RESERVE_SIZE, 0, GFP_KERNEL);
}

static void reserve_any(struct torture_pool *tp)
{
	u32 size = reserve_sizes[random_below(&admin_rnd, ARRAY_SIZE(reserve_sizes))];
	u32 nr = random_below(&admin_rnd, NR_RESERVED);

	if (size <= tp->largest && !bytepool_reserve(tp->pool, size, nr, GFP_KERNEL))
		totals.reserves++;
}

static void reserves_drop(struct torture_pool *tp)
{
	unsigned int i;

	bytepool_reserve(tp->pool, RESERVE_SIZE, 0, GFP_KERNEL);
	for (i = 0; i < ARRAY_SIZE(reserve_sizes); i++) {
		if (reserve_sizes[i] <= tp->largest)
			bytepool_reserve(tp->pool, reserve_sizes[i], 0, GFP_KERNEL);
	}
}

/*
 * Trim all pools if they hold half of the memory: the tuner turns ageing off for a while, and
 * the pools must not use up the machine.
 */
static void keep_half(void)
{
	unsigned long held = 0;
	unsigned int i;

	for (i = 0; i < NR_POOLS; i++)
		held += bytepool_size(torture_pools[i].pool);
	if (held >> PAGE_SHIFT < totalram_pages() / 2)
		return;
	for (i = 0; i < NR_POOLS; i++)
		bytepool_trim(torture_pools[i].pool);
}

static void admin_step(struct torture_pool *tp)
{
	size_t held;

	switch (random_below(&admin_rnd, 4)) {
	case 0:
		bytepool_gc(tp->pool, &held);
		if (held >> 62)
			torture_error(ERROR_STATS, "%s: gc: %zu bytes held", tp->name, held);
		break;
	case 1:
		bytepool_trim(tp->pool);
		totals.trims++;
		break;
	case 2:
		if (tp->reserves)
			reserve_any(tp);
		break;
	case 3:
		if (tp->reserves)
			reserve_private(tp);
		break;
	}
}

static void admin_fn(struct worker *w)
{
	unsigned int i;

	while (!worker_stopping(w)) {
		admin_step(pool_random(&admin_rnd));
		for (i = 0; i < NR_POOLS; i++)
			stats_check(&torture_pools[i], &seen[i]);
		keep_half();
		usleep_range(100, 3000);
	}
	for (i = 0; i < NR_POOLS; i++) {
		if (torture_pools[i].reserves)
			reserves_drop(&torture_pools[i]);
	}
}

/* Watch that the pool never holds more than its limit. */
static void watch_fn(struct worker *w)
{
	struct torture_pool *tp = w->data;
	unsigned int i;

	while (!worker_stopping(w)) {
		for (i = 0; i < 1000; i++) {
			size_t held = bytepool_size(tp->pool);

			if (held <= tp->params.limit_bytes)
				continue;
			torture_error(ERROR_LIMIT, "%s: %zu bytes held, the limit is %zu",
				      tp->name, held, tp->params.limit_bytes);
			msleep(100);
		}
		usleep_range(100, 500);
	}
}

static struct worker admin = { .fn = admin_fn, .cpu = -1, .faulty = true };
static struct worker watch = { .fn = watch_fn, .cpu = -1 };

int admin_start(void)
{
	unsigned int i;
	int err;

	admin_rnd = get_random_u64() | 1;
	admin_actor = actor_new(PROCESS);
	if (!admin_actor)
		return -ENOMEM;
	for (i = 0; i < NR_POOLS; i++) {
		seen[i] = torture_pools[i].before;
		if (torture_pools[i].params.limit_bytes)
			watch.data = &torture_pools[i];
	}
	err = worker_start(&admin, "torture-admin");
	return err ?: worker_start(&watch, "torture-limit");
}

void admin_stop(void)
{
	worker_stop(&watch);
	worker_stop(&admin);
}
