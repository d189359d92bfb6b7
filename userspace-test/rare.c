// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rare events: writes by stale owners, waits for the system, requests that are too large.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "test.h"

#define NR	20
#define SIZE	64

/* Links that a stale owner may leave: out of range, to a block in use, and an early end. */
static const u16 links[] = { 5000, 0, 0xffff };

static bool all_differ(void **blocks, unsigned int nr)
{
	unsigned int i, j;

	for (i = 0; i < nr; i++) {
		for (j = 0; j < i; j++) {
			if (!blocks[i] || blocks[i] == blocks[j])
				return false;
		}
	}
	return true;
}

/* Overwrite the link in one of the idle blocks, which are half of all. */
static void overwritten(u16 link, bool itself)
{
	unsigned long messages;
	void *blocks[NR];
	unsigned int i;

	pool_start(NULL);
	/* With a reserve, a cache takes no blocks until its CPU has used the class often. */
	EXPECT(!bytepool_reserve(pool, SIZE, 1, GFP_KERNEL));
	EXPECT(bytepool_alloc_bulk(pool, SIZE, GFP_KERNEL, NR, blocks) == NR);
	for (i = NR / 2; i < NR; i++)
		bytepool_free(pool, blocks[i]);
	messages = shim_messages();
	*(u16 *)blocks[NR - 1] = itself ? NR - 1 : link;
	for (i = NR / 2; i < NR; i++)
		blocks[i] = bytepool_alloc(pool, SIZE, GFP_KERNEL);
	EXPECT(shim_messages() == messages + 1);
	EXPECT(all_differ(blocks, NR));
	EXPECT(stats().blocks_in_use == NR);
	bytepool_free_bulk(pool, NR, blocks);
	EXPECT(!bytepool_reserve(pool, SIZE, 0, GFP_KERNEL));
	EXPECT(bytepool_trim(pool) > 0 && bytepool_size(pool) == 0);
	pool_stop();
}

static void test_overwritten(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(links); i++)
		overwritten(links[i], false);
	overwritten(0, true);
}

static void test_free_any(void)
{
	static char unknown;
	struct bytepool *other;
	unsigned long messages;
	void *block;

	pool_start(NULL);
	other = bytepool_create("other", NULL);
	bytepool_free_any(NULL);
	bytepool_free_any(bytepool_alloc(pool, SIZE, GFP_KERNEL));
	bytepool_free_any(bytepool_alloc(other, SIZE, GFP_KERNEL));
	EXPECT(stats().frees == 1 && test_stats(other).frees == 1);
	/* No pool counts these frees. Each is reported once. */
	messages = shim_messages();
	bytepool_free_any(&unknown);
	test_expect_warnings(1);
	EXPECT(shim_messages() == messages + 1);
	block = bytepool_alloc(pool, SIZE, GFP_KERNEL);
	bytepool_free(NULL, block);
	test_expect_warnings(1);
	bytepool_free(NULL, block);
	bytepool_free_any(&unknown);
	bytepool_free(NULL, &unknown);
	test_expect_warnings(0);
	EXPECT(shim_messages() == messages + 5);
	bytepool_free(pool, block);
	EXPECT(!stats().bad_frees && !test_stats(other).bad_frees);
	bytepool_destroy(other);
	pool_stop();
}

static unsigned int waits;

/* Let time pass. At the third wait the system has memory again. */
static void on_wait(void)
{
	shim_clock_advance(5);
	if (++waits == 3)
		shim_fail(0, 0, false);
}

/* There is no reserve, but the caller must not fail. */
static void test_nofail(void)
{
	void *blocks[NR];
	void *block;

	pool_start(NULL);
	shim_wait_hook = on_wait;
	waits = 0;
	shim_fail(SHIM_FAIL_PAGES | SHIM_FAIL_VMALLOC, 1, true);
	block = bytepool_alloc(pool, SIZE, GFP_KERNEL | __GFP_NOFAIL);
	EXPECT(block && waits == 3);
	bytepool_free(pool, block);
	EXPECT(bytepool_trim(pool) > 0);
	waits = 0;
	shim_fail(SHIM_FAIL_PAGES | SHIM_FAIL_VMALLOC, 1, true);
	EXPECT(bytepool_alloc_bulk(pool, SIZE, GFP_KERNEL | __GFP_NOFAIL, NR, blocks) == NR);
	EXPECT(waits >= 3);
	shim_wait_hook = NULL;
	bytepool_free_bulk(pool, NR, blocks);
	pool_stop();
}

/* The reserve exceeds the memory of the machine. */
static void test_reserve_too_much(void)
{
	pool_start(NULL);
	EXPECT(bytepool_reserve(pool, SZ_4M, 5000, GFP_KERNEL) == -ENOMEM);
	EXPECT(bytepool_size(pool) == 0);
	EXPECT(bytepool_reserve(pool, SIZE, 2, GFP_KERNEL | __GFP_NORETRY) == 0);
	EXPECT(stats().blocks_idle >= 2);
	EXPECT(bytepool_reserve(pool, SIZE, 0, GFP_KERNEL) == 0);
	pool_stop();
}

/* SINGLE pools are left to their owner. */
static void test_sysfs_gc(void)
{
	struct bytepool *single;

	pool_start(&(struct bytepool_params){ .idle_timeout_ms = 1000 });
	single = bytepool_create("single", &(struct bytepool_params){ .flags = BYTEPOOL_SINGLE });
	bytepool_free(pool, bytepool_alloc(pool, 8192, GFP_KERNEL));
	bytepool_free(single, bytepool_alloc(single, 8192, GFP_KERNEL));
	EXPECT(shim_sysfs_write("bytepool/pools/basic/gc", "2") == -EINVAL);
	EXPECT(shim_sysfs_write("bytepool/pools/basic/gc", "1") == 1);
	EXPECT(stats().gc_runs == 1 && bytepool_size(pool) == 8192);
	EXPECT(shim_sysfs_write("bytepool/pools/single/gc", "1") == -EOPNOTSUPP);
	EXPECT(shim_sysfs_write("bytepool/trim", "1") == 1);
	EXPECT(bytepool_size(pool) == 0 && bytepool_size(single) == 8192);
	bytepool_destroy(single);
	pool_stop();
}

/* There are more slabs than one round of the cleanup handles. */
static void test_leak_many(void)
{
	static void *blocks[1100];
	unsigned int i;

	test_module_start();
	pool = bytepool_create("basic", NULL);
	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		blocks[i] = bytepool_alloc(pool, 20480, GFP_KERNEL);
	bytepool_destroy(pool);
	test_expect_warnings(1);
	for (i = 0; i < ARRAY_SIZE(blocks); i++) {
		EXPECT(!bytepool_usable_size(bytepool_system, blocks[i]));
		shim_backing_release(blocks[i]);
	}
	test_module_stop();
}

/*
 * A CPU that remembers a block frees it to another pool while the block's pool is destroyed.
 */
static struct {
	void *block;
	unsigned int point;
	bool there, gone, done;
} foreign;

static void wait_at_point(void)
{
	unsigned int ms;

	WRITE_ONCE(foreign.there, true);
	/* Stop waiting after some time, because the end of the pool may wait for this thread. */
	for (ms = 0; ms < 20 && !READ_ONCE(foreign.gone); ms++)
		usleep(1000);
}

static void *free_foreign(void *other)
{
	shim_cpu_enter(2);
	bytepool_free(pool, bytepool_alloc(pool, SIZE, GFP_KERNEL));
	bytepool_free(pool, bytepool_alloc(pool, SIZE, GFP_KERNEL));
	foreign.block = bytepool_alloc(pool, SIZE, GFP_KERNEL);
	shim_countdown = foreign.point;
	bytepool_free(other, foreign.block);
	shim_countdown = 0;
	WRITE_ONCE(foreign.done, true);
	shim_cpu_exit();
	return NULL;
}

/* Destroy the pool at this point of the free. Return true if the free has so many points. */
static bool destroy_amid_free(unsigned int point)
{
	struct bytepool *other;
	pthread_t thread;

	foreign.point = point;
	foreign.there = false;
	foreign.gone = false;
	foreign.done = false;
	test_module_start();
	pool = bytepool_create("basic", NULL);
	other = bytepool_create("other", NULL);
	test_note_born(true);
	pthread_create(&thread, NULL, free_foreign, other);
	while (!READ_ONCE(foreign.there) && !READ_ONCE(foreign.done))
		usleep(100);
	test_note_born(false);
	bytepool_destroy(pool);
	WRITE_ONCE(foreign.gone, true);
	pthread_join(thread, NULL);
	EXPECT(test_stats(other).bad_frees == 1);
	/* One warning is about blocks in use, the other about the bad free. */
	test_expect_warnings(2);
	test_release_born();
	bytepool_destroy(other);
	test_module_stop();
	return foreign.there;
}

static void test_destroy_amid_free(void)
{
	unsigned int point = 1;

	shim_point_hook = wait_at_point;
	while (destroy_amid_free(point))
		point++;
	EXPECT(point > 3);
	shim_point_hook = NULL;
}

static const struct test tests[] = {
	{ "a free block that is written to", test_overwritten },
	{ "a block without its pool", test_free_any },
	{ "an allocation that cannot fail waits for the system", test_nofail },
	{ "a reserve that is too much", test_reserve_too_much },
	{ "GC and trim from sysfs", test_sysfs_gc },
	{ "many leaked slabs", test_leak_many },
	{ "a pool is destroyed during a free to another pool", test_destroy_amid_free },
	{}
};

int main(void)
{
	shim_cpu_enter(0);
	shim_virtual_clock = true;
	return test_main(tests);
}
