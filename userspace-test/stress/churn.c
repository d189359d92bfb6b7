// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools that come and go while the GC and readers of sysfs walk them.
 */
#include <stdio.h>

#include "stress.h"

static void *churner(void *arg)
{
	long who = (long)arg;
	char name[32];
	void *p;

	shim_cpu_enter(who);
	while (!stopped()) {
		struct bytepool *pool;

		shim_libc(snprintf(name, sizeof(name), "churn-%ld", who));
		pool = bytepool_create(name, NULL);
		EXPECT(!IS_ERR(pool));
		p = bytepool_alloc(pool, 1 + rnd(9000), GFP_KERNEL);
		bytepool_free(pool, p);
		if (rnd(2))
			sleep_us(rnd(3000));
		bytepool_destroy(pool);
	}
	shim_cpu_exit();
	return NULL;
}

static void test_churn(void)
{
	unsigned long end = jiffies + msecs_to_jiffies(seconds * 100);
	pthread_t threads[3];
	char text[4096];
	long i;

	*shim_param_gc_interval_ms = 10;
	*shim_param_idle_timeout_ms = 1;
	test_module_start();
	stop_set(false);
	for (i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, churner, (void *)i);
	while (time_before(jiffies, end)) {
		shim_sysfs_read("bytepool/bytes_held", text);
		shim_sysfs_read("bytepool/pools/churn-1/stats/allocs", text);
		shim_sysfs_write("bytepool/pools/churn-2/trim", "1");
		shim_sysfs_write("bytepool/idle_timeout_ms", "1");
		if (!rnd(8))
			shim_sysfs_write("bytepool/trim", "1");
		sleep_us(100);
	}
	stop_set(true);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	test_module_stop();
}

const struct test churn_tests[] = {
	{ "pools come and go", test_churn },
	{}
};
