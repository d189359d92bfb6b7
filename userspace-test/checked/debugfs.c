// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of debugfs.
 */
#include <stdio.h>

#include "checked.h"

static char file_text[1 << 20];

static void test_debugfs_classes(void)
{
	static const struct bytepool_params params = { .max_size = 1 << 20 };
	unsigned long long in_use, idle, hits, misses;
	unsigned long slabs, cached;
	unsigned int reserve;
	void *p[5];
	char *line;

	pool_start(&params);
	shim_exact_node = true;
	EXPECT(shim_debugfs_read("bytepool/none/classes", file_text, sizeof(file_text)) == -ENOENT);
	EXPECT(shim_debugfs_read("bytepool/basic/classes", file_text, sizeof(file_text)) > 0);
	EXPECT(text_lines(file_text) == 1);
	EXPECT(shim_debugfs_read("bytepool/basic/blocks", file_text, sizeof(file_text)) == -ENOENT);
	EXPECT(bytepool_alloc_bulk(pool, 100000, GFP_KERNEL, 5, p) == 5);
	bytepool_free_bulk(pool, 3, p);
	bytepool_free(pool, bytepool_alloc(pool, 8, GFP_KERNEL));
	EXPECT(shim_debugfs_read("bytepool/basic/classes", file_text, sizeof(file_text)) > 0);
	EXPECT(text_lines(file_text) == 3);
	line = strstr(file_text, "114688");
	EXPECT(line && sscanf(line, "114688 %lu %llu %llu %lu %u %llu %llu", &slabs, &in_use, &idle,
			      &cached, &reserve, &hits, &misses) == 7);
	EXPECT(slabs == 5 && in_use == 2 && idle == 3 && cached == 3 && hits == 0 && misses == 5);
	EXPECT(reserve == 0);
	bytepool_free_bulk(pool, 2, p + 3);
	EXPECT(bytepool_reserve(pool, 100000, 4, GFP_KERNEL) == 0);
	EXPECT(shim_debugfs_read("bytepool/basic/classes", file_text, sizeof(file_text)) > 0);
	line = strstr(file_text, "114688");
	EXPECT(line && sscanf(line, "114688 %*u %*u %*u %*u %u", &reserve) == 1 && reserve == 4);
	shim_exact_node = false;
	pool_stop();
}

static void test_debugfs_blocks(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_TRACK };
	void *p[100];
	unsigned int i;

	pool_start(&params);
	bytepool_free(bytepool_system, bytepool_alloc(bytepool_system, 64, GFP_KERNEL));
	for (i = 0; i < 100; i++)
		p[i] = alloc_here(i * 100 + 1);
	for (i = 0; i < 50; i++) {
		bytepool_free(pool, p[i]);
		EXPECT(shim_debugfs_read("bytepool/basic/blocks", file_text,
					 sizeof(file_text)) > 0);
		/* A walk that started again may show some blocks twice. */
		EXPECT(text_lines(file_text) >= 100 - i);
	}
	bytepool_free_bulk(pool, 50, p + 50);
	pool_stop();
}

/* A pool does not need debugfs. */
static void test_debugfs_fails(void)
{
	unsigned long nth;

	for (nth = 1; nth < 6; nth++) {
		shim_fail(SHIM_FAIL_DEBUGFS, nth, true);
		pool_start(NULL);
		bytepool_free(pool, bytepool_alloc(pool, 100, GFP_KERNEL));
		pool_stop();
		EXPECT(shim_failed());
		shim_fail(0, 0, false);
	}
}

const struct test debugfs_tests[] = {
	{ "debugfs: classes", test_debugfs_classes },
	{ "debugfs: blocks", test_debugfs_blocks },
	{ "pools without debugfs", test_debugfs_fails },
	{}
};
