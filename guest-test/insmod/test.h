/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the insmod test share. Each test is a file of debugfs: to
 * read it is to run it, and what one reads are its checks, a line for each.
 */
#ifndef _BYTEPOOL_TEST_H
#define _BYTEPOOL_TEST_H

#include <linux/prandom.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/types.h>

#include "bytepool.h"
#include "../lib/compat.h"
#include "../lib/worker.h"

/* PREEMPT_RT allocates nothing there. */
#define HARDIRQ_MAY_REFUSE	IS_ENABLED(CONFIG_PREEMPT_RT)

/* main.c: "ok OF: WHAT", or "not ok OF: WHAT # WHY". */
__printf(5, 6)
void check(struct seq_file *m, bool ok, const char *of, const char *what, const char *why, ...);
/* Whether @pool has nothing in use, gives back all it holds, and saw @bad_frees bad frees. */
void check_emptied(struct seq_file *m, struct bytepool *pool, const char *of, u64 bad_frees);

/* The guest lets warnings pass between these two, and looks for them there. */
static inline void expect_warning_begin(const char *name)
{
	pr_info("bytepool-test: expect-warning begin %s\n", name);
}

static inline void expect_warning_end(void)
{
	pr_info("bytepool-test: expect-warning end\n");
}

/* block.c */
void block_fill(void *block, size_t size, u16 tag);
bool block_intact(const void *block, size_t size);
bool block_zero(const void *block, size_t size);
bool block_aligned(const void *block, size_t size);

/* The tests, by file. Each starts on CPU 0. */
void stress_contexts(struct seq_file *m);
void stress_hotplug(struct seq_file *m);
void stress_small(struct seq_file *m);
void stress_limit(struct seq_file *m);
void stress_original(struct seq_file *m);

void race_threads(struct seq_file *m);
void race_trim(struct seq_file *m);
void race_bulk(struct seq_file *m);
void race_hardirq(struct seq_file *m);
void race_limit(struct seq_file *m);
void race_ring(struct seq_file *m);

void reserve_hardirq(struct seq_file *m);
void reserve_wait(struct seq_file *m);
void reserve_wait_many(struct seq_file *m);

void age_idle(struct seq_file *m);
void age_busy(struct seq_file *m);
void age_offline(struct seq_file *m);
void trim_offline(struct seq_file *m);

void hostile_gfp(struct seq_file *m);
void hostile_sizes(struct seq_file *m);
void hostile_frees(struct seq_file *m);
void hostile_leak(struct seq_file *m);

void hold_begin(struct seq_file *m);
void hold_end(struct seq_file *m);
void hold_system(struct seq_file *m);
void hold_scopes(struct seq_file *m);
void hold_exit(void);
void pressure_begin(struct seq_file *m);
void pressure_again(struct seq_file *m);
void pressure_end(struct seq_file *m);
void pressure_exit(void);

void numa_local(struct seq_file *m);
void numa_named(struct seq_file *m);
void numa_home(struct seq_file *m);
void numa_order(struct seq_file *m);
void numa_order_named(struct seq_file *m);
void numa_limit(struct seq_file *m);
void numa_only(struct seq_file *m);
void numa_reserve(struct seq_file *m);
void numa_reserve_spread(struct seq_file *m);
void numa_wake(struct seq_file *m);
void numa_exhausted(struct seq_file *m);
void numa_trim(struct seq_file *m);
void numa_age(struct seq_file *m);
void numa_ping_pong(struct seq_file *m);
void numa_exchange(struct seq_file *m);

#endif /* _BYTEPOOL_TEST_H */
