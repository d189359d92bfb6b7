/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Actors, which allocate and free: their steps with a single block, and the list of all actors
 */
#ifndef _BYTEPOOL_TORTURE_ACTOR_H
#define _BYTEPOOL_TORTURE_ACTOR_H

#include "pools.h"

#define NR_BULK		64U

/* The page allocator never refuses a request of this size that may sleep. */
#define SYSTEM_SIZE_MAX	(PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER)

enum context { PROCESS, SOFTIRQ, HARDIRQ };

/**
 * struct actor - a sequence of allocations and frees, in one place at a time
 * @context: where it acts
 * @owner: its number, which its patterns contain
 * @seq: number of its allocations so far, which the patterns contain, too
 * @rnd: state of its random numbers
 * @parcel: the parcel that it holds, always empty between steps
 * @own: the first one that it holds
 * @bulk: blocks that it allocated and freed in bulk
 * @cross_cpu: blocks that it freed on another CPU
 * @tally: its allocations and frees in each pool
 */
struct actor {
	enum context context;
	u8 owner;
	u32 seq;
	u64 rnd;
	struct parcel *parcel;
	struct parcel own;
	u64 bulk;
	u64 cross_cpu;
	struct tally {
		u64 allocs;
		u64 frees;
		u64 failures;
	} tally[NR_POOLS];
};

struct actor *actor_new(enum context context);
void actor_refused(struct actor *a, struct torture_pool *tp, u32 size, gfp_t gfp);
void actor_take(struct actor *a, struct torture_pool *tp, struct parcel *p, void *block,
		u32 size, gfp_t gfp);
void actor_give(struct actor *a, struct torture_pool *tp, struct parcel *p);
void actors_drain(void);
void actors_total(void);
void actors_free(void);

#endif /* _BYTEPOOL_TORTURE_ACTOR_H */
