// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracepoints.
 */
#include <stdio.h>

#include "checked.h"

static char traced[4][256];
static unsigned int nr_traced;

static void note_traced(const char *event, const char *text)
{
	if (nr_traced < ARRAY_SIZE(traced))
		snprintf(traced[nr_traced], sizeof(traced[0]), "%s: %s", event, text);
	nr_traced++;
}

static bool traced_is(const char *text, const char *begin, const char *words)
{
	return !begin || (!strncmp(text, begin, strlen(begin)) && strstr(text, words));
}

/* Return true if exactly these events, with these words, were traced since the last call. */
static bool traced_were(const char *first, const char *first_words, const char *second,
			const char *second_words)
{
	unsigned int nr = nr_traced, expected = !!first + !!second;

	nr_traced = 0;
	return nr == expected &&
	       traced_is(traced[0], first, first_words) &&
	       traced_is(traced[1], second, second_words);
}

static void test_traced(void)
{
	void *p, *blocks[2];

	pool_start(NULL);
	shim_exact_node = true;
	shim_trace_hook = note_traced;
	nr_traced = 0;
	p = bytepool_alloc(pool, 5000, GFP_KERNEL);
	EXPECT(traced_were("grow: pool=basic class=5120 ", "blocks=1 bytes=8192 node=0 gfp=some",
			   "alloc: pool=basic size=5000 class=5120 ", " miss caller="));
	bytepool_free(pool, p);
	EXPECT(traced_were("free: pool=basic class=5120 ", "caller=", NULL, NULL));
	p = bytepool_alloc(pool, 5120, GFP_ATOMIC);
	EXPECT(traced_were("alloc: pool=basic size=5120 class=5120 ", " hit ", NULL, NULL));
	bytepool_free(pool, p);
	EXPECT(traced_were("free: ", "", NULL, NULL));
	bytepool_free(pool, p);
	EXPECT(traced_were("bad_free: pool=basic ", "why=\"", NULL, NULL));
	EXPECT(!bytepool_alloc(pool, SZ_1G, GFP_KERNEL));
	EXPECT(traced_were("alloc: pool=basic size=1073741824 class=0 ", " failed ", NULL, NULL));
	shim_clock_advance(HZ);
	bytepool_trim(pool);
	EXPECT(traced_were("shrink: pool=basic class=5120 blocks=1 bytes=8192 ", "age_ms=1000",
			   "gc: pool=basic why=trim ", "blocks=1 bytes=8192 held=0"));

	EXPECT(bytepool_alloc_bulk(pool, SZ_64K, GFP_KERNEL, 2, blocks) == 2 && nr_traced == 4);
	EXPECT(strstr(traced[3], " miss "));
	nr_traced = 0;
	bytepool_free_bulk(pool, 2, blocks);
	EXPECT(traced_were("free: ", "class=65536", "free: ", "class=65536"));
	EXPECT(bytepool_alloc_bulk(pool, SZ_64K, GFP_KERNEL, 2, blocks) == 2);
	EXPECT(traced_were("alloc: ", " hit ", "alloc: ", " hit "));
	bytepool_free_bulk(pool, 2, blocks);
	EXPECT(traced_were("free: ", "class=65536", "free: ", "class=65536"));
	/* The first scan closes the cache, and the second one takes a block of it. */
	EXPECT(shim_shrink(16) == 0 && shim_shrink(16) == 16);
	EXPECT(traced_were("shrink: ", "bytes=65536", "gc: ", "why=pressure blocks=1 bytes=65536"));
	shim_clock_advance(msecs_to_jiffies(400000));
	EXPECT(traced_were("shrink: ", "bytes=65536", "gc: ", "why=age blocks=1 bytes=65536"));
	shim_trace_hook = NULL;
	shim_exact_node = false;
	test_expect_warnings(1);
	pool_stop();
}

const struct test trace_tests[] = {
	{ "tracepoints", test_traced },
	{}
};
