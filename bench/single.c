// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cases for one CPU: a hot pair, a working set, a bulk, a mix of sizes.
 */
#include <linux/log2.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "bench.h"

/* Measure every peer of @list that has @loop, with one size. */
static void bench_size(const char *what, const struct peer *const *list, enum loop loop,
		       size_t size, gfp_t gfp, const struct mix_step *mix)
{
	struct subject *subjects = kcalloc(PEERS_MAX, sizeof(*subjects), GFP_KERNEL);
	unsigned int i, nr;

	if (!subjects) {
		emit_failures(what, 1);
		return;
	}
	nr = subjects_init(subjects, list, loop, size);
	for (i = 0; i < nr; i++) {
		subjects[i].gfp = gfp;
		subjects[i].mix = mix;
	}
	measure(loop, subjects, nr);
	for (i = 0; i < nr; i++) {
		emit_cost(what, subjects[i].peer->name, size, subjects[i].best, subjects[i].nr);
		subject_exit(&subjects[i]);
	}
	kfree(subjects);
}

static void bench_sizes(const char *what, enum loop loop)
{
	size_t size;

	for (size = 8; size <= SZ_4M; size *= 2) {
		bench_size(what, peers, loop, size, GFP_KERNEL, NULL);
		/* Counts are exact, so measure sizes between powers of two as well. */
		if (counting && size >= 16 && size < SZ_4M)
			bench_size(what, peers, loop, size / 2 * 3, GFP_KERNEL, NULL);
	}
}

void bench_pair(void)
{
	bench_sizes("pair", LOOP_PAIR);
}

void bench_set(void)
{
	bench_sizes("set16", LOOP_SET);
}

void bench_bulk(void)
{
	bench_sizes("bulk16", LOOP_BULK);
}

static void bench_few_sizes(const char *what, const struct peer *const *list, enum loop loop,
			    gfp_t gfp)
{
	static const size_t sizes[] = { 64, SZ_1K, SZ_4K, SZ_8K, SZ_64K };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		bench_size(what, list, loop, sizes[i], gfp, NULL);
}

void bench_atomic(void)
{
	bench_few_sizes("atomic-pair", atomic_peers, LOOP_PAIR, GFP_ATOMIC);
	bench_few_sizes("atomic-set16", atomic_peers, LOOP_SET, GFP_ATOMIC);
}

void bench_reserve(void)
{
	bench_few_sizes("reserve-pair", reserve_peers, LOOP_PAIR, GFP_KERNEL);
	bench_few_sizes("reserve-set16", reserve_peers, LOOP_SET, GFP_KERNEL);
}

/* Measure a mix of sizes from 8 bytes to @max, with every doubling equally likely. */
static void bench_mix_to(size_t max)
{
	struct mix_step *mix = vmalloc(array_size(MIX_STEPS, sizeof(*mix)));
	struct rnd_state random;
	unsigned int i;

	if (!mix) {
		emit_failures("mix", 1);
		return;
	}
	prandom_seed_state(&random, 1);
	for (i = 0; i < MIX_STEPS; i++) {
		u32 doubling = prandom_u32_state(&random) % (ilog2(max) - 3);
		size_t base = 8UL << doubling;

		mix[i].slot = prandom_u32_state(&random) % MIX_SLOTS;
		mix[i].size = base + 1 + prandom_u32_state(&random) % base;
	}
	bench_size("mix", peers, LOOP_MIX, max, GFP_KERNEL, mix);
	vfree(mix);
}

void bench_mix(void)
{
	bench_mix_to(SZ_8K);
	bench_mix_to(SZ_64K);
	bench_mix_to(SZ_1M);
}
