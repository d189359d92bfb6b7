// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two NUMA nodes: blocks that are freed on another node, and back to the system
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/sched.h>

#include "../lib/worker.h"
#include "block.h"
#include "numa.h"
#include "tests.h"

#define NR_ROUNDS	100U
#define NR_SWAPPERS	4U
#define NR_SLOTS	32U
#define NR_SWAPS	2000U

/*
 * Back to the system
 */

/* Allocate @nr blocks of either node, and free half of them on each. */
static void leave_mixed(struct numa *n, unsigned int nr)
{
	int node;

	for (node = 0; node < 2; node++) {
		numa_go(node);
		take_on(n, nr, GFP_KERNEL, node, node, "new");
	}
	for (node = 0; node < 2; node++) {
		unsigned int i;

		numa_go(node);
		for (i = 0; i < nr; i += 2)
			swap(n->blocks[i], n->blocks[n->got - 1 - i]);
		put(n, nr, false);
	}
}

static void trim(struct numa *n)
{
	unsigned long blocks;
	u64 idle;

	leave_mixed(n, n->nr);
	idle = nr_idle(n);
	blocks = bytepool_trim(n->pool);
	want(n, blocks == idle && idle >= 2 * n->nr, "%lu blocks given back of %llu", blocks, idle);
	want_empty(n, "trim");
}

void numa_trim(struct seq_file *m)
{
	test_all(m, trim, WITH_SINGLE | WITH_MAPPED, "trim gives back idle memory of both nodes");
}

/* Wait until idle memory ages. The owner of a single pool calls the GC itself. */
static void want_aged(struct numa *n, const char *what)
{
	unsigned long end = jiffies + 3 * HZ;
	struct bytepool_stats stats;

	if (n->single) {
		size_t held;

		msleep(2 * NUMA_TIMEOUT_MS);
		bytepool_gc(n->pool, &held);
		want(n, !held, "%s: %zu bytes held", what, held);
	}
	while (bytepool_size(n->pool) && time_before(jiffies, end))
		msleep(20);
	want_empty(n, what);
	bytepool_get_stats(n->pool, &stats);
	want(n, stats.gc_runs, "%s: no GC", what);
}

static void age(struct numa *n)
{
	take_on(n, n->nr, GFP_KERNEL, UNNAMED, n->node, "new");
	put_all(n);
	want_aged(n, "freed here");
	take_on(n, n->nr, GFP_KERNEL, UNNAMED, n->node, "new");
	numa_go(n->other);
	put_all(n);
	want_aged(n, "freed there");
	leave_mixed(n, n->nr);
	want_aged(n, "freed everywhere");
}

void numa_age(struct seq_file *m)
{
	test_all(m, age, AGEING | WITH_SINGLE | WITH_MAPPED, "idle memory of either node ages");
}

/*
 * To the other node and back
 */

static void ping_pong(struct numa *n)
{
	unsigned int round;

	for (round = 0; round < NR_ROUNDS; round++) {
		numa_go(n->node);
		take_on(n, 1, GFP_KERNEL, round & 1 ? n->node : UNNAMED, n->node, "from here");
		numa_go(n->other);
		put(n, 1, round & 2);
	}
	want_misses(n, 1, "one block is enough");
}

void numa_ping_pong(struct seq_file *m)
{
	test_all(m, ping_pong, WITH_SINGLE | WITH_MAPPED,
		 "one block goes to the other node and back");
}

/**
 * struct swapper - a thread that frees blocks that others allocated
 * @w: the thread
 * @n: the test
 * @slots: shared by all: putting a block into a slot frees the block that was there
 * @allocs: blocks that it allocated
 * @frees: blocks that it freed
 * @strays: blocks that were not of the node that was named
 * @damaged: blocks that did not have their owner's content
 */
struct swapper {
	struct worker w;
	struct numa *n;
	void **slots;
	unsigned int allocs;
	unsigned int frees;
	unsigned int strays;
	unsigned int damaged;
};

static void swap_in(struct swapper *s, void *block)
{
	u32 slot = prandom_u32_state(&s->w.rnd) % NR_SLOTS;
	void *old = xchg(&s->slots[slot], block);

	if (!old)
		return;
	s->damaged += !block_intact(old, s->n->size);
	bytepool_free(s->n->pool, old);
	s->frees++;
}

static void swap_fn(struct worker *w)
{
	static const int nodes[] = { UNNAMED, 0, 1 };
	struct swapper *s = w->data;
	unsigned int i;

	for (i = 0; i < NR_SWAPS; i++) {
		int node = nodes[prandom_u32_state(&w->rnd) % ARRAY_SIZE(nodes)];
		void *block = numa_alloc(s->n->pool, s->n->size, GFP_KERNEL, node);

		if (!block)
			break;
		s->allocs++;
		s->strays += node != UNNAMED && block_node(block) != node;
		block_fill(block, s->n->size, i);
		swap_in(s, block);
		cond_resched();
	}
}

/* Run a thread on each CPU, and trim at the same time. */
static void swappers_run(struct numa *n, struct swapper *swappers)
{
	unsigned int i, nr;

	for (nr = 0; nr < NR_SWAPPERS; nr++) {
		struct worker *w = &swappers[nr].w;

		*w = (struct worker){ .fn = swap_fn, .data = &swappers[nr], .cpu = nr };
		prandom_seed_state(&w->rnd, nr + 1);
		if (worker_start(w, "bytepool_test")) {
			want(n, false, "out of memory");
			break;
		}
	}
	for (i = 0; i < 10; i++) {
		bytepool_trim(n->pool);
		msleep(20);
	}
	for (i = 0; i < nr; i++)
		worker_join(&swappers[i].w);
}

static void swapped(struct numa *n, const struct swapper *s)
{
	want(n, s->allocs == NR_SWAPS && !s->strays && !s->damaged,
	     "CPU %d: %u allocs of %u, %u strays, %u damaged", s->w.cpu, s->allocs, NR_SWAPS,
	     s->strays, s->damaged);
	n->allocs += s->allocs;
	n->frees += s->frees;
}

static void exchange(struct numa *n)
{
	struct swapper swappers[NR_SWAPPERS] = {};
	void *slots[NR_SLOTS] = {};
	unsigned int i;
	u64 slab;

	take(n, 1, GFP_KERNEL, n->node);
	slab = 1 + nr_idle(n);
	for (i = 0; i < NR_SWAPPERS; i++) {
		swappers[i].n = n;
		swappers[i].slots = slots;
	}
	swappers_run(n, swappers);
	for (i = 0; i < NR_SWAPPERS; i++)
		swapped(n, &swappers[i]);
	for (i = 0; i < NR_SLOTS; i++) {
		bytepool_free(n->pool, slots[i]);
		n->frees += !!slots[i];
	}
	/* The slots and caches hold so many blocks, and CPUs may create slabs at the same time. */
	want(n, nr_idle(n) <= 400 + 6 * slab, "%llu blocks are idle", nr_idle(n));
}

void numa_exchange(struct seq_file *m)
{
	test_all(m, exchange, 0, "threads on all CPUs free each other's blocks");
}
