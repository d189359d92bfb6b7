// SPDX-License-Identifier: GPL-2.0-only
/*
 * Caches of a class with a reserve: a CPU is granted blocks beyond it.
 */
#include "basic.h"

#define SIZE		5120
#define SLAB		8192UL	/* a slab of one block */
#define SMALL		1024	/* several of these share a slab */
#define RESERVE		8
#define CAPACITY	58	/* blocks that a cache takes */

/* Use the class often enough for a grant. */
static void work_with(size_t size)
{
	unsigned int i;

	for (i = 0; i < 200; i++)
		bytepool_free(pool, bytepool_alloc(pool, size, GFP_KERNEL));
}

static void work(void)
{
	work_with(SIZE);
}

static void set_reserve(unsigned int nr)
{
	EXPECT(!bytepool_reserve(pool, SIZE, nr, GFP_KERNEL));
}

/* If @on, fail all requests to the system from now on, so that no class grows. */
static void fail_system(bool on)
{
	shim_fail(SHIM_FAIL_ANY, on, on);
}

/* Allocate until neither the depots nor the system has a block. Return the number. */
static unsigned int take_all(void **blocks, unsigned int most)
{
	unsigned int nr = 0;

	fail_system(true);
	while (nr < most && (blocks[nr] = bytepool_alloc(pool, SMALL, GFP_ATOMIC)))
		nr++;
	fail_system(false);
	EXPECT(nr < most);
	return nr;
}

/* A CPU is granted blocks after a while, and as many as its cache takes. */
static void test_grant(void)
{
	void *blocks[100];
	unsigned int i;
	long before;

	pool_start(NULL);
	set_reserve(RESERVE);
	for (i = 0; i < 20; i++)
		bytepool_free(pool, bytepool_alloc(pool, SIZE, GFP_KERNEL));
	EXPECT(!class_cached(SIZE) && bytepool_size(pool) == RESERVE * SLAB);
	work();
	EXPECT(class_cached(SIZE));
	/* Once the cache is filled, the class does not grow further for it. */
	EXPECT(bytepool_alloc_bulk(pool, SIZE, GFP_KERNEL, 40, blocks) == 40);
	bytepool_free_bulk(pool, 40, blocks);
	EXPECT(bytepool_size(pool) == (RESERVE + CAPACITY) * SLAB);
	/* If blocks of the reserve are in use, the class grows by as many, and by a magazine. */
	EXPECT(bytepool_alloc_bulk(pool, SIZE, GFP_KERNEL, 65, blocks) == 65);
	work();
	bytepool_free_bulk(pool, 65, blocks);
	EXPECT(bytepool_size(pool) <= (66 + RESERVE + CAPACITY / 2) * SLAB);
	EXPECT(bytepool_alloc_bulk(pool, SIZE, GFP_KERNEL, 100, blocks) == 100);
	before = shim_usage().kmallocs;
	for (i = 0; i < 100; i++)
		bytepool_free(pool, blocks[i]);
	EXPECT(class_cached(SIZE) && class_cached(SIZE) <= CAPACITY);
	/* Blocks that the cache does not take return to slabs, not to magazines. */
	EXPECT(shim_usage().kmallocs == before);
	/* The reserve serves another CPU. */
	fail_system(true);
	shim_cpu_move(3);
	EXPECT(bytepool_alloc_bulk(pool, SIZE, GFP_ATOMIC, RESERVE, blocks) == RESERVE);
	fail_system(false);
	bytepool_free_bulk(pool, RESERVE, blocks);
	pool_stop();
}

/* A grant needs as many blocks beyond the reserve as the cache takes. */
static void test_grant_spare(void)
{
	unsigned long cached;

	pool_start(NULL);
	bytepool_free(pool, bytepool_alloc(pool, SIZE, GFP_KERNEL));
	set_reserve(RESERVE + CAPACITY);
	EXPECT(bytepool_size(pool) == (RESERVE + CAPACITY) * SLAB);
	fail_system(true);
	set_reserve(RESERVE + 1);
	work();
	EXPECT(!class_cached(SIZE));
	/* The system is asked for spare blocks now and then, not by each allocation. */
	EXPECT(shim_failed() < 20);
	set_reserve(RESERVE);
	work();
	EXPECT(class_cached(SIZE));
	/* With another reserve, or the same, the grant ends. */
	set_reserve(RESERVE);
	EXPECT(!class_cached(SIZE));
	work();
	EXPECT(class_cached(SIZE));
	/* A grant binds the blocks that others would be granted. */
	cached = class_cached(SIZE);
	fail_system(false);
	shim_cpu_move(2);
	bytepool_free(pool, bytepool_alloc(pool, SIZE, GFP_KERNEL));
	fail_system(true);
	work();
	shim_cpu_move(0);
	EXPECT(class_cached(SIZE) == cached);
	fail_system(false);
	pool_stop();
}

/* A grant ends with each pass. The slabs that it has bound can be given back. */
static void test_grant_age(void)
{
	u64 overhead;

	pool_start(NULL);
	set_reserve(RESERVE);
	work();
	EXPECT(class_cached(SIZE));
	bytepool_gc(pool, NULL);
	EXPECT(!class_cached(SIZE));
	/* The pass has kept the cache, because its CPU may go on using it. */
	overhead = stats().bytes_overhead;
	bytepool_free(pool, bytepool_alloc(pool, SIZE, GFP_KERNEL));
	EXPECT(stats().bytes_overhead == overhead);
	work();
	EXPECT(class_cached(SIZE));
	EXPECT(bytepool_trim(pool));
	EXPECT(!class_cached(SIZE) && bytepool_size(pool) == RESERVE * SLAB);
	/* The trim has freed the cache, too, so that the next use makes it anew. */
	overhead = stats().bytes_overhead;
	bytepool_free(pool, bytepool_alloc(pool, SIZE, GFP_KERNEL));
	EXPECT(stats().bytes_overhead > overhead + CACHE_BYTES_MIN);
	pool_stop();
}

/* If the pool has a limit, no cache is granted blocks, and the class does not grow for a cache. */
static void test_grant_limit(void)
{
	const struct bytepool_params params = { .limit_bytes = 3 << 20 };

	pool_start(&params);
	set_reserve(RESERVE);
	work();
	EXPECT(!class_cached(SIZE) && bytepool_size(pool) == RESERVE * SLAB);
	set_reserve(RESERVE + CAPACITY);
	set_reserve(RESERVE);
	work();
	EXPECT(!class_cached(SIZE));
	pool_stop();
}

/* The pool is awake when the class has grown for a cache. */
static void test_grant_grows(void)
{
	unsigned int i;

	pool_start(NULL);
	set_reserve(RESERVE);
	EXPECT(!shim_works_pending());
	for (i = 0; i < 200; i++) {
		void *p = bytepool_alloc(pool, SIZE, GFP_KERNEL);
		bool grown = bytepool_size(pool) > RESERVE * SLAB;

		if (grown)
			EXPECT(shim_works_pending());
		bytepool_free(pool, p);
		if (grown)
			break;
	}
	EXPECT(i < 200);
	pool_stop();
}

/*
 * Caches take blocks only while the depots have the reserve. If blocks of the reserve are in
 * use, the class grows until others have taken their places, but not by much.
 */
static void test_grant_refills(void)
{
	void *blocks[250];
	size_t held;

	pool_start(NULL);
	EXPECT(!bytepool_reserve(pool, SMALL, 100, GFP_KERNEL));
	EXPECT(bytepool_alloc_bulk(pool, SMALL, GFP_KERNEL, 200, blocks) == 200);
	EXPECT(!bytepool_reserve(pool, SMALL, 100, GFP_KERNEL));
	bytepool_free_bulk(pool, 20, blocks);
	work_with(SMALL);
	EXPECT(class_cached(SMALL));
	bytepool_free_bulk(pool, 180, blocks + 20);
	set_reserve(250);
	held = bytepool_size(pool);
	fail_system(true);
	EXPECT(bytepool_alloc_bulk(pool, SIZE, GFP_KERNEL, 250, blocks) == 250);
	fail_system(false);
	bytepool_free_bulk(pool, 10, blocks);
	work();
	EXPECT(!class_cached(SIZE) && bytepool_size(pool) == held);
	bytepool_free_bulk(pool, 240, blocks + 10);
	pool_stop();
}

/* Many blocks beyond the reserve may be in use. The cache of a SINGLE pool serves any caller. */
static void test_grant_in_use(void)
{
	const struct bytepool_params single = { .flags = BYTEPOOL_SINGLE };
	void *blocks[250];

	pool_start(NULL);
	set_reserve(RESERVE);
	EXPECT(bytepool_alloc_bulk(pool, SIZE, GFP_KERNEL, 250, blocks) == 250);
	work();
	EXPECT(class_cached(SIZE));
	bytepool_free_bulk(pool, 250, blocks);
	/* The blocks for the cache, almost 1 MiB, do not count as stand-ins for reserved blocks. */
	EXPECT(!bytepool_reserve(pool, 16384, RESERVE + 2, GFP_KERNEL));
	EXPECT(bytepool_alloc_bulk(pool, 16384, GFP_KERNEL, 100, blocks) == 100);
	work_with(16384);
	EXPECT(class_cached(16384));
	bytepool_free_bulk(pool, 100, blocks);
	pool_stop();
	pool_start(&single);
	set_reserve(250);
	EXPECT(bytepool_alloc_bulk(pool, SIZE, GFP_KERNEL, 250, blocks) == 250);
	work();
	EXPECT(class_cached(SIZE) && bytepool_size(pool) == (250 + CAPACITY) * SLAB);
	bytepool_free_bulk(pool, 250, blocks);
	pool_stop();
}

/* Blocks in magazines of the depot count for the reserve, so a cache accepts blocks at once. */
static void test_grant_magazines(void)
{
	void *blocks[400];
	unsigned int i;

	pool_start(NULL);
	for (i = 0; i < 50; i++) {
		EXPECT(bytepool_alloc_bulk(pool, SIZE, GFP_KERNEL, 400, blocks) == 400);
		bytepool_free_bulk(pool, 400, blocks);
	}
	set_reserve(100);
	fail_system(true);
	work();
	EXPECT(class_cached(SIZE));
	fail_system(false);
	pool_stop();
}

static void *held;
static unsigned int nr_waits;

static void free_held(void)
{
	bytepool_free(pool, held);
	held = NULL;
}

static void on_wait(void)
{
	if (++nr_waits > 10)
		shim_die("it waits for ever");
	if (held)
		shim_cpu_run_other(3, free_held);
}

/* A task that waits gets blocks out of caches, and caches get blocks after that. */
static void test_grant_wait(void)
{
	void *blocks[200], *p;
	unsigned int nr = 0;

	pool_start(NULL);
	EXPECT(!bytepool_reserve(pool, SMALL, RESERVE, GFP_KERNEL));
	shim_cpu_move(2);
	work_with(SMALL);
	EXPECT(class_cached(SMALL));
	shim_cpu_move(5);
	fail_system(true);
	while (nr < ARRAY_SIZE(blocks) && (p = bytepool_alloc(pool, SMALL, GFP_ATOMIC)))
		blocks[nr++] = p;
	EXPECT(nr < ARRAY_SIZE(blocks) && class_cached(SMALL));
	held = blocks[--nr];
	nr_waits = 0;
	shim_wait_hook = on_wait;
	p = bytepool_alloc(pool, SMALL, GFP_KERNEL);
	EXPECT(p && !nr_waits && held);
	blocks[nr++] = p;
	/* Take all blocks that are left. The waiter gets the next one that is freed. */
	while (nr < ARRAY_SIZE(blocks) && (p = bytepool_alloc(pool, SMALL, GFP_ATOMIC)))
		blocks[nr++] = p;
	p = bytepool_alloc(pool, SMALL, GFP_KERNEL);
	EXPECT(p && nr_waits == 1 && !held);
	shim_wait_hook = NULL;
	fail_system(false);
	bytepool_free(pool, p);
	bytepool_free_bulk(pool, nr, blocks);
	shim_cpu_move(2);
	work_with(SMALL);
	EXPECT(class_cached(SMALL));
	pool_stop();
}

static void on_recall(void)
{
	if (++nr_waits > 10)
		shim_die("it waits for ever");
	EXPECT(shim_wait_timeout <= HZ / 50);
	shim_grace_held = false;
}

/* A task that waits for the grace period of a cache looks again soon, for one block or for more. */
static void test_grant_recall(void)
{
	void *blocks[200], *p;
	unsigned int bulk, nr;

	for (bulk = 0; bulk < 2; bulk++) {
		pool_start(NULL);
		EXPECT(!bytepool_reserve(pool, SMALL, RESERVE, GFP_KERNEL));
		shim_cpu_move(2);
		work_with(SMALL);
		EXPECT(bytepool_alloc_bulk(pool, SMALL, GFP_KERNEL, 4, blocks) == 4);
		bytepool_free_bulk(pool, 4, blocks);
		shim_cpu_move(5);
		fail_system(true);
		nr = 0;
		while (nr < ARRAY_SIZE(blocks) - 2 && (p = bytepool_alloc(pool, SMALL, GFP_ATOMIC)))
			blocks[nr++] = p;
		EXPECT(nr < ARRAY_SIZE(blocks) - 2 && class_cached(SMALL) >= 2);
		nr_waits = 0;
		shim_grace_held = true;
		shim_wait_hook = on_recall;
		if (bulk)
			EXPECT(bytepool_alloc_bulk(pool, SMALL, GFP_KERNEL, 2, blocks + nr) == 2);
		else
			blocks[nr] = bytepool_alloc(pool, SMALL, GFP_KERNEL);
		EXPECT(nr_waits && nr_waits <= 3);
		shim_wait_hook = NULL;
		shim_grace_held = false;
		fail_system(false);
		bytepool_free_bulk(pool, nr + 1 + bulk, blocks);
		pool_stop();
	}
}

/*
 * A grant to a cache without blocks wakes the pool, because it may bind slabs. They can be given
 * back when the CPU dies. The cache stays empty because expired blocks do not enter it.
 */
static void test_grant_dies(void)
{
	void *mine[2 * CAPACITY], *theirs[8 * (RESERVE + CAPACITY)], *p;
	unsigned int i, nr;

	shim_exact_node = true;
	pool_start(NULL);
	EXPECT(!bytepool_reserve(pool, SMALL, RESERVE, GFP_KERNEL));
	shim_cpu_move(4);
	EXPECT(bytepool_alloc_bulk(pool, SMALL, GFP_KERNEL, ARRAY_SIZE(theirs), theirs));
	bytepool_trim(pool);
	/* Another CPU gets a cache, and takes what the trim has left in slabs partly in use. */
	shim_cpu_move(2);
	p = bytepool_alloc(pool, SMALL, GFP_KERNEL);
	nr = take_all(mine, ARRAY_SIZE(mine));
	fail_system(true);
	for (i = 0; i < 70; i++)
		EXPECT(!bytepool_alloc(pool, SMALL, GFP_ATOMIC));
	/* No slab is wholly idle. */
	shim_cpu_move(6);
	for (i = 0; i < RESERVE + CAPACITY; i++) {
		bytepool_free(pool, theirs[8 * i]);
		theirs[8 * i] = NULL;
	}
	shim_clock_advance(1000 * HZ);
	EXPECT(!shim_works_pending());
	shim_cpu_move(2);
	theirs[0] = bytepool_alloc(pool, SMALL, GFP_ATOMIC);
	EXPECT(theirs[0] && shim_works_pending() && !class_cached(SMALL));
	fail_system(false);
	bytepool_free(pool, p);
	shim_cpu_move(4);
	shim_cpu_die(2);
	bytepool_free_bulk(pool, nr, mine);
	bytepool_free_bulk(pool, ARRAY_SIZE(theirs), theirs);
	pool_stop();
	shim_exact_node = false;
}

/*
 * If the depots have less than the reserve, each free refills them, even if the CPU has a grant
 * and its memo has the page. The blocks in a cache serve its CPU alone.
 */
static void test_grant_short(void)
{
	void *theirs[200], *mine[RESERVE], *again[RESERVE + CAPACITY];
	unsigned long cached;
	unsigned int i, nr;

	pool_start(NULL);
	EXPECT(!bytepool_reserve(pool, SMALL, RESERVE, GFP_KERNEL));
	shim_cpu_move(2);
	work_with(SMALL);
	EXPECT(bytepool_alloc_bulk(pool, SMALL, GFP_KERNEL, RESERVE, mine) == RESERVE);
	work_with(SMALL);
	cached = class_cached(SMALL);
	EXPECT(cached);
	shim_cpu_move(5);
	nr = take_all(theirs, ARRAY_SIZE(theirs));
	shim_cpu_move(2);
	bytepool_free_bulk(pool, RESERVE - 1, mine);
	bytepool_free(pool, mine[RESERVE - 1]);
	EXPECT(class_cached(SMALL) == cached);
	/* When the reserve is whole, with a magazine to spare, the cache is filled. */
	shim_cpu_move(5);
	EXPECT(take_all(again, ARRAY_SIZE(again)) == RESERVE);
	bytepool_free_bulk(pool, RESERVE, again);
	shim_cpu_move(2);
	for (i = 0; i < CAPACITY / 2; i++)
		bytepool_free(pool, theirs[--nr]);
	EXPECT(class_cached(SMALL) == cached);
	bytepool_free(pool, theirs[--nr]);
	EXPECT(class_cached(SMALL) == cached + 1);
	shim_cpu_move(5);
	EXPECT(take_all(again, ARRAY_SIZE(again)) == RESERVE + CAPACITY / 2);
	shim_cpu_move(2);
	EXPECT(take_all(theirs + nr, ARRAY_SIZE(theirs) - nr) == cached + 1);
	fail_system(true);
	EXPECT(!class_cached(SMALL) && !bytepool_alloc(pool, SMALL, GFP_ATOMIC));
	fail_system(false);
	bytepool_free_bulk(pool, RESERVE + CAPACITY / 2, again);
	bytepool_free_bulk(pool, nr + cached + 1, theirs);
	pool_stop();
}

/* A cache is filled with blocks beyond the reserve alone. */
static void test_grant_fills(void)
{
	void *blocks[RESERVE + CAPACITY];
	unsigned int nr;

	pool_start(NULL);
	set_reserve(RESERVE);
	work();
	fail_system(true);
	for (nr = 0; nr < ARRAY_SIZE(blocks); nr++) {
		unsigned long cached = class_cached(SIZE);

		blocks[nr] = bytepool_alloc(pool, SIZE, GFP_ATOMIC);
		EXPECT(class_cached(SIZE) <= cached ||
		       stats().blocks_idle - class_cached(SIZE) >= RESERVE);
	}
	fail_system(false);
	bytepool_free_bulk(pool, nr, blocks);
	pool_stop();
}

/* Have CPU 2 use the class once the first slabs are gone. */
static void on_gone(void *base, unsigned long bytes)
{
	(void)base;
	(void)bytes;
	shim_backing_gone = NULL;
	EXPECT(shim_cpu_run_other(2, work));
	EXPECT(class_cached(SIZE) == 1);
}

/* Slabs that are given back may leave less than the reserve in the depots. */
static void test_grant_reaped(void)
{
	void *blocks[150];
	unsigned int nr = 80;

	pool_start(NULL);
	set_reserve(RESERVE);
	EXPECT(bytepool_alloc_bulk(pool, SIZE, GFP_KERNEL, ARRAY_SIZE(blocks), blocks) ==
	       ARRAY_SIZE(blocks));
	bytepool_free_bulk(pool, ARRAY_SIZE(blocks) - nr, blocks + nr);
	shim_backing_gone = on_gone;
	EXPECT(bytepool_trim(pool));
	EXPECT(!shim_backing_gone && class_cached(SIZE) == 1);
	EXPECT(stats().blocks_idle < RESERVE);
	shim_cpu_move(2);
	bytepool_free(pool, blocks[--nr]);
	EXPECT(class_cached(SIZE) == 1);
	bytepool_free_bulk(pool, nr, blocks);
	pool_stop();
}

static void *mine;
static bool refilled;

static void free_mine(void)
{
	bytepool_free(pool, mine);
}

/* Take all of the reserve. Then CPU 2 frees a block, which has to serve this CPU. */
static void take_and_want(void)
{
	void *blocks[200], *p;
	unsigned int nr = take_all(blocks, ARRAY_SIZE(blocks));

	fail_system(true);
	refilled = shim_cpu_run_other(2, free_mine);
	p = bytepool_alloc(pool, SMALL, GFP_ATOMIC);
	EXPECT(!refilled || p);
	fail_system(false);
	bytepool_free(pool, p);
	bytepool_free_bulk(pool, nr, blocks);
}

static void other_takes_and_wants(void)
{
	shim_cpu_run_other(5, take_and_want);
}

/* A freed block refills the reserve, even if the GC closes the cache at any point meanwhile. */
static void test_grant_gc(void)
{
	unsigned int points = 0, found = 0;

	pool_start(NULL);
	EXPECT(!bytepool_reserve(pool, SMALL, RESERVE, GFP_KERNEL));
	between = other_takes_and_wants;
	shim_point_hook = at_point;
	do {
		shim_cpu_move(2);
		work_with(SMALL);
		mine = bytepool_alloc(pool, SMALL, GFP_KERNEL);
		shim_cpu_move(0);
		refilled = false;
		nr_between = 0;
		shim_countdown = ++points;
		bytepool_gc(pool, NULL);
		shim_countdown = 0;
		found += refilled;
		if (!refilled)
			bytepool_free(pool, mine);
	} while (nr_between);
	shim_point_hook = NULL;
	EXPECT(found > 50);
	pool_stop();
}

const struct test grant_tests[] = {
	{ "grants", test_grant },
	{ "grants, and spare blocks", test_grant_spare },
	{ "grants, and age", test_grant_age },
	{ "grants, at a limit", test_grant_limit },
	{ "grants, for which the class grows", test_grant_grows },
	{ "grants, and a reserve that is in use", test_grant_refills },
	{ "grants, and many blocks in use", test_grant_in_use },
	{ "grants, and magazines in a depot", test_grant_magazines },
	{ "grants, and a task that waits", test_grant_wait },
	{ "grants, and a task that waits for a grace period", test_grant_recall },
	{ "grants, and a CPU that dies", test_grant_dies },
	{ "grants, and depots with less than the reserve", test_grant_short },
	{ "grants, and blocks that fill a cache", test_grant_fills },
	{ "grants, and slabs that are given back", test_grant_reaped },
	{ "grants, and a pass that closes caches", test_grant_gc },
	{}
};
