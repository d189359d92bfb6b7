// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reserves serve every CPU and context. Allocations that may sleep wait for them.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "../lib/hardirq.h"
#include "../lib/worker.h"
#include "block.h"
#include "check.h"
#include "tests.h"

#define NR_BATCH_MAX	1024U
#define NR_WAIT		4U

/* Blocks that are allocated and freed together. */
struct batch {
	struct bytepool *pool;
	size_t size;
	unsigned int want;
	unsigned int got;
	void *blocks[NR_BATCH_MAX];
};

static void batch_alloc(void *data)
{
	struct batch *batch = data;

	for (batch->got = 0; batch->got < batch->want; batch->got++) {
		void *block = bytepool_alloc(batch->pool, batch->size, GFP_ATOMIC | __GFP_NOWARN);

		if (!block)
			break;
		batch->blocks[batch->got] = block;
		block_fill(block, batch->size, batch->got);
	}
}

static void batch_free(void *data)
{
	struct batch *batch = data;

	while (batch->got)
		bytepool_free(batch->pool, batch->blocks[--batch->got]);
}

/* Run @fn in a hardirq on CPU 1, or on this CPU with interrupts off. */
static void run_at(int cpu, smp_call_func_t fn, void *data)
{
	unsigned long flags;

	if (cpu) {
		remote_call(cpu, fn, data);
		return;
	}
	local_irq_save(flags);
	fn(data);
	local_irq_restore(flags);
}

/* Return true if each CPU can allocate all blocks, on whichever CPU they were freed. */
static bool batch_wanders(struct seq_file *m, struct batch *batch, const char *of)
{
	int round;

	for (round = 0; round < 40; round++) {
		int at = round & 1;

		run_at(!at, batch_alloc, batch);
		if (batch->got != batch->want) {
			check(m, false, of, "a reserve serves every CPU and context",
			      "round %d: %u of %u on CPU %d", round, batch->got, batch->want, !at);
			run_at(at, batch_free, batch);
			return false;
		}
		run_at(round & 2 ? at : !at, batch_free, batch);
	}
	return true;
}

static void reserve_check(struct seq_file *m, struct batch *batch, const char *of)
{
	struct bytepool_stats before, after;
	int err = bytepool_reserve(batch->pool, batch->size, batch->want, GFP_KERNEL);

	check(m, !err, of, "a reserve of all that the limit allows is granted", "error %d", err);
	bytepool_get_stats(batch->pool, &before);
	if (batch_wanders(m, batch, of)) {
		bytepool_get_stats(batch->pool, &after);
		check(m, after.misses == before.misses, of,
		      "a reserve serves every CPU and context", "%llu misses",
		      after.misses - before.misses);
	}
	bytepool_trim(batch->pool);
	check(m, bytepool_size(batch->pool) >= batch->want * batch->size, of,
	      "trim keeps a reserve", "%zu bytes held", bytepool_size(batch->pool));
	bytepool_reserve(batch->pool, batch->size, 0, GFP_KERNEL);
	check_emptied(m, batch->pool, of, 0);
}

/* Test a pool of one class whose limit is the size of its reserve. */
static void reserve_size(struct seq_file *m, size_t size, size_t limit, const char *of)
{
	struct bytepool_params params = {
		.min_size = size, .max_size = size, .limit_bytes = limit,
	};
	struct batch *batch = kvzalloc(sizeof(*batch), GFP_KERNEL);

	if (!batch) {
		check(m, false, of, "runs", "out of memory");
		return;
	}
	batch->pool = bytepool_create(of, &params);
	if (IS_ERR(batch->pool)) {
		check(m, false, of, "runs", "create: %pe", batch->pool);
		goto free_batch;
	}
	batch->size = size;
	batch->want = NR_BATCH_MAX;
	batch_alloc(batch);
	batch->want = batch->got;
	check(m, batch->got >= limit / size * 3 / 4 && batch->got <= limit / size, of,
	      "the limit is used", "%u blocks", batch->got);
	batch_free(batch);
	reserve_check(m, batch, of);
	bytepool_destroy(batch->pool);
free_batch:
	kvfree(batch);
}

void reserve_hardirq(struct seq_file *m)
{
	reserve_size(m, 256, 32 * PAGE_SIZE, "reserve-small");
	reserve_size(m, SZ_64K, 16 * SZ_64K, "reserve-large");
}

/**
 * struct waiting - a thread that waits for a block of an exhausted reserve
 * @pool: the pool
 * @blocks: all blocks of the pool
 * @back: how many of them have been freed
 * @got: the block that the thread got
 * @at: when it got the block
 */
struct waiting {
	struct bytepool *pool;
	void *blocks[NR_WAIT];
	unsigned int back;
	void *got;
	ktime_t at;
};

static void wait_fn(struct worker *w)
{
	struct waiting *wait = w->data;

	wait->got = bytepool_alloc(wait->pool, SZ_64K, GFP_KERNEL);
	wait->at = ktime_get();
}

static void wait_give(void *data)
{
	struct waiting *wait = data;

	wait->back = 1;
	bytepool_free(wait->pool, wait->blocks[0]);
}

static void wait_give_bulk(void *data)
{
	struct waiting *wait = data;

	wait->back = 2;
	bytepool_free_bulk(wait->pool, 2, wait->blocks);
}

/* Have a thread wait, and call @give on @cpu: see run_at(). Check that it wakes the thread. */
static void wait_once(struct seq_file *m, struct waiting *wait, int cpu, smp_call_func_t give,
		      const char *what)
{
	struct worker worker = { .fn = wait_fn, .data = wait, .cpu = 1 };
	bool early;
	ktime_t begin;
	int err;

	if (bytepool_alloc_bulk(wait->pool, SZ_64K, GFP_ATOMIC, NR_WAIT, wait->blocks) != NR_WAIT) {
		check(m, false, "wait", what, "the reserve is not there");
		return;
	}
	err = worker_start(&worker, "bytepool_test");
	msleep(200);
	early = completion_done(&worker.done);
	begin = ktime_get();
	run_at(cpu, give, wait);
	if (!err)
		worker_join(&worker);
	/* A waiter that is not woken looks again after some seconds. */
	check(m, !err && !early && wait->got && ktime_ms_delta(wait->at, begin) < 1000,
	      "wait", what, "error %d, %s, %s after %lld ms", err,
	      early ? "did not wait" : "waited", wait->got ? "a block" : "none",
	      ktime_ms_delta(wait->at, begin));
	bytepool_free(wait->pool, wait->got);
	bytepool_free_bulk(wait->pool, NR_WAIT - wait->back, wait->blocks + wait->back);
}

static struct bytepool *wait_pool(struct seq_file *m, unsigned int nr)
{
	struct bytepool_params params = {
		.min_size = SZ_64K, .max_size = SZ_64K, .limit_bytes = nr * SZ_64K,
	};
	struct bytepool *pool = bytepool_create("wait", &params);
	int err = IS_ERR(pool) ? PTR_ERR(pool) : bytepool_reserve(pool, SZ_64K, nr, GFP_KERNEL);

	if (!err)
		return pool;
	check(m, false, "wait", "runs", "error %d", err);
	bytepool_destroy(pool);
	return NULL;
}

static void wait_not(struct seq_file *m, struct waiting *wait)
{
	static const gfp_t gfp[] = { GFP_ATOMIC, GFP_NOWAIT };
	unsigned int i;

	if (bytepool_alloc_bulk(wait->pool, SZ_64K, GFP_KERNEL, NR_WAIT, wait->blocks) != NR_WAIT) {
		check(m, false, "wait", "runs", "the reserve is not there");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(gfp); i++) {
		void *block = bytepool_alloc(wait->pool, SZ_64K, gfp[i]);

		check(m, !block, "wait", i ? "GFP_NOWAIT does not" : "GFP_ATOMIC does not",
		      "it got %p", block);
		bytepool_free(wait->pool, block);
	}
	bytepool_free_bulk(wait->pool, NR_WAIT, wait->blocks);
}

void reserve_wait(struct seq_file *m)
{
	struct waiting wait = { .pool = wait_pool(m, NR_WAIT) };

	if (!wait.pool)
		return;
	wait_not(m, &wait);
	wait_once(m, &wait, 0, wait_give, "ends with a free on another CPU");
	wait_once(m, &wait, 1, wait_give, "ends with a free in hardirq");
	wait_once(m, &wait, 0, wait_give_bulk, "ends with a bulk free");
	bytepool_reserve(wait.pool, SZ_64K, 0, GFP_KERNEL);
	check_emptied(m, wait.pool, "wait", 0);
	bytepool_destroy(wait.pool);
}

/* More threads than blocks. */
struct crowd {
	struct bytepool *pool;
	atomic_t done;
	atomic_t failed;
	atomic_t corrupt;
	atomic_t late;
};

#define NR_CROWD	8
#define NR_ROUNDS	300

static void crowd_fn(struct worker *w)
{
	struct crowd *crowd = w->data;
	unsigned int i;

	for (i = 0; i < NR_ROUNDS; i++) {
		ktime_t begin = ktime_get();
		void *block = bytepool_alloc(crowd->pool, SZ_64K, GFP_KERNEL);

		if (!block) {
			atomic_inc(&crowd->failed);
			continue;
		}
		/* It was not woken, but looked again by itself. */
		if (ktime_ms_delta(ktime_get(), begin) > 4000)
			atomic_inc(&crowd->late);
		block_fill(block, SZ_64K, prandom_u32_state(&w->rnd));
		if (i % 8 == 0)
			usleep_range(50, 200);
		if (!block_intact(block, SZ_64K))
			atomic_inc(&crowd->corrupt);
		bytepool_free(crowd->pool, block);
		atomic_inc(&crowd->done);
	}
}

void reserve_wait_many(struct seq_file *m)
{
	struct crowd crowd = { .pool = wait_pool(m, 2) };
	struct worker workers[NR_CROWD];
	int err, i;

	if (!crowd.pool)
		return;
	for (i = 0; i < NR_CROWD; i++)
		workers[i] = (struct worker){ .fn = crowd_fn, .data = &crowd };
	err = workers_start(workers, NR_CROWD);
	if (!err)
		workers_join(workers, NR_CROWD);
	check(m, atomic_read(&crowd.done) == NR_CROWD * NR_ROUNDS && !atomic_read(&crowd.corrupt) &&
	      !atomic_read(&crowd.late), "crowd", "every thread gets one of two blocks in turn",
	      "error %d, %d rounds, %d failed, %d corrupt, %d late", err, atomic_read(&crowd.done),
	      atomic_read(&crowd.failed), atomic_read(&crowd.corrupt), atomic_read(&crowd.late));
	bytepool_reserve(crowd.pool, SZ_64K, 0, GFP_KERNEL);
	check_emptied(m, crowd.pool, "crowd", 0);
	bytepool_destroy(crowd.pool);
}
