// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that create and destroy pools, hundreds at a time, and take CPUs offline and online
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/random.h>

#include "../lib/worker.h"
#include "churn.h"
#include "pattern.h"
#include "random.h"
#include "report.h"

#define NR_TEMPORARY	384U
#define NR_PARCELS	8U

/* Half of the temporary pools exist at a time. The idle memory of most is left to the shrinker. */
static struct bytepool *temporary[NR_TEMPORARY];
static u64 pool_rnd;
static u64 cpu_rnd;

/* Each is invalid for one reason. */
static const struct bytepool_params wrong_params[] = {
	{ .min_size = 12 },
	{ .max_size = 100 },
	{ .max_size = SZ_1G + 8 },
	{ .min_size = 64, .max_size = 32 },
	{ .step = 4 },
	{ .step = 8, .max_size = SZ_1G },
	{ .flags = BIT(31) },
};

static void expect_error(const char *name, const struct bytepool_params *params, int expected)
{
	struct bytepool *pool = bytepool_create(name, params);
	int err = PTR_ERR_OR_ZERO(pool);

	if (err == expected || (may_fail && err == -ENOMEM))
		return;
	torture_error(ERROR_CREATE, "create \"%s\": %d, not %d", name, err, expected);
	bytepool_destroy(pool);
}

static void create_wrong(void)
{
	static const char * const names[] = { "", ".", "..", "a/b", "a b", NULL };
	u32 i = random_below(&pool_rnd, ARRAY_SIZE(wrong_params) + ARRAY_SIZE(names));

	if (i < ARRAY_SIZE(wrong_params))
		expect_error("torture-wrong", &wrong_params[i], -EINVAL);
	else
		expect_error(names[i - ARRAY_SIZE(wrong_params)], NULL, -EINVAL);
}

static void random_params(struct bytepool_params *params)
{
	static const unsigned int flags[] = {
		0, BYTEPOOL_SINGLE, BYTEPOOL_CONTIG, BYTEPOOL_WIPE, BYTEPOOL_POISON, BYTEPOOL_TRACK,
		BYTEPOOL_SINGLE | BYTEPOOL_WIPE, BYTEPOOL_POISON | BYTEPOOL_TRACK,
	};
	u32 min = 8 * (1 + random_below(&pool_rnd, 100));

	*params = (struct bytepool_params){
		.min_size = min,
		.max_size = min + 8 * random_below(&pool_rnd, 2000),
		.step = random_below(&pool_rnd, 2) ? 0 : 8 << random_below(&pool_rnd, 6),
		.flags = flags[random_below(&pool_rnd, ARRAY_SIZE(flags))],
		.idle_timeout_ms = random_below(&pool_rnd, 2) ? 0 : 10,
	};
}

static void temporary_wrong(const char *what, const struct bytepool_params *params)
{
	torture_error(ERROR_CREATE,
		      "temporary pool: %s (min_size %zu, max_size %zu, step %zu, flags %#x)", what,
		      params->min_size, params->max_size, params->step, params->flags);
}

/* Allocate and free some blocks. Half of the time, leave the idle ones in the pool. */
static void temporary_live(struct bytepool *pool, const struct bytepool_params *params)
{
	struct parcel parcels[NR_PARCELS] = { };
	struct torture_pool tp = { .name = "torture-temporary", .index = 63 };
	struct bytepool_stats stats;
	unsigned int i;

	for (i = 0; i < 2 * NR_PARCELS; i++) {
		struct parcel *p = &parcels[random_below(&pool_rnd, NR_PARCELS)];

		if (p->block) {
			pattern_check(p, &tp);
			bytepool_free(pool, p->block);
		}
		p->size = 8 * (1 + random_below(&pool_rnd, params->max_size / 8));
		p->id = parcel_id(tp.index, 0, i);
		p->block = bytepool_alloc(pool, p->size, GFP_KERNEL);
		if (p->block)
			pattern_fill(p);
		else if (!may_fail)
			temporary_wrong("no block", params);
	}
	for (i = 0; i < NR_PARCELS; i++) {
		if (parcels[i].block && pattern_check(&parcels[i], &tp))
			bytepool_free(pool, parcels[i].block);
	}
	bytepool_get_stats(pool, &stats);
	if (stats.blocks_in_use || stats.allocs != stats.frees)
		temporary_wrong("blocks are in use", params);
	if (random_below(&pool_rnd, 2))
		return;
	bytepool_trim(pool);
	if (bytepool_size(pool))
		temporary_wrong("memory is held after a trim", params);
}

static void create_temporary(unsigned int i)
{
	struct bytepool_params params;
	struct bytepool *pool;
	char name[32];

	random_params(&params);
	snprintf(name, sizeof(name), "torture-%u", i);
	pool = bytepool_create(name, &params);
	if (IS_ERR(pool)) {
		if (!may_fail)
			temporary_wrong("none", &params);
		return;
	}
	temporary_live(pool, &params);
	expect_error(name, NULL, -EEXIST);
	temporary[i] = pool;
	totals.pools++;
}

static void destroy_temporary(unsigned int i)
{
	bytepool_destroy(temporary[i]);
	temporary[i] = NULL;
}

/* Use invalid parameters in few rounds, because each of them is a line in the log. */
static void pools_fn(struct worker *w)
{
	unsigned int i;

	for (i = 0; !worker_stopping(w); i++) {
		u32 nr = random_below(&pool_rnd, NR_TEMPORARY);

		if (temporary[nr])
			destroy_temporary(nr);
		else
			create_temporary(nr);
		if (i % 64 == 0)
			create_wrong();
		if (i % 8 == 0)
			expect_error(pool_random(&pool_rnd)->name, NULL, -EEXIST);
		usleep_range(1000, 10000);
	}
	for (i = 0; i < NR_TEMPORARY; i++)
		destroy_temporary(i);
}

static void cpus_fn(struct worker *w)
{
	while (!worker_stopping(w)) {
		unsigned int cpu = random_below(&cpu_rnd, nr_cpu_ids);
		bool online;

		if (cpu && cpu_present(cpu)) {
			/* -EBUSY: CPU hotplug is disabled for the moment. */
			online = cpu_online(cpu);
			if (!(online ? remove_cpu(cpu) : add_cpu(cpu)))
				totals.toggles++;
		}
		msleep(10 + random_below(&cpu_rnd, 200));
	}
}

/* Take all CPUs online. That may need some tries. */
static void cpus_return(void)
{
	unsigned int tries;
	int cpu;

	for_each_present_cpu(cpu) {
		for (tries = 0; !cpu_online(cpu) && tries < 10; tries++) {
			if (add_cpu(cpu))
				msleep(100);
		}
		if (!cpu_online(cpu))
			torture_error(ERROR_CPU, "CPU %d does not come back online", cpu);
	}
}

static struct worker pools_worker = { .fn = pools_fn, .cpu = -1, .faulty = true };
static struct worker cpus_worker = { .fn = cpus_fn, .cpu = 0 };

int churn_start(void)
{
	int err;

	pool_rnd = get_random_u64() | 1;
	cpu_rnd = get_random_u64() | 1;
	err = worker_start(&pools_worker, "torture-pools");
	if (err || !hotplug)
		return err;
	return worker_start(&cpus_worker, "torture-cpus");
}

void churn_stop(void)
{
	if (cpus_worker.task) {
		worker_stop(&cpus_worker);
		cpus_return();
	}
	worker_stop(&pools_worker);
}
