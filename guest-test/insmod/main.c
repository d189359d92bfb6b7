// SPDX-License-Identifier: GPL-2.0-only
/*
 * bytepool_insmod_test - use bytepool.ko in every context
 *
 * A guest script reads /sys/kernel/debug/bytepool_insmod_test/TEST to run TEST. At the same
 * time it does what only userspace can do.
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "tests.h"

struct test {
	const char *name;
	void (*run)(struct seq_file *m);
};

static const struct test tests[] = {
	{ "stress_contexts", stress_contexts },
	{ "stress_hotplug", stress_hotplug },
	{ "stress_small", stress_small },
	{ "stress_limit", stress_limit },
	{ "stress_original", stress_original },
	{ "race_threads", race_threads },
	{ "race_trim", race_trim },
	{ "race_bulk", race_bulk },
	{ "race_hardirq", race_hardirq },
	{ "race_limit", race_limit },
	{ "race_ring", race_ring },
	{ "reserve_hardirq", reserve_hardirq },
	{ "reserve_wait", reserve_wait },
	{ "reserve_wait_many", reserve_wait_many },
	{ "age_idle", age_idle },
	{ "age_busy", age_busy },
	{ "age_offline", age_offline },
	{ "trim_offline", trim_offline },
	{ "hostile_gfp", hostile_gfp },
	{ "hostile_sizes", hostile_sizes },
	{ "hostile_frees", hostile_frees },
	{ "hostile_leak", hostile_leak },
	{ "hold_begin", hold_begin },
	{ "hold_end", hold_end },
	{ "hold_system", hold_system },
	{ "hold_scopes", hold_scopes },
	{ "idle_begin", idle_begin },
	{ "idle_end", idle_end },
	{ "pressure_pools", pressure_pools },
	{ "pressure_begin", pressure_begin },
	{ "pressure_again", pressure_again },
	{ "pressure_end", pressure_end },
	{ "numa_local", numa_local },
	{ "numa_named", numa_named },
	{ "numa_home", numa_home },
	{ "numa_order", numa_order },
	{ "numa_order_named", numa_order_named },
	{ "numa_limit", numa_limit },
	{ "numa_only", numa_only },
	{ "numa_reserve", numa_reserve },
	{ "numa_reserve_spread", numa_reserve_spread },
	{ "numa_wake", numa_wake },
	{ "numa_exhausted", numa_exhausted },
	{ "numa_trim", numa_trim },
	{ "numa_age", numa_age },
	{ "numa_ping_pong", numa_ping_pong },
	{ "numa_exchange", numa_exchange },
};

/* Run the test in the thread of the reader, on CPU 0. CPU 1 is left to the test's threads. */
static int test_show(struct seq_file *m, void *v)
{
	const struct test *test = m->private;

	set_cpus_allowed_ptr(current, cpumask_of(0));
	test->run(m);
	return 0;
}

/* Use a buffer of a page, which holds the lines of any test: on overflow, show runs again. */
static int test_open(struct inode *inode, struct file *file)
{
	return single_open_size(file, test_show, inode->i_private, PAGE_SIZE);
}

static const struct file_operations test_fops = {
	.owner = THIS_MODULE,
	.open = test_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

static struct dentry *test_dir;

static int __init test_init(void)
{
	unsigned int i;

	test_dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	if (IS_ERR(test_dir))
		return PTR_ERR(test_dir);
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		debugfs_create_file(tests[i].name, 0400, test_dir, (void *)&tests[i], &test_fops);
	return 0;
}
module_init(test_init);

static void __exit test_exit(void)
{
	debugfs_remove(test_dir);
	hold_exit();
	idle_exit();
	pressure_exit();
}
module_exit(test_exit);

MODULE_DESCRIPTION("Test of bytepool from every context");
MODULE_LICENSE("GPL");
