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

static void *in_room;
static unsigned int nr_taken, in_use_for;

/* Take new room as soon as there is some, keep it for a while, and do so at most six times. */
static void take_room_for_a_while(void)
{
	u64 misses = stats().misses;

	if (!in_room) {
		in_room = bytepool_alloc(pool, 49152, GFP_ATOMIC | __GFP_NOWARN);
		if (in_room && stats().misses != misses) {
			nr_taken++;
			shim_countdown = in_use_for;
			return;
		}
	}
	bytepool_free(pool, in_room);
	in_room = NULL;
	shim_countdown = nr_taken < 6;
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

/* A trim counts as successful if another CPU takes the room that it made, up to six times. */
static void test_room_taken_again(void)
{
	const struct bytepool_params params = { .limit_bytes = 65536 };

	shim_point_hook = take_room_again;
	for (in_use_for = 1; in_use_for < 20; in_use_for++) {
		void *p;

		pool_start(&params);
		bytepool_free(pool, bytepool_alloc(pool, 65536, GFP_KERNEL));
		nr_taken = 0;
		shim_countdown = 1;
		p = bytepool_alloc(pool, 32768, GFP_KERNEL);
		shim_countdown = 0;
		EXPECT(p && nr_taken == 6);
		bytepool_free(pool, in_room);
		in_room = NULL;
		bytepool_free(pool, p);
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
