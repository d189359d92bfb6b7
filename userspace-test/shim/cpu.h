/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of a thread that is a CPU. Only the shim uses it.
 */
#ifndef SHIM_CPU_H
#define SHIM_CPU_H

#include "shim.h"

/**
 * struct shim_task - a thread that is a CPU
 * @thread: the thread for libc
 * @woken: signalled when the thread is woken
 * @random: the state of shim_random()
 * @cpu: the number of the CPU
 * @slot: the index in the table of threads
 * @state: TASK_UNINTERRUPTIBLE, or 0 if it may run
 * @preempt: regions with preemption off, one within the other
 * @irqs: such regions that are interrupts
 * @spins: spinlocks held
 * @hardirq: true in an interrupt
 * @softirq: true in a softirq
 * @softirq_pending: a softirq runs after the interrupt
 * @irqs_off: interrupts are masked
 * @irq_pending: an interrupt arrived while they were masked
 * @callback: the thread runs an RCU callback, for which the kernel has a thread of its own
 * @there: true while the thread is a CPU
 */
struct shim_task {
	pthread_t thread;
	pthread_cond_t woken;
	u64 random;
	int cpu;
	int slot;
	int state;
	unsigned int preempt;
	unsigned int irqs;
	unsigned int spins;
	unsigned int hardirq;
	unsigned int softirq;
	bool softirq_pending;
	bool irqs_off;
	bool irq_pending;
	bool callback;
	bool there;
};

extern __thread struct shim_task shim_self;

/* Take a free CPU. Return false if it has a thread. */
bool shim_cpu_take(int cpu);
void shim_cpu_release(int cpu);
/* End a region with preemption off, without an event at its end. */
void shim_section_end(void);
void shim_might_sleep(const char *what);
bool shim_in_section(void);
/* If a work calls this and the clock is virtual, let the time pass, and return true. */
bool shim_work_sleeps(long timeout);
void shim_grace_ends(void);
void shim_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, unsigned long when);

#endif /* SHIM_CPU_H */
