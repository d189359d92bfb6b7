// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that each prefer a CPU.
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched/task.h>

#include "test.h"

/*
 * Not kthread_bind(): a CPU that went offline takes a binding with it. And not
 * to a CPU that is just going: PREEMPT_RT warns of that.
 */
static void worker_settle(struct worker *w)
{
	if (raw_smp_processor_id() == w->cpu || !cpus_read_trylock())
		return;
	if (cpu_online(w->cpu))
		set_cpus_allowed_ptr(current, cpumask_of(w->cpu));
	cpus_read_unlock();
}

static int worker_main(void *data)
{
	struct worker *w = data;

	worker_settle(w);
	w->fn(w);
	complete(&w->done);
	return 0;
}

bool worker_stopping(struct worker *w)
{
	cond_resched();
	worker_settle(w);
	return kthread_should_stop();
}

int worker_start(struct worker *w)
{
	init_completion(&w->done);
	w->task = kthread_create(worker_main, w, "bytepool_test/%d", w->cpu);
	if (IS_ERR(w->task)) {
		int err = PTR_ERR(w->task);

		w->task = NULL;
		return err;
	}
	/* It may end before worker_stop(). */
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

/* Wait until it has done all it had to do. */
void worker_join(struct worker *w)
{
	wait_for_completion(&w->done);
	worker_stop(w);
}

/* Half of them on each of two CPUs. All or none. */
int workers_start(struct worker *workers, unsigned int nr)
{
	unsigned int i;
	int err;

	for (i = 0; i < nr; i++) {
		workers[i].cpu = i % 2;
		prandom_seed_state(&workers[i].rnd, i + 1);
		err = worker_start(&workers[i]);
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
