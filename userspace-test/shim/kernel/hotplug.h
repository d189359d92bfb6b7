/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPU hotplug: hotplug.c.
 */
#ifndef SHIM_KERNEL_HOTPLUG_H
#define SHIM_KERNEL_HOTPLUG_H

enum cpuhp_state {
	CPUHP_INVALID = -1,
	CPUHP_BP_PREPARE_DYN = 20,
};

int cpuhp_setup_state_nocalls(enum cpuhp_state state, const char *name,
			      int (*startup)(unsigned int cpu), int (*teardown)(unsigned int cpu));
void cpuhp_remove_state_nocalls(enum cpuhp_state state);

#endif /* SHIM_KERNEL_HOTPLUG_H */
