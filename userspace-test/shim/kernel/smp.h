/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUs, nodes, preemption and interrupts: task.c, preempt.c, irq.c.
 */
#ifndef SHIM_KERNEL_SMP_H
#define SHIM_KERNEL_SMP_H

#include "compiler.h"

#ifndef nr_cpu_ids
#define nr_cpu_ids		32U
#endif
#define MAX_NUMNODES		4
#define NUMA_NO_NODE		(-1)
/* A node that has CPUs but no memory, or NUMA_NO_NODE. */
extern int shim_bare_node;
#define N_MEMORY		0
#define node_state(node, state)	((void)(state), (node) < 2 && (node) != shim_bare_node)
#define for_each_node_state(node, state) \
	for ((node) = 0; (node) < 2; (node)++) \
		if (node_state(node, state))
#define node_distance(a, b)	((a) == (b) ? 10 : 20)
#define cpu_to_node(cpu)	((cpu) & 1)
#define cpu_to_mem(cpu)		cpu_to_node(cpu)
#define numa_mem_id()		cpu_to_mem(raw_smp_processor_id())
#define nr_node_ids		2U
#define num_online_cpus()	(nr_cpu_ids < 12 ? nr_cpu_ids : 12U)
#define num_possible_cpus()	nr_cpu_ids
#define for_each_possible_cpu(cpu) \
	for ((cpu) = 0; (cpu) < (int)nr_cpu_ids; (cpu)++)

int raw_smp_processor_id(void);
int smp_processor_id(void);
void preempt_disable(void);
void preempt_enable(void);
bool preemptible(void);
bool irqs_disabled(void);
bool in_hardirq(void);
bool in_task(void);
#define PREEMPT_OFFSET	1
#define PREEMPT_MASK	0xff
unsigned int preempt_count(void);
unsigned long shim_irq_save(void);
void shim_irq_restore(unsigned long flags);
void cond_resched(void);

#endif /* SHIM_KERNEL_SMP_H */
