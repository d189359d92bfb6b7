// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks that are in use when their pool is destroyed.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "check.h"
#include "depot.h"
#include "leak.h"
#include "memo.h"
#include "slab.h"
#include "table.h"
#include "types.h"

/* A leak report distinguishes at most this many call sites. */
#define LEAK_SITES		32U

/* Blocks in use that were allocated by one call site. */
struct leak_site {
	unsigned long caller;
	unsigned long nr;
	unsigned int size;
	u64 age_ms;	/* of the oldest block */
};

struct leak_report {
	unsigned int nr;
	struct leak_site site[LEAK_SITES];
};

static void report_leak(struct leak_report *report, struct bp_slab *slab, u32 granule)
{
	struct bp_track track = bp_track_read(slab, granule);
	u32 size = slab->depot->class->size;
	struct leak_site *site = report->site;

	while (site < report->site + report->nr &&
	       (site->caller != track.caller || site->size != size))
		site++;
	if (site == report->site + report->nr) {
		/* The last entry is for all call sites without an entry of their own. */
		if (report->nr == LEAK_SITES)
			site--;
		else
			report->nr++;
		site->caller = report->nr == LEAK_SITES ? 0 : track.caller;
		site->size = size;
	}
	site->nr++;
	site->age_ms = max(site->age_ms, bp_track_age_ms(&track));
}

/* Report the call sites that allocated the blocks in use of @slabs. */
static void report_leaks(struct bytepool *pool, struct list_head *slabs)
{
	struct leak_report *report = kzalloc(sizeof(*report), GFP_KERNEL);
	struct bp_slab *slab;
	unsigned int i;
	u32 granule;

	if (!report)
		return;
	list_for_each_entry(slab, slabs, list) {
		bp_for_each_block(granule, slab) {
			if (slab->state[granule] == BP_BLOCK_IN_USE)
				report_leak(report, slab, granule);
		}
		cond_resched();
	}
	for (i = 0; i < report->nr; i++) {
		struct leak_site *site = &report->site[i];

		if (site->caller)
			pr_warn("%s: %lu blocks of %u bytes were allocated by %pS, the first %llu ms ago\n",
				pool->name, site->nr, site->size, (void *)site->caller,
				site->age_ms);
		else
			pr_warn("%s: %lu blocks were allocated by other call sites, the first %llu ms ago\n",
				pool->name, site->nr, site->age_ms);
	}
	kfree(report);
}

/* A walk over the table that collects the slabs of a pool. */
struct leak_walk {
	struct bytepool *pool;
	struct list_head *leaked;
};

/* Move a slab of the pool to the leaked ones, from any list of a depot. */
static void slab_leak(struct bp_slab *slab, void *arg)
{
	struct leak_walk *walk = arg;

	if (slab->depot->class->pool != walk->pool || slab->leaked)
		return;
	slab->leaked = true;
	bp_depot_unlink(slab);
	list_add(&slab->list, walk->leaked);
}

/*
 * Drop the descriptors of all slabs of the pool. Their memory leaks, because
 * the owners of blocks may still use it. Slabs without an idle block are on no
 * list of a depot, so walk the table.
 */
void bp_pool_leak(struct bytepool *pool)
{
	LIST_HEAD(leaked);
	struct leak_walk walk = { .pool = pool, .leaked = &leaked };
	struct bp_slab *slab, *next;

	bp_table_walk(slab_leak, &walk);
	if (pool->flags & BYTEPOOL_TRACK)
		report_leaks(pool, &leaked);
	list_for_each_entry(slab, &leaked, list) {
		bp_table_remove(slab);
		cond_resched();
	}
	bp_memo_forget();
	list_for_each_entry_safe(slab, next, &leaked, list)
		kfree_rcu(slab, rcu);
}
