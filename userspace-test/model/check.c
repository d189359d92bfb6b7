// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks of a whole pool: its counters, its files, and the age of idle memory.
 */
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"
#include "internal/cache.h"
#include "internal/class.h"

ssize_t model_write(const char *path, unsigned long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu\n", value);
	return shim_sysfs_write(path, text);
}

ssize_t model_write_pool(struct model_pool *pool, const char *file, unsigned long value)
{
	char path[128];

	snprintf(path, sizeof(path), "bytepool/pools/%s/%s", pool->name, file);
	return model_write(path, value);
}

void check_gone_by_age(struct model_pool *pool, unsigned long grace)
{
	unsigned long changed = time_after(global_changed, pool->changed) ? global_changed :
									      pool->changed;
	unsigned long timeout = pool_timeout_jiffies(pool);
	struct run *run;

	if (timeout == MAX_JIFFY_OFFSET)
		return;
	list_for_each_entry(run, &pool->runs, list) {
		const struct class_state *class = run_class(run);
		u32 most = bp_slab_blocks(bp_slab_bytes(run->size), run->size);
		unsigned long due = run_youngest(run) + timeout;

		if (run->nr_in_use || class->blocks < class->reserve + most)
			continue;
		if (grace && time_before(due, changed))
			due = changed;
		/* Memory of a reserve is above it once another node has grown. */
		if (grace && class->reserve && time_before(due, class->grown))
			due = class->grown;
		CHECK(!time_after(jiffies, due + grace));
	}
}

static void check_sysfs_stat(struct model_pool *pool, const char *name, u64 value)
{
	char path[128], text[4096];

	snprintf(path, sizeof(path), "bytepool/pools/%s/stats/%s", pool->name, name);
	CHECK(shim_sysfs_read(path, text) > 0);
	CHECK(strtoull(text, NULL, 10) == value);
}

/* Check that each write to a free block was reported, up to the rate limit. */
void check_reports(const struct model_pool *pool)
{
	CHECK(!(pool->flags & BYTEPOOL_POISON) ||
	      pool->reports == min(pool->overwritten, (unsigned int)DEFAULT_RATELIMIT_BURST));
}

void on_message(const char *message)
{
	size_t prefix = strlen(KBUILD_MODNAME ": ");
	const char *end = strstr(message, ": a free block of ");
	unsigned int i;

	for (i = 0; i < POOLS && end; i++) {
		size_t len = strlen(pools[i].name);

		if (end == message + prefix + len && !strncmp(message + prefix, pools[i].name, len))
			pools[i].reports++;
	}
}

/*
 * Check that no cache accepts blocks while the depots have less than the reserve. Then each block
 * that is freed serves any CPU.
 */
static void check_reserves(const struct model_pool *pool)
{
	struct bp_class *class;
	struct bp_cache *cache;

	bp_for_each_class(class, pool->pool) {
		if (!class_is_short(class))
			continue;
		bp_for_each_cache(cache, class)
			CHECK(!cache->accepts);
	}
}

void model_check_stats(struct model_pool *pool)
{
	struct bytepool_stats now = test_stats(pool->pool);
	struct bytepool_stats *want = &pool->stats;
	u64 blocks = 0, bytes = 0;
	struct run *run;

	op.pool = pool;
	list_for_each_entry(run, &pool->runs, list) {
		blocks += model_run_blocks(run);
		bytes += (u64)model_run_blocks(run) * run->size;
	}
	CHECK(now.bytes_held == pool->held && bytepool_size(pool->pool) == pool->held);
	CHECK(now.blocks_in_use == want->blocks_in_use);
	CHECK(now.bytes_in_use == want->bytes_in_use);
	CHECK(now.blocks_idle == blocks - want->blocks_in_use);
	CHECK(now.bytes_idle == bytes - want->bytes_in_use);
	CHECK(now.allocs == want->allocs && now.frees == want->frees);
	CHECK(now.hits + now.misses == now.allocs);
	/* Each slab is a miss, but a class with a reserve also grows for the cache of a CPU. */
	CHECK(now.misses == want->misses || (pool->reserved && now.misses < want->misses));
	want->misses = now.misses;
	CHECK(now.failures == want->failures);
	CHECK(now.bad_frees == want->bad_frees);
	check_reports(pool);
	check_reserves(pool);
	CHECK(now.reclaimed_blocks == want->reclaimed_blocks);
	CHECK(now.reclaimed_bytes == want->reclaimed_bytes);
	if (!rnd(16))
		check_sysfs_stat(pool, "blocks_idle", now.blocks_idle);
	op.pool = NULL;
}

void model_check_all(void)
{
	unsigned long grace = 2 * msecs_to_jiffies(interval_ms);
	unsigned int i;

	for (i = 0; i < POOLS; i++) {
		if (!pools[i].pool)
			continue;
		op.pool = &pools[i];
		if (!(pools[i].flags & BYTEPOOL_SINGLE))
			check_gone_by_age(&pools[i], grace);
		model_check_stats(&pools[i]);
	}
}
