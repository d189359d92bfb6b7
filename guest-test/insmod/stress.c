// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everybody at once on one pool: threads with and without locks, bottom halves
 * and interrupts off, tasklets, timer interrupts and interrupts from the other
 * CPU allocate blocks of random sizes, fill them, and exchange them for others
 * through mailboxes, so that most blocks are freed in another context and on
 * another CPU than they were allocated.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>

#include "test.h"

#define NR_THREADS_MAX	16
#define NR_MAILBOXES	256
#define NR_BULK		16
#define BULK_SIZE_MAX	512
#define RESERVE_MAX	8
#define SHARE		100

/* The system promises what is asked of it without sleeping up to here. */
#define ATOMIC_SIZE_MAX	(PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER)

enum context { PROCESS, SOFTIRQ, HARDIRQ, NR_CONTEXTS };

enum fault { CORRUPT, MISALIGNED, TOO_SMALL, NOT_ZERO, PARTIAL, OVER_LIMIT, REFUSED, NR_FAULTS };

/**
 * struct stress - a run
 * @name: goes before the names of its checks
 * @params: of its pool
 * @largest: request
 * @uniform: all sizes alike, else all magnitudes alike
 * @interrupts: use softirq and hardirq context too
 * @reserves: change reserves meanwhile
 * @tight: threads allocate and free all the time, without sleeping, and
 *	another one trims all the time
 * @may_refuse: somebody limits the pool
 * @nr_threads: that allocate and free
 * @seconds: it lasts
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

/* A sequence of operations, in one place at a time. */
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
	spinlock_t lock;	/* held around some operations, for their context alone */
};

static void fault(struct run *run, enum fault what)
{
	atomic_inc(&run->faults[what]);
}

static u32 below(struct actor *a, u32 bound)
{
	return prandom_u32_state(&a->rnd) % bound;
}

static size_t random_size(struct actor *a)
{
	size_t largest = a->run->stress->largest;

	if (!a->run->stress->uniform)
		largest = min_t(size_t, largest, 8UL << below(a, 18));
	return 1 + below(a, largest);
}

static void take(struct actor *a, void *block, size_t size, gfp_t gfp)
{
	struct run *run = a->run;
	size_t usable = bytepool_usable_size(run->pool, block);

	a->allocs++;
	if (run->stress->params.limit_bytes &&
	    bytepool_size(run->pool) > run->stress->params.limit_bytes)
		fault(run, OVER_LIMIT);
	if (usable < size) {
		fault(run, TOO_SMALL);
		return;
	}
	if (!block_aligned(block, usable))
		fault(run, MISALIGNED);
	if (gfp & __GFP_ZERO && !block_zero(block, size))
		fault(run, NOT_ZERO);
	block_fill(block, usable, a->tag);
}

static void refuse(struct actor *a, size_t size, gfp_t gfp)
{
	struct run *run = a->run;

	a->refused++;
	if (HARDIRQ_MAY_REFUSE && a->context == HARDIRQ)
		return;
	if (!run->stress->may_refuse && (gfpflags_allow_blocking(gfp) || size <= ATOMIC_SIZE_MAX))
		fault(run, REFUSED);
}

static void inspect(struct actor *a, const void *block)
{
	if (!block_intact(block, bytepool_usable_size(a->run->pool, block)))
		fault(a->run, CORRUPT);
	a->frees++;
}

/* Leave @block, or nothing, and free what was there. */
static void exchange(struct actor *a, void *block)
{
	block = xchg(&a->run->mailboxes[below(a, NR_MAILBOXES)], block);
	if (!block)
		return;
	inspect(a, block);
	bytepool_free(a->run->pool, block);
}

static void step(struct actor *a, gfp_t gfp)
{
	size_t size = random_size(a);
	void *block;

	if (size > ATOMIC_SIZE_MAX || a->run->stress->may_refuse)
		gfp |= __GFP_NOWARN;
	if (!below(a, 8))
		gfp |= __GFP_ZERO;
	block = bytepool_alloc(a->run->pool, size, gfp);
	if (block)
		take(a, block, size, gfp);
	else
		refuse(a, size, gfp);
	exchange(a, block);
}

static void step_bulk(struct actor *a, gfp_t gfp)
{
	unsigned int nr = 1 + below(a, NR_BULK);
	size_t size = 1 + below(a, min_t(size_t, a->run->stress->largest, BULK_SIZE_MAX));
	void *blocks[NR_BULK];
	unsigned int got, i;

	got = bytepool_alloc_bulk(a->run->pool, size, gfp, nr, blocks);
	if (!got) {
		refuse(a, size, gfp);
		return;
	}
	if (got != nr)
		fault(a->run, PARTIAL);
	for (i = 0; i < got; i++)
		take(a, blocks[i], size, gfp);
	for (i = 0; i < got; i++)
		inspect(a, blocks[i]);
	bytepool_free_bulk(a->run->pool, got, blocks);
}

static void step_remote(void *data)
{
	step(data, GFP_ATOMIC);
}

static void step_tasklet(struct tasklet_struct *tasklet)
{
	struct interrupts *in = container_of(tasklet, struct interrupts, tasklet);

	step(&in->soft, GFP_ATOMIC);
	step_bulk(&in->soft, GFP_NOWAIT | __GFP_NOWARN);
}

static enum hrtimer_restart step_timer(struct hrtimer *timer)
{
	struct interrupts *in = container_of(timer, struct interrupts, timer);

	step(&in->hard, GFP_ATOMIC);
	step_bulk(&in->hard, GFP_NOWAIT | __GFP_NOWARN);
	tasklet_schedule(&in->tasklet);
	return HRTIMER_NORESTART;
}

/* Interrupts come as long as threads run here to ask for them: also when a CPU was away. */
static void arm_timer(struct actor *a, int cpu)
{
	struct hrtimer *timer = &a->run->interrupts[cpu].timer;

	if (raw_smp_processor_id() == cpu && !hrtimer_active(timer))
		hrtimer_start(timer, ns_to_ktime(10000 + below(a, 100000)),
			      HRTIMER_MODE_REL_PINNED_HARD);
}

static void step_atomic(struct actor *a, struct actor *remote, int cpu)
{
	struct run *run = a->run;
	unsigned long flags;

	switch (below(a, 5)) {
	case 0:
		spin_lock(&run->lock);
		step(a, GFP_ATOMIC);
		spin_unlock(&run->lock);
		break;
	case 1:
		spin_lock_irqsave(&run->lock, flags);
		step(a, GFP_NOWAIT | __GFP_NOWARN);
		spin_unlock_irqrestore(&run->lock, flags);
		break;
	case 2:
		local_bh_disable();
		step(a, GFP_ATOMIC);
		step_bulk(a, GFP_ATOMIC);
		local_bh_enable();
		break;
	case 3:
		/* The other CPU may be offline. */
		smp_call_function_single(!cpu, step_remote, remote, 1);
		break;
	case 4:
		arm_timer(a, cpu);
		break;
	}
}

static void thread_fn(struct worker *w)
{
	struct actor *a = w->data;
	struct run *run = a->run;
	struct actor *remote = &run->remote[a - run->threads];

	while (!worker_stopping(w)) {
		step(a, GFP_KERNEL);
		step(a, below(a, 2) ? GFP_NOIO : GFP_KERNEL | __GFP_NORETRY);
		step_bulk(a, GFP_KERNEL);
		if (run->stress->interrupts)
			step_atomic(a, remote, w->cpu);
	}
}

static void tight_thread_fn(struct worker *w)
{
	struct actor *a = w->data;
	unsigned int i;

	while (!worker_stopping(w)) {
		arm_timer(a, w->cpu);
		for (i = 0; i < 50; i++) {
			step(a, GFP_NOWAIT | __GFP_NOWARN);
			step_bulk(a, GFP_NOWAIT | __GFP_NOWARN);
		}
	}
}

/* A pool that comes and goes beside the one that everybody uses. */
static void come_and_go(struct run *run)
{
	struct bytepool *pool = bytepool_create("stress-temporary", NULL);
	void *block;

	if (IS_ERR(pool)) {
		fault(run, REFUSED);
		return;
	}
	block = bytepool_zalloc(pool, 5000, GFP_KERNEL);
	if (!block || !block_zero(block, 5000))
		fault(run, NOT_ZERO);
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
			fault(run, REFUSED);
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

/* Nobody may see the pool above its limit, at no time. */
static void sampler_fn(struct worker *w)
{
	struct run *run = w->data;
	size_t limit = run->stress->params.limit_bytes;

	while (!worker_stopping(w)) {
		if (bytepool_size(run->pool) > limit)
			fault(run, OVER_LIMIT);
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
		hrtimer_setup(&in->timer, step_timer, CLOCK_MONOTONIC,
			      HRTIMER_MODE_REL_PINNED_HARD);
		tasklet_setup(&in->tasklet, step_tasklet);
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

/* Where interrupts are used, each context gets that many blocks, however slow the machine is. */
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
	/* The others go on counting: whether it was enough is seen when they have ended. */
	for (i = 0; !err && i < 600 && !data_race(has_shares(run)); i++)
		msleep(100);
	worker_stop(&run->sampler);
	worker_stop(&run->admin);
	workers_stop(run->workers, stress->nr_threads);
	for (i = 0; i < 2; i++) {
		hrtimer_cancel(&run->interrupts[i].timer);
		tasklet_kill(&run->interrupts[i].tasklet);
	}
	return err;
}

/* Free what is in the mailboxes. */
static void run_drain(struct run *run)
{
	struct actor *a = &run->threads[0];
	int i;

	for (i = 0; i < NR_MAILBOXES; i++) {
		void *block = xchg(&run->mailboxes[i], NULL);

		if (!block)
			continue;
		inspect(a, block);
		bytepool_free(run->pool, block);
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
		if (i == REFUSED && run->stress->may_refuse)
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
	/* A bulk allocation that is refused midway has taken blocks, and freed them. */
	undone = run->stress->may_refuse || HARDIRQ_MAY_REFUSE ? stats.frees - totals.all_frees : 0;
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
 * With an age limit, all of the memory goes by itself. The interval is 100 ms at most.
 * A look counts for what a sleep of 20 ms may take, and no more: what a busy host does
 * to a guest is not the pool's fault.
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
	check(m, !bytepool_size(run->pool), run->stress->name, "idle memory goes with age",
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
		check(m, false, stress->name, "runs", "create: %ld", PTR_ERR(run->pool));
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

/* The guest turns CPU 1 off and on meanwhile, and limits the pool. */
void stress_hotplug(struct seq_file *m)
{
	static const struct stress stress = {
		.name = "hotplug", .largest = SZ_1M, .nr_threads = 6, .seconds = 10,
		.interrupts = true, .may_refuse = true,
	};

	stress_run(m, &stress);
}

/* Caches are closed and emptied all the time, while short operations are under way in them. */
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

/* What the pool of userspace that bytepool descends from was tested with. */
void stress_original(struct seq_file *m)
{
	static const struct stress stress = {
		.name = "original", .largest = 102400, .nr_threads = 16, .seconds = 3,
		.params = { .min_size = 8, .max_size = 102400, .step = 8, .idle_timeout_ms = 1000 },
		.uniform = true,
	};

	stress_run(m, &stress);
}
