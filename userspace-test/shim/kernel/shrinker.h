/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shrinkers and the account of reclaim: shrinker.c.
 */
#ifndef SHIM_KERNEL_SHRINKER_H
#define SHIM_KERNEL_SHRINKER_H

#include <urcu/list.h>

#include "compiler.h"

struct shrink_control {
	unsigned long nr_to_scan;
	unsigned long nr_scanned;
};

struct shrinker {
	struct cds_list_head list;
	unsigned long (*count_objects)(struct shrinker *shrinker, struct shrink_control *sc);
	unsigned long (*scan_objects)(struct shrinker *shrinker, struct shrink_control *sc);
	void *private_data;
	long batch;
	int seeks;
	unsigned int scans;
};

#define DEFAULT_SEEKS		2
#define SHRINK_STOP		(~0UL)
#define NOTIFY_OK	1

struct notifier_block {
	int (*notifier_call)(struct notifier_block *nb, unsigned long action, void *data);
};

int register_oom_notifier(struct notifier_block *nb);
int unregister_oom_notifier(struct notifier_block *nb);

#define MEM_ONLINE		1
#define MEM_GOING_OFFLINE	2

int register_memory_notifier(struct notifier_block *nb);
void unregister_memory_notifier(struct notifier_block *nb);

#define PM_HIBERNATION_PREPARE	1
#define PM_SUSPEND_PREPARE	3

int register_pm_notifier(struct notifier_block *nb);
int unregister_pm_notifier(struct notifier_block *nb);

__printf(2, 3) struct shrinker *shrinker_alloc(unsigned int flags, const char *fmt, ...);
void shrinker_register(struct shrinker *shrinker);
void shrinker_free(struct shrinker *shrinker);
__printf(2, 3) int register_shrinker(struct shrinker *shrinker, const char *fmt, ...);
void unregister_shrinker(struct shrinker *shrinker);

struct reclaim_state {
	unsigned long reclaimed;
	unsigned long reclaimed_slab;
};

struct task_struct {
	struct reclaim_state *reclaim_state;
};

extern __thread struct task_struct shim_task;
#define current			(&shim_task)
#define task_pid_nr(task)	((void)(task), 1)
void mm_account_reclaimed_pages(unsigned long pages);

#endif /* SHIM_KERNEL_SHRINKER_H */
