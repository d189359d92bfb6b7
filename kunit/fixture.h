/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Helpers shared by the test suites of bytepool: pools that are destroyed and
 * checked for leaks after each test, markers around provoked warnings, the
 * kernel log, sysfs, and functions that run a callback in each context.
 */
#ifndef _BYTEPOOL_KUNIT_FIXTURE_H
#define _BYTEPOOL_KUNIT_FIXTURE_H

#include <kunit/test.h>
#include <linux/kmsg_dump.h>
#include <linux/ktime.h>
#include <linux/sizes.h>

#include "../bytepool.h"

/* Short enough for a quick test, and long compared to a tick of 10 ms. */
#define BK_TIMEOUT_MS	200
#define BK_INTERVAL_MS	50
#define BK_LATEST_MS	(BK_TIMEOUT_MS + 2 * BK_INTERVAL_MS)

#define BK_POOLS	32
#define BK_CONTEXTS	9
#define BK_NAME_SIZE	64

/**
 * struct bk_pool_entry - a pool created by a test
 * @pool: NULL once it is destroyed
 * @name: of the pool
 * @dirty: the test leaves blocks in use or a reserve behind
 */
struct bk_pool_entry {
	struct bytepool *pool;
	char name[BK_NAME_SIZE];
	bool dirty;
};

int bk_init(struct kunit *test);
void bk_exit(struct kunit *test);

#define BK_SUITE(_name, _cases)						\
	static struct kunit_suite bytepool_##_name##_suite = {		\
		.name = "bytepool_" #_name,				\
		.init = bk_init,					\
		.exit = bk_exit,					\
		.test_cases = _cases,					\
	};								\
	kunit_test_suite(bytepool_##_name##_suite)

/*
 * Mark a test that takes more than two seconds as slow, if the kernel has that
 * attribute.
 */
#ifdef KUNIT_CASE_SLOW
#define BK_CASE_SLOW(_name)	KUNIT_CASE_SLOW(_name)
#else
#define BK_CASE_SLOW(_name)	KUNIT_CASE(_name)
#endif

/* Create pools with unique names. bk_exit() destroys them at the end of the test. */
struct bytepool *bk_pool(struct kunit *test, const struct bytepool_params *params);
struct bytepool *bk_pool_fixed(struct kunit *test, size_t size, unsigned int flags);
const char *bk_pool_name(struct kunit *test, struct bytepool *pool);
void bk_pool_dirty(struct kunit *test, struct bytepool *pool);
/* Tell kmemleak to ignore blocks that are in use when their pool is destroyed. */
void bk_leak_many(unsigned int nr, void **blocks);
void bk_pool_destroy(struct kunit *test, struct bytepool *pool);
void bk_unique_name(char *name);

struct bytepool_stats bk_stats(struct bytepool *pool);
void bk_check_stats(struct kunit *test, struct bytepool *pool);
void bk_check_sound(struct kunit *test, struct bytepool *pool, size_t size, unsigned int nr);
void bk_alloc_many(struct kunit *test, struct bytepool *pool, size_t size, unsigned int nr,
		   void **blocks);
void bk_free_many(struct bytepool *pool, unsigned int nr, void **blocks);
void **bk_array(struct kunit *test, unsigned int nr);
void bk_fill(void *block, size_t size, unsigned int seed);
bool bk_filled(const void *block, size_t size, unsigned int seed);

/* Warnings logged between the two calls are expected. Any other warning is a failure. */
void bk_expect_warning_begin(void);
void bk_expect_warning_end(void);

#define bk_expecting_warning(_statement)	\
do {						\
	bk_expect_warning_begin();		\
	_statement;				\
	bk_expect_warning_end();		\
} while (0)

/* A reader of the kernel log that starts at bk_log_start(). */
struct bk_log {
	struct kmsg_dump_iter iter;
	char line[512];
};

struct bk_log *bk_log_start(struct kunit *test);
void bk_log_next(struct bk_log *log);
unsigned int bk_log_count(struct bk_log *log, const char *one, const char *other);

/* Access files below /sys/kernel/bytepool. Skip the test if the kernel has no sysfs. */
ssize_t bk_sysfs_read(struct kunit *test, const char *path, char *buf, size_t size);
int bk_sysfs_write(struct kunit *test, const char *path, const char *value);
int bk_sysfs_mode(struct kunit *test, const char *path);
u64 bk_sysfs_number(struct kunit *test, const char *path);
char *bk_pool_path(struct kunit *test, struct bytepool *pool, const char *file);
/* Set a module-wide value. bk_exit() restores the previous one. */
void bk_set_timeout(struct kunit *test, unsigned int ms);
void bk_set_interval(struct kunit *test, unsigned int ms);

/* A context: @run calls a function in it and returns when the function is done. */
struct bk_context {
	const char *name;
	void (*run)(void (*fn)(void *arg), void *arg);
	bool rt;		/* PREEMPT_RT can get memory from the system there */
};

extern const struct bk_context bk_contexts[BK_CONTEXTS];
void bk_in_softirq(void (*fn)(void *arg), void *arg);
void bk_in_hardirq(void (*fn)(void *arg), void *arg);
void bk_on_cpu(unsigned int cpu, void (*fn)(void *arg), void *arg);

/*
 * Wait until @pool holds at most @bytes. Fail the test unless that happens
 * between @min_ms and @max_ms after @freed.
 */
void bk_wait_held(struct kunit *test, struct bytepool *pool, size_t bytes, ktime_t freed,
		  unsigned int min_ms, unsigned int max_ms);

#endif /* _BYTEPOOL_KUNIT_FIXTURE_H */
