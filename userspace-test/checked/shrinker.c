// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shrinker: the memory that a scan takes, and in which order.
 */
#include <stdio.h>
#include <stdlib.h>

#include "checked.h"

static u32 gone_order[16];
static unsigned int nr_gone;

static void note_gone(void *base, unsigned long bytes)
{
	(void)base;
	if (nr_gone < ARRAY_SIZE(gone_order))
		gone_order[nr_gone++] = bytes;
}

/*
 * Blocks of many classes are freed one after another. The shrinker frees them in the same
 * order.
 */
static void test_shrink_order(void)
{
	static const u32 sizes[] = { 1 << 20, 65536, 4096, 2 << 20, 16384, 131072, 8192, 262144 };
	void *blocks[ARRAY_SIZE(sizes)];
	unsigned int i, way;

	for (way = 0; way < 2; way++) {
		pool_start(NULL);
		for (i = 0; i < ARRAY_SIZE(sizes); i++)
			blocks[i] = bytepool_alloc(pool, sizes[i], GFP_KERNEL);
		EXPECT(shim_shrink_count() == 0 && shim_shrink(1000) == 0);
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			bytepool_free(pool, blocks[i]);
			shim_clock_advance(HZ);
		}
		/* The blocks are in depots. Or they are in caches, which the first scan closes. */
		if (way)
			shim_cpu_die(0);
		else
			EXPECT(shim_shrink_count() && shim_shrink(1000) == 0);
		nr_gone = 0;
		shim_backing_gone = note_gone;
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			EXPECT(shim_shrink(1) == sizes[i] / PAGE_SIZE);
			EXPECT(nr_gone == i + 1 && gone_order[i] == sizes[i]);
		}
		shim_backing_gone = NULL;
		EXPECT(!bytepool_size(pool) && shim_shrink_count() == 0);
		pool_stop();
	}
}

/* An old slab in a depot does not make its neighbours older. */
static void test_shrink_among(void)
{
	void *blocks[10], *old;
	unsigned int i;

	pool_start(NULL);
	for (i = 0; i < 10; i++)
		blocks[i] = bytepool_alloc(pool, 65536, GFP_KERNEL);
	old = bytepool_alloc(pool, 1 << 20, GFP_KERNEL);
	bytepool_free(pool, blocks[0]);
	shim_cpu_die(0);
	shim_clock_advance(10 * HZ);
	bytepool_free(pool, old);
	shim_cpu_move(2);
	shim_cpu_die(0);
	shim_clock_advance(90 * HZ);
	for (i = 1; i < 10; i++)
		bytepool_free(pool, blocks[i]);
	shim_cpu_move(0);
	shim_cpu_die(2);
	nr_gone = 0;
	shim_backing_gone = note_gone;
	EXPECT(shim_shrink(128) == 16 + 256);
	EXPECT(nr_gone == 2 && gone_order[0] == 65536 && gone_order[1] == 1 << 20);
	shim_backing_gone = NULL;
	pool_stop();
}

/*
 * A scan ignores timeouts, keeps reserves and blocks in use, and frees as much as was asked
 * for.
 */
static void test_shrink_bounds(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER };
	void *blocks[64], *many[128], *used;
	unsigned int i;

	pool_start(&params);
	used = bytepool_alloc(pool, 4096, GFP_KERNEL);
	EXPECT(!bytepool_reserve(pool, 65536, 4, GFP_KERNEL));
	EXPECT(shim_shrink_count() == 0 && shim_shrink(1000) == 0);
	EXPECT(bytepool_alloc_bulk(pool, 65536, GFP_KERNEL, 6, blocks) == 6);
	bytepool_free_bulk(pool, 6, blocks);
	EXPECT(shim_shrink_count() == 32);
	EXPECT(shim_shrink(1) == 16 && shim_shrink_count() == 16);
	EXPECT(shim_shrink(1000) == 16 && shim_shrink_count() == 0);
	EXPECT(bytepool_size(pool) == 4 * 65536 + 4096);
	EXPECT(!bytepool_reserve(pool, 65536, 0, GFP_KERNEL));
	EXPECT(shim_shrink(1000) == 64);

	EXPECT(bytepool_alloc_bulk(pool, 4096, GFP_KERNEL, 64, blocks) == 64);
	bytepool_free_bulk(pool, 64, blocks);
	EXPECT(shim_shrink_count() >= 48 && shim_shrink_count() <= 64);
	for (i = 0; shim_shrink_count(); i++)
		EXPECT(shim_shrink(8) > 0);
	EXPECT(i >= 6 && bytepool_size(pool) >= 4096);
	bytepool_free(pool, used);
	/* The counters include this memory. */
	EXPECT(stats().reclaimed_bytes >= 6 * 65536 + 32 * 4096);

	/* The first class gives more than was asked for, and the next one nothing. */
	bytepool_trim(pool);
	used = bytepool_alloc(pool, 8192, GFP_KERNEL);
	EXPECT(bytepool_alloc_bulk(pool, 4096, GFP_KERNEL, 128, many) == 128);
	bytepool_free_bulk(pool, 56, many + 72);
	bytepool_free(pool, used);
	shim_cpu_die(0);
	nr_gone = 0;
	shim_backing_gone = note_gone;
	EXPECT(shim_shrink(1) > 2 && nr_gone == 1);
	shim_backing_gone = NULL;
	bytepool_free_bulk(pool, 72, many);
	pool_stop();
}

/* A reserve may pin slabs of several blocks, so that not all memory above it can be freed. */
static void test_shrink_reserve(void)
{
	const struct bytepool_params params = { .min_size = 4096, .max_size = 4096 };
	void *blocks[256];
	unsigned long counted;

	pool_start(&params);
	EXPECT(bytepool_alloc_bulk(pool, 4096, GFP_KERNEL, 256, blocks) == 256);
	EXPECT(!bytepool_reserve(pool, 4096, 100, GFP_KERNEL));
	bytepool_free_bulk(pool, 256, blocks);
	while ((counted = shim_shrink_count())) {
		size_t held = bytepool_size(pool);

		/* The second scan frees blocks in caches. */
		shim_shrink(counted);
		shim_shrink(counted);
		EXPECT(held - bytepool_size(pool) >= counted * PAGE_SIZE);
		if (test_failed())
			break;
	}
	EXPECT(bytepool_size(pool) >= 100 * PAGE_SIZE && bytepool_size(pool) < 108 * PAGE_SIZE);
	EXPECT(!bytepool_reserve(pool, 4096, 0, GFP_KERNEL));
	pool_stop();
}

/* A slab of many blocks is freed as a whole. Small blocks in caches are found, too. */
static void test_shrink_small(void)
{
	void *blocks[600];
	unsigned int i;

	pool_start(NULL);
	for (i = 0; i < 600; i++)
		blocks[i] = bytepool_alloc(pool, 64, GFP_KERNEL);
	for (i = 1; i < 600; i++)
		bytepool_free(pool, blocks[i]);
	while (shim_shrink(1) || shim_shrink(1))
		;
	EXPECT(shim_shrink_count() == 0 && bytepool_size(pool) <= 8 * 4096);
	bytepool_free(pool, blocks[0]);
	pool_stop();
}

/* The shrinker leaves SINGLE pools alone, because their owner does not lock. */
static void test_shrink_single(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_SINGLE };

	pool_start(&params);
	bytepool_free(pool, bytepool_alloc(pool, 65536, GFP_KERNEL));
	EXPECT(shim_shrink_count() == 0 && shim_shrink(1000) == 0);
	EXPECT(bytepool_size(pool) == 65536);
	bytepool_trim(pool);
	pool_stop();
}

/* A scan does not wait. If caches have older memory, a scan after the grace period frees it. */
static void test_shrink_younger(void)
{
	void *a, *b, *c;

	pool_start(NULL);
	shim_exact_node = true;
	a = bytepool_alloc(pool, 4096, GFP_KERNEL);
	b = bytepool_alloc(pool, 8192, GFP_KERNEL);
	c = bytepool_alloc(pool, 16384, GFP_KERNEL);
	bytepool_free(pool, a);
	shim_clock_advance(60);
	bytepool_free(pool, b);
	shim_clock_advance(30);
	shim_cpu_move(2);
	bytepool_free(pool, c);
	shim_cpu_move(0);
	shim_cpu_die(2);
	shim_clock_advance(10);
	nr_gone = 0;
	shim_backing_gone = note_gone;
	shim_grace_held = true;
	EXPECT(shim_shrink(3) == 4 && shim_shrink(3) == 0 && shim_works_pending());
	shim_grace_held = false;
	EXPECT(shim_shrink(1) == 1 && shim_shrink(2) == 2);
	shim_backing_gone = NULL;
	EXPECT(nr_gone == 3 && gone_order[0] == 16384);
	EXPECT(gone_order[1] == 4096 && gone_order[2] == 8192);
	shim_exact_node = false;
	pool_stop();
}

/* A scan closes no more caches than the next one may need. */
static void test_shrink_closes(void)
{
	static const unsigned long pages[] = { 1, 8, 9 };
	void *old, *young, *older[2], *p, *q;
	unsigned int way;

	for (way = 0; way < ARRAY_SIZE(pages); way++) {
		pool_start(NULL);
		shim_exact_node = true;
		old = bytepool_alloc(pool, 4096, GFP_KERNEL);
		young = bytepool_alloc(pool, 8192, GFP_KERNEL);
		EXPECT(bytepool_alloc_bulk(pool, 16384, GFP_KERNEL, 2, older) == 2);
		shim_cpu_move(2);
		bytepool_free_bulk(pool, 2, older);
		shim_cpu_move(0);
		shim_cpu_die(2);
		shim_clock_advance(10);
		bytepool_free(pool, old);
		shim_clock_advance(90);
		bytepool_free(pool, young);
		shim_clock_advance(10);
		shim_grace_held = true;
		EXPECT(shim_shrink(pages[way]) == (way ? 8 : 4));
		/* Older memory is left, or the scan got enough, or it got too little. */
		p = bytepool_alloc(pool, 4096, GFP_KERNEL);
		q = bytepool_alloc(pool, 8192, GFP_KERNEL);
		EXPECT((p == old) == (way == 0) && (q == young) == (way < 2));
		shim_grace_held = false;
		bytepool_free(pool, p);
		bytepool_free(pool, q);
		shim_exact_node = false;
		pool_stop();
	}
}

/* A scan finds blocks that are only in magazines of a depot. */
static void test_shrink_magazines(void)
{
	void *blocks[100];
	unsigned int i;

	pool_start(NULL);
	shim_exact_node = true;
	for (i = 0; i < 4; i++) {
		EXPECT(bytepool_alloc_bulk(pool, 65536, GFP_KERNEL, 100, blocks) == 100);
		bytepool_free_bulk(pool, 100, blocks);
	}
	EXPECT(shim_shrink(16) == 16);
	shim_exact_node = false;
	pool_stop();
}

/* Old blocks that a reserve binds do not hide younger ones in a cache. */
static void test_shrink_bound(void)
{
	const struct bytepool_params params = { .limit_bytes = 1 << 24 };
	unsigned int i;

	pool_start(&params);
	shim_exact_node = true;
	EXPECT(!bytepool_reserve(pool, 1024, 8, GFP_KERNEL));
	for (i = 0; i < 200; i++)
		bytepool_free(pool, bytepool_alloc(pool, 1024, GFP_KERNEL));
	shim_clock_advance(1000);
	bytepool_free(pool, bytepool_alloc(pool, 8192, GFP_KERNEL));
	bytepool_free(pool, bytepool_alloc(pool, 8192, GFP_KERNEL));
	shim_clock_advance(10);
	EXPECT(shim_shrink_count() == 2);
	EXPECT(!shim_shrink(2));
	EXPECT(shim_shrink(2) == 2);
	shim_exact_node = false;
	pool_stop();
}

/* A grant without blocks may bind slabs. It ends with a scan. */
static void test_shrink_grant(void)
{
	unsigned int i;
	void *p;

	pool_start(NULL);
	shim_exact_node = true;
	shim_cpu_move(2);
	EXPECT(!bytepool_reserve(pool, 5120, 8, GFP_KERNEL));
	for (i = 0; i < 200; i++)
		bytepool_free(pool, bytepool_alloc(pool, 5120, GFP_KERNEL));
	EXPECT(bytepool_size(pool) == (8 + 58) * 8192);
	p = bytepool_alloc(pool, 5120, GFP_KERNEL);
	shim_cpu_move(3);
	bytepool_free(pool, p);
	EXPECT(shim_shrink(1000) == 0 && shim_shrink(1000) == 58 * 2);
	shim_exact_node = false;
	pool_stop();
}

/* If a scan has closed caches of a pool that is awake, the GC visits the pool earlier. */
static void test_shrink_gc_awake(void)
{
	pool_start(NULL);
	shim_exact_node = true;
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	EXPECT(shim_works_pending() == 1 && shim_shrink(1) == 0);
	shim_clock_advance(2);
	shim_grace_held = true;
	EXPECT(shim_shrink(1) == 1);
	shim_grace_held = false;
	shim_exact_node = false;
	pool_stop();
}

/* If no other scan comes, the GC opens or drains the caches that a scan has closed. */
static void test_shrink_gc(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER };
	struct bytepool *other;
	void *p, *q;
	u64 runs;

	pool_start(&params);
	shim_exact_node = true;
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	p = bytepool_alloc(pool, 4096, GFP_KERNEL);
	bytepool_free(pool, p);
	EXPECT(!shim_works_pending() && shim_shrink(1) == 0 && shim_works_pending() == 1);
	/* The closed cache is not used meanwhile. */
	q = bytepool_alloc(pool, 4096, GFP_KERNEL);
	EXPECT(q != p);
	shim_clock_advance(2);
	shim_grace_held = true;
	EXPECT(!shim_works_pending() && shim_shrink(1) == 1);
	bytepool_free(pool, q);
	/* The GC visits the sleeping pool once. */
	runs = stats().gc_runs;
	other = bytepool_create("other", NULL);
	bytepool_free(other, bytepool_alloc(other, 4096, GFP_KERNEL));
	shim_clock_advance(25 * HZ);
	EXPECT(stats().gc_runs == runs && test_stats(other).gc_runs);
	bytepool_destroy(other);
	shim_grace_held = false;
	bytepool_trim(pool);
	pool_stop();
	shim_exact_node = false;
}

/* Have the GC drain the caches that scans have closed. Expect that a scan then gets @pages. */
static void expect_gc_drains(unsigned long pages)
{
	shim_clock_advance(HZ);
	EXPECT(!shim_works_pending());
	shim_grace_held = true;
	EXPECT(shim_shrink(100) == pages);
	shim_grace_held = false;
}

/* The GC comes again if the grace period outlasts its run, although the pool is asleep. */
static void test_shrink_gc_again(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER };

	pool_start(&params);
	shim_exact_node = true;
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	EXPECT(!shim_works_pending() && shim_shrink(1) == 0 && shim_works_pending() == 1);
	shim_grace_held = true;
	shim_clock_advance(2);
	EXPECT(shim_works_pending() == 1);
	shim_grace_held = false;
	expect_gc_drains(1);
	pool_stop();
	shim_exact_node = false;
}

static bool rescans;

/* A second scan closes another cache while the GC waits for those of the first. */
static void rescan(void)
{
	if (!rescans)
		return;
	rescans = false;
	shim_cpu_move(2);
	bytepool_free(pool, bytepool_alloc(pool, 8192, GFP_KERNEL));
	bytepool_free(pool, bytepool_alloc(pool, 8192, GFP_KERNEL));
	shim_cpu_move(0);
	shim_shrink(1);
	shim_grace_held = true;
}

/* Caches that are closed while the GC runs are not forgotten. */
static void test_shrink_again(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER };

	pool_start(&params);
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	EXPECT(shim_shrink(1) == 0 && shim_works_pending() == 1);
	rescans = true;
	shim_grace_hook = rescan;
	shim_clock_advance(1);
	shim_grace_hook = NULL;
	EXPECT(!rescans && shim_works_pending() == 1);
	shim_grace_held = false;
	expect_gc_drains(2);
	pool_stop();
}

/* Pools with less than a page each have much together. */
static void test_shrink_many(void)
{
	const struct bytepool_params params = { .min_size = 24, .max_size = 24 };
	struct bytepool *many[64];
	unsigned long freed;
	unsigned int i;
	char name[16];

	pool_start(NULL);
	for (i = 0; i < ARRAY_SIZE(many); i++) {
		snprintf(name, sizeof(name), "many-%u", i);
		many[i] = bytepool_create(name, &params);
		bytepool_free(many[i], bytepool_alloc(many[i], 24, GFP_KERNEL));
	}
	EXPECT(shim_shrink_count() == ARRAY_SIZE(many));
	freed = shim_shrink(1000);
	EXPECT(shim_shrink(1) == 1);
	freed += 1 + shim_shrink(1000);
	EXPECT(freed == ARRAY_SIZE(many) && !shim_shrink_count());
	for (i = 0; i < ARRAY_SIZE(many); i++)
		bytepool_destroy(many[i]);
	pool_stop();
}

/*
 * Free blocks to their slabs, the first one last, until one is left. Return the pages that scans
 * can free.
 */
static unsigned long shrink_all_but_one(void **blocks, unsigned int nr)
{
	unsigned long could, freed = 0;
	unsigned int i;

	bytepool_free_bulk(pool, nr - 1, blocks + 1);
	could = shim_shrink_count();
	for (i = 0; i < 4; i++)
		freed += shim_shrink(1000);
	EXPECT(freed == could && !shim_shrink_count());
	bytepool_free(pool, blocks[0]);
	return could;
}

/* Idle memory beside a block in use, or beside a reserve, counts by the slabs that it takes. */
static void test_shrink_beside(void)
{
	static void *blocks[8 * (4096 / 24)];
	unsigned long pages;

	pool_start(&(struct bytepool_params){ .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER });
	EXPECT(bytepool_alloc_bulk(pool, 4096, GFP_KERNEL, 8, blocks) == 8);
	EXPECT(shrink_all_but_one(blocks, 8) == 7);
	bytepool_trim(pool);
	EXPECT(!bytepool_reserve(pool, 24, 1, GFP_KERNEL));
	EXPECT(bytepool_alloc_bulk(pool, 24, GFP_KERNEL, ARRAY_SIZE(blocks), blocks) ==
	       ARRAY_SIZE(blocks));
	pages = bytepool_size(pool) / 4096;
	/* One page has the block in use, and is enough for the reserve. */
	EXPECT(shrink_all_but_one(blocks, ARRAY_SIZE(blocks)) == pages - 1 && pages >= 8);
	pool_stop();
}

#define MANY_BLOCKS	150000

/* Allocate and free many small blocks, so that a depot has many magazines. */
static void fill_magazines(struct bytepool *pool)
{
	void **blocks = calloc(MANY_BLOCKS, sizeof(*blocks));

	EXPECT(bytepool_alloc_bulk(pool, 64, GFP_KERNEL, MANY_BLOCKS, blocks) == MANY_BLOCKS);
	bytepool_free_bulk(pool, MANY_BLOCKS, blocks);
	free(blocks);
}

/* A scan for a page does not empty all magazines, but the OOM killer's notifier does. */
static void test_shrink_briefly(void)
{
	unsigned long overhead;

	pool_start(NULL);
	fill_magazines(pool);
	shim_clock_advance(1);
	overhead = stats().bytes_overhead;
	EXPECT(shim_shrink(1) > 0);
	EXPECT(stats().bytes_overhead > overhead / 2);
	EXPECT(shim_oom() > 0 && !bytepool_size(pool));
	pool_stop();
}

static unsigned long overhead_then;

static void note_overhead(void *base, unsigned long bytes)
{
	(void)base;
	if (bytes == 2 * SZ_1M)
		overhead_then = stats().bytes_overhead;
}

/* A pool with many magazines does not delay the GC of another pool. */
static void test_gc_briefly(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = 1000 };
	struct bytepool *other;
	unsigned long overhead;

	pool_start(&params);
	other = bytepool_create("other", &params);
	fill_magazines(pool);
	bytepool_free(other, bytepool_alloc(other, 2 * SZ_1M, GFP_KERNEL));
	shim_cpu_die(0);
	overhead = stats().bytes_overhead;
	shim_backing_gone = note_overhead;
	shim_clock_advance(30 * HZ);
	shim_backing_gone = NULL;
	EXPECT(overhead_then > overhead / 2);
	EXPECT(!bytepool_size(pool) && !bytepool_size(other));
	bytepool_destroy(other);
	pool_stop();
}

static void wait_a_jiffy(void)
{
	shim_clock_advance(1);
}

/* Before the OOM killer ends a task, its notifier frees the blocks in all caches, too. */
static void test_oom(void)
{
	void *p;

	pool_start(NULL);
	p = bytepool_alloc(pool, 65536, GFP_KERNEL);
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	bytepool_free(pool, p);
	EXPECT(shim_oom() == 17 && !bytepool_size(pool));
	/* The notifier does not wait for ever. */
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	shim_grace_held = true;
	shim_wait_hook = wait_a_jiffy;
	EXPECT(shim_oom() == 0);
	shim_wait_hook = NULL;
	shim_grace_held = false;
	EXPECT(shim_oom() == 1);
	pool_stop();
}

static unsigned int nr_waits;

static void count_waits(void)
{
	if (++nr_waits > 1000)
		shim_die("it waits for ever");
	shim_clock_advance(1);
}

/* The notifier waits no longer than a fifth of a second, and only for blocks in caches. */
static void test_oom_wait(void)
{
	unsigned long begun;

	pool_start(NULL);
	nr_waits = 0;
	shim_grace_held = true;
	shim_wait_hook = count_waits;
	EXPECT(shim_oom() == 0 && !nr_waits);
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	begun = jiffies;
	EXPECT(shim_oom() == 0 && nr_waits);
	/* Meanwhile, the GC runs as part of a wait, and waits for a tenth of a second itself. */
	EXPECT(jiffies - begun >= HZ / 5 && jiffies - begun <= HZ / 5 + HZ / 10 + 1);
	shim_wait_hook = NULL;
	shim_grace_held = false;
	pool_stop();
}

/* Return true if an event frees all idle memory of shared pools, and nothing else. */
static bool leaves(void (*event)(unsigned long action), unsigned long action)
{
	struct bytepool *single;
	void *p, *q;
	bool left;

	pool_start(&(struct bytepool_params){ .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER });
	single = bytepool_create("single", &(struct bytepool_params){ .flags = BYTEPOOL_SINGLE });
	bytepool_free(single, bytepool_alloc(single, 65536, GFP_KERNEL));
	p = bytepool_alloc(pool, 65536, GFP_KERNEL);
	q = bytepool_alloc(pool, 65536, GFP_KERNEL);
	bytepool_free(pool, q);
	event(action);
	left = bytepool_size(pool) == 65536;
	EXPECT(left || bytepool_size(pool) == 2 * 65536);
	EXPECT(bytepool_size(single) == 65536);
	bytepool_free(pool, p);
	bytepool_destroy(single);
	pool_stop();
	/* An unloaded module gets no event. */
	event(action);
	return left;
}

static void test_events(void)
{
	EXPECT(leaves(shim_memory_event, MEM_GOING_OFFLINE));
	EXPECT(!leaves(shim_memory_event, MEM_ONLINE));
	EXPECT(leaves(shim_pm_event, PM_HIBERNATION_PREPARE));
	EXPECT(!leaves(shim_pm_event, PM_SUSPEND_PREPARE));
}

const struct test shrinker_tests[] = {
	{ "shrinker: the oldest first", test_shrink_order },
	{ "shrinker: the oldest first in caches and depots", test_shrink_among },
	{ "shrinker: timeouts, reserves and blocks in use", test_shrink_bounds },
	{ "shrinker: large slabs beside a reserve", test_shrink_reserve },
	{ "shrinker: small blocks", test_shrink_small },
	{ "shrinker: not of a SINGLE pool", test_shrink_single },
	{ "shrinker: memory that is younger than that in caches", test_shrink_younger },
	{ "shrinker: which caches a scan closes", test_shrink_closes },
	{ "shrinker: magazines of a depot", test_shrink_magazines },
	{ "shrinker: blocks that a reserve binds", test_shrink_bound },
	{ "shrinker: a grant without blocks", test_shrink_grant },
	{ "shrinker: what scans have closed is left to the GC", test_shrink_gc },
	{ "shrinker: the GC waits for a long grace period", test_shrink_gc_again },
	{ "shrinker: what a scan closes while the GC runs", test_shrink_again },
	{ "shrinker: what scans have closed of a pool that is awake", test_shrink_gc_awake },
	{ "shrinker: a page in each of many pools", test_shrink_many },
	{ "shrinker: idle memory beside blocks in use", test_shrink_beside },
	{ "shrinker: many magazines", test_shrink_briefly },
	{ "GC: many magazines", test_gc_briefly },
	{ "the OOM killer's notifier", test_oom },
	{ "the OOM killer's notifier, and a long grace period", test_oom_wait },
	{ "memory goes offline, and the system hibernates", test_events },
	{}
};
