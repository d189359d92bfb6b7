/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests share: KTAP, and the module's life around each test.
 */
#ifndef TEST_H
#define TEST_H

#include <linux/types.h>

#include "bytepool.h"
#include "shim/control.h"

struct test {
	const char *name;
	void (*run)(void);
};

#define EXPECT(condition) \
	test_expect(condition, #condition, __FILE__, __LINE__)

void test_expect(bool ok, const char *what, const char *file, int line);
bool test_failed(void);

/* The module, from a system that has nothing of it to one that has nothing of it again. */
void test_module_start(void);
void test_module_stop(void);
/* Of the warnings since the last call, so many were to be. */
void test_expect_warnings(unsigned long nr);
struct bytepool_stats test_stats(struct bytepool *pool);

/* Run them all: the exit status. */
int test_main(const char *suite, const struct test *tests, unsigned int nr);

#endif /* TEST_H */
