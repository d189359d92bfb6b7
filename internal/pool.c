// SPDX-License-Identifier: GPL-2.0-only
/* The life of a pool: check its parameters, make it, end it. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/completion.h>
#include <linux/ctype.h>
#include <linux/debugfs.h>
#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/ratelimit.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/vmalloc.h>

#include "age.h"
#include "cache.h"
#include "class.h"
#include "debugfs.h"
#include "depot.h"
#include "leak.h"
#include "pool.h"
#include "pools.h"
#include "reclaim.h"
#include "size_class.h"
#include "slots.h"
#include "sysfs.h"
#include "types.h"
#include "wake.h"

#define DEFAULT_MAX_SIZE	SZ_4M

static bool name_ok(const char *name)
{
	size_t len = name ? strnlen(name, BP_NAME_MAX + 1) : 0;
	size_t i;

	if (!len || len > BP_NAME_MAX || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (i = 0; i < len; i++) {
		/* isalnum() accepts Latin-1, too. */
		if (!isascii(name[i]) || !(isalnum(name[i]) || strchr("._-", name[i])))
			return false;
	}
	return true;
}

/*
 * Check the parameters and fill in defaults. Return 0, or -EINVAL with a line
 * in the log that says why.
 */
static int params_check(const char *name, struct bytepool_params *params)
{
	const char *why = NULL;

	if (!name_ok(name)) {
		/* Each byte that may not be in a name may not be in the log, either. */
		pr_err("\"%*pEp\": a pool's name is 1 to %d of [A-Za-z0-9._-], not . or ..\n",
		       name ? (int)strnlen(name, BP_NAME_MAX + 1) : 0, name, BP_NAME_MAX);
		return -EINVAL;
	}
	params->min_size = params->min_size ?: BP_GRAIN;
	params->max_size = params->max_size ?: DEFAULT_MAX_SIZE;
	if (params->min_size % BP_GRAIN)
		why = "min_size is not a multiple of 8";
	else if (params->max_size % BP_GRAIN)
		why = "max_size is not a multiple of 8";
	else if (params->max_size > BP_SIZE_MAX)
		why = "max_size is above 1 GiB";
	else if (params->min_size > params->max_size)
		why = "min_size is above max_size";
	else if (params->step % BP_GRAIN)
		why = "step is not a multiple of 8";
	else if (params->step > BP_SIZE_MAX)
		why = "step is above 1 GiB";
	else if (params->step && DIV_ROUND_UP_ULL(params->max_size - params->min_size,
						  params->step) >= BP_CLASSES_MAX)
		why = "step makes more than 1048576 classes";
	else if (params->flags & ~BP_FLAGS_ALL)
		why = "unknown flags";
	if (!why)
		return 0;
	pr_err("%s: %s (min_size %zu, max_size %zu, step %zu, flags %#x)\n", name, why,
	       params->min_size, params->max_size, params->step, params->flags);
	return -EINVAL;
}

static void pool_free_tables(struct bytepool *pool)
{
	bp_slots_free(pool);
	kvfree(pool->class);
}

static void pool_free(struct bytepool *pool)
{
	pool_free_tables(pool);
	kfree(pool);
}

/*
 * Allocate a table of pointers. Map a large one, because kmalloc() rounds its size up to a
 * power of two. Fail rather than invoke the OOM killer.
 */
static void *table_alloc(u32 nr)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_ZERO | __GFP_NORETRY | __GFP_NOWARN;
	size_t bytes = array_size(nr, sizeof(void *));

	return bytes > PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER ? __vmalloc(bytes, gfp) :
							     kvmalloc(bytes, gfp);
}

/* Allocate the tables of a pool, with all caches closed. Return 0 or -ENOMEM. */
static int pool_alloc_tables(struct bytepool *pool)
{
	pool->class = table_alloc(pool->sizes.nr);
	return pool->class ? bp_slots_init(pool, &bp_closed_cache) : -ENOMEM;
}

/* Allocate a pool, which is in no list yet. Return NULL if memory is short. */
static struct bytepool *pool_new(const char *name, const struct bytepool_params *params)
{
	struct bytepool *pool = kzalloc(sizeof(*pool), GFP_KERNEL);

	if (!pool)
		return NULL;
	bp_sizes_init(&pool->sizes, params->min_size, params->max_size, params->step);
	pool->flags = params->flags;
	pool->idle_timeout_ms = params->idle_timeout_ms;
	pool->limit = params->limit_bytes;
	ratelimit_state_init(&pool->overwritten_limit, DEFAULT_RATELIMIT_INTERVAL,
			     DEFAULT_RATELIMIT_BURST);
	mutex_init(&pool->trim_lock);
	mutex_init(&pool->gc_lock);
	mutex_init(&pool->reap_lock);
	init_completion(&pool->unpinned);
	init_completion(&pool->released);
	strscpy(pool->name, name, sizeof(pool->name));
	if (pool_alloc_tables(pool)) {
		pool_free(pool);
		return NULL;
	}
	return pool;
}

/*
 * Give back all idle memory of the class, and drop the reserve. Return the
 * number of blocks still in use.
 */
static unsigned long class_teardown(struct bp_class *class)
{
	const struct bp_gc_pass pass = bp_gc_pass_all();
	unsigned long leaked, flags;
	struct bp_depot *depot;
	unsigned int cpu;

	/* No CPU is inside a cache, because the caller is the last user of the pool. */
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		bp_class_flush_cpu(class, cpu);
	WRITE_ONCE(class->reserve, 0);
	atomic_long_set(&class->spare, atomic_long_read(&class->nr_blocks));
	bp_class_flush_magazines(class, &pass, UINT_MAX);
	bp_class_reap(class, &pass, BP_REAP_ALL);
	/* If no slab has left, the kernel still knows the rough count. */
	bp_for_each_depot(depot, class) {
		flags = bp_depot_lock(depot);
		bp_depot_update_reclaimable(depot);
		bp_depot_unlock(depot, flags);
	}
	leaked = atomic_long_read(&class->nr_blocks) - bp_class_nr_idle(class);
	if (leaked)
		pr_warn("%s: %lu blocks of %u bytes still in use: leaked\n", class->pool->name,
			leaked, class->size);
	return leaked;
}

/* Make a pool, which does not pin the module. Return the pool or an ERR_PTR(). */
struct bytepool *bp_pool_make(const char *name, const struct bytepool_params *params)
{
	struct bytepool_params checked = {};
	struct bytepool *pool;
	int err;

	if (!bp_gc_wq)
		return ERR_PTR(-ENODEV);
	if (params)
		checked = *params;
	err = params_check(name, &checked);
	if (err)
		return ERR_PTR(err);
	pool = pool_new(name, &checked);
	if (!pool)
		return ERR_PTR(-ENOMEM);
	err = bp_pool_link(pool);
	if (err)
		goto free_pool;
	err = bp_pool_sysfs_add(pool);
	if (err)
		goto unlink;
	bp_pool_debugfs_add(pool);
	return pool;

unlink:
	bp_pool_unlink(pool);
free_pool:
	pool_free(pool);
	return ERR_PTR(err);
}

/*
 * Give the memory of the pool back, and end the pool. If it leaks blocks, keep its
 * structure, because a free of one of them looks at it.
 */
void bp_pool_end(struct bytepool *pool)
{
	struct bp_class *class;
	unsigned long leaked = 0;

	debugfs_remove(pool->debugfs);
	bp_pool_sysfs_remove(pool);
	bp_pool_unlink(pool);
	bp_for_each_class(class, pool)
		leaked += class_teardown(class);
	if (leaked)
		bp_pool_leak(pool);
	/* The memos were invalidated when the slabs died, so no CPU finds these caches. */
	bp_for_each_class(class, pool)
		bp_class_free(class);
	WARN(leaked, pr_fmt("%s: destroyed with %lu blocks in use\n"), pool->name, leaked);
	pool_free_tables(pool);
	if (leaked)
		bp_pool_bury(pool);
	else
		kfree(pool);
}

/* Make a pool, which pins the module. Return the pool or an ERR_PTR(). */
struct bytepool *bp_pool_create(const char *name, const struct bytepool_params *params)
{
	struct bytepool *pool;

	if (!try_module_get(THIS_MODULE))
		return ERR_PTR(-ENODEV);
	pool = bp_pool_make(name, params);
	if (IS_ERR(pool))
		module_put(THIS_MODULE);
	return pool;
}

/* End a pool of bp_pool_create(). The caller's own module pins this one until the return. */
void bp_pool_destroy(struct bytepool *pool)
{
	if (WARN(pool == bytepool_system, pr_fmt("the shared pool cannot be destroyed\n")) ||
	    WARN(!bp_pool_listed(pool), pr_fmt("%p is no pool, or was destroyed before\n"), pool))
		return;
	bp_pool_end(pool);
	module_put(THIS_MODULE);
}
