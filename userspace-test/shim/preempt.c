// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preemption is a count, and a region without it is a read-side section of liburcu.
 */
#include "control.h"
#include "cpu.h"
#include "liburcu.h"
#include "tsan.h"

unsigned int shim_migrate_odds;

/* TSan's view of the order between read-side sections and grace periods. */
static char section_ends[nr_cpu_ids];
static char grace_ends;

bool shim_in_section(void)
{
	return shim_self.preempt;
}

int smp_processor_id(void)
{
	if (preemptible())
		shim_die("%s() with preemption on", __func__);
	return shim_self.cpu;
}

/* Begin the section before counting, because an interrupt in between has its own. */
void preempt_disable(void)
{
	liburcu_read_lock();
	tsan_acquire(&grace_ends);
	shim_self.preempt++;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void shim_section_end(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	tsan_release(&section_ends[shim_self.cpu]);
	if (!shim_self.preempt--)
		shim_die("preemption is turned on twice");
	liburcu_read_unlock();
}

void preempt_enable(void)
{
	shim_section_end();
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

/* Count only calls of preempt_disable(), not the shim's own within interrupts. */
unsigned int preempt_count(void)
{
	return shim_self.preempt - shim_self.irqs;
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
	shim_section_end();
}

/* Order this thread before sections that begin now, and after those that have ended. */
void shim_grace_ends(void)
{
	unsigned int cpu;

	tsan_release(&grace_ends);
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		tsan_acquire(&section_ends[cpu]);
}
