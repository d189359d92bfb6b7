// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shrinker of a pool. When the system is short of memory, it gives idle
 * memory back, the oldest first, whatever the timeout.
 *
 * A scan may run in the middle of anybody's allocation, including one for a
 * slab of this pool. Therefore no lock is held over those allocations, and a
 * scan waits for no lock that is held over a grace period.
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

/*
 * The batch of a scan. It is large, because a scan may have to wait for a grace
 * period, and because the kernel may raise its watermark by a pageblock, which
 * is 2 MiB, for each of two zones at once. If one scan gives it less, and there
 * is nothing else to reclaim, the OOM killer comes.
 */
#define SHRINK_BYTES		SZ_4M

/* How often a scan looks again after others have taken the memory that it saw. */
#define SHRINK_RETRIES		8U

/*
 * Return a lower bound of the bytes that a scan can free. Reclaim keeps asking
 * for whatever is reported here. Each block in use pins at most one slab, so at
 * least (slabs - blocks in use) slabs can be freed, wherever the idle blocks
 * are cached.
 */
static unsigned long class_shrinkable(struct bp_class *class)
{
	long blocks = atomic_long_read(&class->nr_blocks);
	long reserve = READ_ONCE(class->reserve);
	long per_slab = bp_slab_blocks(class->slab_bytes, class->size);
	long spare = blocks - reserve;
	struct bytepool_stats stats = {};
	struct bp_depot *depot;
	long nr = 0;

	if (spare <= 0)
		return 0;
	/* A slab stays if the blocks beyond the reserve are fewer than it has. */
	if (reserve) {
		if (!bp_class_reclaimable(class))
			return 0;
		spare = max(spare - (per_slab - 1), 1L);
	}
	bp_for_each_depot(depot, class) {
		/* Other CPUs may change it meanwhile. */
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
 * @age: age of the oldest slab that a depot could give back, jiffies; -1 = none
 * @cached_age: age of the oldest block in a cache or a magazine of a depot; -1 = none
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
	const struct bp_magazine *magazine;
	struct bp_slab *slab;
	unsigned long flags;

	/* There is nothing to give back, or it came just now. */
	if (!data_race(depot->nr_whole) && list_empty(&depot->full))
		return;
	flags = bp_depot_lock(depot);
	slab = bp_depot_oldest(depot, &bp_gc_everything);
	if (slab)
		survey_add(survey, &survey->age, slab->idle_since);
	magazine = bp_depot_last_full(depot);
	if (magazine)
		survey_add(survey, &survey->cached_age, bp_magazine_oldest(magazine));
	bp_depot_unlock(depot, flags);
}

static struct shrink_survey survey_pool(struct bytepool *pool)
{
	struct shrink_survey survey = { .now = jiffies, .age = -1, .cached_age = -1 };
	struct bp_class *class;
	struct bp_depot *depot;
	struct bp_cache *cache;
	unsigned long oldest;

	bp_for_each_class(class, pool) {
		bp_for_each_depot(depot, class)
			survey_depot(depot, &survey);
		bp_for_each_cache(cache, class) {
			if (bp_cache_peek(cache, &oldest))
				survey_add(&survey, &survey.cached_age, oldest);
			else if (READ_ONCE(cache->granted))	/* may bind slabs */
				survey_add(&survey, &survey.cached_age, survey.now);
		}
		cond_resched();
	}
	return survey;
}

/* Return a pass for memory that is idle for at least @age jiffies. */
static struct bp_gc_pass shrink_pass(unsigned long now, long age)
{
	return (struct bp_gc_pass){ .all = age <= 0, .now = now, .timeout = age - 1 };
}

/* Reap all depots until @bytes are given back. Return how many were. */
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
 * Drain what the pass wants out of the caches. Without gc_lock, drain only the
 * magazines of depots, after a grace period in which the owner of the lock may have dealt
 * with the caches.
 */
static void shrink_drain(struct bytepool *pool, const struct bp_gc_pass *pass, bool locked)
{
	if (!locked || bp_pool_close(pool, pass))
		synchronize_rcu();
	if (locked)
		bp_pool_drain(pool, pass);
	else
		bp_pool_flush_magazines(pool, pass);
}

/*
 * Give back @bytes of idle memory, if there are as many, and the oldest first.
 * Ages within a sixteenth count as one. Return the bytes given back.
 *
 * If the oldest idle memory is in caches, drain everything there that is more
 * than half as old, so that later scans seldom need another grace period. If
 * that frees nothing, drain everything.
 *
 * Another scan may hold gc_lock, or take what this one saw. The system must not
 * conclude that the pool is empty. Therefore, without the lock, the depots come
 * first, and a scan looks again if it lost to others.
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
		/* Caches have older memory. Leave it to the next scan, after a grace period. */
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

/*
 * Register the shrinker of the pool. Return 0 or -ENOMEM. A BYTEPOOL_SINGLE
 * pool has none, because its owner could not serialise with a scan.
 */
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
