/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The steps of a GC pass: close caches, drain them, reap slabs.
 *
 * A pass has two halves. The first closes the caches that have blocks to give
 * back. If it closed any, a grace period follows. The second half moves those
 * blocks to their depots, and gives the oldest slabs there back.
 *
 * The background GC also reaps the depots in its first half, and drops gc_lock
 * between the halves. Every other pass holds gc_lock over both.
 */
#ifndef _BP_RECLAIM_H
#define _BP_RECLAIM_H

#include <linux/types.h>

#include "age.h"
#include "types.h"

/* The result of a pass: blocks and bytes given back. */
struct bp_gc_reaped {
	unsigned long blocks;
	unsigned long bytes;
};

bool bp_class_close(struct bp_class *class, const struct bp_gc_pass *pass);
void bp_class_flush_magazines(struct bp_class *class, const struct bp_gc_pass *pass);
void bp_class_drain(struct bp_class *class, const struct bp_gc_pass *pass);
void bp_class_recall(struct bp_class *class, bool always);
struct bp_gc_reaped bp_class_reap(struct bp_class *class, const struct bp_gc_pass *pass,
				  unsigned long most);
void bp_pool_wait_for_reap(struct bytepool *pool);
bool bp_pool_close(struct bytepool *pool, const struct bp_gc_pass *pass);
void bp_pool_drain(struct bytepool *pool, const struct bp_gc_pass *pass);
void bp_pool_flush_magazines(struct bytepool *pool, const struct bp_gc_pass *pass);
unsigned long bp_pool_reap(struct bytepool *pool, const struct bp_gc_pass *pass);
bool bp_pool_reclaimable(struct bytepool *pool);

#endif /* _BP_RECLAIM_H */
