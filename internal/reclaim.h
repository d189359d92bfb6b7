/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The steps of a GC pass: close caches, drain them, reap slabs.
 *
 * A pass closes the caches that have blocks to give back. After a grace period it
 * moves those blocks to their depots, and gives the oldest slabs there back.
 *
 * gc_lock is not held over the grace period. Each closed cache has a mark that tells
 * when its own has ended. After that, any pass may drain the cache. The drain takes all
 * blocks for which any pass has closed it. So each pass finds its blocks in the depots.
 */
#ifndef _BP_RECLAIM_H
#define _BP_RECLAIM_H

#include <linux/limits.h>
#include <linux/types.h>

#include "age.h"
#include "types.h"

/* Reap all that the pass wants. */
#define BP_REAP_ALL	((unsigned long)LONG_MAX)

/*
 * A turn of a pass puts the blocks of at most this many magazines back into their slabs. So
 * no pool, and no caller that reclaims memory, waits long.
 */
#define BP_TURN_MAGAZINES	256U

/* The result of a pass: blocks and bytes given back, and magazines that were freed. */
struct bp_gc_reaped {
	unsigned long blocks;
	unsigned long bytes;
	unsigned int magazines;
};

unsigned int bp_class_flush_magazines(struct bp_class *class, const struct bp_gc_pass *pass,
				      unsigned int most);
bool bp_class_recall(struct bp_class *class, bool always);
bool bp_class_drain_recalled(struct bp_class *class);
void bp_pool_wait_for_grace(struct bytepool *pool);
struct bp_gc_reaped bp_class_reap(struct bp_class *class, const struct bp_gc_pass *pass,
				  unsigned long most);
void bp_pool_wait_for_reap(struct bytepool *pool);
bool bp_pool_close(struct bytepool *pool, const struct bp_gc_pass *pass, enum bp_drain drain);
void bp_pool_drain_soon(struct bytepool *pool);
bool bp_pool_drain(struct bytepool *pool, const struct bp_gc_pass *pass);
struct bp_gc_reaped bp_pool_reap_from(struct bytepool *pool, const struct bp_gc_pass *pass,
				      const char *why, unsigned long bytes, u32 *index);
struct bp_gc_reaped bp_pool_reap(struct bytepool *pool, const struct bp_gc_pass *pass,
				 const char *why, unsigned long bytes);
bool bp_pool_reclaimable(struct bytepool *pool);

#endif /* _BP_RECLAIM_H */
