/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The steps of a stress run: what an actor does in each context
 */
#ifndef _BYTEPOOL_TEST_STEPS_H
#define _BYTEPOOL_TEST_STEPS_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "bytepool.h"
#include "../lib/worker.h"

#define NR_THREADS_MAX	16
#define NR_MAILBOXES	256

enum context { PROCESS, SOFTIRQ, HARDIRQ, NR_CONTEXTS };

enum fault { CORRUPT, MISALIGNED, TOO_SMALL, NOT_ZERO, PARTIAL, OVER_LIMIT, REFUSED, NR_FAULTS };

/**
 * struct stress - the parameters of a run
 * @name: prefix of the names of its checks
 * @params: parameters of its pool
 * @largest: largest size to allocate
 * @uniform: all sizes have the same probability; otherwise all magnitudes have
 * @interrupts: use softirq and hardirq context, too
 * @reserves: change reserves at the same time
 * @tight: threads allocate and free without a sleep, and another one trims all the time
 * @may_refuse: the pool has a limit at times, so that allocations may fail
 * @nr_threads: number of threads that allocate and free
 * @seconds: duration
 */
struct stress {
	const char *name;
	struct bytepool_params params;
	size_t largest;
	bool uniform;
	bool interrupts;
	bool reserves;
	bool tight;
	bool may_refuse;
	unsigned int nr_threads;
	unsigned int seconds;
};

/* A sequence of operations, in one context at a time. */
struct actor {
	struct run *run;
	enum context context;
	u16 tag;
	struct rnd_state rnd;
	unsigned long allocs;
	unsigned long frees;
	unsigned long refused;
};

struct interrupts {
	struct hrtimer timer;
	struct tasklet_struct tasklet;
	struct actor hard;
	struct actor soft;
};

struct run {
	const struct stress *stress;
	struct bytepool *pool;
	struct actor threads[NR_THREADS_MAX];
	struct actor remote[NR_THREADS_MAX];
	struct interrupts interrupts[2];
	struct worker workers[NR_THREADS_MAX];
	struct worker admin;
	struct worker sampler;
	atomic_t faults[NR_FAULTS];
	void *mailboxes[NR_MAILBOXES];
	spinlock_t lock;	/* held around some operations, only to have them in that context */
};

void run_fault(struct run *run, enum fault what);
u32 actor_below(struct actor *a, u32 bound);
void actor_step(struct actor *a, gfp_t gfp);
void actor_step_bulk(struct actor *a, gfp_t gfp);
void actor_step_atomic(struct actor *a, struct actor *remote, int cpu);
void actor_arm_timer(struct actor *a, int cpu);
void actor_free(struct actor *a, void *block);
void interrupts_init(struct interrupts *in);
void interrupts_stop(struct interrupts *in);

/* Return true if allocations may fail: at a limit, or because the machine has little memory. */
static inline bool run_may_refuse(const struct run *run)
{
	return run->stress->may_refuse || totalram_pages() < (192UL << 20) >> PAGE_SHIFT;
}

#endif /* _BYTEPOOL_TEST_STEPS_H */
