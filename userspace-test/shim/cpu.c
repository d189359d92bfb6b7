// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs: threads; preemption: a count; interrupts: signals and a flag.
 */
#include <signal.h>

#include "control.h"
#include "cpu.h"
#include "liburcu.h"
#include "tsan.h"

__thread struct shim_task shim_self;
__thread unsigned int shim_countdown;

void (*shim_hardirq)(void);
void (*shim_softirq)(void);
void (*shim_point_hook)(void);
unsigned int shim_migrate_odds;

/* The threads, for those who send interrupts. */
static struct shim_task *cpu_task[nr_cpu_ids];
static pthread_mutex_t cpu_lock = PTHREAD_MUTEX_INITIALIZER;

/* Whether a CPU has a thread. Passing it on, a thread passes on what it did there. */
static bool cpu_taken[nr_cpu_ids];

/* What orders read-side sections and grace periods. */
static char section_ends[nr_cpu_ids];
static char grace_ends;

unsigned int shim_random(void)
{
	struct shim_task *self = &shim_self;

	self->random = self->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return self->random >> 33;
}

void shim_random_seed(unsigned long seed)
{
	shim_self.random = seed;
	shim_random();
}

static bool cpu_take(int cpu)
{
	return !__atomic_exchange_n(&cpu_taken[cpu], true, __ATOMIC_ACQUIRE);
}

static void cpu_release(int cpu)
{
	__atomic_store_n(&cpu_taken[cpu], false, __ATOMIC_RELEASE);
}

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

	while (!cpu_take(cpu))
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
	cpu_release(self->cpu);
}

bool shim_cpu_move(int cpu)
{
	struct shim_task *self = &shim_self;
	int old = self->cpu;

	if (!cpu_take(cpu))
		return false;
	self->cpu = cpu;
	cpu_release(old);
	return true;
}

/* Nothing is interrupted or atomic there, whatever is here. */
bool shim_cpu_run_other(int cpu, void (*fn)(void))
{
	struct shim_task *self = &shim_self;
	struct shim_task saved = *self;

	if (self->spins || !cpu_take(cpu))
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
		shim_die("what CPU %d ran left it in atomic context", cpu);
	cpu_release(self->cpu);	/* it may have been moved */
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

int raw_smp_processor_id(void)
{
	return shim_self.cpu;
}

int smp_processor_id(void)
{
	if (preemptible())
		shim_die("%s() where the CPU may change", __func__);
	return shim_self.cpu;
}

/* The section before the count: an interrupt between them has its own. */
void preempt_disable(void)
{
	liburcu_read_lock();
	tsan_acquire(&grace_ends);
	shim_self.preempt++;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static void section_end(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	tsan_release(&section_ends[shim_self.cpu]);
	if (!shim_self.preempt--)
		shim_die("preemption goes on twice");
	liburcu_read_unlock();
}

void preempt_enable(void)
{
	section_end();
	shim_point();
	if (unlikely(shim_migrate_odds) && preemptible() && !(shim_random() % shim_migrate_odds))
		shim_cpu_move(shim_random() % nr_cpu_ids);
}

bool preemptible(void)
{
	return !shim_self.preempt && !shim_self.irqs_off;
}

bool irqs_disabled(void)
{
	return shim_self.irqs_off;
}

bool in_hardirq(void)
{
	return shim_self.hardirq;
}

bool in_task(void)
{
	return !shim_self.hardirq && !shim_self.softirq;
}

/* Of preempt_disable() alone: that of an interrupt is the shim's. */
unsigned int preempt_count(void)
{
	return shim_self.preempt - shim_self.irqs;
}

void shim_raise_softirq(void)
{
	shim_self.softirq_pending = true;
}

static void irq_run(void)
{
	struct shim_task *self = &shim_self;

	self->irqs_off = true;
	self->irq_pending = false;
	preempt_disable();
	self->irqs++;
	self->hardirq++;
	if (shim_hardirq)
		shim_hardirq();
	self->hardirq--;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (self->softirq_pending && !self->softirq) {
		self->softirq_pending = false;
		self->softirq++;
		self->irqs_off = false;
		if (shim_softirq)
			shim_softirq();
		self->irqs_off = true;
		self->softirq--;
	}
	self->irqs--;
	section_end();
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	self->irqs_off = false;
}

/* One that comes between the last look and the return is for the next time. */
void shim_interrupt(void)
{
	struct shim_task *self = &shim_self;

	if (!self->there)
		return;
	if (self->irqs_off) {
		self->irq_pending = true;
		return;
	}
	irq_run();
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

unsigned long shim_irq_save(void)
{
	bool flags = shim_self.irqs_off;

	shim_self.irqs_off = true;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return flags;
}

void shim_irq_restore(unsigned long flags)
{
	struct shim_task *self = &shim_self;

	if (flags)
		return;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	self->irqs_off = false;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	while (unlikely(self->irq_pending) && !self->irqs_off)
		irq_run();
}

void shim_at_point(void)
{
	if (shim_point_hook && shim_self.there && !shim_self.spins)
		shim_point_hook();
	else
		shim_countdown = 1;
}

void shim_might_sleep(const char *what)
{
	if (shim_self.there && !preemptible())
		shim_die("%s in atomic context", what);
}

void cond_resched(void)
{
	shim_might_sleep(__func__);
	shim_point();
}

void rcu_read_lock(void)
{
	preempt_disable();
}

void rcu_read_unlock(void)
{
	section_end();
}

/* Sections that begin now see what the thread has done; it sees what those that are over did. */
void shim_grace_ends(void)
{
	unsigned int cpu;

	tsan_release(&grace_ends);
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		tsan_acquire(&section_ends[cpu]);
}

bool shim_in_section(void)
{
	return shim_self.preempt;
}
