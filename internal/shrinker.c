// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shrinker. When the system is short of memory, it gives idle memory of pools back,
 * the oldest first, whatever the timeout. It leaves BYTEPOOL_SINGLE pools alone.
 *
 * A scan may run in the middle of anybody's allocation, including one for a slab. So
 * its locks are not held over such an allocation. A scan never waits for a grace period,
 * or for a lock that is held over one. It gives back what depots have, and closes caches
 * with older blocks. The next scan or the GC drains the caches.
 *
 * The shrinker is not aware of nodes. Whether a cache is closed, and what is the oldest, is
 * decided for all nodes together, and a pool mostly has memory of the nodes that use it.
 *
 * If nothing else is left, the OOM killer would come before the grace period is over.
 * Therefore its notifier waits for that, and gives all idle memory back.
 */
#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/shrinker.h>
#include <linux/sizes.h>

#include "age.h"
#include "cache.h"
#include "class.h"
#include "compat.h"
#include "depot.h"
#include "pools.h"
#include "reclaim.h"
#include "shrinker.h"
#include "stats.h"
#include "types.h"

/*
 * The batch of a scan. It is large, because the kernel may raise its watermarks in two
 * zones at once, by a pageblock of 2 MiB each. If a scan gives back less, and there is
 * nothing else to reclaim, the OOM killer comes.
 */
#define SHRINK_BYTES		SZ_4M

/* The longest time for which the OOM killer waits for a grace period. */
#define OOM_WAIT		(HZ / 5)

static struct shrinker *shrinker;

/*
 * Return a lower bound of the pages that scans can free. Reclaim keeps asking for the pages
 * that are reported here. A block in a cache is idle, because the next scan may have it.
 */
static unsigned long class_shrinkable(struct bp_class *class)
{
	unsigned long nr_slabs = 0, nr_blocks = 0, pages = 0, whole_pages = 0;
	struct bytepool_stats stats = {};
	struct bp_depot *depot;

	bp_for_each_depot(depot, class) {
		/* Other CPUs may change it meanwhile. */
		nr_slabs += data_race(depot->nr_slabs);
		/* As above. */
		nr_blocks += data_race(depot->nr_blocks);
		/* As above. */
		pages += data_race(depot->pages);
		/* As above. */
		whole_pages += data_race(depot->whole_pages);
	}
	bp_class_add_stats(class, &stats);
	return bp_idle_pages(class, nr_slabs, nr_blocks, pages, whole_pages, stats.blocks_in_use);
}

static unsigned long shrink_count(struct shrinker *unused, struct shrink_control *sc)
{
	struct bytepool *pool = NULL;
	struct bp_class *class;
	unsigned long pages = 0;

	while ((pool = bp_pool_next_shared(pool))) {
		bp_for_each_class(class, pool) {
			pages += class_shrinkable(class);
			cond_resched();
		}
	}
	return pages;
}

/**
 * struct shrink_survey - how old the oldest idle memory is
 * @now: jiffies
 * @age: age of the oldest slab or magazine that a depot could give back, jiffies; -1 = none
 * @cached_age: age of the oldest block in a cache; -1 = none
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

	/* Without the lock, a slab or magazine that was just added may be missed. */
	if (!data_race(depot->whole_pages) && !data_race(depot->nr_stacked))
		return;
	flags = bp_depot_lock(depot);
	slab = bp_depot_oldest(depot, &bp_gc_everything);
	if (slab)
		survey_add(survey, &survey->age, slab->idle_since);
	magazine = bp_depot_last_full(depot);
	if (magazine && bp_class_has_spare(depot->class))
		survey_add(survey, &survey->age, bp_magazine_oldest(magazine));
	bp_depot_unlock(depot, flags);
}

static void survey_pool(struct bytepool *pool, struct shrink_survey *survey)
{
	struct bp_class *class;
	struct bp_depot *depot;
	struct bp_cache *cache;
	unsigned long oldest;

	bp_for_each_class(class, pool) {
		bp_for_each_depot(depot, class)
			survey_depot(depot, survey);
		rcu_read_lock();
		bp_for_each_cache(cache, class) {
			if (bp_cache_peek(cache, &oldest))
				survey_add(survey, &survey->cached_age, oldest);
			else if (READ_ONCE(cache->granted))	/* may bind slabs */
				survey_add(survey, &survey->cached_age, survey->now);
		}
		rcu_read_unlock();
		cond_resched();
	}
}

static struct shrink_survey survey_all(void)
{
	struct shrink_survey survey = { .now = jiffies, .age = -1, .cached_age = -1 };
	struct bytepool *pool = NULL;

	while ((pool = bp_pool_next_shared(pool)))
		survey_pool(pool, &survey);
	return survey;
}

/* Return a pass for memory that is idle for at least @age jiffies. */
static struct bp_gc_pass shrink_pass(unsigned long now, long age)
{
	return (struct bp_gc_pass){ .all = age <= 0, .scan = true, .now = now, .timeout = age - 1 };
}

/* Drain the caches that earlier scans have closed, unless a pass holds gc_lock. */
static void drain_all(void)
{
	struct bytepool *pool = NULL;

	while ((pool = bp_pool_next_shared(pool))) {
		struct bp_gc_pass pass = bp_gc_pass_begin(pool);

		if (!mutex_trylock(&pool->gc_lock))
			continue;
		bp_pool_drain(pool, &pass);
		mutex_unlock(&pool->gc_lock);
	}
}

/* Close the caches with blocks that the pass wants, for the next scan or the GC. */
static void close_all(const struct bp_gc_pass *pass)
{
	struct bytepool *pool = NULL;

	while ((pool = bp_pool_next_shared(pool))) {
		if (!bp_gc_pass_lock(pass, &pool->gc_lock))
			continue;
		if (bp_pool_close(pool, pass, BP_DRAIN_ALL))
			bp_pool_drain_soon(pool);
		mutex_unlock(&pool->gc_lock);
	}
}

/* Reap the depots of all pools for the pass, until @bytes are given back. */
static unsigned long reap_all(const struct bp_gc_pass *pass, unsigned long bytes)
{
	struct bytepool *pool = NULL;
	unsigned int magazines = 0;
	unsigned long done = 0;

	while ((pool = bp_pool_next_shared(pool))) {
		struct bp_gc_reaped reaped;

		/* The walk has to go on to its end, because it has pinned the pool. */
		if (done >= bytes || (pass->brief && magazines >= BP_TURN_MAGAZINES))
			continue;
		reaped = bp_pool_reap(pool, pass, "pressure", bytes - done);
		done += reaped.bytes;
		magazines += reaped.magazines;
	}
	return done;
}

/*
 * Give back @bytes of idle memory, the oldest first, if depots have as many, or all that they
 * have if that is BP_REAP_ALL. Return the bytes given back. The first round takes ages within a
 * sixteenth of the oldest as equal. Each further round doubles that part, so that the rounds are
 * few.
 */
static unsigned long shrink(unsigned long bytes)
{
	struct shrink_survey survey;
	unsigned long done = 0;
	struct bp_gc_pass pass;
	unsigned int share;

	drain_all();
	survey = survey_all();
	for (share = 16; done < bytes && share && survey.age >= 0; share /= 2) {
		pass = shrink_pass(survey.now, survey.age - survey.age / share);
		pass.brief = bytes != BP_REAP_ALL;
		done += reap_all(&pass, bytes - done);
		survey = survey_all();
	}
	if (survey.cached_age > survey.age) {
		pass = shrink_pass(survey.now, done < bytes ? 0 : survey.cached_age / 2);
		close_all(&pass);
	}
	return done;
}

static unsigned long shrink_scan(struct shrinker *unused, struct shrink_control *sc)
{
	unsigned long pages = shrink(sc->nr_to_scan << PAGE_SHIFT) >> PAGE_SHIFT;

	compat_account_reclaimed(pages);
	sc->nr_scanned = max(pages, sc->nr_to_scan);
	return pages ?: SHRINK_STOP;
}

/* Give all idle memory back before the OOM killer ends a task. */
static int oom_notify(struct notifier_block *nb, unsigned long unused, void *freed)
{
	unsigned long end = jiffies + OOM_WAIT;
	struct rcu_gp_seq grace;

	if (survey_all().cached_age >= 0) {
		close_all(&bp_gc_everything);
		start_poll_synchronize_rcu_full(&grace);
		while (!poll_state_synchronize_rcu_full(&grace) && time_before(jiffies, end))
			schedule_timeout_uninterruptible(1);
	}
	*(unsigned long *)freed += shrink(BP_REAP_ALL) >> PAGE_SHIFT;
	return NOTIFY_OK;
}

static struct notifier_block oom_block = { .notifier_call = oom_notify };

int bp_shrinker_init(void)
{
	shrinker = compat_shrinker_add("bytepool", SHRINK_BYTES >> PAGE_SHIFT, shrink_count,
				       shrink_scan);
	if (!shrinker)
		return -ENOMEM;
	register_oom_notifier(&oom_block);
	return 0;
}

void bp_shrinker_exit(void)
{
	unregister_oom_notifier(&oom_block);
	compat_shrinker_remove(shrinker);
}
