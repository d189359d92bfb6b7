// SPDX-License-Identifier: GPL-2.0-only
/*
 * Garbage collection while blocks come and go, and after very long times.
 */
#include "checked.h"

/*
 * Blocks older than the timeout wait in a depot for the GC. A CPU takes no more of them than it
 * needs.
 */
static void test_expired_stays(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = 1000 };
	void *blocks[100], *kept, *p;
	unsigned int i;

	pool_start(&params);
	kept = bytepool_alloc(pool, 4096, GFP_KERNEL);
	shim_cpu_move(2);
	/* Some of these blocks go to the depot in a magazine. */
	EXPECT(bytepool_alloc_bulk(pool, 4096, GFP_KERNEL, 100, blocks) == 100);
	bytepool_free_bulk(pool, 100, blocks);
	shim_cpu_move(0);
	shim_cpu_die(2);
	shim_clock_advance(msecs_to_jiffies(1100));
	p = bytepool_alloc(pool, 4096, GFP_KERNEL);
	shim_cpu_move(4);
	shim_fail(SHIM_FAIL_PAGES | SHIM_FAIL_VMALLOC, 1, true);
	for (i = 0; i < 99; i++) {
		blocks[i] = bytepool_alloc(pool, 4096, GFP_ATOMIC);
		EXPECT(blocks[i]);
	}
	shim_fail(0, 0, false);
	shim_cpu_move(0);
	bytepool_free_bulk(pool, 99, blocks);
	bytepool_free(pool, p);
	bytepool_free(pool, kept);
	pool_stop();
}

static void grace_lasts(void)
{
	shim_clock_advance(HZ / 20);
}

static void *freed_in_grace;

static void grace_frees(void)
{
	shim_clock_advance(1);
	bytepool_free(pool, freed_in_grace);
	freed_in_grace = NULL;
}

/* A block that is freed during the grace period is younger than the pass, and not very old. */
static void test_freed_meanwhile(void)
{
	pool_start(NULL);
	shim_exact_node = true;		/* otherwise the block may be in a depot */
	freed_in_grace = bytepool_alloc(pool, 4096, GFP_KERNEL);
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	shim_grace_hook = grace_frees;
	bytepool_gc(pool, NULL);
	EXPECT(freed_in_grace);
	/* The idle block expires at the next pass. */
	shim_grace_hook = NULL;
	shim_clock_advance(305 * HZ);
	shim_grace_hook = grace_frees;
	bytepool_gc(pool, NULL);
	shim_grace_hook = NULL;
	EXPECT(!freed_in_grace && bytepool_size(pool) == 4096);
	shim_exact_node = false;
	pool_stop();
}

/* A block that expires during the grace period does not wait for the next pass. */
static void test_expiring(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = 10020 };

	shim_exact_node = true;		/* otherwise the block may be in a depot */
	pool_start(&params);
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	shim_grace_hook = grace_lasts;
	shim_clock_advance(msecs_to_jiffies(10100));
	EXPECT(stats().gc_runs == 1 && !bytepool_size(pool));
	shim_grace_hook = NULL;
	pool_stop();
	shim_exact_node = false;
}

static void grace_lasts_long(void)
{
	shim_grace_hook = NULL;
	shim_clock_advance(5 * HZ);
}

/* The time that a pass takes does not delay the next one. */
static void test_on_time(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = 5000 };

	shim_exact_node = true;
	pool_start(&params);
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	shim_grace_hook = grace_lasts_long;
	shim_clock_advance(20 * HZ + 1);
	EXPECT(!shim_grace_hook && stats().gc_runs == 2);
	pool_stop();
	shim_exact_node = false;
}

static u32 turns[18];
static unsigned int nr_turns;
static unsigned long turn_takes;
static u64 runs_before_last;

static void note_turn(void *base, unsigned long bytes)
{
	(void)base;
	if (nr_turns < ARRAY_SIZE(turns))
		turns[nr_turns++] = bytes;
	runs_before_last = stats().gc_runs;
	shim_clock_advance(turn_takes);
}

/*
 * Pools take turns when the GC has much to give back. A run that takes long leaves the rest to the
 * next one.
 */
static void test_turns(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = 1000 };
	struct bytepool *other;
	void *blocks[12];
	unsigned int i;

	for (turn_takes = 0; turn_takes <= 3 * HZ; turn_takes += 3 * HZ) {
		pool_start(&params);
		other = bytepool_create("other", &params);
		EXPECT(bytepool_alloc_bulk(pool, SZ_1M, GFP_KERNEL, 12, blocks) == 12);
		bytepool_free_bulk(pool, 12, blocks);
		EXPECT(bytepool_alloc_bulk(other, 2 * SZ_1M, GFP_KERNEL, 6, blocks) == 6);
		bytepool_free_bulk(other, 6, blocks);
		shim_cpu_die(0);
		nr_turns = 0;
		shim_backing_gone = note_turn;
		shim_clock_advance(turn_takes ? 100 * HZ : 10 * HZ);
		shim_backing_gone = NULL;
		EXPECT(nr_turns == ARRAY_SIZE(turns) && !bytepool_size(pool));
		for (i = 0; i < nr_turns; i++)
			EXPECT(turns[i] == (i % 6 < 4 ? SZ_1M : 2 * SZ_1M));
		EXPECT(!runs_before_last == !turn_takes);
		bytepool_destroy(other);
		pool_stop();
	}
}

/* A block may be idle for more than half of the range of jiffies. */
static void test_idle_for_ages(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER };
	unsigned long ages = ULONG_MAX / 2 + 1000;
	void *blocks[60];

	pool_start(&params);
	EXPECT(bytepool_alloc_bulk(pool, 65536, GFP_KERNEL, 60, blocks) == 60);
	bytepool_free_bulk(pool, 60, blocks);
	shim_clock_advance(ages);
	EXPECT(bytepool_trim(pool) == 60 && !bytepool_size(pool));
	EXPECT(bytepool_alloc_bulk(pool, 65536, GFP_KERNEL, 60, blocks) == 60);
	bytepool_free_bulk(pool, 60, blocks);
	shim_clock_advance(ages);
	pool_stop();
}

/* Blocks that became idle later are younger, in whichever order they return to the depot. */
static void test_older_by_ages(void)
{
	static const unsigned int order[][3] = { { 0, 1, 2 }, { 1, 0, 2 }, { 2, 1, 0 } };
	static const u32 sizes[][3] = { { 65536, 65536, 65536 }, { 65536, 131072, 262144 } };
	const struct bytepool_params params = { .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER };
	unsigned int i, way, some;
	void *blocks[3], *left[2];

	for (way = 0; way < ARRAY_SIZE(order) * ARRAY_SIZE(sizes); way++) {
		some = way % ARRAY_SIZE(sizes);
		pool_start(&params);
		for (i = 0; i < 3; i++)
			blocks[i] = bytepool_alloc(pool, sizes[some][i], GFP_KERNEL);
		for (i = 0; i < 3; i++) {
			shim_cpu_move(1 + i);
			bytepool_free(pool, blocks[i]);
			shim_clock_advance(ULONG_MAX / 10 * (i ? 1 : 6));
		}
		shim_cpu_move(0);
		for (i = 0; i < 3; i++)
			shim_cpu_die(1 + order[way / ARRAY_SIZE(sizes)][i]);
		EXPECT(shim_shrink(1) == sizes[some][0] / PAGE_SIZE);
		for (i = 0; i < 2; i++) {
			left[i] = bytepool_alloc(pool, sizes[some][1 + i], GFP_ATOMIC);
			EXPECT(left[i] == blocks[1] || left[i] == blocks[2]);
		}
		bytepool_free_bulk(pool, 2, left);
		pool_stop();
	}
}

/* A slab that reaches its depot late does not delay the older slabs there. */
static void test_late_amid_older(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = 30000 };
	unsigned int cpu, i;
	void *blocks[20];
	u64 before;

	*shim_param_gc_interval_ms = 100;
	pool_start(&params);
	/* Both CPUs have a cache. */
	for (cpu = 1; cpu <= 2; cpu++) {
		shim_cpu_move(cpu);
		bytepool_free(pool, bytepool_alloc(pool, 65536, GFP_KERNEL));
	}
	bytepool_trim(pool);
	before = stats().reclaimed_blocks;
	EXPECT(bytepool_alloc_bulk(pool, 65536, GFP_KERNEL, 20, blocks) == 20);
	for (i = 0; i < 20; i++) {
		shim_cpu_move(i == 12 ? 2 : 1);
		bytepool_free(pool, blocks[i]);
		shim_clock_advance(HZ);
	}
	shim_cpu_move(0);
	shim_cpu_die(1);
	shim_cpu_die(2);
	EXPECT(stats().reclaimed_blocks == before);
	shim_clock_advance(10 * HZ + 2 * msecs_to_jiffies(100));
	for (i = 1; i <= 20; i++) {
		EXPECT(stats().reclaimed_blocks == before + i);
		shim_clock_advance(HZ);
	}
	pool_stop();
	*shim_param_gc_interval_ms = 10000;
}

/*
 * The last block of a slab returns when the others have been idle for more than half of the
 * range of jiffies.
 */
static void test_long_lived(void)
{
	unsigned long latest = (300 + 2 * 10 + 1) * HZ;
	void *young, *old;

	pool_start(NULL);
	young = bytepool_alloc(pool, 64, GFP_KERNEL);
	old = bytepool_alloc(pool, 64, GFP_KERNEL);
	bytepool_free(pool, old);
	shim_clock_advance(2 * latest);
	shim_clock_advance(ULONG_MAX / 2 - 2 * latest + 10000);
	bytepool_free(pool, young);
	/* Move the block from the cache to its slab. */
	shim_cpu_move(1);
	shim_cpu_die(0);
	shim_cpu_move(0);
	EXPECT(!bytepool_gc(pool, NULL) && bytepool_size(pool) == 4096);
	shim_clock_advance(latest);
	EXPECT(!bytepool_size(pool));
	pool_stop();
}

/*
 * Blocks may be idle for more than half of the range of jiffies before a pass can free them. The
 * pass then frees them by age.
 */
static void test_old_at_once(void)
{
	const struct bytepool_params single = { .flags = BYTEPOOL_SINGLE };
	unsigned long ages = ULONG_MAX / 2 + 100000;

	pool_start(NULL);
	EXPECT(!bytepool_reserve(pool, 4096, 10, GFP_KERNEL));
	shim_clock_advance(ages);
	EXPECT(!bytepool_reserve(pool, 4096, 0, GFP_KERNEL));
	shim_clock_advance((300 + 2 * 10 + 1) * HZ);
	EXPECT(!bytepool_size(pool));
	pool_stop();

	pool_start(&single);
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	shim_clock_advance(ages);
	EXPECT(bytepool_gc(pool, NULL) == 1 && !bytepool_size(pool));
	pool_stop();
}

const struct test gc_tests[] = {
	{ "GC: no cache takes expired blocks", test_expired_stays },
	{ "GC: a block is freed during its grace period", test_freed_meanwhile },
	{ "GC: a block expires during its grace period", test_expiring },
	{ "GC: a pass that takes long", test_on_time },
	{ "GC: pools take turns", test_turns },
	{ "idle for more than half of the range of jiffies", test_idle_for_ages },
	{ "older than others by more than half of the range of jiffies", test_older_by_ages },
	{ "a slab that reaches its depot after younger ones", test_late_amid_older },
	{ "a slab with a block in use for as long", test_long_lived },
	{ "idle for as long, and freed only now", test_old_at_once },
	{}
};
