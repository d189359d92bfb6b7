// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts, other CPUs and waits: the events within a call.
 */
#include "internal.h"

#define NEST_MAX	2

/* Make a call that does not sleep, as an interrupt or another CPU. */
static void step_nested(void)
{
	struct model_pool *pool = model_random_pool();
	unsigned int outer = shim_countdown;

	if (!pool || pool->flags & BYTEPOOL_SINGLE)
		return;
	depth++;
	nested++;
	shim_countdown = depth < NEST_MAX && !rnd(4) ? 1 + rnd(20) : 0;
	model_alloc_or_free(pool, true);
	if (!rnd(8))
		test_stats(pool->pool);
	shim_countdown = outer;
	depth--;
}

static void on_hardirq(void)
{
	step_nested();
	if (!rnd(3))
		shim_raise_softirq();
}

static void on_point(void)
{
	if (rnd(2))
		shim_interrupt();
	else
		shim_cpu_run_other(rnd(CPUS), step_nested);
	if (!rnd(2) && depth < NEST_MAX)
		shim_countdown = 1 + rnd(20);
}

static void on_grace(void)
{
	while (rnd(3) && depth < NEST_MAX)
		shim_cpu_run_other(rnd(CPUS), step_nested);
}

static struct model_pool *waiting_pool;
static u32 waiting_class;
static unsigned int waits;

static void free_one_waited_for(void)
{
	struct model_pool *pool = waiting_pool;
	unsigned int i;

	for (i = 0; i < pool->nr_in_use; i++) {
		if (run_class(pool->in_use[i]->run) == &pool->class[waiting_class]) {
			model_free(pool->in_use[i]);
			return;
		}
	}
}

/* Let another CPU free a block for a waiter, sometimes later. */
static void on_wait(void)
{
	waiting_pool = op.pool;
	waiting_class = op.class;
	CHECK(++waits < 2000);
	nested++;
	if (rnd(2))
		shim_cpu_run_other((raw_smp_processor_id() + 1) % CPUS, free_one_waited_for);
}

static void hooks_set(void)
{
	shim_virtual_clock = true;
	shim_backing_born = run_born;
	shim_backing_gone = run_gone;
	shim_point_hook = on_point;
	shim_hardirq = on_hardirq;
	shim_softirq = step_nested;
	shim_grace_hook = on_grace;
	shim_wait_hook = on_wait;
	shim_log_hook = on_message;
}

void model_step(int cpu, unsigned int countdown)
{
	waits = 0;
	shim_cpu_move(cpu);
	shim_countdown = countdown;
}

void model_begin(void)
{
	runs_begin();
	calls_begin();
	interval_ms = 100;
	global_timeout_ms = 1000;
	*shim_param_gc_interval_ms = interval_ms;
	*shim_param_idle_timeout_ms = global_timeout_ms;
	hooks_set();
}
