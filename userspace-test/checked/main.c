// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything that watches over a pool and its users: POISON, TRACK, the shrinker,
 * CPU hotplug, debugfs, tracepoints, and the interfaces of debug kernels.
 */
#include "checked.h"

int main(void)
{
	shim_cpu_enter(0);
	shim_virtual_clock = true;
	return test_main(poison_tests, track_tests, debugfs_tests, shrinker_tests,
			 reclaim_tests, gc_tests, room_tests, hotplug_tests, fault_tests,
			 kasan_tests, trace_tests);
}
