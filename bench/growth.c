// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measure if a pair costs more with many blocks or many pools.
 */
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "bench.h"

#define LIVE_SIZE	64
#define POOLS_MAX	1000U
#define POOLS_PAIRS	4000U

static void bench_live_peer(const char *name, unsigned int nr)
{
	struct subject *s = kzalloc(sizeof(*s), GFP_KERNEL);
	void **blocks = vzalloc(array_size(nr, sizeof(*blocks)));

	if (!s || !blocks || subject_init(s, peer_find(name), LIVE_SIZE)) {
		emit_failures("live", 1);
		goto out_free;
	}
	s->blocks = blocks;
	s->nr_blocks = nr;
	s->peer->loops[LOOP_FILL](s, nr);
	measure(LOOP_PAIR, s, 1);
	emit_cost("live-pair", name, nr, s->best, s->nr);
	measure(LOOP_RANDOM, s, 1);
	emit_cost("live-random", name, nr, s->best, s->nr);
	s->peer->loops[LOOP_DRAIN](s, nr);
	subject_exit(s);
out_free:
	vfree(blocks);
	kfree(s);
}

/*
 * Measure a hot pair, and a free and an alloc of a random block, with few and
 * with many blocks in use.
 */
void bench_live(void)
{
	static const unsigned int nrs[] = { 10, 1000, 100000, 1000000 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nrs); i++) {
		bench_live_peer("bytepool", nrs[i]);
		bench_live_peer("kmalloc", nrs[i]);
	}
}

static u64 loop_pools(struct bytepool **pools, unsigned int nr)
{
	unsigned int i, pool = 0;
	u64 start = bench_clock();

	for (i = 0; i < POOLS_PAIRS; i++) {
		bytepool_free(pools[pool], bytepool_alloc(pools[pool], LIVE_SIZE, GFP_KERNEL));
		if (++pool == nr)
			pool = 0;
	}
	return bench_clock() - start;
}

static u64 best_of_pools(struct bytepool **pools, unsigned int nr)
{
	unsigned int repetition;
	u64 best = U64_MAX;

	for (repetition = 0; repetition < REPETITIONS; repetition++) {
		best = min(best, loop_pools(pools, nr));
		cond_resched();
	}
	return best;
}

/* Measure pairs in each of many pools in turn, and in one of these pools. */
void bench_pools(void)
{
	struct bytepool **pools = kcalloc(POOLS_MAX, sizeof(*pools), GFP_KERNEL);
	unsigned int nr;
	char name[16];

	if (!pools) {
		emit_failures("pools", 1);
		return;
	}
	for (nr = 0; nr < POOLS_MAX; nr++) {
		if (nr == 1 || nr == 100) {
			emit_cost("pools-each", "bytepool", nr, best_of_pools(pools, nr),
				  POOLS_PAIRS);
			emit_cost("pools-one", "bytepool", nr, best_of_pools(pools, 1),
				  POOLS_PAIRS);
		}
		snprintf(name, sizeof(name), "bench-%u", nr);
		pools[nr] = bytepool_create(name, NULL);
		if (IS_ERR(pools[nr])) {
			emit_failures("pools", 1);
			goto out_destroy;
		}
	}
	emit_cost("pools-each", "bytepool", nr, best_of_pools(pools, nr), POOLS_PAIRS);
	emit_cost("pools-one", "bytepool", nr, best_of_pools(pools, 1), POOLS_PAIRS);
out_destroy:
	while (nr--)
		bytepool_destroy(pools[nr]);
	kfree(pools);
}
