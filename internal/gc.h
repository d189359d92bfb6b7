/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The GC: the background work, a pass by age, and a trim.
 */
#ifndef _BP_GC_H
#define _BP_GC_H

#include <linux/types.h>
#include <linux/workqueue.h>

#include "types.h"

void bp_gc_work_fn(struct work_struct *work);
unsigned long bp_pool_gc(struct bytepool *pool, size_t *bytes_held);
bool bp_pool_make_room(struct bytepool *pool, unsigned long trims);
unsigned long bp_pool_reap_idle(struct bytepool *pool, unsigned long bytes);
unsigned long bp_pool_trim(struct bytepool *pool);
void bp_trim_all(void);

#endif /* _BP_GC_H */
