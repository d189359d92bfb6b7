// SPDX-License-Identifier: GPL-2.0-only
/*
 * KASAN: idle blocks are poisoned.
 */
#ifdef CONFIG_KASAN_GENERIC
#include <sanitizer/asan_interface.h>
#endif

#include "checked.h"

#ifdef CONFIG_KASAN_GENERIC
/* Idle blocks are poisoned, and no byte of a block in use is. */
static void test_kasan(void)
{
	static const unsigned int kinds[] = {
		0, BYTEPOOL_WIPE, BYTEPOOL_POISON, BYTEPOOL_TRACK, BYTEPOOL_SINGLE,
	};
	static const u32 sizes[] = { 8, 48, 4096, 20480, 65536, 1 << 20 };
	unsigned int i, j, k;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct bytepool_params params = { .flags = kinds[i] };

		pool_start(&params);
		for (j = 0; j < ARRAY_SIZE(sizes); j++) {
			void *p[5], *q;

			q = bytepool_alloc(pool, sizes[j], GFP_KERNEL);
			EXPECT(!__asan_region_is_poisoned(q, sizes[j]));
			bytepool_free(pool, q);
			EXPECT(bytepool_alloc_bulk(pool, sizes[j], GFP_KERNEL, 5, p) == 5);
			for (k = 0; k < 5; k++)
				EXPECT(!__asan_region_is_poisoned(p[k], sizes[j]));
			bytepool_free_bulk(pool, 5, p);
			for (k = 0; k < 5; k++)
				EXPECT(__asan_address_is_poisoned(p[k]) &&
				       __asan_address_is_poisoned(p[k] + sizes[j] - 1));
		}
		bytepool_trim(pool);
		pool_stop();
	}
}
#endif

const struct test kasan_tests[] = {
#ifdef CONFIG_KASAN_GENERIC
	{ "KASAN", test_kasan },
#endif
	{}
};
