// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that may prefer a CPU.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "../lib/settle.h"
#include "torture.h"

static int worker_main(void *data)
{
	struct worker *w = data;

#ifdef CONFIG_FAULT_INJECTION
	current->make_it_fail = w->faulty;
#endif
	if (w->cpu >= 0)
		settle_on(w->cpu);
	w->fn(w);
	return 0;
}

bool worker_stopping(struct worker *w)
{
	cond_resched();
	if (w->cpu >= 0)
		settle_on(w->cpu);
	return kthread_should_stop();
}

int worker_start(struct worker *w, const char *name)
{
	w->task = kthread_create(worker_main, w, "torture/%s", name);
	if (IS_ERR(w->task)) {
		int err = PTR_ERR(w->task);

		w->task = NULL;
		return err;
	}
	get_task_struct(w->task);
	wake_up_process(w->task);
	return 0;
}

/* Ask for its end, and wait for it. */
void worker_stop(struct worker *w)
{
	if (!w->task)
		return;
	kthread_stop(w->task);
	put_task_struct(w->task);
	w->task = NULL;
}
