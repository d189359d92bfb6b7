// SPDX-License-Identifier: GPL-2.0-only
/*
 * bytepool_insmod_test - a module that uses bytepool.ko from every context
 *
 * A guest script reads /sys/kernel/debug/bytepool_insmod_test/TEST to run
 * TEST, while it does what only userspace can do at the same time.
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/module.h>

#include "test.h"

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

void check(struct seq_file *m, bool ok, const char *of, const char *what, const char *why, ...)
{
	va_list args;

	seq_printf(m, "%s %s: %s", ok ? "ok" : "not ok", of, what);
	if (!ok) {
		seq_puts(m, " # ");
		va_start(args, why);
		seq_vprintf(m, why, args);
		va_end(args);
	}
	seq_putc(m, '\n');
}

void check_emptied(struct seq_file *m, struct bytepool *pool, const char *of, u64 bad_frees)
{
	struct bytepool_stats before, after;

	bytepool_get_stats(pool, &before);
	bytepool_trim(pool);
	bytepool_get_stats(pool, &after);
	check(m, !before.blocks_in_use && !before.bytes_in_use && !after.bytes_held &&
	      !after.blocks_idle && !bytepool_size(pool) && after.bad_frees == bad_frees,
	      of, "nothing is lost",
	      "%llu blocks, %llu bytes in use; after trim %llu held, %llu idle; %llu bad frees, not %llu",
	      before.blocks_in_use, before.bytes_in_use, after.bytes_held, after.blocks_idle,
	      after.bad_frees, bad_frees);
}

/* The reader's thread runs the test, on CPU 0: what else there is has CPU 1 to itself. */
static int test_show(struct seq_file *m, void *v)
{
	const struct test *test = m->private;

	set_cpus_allowed_ptr(current, cpumask_of(0));
	test->run(m);
	return 0;
}

/* What overflows seq_file's buffer is run again: a page holds any test's lines. */
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
	pressure_exit();
}
module_exit(test_exit);

MODULE_DESCRIPTION("Test of bytepool from every context");
MODULE_LICENSE("GPL");
