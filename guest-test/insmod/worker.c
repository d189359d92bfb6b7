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

#include "../lib/settle.h"
#include "test.h"

static int worker_main(void *data)
{
	struct worker *w = data;

	settle_on(w->cpu);
	w->fn(w);
	complete(&w->done);
	return 0;
}

bool worker_stopping(struct worker *w)
{
	cond_resched();
	settle_on(w->cpu);
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
