// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calling thread as a CPU: its state, and the end of the program from there.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sanitizer/common_interface_defs.h>

#include "control.h"
#include "cpu.h"

__thread struct shim_task shim_self;
__thread unsigned int shim_countdown;
void (*shim_point_hook)(void);

/* The CPUs that have a thread. The next thread of a CPU sees all stores of the last one. */
static bool cpu_taken[nr_cpu_ids];

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

bool shim_cpu_take(int cpu)
{
	return !__atomic_exchange_n(&cpu_taken[cpu], true, __ATOMIC_ACQUIRE);
}

void shim_cpu_release(int cpu)
{
	__atomic_store_n(&cpu_taken[cpu], false, __ATOMIC_RELEASE);
}

bool shim_cpu_move(int cpu)
{
	struct shim_task *self = &shim_self;
	int old = self->cpu;

	if (!shim_cpu_take(cpu))
		return false;
	self->cpu = cpu;
	shim_cpu_release(old);
	return true;
}

int raw_smp_processor_id(void)
{
	return shim_self.cpu;
}

void shim_at_point(void)
{
	if (shim_point_hook && shim_self.there && !shim_self.spins)
		shim_point_hook();
	else
		shim_countdown = 1;
}

void shim_die(const char *fmt, ...)
{
	va_list args;

	shim_self.irqs_off = true;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	fflush(stdout);
	printf("# the kernel would say: ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\nBail out!\n");
	fflush(stdout);
	__sanitizer_print_stack_trace();
	abort();	/* so that a fuzzer keeps the input */
}
