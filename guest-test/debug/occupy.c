// SPDX-License-Identifier: GPL-2.0-only
/*
 * bytepool_occupy - occupy a resource that bytepool.ko needs
 *
 * The resource is the name of bytepool's directory in sysfs, or most of the memory while the init
 * of bytepool runs.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/vmstat.h>

static bool sysfs;
module_param(sysfs, bool, 0);
MODULE_PARM_DESC(sysfs, "take /sys/kernel/bytepool");

static unsigned int leave_kb;
module_param(leave_kb, uint, 0);
MODULE_PARM_DESC(leave_kb, "memory to leave while bytepool loads, in kB; 0 = take none");

static struct kobject *kobj;
static LIST_HEAD(taken);

#define TAKE_GFP	(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)

static unsigned long free_kb(void)
{
	return global_zone_page_state(NR_FREE_PAGES) << (PAGE_SHIFT - 10);
}

/* Take large runs of pages first, and then smaller ones. */
static void take_pages(void)
{
	int order;

	for (order = 6; order >= 0; order--) {
		while (free_kb() > leave_kb + (PAGE_SIZE >> 10 << order)) {
			struct page *page = alloc_pages(TAKE_GFP, order);

			if (!page)
				break;
			set_page_private(page, order);
			list_add(&page->lru, &taken);
		}
	}
}

/*
 * Take memory several times, because frees may be delayed, and reclaim may go on for a while.
 * Stop if the OOM killer has killed this task.
 */
static void take_memory(void)
{
	int times;

	take_pages();
	for (times = 0; times < 20 && !fatal_signal_pending(current); times++) {
		msleep(20);
		take_pages();
	}
	pr_info("%lu kB are free\n", free_kb());
}

static void give_memory(void)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &taken, lru) {
		list_del(&page->lru);
		__free_pages(page, page_private(page));
	}
}

/* Take memory only during the init of bytepool, because the script needs some afterwards. */
static int on_module(struct notifier_block *nb, unsigned long state, void *module)
{
	if (!leave_kb || strcmp(((struct module *)module)->name, "bytepool"))
		return NOTIFY_DONE;
	if (state == MODULE_STATE_COMING)
		take_memory();
	else
		give_memory();
	return NOTIFY_OK;
}

static struct notifier_block notifier = { .notifier_call = on_module };

static int __init occupy_init(void)
{
	int err;

	if (sysfs) {
		kobj = kobject_create_and_add("bytepool", kernel_kobj);
		if (!kobj)
			return -ENOMEM;
	}
	err = register_module_notifier(&notifier);
	if (err)
		kobject_put(kobj);
	return err;
}
module_init(occupy_init);

static void __exit occupy_exit(void)
{
	unregister_module_notifier(&notifier);
	kobject_put(kobj);
}
module_exit(occupy_exit);

MODULE_DESCRIPTION("Occupies a resource that bytepool needs");
MODULE_LICENSE("GPL");
