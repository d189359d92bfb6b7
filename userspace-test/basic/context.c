// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts, spinlocks, and other CPUs at each point of a call.
 */
#include "basic.h"

static void *irq_block;

static void alloc_in_irq(void)
{
	irq_block = bytepool_alloc(pool, 100, GFP_ATOMIC);
}

static void free_in_irq(void)
{
	bytepool_free(pool, irq_block);
}

/* An interrupt gets idle memory always, and new memory if the kernel allows it. */
static void test_hardirq(void)
{
	bool rt = IS_ENABLED(CONFIG_PREEMPT_RT);
	void *p;

	pool_start(NULL);
	shim_hardirq = alloc_in_irq;
	shim_interrupt();
	EXPECT(!irq_block == rt);
	shim_hardirq = free_in_irq;
	shim_interrupt();
	p = bytepool_alloc(pool, 100, GFP_KERNEL);
	bytepool_free(pool, p);
	shim_hardirq = alloc_in_irq;
	shim_interrupt();
	EXPECT(irq_block);
	shim_hardirq = free_in_irq;
	shim_interrupt();
	shim_hardirq = NULL;
	pool_stop();
}

static void test_spinlock(void)
{
	DEFINE_RAW_SPINLOCK(lock);
	unsigned long flags;
	void *p;

	pool_start(NULL);
	bytepool_free(pool, bytepool_alloc(pool, 100, GFP_KERNEL));
	raw_spin_lock_irqsave(&lock, flags);
	p = bytepool_alloc(pool, 100, GFP_ATOMIC);
	EXPECT(p);
	bytepool_free(pool, p);
	p = bytepool_alloc(pool, 3000, GFP_NOWAIT);
	EXPECT(!p == IS_ENABLED(CONFIG_PREEMPT_RT));
	bytepool_free(pool, p);
	raw_spin_unlock_irqrestore(&lock, flags);
	pool_stop();
}

static void *in_between[8];

/* Allocate and free blocks, so that caches become full and empty. */
static void use_in_between(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(in_between); i++)
		in_between[i] = bytepool_alloc(pool, 40 + (i % 2) * 5000, GFP_ATOMIC);
	for (i = 0; i < ARRAY_SIZE(in_between); i++) {
		if (in_between[i])
			memset(in_between[i], 0xee, 40);
		bytepool_free(pool, in_between[i]);
	}
}

static void other_in_between(void)
{
	shim_cpu_run_other(5, use_in_between);
}

static void op_use(void)
{
	u8 *p = bytepool_alloc(pool, 40, GFP_KERNEL);
	u8 *q = bytepool_alloc(pool, 5000, GFP_KERNEL);
	unsigned int i;
	void *many[40];

	memset(p, 1, 40);
	memset(q, 2, 5000);
	EXPECT(bytepool_alloc_bulk(pool, 40, GFP_KERNEL, 40, many) == 40);
	for (i = 0; i < 40; i++)
		memset(many[i], i, 40);
	EXPECT(bytes_are(p, 1, 40) && bytes_are(q, 2, 5000));
	bytepool_free(pool, p);
	for (i = 0; i < 40; i++)
		EXPECT(bytes_are(many[i], i, 40));
	bytepool_free_bulk(pool, 40, many);
	bytepool_free(pool, q);
	EXPECT(stats().blocks_in_use == 0);
}

static void op_trim(void)
{
	op_use();
	bytepool_trim(pool);
}

static void op_gc(void)
{
	op_use();
	shim_clock_advance(100);
}

static void op_set_reserve(void)
{
	op_use();
	EXPECT(!bytepool_reserve(pool, 40, 200, GFP_KERNEL));
	op_use();
	EXPECT(!bytepool_reserve(pool, 40, 0, GFP_KERNEL));
}

static void in_between_all(void (*what)(void))
{
	const struct bytepool_params params = { .idle_timeout_ms = 20 };

	*shim_param_gc_interval_ms = 10;
	pool_start(&params);
	shim_hardirq = use_in_between;
	EXPECT(at_each_point(op_use, what) > 100);
	EXPECT(at_each_point(op_trim, what) > 100);
	EXPECT(at_each_point(op_gc, what) > 100);
	EXPECT(at_each_point(op_set_reserve, what) > 100);
	shim_hardirq = NULL;
	EXPECT(stats().allocs == stats().frees && stats().bad_frees == 0);
	shim_clock_advance(1000);
	EXPECT(bytepool_size(pool) == 0 && !shim_works_pending());
	pool_stop();
	*shim_param_gc_interval_ms = 10000;
}

static void test_interrupts(void)
{
	in_between_all(shim_interrupt);
}

static void test_other_cpus(void)
{
	in_between_all(other_in_between);
}

static void *known[16];

static void reuse_known(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		bytepool_free(pool, known[i]);
		known[i] = bytepool_alloc(pool, 3000, GFP_ATOMIC);
		EXPECT(bytepool_usable_size(pool, known[i]) == 3072);
	}
}

/* Pages displace each other in the memo, while an interrupt frees blocks of remembered pages. */
static void test_memo_places(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER };
	static void *blocks[200];
	unsigned int i, point;

	pool_start(&params);
	EXPECT(bytepool_alloc_bulk(pool, 3000, GFP_KERNEL, ARRAY_SIZE(known), known));
	EXPECT(bytepool_alloc_bulk(pool, PAGE_SIZE, GFP_KERNEL, ARRAY_SIZE(blocks), blocks));
	shim_hardirq = reuse_known;
	shim_point_hook = at_point;
	between = shim_interrupt;
	for (i = 0; i < ARRAY_SIZE(blocks); i++) {
		for (point = 1; point < 100; point++) {
			/* Invalidate the memo, make the caches anew, and remember these blocks. */
			bytepool_trim(pool);
			bytepool_free(pool, bytepool_alloc(pool, PAGE_SIZE, GFP_KERNEL));
			reuse_known();
			reuse_known();
			nr_between = 0;
			shim_countdown = point;
			bytepool_free(pool, blocks[i]);
			shim_countdown = 0;
			shim_irq_restore(shim_irq_save());
			blocks[i] = bytepool_alloc(pool, PAGE_SIZE, GFP_KERNEL);
			EXPECT(bytepool_usable_size(pool, blocks[i]) == PAGE_SIZE);
			if (!nr_between)
				break;
		}
	}
	shim_point_hook = NULL;
	shim_hardirq = NULL;
	bytepool_free_bulk(pool, ARRAY_SIZE(known), known);
	bytepool_free_bulk(pool, ARRAY_SIZE(blocks), blocks);
	EXPECT(stats().bad_frees == 0);
	pool_stop();
}

const struct test context_tests[] = {
	{ "an interrupt at every point", test_interrupts },
	{ "another CPU at every point", test_other_cpus },
	{ "an interrupt while the memo changes", test_memo_places },
	{ "in an interrupt", test_hardirq },
	{ "under a spinlock", test_spinlock },
	{}
};
