/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a GC pass does: close caches, drain them, reap slabs.
 *
 * A pass has two halves, with a grace period between them if the first closed
 * any cache: close the caches that have something to give; then move that to
 * the depots, and give their oldest slabs back. The background has the depots
 * give what has expired in the first half, too, and drops gc_lock between the
 * halves; all others hold it over both.
 */
#ifndef _BP_RECLAIM_H
#define _BP_RECLAIM_H

#include <linux/types.h>

#include "age.h"
#include "types.h"

/* What a pass has given back. */
struct bp_gc_reaped {
	unsigned long blocks;
	unsigned long bytes;
};

bool bp_class_close(struct bp_class *class, const struct bp_gc_pass *pass);
void bp_class_flush_batches(struct bp_class *class, const struct bp_gc_pass *pass);
void bp_class_drain(struct bp_class *class, const struct bp_gc_pass *pass);
struct bp_gc_reaped bp_class_reap(struct bp_class *class, const struct bp_gc_pass *pass,
				  unsigned long most);
void bp_pool_wait_for_reap(struct bytepool *pool);
bool bp_pool_close(struct bytepool *pool, const struct bp_gc_pass *pass);
void bp_pool_drain(struct bytepool *pool, const struct bp_gc_pass *pass);
void bp_pool_flush_batches(struct bytepool *pool, const struct bp_gc_pass *pass);
unsigned long bp_pool_reap(struct bytepool *pool, const struct bp_gc_pass *pass);
bool bp_pool_reclaimable(struct bytepool *pool);

#endif /* _BP_RECLAIM_H */
