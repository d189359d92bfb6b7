// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pool that holds most of the memory of a small machine
 *
 * Most of it is idle, until a program of the guest script needs it. A few blocks are in use, and
 * some are reserved. In another test, hundreds of pools hold some idle memory each, while a thread
 * takes all pages.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/list.h>
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

/* Allocate blocks of all sizes until the pool holds @bytes. Each CPU will free half of them. */
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

#define NR_POOLS	300
#define POOL_BYTES	SZ_512K
#define DELAY_MS	9000

/* QEMU may lose a CPU to other programs for this long. */
#define SLOW_MS		2000LL

/* Pages are taken on CPU 0, while CPU 1 delays grace periods by @delay_ms at most. */
struct taking {
	unsigned int delay_ms;
	unsigned long nr_pages;
	s64 slowest_ms;
	bool done;
};

/* Allocate all pages that the system gives, and measure the slowest allocation. */
static void take_pages(struct taking *taking)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN;
	struct page *page, *next;
	LIST_HEAD(pages);

	for (;; taking->nr_pages++) {
		ktime_t begin = ktime_get();

		page = alloc_page(gfp);
		taking->slowest_ms = max(taking->slowest_ms, ktime_ms_delta(ktime_get(), begin));
		if (!page)
			break;
		list_add(&page->lru, &pages);
	}
	list_for_each_entry_safe(page, next, &pages, lru)
		__free_page(page);
}

static void taking_fn(struct worker *w)
{
	struct taking *taking = w->data;
	ktime_t end = ktime_add_ms(ktime_get(), taking->delay_ms);

	if (w->cpu == 0) {
		take_pages(taking);
		WRITE_ONCE(taking->done, true);
		return;
	}
	preempt_disable();
	while (!READ_ONCE(taking->done) && ktime_before(ktime_get(), end))
		cpu_relax();
	preempt_enable();
}

static int taking_run(struct taking *taking)
{
	struct worker workers[2] = { { .fn = taking_fn, .data = taking },
				     { .fn = taking_fn, .data = taking } };
	int err = workers_start(workers, 2);

	if (!err)
		workers_join(workers, 2);
	return err;
}

/* Have @bytes idle in a new pool: half of it in blocks of a page, half in larger ones. */
static struct bytepool *idle_pool(unsigned int nr, size_t bytes)
{
	struct chained *first = NULL, *block;
	struct bytepool *pool;
	char name[16];
	size_t half;

	snprintf(name, sizeof(name), "pressure-%u", nr);
	pool = bytepool_create(name, NULL);
	if (IS_ERR(pool))
		return NULL;
	for (half = bytes / 2; bytepool_size(pool) < bytes; first = block) {
		block = bytepool_alloc(pool, bytepool_size(pool) < half ? SZ_4K : SZ_64K,
				       GFP_KERNEL);
		if (!block)
			break;
		block->next = first;
	}
	while ((block = first)) {
		first = block->next;
		bytepool_free(pool, block);
	}
	return pool;
}

void pressure_pools(struct seq_file *m)
{
	static struct bytepool *pools[NR_POOLS];
	struct taking without = { .delay_ms = DELAY_MS }, with = without, later = { };
	unsigned int i;
	int err;

	err = taking_run(&without);
	for (i = 0; i < NR_POOLS; i++)
		pools[i] = idle_pool(i, POOL_BYTES);
	err = err ?: taking_run(&with);
	/* Most of the memory is in caches. The shrinker frees it after a grace period. */
	ssleep(5);
	err = err ?: taking_run(&later);
	for (i = 0; i < NR_POOLS; i++)
		bytepool_destroy(pools[i]);
	check(m, !err && with.slowest_ms <= max(2 * without.slowest_ms, SLOW_MS), "pressure",
	      "no page waits for a grace period", "error %d, %lld ms, without pools %lld ms", err,
	      with.slowest_ms, without.slowest_ms);
	check(m, later.nr_pages >= without.nr_pages / 10 * 9, "pressure",
	      "hundreds of pools give memory back", "%lu pages were taken, without pools %lu",
	      later.nr_pages, without.nr_pages);
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
