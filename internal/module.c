// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: its parameters, /sys/kernel/bytepool/, init and exit.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/compiler.h>
#include <linux/cpuhotplug.h>
#include <linux/debugfs.h>
#include <linux/kobject.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/workqueue.h>

#include "../bytepool.h"
#include "age.h"
#include "backing.h"
#include "debugfs.h"
#include "events.h"
#include "fault.h"
#include "gc.h"
#include "memo.h"
#include "pool.h"
#include "pools.h"
#include "shrinker.h"
#include "sysfs.h"
#include "table.h"
#include "types.h"
#include "wake.h"

#define GC_INTERVAL_MIN_MS	10U
#define GC_INTERVAL_MAX_MS	3600000U

/* The parameters cannot be read back. /sys/kernel/bytepool has the current values. */
module_param_named(idle_timeout_ms, bp_idle_timeout_ms, uint, 0);
MODULE_PARM_DESC(idle_timeout_ms, "Age at which idle memory is given back, ms; 0 = never (default 300000)");
module_param_named(gc_interval_ms, bp_gc_interval_ms, uint, 0);
MODULE_PARM_DESC(gc_interval_ms, "Interval of the GC, ms; 10 to 3600000 (default 10000)");

static struct kobject *module_kobj;	/* /sys/kernel/bytepool */

static ssize_t module_idle_timeout_ms_show(struct kobject *kobj, struct kobj_attribute *attr,
					   char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(bp_idle_timeout_ms));
}

static ssize_t module_idle_timeout_ms_store(struct kobject *kobj, struct kobj_attribute *attr,
					    const char *buf, size_t len)
{
	struct bytepool *pool = NULL;
	unsigned int ms;
	int err = bp_parse_timeout(buf, &ms);

	if (err)
		return err;
	WRITE_ONCE(bp_idle_timeout_ms, ms);
	while ((pool = bp_pool_next(pool)))
		bp_timeout_changed(pool);
	return len;
}

static ssize_t module_gc_interval_ms_show(struct kobject *kobj, struct kobj_attribute *attr,
					  char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(bp_gc_interval_ms));
}

static bool gc_interval_ok(unsigned int ms)
{
	return ms >= GC_INTERVAL_MIN_MS && ms <= GC_INTERVAL_MAX_MS;
}

static ssize_t module_gc_interval_ms_store(struct kobject *kobj, struct kobj_attribute *attr,
					   const char *buf, size_t len)
{
	unsigned int ms;
	int err = kstrtouint(buf, 0, &ms);

	if (err)
		return err;
	if (!gc_interval_ok(ms))
		return -ERANGE;
	WRITE_ONCE(bp_gc_interval_ms, ms);
	bp_gc_interval_changed();
	return len;
}

static ssize_t module_bytes_held_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct bytepool *pool = NULL;
	u64 held = 0;

	while ((pool = bp_pool_next(pool)))
		held += bp_pool_held(pool);
	return sysfs_emit(buf, "%llu\n", held);
}

static ssize_t module_trim_store(struct kobject *kobj, struct kobj_attribute *attr,
				 const char *buf, size_t len)
{
	int err = bp_parse_one(buf);

	if (err)
		return err;
	bp_trim_all();
	return len;
}

static struct kobj_attribute module_idle_timeout_ms_attr =
	__ATTR(idle_timeout_ms, 0644, module_idle_timeout_ms_show, module_idle_timeout_ms_store);
static struct kobj_attribute module_gc_interval_ms_attr =
	__ATTR(gc_interval_ms, 0644, module_gc_interval_ms_show, module_gc_interval_ms_store);
static struct kobj_attribute module_bytes_held_attr =
	__ATTR(bytes_held, 0444, module_bytes_held_show, NULL);
static struct kobj_attribute module_trim_attr = __ATTR(trim, 0200, NULL, module_trim_store);

static struct attribute *module_attrs[] = {
	&module_idle_timeout_ms_attr.attr,
	&module_gc_interval_ms_attr.attr,
	&module_bytes_held_attr.attr,
	&module_trim_attr.attr,
	NULL
};

static const struct attribute_group module_group = { .attrs = module_attrs };

static int __init module_sysfs_add(void)
{
	int err = -ENOMEM;

	module_kobj = kobject_create_and_add("bytepool", kernel_kobj);
	if (!module_kobj)
		return -ENOMEM;
	bp_pools_kobj = kobject_create_and_add("pools", module_kobj);
	if (!bp_pools_kobj)
		goto put_module;
	err = sysfs_create_group(module_kobj, &module_group);
	if (err)
		goto put_pools;
	return 0;

put_pools:
	kobject_put(bp_pools_kobj);
put_module:
	kobject_put(module_kobj);
	return err;
}

static void module_sysfs_remove(void)
{
	sysfs_remove_group(module_kobj, &module_group);
	kobject_put(bp_pools_kobj);
	kobject_put(module_kobj);
}

/*
 * Make the shared pool. If the kernel clears memory on alloc or free, wipe the blocks of the
 * shared pool on free. The kernel clears new pages.
 */
static struct bytepool *__init system_create(void)
{
	const struct bytepool_params params = {
		.flags = want_init_on_alloc(0) || want_init_on_free() ? BYTEPOOL_WIPE : 0,
	};

	return bp_pool_make("system", &params);
}

static enum cpuhp_state cpuhp_state;	/* of bp_cpu_dead() */
static struct dentry *faults_dir;	/* of fail_bytepool */

static bool __init module_params_ok(void)
{
	if (!gc_interval_ok(bp_gc_interval_ms)) {
		pr_err("gc_interval_ms is %u, not in %u ... %u\n", bp_gc_interval_ms,
		       GC_INTERVAL_MIN_MS, GC_INTERVAL_MAX_MS);
		return false;
	}
	if (bp_idle_timeout_ms == UINT_MAX) {
		pr_err("idle_timeout_ms is out of range; 0 is never\n");
		return false;
	}
	return true;
}

/* Make the files of the module, and the shared pool. */
static int __init system_start(void)
{
	int err = module_sysfs_add();

	if (err)
		return err;
	bp_debugfs_root = debugfs_create_dir("bytepool", NULL);
	bytepool_system = system_create();
	if (!IS_ERR(bytepool_system))
		return 0;
	debugfs_remove(bp_debugfs_root);
	module_sysfs_remove();
	return PTR_ERR(bytepool_system);
}

static int __init bytepool_init(void)
{
	int err;

	if (!module_params_ok())
		return -EINVAL;
	err = bp_table_init();
	if (err)
		return err;
	err = bp_memo_init();
	if (err)
		goto exit_table;
	INIT_DELAYED_WORK(&bp_gc_work, bp_gc_work_fn);
	bp_gc_wq = alloc_workqueue("bytepool", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!bp_gc_wq) {
		err = -ENOMEM;
		goto exit_memo;
	}
	cpuhp_state = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "lib/bytepool:dead", NULL,
						bp_cpu_dead);
	if (cpuhp_state < 0) {
		err = cpuhp_state;
		goto destroy_wq;
	}
	err = bp_shrinker_init();
	if (err)
		goto remove_cpuhp;
	err = system_start();
	if (err)
		goto exit_shrinker;
	bp_events_init();
	faults_dir = bp_faults_add();
	return 0;

exit_shrinker:
	bp_shrinker_exit();
	/* A write to idle_timeout_ms may have woken the shared pool. */
	cancel_delayed_work_sync(&bp_gc_work);
remove_cpuhp:
	cpuhp_remove_state_nocalls(cpuhp_state);
destroy_wq:
	destroy_workqueue(bp_gc_wq);
	bp_gc_wq = NULL;
	/*
	 * A bad free to no pool may be using a memo. Invalidate the memos, and
	 * wait until it has ended.
	 */
	bp_memo_forget();
	synchronize_rcu();
exit_memo:
	bp_memo_exit();
exit_table:
	bp_table_exit();
	return err;
}

static void __exit bytepool_exit(void)
{
	debugfs_remove(faults_dir);
	bp_events_exit();
	bp_pool_end(bytepool_system);
	debugfs_remove(bp_debugfs_root);
	module_sysfs_remove();
	bp_shrinker_exit();
	cpuhp_remove_state_nocalls(cpuhp_state);
	cancel_delayed_work_sync(&bp_gc_work);
	rcu_barrier();	/* the callback of bp_slabs_destroy() is in the module */
	bp_table_exit();
	destroy_workqueue(bp_gc_wq);
	bp_memo_exit();
	bp_pools_exit();
}

/* Start before the drivers of a kernel that bytepool is built into. */
subsys_initcall(bytepool_init);
module_exit(bytepool_exit);

MODULE_DESCRIPTION("Pools of byte blocks in size classes");
MODULE_LICENSE("GPL");
#ifdef BYTEPOOL_VERSION
MODULE_VERSION(BYTEPOOL_VERSION);
#endif
