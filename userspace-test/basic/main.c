// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interface, call by call, with the failures of each step and with other events
 * at each point of a call.
 */
#include "basic.h"

int main(void)
{
	shim_cpu_enter(0);
	shim_virtual_clock = true;
	return test_main(lifecycle_tests, alloc_tests, bad_free_tests, sysfs_tests, gc_tests,
			 node_tests, limit_tests, cache_tests, magazine_tests, reserve_tests,
			 grant_tests, failure_tests, context_tests, table_tests);
}
