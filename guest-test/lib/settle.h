/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that prefer a CPU.
 */
#ifndef _BYTEPOOL_TEST_SETTLE_H
#define _BYTEPOOL_TEST_SETTLE_H

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/sched.h>

/*
 * Not kthread_bind(): a CPU that went offline takes a binding with it. And not
 * to a CPU that is just going: PREEMPT_RT warns of that.
 */
static inline void settle_on(int cpu)
{
	if (raw_smp_processor_id() == cpu || !cpus_read_trylock())
		return;
	if (cpu_online(cpu))
		set_cpus_allowed_ptr(current, cpumask_of(cpu));
	cpus_read_unlock();
}

#endif /* _BYTEPOOL_TEST_SETTLE_H */
