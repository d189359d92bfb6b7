// SPDX-License-Identifier: GPL-2.0-only
/*
 * Actors, which allocate and free: their steps with a single block, and the list of all actors
 */
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "actor.h"
#include "pattern.h"
#include "report.h"

#define NR_ACTORS_MAX	255U

static struct actor *actors[NR_ACTORS_MAX];
static unsigned int nr_actors;

/* Return true if the allocation must not fail. */
static bool must_succeed(const struct torture_pool *tp, u32 size, gfp_t gfp)
{
	if (may_fail || !tp->strict || !size || size > tp->largest)
		return false;
	if (gfp & __GFP_NOFAIL)
		return true;
	return gfpflags_allow_blocking(gfp) && size <= SYSTEM_SIZE_MAX &&
	       !(gfp & (__GFP_NORETRY | __GFP_RETRY_MAYFAIL | __GFP_THISNODE));
}

/* Count an allocation that returned NULL. */
void actor_refused(struct actor *a, struct torture_pool *tp, u32 size, gfp_t gfp)
{
	a->tally[tp->index].failures++;
	if (must_succeed(tp, size, gfp))
		torture_error(ERROR_REFUSED, "%s: no %u bytes with gfp %pGg", tp->name, size, &gfp);
}

/* Check usable size and alignment of a new block, and have all of it written to. */
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

/* Put a new block into parcel @p. Check that it is zero or wiped if it has to be, and fill it. */
void actor_take(struct actor *a, struct torture_pool *tp, struct parcel *p, void *block,
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
		pattern_check_zero(block, size, tp);
	else if (tp->params.flags & BYTEPOOL_WIPE)
		pattern_check_wiped(block, p->size, tp);
	pattern_fill(p);
}

/* Check the block in parcel @p, and free it. */
void actor_give(struct actor *a, struct torture_pool *tp, struct parcel *p)
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

/* Add an actor. The caller is the only thread that does so. */
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

/* Free the blocks in the mailboxes, when all actors have stopped. */
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
	/* A bulk allocation that fails midway has allocated blocks, and freed them. */
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

/* Add up the tallies, and compare them with the statistics. Call after actors_drain(). */
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
	while (nr_actors)
		kfree(actors[--nr_actors]);
}
