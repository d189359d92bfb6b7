// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of sysfs.
 */
#include "basic.h"

static void test_init_on(void)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		shim_init_on_alloc = i == 1;
		shim_init_on_free = i == 2;
		test_module_start();
		EXPECT(sysfs_reads("bytepool/pools/system/flags", i ? "0x4\n" : "0\n"));
		test_module_stop();
	}
	shim_init_on_free = false;
}

static void test_sysfs(void)
{
	static const char * const bad[] = {
		"", "x", "-1", "4294967296", "1x", "18446744073709551616",
	};
	static const char * const files[] = {
		"bytepool/idle_timeout_ms", "bytepool/gc_interval_ms", "bytepool/trim",
		"bytepool/pools/basic/idle_timeout_ms", "bytepool/pools/basic/gc",
		"bytepool/pools/basic/trim",
	};
	unsigned int i, j;

	pool_start(NULL);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		for (j = 0; j < ARRAY_SIZE(bad); j++) {
			ssize_t err = shim_sysfs_write(files[i], bad[j]);

			EXPECT(err == -EINVAL || err == -ERANGE);
		}
	}
	/* This number is BYTEPOOL_TIMEOUT_NEVER. */
	EXPECT(shim_sysfs_write("bytepool/idle_timeout_ms", "4294967295") == -ERANGE);
	EXPECT(shim_sysfs_write("bytepool/pools/basic/idle_timeout_ms", "4294967295") == -ERANGE);
	EXPECT(sysfs_reads("bytepool/idle_timeout_ms", "300000\n"));
	EXPECT(sysfs_reads("bytepool/gc_interval_ms", "10000\n"));
	EXPECT(shim_sysfs_write("bytepool/gc_interval_ms", "9") == -ERANGE);
	EXPECT(shim_sysfs_write("bytepool/gc_interval_ms", "3600001") == -ERANGE);
	EXPECT(shim_sysfs_write("bytepool/gc_interval_ms", "3600000\n") == 8);
	EXPECT(sysfs_reads("bytepool/gc_interval_ms", "3600000\n"));
	EXPECT(shim_sysfs_write("bytepool/gc_interval_ms", "10000") == 5);
	EXPECT(shim_sysfs_write("bytepool/trim", "2") == -EINVAL);
	EXPECT(sysfs_reads("bytepool/pools/basic/idle_timeout_ms", "default\n"));
	EXPECT(shim_sysfs_write("bytepool/pools/basic/idle_timeout_ms", "0") == 1);
	EXPECT(sysfs_reads("bytepool/pools/basic/idle_timeout_ms", "0\n"));
	EXPECT(shim_sysfs_write("bytepool/pools/basic/idle_timeout_ms", "77\n") == 3);
	EXPECT(sysfs_reads("bytepool/pools/basic/idle_timeout_ms", "77\n"));
	EXPECT(shim_sysfs_write("bytepool/pools/basic/idle_timeout_ms", "default") == 7);
	EXPECT(sysfs_reads("bytepool/pools/basic/idle_timeout_ms", "default\n"));
	EXPECT(sysfs_reads("bytepool/pools/basic/limit_bytes", "0\n"));
	EXPECT(shim_sysfs_write("bytepool/pools/basic/limit_bytes", "-1") == -EINVAL);
	EXPECT(sysfs_reads("bytepool/pools/basic/min_size", "8\n"));
	EXPECT(sysfs_reads("bytepool/pools/basic/max_size", "4194304\n"));
	EXPECT(sysfs_reads("bytepool/pools/basic/nr_classes", "72\n"));
	bytepool_free(pool, bytepool_alloc(pool, 8192, GFP_KERNEL));
	EXPECT(sysfs_reads("bytepool/bytes_held", "8192\n"));
	EXPECT(sysfs_reads("bytepool/pools/basic/stats/bytes_idle", "8192\n"));
	EXPECT(shim_sysfs_write("bytepool/trim", "1") == 1);
	EXPECT(sysfs_reads("bytepool/bytes_held", "0\n"));
	bytepool_free(pool, bytepool_alloc(pool, 8192, GFP_KERNEL));
	EXPECT(shim_sysfs_write("bytepool/pools/basic/trim", "1") == 1 && !bytepool_size(pool));
	/* A lower limit frees the idle memory above it. */
	bytepool_free(pool, bytepool_alloc(pool, 8192, GFP_KERNEL));
	EXPECT(shim_sysfs_write("bytepool/pools/basic/limit_bytes", "8192") == 4);
	EXPECT(bytepool_size(pool) == 8192);
	EXPECT(shim_sysfs_write("bytepool/pools/basic/limit_bytes", "4096") == 4);
	EXPECT(bytepool_size(pool) == 0);
	pool_stop();
	EXPECT(shim_sysfs_write("bytepool/trim", "1") == -ENOENT);
}

const struct test sysfs_tests[] = {
	{ "the shared pool if the kernel initialises memory", test_init_on },
	{ "sysfs", test_sysfs },
	{}
};
