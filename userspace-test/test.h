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

/* The module, and a pool "basic" on CPU 0; and their end, with nothing in use. */
extern struct bytepool *pool;
void pool_start(const struct bytepool_params *params);
void pool_stop(void);
struct bytepool_stats stats(void);
/* Note what memory the pools get while @on; release what was noted: how many pieces. */
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
