// SPDX-License-Identifier: GPL-2.0-only
/*
 * bytepool_torture - use bytepool in every way at the same time
 *
 * insmod starts the test. It ends after `seconds`, or with rmmod, by one line in the log:
 * `bytepool-torture:--- End of test: SUCCESS: ...`, or FAILURE with the kinds of errors. The
 * line counts everything that happened. A script (guest.sh) does at the same time what only
 * userspace can do, and writes its counts to module parameters.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "actor.h"
#include "admin.h"
#include "churn.h"
#include "context.h"
#include "hostile.h"
#include "pools.h"
#include "report.h"
#include "tune.h"

static unsigned int seconds = 120;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "Duration of the test; 0 = until rmmod (default 120)");

static bool running;

static int running_get(char *buffer, const struct kernel_param *unused)
{
	return sprintf(buffer, "%c\n", READ_ONCE(running) ? 'Y' : 'N');
}

static const struct kernel_param_ops running_ops = { .get = running_get };
module_param_cb(running, &running_ops, NULL, 0444);
MODULE_PARM_DESC(running, "The test has not ended yet");

static unsigned long begin;	/* jiffies */
static struct task_struct *main_task;

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
	report_verdict();
	WRITE_ONCE(running, false);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ / 10);
	return 0;
}

static int __init torture_init(void)
{
	int err;

	begin = jiffies;
	report_begin(seconds);
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
