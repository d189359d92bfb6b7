/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that may prefer a CPU
 */
#ifndef _BYTEPOOL_TEST_WORKER_H
#define _BYTEPOOL_TEST_WORKER_H

#include <linux/completion.h>
#include <linux/prandom.h>
#include <linux/types.h>

struct task_struct;

/**
 * struct worker - a thread
 * @fn: its function; returns when it is done, or once worker_stopping() is true
 * @data: for @fn
 * @cpu: the CPU that it runs on while that is online; -1 for any
 * @faulty: inject faults into its allocations from the system, if the kernel can
 * @rnd: its random numbers, the same in every run
 * @done: completed when @fn has returned
 * @task: the thread
 */
struct worker {
	void (*fn)(struct worker *w);
	void *data;
	int cpu;
	bool faulty;
	struct rnd_state rnd;
	struct completion done;
	struct task_struct *task;
};

int worker_start(struct worker *w, const char *name);
void worker_stop(struct worker *w);
void worker_join(struct worker *w);
bool worker_stopping(struct worker *w);
int workers_start(struct worker *workers, unsigned int nr);
void workers_stop(struct worker *workers, unsigned int nr);
void workers_join(struct worker *workers, unsigned int nr);

#endif /* _BYTEPOOL_TEST_WORKER_H */
