// SPDX-License-Identifier: GPL-2.0-only
/* Port a list of idle workspaces for compression, with a timer that frees the oldest. */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "bytepool.h"
#include "porting.h"

#define WORKSPACE_BYTES	(512 * 1024)
#define IDLE_SECONDS	300

/* before: begin */
struct workspace {
	struct list_head list;
	unsigned long last_used;	/* jiffies */
	void *memory;
};

static LIST_HEAD(idle);			/* most recently used first */
static DEFINE_SPINLOCK(idle_lock);
static void reclaim(struct work_struct *work);
static DECLARE_DELAYED_WORK(reclaim_work, reclaim);

static void workspace_free(struct workspace *ws)
{
	kvfree(ws->memory);
	kfree(ws);
}

static void reclaim_older(unsigned long age)
{
	struct workspace *ws, *next;
	LIST_HEAD(old);

	spin_lock(&idle_lock);
	list_for_each_entry_safe_reverse(ws, next, &idle, list) {
		if (time_before(jiffies, ws->last_used + age))
			break;
		list_move(&ws->list, &old);
	}
	if (!list_empty(&idle))
		schedule_delayed_work(&reclaim_work, IDLE_SECONDS * HZ);
	spin_unlock(&idle_lock);
	list_for_each_entry_safe(ws, next, &old, list)
		workspace_free(ws);
}

static void reclaim(struct work_struct *work)
{
	reclaim_older(IDLE_SECONDS * HZ);
}

static struct workspace *workspace_get(void)
{
	struct workspace *ws;

	spin_lock(&idle_lock);
	ws = list_first_entry_or_null(&idle, struct workspace, list);
	if (ws)
		list_del(&ws->list);
	spin_unlock(&idle_lock);
	if (ws)
		return ws;

	ws = kmalloc(sizeof(*ws), GFP_NOFS);
	if (!ws)
		return NULL;
	ws->memory = kvmalloc(WORKSPACE_BYTES, GFP_NOFS);
	if (!ws->memory) {
		kfree(ws);
		return NULL;
	}
	return ws;
}

static void workspace_put(struct workspace *ws)
{
	ws->last_used = jiffies;
	spin_lock(&idle_lock);
	list_add(&ws->list, &idle);
	spin_unlock(&idle_lock);
	schedule_delayed_work(&reclaim_work, IDLE_SECONDS * HZ);
}

static void workspaces_end_before(void)
{
	cancel_delayed_work_sync(&reclaim_work);
	reclaim_older(0);
}

static int compress_before(size_t size, u32 seed, u32 *sum)
{
	struct workspace *ws = workspace_get();

	if (!ws)
		return -ENOMEM;
	*sum = porting_work(ws->memory, size, seed);
	workspace_put(ws);
	return 0;
}

/* before: end */
/* after: begin */
static struct bytepool *workspaces;

static int compress_after(size_t size, u32 seed, u32 *sum)
{
	void *memory = bytepool_alloc(workspaces, WORKSPACE_BYTES, GFP_NOFS);

	if (!memory)
		return -ENOMEM;
	*sum = porting_work(memory, size, seed);
	bytepool_free(workspaces, memory);
	return 0;
}

static int workspaces_init(void)
{
	const struct bytepool_params params = {
		.min_size = WORKSPACE_BYTES,
		.max_size = WORKSPACE_BYTES,
		.idle_timeout_ms = IDLE_SECONDS * MSEC_PER_SEC,
	};

	workspaces = bytepool_create("workspaces", &params);
	return PTR_ERR_OR_ZERO(workspaces);
}

static void workspaces_exit(void)
{
	bytepool_destroy(workspaces);
}

/* after: end */
static void both_exit(void)
{
	workspaces_end_before();
	workspaces_exit();
}

const struct porting porting_workspace = {
	.name	= "a list of workspaces",
	.size	= WORKSPACE_BYTES,
	.init	= workspaces_init,
	.exit	= both_exit,
	.before	= compress_before,
	.after	= compress_after,
};
