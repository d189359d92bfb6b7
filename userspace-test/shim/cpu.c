// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that become CPUs and cease to be CPUs. A signal interrupts one.
 */
#include <signal.h>

#include "control.h"
#include "cpu.h"
#include "liburcu.h"

/* The threads that may be interrupted. */
static struct shim_task *cpu_task[nr_cpu_ids];
static pthread_mutex_t cpu_lock = PTHREAD_MUTEX_INITIALIZER;

static void on_signal(int signal)
{
	int saved = errno;

	(void)signal;
	shim_interrupt();
	errno = saved;
}

void shim_cpu_enter(int cpu)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	while (!shim_cpu_take(cpu))
		cpu = (cpu + 1) % nr_cpu_ids;
	shim_self = (struct shim_task){ .cpu = cpu, .random = cpu + 1 };
	pthread_cond_init(&shim_self.woken, NULL);
	shim_self.thread = pthread_self();
	liburcu_register_thread();
	sigaction(SIGUSR1, &action, NULL);
	pthread_mutex_lock(&cpu_lock);
	for (cpu = 0; cpu_task[cpu]; )
		cpu++;
	cpu_task[cpu] = &shim_self;
	shim_self.slot = cpu;
	pthread_mutex_unlock(&cpu_lock);
	shim_self.there = true;
}

void shim_cpu_exit(void)
{
	struct shim_task *self = &shim_self;

	if (self->preempt || self->irqs_off || self->spins)
		shim_die("CPU %d ends in atomic context", self->cpu);
	pthread_mutex_lock(&cpu_lock);
	cpu_task[self->slot] = NULL;
	pthread_mutex_unlock(&cpu_lock);
	self->there = false;
	liburcu_unregister_thread();
	shim_cpu_release(self->cpu);
}

/* The other CPU is in task context, whatever this one does. */
bool shim_cpu_run_other(int cpu, void (*fn)(void))
{
	struct shim_task *self = &shim_self;
	struct shim_task saved = *self;

	if (self->spins || !shim_cpu_take(cpu))
		return false;
	self->cpu = cpu;
	self->preempt = 0;
	self->irqs = 0;
	self->irqs_off = false;
	self->irq_pending = false;
	self->hardirq = 0;
	self->softirq = 0;
	self->softirq_pending = false;
	fn();
	if (self->preempt || self->irqs_off || self->spins)
		shim_die("CPU %d is left in atomic context", cpu);
	shim_cpu_release(self->cpu);	/* @fn may have moved to another CPU */
	self->cpu = saved.cpu;
	self->preempt = saved.preempt;
	self->irqs = saved.irqs;
	self->irqs_off = saved.irqs_off;
	self->irq_pending = saved.irq_pending;
	self->hardirq = saved.hardirq;
	self->softirq = saved.softirq;
	self->softirq_pending = saved.softirq_pending;
	return true;
}

void shim_interrupt_all(void)
{
	unsigned int cpu;

	pthread_mutex_lock(&cpu_lock);
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		if (cpu_task[cpu] && cpu_task[cpu] != &shim_self)
			pthread_kill(cpu_task[cpu]->thread, SIGUSR1);
	}
	pthread_mutex_unlock(&cpu_lock);
}
