// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cases that allocate from the system and free to it: misses, the GC, the pools
 * themselves, and the memory that all of this takes.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "bench.h"

#define BLOCKS_MIN	64UL
#define BLOCKS_MAX	16384UL
#define BLOCKS_BYTES	SZ_256M
#define MEMORY_BLOCKS	10000U
#define POOLS_BEFORE	4U
#define POOLS_MEASURED	16U

const struct bytepool_params many_classes = {
	.min_size = 8,
	.max_size = 102400,
	.step = 8,
};

static const size_t miss_sizes[] = {
	64, SZ_1K, SZ_4K, SZ_16K, SZ_64K, SZ_256K, SZ_1M, SZ_4M
};

static void **blocks_alloc(unsigned int nr)
{
	return vzalloc(array_size(nr, sizeof(void *)));
}

static unsigned int blocks_for(size_t size)
{
	return clamp(BLOCKS_BYTES / size, BLOCKS_MIN, BLOCKS_MAX);
}

/* Allocate every block from the system, free it, and return it to the system. */
static u64 miss_once(struct subject *s, struct bytepool *pool)
{
	u64 start = bench_busy_clock();

	s->peer->loops[LOOP_FILL](s, s->nr_blocks);
	s->peer->loops[LOOP_DRAIN](s, s->nr_blocks);
	if (pool)
		bytepool_trim(pool);
	return bench_busy_clock() - start;
}

static void bench_miss_peer(const char *name, size_t size)
{
	struct subject *s = kzalloc(sizeof(*s), GFP_KERNEL);
	void **blocks = blocks_alloc(BLOCKS_MAX);
	unsigned int repetition;
	u64 best = U64_MAX;

	if (!s || !blocks || subject_init(s, peer_find(name), size)) {
		emit_failures("miss", 1);
		goto out_free;
	}
	s->blocks = blocks;
	s->nr_blocks = blocks_for(size);
	for (repetition = 0; repetition < REPETITIONS; repetition++) {
		best = min(best, miss_once(s, s->peer == peers[0] ? s->pool : NULL));
		cond_resched();
	}
	emit_cost("miss", name, size, best, s->nr_blocks);
	subject_exit(s);
out_free:
	vfree(blocks);
	kfree(s);
}

void bench_miss(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(miss_sizes); i++) {
		bench_miss_peer("bytepool", miss_sizes[i]);
		bench_miss_peer("kvmalloc", miss_sizes[i]);
		if (miss_sizes[i] >= PAGE_SIZE && peer_wanted(peer_find("vmalloc")))
			bench_miss_peer("vmalloc", miss_sizes[i]);
	}
}

static void time_gc(const char *what, struct bytepool *pool, unsigned int nr)
{
	unsigned int repetition;
	u64 best = U64_MAX;

	for (repetition = 0; repetition < REPETITIONS; repetition++) {
		u64 start = bench_busy_clock();

		bytepool_gc(pool, NULL);
		best = min(best, bench_busy_clock() - start);
	}
	emit_cost(what, "bytepool", nr, best, 1);
}

/* Measure a pass that finds nothing to free, with @nr blocks in use or idle. */
static void bench_gc_idle_nr(unsigned int nr)
{
	struct bytepool *pool = bytepool_create("bench", NULL);
	void **blocks = blocks_alloc(nr);
	unsigned int i;

	if (IS_ERR(pool) || !blocks) {
		emit_failures("gc-idle", 1);
		goto out_free;
	}
	for (i = 0; i < nr; i++)
		blocks[i] = bytepool_alloc(pool, 64, GFP_KERNEL);
	time_gc("gc-in-use", pool, nr);
	for (i = 0; i < nr; i++)
		bytepool_free(pool, blocks[i]);
	time_gc("gc-idle", pool, nr);
out_free:
	vfree(blocks);
	bytepool_destroy(pool);
}

void bench_gc_idle(void)
{
	bench_gc_idle_nr(10);
	bench_gc_idle_nr(1000);
	bench_gc_idle_nr(100000);
}

/* Measure the cost per block of a pass that frees everything. */
static void bench_gc_free_size(size_t size)
{
	static const struct bytepool_params params = { .idle_timeout_ms = 1 };
	struct bytepool *pool = bytepool_create("bench", &params);
	unsigned int i, repetition, nr = blocks_for(size);
	void **blocks = blocks_alloc(nr);
	u64 best = U64_MAX;

	if (IS_ERR(pool) || !blocks) {
		emit_failures("gc-free", 1);
		goto out_free;
	}
	for (repetition = 0; repetition < REPETITIONS; repetition++) {
		unsigned long freed;
		u64 start;

		for (i = 0; i < nr; i++)
			blocks[i] = bytepool_alloc(pool, size, GFP_KERNEL);
		for (i = 0; i < nr; i++)
			bytepool_free(pool, blocks[i]);
		msleep(50);
		start = bench_busy_clock();
		freed = bytepool_gc(pool, NULL);
		/*
		 * If fewer blocks were freed, the background GC has freed the
		 * others first.
		 */
		if (freed >= nr)
			best = min(best, bench_busy_clock() - start);
	}
	if (best == U64_MAX)
		emit_failures("gc-free", 1);
	else
		emit_cost("gc-free", "bytepool", size, best, nr);
out_free:
	vfree(blocks);
	bytepool_destroy(pool);
}

static void bench_kvfree_size(size_t size)
{
	unsigned int i, repetition, nr = blocks_for(size);
	void **blocks = blocks_alloc(nr);
	u64 best = U64_MAX;

	if (!blocks) {
		emit_failures("gc-free", 1);
		return;
	}
	for (repetition = 0; repetition < REPETITIONS; repetition++) {
		u64 start;

		for (i = 0; i < nr; i++)
			blocks[i] = kvmalloc(size, GFP_KERNEL);
		start = bench_busy_clock();
		for (i = 0; i < nr; i++)
			kvfree(blocks[i]);
		best = min(best, bench_busy_clock() - start);
		cond_resched();
	}
	emit_cost("gc-free", "kvmalloc", size, best, nr);
	vfree(blocks);
}

void bench_gc_free(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(miss_sizes); i++) {
		bench_gc_free_size(miss_sizes[i]);
		bench_kvfree_size(miss_sizes[i]);
	}
}

/*
 * Return the exact number of free pages. It includes the pages on the per-CPU
 * lists and the per-CPU counters.
 */
static unsigned long free_pages_now(void)
{
	unsigned long pages = 0;
	unsigned int i;
	int cpu;

	/* Freed memory may have to pass through RCU and a work item. */
	rcu_barrier();
	msleep(50);
	rcu_barrier();
	for (i = 0; i < MAX_NR_ZONES; i++) {
		struct zone *zone = &NODE_DATA(0)->node_zones[i];

		if (!populated_zone(zone))
			continue;
		pages += zone_page_state_snapshot(zone, NR_FREE_PAGES);
		for_each_online_cpu(cpu)
			pages += per_cpu_ptr(zone->per_cpu_pageset, cpu)->count;
	}
	return pages;
}

static void emit_memory(const char *what, const char *peer, size_t size, unsigned long before,
			unsigned int nr)
{
	unsigned long after = free_pages_now();

	emit(what, peer, size, before > after ? (before - after) * PAGE_SIZE : 0, nr, "bytes");
}

static void bench_create_pools(const char *what, const char *what_memory,
			       const struct bytepool_params *params, size_t nr)
{
	struct bytepool *pools[POOLS_BEFORE + POOLS_MEASURED];
	unsigned long before = 0;
	u64 best = U64_MAX;
	unsigned int i;
	char name[16];

	for (i = 0; i < ARRAY_SIZE(pools); i++) {
		u64 start;

		if (i == POOLS_BEFORE)
			before = free_pages_now();
		snprintf(name, sizeof(name), "bench-%u", i);
		start = bench_busy_clock();
		pools[i] = bytepool_create(name, params);
		best = min(best, bench_busy_clock() - start);
		if (IS_ERR(pools[i])) {
			emit_failures(what, 1);
			goto out_destroy;
		}
	}
	emit_cost(what, "bytepool", nr, best, 1);
	emit_memory(what_memory, "bytepool", nr, before, POOLS_MEASURED);
out_destroy:
	while (i--)
		bytepool_destroy(pools[i]);
}

/* Measure the default pool, and a pool with 12,800 classes. */
void bench_create(void)
{
	bench_create_pools("create", "create-memory", NULL, 0);
	bench_create_pools("create", "create-memory", &many_classes, 12800);
}

/* Measure the same against the number of CPUs that the machine may have. */
void bench_possible(void)
{
	unsigned int nr = num_possible_cpus();

	bench_create_pools("possible", "possible-memory", NULL, nr);
	bench_create_pools("possible-many", "possible-many-memory", &many_classes, nr);
}

/*
 * Measure the memory that a second set of blocks takes, while a first set is
 * allocated. Earlier allocations leave room in partly empty slabs of the
 * system, and the first set fills it.
 */
static void bench_memory_of(struct subject *s, void **blocks)
{
	unsigned long before = 0;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		before = free_pages_now();
		s[i].blocks = blocks + i * MEMORY_BLOCKS;
		s[i].peer->loops[LOOP_FILL](&s[i], MEMORY_BLOCKS);
	}
	emit_memory("memory", s->peer->name, s->size, before, MEMORY_BLOCKS);
	for (i = 0; i < 2; i++)
		s[i].peer->loops[LOOP_DRAIN](&s[i], MEMORY_BLOCKS);
}

static void bench_memory_peer(const struct peer *peer, size_t size)
{
	struct subject *s = kcalloc(2, sizeof(*s), GFP_KERNEL);
	void **blocks = blocks_alloc(2 * MEMORY_BLOCKS);

	if (!s || !blocks || subject_init(&s[0], peer, size)) {
		emit_failures("memory", 1);
		goto out_free;
	}
	if (subject_init(&s[1], peer, size)) {
		emit_failures("memory", 1);
	} else {
		bench_memory_of(s, blocks);
		subject_exit(&s[1]);
	}
	subject_exit(&s[0]);
out_free:
	vfree(blocks);
	kfree(s);
}

/* Measure the memory per block that 10,000 blocks in use take from the system. */
void bench_memory(void)
{
	static const size_t sizes[] = { 8, 64, 256, SZ_1K, SZ_4K, 5000, SZ_16K, 20000 };
	static const char * const names[] = { "bytepool", "kmalloc", "kvmalloc", "handmade" };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (j = 0; j < ARRAY_SIZE(names); j++) {
			const struct peer *peer = peer_find(names[j]);

			if (peer_wanted(peer))
				bench_memory_peer(peer, sizes[i]);
		}
	}
}
