// SPDX-License-Identifier: GPL-2.0-only
/* The key of the detour, and the number of reasons for which it is on. */
#include <linux/jump_label.h>

#include "detour.h"

DEFINE_STATIC_KEY_FALSE(bp_detour_key);

/*
 * Count one reason for the detour. Return 0, as a tracepoint wants it.
 * Context: Process; takes the lock of CPU hotplug.
 */
int bp_detour_begin(void)
{
	static_branch_inc(&bp_detour_key);
	return 0;
}

/* Drop a reason. Context: As for bp_detour_begin(). */
void bp_detour_end(void)
{
	static_branch_dec(&bp_detour_key);
}
