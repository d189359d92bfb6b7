// SPDX-License-Identifier: GPL-2.0-only
/*
 * bytepool_advise_load - allocate from known call sites at known rates
 *
 * Each function below is a call site with one size and one rate. bytepool-advise has to find it,
 * and has to tell whether it would gain from a pool. The module does not use bytepool.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/clock.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

static bool quiet;
module_param(quiet, bool, 0);
MODULE_PARM_DESC(quiet, "leave out the call sites that would gain from a pool");

static unsigned int faster = 1;
module_param(faster, uint, 0);
MODULE_PARM_DESC(faster, "multiply all rates by this number");

static unsigned int pairs;
module_param(pairs, uint, 0);
MODULE_PARM_DESC(pairs, "measure so many pairs of an alloc and a free at each call site; 0 = none");

#define LAG_BLOCKS	8U
#define HELD_MAX	8192U

static void *lagging[LAG_BLOCKS];
static void *held[HELD_MAX];
static unsigned int nr_lagging, nr_held;

static noinline void load_vmalloc(void)
{
	void *block = vmalloc(SZ_1M);

	vfree(block);
}

static noinline void load_pages(void)
{
	struct page *pages = alloc_pages(GFP_KERNEL, 4);

	if (pages)
		__free_pages(pages, 4);
}

static noinline void load_kvmalloc(void)
{
	void *block = kvmalloc(SZ_256K, GFP_KERNEL);

	kvfree(block);
}

/* One half of these blocks comes from the caches of kmalloc(). */
static noinline void load_mixed(void)
{
	static bool large;
	void *block;

	large = !large;
	block = kvmalloc(large ? SZ_128K : SZ_4K, GFP_KERNEL);
	kvfree(block);
}

static noinline void load_small(void)
{
	void *block = kmalloc(64, GFP_KERNEL);

	kfree(block);
}

static noinline void load_charged(void)
{
	void *block = kmalloc(SZ_128K, GFP_KERNEL_ACCOUNT);

	kfree(block);
}

/* Free each block when LAG_BLOCKS more have been allocated. */
static noinline void load_lagging(void)
{
	void **place = &lagging[nr_lagging++ % LAG_BLOCKS];

	kfree(*place);
	*place = kmalloc(SZ_32K, GFP_KERNEL);
}

/* Keep each block until the module is unloaded. */
static noinline void load_held(void)
{
	if (nr_held < HELD_MAX)
		held[nr_held++] = kmalloc(SZ_16K, GFP_KERNEL);
}

static struct call_site {
	const char *name;
	void (*fn)(void);
	unsigned int rate;	/* calls a second */
	bool gains;
	u64 nr_done;
} sites[] = {
	{ "vmalloc", load_vmalloc, 40, true },
	{ "pages", load_pages, 900, true },
	{ "kvmalloc", load_kvmalloc, 350, true },
	{ "mixed", load_mixed, 100, false },
	{ "small", load_small, 1000, false },
	{ "charged", load_charged, 100, false },
	{ "lagging", load_lagging, 100, false },
	{ "held", load_held, 20, false },
};

/* Call each function as often as its rate demands for @ms milliseconds since the start. */
static void load_until(u64 ms)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sites); i++) {
		struct call_site *site = &sites[i];
		u64 wanted = div_u64(ms * site->rate * faster, MSEC_PER_SEC);

		if (quiet && site->gains)
			continue;
		for (; site->nr_done < wanted && !kthread_should_stop(); site->nr_done++) {
			site->fn();
			cond_resched();
		}
	}
}

static int load_main(void *unused)
{
	ktime_t begin = ktime_get();
	u64 ms = 0;

	while (!kthread_should_stop()) {
		/* A thread that is late has to call all functions in turn nevertheless. */
		while (ms < ktime_to_ms(ktime_sub(ktime_get(), begin)) && !kthread_should_stop())
			load_until(++ms);
		usleep_range(1000, 2000);
	}
	return 0;
}

static void measure(void)
{
	unsigned int i, pair;

	for (i = 0; i < ARRAY_SIZE(sites); i++) {
		u64 start;

		/* These do not free what they have allocated. */
		if (sites[i].fn == load_held || sites[i].fn == load_lagging)
			continue;
		sites[i].fn();
		start = local_clock();
		for (pair = 0; pair < pairs; pair++)
			sites[i].fn();
		pr_info("pair %s %llu ns\n", sites[i].name,
			div_u64(local_clock() - start, pairs));
		cond_resched();
	}
}

static struct task_struct *task;

static int __init load_init(void)
{
	if (pairs) {
		measure();
		return 0;
	}
	task = kthread_run(load_main, NULL, "advise_load");
	return PTR_ERR_OR_ZERO(task);
}
module_init(load_init);

static void __exit load_exit(void)
{
	unsigned int i;

	if (task)
		kthread_stop(task);
	for (i = 0; i < LAG_BLOCKS; i++)
		kfree(lagging[i]);
	for (i = 0; i < nr_held; i++)
		kfree(held[i]);
}
module_exit(load_exit);

MODULE_DESCRIPTION("Allocations at known rates, for the test of bytepool-advise");
MODULE_LICENSE("GPL");
