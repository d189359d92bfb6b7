// SPDX-License-Identifier: GPL-2.0-only
/*
 * BYTEPOOL_TRACK: the callers that allocated or freed a block.
 */
#include <stdio.h>

#include "checked.h"

static noinline void *alloc_there(u32 size)
{
	void *p = bytepool_zalloc(pool, size, GFP_KERNEL);

	barrier();
	return p;
}

static void test_track(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_TRACK };
	void *blocks[8];
	unsigned int i;

	pool_start(&params);
	test_note_born(true);
	for (i = 0; i < 3; i++)
		alloc_here(1000);
	shim_clock_advance(100 * HZ / 1000);
	alloc_there(1000);
	EXPECT(bytepool_alloc_bulk(pool, 100000, GFP_KERNEL, 1, blocks) == 1);
	test_note_born(false);
	bytepool_free(pool, alloc_here(50));
	log_start();
	bytepool_destroy(pool);
	log_stop();
	test_expect_warnings(1);
	EXPECT(log_count("3 blocks of 1024 bytes were allocated by") == 1);
	EXPECT(log_count("1 blocks of 1024 bytes were allocated by") == 1);
	EXPECT(log_count("1 blocks of 114688 bytes were allocated by") == 1);
	EXPECT(log_count("the first 100 ms ago") == 1 && log_count("the first 0 ms ago") == 2);
	EXPECT(log_count("blocks of 56 bytes") == 0);
	test_release_born();
	test_module_stop();
}

/* There are more call sites than a report can tell apart. */
static void test_track_many(void)
{
	const struct bytepool_params params = {
		.min_size = 8, .max_size = 4096, .step = 8, .flags = BYTEPOOL_TRACK,
	};
	unsigned int i;
	u32 nr = 0;
	char *line;

	pool_start(&params);
	test_note_born(true);
	for (i = 0; i < 40; i++)
		bytepool_reserve(pool, 8 + 8 * i, 1, GFP_KERNEL);
	test_note_born(false);
	for (i = 0; i < 40; i++)
		alloc_here(8 + 8 * i);
	log_start();
	bytepool_destroy(pool);
	log_stop();
	test_expect_warnings(1);
	EXPECT(log_count("were allocated by other call sites") == 1);
	for (line = log_text; (line = strstr(line, "were allocated by")); line++) {
		char *start = line;
		u32 blocks;

		while (start > log_text && start[-1] != '\n')
			start--;
		if (sscanf(start, "bytepool: basic: %u blocks", &blocks) == 1)
			nr += blocks;
	}
	EXPECT(nr == 40);
	test_release_born();
	test_module_stop();
}

/* A write after free is reported with the caller that freed the block. */
static void test_track_poison(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_TRACK | BYTEPOOL_POISON };
	u8 *p;

	pool_start(&params);
	p = alloc_here(200);
	log_start();
	bytepool_free(pool, p);
	shim_clock_advance(HZ);
	scribble(p + 7, 1);
	EXPECT(alloc_here(200) == p);
	EXPECT(log_count("at offset 7:") == 1 && log_count("it was freed 1000 ms ago by") == 1);
	log_stop();
	bytepool_free(pool, p);
	pool_stop();
}

static void *stale;

static void free_stale(void)
{
	bytepool_free(pool, stale);
	bytepool_trim(pool);
}

/* Free at the next point outside a section. Within a section, the trim would wait for its end. */
static void free_stale_elsewhere(void)
{
	if (!preemptible()) {
		shim_countdown = 1;
		return;
	}
	shim_cpu_run_other(5, free_stale);
}

/*
 * A stale pointer to a block is freed while another caller is about to get the block. The free
 * is refused.
 */
static void test_stale_free(void)
{
	static const unsigned int flags[] = {
		BYTEPOOL_TRACK, BYTEPOOL_POISON, BYTEPOOL_TRACK | BYTEPOOL_POISON,
	};
	unsigned long warnings = shim_warnings();
	unsigned int i, point;
	void *p;

	shim_point_hook = free_stale_elsewhere;
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		const struct bytepool_params params = { .flags = flags[i] };

		pool_start(&params);
		for (point = 1; point < 80; point++) {
			stale = bytepool_alloc(pool, 4096, GFP_KERNEL);
			bytepool_free(pool, stale);
			shim_countdown = point;
			p = bytepool_alloc(pool, 4096, GFP_KERNEL);
			shim_countdown = 0;
			EXPECT(bytepool_usable_size(pool, p) == 4096);
			bytepool_free(pool, p);
		}
		EXPECT(stats().bad_frees);
		pool_stop();
	}
	shim_point_hook = NULL;
	test_expect_warnings(shim_warnings() - warnings);
}

const struct test track_tests[] = {
	{ "TRACK: callers that leak", test_track },
	{ "TRACK: many callers that leak", test_track_many },
	{ "TRACK and POISON", test_track_poison },
	{ "a stale free during an allocation", test_stale_free },
	{}
};
