// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events of the system before which all idle memory goes: memory goes offline, or the
 * system hibernates. A kernel that is configured without one of them never calls it.
 *
 * The kernel holds locks of its own over these calls, and over some of them the lock
 * against changes of CPUs. Nobody waits for these while a lock of a trim is held.
 */
#include <linux/memory.h>
#include <linux/notifier.h>
#include <linux/suspend.h>

#include "events.h"
#include "gc.h"

/*
 * Memory of a pool can be in none of the pages that go, because the kernel refuses to take those
 * offline before it calls this. What is given back here lets the next block of memory go.
 */
static int memory_notify_fn(struct notifier_block *nb, unsigned long action, void *unused)
{
	if (action == MEM_GOING_OFFLINE)
		bp_trim_all();
	return NOTIFY_OK;
}

/* Hibernation would write idle memory to the disk, and read it again. */
static int pm_notify_fn(struct notifier_block *nb, unsigned long action, void *unused)
{
	if (action == PM_HIBERNATION_PREPARE)
		bp_trim_all();
	return NOTIFY_OK;
}

static struct notifier_block memory_block = { .notifier_call = memory_notify_fn };
static struct notifier_block pm_block = { .notifier_call = pm_notify_fn };

void bp_events_init(void)
{
	register_memory_notifier(&memory_block);
	register_pm_notifier(&pm_block);
}

/* Also wait for calls that are under way. */
void bp_events_exit(void)
{
	unregister_pm_notifier(&pm_block);
	unregister_memory_notifier(&memory_block);
}
