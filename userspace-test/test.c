// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>

#include "test.h"

#define FAILURES_SHOWN	10

static unsigned int nr_failures;
static unsigned long warnings_before;
static void *leaked_base[64];
static unsigned int nr_leaked;

void test_expect(bool ok, const char *what, const char *file, int line)
{
	if (ok)
		return;
	if (__atomic_fetch_add(&nr_failures, 1, __ATOMIC_RELAXED) < FAILURES_SHOWN)
		shim_libc(printf("# %s:%d: expected %s\n", file, line, what));
}

bool test_failed(void)
{
	return __atomic_load_n(&nr_failures, __ATOMIC_RELAXED);
}

void test_expect_warnings(unsigned long nr)
{
	unsigned long now = shim_warnings();

	if (now - warnings_before != nr) {
		printf("# %lu warnings, not %lu; last message: %s", now - warnings_before, nr,
		       shim_last_message());
		nr_failures++;
	}
	warnings_before = now;
}

void test_module_start(void)
{
	int err = shim_module_init();

	if (err)
		shim_die("the module does not start: %d", err);
}

void test_module_stop(void)
{
	struct shim_usage usage;

	EXPECT(shim_module_refs == 0);
	shim_module_exit();
	usage = shim_usage();
	EXPECT(usage.page_bytes == 0);
	EXPECT(usage.kmallocs == 0);
	EXPECT(usage.reclaimable_pages == 0);
	EXPECT(shim_works_pending() == 0);
}

struct bytepool_stats test_stats(struct bytepool *pool)
{
	struct bytepool_stats stats;

	bytepool_get_stats(pool, &stats);
	return stats;
}

struct bytepool *pool;

void pool_start(const struct bytepool_params *params)
{
	shim_cpu_move(0);
	test_module_start();
	pool = bytepool_create("basic", params);
	EXPECT(!IS_ERR(pool));
}

void pool_stop(void)
{
	EXPECT(stats().blocks_in_use == 0);
	bytepool_destroy(pool);
	test_module_stop();
}

struct bytepool_stats stats(void)
{
	return test_stats(pool);
}

static void note_born(void *base, unsigned long bytes, bool mapped)
{
	(void)bytes;
	(void)mapped;
	if (nr_leaked < ARRAY_SIZE(leaked_base))
		leaked_base[nr_leaked++] = base;
}

void test_note_born(bool on)
{
	if (on)
		nr_leaked = 0;
	shim_backing_born = on ? note_born : NULL;
}

unsigned int test_release_born(void)
{
	unsigned int nr = nr_leaked;

	while (nr_leaked)
		shim_backing_release(leaked_base[--nr_leaked]);
	return nr;
}

bool sysfs_reads(const char *path, const char *text)
{
	char buf[4096];
	ssize_t len = shim_sysfs_read(path, buf);

	return len == (ssize_t)strlen(text) && !memcmp(buf, text, len);
}

unsigned int text_lines(const char *text)
{
	unsigned int nr = 0;

	for (; *text; text++)
		nr += *text == '\n';
	return nr;
}

bool bytes_are(const u8 *p, u8 value, size_t bytes)
{
	return *p == value && !memcmp(p, p + 1, bytes - 1);
}

static unsigned int count_tests(const struct test * const *topics)
{
	const struct test *test;
	unsigned int nr = 0;

	for (; *topics; topics++) {
		for (test = *topics; test->run; test++)
			nr++;
	}
	return nr;
}

static bool run_test(const struct test *test, unsigned int nr)
{
	nr_failures = 0;
	warnings_before = shim_warnings();
	test->run();
	test_expect_warnings(0);
	printf("%sok %u - %s: %s\n", test_failed() ? "not " : "", nr,
	       program_invocation_short_name, test->name);
	return !test_failed();
}

int test_run(const struct test * const *topics)
{
	unsigned int nr = 0, failed = 0;
	const struct test *test;

	setvbuf(stdout, NULL, _IOLBF, 0);
	shim_verbose = getenv("VERBOSE");
	printf("KTAP version 1\n1..%u\n", count_tests(topics));
	for (; *topics; topics++) {
		for (test = *topics; test->run; test++)
			failed += !run_test(test, ++nr);
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
