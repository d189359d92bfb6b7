// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scans of the shrinker and trims that run at the same time.
 */
#include <unistd.h>

#include "checked.h"

static unsigned long reclaimed;

static void reclaim_hard(void)
{
	reclaimed += shim_shrink(1000);
}

/* Reclaim calls the shrinker within allocations of the pool itself. */
static void test_shrink_nested(void)
{
	void *p;

	pool_start(NULL);
	bytepool_free(pool, bytepool_alloc(pool, 65536, GFP_KERNEL));
	reclaimed = 0;
	shim_reclaim_hook = reclaim_hard;
	p = bytepool_alloc_node(pool, 1 << 20, GFP_KERNEL | __GFP_THISNODE, 0);
	EXPECT(p && reclaimed == 16);
	reclaimed = 0;
	bytepool_free(pool, bytepool_alloc(pool, 8192, GFP_KERNEL));
	EXPECT(!bytepool_reserve(pool, 8192, 3, GFP_NOFS));
	bytepool_free(pool, p);
	shim_reclaim_hook = NULL;
	EXPECT(!bytepool_reserve(pool, 8192, 0, GFP_KERNEL));
	bytepool_trim(pool);
	pool_stop();
}

static unsigned long graces;

/* Scan in the first grace period, which is that of the trim. Count all grace periods. */
static void reclaim_in_grace(void)
{
	if (!graces++)
		reclaim_hard();
}

/*
 * A scan during the grace period of a trim takes blocks of the depots at once, and does not
 * wait for those of caches.
 */
static void test_shrink_during_trim(void)
{
	const struct bytepool_params params = { .max_size = SZ_16M };
	void *blocks[100];

	pool_start(&params);
	shim_exact_node = true;
	EXPECT(bytepool_alloc_bulk(pool, 65536, GFP_KERNEL, 100, blocks) == 100);
	bytepool_free_bulk(pool, 100, blocks);
	shim_clock_advance(10);
	graces = 0;
	reclaimed = 0;
	shim_grace_held = true;
	shim_grace_hook = reclaim_in_grace;
	bytepool_trim(pool);
	/* The scan took all blocks but the 42 of the cache. */
	EXPECT(graces == 1 && reclaimed == 58 * 16);
	EXPECT(bytepool_size(pool) == 0);

	/* The same holds if the blocks of the caches are older. */
	bytepool_free(pool, bytepool_alloc(pool, 65536, GFP_KERNEL));
	shim_clock_advance(10);
	bytepool_free(pool, bytepool_alloc(pool, SZ_8M, GFP_KERNEL));
	shim_clock_advance(10);
	graces = 0;
	reclaimed = 0;
	bytepool_trim(pool);
	EXPECT(graces == 1 && reclaimed == SZ_8M / PAGE_SIZE);
	EXPECT(bytepool_size(pool) == 0);

	bytepool_free(pool, bytepool_alloc(pool, 65536, GFP_KERNEL));
	graces = 0;
	reclaimed = 0;
	EXPECT(bytepool_trim(pool) == 1 && graces == 1 && reclaimed == 0);
	shim_grace_held = false;
	shim_grace_hook = NULL;
	shim_exact_node = false;
	pool_stop();
}

static bool in_hand;

/* Delay the report of a write to a block, and so the free of its slab. */
static void hold_in_hand(const char *message)
{
	(void)message;
	WRITE_ONCE(in_hand, true);
	usleep(50000);
}

static pthread_t scanner;
static bool scan_begun;
static unsigned long scanned;

static void *scan_hard(void *unused)
{
	(void)unused;
	WRITE_ONCE(scan_begun, true);
	scanned = shim_shrink(1000);
	return NULL;
}

static void scan_begin(void)
{
	in_hand = false;
	shim_log_hook = hold_in_hand;
	pthread_create(&scanner, NULL, scan_hard, NULL);
	while (!READ_ONCE(in_hand))
		usleep(1000);
}

static void scan_end(void)
{
	pthread_join(scanner, NULL);
	shim_log_hook = NULL;
}

static void scan_in_grace(void)
{
	shim_grace_hook = NULL;
	scan_begin();
}

/*
 * A trim of a pool, or of all, returns after the memory that a concurrent scan has taken is
 * free.
 */
static void test_shrink_before_trim(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_POISON };
	unsigned int all;
	u8 *p;

	for (all = 0; all < 2; all++) {
		pool_start(&params);
		p = bytepool_alloc(pool, 4096, GFP_KERNEL);
		bytepool_free(pool, p);
		scribble(p, 1);
		shim_grace_hook = scan_in_grace;
		if (all)
			EXPECT(shim_sysfs_write("bytepool/trim", "1") == 1);
		else
			EXPECT(bytepool_trim(pool) == 0);
		EXPECT(!bytepool_size(pool));
		scan_end();
		pool_stop();
	}
}

/* An allocation at the limit waits for such a scan, too, where gc_lock does not make it wait. */
static void test_shrink_before_alloc(void)
{
	const struct bytepool_params params = { .limit_bytes = SZ_1M, .flags = BYTEPOOL_POISON };
	u8 *p;

	pool_start(&params);
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	EXPECT(bytepool_trim(pool) == 1);
	p = bytepool_alloc(pool, SZ_1M, GFP_KERNEL);
	bytepool_free(pool, p);
	scribble(p, 1);
	scan_begin();
	EXPECT(!bytepool_reserve(pool, 4096, 1, GFP_KERNEL));
	scan_end();
	EXPECT(!bytepool_reserve(pool, 4096, 0, GFP_KERNEL));
	pool_stop();
}

/* Run a second scan while the first one gives back its first slab. */
static void scan_in_scan(void *base, unsigned long bytes)
{
	static bool begun;

	(void)base;
	(void)bytes;
	if (begun)
		return;
	begun = true;
	WRITE_ONCE(scan_begun, false);
	pthread_create(&scanner, NULL, scan_hard, NULL);
	while (!READ_ONCE(scan_begun))
		usleep(1000);
	usleep(100000);
}

/* A scan does not wait for another one that is giving memory of the same pool back. */
static void test_shrink_in_time(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_POISON };
	void *blocks[40];
	unsigned long freed;

	pool_start(&params);
	EXPECT(bytepool_alloc_bulk(pool, 65536, GFP_KERNEL, 40, blocks) == 40);
	bytepool_free_bulk(pool, 20, blocks);
	shim_clock_advance(100);
	bytepool_free_bulk(pool, 20, blocks + 20);
	shim_clock_advance(10);
	shim_backing_gone = scan_in_scan;
	freed = shim_shrink(20 * 16);
	pthread_join(scanner, NULL);
	shim_backing_gone = NULL;
	EXPECT(freed == 20 * 16 && !scanned);
	pool_stop();
}

static void *taken_first;

static void take_oldest(void)
{
	taken_first = bytepool_alloc(pool, 65536, GFP_ATOMIC);
}

static void take_oldest_elsewhere(void)
{
	shim_cpu_run_other(2, take_oldest);
}

/* If an allocation takes the memory that a scan has seen, the scan takes younger memory. */
static void test_shrink_taken(void)
{
	unsigned int left = 1, point;
	void *older, *younger;

	shim_point_hook = take_oldest_elsewhere;
	for (point = 1; left; point++) {
		unsigned long freed;

		pool_start(NULL);
		older = bytepool_alloc(pool, 65536, GFP_KERNEL);
		younger = bytepool_alloc(pool, 131072, GFP_KERNEL);
		bytepool_free(pool, older);
		shim_clock_advance(100);
		bytepool_free(pool, younger);
		shim_cpu_die(0);
		shim_countdown = point;
		freed = shim_shrink(1);
		left = !shim_countdown;
		shim_countdown = 0;
		EXPECT(freed == 16 || freed == 32);
		bytepool_free(pool, taken_first);
		taken_first = NULL;
		pool_stop();
	}
	EXPECT(point > 10);
	shim_point_hook = NULL;
}

/*
 * A scan during the grace period of a reserve closes the caches of other classes, and does not
 * wait for them.
 */
static void test_shrink_during_reserve(void)
{
	void *blocks[20];

	pool_start(NULL);
	shim_exact_node = true;
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	EXPECT(bytepool_alloc_bulk(pool, 65536, GFP_KERNEL, 20, blocks) == 20);
	bytepool_free_bulk(pool, 20, blocks);
	shim_clock_advance(10);
	graces = 0;
	reclaimed = 0;
	shim_grace_held = true;
	shim_grace_hook = reclaim_in_grace;
	EXPECT(!bytepool_reserve(pool, 4096, 1, GFP_KERNEL));
	EXPECT(graces == 1 && reclaimed < 20 * 16);
	reclaim_hard();
	EXPECT(graces == 1 && reclaimed < 20 * 16);
	shim_grace_hook = NULL;
	shim_grace_held = false;
	reclaim_hard();
	EXPECT(reclaimed == 20 * 16);
	shim_exact_node = false;
	EXPECT(!bytepool_reserve(pool, 4096, 0, GFP_KERNEL));
	pool_stop();
}

static void gc_in_grace(void)
{
	shim_grace_hook = NULL;
	EXPECT(bytepool_gc(pool, NULL) == 0);
}

/* A pass by age that drains the caches during a trim leaves nothing in them. */
static void test_gc_during_trim(void)
{
	void *blocks[20];

	pool_start(NULL);
	shim_exact_node = true;
	EXPECT(bytepool_alloc_bulk(pool, 65536, GFP_KERNEL, 20, blocks) == 20);
	bytepool_free_bulk(pool, 20, blocks);
	shim_grace_hook = gc_in_grace;
	EXPECT(bytepool_trim(pool) == 20 && !bytepool_size(pool));
	shim_exact_node = false;
	pool_stop();
}

/* A scan during a pass by age closes another cache. The pass does not wait for that cache. */
static void test_shrink_during_gc(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = 1000 };
	void *a, *b;

	pool_start(&params);
	shim_exact_node = true;
	a = bytepool_alloc(pool, 4096, GFP_KERNEL);
	shim_cpu_move(2);
	b = bytepool_alloc(pool, 4096, GFP_KERNEL);
	shim_cpu_move(0);
	bytepool_free(pool, a);
	shim_clock_advance(msecs_to_jiffies(1100));
	shim_cpu_move(2);
	bytepool_free(pool, b);
	shim_cpu_move(0);
	graces = 0;
	reclaimed = 0;
	shim_grace_held = true;
	shim_grace_hook = reclaim_in_grace;
	EXPECT(bytepool_gc(pool, NULL) == 1 && graces == 1 && reclaimed == 0);
	shim_grace_hook = NULL;
	shim_grace_held = false;
	reclaim_hard();
	EXPECT(reclaimed == 1);
	shim_exact_node = false;
	pool_stop();
}

static void reclaim_elsewhere(void)
{
	shim_cpu_run_other(2, reclaim_hard);
}

/* A scan waits for no lock that a pass holds. */
static void test_shrink_amid_gc(void)
{
	unsigned int left = 1, point;

	shim_point_hook = reclaim_elsewhere;
	shim_exact_node = true;		/* otherwise the block may be in a depot */
	shim_grace_held = true;
	for (point = 1; left; point++) {
		pool_start(NULL);
		bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
		shim_countdown = point;
		bytepool_gc(pool, NULL);
		left = !shim_countdown;
		shim_countdown = 0;
		pool_stop();
	}
	EXPECT(point > 10);
	shim_grace_held = false;
	shim_exact_node = false;
	shim_point_hook = NULL;
}

static void *kept, *taken[15];

/* Have the magazines of this CPU's cache change places, and allocate from both. */
static void cache_empties(void)
{
	unsigned int i;

	bytepool_free(pool, kept);
	kept = NULL;
	for (i = 0; i < ARRAY_SIZE(taken); i++)
		taken[i] = bytepool_alloc(pool, 65536, GFP_ATOMIC);
}

static void cache_empties_elsewhere(void)
{
	shim_cpu_run_other(2, cache_empties);
}

/* A trim finds the blocks of a cache, even if its magazines change places at any point. */
static void test_trim_amid(void)
{
	unsigned int left = 1, point;
	void *blocks[29];

	shim_point_hook = cache_empties_elsewhere;
	for (point = 1; left; point++) {
		pool_start(NULL);
		shim_exact_node = true;
		shim_cpu_move(2);
		kept = bytepool_alloc(pool, 65536, GFP_KERNEL);
		EXPECT(bytepool_alloc_bulk(pool, 65536, GFP_KERNEL, 29, blocks) == 29);
		bytepool_free_bulk(pool, 29, blocks);
		shim_cpu_move(0);
		shim_countdown = point;
		bytepool_trim(pool);
		left = !shim_countdown;
		shim_countdown = 0;
		if (left) {
			/* The other CPU may have taken some blocks back from the depot. */
			EXPECT(bytepool_size(pool) < 2 * ARRAY_SIZE(taken) * 65536);
			bytepool_free_bulk(pool, ARRAY_SIZE(taken), taken);
		}
		bytepool_free(pool, kept);
		shim_exact_node = false;
		pool_stop();
	}
	shim_point_hook = NULL;
}

const struct test reclaim_tests[] = {
	{ "shrinker: within calls of the pool itself", test_shrink_nested },
	{ "shrinker: during a trim", test_shrink_during_trim },
	{ "shrinker: a trim waits for it", test_shrink_before_trim },
	{ "shrinker: an alloc at the limit waits for it", test_shrink_before_alloc },
	{ "shrinker: two at once", test_shrink_in_time },
	{ "shrinker: memory that is allocated meanwhile", test_shrink_taken },
	{ "shrinker: while a reserve is set", test_shrink_during_reserve },
	{ "shrinker: during a pass by age", test_shrink_during_gc },
	{ "shrinker: at any point of a pass by age", test_shrink_amid_gc },
	{ "a pass by age during a trim", test_gc_during_trim },
	{ "a trim while another CPU empties its cache", test_trim_amid },
	{}
};
