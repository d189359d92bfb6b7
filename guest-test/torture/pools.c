// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pools that are tortured, all at the same time
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "pools.h"
#include "random.h"
#include "report.h"

/* The mailboxes hold few blocks of this size, but idle blocks come in addition. */
#define LARGEST		((u32)SZ_1M)

struct torture_pool torture_pools[NR_POOLS] = {
	{ .name = "system", .system = true, .strict = true },
	{ .name = "torture-default", .strict = true, .reserves = true },
	{ .name = "torture-linear", .strict = true, .reserves = true,
	  .params = { .min_size = 64, .max_size = 4096, .step = 64 } },
	{ .name = "torture-fixed", .strict = true,
	  .params = { .min_size = 1024, .max_size = 1024 } },
	{ .name = "torture-contig", .tuned = true,
	  .params = { .flags = BYTEPOOL_CONTIG } },
	{ .name = "torture-wipe", .strict = true, .reserves = true,
	  .params = { .flags = BYTEPOOL_WIPE } },
	{ .name = "torture-poison", .strict = true, .reserves = true,
	  .params = { .flags = BYTEPOOL_POISON } },
	{ .name = "torture-track", .tuned = true,
	  .params = { .flags = BYTEPOOL_TRACK } },
	{ .name = "torture-checked", .strict = true, .reserves = true,
	  .params = { .flags = BYTEPOOL_POISON | BYTEPOOL_TRACK | BYTEPOOL_WIPE } },
	{ .name = "torture-limit",
	  .params = { .max_size = SZ_64K, .limit_bytes = SZ_512K } },
	{ .name = "torture-tuned", .tuned = true,
	  .params = { .max_size = SZ_64K, .idle_timeout_ms = 20 } },
	{ .name = "torture-hostile", .lone = true, .strict = true },
};

static struct torture_pool *busy_pools[NR_POOLS];
static unsigned int nr_busy;
static struct parcel *parcels;

/* Return one of the pools that are not for bad frees alone. */
struct torture_pool *pool_random(u64 *rnd)
{
	return busy_pools[random_below(rnd, nr_busy)];
}

static void boxes_fill(struct torture_pool *tp, struct parcel *parcel)
{
	unsigned int i;

	for (i = 0; i < NR_SMALL; i++)
		tp->small[i] = parcel++;
	for (i = 0; i < NR_LARGE; i++)
		tp->large[i] = parcel++;
}

static int pool_create(struct torture_pool *tp)
{
	struct bytepool *pool = bytepool_system;

	if (!tp->system)
		pool = bytepool_create(tp->name, &tp->params);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	tp->params.max_size = tp->params.max_size ?: SZ_4M;
	tp->largest = min_t(u32, tp->params.max_size, LARGEST);
	tp->index = tp - torture_pools;
	tp->pool = pool;
	bytepool_get_stats(pool, &tp->before);
	tp->injected = tp->before.bad_frees;
	if (!tp->lone)
		busy_pools[nr_busy++] = tp;
	return 0;
}

int pools_create(void)
{
	const unsigned int nr = NR_SMALL + NR_LARGE;
	unsigned int i;
	int err;

	parcels = kvcalloc(NR_POOLS * nr, sizeof(*parcels), GFP_KERNEL);
	if (!parcels)
		return -ENOMEM;
	for (i = 0; i < NR_POOLS; i++) {
		err = pool_create(&torture_pools[i]);
		if (err)
			return err;
		boxes_fill(&torture_pools[i], parcels + i * nr);
	}
	return 0;
}

static void pool_finish(struct torture_pool *tp)
{
	struct bytepool_stats stats;

	bytepool_trim(tp->pool);
	bytepool_get_stats(tp->pool, &stats);
	if (stats.bytes_held || stats.blocks_in_use || stats.bytes_in_use || stats.blocks_idle ||
	    stats.bytes_idle || bytepool_size(tp->pool))
		torture_error(ERROR_LOST,
			      "%s: %llu bytes held; %llu blocks of %llu bytes in use, %llu of %llu idle",
			      tp->name, stats.bytes_held, stats.blocks_in_use, stats.bytes_in_use,
			      stats.blocks_idle, stats.bytes_idle);
	if (stats.bad_frees != tp->injected)
		torture_error(ERROR_BAD_FREES, "%s: %llu bad frees, %llu counted", tp->name,
			      tp->injected, stats.bad_frees);
	totals.injected += tp->injected - tp->before.bad_frees;
	totals.counted += stats.bad_frees - tp->before.bad_frees;
}

/* Check that a trim gives back everything, when all blocks are free. */
void pools_finish(void)
{
	unsigned int i;

	for (i = 0; i < NR_POOLS; i++)
		pool_finish(&torture_pools[i]);
}

void pools_destroy(void)
{
	struct torture_pool *tp;

	for (tp = torture_pools; tp < torture_pools + NR_POOLS; tp++) {
		if (!tp->system)
			bytepool_destroy(tp->pool);
		tp->pool = NULL;
	}
	nr_busy = 0;
	kvfree(parcels);
	parcels = NULL;
}
