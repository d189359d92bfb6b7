/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pools that are tortured, all at the same time
 *
 * Blocks travel in parcels. A parcel says what its block must contain. Each pool has
 * mailboxes, each with a parcel in it, and each actor (a thread, a timer or a tasklet) holds
 * one parcel. The actor puts a block of its own into its parcel, exchanges the parcel for
 * the one in a mailbox, and frees the block that it finds there. So most blocks are freed on
 * another CPU and in another context than they were allocated in.
 */
#ifndef _BYTEPOOL_TORTURE_POOLS_H
#define _BYTEPOOL_TORTURE_POOLS_H

#include <linux/cache.h>
#include <linux/sizes.h>
#include <linux/types.h>

#include "bytepool.h"

#define NR_POOLS	12U
#define NR_SMALL	64U	/* mailboxes of a pool, a power of two */
#define NR_LARGE	8U	/* the same */
#define SMALL_MAX	((u32)SZ_8K)

/*
 * Classes that actors do not use in pools of several classes, so that one thread knows all
 * of their allocations and frees: one class for bad frees, one for reserves.
 */
#define PRIVATE_ABOVE	320U
#define RESERVE_SIZE	384U
#define HOSTILE_SIZE	448U

/**
 * struct parcel - a block on its way
 * @block: the block; NULL if the parcel is empty
 * @size: bytes that the owner writes to, a multiple of eight
 * @id: names the owner: see parcel_id()
 * @cpu: where the block was allocated
 * @dense: the owner writes to all of @size, not only to samples of it
 */
struct parcel {
	void *block;
	u32 size;
	u32 id;
	int cpu;
	bool dense;
};

/**
 * struct torture_pool - a pool that is tortured
 * @name: in sysfs
 * @params: parameters of the pool
 * @system: use bytepool_system instead of a new pool
 * @strict: it never has a limit, so that an allocation that may sleep succeeds
 * @reserves: reserves are set and dropped
 * @tuned: the limit is changed
 * @lone: the pool is for bad frees alone
 * @pool: the pool
 * @index: index in torture_pools
 * @largest: largest size to allocate
 * @injected: bad frees so far, counted by one thread
 * @before: statistics at the start, which are not zero for bytepool_system
 * @small: mailboxes for actors of every context
 * @large: mailboxes for threads
 */
struct torture_pool {
	const char *name;
	struct bytepool_params params;
	bool system;
	bool strict;
	bool reserves;
	bool tuned;
	bool lone;
	struct bytepool *pool;
	unsigned int index;
	u32 largest;
	u64 injected;
	struct bytepool_stats before;
	struct parcel *small[NR_SMALL] ____cacheline_aligned_in_smp;
	struct parcel *large[NR_LARGE];
};

extern struct torture_pool torture_pools[NR_POOLS];

int pools_create(void);
void pools_finish(void);
void pools_destroy(void);
struct torture_pool *pool_random(u64 *rnd);

#endif /* _BYTEPOOL_TORTURE_POOLS_H */
