// SPDX-License-Identifier: GPL-2.0-only
/*
 * A burst: the steps that an actor takes in one go
 */
#include <linux/bottom_half.h>
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/topology.h>

#include "actor.h"
#include "burst.h"
#include "pattern.h"
#include "random.h"
#include "report.h"

#define BULK_SIZE_MAX	512U

static const gfp_t atomic_gfps[] = {
	GFP_NOWAIT | __GFP_NOWARN,
	GFP_ATOMIC | __GFP_NOWARN,
	GFP_ATOMIC | __GFP_NOWARN | __GFP_NOMEMALLOC,
	GFP_NOWAIT | __GFP_NOWARN | __GFP_HIGH | __GFP_ZERO,
};

static const gfp_t sleeping_gfps[] = {
	GFP_KERNEL,
	GFP_KERNEL_ACCOUNT,
	GFP_NOFS,
	GFP_NOIO,
	GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN,
	GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN,
	GFP_HIGHUSER_MOVABLE,
	GFP_KERNEL | __GFP_NOFAIL,
};

/**
 * struct burst - the parameters of one run of steps
 * @tp: the pool
 * @gfp: of the allocations
 * @size_max: largest size to allocate
 * @narrow: allocate only @size_max, so that all blocks are of one class
 * @boxes: the mailboxes to exchange parcels with
 * @nr_boxes: number of @boxes
 */
struct burst {
	struct torture_pool *tp;
	gfp_t gfp;
	u32 size_max;
	bool narrow;
	struct parcel **boxes;
	u32 nr_boxes;
};

/*
 * The parameters of the burst that a thread runs on this CPU. An interrupt uses them, too, so
 * that it meets the thread in the middle of an operation on the same class.
 */
struct focus {
	struct torture_pool *tp;
	u32 size_max;
	bool narrow;
};

static DEFINE_PER_CPU(struct focus, focus);

static __always_inline u32 random_size(u64 random, u32 max, bool narrow)
{
	u32 size = narrow ? max : 1 + ((random & U32_MAX) * max >> 32);

	return size - PRIVATE_ABOVE - 1 < HOSTILE_SIZE - PRIVATE_ABOVE ? PRIVATE_ABOVE : size;
}

static void *actor_alloc(struct actor *a, struct torture_pool *tp, u32 *size, gfp_t *gfp)
{
	switch (a->seq % 256) {
	case 3:
	case 131:
		/* NUMA_NO_NODE, node 0, or node 1, which may not exist. */
		return bytepool_alloc_node(tp->pool, *size, *gfp,
					   (int)random_below(&a->rnd, 3) - 1);
	case 19:
		if (!(*gfp & __GFP_NOFAIL))
			*gfp |= __GFP_THISNODE;
		return bytepool_alloc_node(tp->pool, *size, *gfp, numa_mem_id());
	case 35:
	case 99:
		*gfp |= __GFP_ZERO;
		return bytepool_zalloc(tp->pool, *size, *gfp);
	case 151:
		/* Neither size is valid. */
		a->seq++;
		*size = a->seq & 256 ? 0 : tp->params.max_size + 1;
		break;
	}
	return bytepool_alloc(tp->pool, *size, *gfp);
}

static __always_inline void actor_step(struct actor *a, const struct burst *b)
{
	u64 random = random_next(&a->rnd);
	u32 size = random_size(random, b->size_max, b->narrow);
	struct parcel *p = a->parcel;
	gfp_t gfp = b->gfp;
	void *block;

	block = actor_alloc(a, b->tp, &size, &gfp);
	if (likely(block))
		actor_take(a, b->tp, p, block, size, gfp);
	else
		actor_refused(a, b->tp, size, gfp);
	p = xchg(&b->boxes[random >> 32 & (b->nr_boxes - 1)], p);
	if (p->block)
		actor_give(a, b->tp, p);
	a->parcel = p;
}

static void actor_bulk(struct actor *a, const struct burst *b, unsigned int nr, void **blocks)
{
	u32 size = random_size(random_next(&a->rnd), min(b->size_max, BULK_SIZE_MAX), b->narrow);
	struct torture_pool *tp = b->tp;
	struct parcel p = { .size = round_up(size, sizeof(u64)) };
	unsigned int got, i;

	got = bytepool_alloc_bulk(tp->pool, size, b->gfp, nr, blocks);
	if (!got) {
		actor_refused(a, tp, size, b->gfp);
		return;
	}
	if (got != nr)
		torture_error(ERROR_STATS, "%s: a bulk of %u has %u", tp->name, nr, got);
	p.id = parcel_id(tp->index, a->owner, a->seq++);
	for (i = 0; i < got; i++) {
		p.block = blocks[i];
		if (b->gfp & __GFP_ZERO)
			pattern_check_zero(p.block, size, tp);
		else if (tp->params.flags & BYTEPOOL_WIPE)
			pattern_check_wiped(p.block, p.size, tp);
		pattern_fill(&p);
	}
	for (i = 0; i < got; i++) {
		p.block = blocks[i];
		pattern_check(&p, tp);
	}
	a->tally[tp->index].allocs += got;
	a->tally[tp->index].frees += got;
	a->bulk += got;
	bytepool_free_bulk(tp->pool, got, blocks);
}

/* Return a power of two from 8 up to @max, or @max, each with the same probability. */
static u32 random_magnitude(struct actor *a, u32 max)
{
	u32 bits = random_below(&a->rnd, fls(max) - 2);

	return min(8U << bits, max);
}

static void burst_init(struct actor *a, struct burst *b)
{
	b->tp = pool_random(&a->rnd);
	b->size_max = random_magnitude(a, min(b->tp->largest, random_next(&a->rnd) >> 61 ?
					      BULK_SIZE_MAX : SMALL_MAX));
	b->narrow = random_below(&a->rnd, 2);
	b->boxes = b->tp->small;
	b->nr_boxes = NR_SMALL;
}

/* A thread that migrates halfway leaves a mixture of two bursts, which is harmless. */
static void focus_set(const struct burst *b)
{
	this_cpu_write(focus.size_max, b->size_max);
	this_cpu_write(focus.narrow, b->narrow);
	this_cpu_write(focus.tp, b->tp);
}

/* Keep the interrupt's own choice if no thread has run on this CPU yet. */
static void focus_get(struct burst *b)
{
	struct torture_pool *tp = this_cpu_read(focus.tp);

	if (!tp)
		return;
	b->tp = tp;
	b->boxes = tp->small;
	b->size_max = min(this_cpu_read(focus.size_max), tp->largest);
	b->narrow = this_cpu_read(focus.narrow);
}

static void burst_make_atomic(struct actor *a, struct burst *b)
{
	b->gfp = atomic_gfps[random_below(&a->rnd, ARRAY_SIZE(atomic_gfps))];
}

/* In a pool with a limit, an allocation that may sleep waits for long: make few of them. */
static void burst_make_sleeping(struct actor *a, struct burst *b)
{
	if (b->tp->params.limit_bytes && random_below(&a->rnd, 16)) {
		burst_make_atomic(a, b);
		return;
	}
	do {
		b->gfp = sleeping_gfps[random_below(&a->rnd, ARRAY_SIZE(sleeping_gfps))];
	} while (b->gfp & __GFP_NOFAIL && !b->tp->strict);
}

static void actor_steps(struct actor *a, const struct burst *b, unsigned int nr)
{
	while (nr--)
		actor_step(a, b);
}

/* Take few steps with large blocks: they are slow to allocate, and have few mailboxes. */
static void actor_large(struct actor *a, struct burst *b)
{
	unsigned int i;

	if (b->tp->largest <= SMALL_MAX)
		return;
	b->boxes = b->tp->large;
	b->nr_boxes = NR_LARGE;
	for (i = 0; i < 4; i++) {
		b->size_max = random_magnitude(a, b->tp->largest);
		/* Fail rather than call the OOM killer. */
		if (b->size_max > SYSTEM_SIZE_MAX)
			b->gfp = (b->gfp & ~__GFP_NOFAIL) | __GFP_NORETRY | __GFP_NOWARN;
		actor_step(a, b);
	}
}

/*
 * Allocate until the pool is at its limit, and keep trying for a while, so that there is
 * always an actor that wants the last page below the limit.
 */
static void actor_hoard(struct actor *a, struct torture_pool *tp, void **blocks)
{
	struct tally *tally = &a->tally[tp->index];
	unsigned int nr = 0;
	unsigned int tries;

	for (tries = 0; nr < NR_BULK && tries < 4 * NR_BULK; tries++) {
		blocks[nr] = bytepool_alloc(tp->pool, PAGE_SIZE, GFP_NOWAIT | __GFP_NOWARN);
		if (blocks[nr])
			nr++;
		else
			tally->failures++;
	}
	if (bytepool_size(tp->pool) > tp->params.limit_bytes)
		torture_error(ERROR_LIMIT, "%s: %zu bytes held, the limit is %zu", tp->name,
			      bytepool_size(tp->pool), tp->params.limit_bytes);
	tally->allocs += nr;
	tally->frees += nr;
	bytepool_free_bulk(tp->pool, nr, blocks);
	if (!random_below(&a->rnd, 4))
		bytepool_trim(tp->pool);
}

static void actor_atomic(struct actor *a, struct burst *b, void **blocks)
{
	unsigned long flags;

	burst_make_atomic(a, b);
	switch (random_below(&a->rnd, 3)) {
	case 0:
		local_irq_save(flags);
		actor_steps(a, b, 8);
		actor_bulk(a, b, 8, blocks);
		local_irq_restore(flags);
		break;
	case 1:
		local_bh_disable();
		actor_steps(a, b, 16);
		actor_bulk(a, b, 8, blocks);
		local_bh_enable();
		break;
	case 2:
		preempt_disable();
		actor_steps(a, b, 16);
		actor_bulk(a, b, 8, blocks);
		preempt_enable();
		break;
	}
}

/* Run one burst of a thread. */
void actor_burst(struct actor *a)
{
	u32 dice = random_below(&a->rnd, 64);
	void *blocks[NR_BULK];
	struct burst b;
	unsigned int i;

	burst_init(a, &b);
	burst_make_sleeping(a, &b);
	focus_set(&b);
	if (b.tp->params.limit_bytes && dice % 4 == 0) {
		actor_hoard(a, b.tp, blocks);
	} else if (dice == 0) {
		actor_large(a, &b);
	} else if (dice < 12) {
		actor_atomic(a, &b, blocks);
	} else if (dice < 28) {
		for (i = 0; i < 4; i++)
			actor_bulk(a, &b, 1 + random_below(&a->rnd, NR_BULK), blocks);
	} else {
		actor_steps(a, &b, 64);
	}
}

/* Run one burst of an interrupt. */
void actor_interrupt(struct actor *a)
{
	void *blocks[8];
	struct burst b;

	burst_init(a, &b);
	if (random_below(&a->rnd, 4))
		focus_get(&b);
	burst_make_atomic(a, &b);
	actor_steps(a, &b, 4);
	actor_bulk(a, &b, 1 + random_below(&a->rnd, ARRAY_SIZE(blocks)), blocks);
}
