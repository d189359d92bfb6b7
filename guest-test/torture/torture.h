/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the torture test share.
 *
 * Blocks travel in parcels, which say what must be written in them. Each pool
 * has mailboxes with a parcel in each, and each actor - a thread, a timer, a
 * tasklet - has one in hand: it puts a block of its own into it, exchanges it
 * for another, and frees what it finds there. So most blocks are freed on
 * another CPU and in another context than they were allocated.
 */
#ifndef _BYTEPOOL_TORTURE_H
#define _BYTEPOOL_TORTURE_H

#include <linux/cache.h>
#include <linux/printk.h>
#include <linux/sizes.h>
#include <linux/types.h>

#include "bytepool.h"

#define NR_SMALL	64U	/* mailboxes of a pool, powers of two */
#define NR_LARGE	8U
#define SMALL_MAX	((u32)SZ_8K)
#define NR_BULK		64U
#define BULK_SIZE_MAX	512U

/*
 * Classes that the actors leave alone in pools of several classes, so that one
 * thread knows all that happens there: one for bad frees, one for reserves.
 */
#define PRIVATE_ABOVE	320U
#define RESERVE_SIZE	384U
#define HOSTILE_SIZE	448U

enum error {
	ERROR_PATTERN,		/* a block's content is not its owner's */
	ERROR_ZERO,		/* asked for zeros, and got something else */
	ERROR_WIPE,		/* another owner's bytes in a BYTEPOOL_WIPE pool */
	ERROR_SIZE,		/* usable size or alignment */
	ERROR_REFUSED,		/* NULL where there must be a block */
	ERROR_LIMIT,		/* more held than the pool's limit */
	ERROR_RESERVE,		/* a reserve was not there */
	ERROR_BAD_FREES,	/* bad frees not counted as injected */
	ERROR_STATS,		/* statistics that contradict each other, or us */
	ERROR_CREATE,		/* a pool was made that must not be, or was not */
	ERROR_TUNE,		/* a tunable */
	ERROR_CPU,		/* a CPU did not go or come */
	ERROR_LOST,		/* memory that did not come back */
	NR_ERRORS
};

/**
 * struct parcel - a block on its way
 * @block: the block; NULL if the parcel is empty
 * @size: how much of it is written to, bytes, a multiple of eight
 * @id: who wrote: see parcel_id()
 * @cpu: where it was allocated
 * @dense: all of @size is written to, not only samples
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
 * @params: what it is made of
 * @system: it is bytepool_system instead
 * @strict: always unlimited, so that who may sleep gets its block
 * @reserves: its reserves change
 * @tuned: its limit changes
 * @lone: only bad frees happen to it
 * @pool: the pool
 * @index: number in torture_pools
 * @largest: size to ask for
 * @injected: bad frees so far; by one thread
 * @before: statistics at the start, not zero for bytepool_system
 * @small: mailboxes for all contexts
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

#define NR_POOLS	12U
extern struct torture_pool torture_pools[NR_POOLS];

enum context { PROCESS, SOFTIRQ, HARDIRQ, NR_CONTEXTS };

/**
 * struct actor - a sequence of allocations and frees, in one place at a time
 * @context: where it acts
 * @owner: its number, in its blocks' patterns
 * @seq: how many allocations it has made, in the patterns, too
 * @rnd: state of its random numbers
 * @parcel: in hand, always empty between steps
 * @own: the first one in hand
 * @bulk: blocks that came and went in bulks
 * @cross_cpu: blocks freed on another CPU
 * @tally: what it did to each pool
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

/* What the verdict tells; each is written by one thread. */
struct totals {
	u64 allocs, frees, failures, bulk, cross_cpu;
	u64 softirq, hardirq;
	u64 injected, counted, races;
	u64 toggles, pools, tunings, reserves, trims;
};

extern struct totals totals;

/**
 * struct worker - a thread
 * @fn: what it does until worker_stopping()
 * @data: for @fn
 * @cpu: which it prefers, while that is online; -1 for none
 * @faulty: allocations of the system fail for it, where the kernel injects faults
 * @task: the thread
 */
struct worker {
	void (*fn)(struct worker *w);
	void *data;
	int cpu;
	bool faulty;
	struct task_struct *task;
};

/* xorshift64*: good enough, and cheap. */
static inline u64 random_next(u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

static inline u32 random_below(u64 *state, u32 bound)
{
	return (random_next(state) >> 32) * bound >> 32;
}

/* main.c */
extern bool may_fail;
extern bool hotplug;
extern unsigned int threads_per_cpu;
__printf(2, 3)
void torture_error(enum error what, const char *fmt, ...);

/* worker.c */
int worker_start(struct worker *w, const char *name);
void worker_stop(struct worker *w);
bool worker_stopping(struct worker *w);

/* pools.c */
int pools_create(void);
void pools_finish(void);
void pools_destroy(void);
struct torture_pool *pool_random(u64 *rnd);

/* pattern.c */
void pattern_fill(const struct parcel *parcel);
bool pattern_check(const struct parcel *parcel, const struct torture_pool *tp);
void pattern_check_zero(const void *block, size_t size, const struct torture_pool *tp);
void pattern_check_wiped(const void *block, size_t size, const struct torture_pool *tp);
u32 parcel_id(unsigned int pool, u8 owner, u32 seq);

/* actor.c */
struct actor *actor_new(enum context context);
void actor_burst(struct actor *a);
void actor_interrupt(struct actor *a);
void actors_drain(void);
void actors_total(void);
void actors_free(void);

/* context.c */
int contexts_start(void);
void contexts_stop(void);

/* admin.c: gc, trim, reserve, statistics, limits */
int admin_start(void);
void admin_stop(void);

/* churn.c: pools and CPUs come and go */
int churn_start(void);
void churn_stop(void);

/* tune.c: files of sysfs */
int tune_start(void);
void tune_stop(void);

/* hostile.c: bad frees */
int hostile_first(void);
int hostile_start(void);
void hostile_stop(void);

#endif /* _BYTEPOOL_TORTURE_H */
