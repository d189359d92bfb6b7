/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the kernels that the test modules run on
 */
#ifndef _BYTEPOOL_TEST_COMPAT_H
#define _BYTEPOOL_TEST_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/smp.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*fn)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
}
#endif

/*
 * In a hard timer and in a call by another CPU, lockdep expects what only PREEMPT_RT needs: no
 * spinlock_t, and so no call of the system's allocator. What follows has it expect that of
 * PREEMPT_RT alone.
 */

/* The mode of timers whose functions run in hardirq context. */
#define HARDIRQ_TIMER	(IS_ENABLED(CONFIG_PREEMPT_RT) ? HRTIMER_MODE_REL_PINNED_HARD :	\
							HRTIMER_MODE_REL_PINNED)

/* Enclose what a function does that another CPU has called. */
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

#endif /* _BYTEPOOL_TEST_COMPAT_H */
