/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests in hardirq context: hard timers, and calls by other CPUs
 *
 * On PREEMPT_RT, neither may take a spinlock_t, and so neither may call the system's allocator.
 * Lockdep expects this of every kernel. These helpers have it expect this on PREEMPT_RT alone.
 */
#ifndef _BYTEPOOL_TEST_HARDIRQ_H
#define _BYTEPOOL_TEST_HARDIRQ_H

#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/smp.h>

/* The mode of timers whose functions run in hardirq context. */
#define HARDIRQ_TIMER	(IS_ENABLED(CONFIG_PREEMPT_RT) ? HRTIMER_MODE_REL_PINNED_HARD :	\
							HRTIMER_MODE_REL_PINNED)

/* Enclose the body of a function that another CPU has called. */
static inline void remote_call_begin(void)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		lockdep_irq_work_enter(0);
}

static inline void remote_call_end(void)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		lockdep_irq_work_exit(0);
}

struct remote_call {
	smp_call_func_t fn;
	void *data;
};

static inline void remote_call_fn(void *data)
{
	const struct remote_call *call = data;

	remote_call_begin();
	call->fn(call->data);
	remote_call_end();
}

/* Call a function on a CPU in hardirq context, and wait for it. Return 0 or -errno. */
static inline int remote_call(int cpu, smp_call_func_t fn, void *data)
{
	struct remote_call call = { .fn = fn, .data = data };

	return smp_call_function_single(cpu, remote_call_fn, &call, 1);
}

#endif /* _BYTEPOOL_TEST_HARDIRQ_H */
