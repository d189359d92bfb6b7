/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions and variables that the files of the model share.
 */
#ifndef MODEL_INTERNAL_H
#define MODEL_INTERNAL_H

#include "model.h"
#include "internal/types.h"

/* The number of interrupts and other CPUs that the current call is within. */
extern unsigned int depth;
/* The number of events within calls since the start. */
extern unsigned long nested;

/* run.c */
void runs_begin(void);
/* Hooks: the system gave memory to the pool of the current call, or got it back. */
void run_born(void *base, unsigned long bytes, bool mapped);
void run_gone(void *base, unsigned long bytes);
struct class_state *run_class(const struct run *run);
/* Return the time at which the last of the blocks became idle. */
unsigned long run_youngest(const struct run *run);
/* Return a run that is idle and above the reserve, or NULL. */
struct run *run_reclaimable(const struct model_pool *pool);
/* Note that the pool checks the block for writes, because it is allocated or given back. */
void block_looked_at(struct block *block);
unsigned long pool_timeout_jiffies(const struct model_pool *pool);

/* alloc.c */
void calls_begin(void);
/* Return true if the depots have less than the reserve, so that any CPU gets what is freed. */
bool class_is_short(struct bp_class *class);
/* Check the marks in a block in use. */
void block_check(struct block *block);
/* Note that the block is about to be freed, and return its address. */
void *block_leaves(struct block *block);
void check_limit(void);
/* Return true if the system has a run of this size for such a caller. */
bool run_possible(const struct model_pool *pool, u32 size, gfp_t gfp);

/* check.c */
/* Check that nothing is idle for longer than its timeout and @grace. */
void check_gone_by_age(struct model_pool *pool, unsigned long grace);
/* Check that the pool reported each block that was overwritten, up to the rate limit. */
void check_reports(const struct model_pool *pool);
/* A hook: count a report of the module. */
void on_message(const char *message);

#endif /* MODEL_INTERNAL_H */
