// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shrinkers.
 */
#include "control.h"

static pthread_mutex_t shrinkers_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t shrinkers_cond = PTHREAD_COND_INITIALIZER;
static CDS_LIST_HEAD(shrinkers);

__thread struct task_struct shim_task;

static unsigned long shrinkers_enter(void)
{
	unsigned long flags = shim_irq_save();

	pthread_mutex_lock(&shrinkers_lock);
	return flags;
}

static void shrinkers_leave(unsigned long flags)
{
	pthread_mutex_unlock(&shrinkers_lock);
	shim_irq_restore(flags);
}

int register_shrinker(struct shrinker *shrinker, const char *fmt, ...)
{
	unsigned long flags;

	(void)fmt;
	if (shim_should_fail(SHIM_FAIL_OTHER, GFP_KERNEL))
		return -ENOMEM;
	flags = shrinkers_enter();
	list_add_tail(&shrinker->list, &shrinkers);
	shrinkers_leave(flags);
	return 0;
}

void unregister_shrinker(struct shrinker *shrinker)
{
	unsigned long flags = shrinkers_enter();

	list_del(&shrinker->list);
	while (shrinker->scans)
		pthread_cond_wait(&shrinkers_cond, &shrinkers_lock);
	shrinkers_leave(flags);
}

struct shrinker *shrinker_alloc(unsigned int unused, const char *fmt, ...)
{
	struct shrinker *shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);

	(void)unused;
	(void)fmt;
	if (shrinker)
		shrinker->seeks = DEFAULT_SEEKS;
	return shrinker;
}

void shrinker_register(struct shrinker *shrinker)
{
	unsigned long flags = shrinkers_enter();

	list_add_tail(&shrinker->list, &shrinkers);
	shrinkers_leave(flags);
}

void shrinker_free(struct shrinker *shrinker)
{
	if (!shrinker)
		return;
	unregister_shrinker(shrinker);
	kfree(shrinker);
}

/* Count with each shrinker, and scan @pages with those that count any. */
static unsigned long shrink_all(unsigned long *counted, unsigned long pages)
{
	struct shrink_control sc = { .nr_to_scan = pages };
	struct shrinker *shrinker;
	unsigned long freed = 0;
	unsigned long flags = shrinkers_enter();

	*counted = 0;
	list_for_each_entry(shrinker, &shrinkers, list) {
		unsigned long nr;

		shrinker->scans++;
		shrinkers_leave(flags);
		sc.nr_scanned = pages;
		nr = shrinker->count_objects(shrinker, &sc);
		*counted += nr;
		if (nr && pages) {
			nr = shrinker->scan_objects(shrinker, &sc);
			freed += nr == SHRINK_STOP ? 0 : nr;
		}
		flags = shrinkers_enter();
		shrinker->scans--;
		pthread_cond_broadcast(&shrinkers_cond);
	}
	shrinkers_leave(flags);
	return freed;
}

unsigned long shim_shrink_count(void)
{
	unsigned long counted;

	shrink_all(&counted, 0);
	return counted;
}

unsigned long shim_shrink(unsigned long pages)
{
	struct reclaim_state state = {};
	unsigned long counted, freed;

	shim_task.reclaim_state = &state;
	freed = shrink_all(&counted, pages);
	shim_task.reclaim_state = NULL;
	if (state.reclaimed + state.reclaimed_slab != freed)
		shim_die("%lu pages freed, but %lu accounted", freed,
			 state.reclaimed + state.reclaimed_slab);
	return freed;
}

void mm_account_reclaimed_pages(unsigned long pages)
{
	if (shim_task.reclaim_state)
		shim_task.reclaim_state->reclaimed += pages;
}

static struct notifier_block *oom_block, *memory_block, *pm_block;

static int block_add(struct notifier_block **to, struct notifier_block *nb)
{
	if (*to)
		shim_die("a notifier is left");
	*to = nb;
	return 0;
}

static int block_remove(struct notifier_block **from, struct notifier_block *nb)
{
	if (*from != nb)
		shim_die("another notifier is unregistered");
	*from = NULL;
	return 0;
}

static void block_call(struct notifier_block *nb, unsigned long action, void *data)
{
	if (nb && nb->notifier_call(nb, action, data) != NOTIFY_OK)
		shim_die("a notifier refuses");
}

int register_oom_notifier(struct notifier_block *nb)
{
	return block_add(&oom_block, nb);
}

int unregister_oom_notifier(struct notifier_block *nb)
{
	return block_remove(&oom_block, nb);
}

unsigned long shim_oom(void)
{
	unsigned long freed = 0;

	block_call(oom_block, 0, &freed);
	return freed;
}

int register_memory_notifier(struct notifier_block *nb)
{
	return block_add(&memory_block, nb);
}

void unregister_memory_notifier(struct notifier_block *nb)
{
	block_remove(&memory_block, nb);
}

void shim_memory_event(unsigned long action)
{
	block_call(memory_block, action, NULL);
}

int register_pm_notifier(struct notifier_block *nb)
{
	return block_add(&pm_block, nb);
}

int unregister_pm_notifier(struct notifier_block *nb)
{
	return block_remove(&pm_block, nb);
}

void shim_pm_event(unsigned long action)
{
	block_call(pm_block, action, NULL);
}
