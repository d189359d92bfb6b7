// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that CPU 1 freed is given back to the system after the timeout and not before, whatever
 * CPU 1 does meanwhile.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/sizes.h>

#include "../lib/worker.h"
#include "check.h"
#include "tests.h"

#define TIMEOUT_MS	800
#define INTERVAL_MS	200	/* set by the guest script */
#define SLACK_MS	150

static const struct {
	size_t size;
	unsigned int nr;
} age_blocks[] = { { 8, 60 }, { 100, 60 }, { 4096, 12 }, { SZ_64K, 6 }, { SZ_1M, 3 } };

#define NR_BLOCKS	(60 + 60 + 12 + 6 + 3)

struct ageing {
	struct bytepool *pool;
	unsigned int nr;
	void *blocks[NR_BLOCKS];
	ktime_t first_free;
	ktime_t last_free;
};

static void age_alloc(struct ageing *age)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(age_blocks); i++) {
		for (j = 0; j < age_blocks[i].nr; j++) {
			void *block = bytepool_alloc(age->pool, age_blocks[i].size, GFP_KERNEL);

			if (block)
				age->blocks[age->nr++] = block;
		}
	}
}

static void age_free(struct worker *w)
{
	struct ageing *age = w->data;
	unsigned int i;

	age->first_free = ktime_get();
	for (i = 0; i < age->nr; i++)
		bytepool_free(age->pool, age->blocks[i]);
	age->last_free = ktime_get();
}

/* Create a pool, and have CPU 1 free some blocks. Return true on success. */
static bool age_begin(struct seq_file *m, struct ageing *age, const char *of, unsigned int timeout)
{
	struct bytepool_params params = { .idle_timeout_ms = timeout };
	struct worker worker = { .fn = age_free, .data = age, .cpu = 1 };
	int err = 0;

	age->pool = bytepool_create(of, &params);
	if (IS_ERR(age->pool)) {
		check(m, false, of, "runs", "create: %pe", age->pool);
		return false;
	}
	age_alloc(age);
	err = worker_start(&worker, "bytepool_test");
	if (!err)
		worker_join(&worker);
	if (!err && age->nr == NR_BLOCKS)
		return true;
	check(m, false, of, "runs", "error %d, %u blocks", err, age->nr);
	bytepool_destroy(age->pool);
	return false;
}

static void age_watch(struct seq_file *m, struct ageing *age, const char *of)
{
	size_t full = bytepool_size(age->pool), held;
	s64 first = 0, last = 0, before, stall = 0;

	do {
		before = last;
		usleep_range(1000, 2000);
		held = bytepool_size(age->pool);
		last = ktime_ms_delta(ktime_get(), age->last_free);
		/* A busy host may stop the guest for long: allow for the longest stop. */
		stall = max(stall, last - before);
		if (!first && held < full)
			first = ktime_ms_delta(ktime_get(), age->first_free);
	} while (held && last < TIMEOUT_MS + 2 * INTERVAL_MS + 2000);
	pr_info("bytepool-test: %s: %zu bytes, given back from %lld to %lld ms\n",
		of, full, first, last);
	check(m, full && first >= TIMEOUT_MS, of, "nothing goes back before the timeout",
	      "of %zu bytes some went after %lld ms", full, first);
	check(m, !held && last <= TIMEOUT_MS + 2 * INTERVAL_MS + SLACK_MS + stall, of,
	      "all is back two intervals after the timeout",
	      "%zu bytes held after %lld ms, of which one step took %lld", held, last, stall);
}

static void age_end(struct seq_file *m, struct ageing *age, const char *of)
{
	check_emptied(m, age->pool, of, 0);
	bytepool_destroy(age->pool);
}

static void age_run(struct seq_file *m, const char *of, bool offline)
{
	struct ageing age = { };
	int err = 0;

	if (!age_begin(m, &age, of, TIMEOUT_MS))
		return;
	if (offline)
		err = remove_cpu(1);
	age_watch(m, &age, of);
	if (offline && !err)
		err = add_cpu(1);
	if (offline)
		check(m, !err, of, "CPU 1 goes offline and online", "error %d", err);
	age_end(m, &age, of);
}

void age_idle(struct seq_file *m)
{
	age_run(m, "age-idle", false);
}

/* The guest script keeps CPU 1 in a loop in userspace. */
void age_busy(struct seq_file *m)
{
	age_run(m, "age-busy", false);
}

void age_offline(struct seq_file *m)
{
	age_run(m, "age-offline", true);
}

void trim_offline(struct seq_file *m)
{
	struct ageing age = { };
	int err;

	if (!age_begin(m, &age, "trim-offline", BYTEPOOL_TIMEOUT_NEVER))
		return;
	err = remove_cpu(1);
	bytepool_trim(age.pool);
	check(m, !err && !bytepool_size(age.pool), "trim-offline",
	      "trim reaches the memory of a CPU that is offline",
	      "error %d, %zu bytes held", err, bytepool_size(age.pool));
	if (!err)
		add_cpu(1);
	age_end(m, &age, "trim-offline");
}
