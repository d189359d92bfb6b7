// SPDX-License-Identifier: GPL-2.0-only
/*
 * Room below the limit that other CPUs take first.
 */
#include "checked.h"

static void take_room(void)
{
	bytepool_free(pool, bytepool_alloc(pool, 49152, GFP_ATOMIC | __GFP_NOWARN));
}

static void take_room_elsewhere(void)
{
	shim_cpu_run_other(5, take_room);
}

#define NR_IN_ROOM	4	/* 1 KiB blocks in a page */

static void *in_room[NR_IN_ROOM];
static unsigned int nr_taken, in_use_for;

/* Free the blocks. The CPU's cache gets some of them, so only a trim gives the page back. */
static void leave_room(void)
{
	unsigned int i;

	for (i = 0; i < NR_IN_ROOM; i++) {
		bytepool_free(pool, in_room[i]);
		in_room[i] = NULL;
	}
}

/* Take a new page as soon as there is room, keep it for a while, and do so at most six times. */
static void take_room_for_a_while(void)
{
	if (in_room[0]) {
		leave_room();
		shim_countdown = nr_taken < 6;
		return;
	}
	if (!stats().blocks_idle &&
	    bytepool_alloc_bulk(pool, 1024, GFP_ATOMIC | __GFP_NOWARN, NR_IN_ROOM, in_room)) {
		nr_taken++;
		shim_countdown = in_use_for;
	} else {
		shim_countdown = 1;
	}
}

static void take_room_again(void)
{
	shim_cpu_run_other(5, take_room_for_a_while);
}

/* Another CPU takes the room at any point. An allocation that may sleep succeeds all the same. */
static void test_room_taken(void)
{
	const struct bytepool_params params = { .limit_bytes = 65536 };
	unsigned int left = 1, point;

	shim_point_hook = take_room_elsewhere;
	for (point = 1; left; point++) {
		void *p;

		pool_start(&params);
		bytepool_free(pool, bytepool_alloc(pool, 65536, GFP_KERNEL));
		shim_countdown = point;
		p = bytepool_alloc(pool, 32768, GFP_KERNEL);
		left = !shim_countdown;
		shim_countdown = 0;
		EXPECT(p);
		bytepool_free(pool, p);
		pool_stop();
	}
	shim_point_hook = NULL;
}

static unsigned long nr_short;

/* Let the system have memory again, which another CPU takes. */
static void take_first(void)
{
	nr_short = shim_failed();
	shim_fail(0, 0, false);
	take_room_elsewhere();
}

/*
 * The system is short of memory at the first try, and another CPU has the memory at the next.
 * The allocation does not fail.
 */
static void test_room_taken_late(void)
{
	const struct bytepool_params params = { .limit_bytes = 65536 };
	unsigned int left = 1, point;

	shim_point_hook = take_first;
	pool_start(&params);
	bytepool_free(pool, bytepool_alloc(pool, 49152, GFP_KERNEL));
	for (point = 1; left; point++) {
		void *p;

		bytepool_trim(pool);
		shim_fail(SHIM_FAIL_PAGES, 1, true);
		shim_countdown = point;
		p = bytepool_alloc(pool, 32768, GFP_KERNEL);
		left = !shim_countdown;
		shim_countdown = 0;
		shim_fail(0, 0, false);
		EXPECT(p || !left || nr_short > 1);
		bytepool_free(pool, p);
	}
	pool_stop();
	shim_point_hook = NULL;
}

/*
 * A trim counts as successful if another CPU takes the room that it made, up to six times. That
 * CPU may keep the room longer than a trim in vain takes.
 */
static void test_room_taken_again(void)
{
	const struct bytepool_params params = { .limit_bytes = SZ_1M };
	void *used[8], *p;
	unsigned int i;

	shim_point_hook = take_room_again;
	for (in_use_for = 1; in_use_for < 300; in_use_for += 7) {
		pool_start(&params);
		/* Leave room for one page. */
		for (i = 0; i < ARRAY_SIZE(used); i++)
			used[i] = bytepool_alloc(pool, SZ_4K << i, GFP_KERNEL);
		nr_taken = 0;
		shim_countdown = 1;
		p = bytepool_alloc(pool, SZ_4K, GFP_KERNEL);
		shim_countdown = 0;
		EXPECT(p && nr_taken == 6);
		leave_room();
		bytepool_free(pool, p);
		bytepool_free_bulk(pool, ARRAY_SIZE(used), used);
		pool_stop();
	}
	shim_point_hook = NULL;
}

const struct test room_tests[] = {
	{ "room that another CPU takes", test_room_taken },
	{ "room that another CPU takes after a shortage", test_room_taken_late },
	{ "room that another CPU takes again and again", test_room_taken_again },
	{}
};
