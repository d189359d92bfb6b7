// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools that the guest script reads and tunes, and the shared pool
 */
#include <linux/err.h>
#include <linux/sizes.h>

#include "../lib/worker.h"
#include "block.h"
#include "check.h"
#include "tests.h"

/* The script expects 56 blocks in use, 56 blocks that CPU 1 freed, and a reserve. */
static const struct {
	size_t size;
	unsigned int nr;
} held_blocks[] = { { 64, 100 }, { SZ_64K, 8 }, { SZ_1M, 4 } };

#define NR_HELD		(100 + 8 + 4)
#define RESERVED_SIZE	4096
#define NR_RESERVED	8

static struct bytepool *held;
static struct bytepool *idle;
static void *held_block[NR_HELD];

/* Free every other block. */
static void held_free(struct worker *w)
{
	unsigned int i;

	for (i = 0; i < NR_HELD; i += 2) {
		bytepool_free(held, held_block[i]);
		held_block[i] = NULL;
	}
}

static unsigned int held_alloc(void)
{
	unsigned int i, j, nr = 0;

	for (i = 0; i < ARRAY_SIZE(held_blocks); i++) {
		for (j = 0; j < held_blocks[i].nr; j++) {
			void *block = bytepool_alloc(held, held_blocks[i].size, GFP_KERNEL);

			if (!block)
				return nr;
			block_fill(block, held_blocks[i].size, nr);
			held_block[nr++] = block;
		}
	}
	return nr;
}

void hold_begin(struct seq_file *m)
{
	struct bytepool_params params = { .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER };
	struct worker worker = { .fn = held_free, .cpu = 1 };
	unsigned int nr;
	int err;

	if (!IS_ERR_OR_NULL(held))
		return;
	held = bytepool_create("held", &params);
	if (IS_ERR(held)) {
		check(m, false, "hold", "begins", "create: %pe", held);
		return;
	}
	nr = held_alloc();
	err = bytepool_reserve(held, RESERVED_SIZE, NR_RESERVED, GFP_KERNEL);
	if (!err)
		err = worker_start(&worker, "bytepool_test");
	if (worker.task)
		worker_join(&worker);
	check(m, !err && nr == NR_HELD, "hold", "begins", "error %d, %u blocks", err, nr);
}

/* Free the blocks that are left. Return how many of them do not have their owner's content. */
static unsigned int held_drop(void)
{
	unsigned int i, bad = 0;

	if (IS_ERR_OR_NULL(held))
		return 0;
	for (i = 0; i < NR_HELD; i++) {
		void *block = held_block[i];

		if (!block)
			continue;
		bad += !block_intact(block, bytepool_usable_size(held, block));
		bytepool_free(held, block);
		held_block[i] = NULL;
	}
	return bad;
}

void hold_end(struct seq_file *m)
{
	unsigned int bad = held_drop();

	check(m, !bad, "hold", "blocks in use are as their owner left them", "%u are not", bad);
	if (IS_ERR_OR_NULL(held))
		return;
	bytepool_reserve(held, RESERVED_SIZE, 0, GFP_KERNEL);
	check_emptied(m, held, "hold", 0);
	hold_exit();
}

void hold_exit(void)
{
	held_drop();
	bytepool_destroy(held);
	held = NULL;
}

/* Leave idle memory in the shared pool, so that rmmod finds some. */
void hold_system(struct seq_file *m)
{
	struct bytepool_stats before, after;
	unsigned int failed = 0, bad = 0;
	size_t size;

	bytepool_get_stats(bytepool_system, &before);
	for (size = 8; size <= SZ_4M; size += size / 2 + 1) {
		void *block = bytepool_zalloc(bytepool_system, size, GFP_KERNEL);

		if (!block) {
			failed++;
			continue;
		}
		bad += !block_zero(block, size);
		block_fill(block, bytepool_usable_size(bytepool_system, block), 1);
		bytepool_free_any(block);
	}
	bytepool_get_stats(bytepool_system, &after);
	check(m, !failed && !bad && after.blocks_in_use == before.blocks_in_use && after.bytes_idle,
	      "system", "the shared pool serves 8 bytes to 4 MiB",
	      "%u failed, %u not zero, %llu in use, %llu bytes idle", failed, bad,
	      after.blocks_in_use, after.bytes_idle);
}

#define NR_IDLE		64

/* Have NR_IDLE blocks of 1 MiB idle in the depot. A pool that tracks its blocks has no caches. */
void idle_begin(struct seq_file *m)
{
	struct bytepool_params params = {
		.flags = BYTEPOOL_TRACK, .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER,
	};
	void *blocks[NR_IDLE];
	unsigned int nr;

	if (idle)
		return;
	idle = bytepool_create("idle", &params);
	if (IS_ERR(idle)) {
		check(m, false, "idle", "blocks are idle", "create: %pe", idle);
		idle = NULL;
		return;
	}
	nr = bytepool_alloc_bulk(idle, SZ_1M, GFP_KERNEL, NR_IDLE, blocks);
	bytepool_free_bulk(idle, nr, blocks);
	check(m, nr == NR_IDLE && bytepool_size(idle) == NR_IDLE * SZ_1M, "idle",
	      "blocks are idle", "%u blocks, %zu bytes held", nr, bytepool_size(idle));
}

void idle_end(struct seq_file *m)
{
	check(m, idle, "idle", "the pool ends", "there is none");
	idle_exit();
}

void idle_exit(void)
{
	bytepool_destroy(idle);
	idle = NULL;
}

#ifdef BYTEPOOL_CLEANUP
static bool scope_has_block(struct bytepool *pool, size_t size)
{
	CLASS(bytepool_block, block)(pool, size, GFP_KERNEL);

	return block && bytepool_usable_size(pool, block) >= size;
}

/* Use a pool whose scope is this function. It can have the same name in the next call. */
static int scope_run(bool *served, u64 *in_use)
{
	struct bytepool *pool __free(bytepool) = bytepool_create("scope", NULL);
	struct bytepool_stats stats;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	*served = scope_has_block(pool, 3000) && scope_has_block(pool, SZ_1M);
	bytepool_get_stats(pool, &stats);
	*in_use = stats.blocks_in_use;
	return 0;
}

void hold_scopes(struct seq_file *m)
{
	bool served = false;
	u64 in_use = 0;
	int err = scope_run(&served, &in_use);

	if (!err)
		err = scope_run(&served, &in_use);
	check(m, !err && served && !in_use, "scopes", "blocks and pools end with their scope",
	      "error %d, %llu blocks in use", err, in_use);
}
#else
void hold_scopes(struct seq_file *m)
{
	check(m, true, "scopes", "blocks and pools end with their scope # SKIP no cleanup.h", " ");
}
#endif
