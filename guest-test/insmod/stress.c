// SPDX-License-Identifier: GPL-2.0-only
/*
 * All contexts use one pool at the same time
 *
 * Threads (with and without a lock, with bottom halves or interrupts off), tasklets, timer
 * interrupts and interrupts from the other CPU allocate blocks of random sizes, and fill them.
 * They exchange them through mailboxes, so that most blocks are freed on another CPU and in
 * another context than they were allocated in.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../lib/worker.h"
#include "block.h"
#include "check.h"
#include "steps.h"
#include "tests.h"

#define RESERVE_MAX	8
#define SHARE		100

static void thread_fn(struct worker *w)
{
	struct actor *a = w->data;
	struct run *run = a->run;
	struct actor *remote = &run->remote[a - run->threads];

	while (!worker_stopping(w)) {
		actor_step(a, GFP_KERNEL);
		actor_step(a, actor_below(a, 2) ? GFP_NOIO : GFP_KERNEL | __GFP_NORETRY);
		actor_step_bulk(a, GFP_KERNEL);
		if (run->stress->interrupts)
			actor_step_atomic(a, remote, w->cpu);
	}
}

static void tight_thread_fn(struct worker *w)
{
	struct actor *a = w->data;
	unsigned int i;

	while (!worker_stopping(w)) {
		actor_arm_timer(a, w->cpu);
		for (i = 0; i < 50; i++) {
			actor_step(a, GFP_NOWAIT | __GFP_NOWARN);
			actor_step_bulk(a, GFP_NOWAIT | __GFP_NOWARN);
		}
	}
}

/* Create and destroy another pool. */
static void come_and_go(struct run *run)
{
	struct bytepool *pool = bytepool_create("stress-temporary", NULL);
	void *block;

	if (IS_ERR(pool)) {
		run_fault(run, REFUSED);
		return;
	}
	block = bytepool_zalloc(pool, 5000, GFP_KERNEL);
	if (!block || !block_zero(block, 5000))
		run_fault(run, NOT_ZERO);
	bytepool_free(pool, block);
	bytepool_destroy(pool);
}

static void tight_admin_fn(struct worker *w)
{
	struct run *run = w->data;

	while (!worker_stopping(w))
		bytepool_trim(run->pool);
}

static void admin_fn(struct worker *w)
{
	static const size_t sizes[] = { 8, 100, 3000, 20000, 100000 };
	struct run *run = w->data;
	struct bytepool_stats stats;
	unsigned int i;

	for (i = 0; !worker_stopping(w); i++) {
		size_t size = min(sizes[i % ARRAY_SIZE(sizes)], run->stress->largest);

		if (run->stress->reserves &&
		    bytepool_reserve(run->pool, size, i % RESERVE_MAX, GFP_KERNEL))
			run_fault(run, REFUSED);
		bytepool_gc(run->pool, NULL);
		if (i % 4 == 0)
			bytepool_trim(run->pool);
		come_and_go(run);
		bytepool_get_stats(run->pool, &stats);
		usleep_range(500, 5000);
	}
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		bytepool_reserve(run->pool, min(sizes[i], run->stress->largest), 0, GFP_KERNEL);
}

/* Watch that the pool never holds more than its limit. */
static void sampler_fn(struct worker *w)
{
	struct run *run = w->data;
	size_t limit = run->stress->params.limit_bytes;

	while (!worker_stopping(w)) {
		if (bytepool_size(run->pool) > limit)
			run_fault(run, OVER_LIMIT);
	}
}

static void actor_init(struct run *run, struct actor *a, enum context where, u16 tag)
{
	a->run = run;
	a->context = where;
	a->tag = tag;
	prandom_seed_state(&a->rnd, tag);
}

static void run_init(struct run *run, const struct stress *stress)
{
	u16 tag = 1;
	int i;

	run->stress = stress;
	spin_lock_init(&run->lock);
	for (i = 0; i < NR_THREADS_MAX; i++) {
		actor_init(run, &run->threads[i], PROCESS, tag++);
		actor_init(run, &run->remote[i], HARDIRQ, tag++);
		run->workers[i].fn = stress->tight ? tight_thread_fn : thread_fn;
		run->workers[i].data = &run->threads[i];
	}
	for (i = 0; i < 2; i++) {
		struct interrupts *in = &run->interrupts[i];

		actor_init(run, &in->hard, HARDIRQ, tag++);
		actor_init(run, &in->soft, SOFTIRQ, tag++);
		interrupts_init(in);
	}
	run->admin = (struct worker){ .data = run, .cpu = 1 };
	run->admin.fn = stress->tight ? tight_admin_fn : admin_fn;
	run->sampler = (struct worker){ .fn = sampler_fn, .data = run, .cpu = 0 };
}

struct totals {
	unsigned long allocs[NR_CONTEXTS];
	unsigned long all_allocs;
	unsigned long all_frees;
	unsigned long refused;
};

static void add_actor(struct totals *totals, const struct actor *a)
{
	totals->allocs[a->context] += a->allocs;
	totals->all_allocs += a->allocs;
	totals->all_frees += a->frees;
	totals->refused += a->refused;
}

static void run_totals(const struct run *run, struct totals *totals)
{
	int i;

	memset(totals, 0, sizeof(*totals));
	for (i = 0; i < NR_THREADS_MAX; i++) {
		add_actor(totals, &run->threads[i]);
		add_actor(totals, &run->remote[i]);
	}
	for (i = 0; i < 2; i++) {
		add_actor(totals, &run->interrupts[i].hard);
		add_actor(totals, &run->interrupts[i].soft);
	}
}

/* Return true if every context that the run uses has got more than SHARE blocks. */
static bool has_shares(const struct run *run)
{
	struct totals totals;

	if (!run->stress->interrupts)
		return true;
	run_totals(run, &totals);
	return totals.allocs[PROCESS] > SHARE && totals.allocs[SOFTIRQ] > SHARE &&
	       totals.allocs[HARDIRQ] > SHARE;
}

static int run_for_its_time(struct run *run)
{
	const struct stress *stress = run->stress;
	int err, i;

	err = workers_start(run->workers, stress->nr_threads);
	if (err)
		return err;
	err = worker_start(&run->admin, "bytepool_test");
	if (!err && stress->params.limit_bytes)
		err = worker_start(&run->sampler, "bytepool_test");
	if (!err)
		msleep(stress->seconds * 1000);
	/* On a slow machine, go on until every context has its share. The counts are racy here. */
	for (i = 0; !err && i < 600 && !data_race(has_shares(run)); i++)
		msleep(100);
	worker_stop(&run->sampler);
	worker_stop(&run->admin);
	workers_stop(run->workers, stress->nr_threads);
	for (i = 0; i < 2; i++)
		interrupts_stop(&run->interrupts[i]);
	return err;
}

/* Free the blocks in the mailboxes. */
static void run_drain(struct run *run)
{
	struct actor *a = &run->threads[0];
	int i;

	for (i = 0; i < NR_MAILBOXES; i++) {
		void *block = xchg(&run->mailboxes[i], NULL);

		if (block)
			actor_free(a, block);
	}
}

static void check_faults(struct seq_file *m, struct run *run)
{
	static const char * const names[NR_FAULTS] = {
		[CORRUPT] = "no block has two owners or is written to by another",
		[MISALIGNED] = "every block is aligned",
		[TOO_SMALL] = "every block is large enough, and known while in use",
		[NOT_ZERO] = "__GFP_ZERO zeroes",
		[PARTIAL] = "bulk allocations are all or nothing",
		[OVER_LIMIT] = "the limit is never exceeded",
		[REFUSED] = "nothing is refused while there is memory",
	};
	int i;

	for (i = 0; i < NR_FAULTS; i++) {
		int nr = atomic_read(&run->faults[i]);

		if (i == OVER_LIMIT && !run->stress->params.limit_bytes)
			continue;
		if (i == REFUSED && run_may_refuse(run))
			continue;
		check(m, !nr, run->stress->name, names[i], "%d times not", nr);
	}
}

static void check_totals(struct seq_file *m, struct run *run)
{
	struct bytepool_stats stats;
	const char *name = run->stress->name;
	struct totals totals;
	u64 undone;

	run_totals(run, &totals);
	bytepool_get_stats(run->pool, &stats);
	pr_info("bytepool-test: %s: %lu allocs in process, %lu softirq, %lu hardirq context; %lu refused; %llu hits\n",
		name, totals.allocs[PROCESS], totals.allocs[SOFTIRQ],
		totals.allocs[HARDIRQ], totals.refused, stats.hits);
	if (run->stress->interrupts)
		check(m, has_shares(run), name, "every context had its share",
		      "%lu process, %lu softirq, %lu hardirq", totals.allocs[PROCESS],
		      totals.allocs[SOFTIRQ], totals.allocs[HARDIRQ]);
	if (run->stress->params.limit_bytes)
		check(m, totals.refused, name, "the limit was met", "no refusal");
	/* A bulk allocation that fails midway has allocated blocks, and freed them. */
	undone = run_may_refuse(run) || HARDIRQ_MAY_REFUSE ? stats.frees - totals.all_frees : 0;
	check(m, totals.all_allocs == totals.all_frees && stats.frees >= totals.all_frees &&
	      stats.allocs == totals.all_allocs + undone &&
	      stats.frees == totals.all_frees + undone &&
	      stats.hits + stats.misses == stats.allocs && stats.failures == totals.refused,
	      name, "the statistics are exact",
	      "%lu allocs, %lu frees, %lu refused; stats %llu allocs, %llu frees, %llu + %llu, %llu",
	      totals.all_allocs, totals.all_frees, totals.refused, stats.allocs, stats.frees,
	      stats.hits, stats.misses, stats.failures);
}

/*
 * Check that all idle memory ages, and goes back to the system. The interval is 100 ms at most.
 * Count each sleep of 20 ms as 30 ms at most, because a busy host may stop the guest for longer.
 */
static void check_aged(struct seq_file *m, struct run *run)
{
	s64 left = run->stress->params.idle_timeout_ms + 2 * 100 + 200;
	ktime_t before = ktime_get();

	while (bytepool_size(run->pool) && left > 0) {
		ktime_t now;

		msleep(20);
		now = ktime_get();
		left -= min(ktime_ms_delta(now, before), 30LL);
		before = now;
	}
	check(m, !bytepool_size(run->pool), run->stress->name, "idle memory goes back with age",
	      "%zu bytes held", bytepool_size(run->pool));
}

static void stress_run(struct seq_file *m, const struct stress *stress)
{
	struct run *run = kvzalloc(sizeof(*run), GFP_KERNEL);
	int err;

	if (!run) {
		check(m, false, stress->name, "runs", "out of memory");
		return;
	}
	run_init(run, stress);
	run->pool = bytepool_create(stress->name, &stress->params);
	if (IS_ERR(run->pool)) {
		check(m, false, stress->name, "runs", "create: %pe", run->pool);
		goto free_run;
	}
	err = run_for_its_time(run);
	check(m, !err, stress->name, "runs", "error %d", err);
	run_drain(run);
	check_faults(m, run);
	check_totals(m, run);
	if (stress->params.idle_timeout_ms)
		check_aged(m, run);
	check_emptied(m, run->pool, stress->name, 0);
	bytepool_destroy(run->pool);
free_run:
	kvfree(run);
}

void stress_contexts(struct seq_file *m)
{
	static const struct stress stress = {
		.name = "stress", .largest = SZ_1M, .nr_threads = 6, .seconds = 5,
		.interrupts = true, .reserves = true,
	};

	stress_run(m, &stress);
}

/* At the same time, the guest script takes CPU 1 offline and online, and limits the pool. */
void stress_hotplug(struct seq_file *m)
{
	static const struct stress stress = {
		.name = "hotplug", .largest = SZ_1M, .nr_threads = 6, .seconds = 10,
		.interrupts = true, .may_refuse = true,
	};

	stress_run(m, &stress);
}

/* Caches are closed and drained all the time, while other CPUs are in short operations on them. */
void stress_small(struct seq_file *m)
{
	static const struct stress stress = {
		.name = "small", .largest = 8, .nr_threads = 4, .seconds = 3,
		.interrupts = true, .tight = true,
	};

	stress_run(m, &stress);
}

void stress_limit(struct seq_file *m)
{
	static const struct stress stress = {
		.name = "limit", .largest = SZ_256K, .nr_threads = 4, .seconds = 2,
		.params.limit_bytes = SZ_4M, .interrupts = true, .may_refuse = true,
	};

	stress_run(m, &stress);
}

/* The load of the test of bytepool's predecessor, which was a pool in userspace. */
void stress_original(struct seq_file *m)
{
	static const struct stress stress = {
		.name = "original", .largest = 102400, .nr_threads = 16, .seconds = 3,
		.params = { .min_size = 8, .max_size = 102400, .step = 8, .idle_timeout_ms = 1000 },
		.uniform = true,
	};

	stress_run(m, &stress);
}
