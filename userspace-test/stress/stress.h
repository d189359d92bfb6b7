/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests with real threads: one list of tests for each topic, and what they share.
 */
#ifndef STRESS_H
#define STRESS_H

#include "test.h"

extern const struct test hammer_tests[];
extern const struct test duel_tests[];
extern const struct test wait_tests[];
extern const struct test limit_tests[];
extern const struct test churn_tests[];

/* The length of a run. Each test takes a part of it. */
extern unsigned int seconds;

/* Tell the threads of a test to stop, or not to. */
void stop_set(bool value);
bool stopped(void);

void sleep_us(long us);
/* A hook of points: sleep for a moment, here and again a few points later. */
void sleep_at_point(void);

static inline u32 rnd(u32 n)
{
	return shim_random() % n;
}

#endif /* STRESS_H */
