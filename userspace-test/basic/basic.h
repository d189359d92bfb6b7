/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests of the interface: one list of tests for each topic.
 */
#ifndef BASIC_H
#define BASIC_H

#include "test.h"

#define CACHE_BYTES_MIN	2048	/* a cache and its two magazines take more */

extern const struct test lifecycle_tests[];
extern const struct test alloc_tests[];
extern const struct test bad_free_tests[];
extern const struct test sysfs_tests[];
extern const struct test gc_tests[];
extern const struct test node_tests[];
extern const struct test limit_tests[];
extern const struct test cache_tests[];
extern const struct test magazine_tests[];
extern const struct test reserve_tests[];
extern const struct test grant_tests[];
extern const struct test failure_tests[];
extern const struct test context_tests[];
extern const struct test table_tests[];

/* Refuse to free @p, which is no block in use of the pool, and expect that it is counted. */
void bad_free(const void *p);

/*
 * Run @op again and again, and @what once in each run, at another point each time.
 * Return the number of points that @op has.
 */
unsigned int at_each_point(void (*op)(void), void (*what)(void));
/* A hook of points: run @between and count it in @nr_between. */
void at_point(void);
extern void (*between)(void);
extern unsigned int nr_between;
/* A hook of grace periods: count it in @nr_graces. */
void count_grace(void);
extern unsigned int nr_graces;

/* Return the number of blocks in the caches of the class with blocks of @size. */
unsigned long class_cached(unsigned int size);

#endif /* BASIC_H */
