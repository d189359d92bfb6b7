// SPDX-License-Identifier: GPL-2.0-only
/*
 * Give all idle memory back before an event of the system: memory goes offline, or the
 * system hibernates. A kernel that is configured without one of these never reports it.
 *
 * The kernel holds locks during these calls, such as that of CPU hotplug. This cannot
 * deadlock, because nothing waits for such a lock while it holds a lock that a trim takes.
 */
#include <linux/memory.h>
#include <linux/notifier.h>
#include <linux/suspend.h>

#include "events.h"
#include "gc.h"

/*
 * No pool has memory in the pages that go offline, because the kernel refuses earlier if one
 * does. Idle memory may be the only reason why the next memory block cannot go offline.
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

/* Unregister the notifiers, and wait for calls that are under way. */
void bp_events_exit(void)
{
	unregister_pm_notifier(&pm_block);
	unregister_memory_notifier(&memory_block);
}
