// SPDX-License-Identifier: GPL-2.0-only
/*
 * When the system is short, idle memory goes whatever its timeout, the oldest
 * first. A scan may run in the middle of anybody's allocation, also of one for a
 * slab of this pool: no lock is held over those, and of the locks that it takes
 * it waits for none that is held over a grace period.
 */
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/shrinker.h>
#include <linux/sizes.h>

#include "age.h"
#include "backing.h"
#include "cache.h"
#include "class.h"
#include "compat.h"
#include "context.h"
#include "depot.h"
#include "reclaim.h"
#include "shrinker.h"
#include "size_class.h"
#include "stats.h"
#include "trace.h"
#include "types.h"

/* What a scan is asked for at least: it may have to wait for a grace period. */
#define SHRINK_BYTES		SZ_1M

/* How often a scan looks again, if others have taken what it saw. */
#define SHRINK_RETRIES		8U

/*
 * Bytes that a scan could give back, at the least: what it can not would be
 * asked for in vain. A block in use keeps one slab from going, so all but as
 * many slabs as there are such blocks go, wherever the idle ones are.
 */
static unsigned long class_shrinkable(struct bp_class *class)
{
	long blocks = atomic_long_read(&class->nr_blocks);
	long reserve = READ_ONCE(class->reserve);
	long per_slab = bytepool_slab_blocks(class->slab_bytes, class->size);
	long spare = blocks - reserve;
	struct bytepool_stats stats = {};
	struct bp_depot *depot;
	long nr = 0;

	if (spare <= 0)
		return 0;
	/* A slab that is larger than what the reserve leaves stays. */
	if (reserve) {
		if (!bp_class_reclaimable(class))
			return 0;
		spare = max(spare - (per_slab - 1), 1L);
	}
	bp_for_each_depot(depot, class) {
		/* It may change meanwhile. */
		nr += data_race(depot->nr_whole);
	}
	bp_class_add_stats(class, &stats);
	if (stats.blocks_in_use <= blocks / per_slab)
		nr = max(nr, blocks - (long)stats.blocks_in_use * per_slab);
	return min(nr, spare) * class->size;
}

static unsigned long shrink_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct bytepool *pool = compat_shrinker_data(shrinker);
	struct bp_class *class;
	unsigned long bytes = 0;

	bp_for_each_class(class, pool) {
		bytes += class_shrinkable(class);
		cond_resched();
	}
	return bytes >> PAGE_SHIFT;
}

/**
 * struct shrink_survey - how old the oldest idle memory of a pool is
 * @now: jiffies
 * @age: of the oldest slab that a depot could give back, in jiffies; -1 = there is none
 * @cached_age: of the oldest block in a cache or a batch
 */
struct shrink_survey {
	unsigned long now;
	long age;
	long cached_age;
};

static void survey_add(const struct shrink_survey *survey, long *oldest, unsigned long idle_since)
{
	long age = min_t(unsigned long, bp_age_at(survey->now, idle_since), LONG_MAX);

	*oldest = max(*oldest, age);
}

static void survey_depot(struct bp_depot *depot, struct shrink_survey *survey)
{
	const struct bp_batch *batch;
	struct bp_slab *slab;
	unsigned long flags;

	/* Nothing, or what came in this moment. */
	if (!data_race(depot->nr_whole) && !READ_ONCE(depot->full))
		return;
	flags = bp_depot_lock(depot);
	slab = bp_depot_oldest(depot, &bp_gc_everything);
	if (slab)
		survey_add(survey, &survey->age, slab->idle_since);
	for (batch = depot->full; batch; batch = batch->next)
		survey_add(survey, &survey->cached_age, batch->entries[0].idle_since);
	bp_depot_unlock(depot, flags);
}

static struct shrink_survey survey_pool(struct bytepool *pool)
{
	struct shrink_survey survey = { .now = jiffies, .age = -1, .cached_age = -1 };
	struct bp_class *class;
	struct bp_depot *depot;
	struct bp_cache *cache;

	bp_for_each_class(class, pool) {
		bp_for_each_depot(depot, class)
			survey_depot(depot, &survey);
		bp_for_each_cache(cache, class) {
			if (bp_cache_nr(cache))
				survey_add(&survey, &survey.cached_age, bp_cache_oldest(cache));
		}
		cond_resched();
	}
	return survey;
}

/* A pass for what is at least so many jiffies old. */
static struct bp_gc_pass shrink_pass(unsigned long now, long age)
{
	return (struct bp_gc_pass){ .all = age <= 0, .now = now, .timeout = age - 1 };
}

/* Reap all depots, until so many bytes are given back. */
static unsigned long pool_reap_bytes(struct bytepool *pool, const struct bp_gc_pass *pass,
				     unsigned long bytes)
{
	struct bp_class *class;
	struct bp_gc_reaped all = {};

	bp_for_each_class(class, pool) {
		unsigned long most = DIV_ROUND_UP(bytes - all.bytes, class->size);
		struct bp_gc_reaped reaped = bp_class_reap(class, pass, most);

		all.blocks += reaped.blocks;
		all.bytes += reaped.bytes;
		if (all.bytes >= bytes)
			break;
	}
	if (all.blocks)
		trace_gc(pool->name, "pressure", all.blocks, all.bytes, bp_pool_held(pool));
	return all.bytes;
}

/*
 * Get what a pass wants out of the caches. Without gc_lock only out of the
 * batches, after a grace period in which whoever has the lock may get on with
 * the caches.
 */
static void shrink_drain(struct bytepool *pool, const struct bp_gc_pass *pass, bool locked)
{
	if (!locked || bp_pool_close(pool, pass))
		synchronize_rcu();
	if (locked)
		bp_pool_drain(pool, pass);
	else
		bp_pool_flush_batches(pool, pass);
}

/*
 * Give back so many bytes of idle memory, if there are as many: the oldest
 * first, ages within a sixteenth being one. How many.
 *
 * Where the oldest is in caches, all there that is more than half as old leaves
 * them, so that a grace period is seldom needed; and all, if that gave nothing.
 * Another scan may have gc_lock, or take what this one saw. The system is not to
 * conclude that the pool is empty: without the lock the depots come first, and
 * what was lost to others is looked for again.
 */
static unsigned long pool_shrink(struct bytepool *pool, unsigned long bytes)
{
	unsigned int drains = 0, lost = 0;
	unsigned long done = 0, got;
	bool locked = false;

	while (done < bytes && lost < SHRINK_RETRIES) {
		struct shrink_survey survey;
		struct bp_gc_pass pass;
		bool may_drain;

		locked = locked || mutex_trylock(&pool->gc_lock);
		survey = survey_pool(pool);
		may_drain = locked ? !drains || (drains == 1 && !done) : !drains && survey.age < 0;
		if (survey.cached_age > survey.age && may_drain) {
			pass = shrink_pass(survey.now, drains ? 0 : survey.cached_age / 2);
			shrink_drain(pool, &pass, locked);
			drains++;
			continue;
		}
		/* What is in caches is older: the next scan's, after a grace period. */
		if (survey.age < 0 || (locked && done && survey.cached_age > survey.age))
			break;
		pass = shrink_pass(survey.now, max(survey.age - survey.age / 16,
						   may_drain ? survey.cached_age : 0));
		got = pool_reap_bytes(pool, &pass, bytes - done);
		done += got;
		lost += !got;
	}
	if (locked)
		mutex_unlock(&pool->gc_lock);
	return done;
}

static unsigned long shrink_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct bytepool *pool = compat_shrinker_data(shrinker);
	unsigned long pages = pool_shrink(pool, sc->nr_to_scan << PAGE_SHIFT) >> PAGE_SHIFT;

	compat_account_reclaimed(pages);
	sc->nr_scanned = max(pages, sc->nr_to_scan);
	return pages ?: SHRINK_STOP;
}

/* The owner of a SINGLE pool would not notice what a scan does. 0 or -errno. */
int bp_pool_shrinker_add(struct bytepool *pool)
{
	if (bp_pool_single(pool))
		return 0;
	pool->shrinker = compat_shrinker_add(pool->name, SHRINK_BYTES >> PAGE_SHIFT, shrink_count,
					     shrink_scan, pool);
	return pool->shrinker ? 0 : -ENOMEM;
}

void bp_pool_shrinker_remove(struct bytepool *pool)
{
	compat_shrinker_remove(pool->shrinker);
}
