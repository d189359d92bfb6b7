/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When the GC runs: its workqueue, its work item, and bp_pool_wake().
 */
#ifndef _BP_WAKE_H
#define _BP_WAKE_H

#include <linux/types.h>
#include <linux/workqueue.h>

#include "types.h"

extern unsigned int bp_gc_interval_ms;
/* The work item of the GC. Its function is bp_gc_work_fn(). */
extern struct delayed_work bp_gc_work;
/*
 * The workqueue; NULL if a built-in bytepool has not started yet or has failed
 * to. Then there are no pools.
 */
extern struct workqueue_struct *bp_gc_wq;

unsigned long bp_gc_interval(void);
void bp_pool_wake(struct bytepool *pool);
void bp_timeout_changed(struct bytepool *pool);
void bp_gc_drain_within(unsigned long delay);
void bp_gc_begun(void);
void bp_gc_rearm(unsigned long begun);
void bp_gc_interval_changed(void);

#endif /* _BP_WAKE_H */
