/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Per-CPU variables: memory.c.
 */
#ifndef SHIM_KERNEL_PERCPU_H
#define SHIM_KERNEL_PERCPU_H

#include "compiler.h"

#ifndef SHIM_PERCPU_BYTES
#define SHIM_PERCPU_BYTES	32768
#endif
#define alloc_percpu(type)	((type *)shim_alloc_percpu(sizeof(type)))
/* Hide the object from UBSan, for which the areas of other CPUs are out of bounds. */
static inline void *shim_per_cpu(void *p, unsigned int cpu)
{
	__asm__("" : "+r" (p));
	return (char *)p + cpu * SHIM_PERCPU_BYTES;
}

#define per_cpu_ptr(p, cpu)	((typeof(p))shim_per_cpu(p, cpu))
#define this_cpu_ptr(p)		per_cpu_ptr(p, smp_processor_id())
#define raw_cpu_read(x)		(*this_cpu_ptr(&(x)))
#define raw_cpu_write(x, value)	(*this_cpu_ptr(&(x)) = (value))
#define DECLARE_PER_CPU(type, name)	extern type name
/* The initcall clears the section, because loading a module does so, too. */
#define DEFINE_PER_CPU(type, name) \
	type name##_of_cpus[nr_cpu_ids * SHIM_PERCPU_BYTES / sizeof(type)] \
		__attribute__((section("shim_percpu"))); \
	extern type name __attribute__((alias(#name "_of_cpus")))
extern char __start_shim_percpu[], __stop_shim_percpu[];
void *shim_alloc_percpu(size_t size);
void free_percpu(void *p);

#endif /* SHIM_KERNEL_PERCPU_H */
