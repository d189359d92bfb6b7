// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPU hotplug.
 */
#include "control.h"

static int (*cpu_teardown)(unsigned int cpu);

int cpuhp_setup_state_nocalls(enum cpuhp_state state, const char *name,
			      int (*startup)(unsigned int cpu), int (*teardown)(unsigned int cpu))
{
	(void)name;
	(void)startup;
	if (shim_should_fail(SHIM_FAIL_OTHER, GFP_KERNEL))
		return -ENOMEM;
	cpu_teardown = teardown;
	return state;
}

void cpuhp_remove_state_nocalls(enum cpuhp_state state)
{
	(void)state;
	cpu_teardown = NULL;
}

void shim_cpu_die(unsigned int cpu)
{
	cpu_teardown(cpu);
}
