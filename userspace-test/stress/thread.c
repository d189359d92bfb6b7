// SPDX-License-Identifier: GPL-2.0-only
/*
 * State and helpers that the threads of all tests share.
 */
#include <time.h>

#include "stress.h"

unsigned int seconds = 10;
static bool stop;

bool stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

void stop_set(bool value)
{
	__atomic_store_n(&stop, value, __ATOMIC_RELAXED);
}

void sleep_us(long us)
{
	struct timespec time = { .tv_nsec = us * 1000 };

	nanosleep(&time, NULL);
}

void sleep_at_point(void)
{
	sleep_us(rnd(200));
	shim_countdown = 1 + rnd(8);
}
