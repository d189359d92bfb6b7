// SPDX-License-Identifier: GPL-2.0-only
/*
 * bytepool_torture - everything that may happen to bytepool, all at once
 *
 * insmod begins, and after `seconds`, or with rmmod, it ends with one line in
 * the log: `bytepool-torture:--- End of test: SUCCESS: ...` or FAILURE, what was
 * wrong, and how much of everything there was. What only userspace can do, a
 * script does meanwhile (guest.sh), and tells here how often.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/seq_buf.h>

#include "torture.h"

static unsigned int seconds = 120;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "How long it lasts; 0 = until rmmod (default 120)");

unsigned int threads_per_cpu = 2;
module_param(threads_per_cpu, uint, 0444);
MODULE_PARM_DESC(threads_per_cpu, "Threads that allocate and free (default 2)");

bool hotplug = true;
module_param(hotplug, bool, 0444);
MODULE_PARM_DESC(hotplug, "Take CPUs down and up (default y)");

bool may_fail;
module_param(may_fail, bool, 0444);
MODULE_PARM_DESC(may_fail, "Somebody injects faults: any allocation may fail (default n)");

static unsigned long reads, shrinks, faults;
module_param(reads, ulong, 0644);
MODULE_PARM_DESC(reads, "Files that the script has read");
module_param(shrinks, ulong, 0644);
MODULE_PARM_DESC(shrinks, "How often the script had memory reclaimed");
module_param(faults, ulong, 0644);
MODULE_PARM_DESC(faults, "Faults that the kernel has injected, as the script says");

static bool running;

static int running_get(char *buffer, const struct kernel_param *unused)
{
	return sprintf(buffer, "%c\n", READ_ONCE(running) ? 'Y' : 'N');
}

static const struct kernel_param_ops running_ops = { .get = running_get };
module_param_cb(running, &running_ops, NULL, 0444);
MODULE_PARM_DESC(running, "It has not ended yet");

static const char * const error_names[NR_ERRORS] = {
	[ERROR_PATTERN] = "pattern",
	[ERROR_ZERO] = "zero",
	[ERROR_WIPE] = "wipe",
	[ERROR_SIZE] = "size",
	[ERROR_REFUSED] = "refused",
	[ERROR_LIMIT] = "limit",
	[ERROR_RESERVE] = "reserve",
	[ERROR_BAD_FREES] = "bad_frees",
	[ERROR_STATS] = "stats",
	[ERROR_CREATE] = "create",
	[ERROR_TUNE] = "tune",
	[ERROR_CPU] = "cpu",
	[ERROR_LOST] = "lost",
};

struct totals totals;
static atomic_t errors[NR_ERRORS];
static unsigned long begin;	/* jiffies */
static struct task_struct *main_task;

static unsigned int torture_seconds(void)
{
	return jiffies_to_msecs(jiffies - begin) / MSEC_PER_SEC;
}

/* Any context. */
void torture_error(enum error what, const char *fmt, ...)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 10);
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	/* The first of a kind is told in any case. */
	if (atomic_inc_return(&errors[what]) > 1 && !__ratelimit(&limit))
		return;
	va_start(args, fmt);
	vaf.va = &args;
	pr_alert("bytepool-torture:!!! %s after %u s: %pV\n", error_names[what],
		 torture_seconds(), &vaf);
	va_end(args);
}

static bool describe_errors(struct seq_buf *s)
{
	bool failed = false;
	unsigned int i;

	for (i = 0; i < NR_ERRORS; i++) {
		int nr = atomic_read(&errors[i]);

		if (!nr)
			continue;
		seq_buf_printf(s, " %s errors %d,", error_names[i], nr);
		failed = true;
	}
	return failed;
}

static void verdict(void)
{
	unsigned long nr_reads = data_race(reads);	/* the script may just write to it */
	unsigned long nr_shrinks = data_race(shrinks);	/* and to it */
	unsigned long nr_faults = data_race(faults);	/* and to it */
	char wrong[400];
	struct seq_buf s;
	bool failed;

	seq_buf_init(&s, wrong, sizeof(wrong));
	wrong[0] = '\0';
	failed = describe_errors(&s);
	pr_alert("bytepool-torture:--- End of test: %s:%.*s allocs=%llu frees=%llu bulk=%llu cross_cpu=%llu softirq=%llu hardirq=%llu failures=%llu bad_frees=%llu/%llu races=%llu faults=%lu toggles=%llu pools=%llu reserves=%llu trims=%llu reads=%lu tunings=%llu shrinks=%lu seconds=%u\n",
		 failed ? "FAILURE" : "SUCCESS", (int)seq_buf_used(&s), wrong, totals.allocs,
		 totals.frees, totals.bulk, totals.cross_cpu, totals.softirq, totals.hardirq,
		 totals.failures, totals.injected, totals.counted, totals.races, nr_faults,
		 totals.toggles, totals.pools, totals.reserves, totals.trims, nr_reads,
		 totals.tunings, nr_shrinks, torture_seconds());
}

static int start(void)
{
	int err;

	err = pools_create();
	err = err ?: hostile_first();
	err = err ?: contexts_start();
	err = err ?: admin_start();
	err = err ?: churn_start();
	err = err ?: tune_start();
	err = err ?: hostile_start();
	return err;
}

static void stop(void)
{
	tune_stop();
	hostile_stop();
	churn_stop();
	contexts_stop();
	admin_stop();
	actors_drain();
}

static void finish(void)
{
	actors_total();
	pools_finish();
	pools_destroy();
	actors_free();
}

static int main_fn(void *unused)
{
	unsigned long end = begin + seconds * HZ;

	while (!kthread_should_stop() && (!seconds || time_before(jiffies, end)))
		schedule_timeout_interruptible(HZ / 10);
	stop();
	finish();
	verdict();
	WRITE_ONCE(running, false);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ / 10);
	return 0;
}

static int __init torture_init(void)
{
	int err;

	begin = jiffies;
	pr_alert("bytepool-torture:--- Start of test: seconds=%u threads_per_cpu=%u hotplug=%d may_fail=%d\n",
		 seconds, threads_per_cpu, hotplug, may_fail);
	err = start();
	if (!err) {
		running = true;
		main_task = kthread_run(main_fn, NULL, "torture");
		err = PTR_ERR_OR_ZERO(main_task);
	}
	if (!err)
		return 0;
	running = false;
	stop();
	pools_destroy();
	actors_free();
	return err;
}
module_init(torture_init);

static void __exit torture_exit(void)
{
	kthread_stop(main_task);
}
module_exit(torture_exit);

MODULE_DESCRIPTION("Torture of bytepool");
MODULE_LICENSE("GPL");
