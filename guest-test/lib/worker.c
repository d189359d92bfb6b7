// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that may prefer a CPU
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/smp.h>

#include "worker.h"

/*
 * Move to the worker's CPU, if it prefers one. Use no kthread_bind(), because a CPU that
 * goes offline drops the binding. Do not move to a CPU that is going offline, because
 * PREEMPT_RT warns about that.
 */
static void worker_settle(const struct worker *w)
{
	if (w->cpu < 0 || raw_smp_processor_id() == w->cpu || !cpus_read_trylock())
		return;
	if (cpu_online(w->cpu))
		set_cpus_allowed_ptr(current, cpumask_of(w->cpu));
	cpus_read_unlock();
}

static int worker_main(void *data)
{
	struct worker *w = data;

#ifdef CONFIG_FAULT_INJECTION
	current->make_it_fail = w->faulty;
#endif
	worker_settle(w);
	w->fn(w);
	complete(&w->done);
	return 0;
}

/* Return true if the worker has to end. Let other threads run, and go back to its CPU. */
bool worker_stopping(struct worker *w)
{
	cond_resched();
	worker_settle(w);
	return kthread_should_stop();
}

int worker_start(struct worker *w, const char *name)
{
	struct task_struct *task;

	init_completion(&w->done);
	if (w->cpu < 0)
		task = kthread_create(worker_main, w, "%s", name);
	else
		task = kthread_create(worker_main, w, "%s/%d", name, w->cpu);
	if (IS_ERR(task))
		return PTR_ERR(task);
	/* It may end before worker_stop(). */
	w->task = get_task_struct(task);
	wake_up_process(task);
	return 0;
}

/* Ask the worker to end, and wait for it. Do nothing if it was not started. */
void worker_stop(struct worker *w)
{
	if (!w->task)
		return;
	kthread_stop(w->task);
	put_task_struct(w->task);
	w->task = NULL;
}

/* Wait until the worker's function returns by itself. */
void worker_join(struct worker *w)
{
	wait_for_completion(&w->done);
	worker_stop(w);
}

/* Start all of the workers, one half on each of two CPUs, or none. */
int workers_start(struct worker *workers, unsigned int nr)
{
	unsigned int i;
	int err;

	for (i = 0; i < nr; i++) {
		workers[i].cpu = i % 2;
		prandom_seed_state(&workers[i].rnd, i + 1);
		err = worker_start(&workers[i], "bytepool_test");
		if (err) {
			workers_stop(workers, i);
			return err;
		}
	}
	return 0;
}

void workers_stop(struct worker *workers, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		worker_stop(&workers[i]);
}

void workers_join(struct worker *workers, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		worker_join(&workers[i]);
}
