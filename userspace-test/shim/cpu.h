/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a thread is while it is a CPU: the shim's own.
 */
#ifndef SHIM_CPU_H
#define SHIM_CPU_H

#include "shim.h"

/**
 * struct shim_task - a thread that is a CPU
 * @thread: its name for libc
 * @woken: it sleeps for that
 * @random: state of shim_random()
 * @cpu: which CPU it is
 * @slot: where it stands in the table of threads
 * @state: TASK_UNINTERRUPTIBLE, or 0 if it is to run
 * @preempt: preemption is off so many times
 * @spins: spinlocks held
 * @hardirq: it is in an interrupt
 * @softirq: it is in a softirq
 * @softirq_pending: one is to run after the interrupt
 * @irqs_off: interrupts are masked
 * @irq_pending: one came while they were
 * @there: the thread is a CPU
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
void shim_grace_ends(void);
void shim_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, unsigned long when);

#endif /* SHIM_CPU_H */
