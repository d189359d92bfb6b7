// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pool that holds most of the memory of a small machine
 *
 * Most of it is idle, for the guest script to need. A few blocks are in use, and some are
 * reserved.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "../lib/worker.h"
#include "block.h"
#include "check.h"
#include "tests.h"

#define NR_IN_USE	16
#define RESERVED_SIZE	SZ_16K
#define NR_RESERVED	32

/* Blocks to be freed are in a list: the first word of each is the link. */
struct chained {
	struct chained *next;
};

static struct bytepool *pressed;
static void *in_use[NR_IN_USE];
static struct chained *chain[2];

static const size_t sizes[] = { SZ_4K, SZ_64K, SZ_1M, 100, SZ_256K };

/* Allocate blocks of all sizes until the pool holds @bytes. Each CPU is to free one half. */
static void pressed_fill(unsigned long bytes)
{
	unsigned int i;

	for (i = 0; bytepool_size(pressed) < bytes; i++) {
		struct chained *block = bytepool_alloc(pressed, sizes[i % ARRAY_SIZE(sizes)],
						       GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);

		if (!block)
			break;
		block->next = chain[i % 2];
		chain[i % 2] = block;
	}
}

static void pressed_free(struct worker *w)
{
	struct chained *block;

	while ((block = chain[w->cpu])) {
		chain[w->cpu] = block->next;
		bytepool_free(pressed, block);
	}
}

/* Fill the pool with two thirds of all memory, and free that. */
static void pressed_idle(struct seq_file *m, const char *what)
{
	struct worker workers[2] = { { .fn = pressed_free }, { .fn = pressed_free } };
	unsigned long bytes = (totalram_pages() << PAGE_SHIFT) / 3 * 2;
	struct bytepool_stats stats;
	int err;

	pressed_fill(bytes);
	err = workers_start(workers, 2);
	if (!err)
		workers_join(workers, 2);
	bytepool_get_stats(pressed, &stats);
	check(m, !err && stats.bytes_held >= bytes / 10 * 9 && stats.blocks_in_use == NR_IN_USE,
	      "pressure", what, "error %d, %llu bytes held, %llu blocks in use", err,
	      stats.bytes_held, stats.blocks_in_use);
}

void pressure_begin(struct seq_file *m)
{
	struct bytepool_params params = { .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER };
	unsigned int i, failed = 0;
	int err;

	if (pressed)
		return;
	pressed = bytepool_create("pressure", &params);
	if (IS_ERR(pressed)) {
		check(m, false, "pressure", "begins", "create: %pe", pressed);
		pressed = NULL;
		return;
	}
	err = bytepool_reserve(pressed, RESERVED_SIZE, NR_RESERVED, GFP_KERNEL);
	for (i = 0; i < NR_IN_USE; i++) {
		in_use[i] = bytepool_alloc(pressed, SZ_4K, GFP_KERNEL);
		if (in_use[i])
			block_fill(in_use[i], SZ_4K, i);
		failed += !in_use[i];
	}
	check(m, !err && !failed, "pressure", "begins", "error %d, %u failed", err, failed);
	pressed_idle(m, "most of the memory is idle in the pool");
}

void pressure_again(struct seq_file *m)
{
	if (pressed)
		pressed_idle(m, "and again");
}

void pressure_end(struct seq_file *m)
{
	unsigned int i, bad = 0;

	if (!pressed)
		return;
	for (i = 0; i < NR_IN_USE; i++) {
		bad += !in_use[i] || !block_intact(in_use[i], SZ_4K);
		bytepool_free(pressed, in_use[i]);
	}
	check(m, !bad, "pressure", "blocks in use are as their owner left them", "%u are not", bad);
	check(m, bytepool_size(pressed) >= NR_RESERVED * RESERVED_SIZE, "pressure",
	      "the reserve is there", "%zu bytes held", bytepool_size(pressed));
	bytepool_reserve(pressed, RESERVED_SIZE, 0, GFP_KERNEL);
	check_emptied(m, pressed, "pressure", 0);
	pressure_exit();
}

void pressure_exit(void)
{
	bytepool_destroy(pressed);
	pressed = NULL;
}
