// SPDX-License-Identifier: GPL-2.0-only
/*
 * BYTEPOOL_POISON: writes to free blocks.
 */
#include <stdio.h>

#include "checked.h"

static void poison_one(u32 size, u32 offset)
{
	unsigned long messages = shim_messages();
	char text[64];
	u8 *p, *q;

	p = bytepool_alloc(pool, size, GFP_KERNEL);
	memset(p, 0xff, size);
	bytepool_free(pool, p);
	q = bytepool_alloc(pool, size, GFP_KERNEL);
	EXPECT(q == p && shim_messages() == messages);
	bytepool_free(pool, q);
	scribble(p + offset, 0x11);
	log_start();
	q = bytepool_alloc(pool, size, GFP_KERNEL);
	log_stop();
	snprintf(text, sizeof(text), "at offset %u:", offset);
	EXPECT(q == p && log_count("was written to") == 1 && log_count(text) == 1);
	bytepool_free(pool, q);
	/* A write is reported once. */
	messages = shim_messages();
	bytepool_free(pool, bytepool_alloc(pool, size, GFP_KERNEL));
	bytepool_trim(pool);
	EXPECT(shim_messages() == messages && !bytepool_size(pool));
}

static void test_poison(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_POISON };
	static const u32 sizes[] = { 8, 48, 2048, 4096, 20480, 65536, 1 << 20 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		pool_start(&params);
		poison_one(sizes[i], 0);
		poison_one(sizes[i], 1);
		poison_one(sizes[i], sizes[i] / 2);
		poison_one(sizes[i], sizes[i] - 2);
		poison_one(sizes[i], sizes[i] - 1);
		pool_stop();
	}
}

/*
 * A block that was never allocated is filled, too, and a block is checked before its memory is
 * freed.
 */
static void test_poison_slab(void)
{
	const struct bytepool_params params = {
		.min_size = 64, .max_size = 64, .flags = BYTEPOOL_POISON,
	};
	unsigned int i, j;
	u8 *p[64], *all;

	pool_start(&params);
	for (i = 0; i < 64; i++)
		p[i] = bytepool_alloc(pool, 64, GFP_KERNEL);
	EXPECT(bytepool_size(pool) == 4096);
	all = (u8 *)((unsigned long)p[0] & PAGE_MASK);
	bytepool_free_bulk(pool, 64, (void **)p);
	scribble(all + 130, 1);
	log_start();
	bytepool_trim(pool);
	EXPECT(log_count("at offset 2:") == 1 && !bytepool_size(pool));

	p[0] = bytepool_alloc(pool, 64, GFP_KERNEL);
	all = (u8 *)((unsigned long)p[0] & PAGE_MASK);
	for (i = 0; i < 4096; i += 64) {
		if (all + i != p[0])
			scribble(all + i + 63, 0);
	}
	log_start();
	for (i = 1; i < 64; i++) {
		p[i] = bytepool_alloc(pool, 64, GFP_KERNEL);
		for (j = 0; j < i; j++)
			EXPECT(p[j] != p[i]);
	}
	/* The rate limit is reached. */
	EXPECT(log_count("at offset 63:") == DEFAULT_RATELIMIT_BURST - 1);
	log_stop();
	bytepool_free_bulk(pool, 64, (void **)p);
	pool_stop();
}

static void test_poison_wipe(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_POISON | BYTEPOOL_WIPE };
	u32 size;
	u8 *p;

	pool_start(&params);
	for (size = 8; size < 100000; size = size * 3 + 8) {
		p = bytepool_alloc(pool, size, GFP_KERNEL);
		EXPECT(bytes_are(p, 0, size));
		memset(p, 0xff, size);
		bytepool_free(pool, p);
		p = bytepool_zalloc(pool, size, GFP_KERNEL);
		EXPECT(bytes_are(p, 0, size));
		bytepool_free(pool, p);
	}
	pool_stop();
}

const struct test poison_tests[] = {
	{ "POISON: a write after free", test_poison },
	{ "POISON: blocks that were never allocated, or whose slab is freed", test_poison_slab },
	{ "POISON and WIPE", test_poison_wipe },
	{}
};
