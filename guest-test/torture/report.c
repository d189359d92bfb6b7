// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parameters that all parts of the torture read, and the report of their errors
 */
#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/seq_buf.h>

#include "report.h"

unsigned int threads_per_cpu = 2;
module_param(threads_per_cpu, uint, 0444);
MODULE_PARM_DESC(threads_per_cpu, "Threads on each CPU that allocate and free (default 2)");

bool hotplug = true;
module_param(hotplug, bool, 0444);
MODULE_PARM_DESC(hotplug, "Take CPUs offline and online (default y)");

bool may_fail;
module_param(may_fail, bool, 0444);
MODULE_PARM_DESC(may_fail, "Faults are injected: any allocation may fail (default n)");

static unsigned long reads, shrinks, faults;
module_param(reads, ulong, 0644);
MODULE_PARM_DESC(reads, "Files that the script has read");
module_param(shrinks, ulong, 0644);
MODULE_PARM_DESC(shrinks, "How often the script had memory reclaimed");
module_param(faults, ulong, 0644);
MODULE_PARM_DESC(faults, "Faults that the kernel has injected, counted by the script");

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

static unsigned int seconds_since_begin(void)
{
	return jiffies_to_msecs(jiffies - begin) / MSEC_PER_SEC;
}

/* Count an error, and print it: always the first of a kind, later ones at a limited rate. */
void torture_error(enum error what, const char *fmt, ...)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 10);
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	if (atomic_inc_return(&errors[what]) > 1 && !__ratelimit(&limit))
		return;
	va_start(args, fmt);
	vaf.va = &args;
	pr_alert("bytepool-torture:!!! %s after %u s: %pV\n", error_names[what],
		 seconds_since_begin(), &vaf);
	va_end(args);
}

void report_begin(unsigned int seconds)
{
	begin = jiffies;
	pr_alert("bytepool-torture:--- Start of test: seconds=%u threads_per_cpu=%u hotplug=%d may_fail=%d\n",
		 seconds, threads_per_cpu, hotplug, may_fail);
}

/* Return true if there was an error. */
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

void report_verdict(void)
{
	unsigned long nr_reads = data_race(reads);	/* the script may be writing to it */
	unsigned long nr_shrinks = data_race(shrinks);	/* the same */
	unsigned long nr_faults = data_race(faults);	/* the same */
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
		 totals.tunings, nr_shrinks, seconds_since_begin());
}
