// SPDX-License-Identifier: GPL-2.0-only
/*
 * bytepool_planted - one bug of each kind that the debug kernels have to report
 *
 * Loading the module runs the bug that its parameter names. A script checks that the kernel
 * reports it, and that the report is found in the log.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/vmalloc.h>

#include "bytepool.h"

static char *bug = "";
module_param(bug, charp, 0);
MODULE_PARM_DESC(bug, "the bug to run");

/* Hide a pointer from the compiler, so that it does not warn about the bug. */
static void *hidden(void *object)
{
	OPTIMIZER_HIDE_VAR(object);
	return object;
}

static void use_after_free(void)
{
	int *object = kzalloc(64, GFP_KERNEL);
	int *freed = hidden(object);

	kfree(object);
	if (object)
		pr_info("it was %d\n", READ_ONCE(*freed));
}

static void out_of_bounds(void)
{
	char *object = vmalloc(100);
	char *beyond = hidden(object);

	if (object)
		pr_info("it was %d\n", READ_ONCE(beyond[100]));
	vfree(object);
}

static void leak(void)
{
	int *object = kmalloc(64, GFP_KERNEL);

	if (object)
		WRITE_ONCE(*object, 1);
}

/* The same with blocks of a pool. */
static void block_after_free(void)
{
	int *block = bytepool_zalloc(bytepool_system, 320, GFP_KERNEL);
	int *freed = hidden(block);

	bytepool_free(bytepool_system, block);
	if (block)
		pr_info("it was %d\n", READ_ONCE(*freed));
}

static void block_leak(void)
{
	int *block = bytepool_alloc(bytepool_system, SZ_64K, GFP_KERNEL);

	if (block)
		WRITE_ONCE(*block, 1);
}

/* Leak a mapped block. The kernel's record of the mapping refers to it, too. */
static void mapped_leak(void)
{
	struct bytepool_params params = { .max_size = SZ_16M };
	struct bytepool *pool = bytepool_create("planted", &params);
	int *block;

	if (IS_ERR(pool))
		return;
	block = bytepool_alloc(pool, SZ_16M, GFP_KERNEL);
	if (block)
		WRITE_ONCE(*block, 1);
	bytepool_destroy(pool);
}

static void shift(void)
{
	int by = 40;

	OPTIMIZER_HIDE_VAR(by);
	pr_info("it was %d\n", 1 << by);
}

static void no_timer(struct timer_list *timer)
{
}

static void free_timer(void)
{
	struct timer_list *timer = kmalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, no_timer, 0);
	mod_timer(timer, jiffies + HZ);
	kfree(timer);
}

static void list_twice(void)
{
	LIST_HEAD(list);
	LIST_HEAD(entry);

	list_add(&entry, &list);
	list_add(&entry, &list);
}

static void warn(void)
{
	WARN(1, "planted\n");
}

static void sleep_in_atomic(void)
{
	preempt_disable();
	might_sleep();
	preempt_enable();
}

static DEFINE_MUTEX(one);
static DEFINE_MUTEX(other);
static DEFINE_SPINLOCK(spinlock);
static DEFINE_RAW_SPINLOCK(raw_spinlock);

static void lock_order(void)
{
	mutex_lock(&one);
	mutex_lock(&other);
	mutex_unlock(&other);
	mutex_unlock(&one);
	mutex_lock(&other);
	mutex_lock(&one);
	mutex_unlock(&one);
	mutex_unlock(&other);
}

static void lock_nesting(void)
{
	raw_spin_lock(&raw_spinlock);
	spin_lock(&spinlock);
	spin_unlock(&spinlock);
	raw_spin_unlock(&raw_spinlock);
}

static void no_rcu_lock(void)
{
	static int __rcu *pointer;

	pr_info("it was %p\n", rcu_dereference(pointer));
}

static int shared;

static int racer(void *unused)
{
	while (!kthread_should_stop()) {
		shared++;
		cond_resched();
	}
	return 0;
}

static void race(void)
{
	struct task_struct *racers[2];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(racers); i++)
		racers[i] = kthread_run(racer, NULL, "planted/%u", i);
	ssleep(3);
	for (i = 0; i < ARRAY_SIZE(racers); i++)
		if (!IS_ERR(racers[i]))
			kthread_stop(racers[i]);
}

static void none(void)
{
}

static const struct {
	const char *name;
	void (*plant)(void);
} bugs[] = {
	{ "none", none },
	{ "use_after_free", use_after_free },
	{ "out_of_bounds", out_of_bounds },
	{ "leak", leak },
	{ "block_after_free", block_after_free },
	{ "block_leak", block_leak },
	{ "mapped_leak", mapped_leak },
	{ "shift", shift },
	{ "free_timer", free_timer },
	{ "list_twice", list_twice },
	{ "warn", warn },
	{ "sleep_in_atomic", sleep_in_atomic },
	{ "lock_order", lock_order },
	{ "lock_nesting", lock_nesting },
	{ "no_rcu_lock", no_rcu_lock },
	{ "race", race },
};

static int __init planted_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		if (strcmp(bugs[i].name, bug))
			continue;
		bugs[i].plant();
		return 0;
	}
	pr_err("no bug %s\n", bug);
	return -EINVAL;
}
module_init(planted_init);

static void __exit planted_exit(void)
{
}
module_exit(planted_exit);

MODULE_DESCRIPTION("Bugs that have to be reported");
MODULE_LICENSE("GPL");
