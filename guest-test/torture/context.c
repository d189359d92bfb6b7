// SPDX-License-Identifier: GPL-2.0-only
/*
 * The threads and interrupts that actors run in: threads on each CPU, timers in hard and soft
 * interrupts, and tasklets
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "../lib/compat.h"
#include "../lib/hardirq.h"
#include "../lib/worker.h"
#include "actor.h"
#include "burst.h"
#include "context.h"
#include "random.h"
#include "report.h"

/* ns from arming a timer to its interrupt, at most: it comes in the middle of a burst. */
#define DELAY_MAX	50000U

#define NR_THREADS_MAX	64U

/**
 * struct interrupts - the interrupts of a CPU
 * @hard: in hard interrupt
 * @soft: in soft interrupt
 * @tasklet: in soft interrupt, too; scheduled by @hard
 * @hard_actor: of @hard
 * @soft_actor: of @soft
 * @tasklet_actor: of @tasklet
 */
struct interrupts {
	struct hrtimer hard;
	struct hrtimer soft;
	struct tasklet_struct tasklet;
	struct actor *hard_actor;
	struct actor *soft_actor;
	struct actor *tasklet_actor;
};

static struct interrupts *interrupts;	/* of each CPU */
static struct worker threads[NR_THREADS_MAX];
static unsigned int nr_threads;

static enum hrtimer_restart hard_fn(struct hrtimer *timer)
{
	struct interrupts *in = container_of(timer, struct interrupts, hard);

	actor_interrupt(in->hard_actor);
	tasklet_schedule(&in->tasklet);
	return HRTIMER_NORESTART;
}

static enum hrtimer_restart soft_fn(struct hrtimer *timer)
{
	actor_interrupt(container_of(timer, struct interrupts, soft)->soft_actor);
	return HRTIMER_NORESTART;
}

static void tasklet_fn(struct tasklet_struct *tasklet)
{
	actor_interrupt(container_of(tasklet, struct interrupts, tasklet)->tasklet_actor);
}

static void arm(struct actor *a, struct hrtimer *timer, enum hrtimer_mode mode)
{
	if (!hrtimer_active(timer))
		hrtimer_start(timer, ns_to_ktime(random_below(&a->rnd, DELAY_MAX)), mode);
}

/*
 * Arm the timers of @cpu, if the thread runs there. So a CPU has interrupts as long as it has
 * threads, also after it was offline.
 */
static void interrupts_arm(struct actor *a, int cpu)
{
	struct interrupts *in = &interrupts[cpu];

	if (raw_smp_processor_id() != cpu)
		return;
	arm(a, &in->hard, HARDIRQ_TIMER);
	arm(a, &in->soft, HRTIMER_MODE_REL_PINNED_SOFT);
}

static void thread_fn(struct worker *w)
{
	struct actor *a = w->data;

	while (!worker_stopping(w)) {
		interrupts_arm(a, w->cpu);
		actor_burst(a);
	}
}

static int interrupts_init(struct interrupts *in)
{
	in->hard_actor = actor_new(HARDIRQ);
	in->soft_actor = actor_new(SOFTIRQ);
	in->tasklet_actor = actor_new(SOFTIRQ);
	hrtimer_setup(&in->hard, hard_fn, CLOCK_MONOTONIC, HARDIRQ_TIMER);
	hrtimer_setup(&in->soft, soft_fn, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_SOFT);
	tasklet_setup(&in->tasklet, tasklet_fn);
	return in->hard_actor && in->soft_actor && in->tasklet_actor ? 0 : -ENOMEM;
}

static int threads_init(int cpu)
{
	unsigned int i;

	for (i = 0; i < threads_per_cpu && nr_threads < NR_THREADS_MAX; i++) {
		struct actor *a = actor_new(PROCESS);

		if (!a)
			return -ENOMEM;
		threads[nr_threads++] = (struct worker){
			.fn = thread_fn, .data = a, .cpu = cpu, .faulty = true,
		};
	}
	return 0;
}

int contexts_start(void)
{
	unsigned int i;
	int err = 0;
	int cpu;

	interrupts = kcalloc(nr_cpu_ids, sizeof(*interrupts), GFP_KERNEL);
	if (!interrupts)
		return -ENOMEM;
	for_each_online_cpu(cpu) {
		err = err ?: interrupts_init(&interrupts[cpu]);
		err = err ?: threads_init(cpu);
	}
	for (i = 0; !err && i < nr_threads; i++)
		err = worker_start(&threads[i], "torture-actor");
	return err;
}

void contexts_stop(void)
{
	unsigned int i;
	int cpu;

	for (i = 0; i < nr_threads; i++)
		worker_stop(&threads[i]);
	nr_threads = 0;
	for (cpu = 0; interrupts && cpu < nr_cpu_ids; cpu++) {
		if (!interrupts[cpu].hard_actor)
			continue;
		hrtimer_cancel(&interrupts[cpu].hard);
		hrtimer_cancel(&interrupts[cpu].soft);
		tasklet_kill(&interrupts[cpu].tasklet);
	}
	kfree(interrupts);
	interrupts = NULL;
}
