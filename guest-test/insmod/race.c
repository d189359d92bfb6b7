// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two CPUs and one block: both free it at the same time, or one frees what the other allocated
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/preempt.h>
#include <linux/processor.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "../lib/hardirq.h"
#include "../lib/worker.h"
#include "block.h"
#include "check.h"
#include "tests.h"

#define NR_BULK		8U
#define NR_RING		128U

/*
 * If two CPUs of the guest share one CPU of a busy host, they meet only when the host switches
 * between them. Then do fewer trials.
 */
#define TRIALS_MIN	200U
#define TRIALS_TIME	(10 * HZ)

static const size_t race_sizes[] = { 8, 200, 4096, SZ_64K, SZ_1M };

/**
 * struct race - two CPUs free the same blocks, again and again
 * @pool: the pool of the blocks
 * @nr: blocks at a time; more than one are freed by bytepool_free_bulk()
 * @trials: number of trials; fewer if they take longer than TRIALS_TIME
 * @begin: jiffies at the first trial
 * @blocks: the blocks that both free
 * @arrived: number of arrivals at the line so far
 * @line: number of arrivals that an interrupt waits for
 * @failed: allocations that failed
 * @winners: allocations that succeeded, where one of two may
 * @excesses: how often the pool was above its limit
 */
struct race {
	struct bytepool *pool;
	unsigned int nr;
	unsigned int trials;
	unsigned long begin;
	void *blocks[NR_BULK];
	atomic_t arrived;
	int line;
	unsigned int failed;
	atomic_t winners;
	atomic_t excesses;
};

/* Wait until there are @nr arrivals. */
static void line_wait(struct race *race, int nr)
{
	unsigned int spins;

	for (spins = 1; atomic_read_acquire(&race->arrived) < nr; spins++) {
		cpu_relax();
		/* The other thread may have to run on this CPU. */
		if (spins % 4096 == 0 && !irqs_disabled())
			cond_resched();
	}
}

static void line_up(struct race *race, int nr)
{
	atomic_inc_return_release(&race->arrived);
	line_wait(race, nr);
}

/* Stop after @done trials if they took too long. One thread calls this, before a line. */
static void race_shorten(struct race *race, unsigned int done)
{
	if (done >= TRIALS_MIN && done < race->trials &&
	    time_after(jiffies, race->begin + TRIALS_TIME))
		race->trials = done;
}

static void race_free(struct race *race)
{
	void *blocks[NR_BULK];

	if (race->nr == 1) {
		bytepool_free(race->pool, race->blocks[0]);
		return;
	}
	memcpy(blocks, race->blocks, sizeof(blocks));
	bytepool_free_bulk(race->pool, race->nr, blocks);
}

static bool race_alloc(struct race *race, unsigned int trial)
{
	size_t size = race_sizes[trial % ARRAY_SIZE(race_sizes)];

	if (bytepool_alloc_bulk(race->pool, size, GFP_KERNEL, race->nr, race->blocks) == race->nr)
		return true;
	memset(race->blocks, 0, sizeof(race->blocks));
	race->failed++;
	return false;
}

static void race_fn(struct worker *w)
{
	struct race *race = w->data;
	unsigned int trial;

	for (trial = 0; trial < race->trials; trial++) {
		if (w->cpu == 0)
			race_alloc(race, trial);
		line_up(race, 4 * trial + 2);
		race_free(race);
		if (w->cpu == 0)
			race_shorten(race, trial + 1);
		line_up(race, 4 * trial + 4);
		cond_resched();
	}
}

static void race_check(struct seq_file *m, struct race *race, const char *name)
{
	u64 expected = (u64)race->trials * race->nr;
	struct bytepool_stats stats;

	bytepool_get_stats(race->pool, &stats);
	check(m, !race->failed && stats.frees == expected && stats.bad_frees == expected,
	      name, "one free succeeds, one is refused",
	      "%u allocations failed; %llu frees, %llu bad frees, expected %llu of each",
	      race->failed, stats.frees, stats.bad_frees, expected);
	check_emptied(m, race->pool, name, expected);
}

static bool race_create(struct seq_file *m, struct race *race, const char *name)
{
	race->begin = jiffies;
	race->pool = bytepool_create(name, NULL);
	if (!IS_ERR(race->pool))
		return true;
	check(m, false, name, "runs", "create: %pe", race->pool);
	return false;
}

static void race_run(struct seq_file *m, struct race *race, const char *name, struct worker *third)
{
	struct worker workers[2] = {
		{ .fn = race_fn, .data = race },
		{ .fn = race_fn, .data = race },
	};
	int err;

	if (!race_create(m, race, name))
		return;
	expect_warning_begin(name);
	err = third ? worker_start(third, "bytepool_test") : 0;
	if (!err)
		err = workers_start(workers, 2);
	if (err)
		check(m, false, name, "runs", "threads: %d", err);
	else
		workers_join(workers, 2);
	if (third)
		worker_stop(third);
	expect_warning_end();
	race_check(m, race, name);
	bytepool_destroy(race->pool);
}

void race_threads(struct seq_file *m)
{
	struct race race = { .nr = 1, .trials = 10000 };

	race_run(m, &race, "double-free", NULL);
}

void race_bulk(struct seq_file *m)
{
	struct race race = { .nr = NR_BULK, .trials = 300 };

	race_run(m, &race, "double-free-bulk", NULL);
}

static void race_trim_fn(struct worker *w)
{
	struct race *race = w->data;

	while (!worker_stopping(w)) {
		bytepool_trim(race->pool);
		usleep_range(10, 100);
	}
}

/* The block may be back in the system when the second thread frees it. */
void race_trim(struct seq_file *m)
{
	struct race race = { .nr = 1, .trials = 2000 };
	struct worker trim = { .fn = race_trim_fn, .data = &race, .cpu = 0 };

	race_run(m, &race, "double-free-trim", &trim);
}

static void race_interrupt(void *data)
{
	struct race *race = data;

	line_up(race, race->line);
	remote_call_begin();
	race_free(race);
	remote_call_end();
	atomic_inc(&race->arrived);
}

/*
 * Start the interrupt on the other CPU, and arrive at the line. Do not let another task run in
 * between: it might wait for that CPU, which waits for this thread with interrupts off.
 */
static int race_interrupt_other(struct race *race)
{
	int err, other;

	preempt_disable();
	/* A worker only prefers its CPU. */
	other = smp_processor_id() ? 0 : 1;
	err = smp_call_function_single(other, race_interrupt, race, 0);
	atomic_inc(&race->arrived);
	preempt_enable();
	return err;
}

static void race_hardirq_fn(struct worker *w)
{
	struct race *race = w->data;
	unsigned int trial;

	for (trial = 0; trial < race->trials; trial++) {
		if (!race_alloc(race, trial))
			break;
		race->line = 4 * trial + 2;
		if (race_interrupt_other(race)) {
			race->failed++;
			break;
		}
		line_wait(race, race->line);
		race_free(race);
		race_shorten(race, trial + 1);
		line_up(race, race->line + 2);
		cond_resched();
	}
}

/* A thread frees the block on one CPU, an interrupt on the other. */
void race_hardirq(struct seq_file *m)
{
	struct race race = { .nr = 1, .trials = 2000 };
	struct worker worker = { .fn = race_hardirq_fn, .data = &race, .cpu = 0 };
	int err;

	if (!race_create(m, &race, "double-free-hardirq"))
		return;
	expect_warning_begin("double-free-hardirq");
	err = worker_start(&worker, "bytepool_test");
	if (!err)
		worker_join(&worker);
	expect_warning_end();
	race_check(m, &race, "double-free-hardirq");
	bytepool_destroy(race.pool);
}

/* The limit allows one block, and both threads allocate one. */
static void race_limit_fn(struct worker *w)
{
	struct race *race = w->data;
	unsigned int trial;
	void *block;

	for (trial = 0; trial < race->trials; trial++) {
		line_up(race, 6 * trial + 2);
		block = bytepool_alloc(race->pool, SZ_64K, GFP_NOWAIT | __GFP_NOWARN);
		line_up(race, 6 * trial + 4);
		if (block)
			atomic_inc(&race->winners);
		if (bytepool_size(race->pool) > SZ_64K)
			atomic_inc(&race->excesses);
		bytepool_free(race->pool, block);
		line_up(race, 6 * trial + 6);
		if (w->cpu == 0)
			bytepool_trim(race->pool);
	}
}

void race_limit(struct seq_file *m)
{
	struct race race = { .trials = 300 };
	struct worker workers[2] = {
		{ .fn = race_limit_fn, .data = &race },
		{ .fn = race_limit_fn, .data = &race },
	};
	struct bytepool_params params = {
		.min_size = SZ_64K, .max_size = SZ_64K, .limit_bytes = SZ_64K,
	};
	int err;

	race.pool = bytepool_create("race-limit", &params);
	if (IS_ERR(race.pool)) {
		check(m, false, "race-limit", "runs", "create: %pe", race.pool);
		return;
	}
	err = workers_start(workers, 2);
	if (!err)
		workers_join(workers, 2);
	check(m, !err && atomic_read(&race.winners) == race.trials && !atomic_read(&race.excesses),
	      "race-limit", "of two threads that want the last block, one gets it",
	      "error %d, %d winners of %u, %d times above the limit", err,
	      atomic_read(&race.winners), race.trials, atomic_read(&race.excesses));
	check_emptied(m, race.pool, "race-limit", 0);
	bytepool_destroy(race.pool);
}

/**
 * struct ring - a ring from a CPU that allocates to one that frees
 * @pool: the pool of the blocks
 * @total: number of blocks that pass through
 * @head: number of blocks put in
 * @tail: number of blocks taken out
 * @corrupt: blocks that were changed in the ring
 * @failed: allocations that failed
 * @held: largest number of bytes that the pool held
 * @blocks: in the ring
 */
struct ring {
	struct bytepool *pool;
	unsigned int total;
	unsigned int head;
	unsigned int tail;
	unsigned int corrupt;
	unsigned int failed;
	size_t held;
	void *blocks[NR_RING];
};

static const size_t ring_sizes[] = { 64, 2048, SZ_64K };

static void ring_put(struct worker *w)
{
	struct ring *ring = w->data;
	unsigned int head;

	for (head = 0; head < ring->total; head++) {
		size_t size = ring_sizes[prandom_u32_state(&w->rnd) % ARRAY_SIZE(ring_sizes)];
		void *block = bytepool_alloc(ring->pool, size, GFP_KERNEL);

		if (block)
			block_fill(block, bytepool_usable_size(ring->pool, block), head);
		else
			ring->failed++;
		ring->held = max(ring->held, bytepool_size(ring->pool));
		/* Pairs with the release in ring_take(): the slot is empty. */
		while (head - smp_load_acquire(&ring->tail) >= NR_RING)
			cond_resched();
		ring->blocks[head % NR_RING] = block;
		/* Pairs with the acquire in ring_take(): the block is filled and there. */
		smp_store_release(&ring->head, head + 1);
	}
}

static void ring_take(struct worker *w)
{
	struct ring *ring = w->data;
	unsigned int tail;

	for (tail = 0; tail < ring->total; tail++) {
		void *block;

		/* Pairs with the release in ring_put(). */
		while (smp_load_acquire(&ring->head) == tail)
			cond_resched();
		block = ring->blocks[tail % NR_RING];
		/* Pairs with the acquire in ring_put(). */
		smp_store_release(&ring->tail, tail + 1);
		if (!block)
			continue;
		if (!block_intact(block, bytepool_usable_size(ring->pool, block)))
			ring->corrupt++;
		bytepool_free(ring->pool, block);
	}
}

void race_ring(struct seq_file *m)
{
	struct ring *ring = kzalloc(sizeof(*ring), GFP_KERNEL);
	struct worker workers[2] = {
		{ .fn = ring_put, .data = ring },
		{ .fn = ring_take, .data = ring },
	};
	struct bytepool_stats stats;
	int err;

	if (!ring)
		return;
	ring->total = 30000;
	ring->pool = bytepool_create("ring", NULL);
	if (IS_ERR(ring->pool)) {
		check(m, false, "ring", "runs", "create: %pe", ring->pool);
		goto free_ring;
	}
	err = workers_start(workers, 2);
	if (!err)
		workers_join(workers, 2);
	bytepool_get_stats(ring->pool, &stats);
	check(m, !err && !ring->failed && !ring->corrupt && stats.frees == ring->total,
	      "ring", "one CPU allocates, the other frees",
	      "error %d, %u failed, %u corrupt, %llu freed", err, ring->failed, ring->corrupt,
	      stats.frees);
	/* The ring may be full of each size, and the cache of either CPU may hold as much again. */
	check(m, ring->held <= 3 * NR_RING * SZ_64K && stats.hits > ring->total / 2,
	      "ring", "blocks find their way back to the CPU that allocates",
	      "%zu bytes held at most, %llu hits", ring->held, stats.hits);
	check_emptied(m, ring->pool, "ring", 0);
	bytepool_destroy(ring->pool);
free_ring:
	kfree(ring);
}
