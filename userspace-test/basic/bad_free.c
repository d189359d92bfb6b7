// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frees of addresses that are no block in use of the pool.
 */
#include "basic.h"

void bad_free(const void *p)
{
	u64 bad = stats().bad_frees;

	EXPECT(bytepool_usable_size(pool, p) == 0);
	bytepool_free(pool, p);
	EXPECT(stats().bad_frees == bad + 1);
}

/* Each kind of bad free is reported once with a stack trace. */
static void bad_frees_of(u32 size)
{
	u8 *p = bytepool_alloc(pool, size, GFP_KERNEL);
	u8 *foreign = bytepool_alloc(bytepool_system, size, GFP_KERNEL);
	unsigned long warnings = shim_warnings();
	u8 unknown[16];

	memset(p, 0x77, size);
	bad_free(unknown);
	bad_free((void *)8);
	bad_free((void *)-8L);
	bad_free(p + 1);
	bad_free(p + size - 1);
	bad_free(foreign);
	EXPECT(bytes_are(p, 0x77, size));
	EXPECT(bytepool_usable_size(pool, p) >= size);
	bytepool_free(pool, p);
	bad_free(p);
	EXPECT(shim_warnings() == warnings + 4);
	/* Later ones are reported by a few lines without a stack trace. */
	bad_free(p);
	EXPECT(shim_warnings() == warnings + 4);
	bytepool_trim(pool);
	bad_free(p);
	bytepool_free(bytepool_system, foreign);
	EXPECT(stats().frees == 1);
}

/* The memo has the block. Refuse the free, and keep the cache intact. */
static void test_bad_free_known(void)
{
	void *p;
	int i;

	pool_start(NULL);
	for (i = 0; i < 3; i++) {
		p = bytepool_alloc(pool, 20000, GFP_KERNEL);
		bytepool_free(pool, p);
	}
	bytepool_free(pool, p);
	EXPECT(stats().bad_frees == 1);
	EXPECT(bytepool_alloc(pool, 20000, GFP_KERNEL) == p);
	bytepool_free(pool, p);
	EXPECT(stats().misses == 1 && stats().frees == 4);
	pool_stop();
	test_expect_warnings(1);
}

static void test_bad_frees(void)
{
	static const u32 sizes[] = { 64, 3000, SZ_64K };
	static const unsigned int flags[] = { 0, BYTEPOOL_WIPE, BYTEPOOL_SINGLE };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (j = 0; j < ARRAY_SIZE(flags); j++) {
			const struct bytepool_params params = { .flags = flags[j] };

			pool_start(&params);
			bad_frees_of(sizes[i]);
			pool_stop();
			test_expect_warnings(4);
		}
	}
}

const struct test bad_free_tests[] = {
	{ "bad frees", test_bad_frees },
	{ "a bad free of a block in the memo", test_bad_free_known },
	{}
};
