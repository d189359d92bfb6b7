/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Helpers that all tests share: KTAP, and the life of the module around each test.
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

/* Start or stop the module. Stopping checks that it has given back everything. */
void test_module_start(void);
void test_module_stop(void);
/* Expect @nr warnings since the last call. */
void test_expect_warnings(unsigned long nr);
struct bytepool_stats test_stats(struct bytepool *pool);

/* Start the module with a pool "basic" on CPU 0. Stop both, with no block in use. */
extern struct bytepool *pool;
void pool_start(const struct bytepool_params *params);
void pool_stop(void);
struct bytepool_stats stats(void);
/* Note the memory that pools get while @on. Release it, and return the number of its pieces. */
void test_note_born(bool on);
unsigned int test_release_born(void);
bool bytes_are(const u8 *p, u8 value, size_t bytes);
unsigned int text_lines(const char *text);
/* Return true if the file at @path of sysfs reads as @text. */
bool sysfs_reads(const char *path, const char *text);

/*
 * Run the tests of all lists given, print KTAP with the name of the program, and return
 * the exit status. An entry without a function ends a list.
 */
#define test_main(...) \
	test_run((const struct test * const []){ __VA_ARGS__, NULL })
int test_run(const struct test * const *topics);

#endif /* TEST_H */
