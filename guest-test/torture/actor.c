// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an actor does: allocate, write, exchange, check, free.
 */
#include <linux/bottom_half.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/topology.h>

#include "torture.h"

#define NR_ACTORS_MAX	255U

/* The system promises what is asked of it up to here. */
#define SYSTEM_SIZE_MAX	(PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER)

static struct actor *actors[NR_ACTORS_MAX];
static unsigned int nr_actors;

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
 * struct burst - what goes on in one run of steps
 * @tp: where
 * @gfp: how
 * @size_max: largest to ask for
 * @narrow: nothing else, so that it is all in one class
 * @boxes: the mailboxes that parcels go to
 * @nr_boxes: how many
 */
struct burst {
	struct torture_pool *tp;
	gfp_t gfp;
	u32 size_max;
	bool narrow;
	struct parcel **boxes;
	u32 nr_boxes;
};

/* What this CPU's threads are at: an interrupt does rather the same, to meet them amid it. */
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

/* Whether the actor must get its block. */
static bool must_succeed(const struct torture_pool *tp, u32 size, gfp_t gfp)
{
	if (may_fail || !tp->strict || !size || size > tp->largest)
		return false;
	if (gfp & __GFP_NOFAIL)
		return true;
	return gfpflags_allow_blocking(gfp) && size <= SYSTEM_SIZE_MAX &&
	       !(gfp & (__GFP_NORETRY | __GFP_RETRY_MAYFAIL | __GFP_THISNODE));
}

static void actor_refused(struct actor *a, struct torture_pool *tp, u32 size, gfp_t gfp)
{
	a->tally[tp->index].failures++;
	if (must_succeed(tp, size, gfp))
		torture_error(ERROR_REFUSED, "%s: no %u bytes with gfp %pGg", tp->name, size, &gfp);
}

/* A look at what else must be true of a new block; and all of it is written to. */
static void parcel_inspect(struct parcel *p, struct torture_pool *tp)
{
	size_t usable = bytepool_usable_size(tp->pool, p->block);
	struct torture_pool *other = &torture_pools[(tp->index + 1) % NR_POOLS];

	if (usable < p->size || usable > tp->params.max_size ||
	    !IS_ALIGNED((unsigned long)p->block, min(usable & -usable, PAGE_SIZE))) {
		torture_error(ERROR_SIZE, "%s: %u bytes at %p: usable are %zu",
			      tp->name, p->size, p->block, usable);
		return;
	}
	if (bytepool_usable_size(tp->pool, p->block + 1) ||
	    bytepool_usable_size(other->pool, p->block))
		torture_error(ERROR_SIZE, "%s: %p is no block, or not this pool's, but usable",
			      tp->name, p->block);
	p->size = usable;
	p->dense = usable <= SMALL_MAX;
}

static void actor_take(struct actor *a, struct torture_pool *tp, struct parcel *p, void *block,
		       u32 size, gfp_t gfp)
{
	p->block = block;
	p->size = round_up(size, sizeof(u64));
	p->id = parcel_id(tp->index, a->owner, a->seq++);
	p->cpu = raw_smp_processor_id();
	p->dense = false;
	a->tally[tp->index].allocs++;
	if (unlikely(a->seq % 32 == 0))
		parcel_inspect(p, tp);
	if (gfp & __GFP_ZERO)
		pattern_check_zero(block, p->size, tp);
	else if (tp->params.flags & BYTEPOOL_WIPE)
		pattern_check_wiped(block, p->size, tp);
	pattern_fill(p);
}

static void actor_give(struct actor *a, struct torture_pool *tp, struct parcel *p)
{
	void *block = p->block;

	pattern_check(p, tp);
	p->block = NULL;
	a->cross_cpu += p->cpu != raw_smp_processor_id();
	if (likely(++a->tally[tp->index].frees % 32))
		bytepool_free(tp->pool, block);
	else
		bytepool_free_any(block);
}

static void *actor_alloc(struct actor *a, struct torture_pool *tp, u32 *size, gfp_t *gfp)
{
	switch (a->seq % 256) {
	case 3:
	case 131:
		/* Any node, node 0, or 1, which may not exist. */
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
		/* Neither is a size. */
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
			pattern_check_zero(p.block, p.size, tp);
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

/* All magnitudes alike, up to @max. */
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

/* A thread may be elsewhere in the midst of it: that does no harm. */
static void focus_set(const struct burst *b)
{
	this_cpu_write(focus.size_max, b->size_max);
	this_cpu_write(focus.narrow, b->narrow);
	this_cpu_write(focus.tp, b->tp);
}

/* Where no thread has run yet, the interrupt keeps its own choice. */
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

/* Who may sleep waits where there is a limit, for long: seldom. */
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

/* Large blocks take long to get, and there are few boxes for them. */
static void actor_large(struct actor *a, struct burst *b)
{
	unsigned int i;

	if (b->tp->largest <= SMALL_MAX)
		return;
	b->boxes = b->tp->large;
	b->nr_boxes = NR_LARGE;
	for (i = 0; i < 4; i++) {
		b->size_max = random_magnitude(a, b->tp->largest);
		/* Rather no block than the OOM killer. */
		if (b->size_max > SYSTEM_SIZE_MAX)
			b->gfp = (b->gfp & ~__GFP_NOFAIL) | __GFP_NORETRY | __GFP_NOWARN;
		actor_step(a, b);
	}
}

/*
 * All that the limit allows, and what others free meanwhile: so there is always
 * somebody who wants the last page below it.
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

/* A thread's share, until it looks around again. */
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

/* An interrupt's. */
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

/* Before there are threads. */
struct actor *actor_new(enum context context)
{
	struct actor *a;

	if (nr_actors == NR_ACTORS_MAX)
		return NULL;
	a = kzalloc(sizeof(*a), GFP_KERNEL);
	if (!a)
		return NULL;
	a->context = context;
	a->rnd = get_random_u64() | 1;
	a->parcel = &a->own;
	a->owner = nr_actors;
	actors[nr_actors++] = a;
	return a;
}

static void boxes_drain(struct actor *a, struct torture_pool *tp, struct parcel **boxes,
			unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (boxes[i]->block)
			actor_give(a, tp, boxes[i]);
	}
}

/* When everybody has stopped: free what is in the mailboxes. */
void actors_drain(void)
{
	struct torture_pool *tp;

	if (!nr_actors)
		return;
	for (tp = torture_pools; tp < torture_pools + NR_POOLS; tp++) {
		boxes_drain(actors[0], tp, tp->small, NR_SMALL);
		boxes_drain(actors[0], tp, tp->large, NR_LARGE);
	}
}

static void check_tally(struct torture_pool *tp, const struct tally *sum)
{
	struct bytepool_stats stats;
	u64 undone, allocs, frees, failures;

	bytepool_get_stats(tp->pool, &stats);
	allocs = stats.allocs - tp->before.allocs;
	frees = stats.frees - tp->before.frees;
	failures = stats.failures - tp->before.failures;
	/* A bulk that is refused midway has taken blocks, and freed them. */
	undone = allocs - sum->allocs;
	if (sum->allocs != sum->frees || frees - sum->frees != undone ||
	    undone > sum->failures * NR_BULK || failures != sum->failures ||
	    stats.hits + stats.misses != stats.allocs)
		torture_error(ERROR_STATS,
			      "%s: %llu allocs, %llu frees, %llu failures; stats: %llu, %llu, %llu, %llu hits, %llu misses",
			      tp->name, sum->allocs, sum->frees, sum->failures, allocs, frees,
			      failures, stats.hits, stats.misses);
}

static void total_pool(struct torture_pool *tp)
{
	struct tally sum = { };
	unsigned int i;

	for (i = 0; i < nr_actors; i++) {
		const struct tally *tally = &actors[i]->tally[tp->index];

		sum.allocs += tally->allocs;
		sum.frees += tally->frees;
		sum.failures += tally->failures;
		if (actors[i]->context == SOFTIRQ)
			totals.softirq += tally->allocs;
		else if (actors[i]->context == HARDIRQ)
			totals.hardirq += tally->allocs;
	}
	totals.allocs += sum.allocs;
	totals.frees += sum.frees;
	totals.failures += sum.failures;
	check_tally(tp, &sum);
}

/* After actors_drain(): add up what happened, and compare it with what the pools say. */
void actors_total(void)
{
	unsigned int i;

	for (i = 0; i < NR_POOLS; i++)
		total_pool(&torture_pools[i]);
	for (i = 0; i < nr_actors; i++) {
		totals.bulk += actors[i]->bulk;
		totals.cross_cpu += actors[i]->cross_cpu;
	}
}

void actors_free(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		per_cpu(focus, cpu).tp = NULL;
	while (nr_actors)
		kfree(actors[--nr_actors]);
}
