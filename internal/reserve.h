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
 * Blocks of the reserve may be in use. While the depots have fewer idle blocks than the
 * reserve, all caches with grants are closed, and each free goes to a depot. So what is freed
 * serves any CPU until the reserve is whole. What the caches have at that time is beyond the
 * reserve, and serves their CPUs.
 *
 * A task that waits for a block takes all grants back first. No CPU is granted blocks
 * while the task waits. So each free goes to a depot, and wakes the task.
 */
#ifndef _BP_RESERVE_H
#define _BP_RESERVE_H

#include <linux/gfp.h>
#include <linux/types.h>

#include "types.h"

int bp_pool_reserve(struct bytepool *pool, size_t size, unsigned int nr, gfp_t gfp);

#endif /* _BP_RESERVE_H */
