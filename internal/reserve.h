/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reserve: blocks of a class that are always there.
 *
 * A class never falls below its reserve, and the idle blocks of the reserve serve any
 * CPU and context. So the caches together may have no more than the blocks beyond the
 * reserve. Each cache is granted as many blocks as it takes, or none:
 *
 *	blocks in caches <= grants <= blocks - reserve
 *
 * @spare of the class is the difference of the two sides of the last comparison. A
 * grant and the death of a slab take from it, and fail if it is too small.
 *
 * While the cache of a CPU does not accept blocks, the CPU frees to a magazine of the depot if one
 * has room. A single alloc without a node takes blocks from there first. While the reserve binds
 * all slabs, a pass frees only magazines without blocks.
 *
 * The callers may use blocks of the reserve, so that the depots have fewer idle blocks than the
 * reserve. Then no cache accepts blocks, and each free goes to a depot, where the block serves any
 * CPU. The blocks that a cache has had before are beyond the reserve. They serve its CPU alone,
 * until a pass or a task that waits drains the cache.
 *
 * Blocks enter a cache (@accepts) only while the depots have at least @reserve idle blocks, except
 * in a BYTEPOOL_SINGLE pool. An alloc or a pass that leaves fewer closes the caches. A CPU that
 * has its cache accept blocks counts it in @nr_accepting of the class, and then looks at the depots
 * again.
 *
 * A task that waits for a block takes all grants back first. No cache accepts blocks while
 * the task waits. So each free goes to a depot, and wakes the task.
 */
#ifndef _BP_RESERVE_H
#define _BP_RESERVE_H

#include <linux/gfp.h>
#include <linux/types.h>

#include "types.h"

int bp_pool_reserve(struct bytepool *pool, size_t size, unsigned int nr, gfp_t gfp);

#endif /* _BP_RESERVE_H */
