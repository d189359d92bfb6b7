// SPDX-License-Identifier: GPL-2.0-only
/*
 * Callers that do everything wrong
 */
#include <linux/err.h>
#include <linux/io.h>
#include <linux/kmemleak.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/vmalloc.h>

#include "block.h"
#include "check.h"
#include "tests.h"

static struct bytepool *hostile_pool(struct seq_file *m, const char *name)
{
	struct bytepool_params params = { .max_size = SZ_1M, .limit_bytes = SZ_64M };
	struct bytepool *pool = bytepool_create(name, &params);

	if (!IS_ERR(pool))
		return pool;
	check(m, false, name, "runs", "create: %pe", pool);
	return NULL;
}

static bool use_and_free(struct bytepool *pool, void *block, size_t size)
{
	size_t usable = bytepool_usable_size(pool, block);
	bool ok;

	if (!block)
		return true;
	if (usable < size)
		return false;
	block_fill(block, usable, 1);
	ok = block_intact(block, usable);
	bytepool_free(pool, block);
	return ok;
}

static const size_t gfp_sizes[] = { 8, 100, 4096, 5000, SZ_64K, SZ_1M };

static bool try_gfp_bulk(struct bytepool *pool, size_t size, gfp_t gfp)
{
	void *blocks[3];
	unsigned int got = bytepool_alloc_bulk(pool, size, gfp, 3, blocks);
	bool ok = got == 0 || got == 3;
	unsigned int i;

	for (i = 0; i < got; i++)
		ok &= use_and_free(pool, blocks[i], size);
	return ok;
}

/* Try each size. Trim the pool first, so that the memory comes from the system. */
static bool try_gfp(struct bytepool *pool, gfp_t gfp)
{
	bool ok = true;
	unsigned int i;

	bytepool_trim(pool);
	for (i = 0; i < ARRAY_SIZE(gfp_sizes); i++)
		ok &= use_and_free(pool, bytepool_alloc(pool, gfp_sizes[i], gfp), gfp_sizes[i]);
	bytepool_trim(pool);
	for (i = 0; i < ARRAY_SIZE(gfp_sizes); i++)
		ok &= try_gfp_bulk(pool, gfp_sizes[i], gfp);
	return ok;
}

void hostile_gfp(struct seq_file *m)
{
	struct bytepool *pool = hostile_pool(m, "hostile-gfp");
	unsigned int i, bad = 0;
	struct rnd_state rnd;

	if (!pool)
		return;
	prandom_seed_state(&rnd, 1);
	expect_warning_begin("hostile-gfp");
	for (i = 0; i < 32; i++) {
		bad += !try_gfp(pool, (__force gfp_t)BIT(i));
		bad += !try_gfp(pool, GFP_KERNEL | (__force gfp_t)BIT(i));
		bad += !try_gfp(pool, ~(__force gfp_t)BIT(i));
		bad += !try_gfp(pool, (__force gfp_t)prandom_u32_state(&rnd));
	}
	bad += !try_gfp(pool, 0);
	bad += !try_gfp(pool, (__force gfp_t)~0);
	expect_warning_end();
	check(m, !bad, "hostile-gfp", "every gfp value gets a sound block or none",
	      "%u did not", bad);
	check_emptied(m, pool, "hostile-gfp", 0);
	bytepool_destroy(pool);
}

void hostile_sizes(struct seq_file *m)
{
	static const size_t sizes[] = {
		0, SZ_1M + 1, UINT_MAX, SIZE_MAX, SIZE_MAX - 6, SIZE_MAX / 2 + 1, BIT_ULL(32) + 8,
	};
	static const int nodes[] = { -1, -2, 1, 63, 64, 1023, 1024, INT_MAX, INT_MIN };
	struct bytepool *pool = hostile_pool(m, "hostile-sizes");
	unsigned int i, bad = 0;
	void *blocks[2] = { }, *block;

	if (!pool)
		return;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		bad += !!bytepool_alloc(pool, sizes[i], GFP_KERNEL);
		bad += !!bytepool_zalloc(pool, sizes[i], GFP_ATOMIC);
		bad += bytepool_alloc_bulk(pool, sizes[i], GFP_KERNEL, 2, blocks) != 0;
		bad += bytepool_reserve(pool, sizes[i], 1, GFP_KERNEL) == 0;
	}
	check(m, !bad && !bytepool_size(pool), "hostile-sizes",
	      "sizes that no class fits get nothing", "%u did, %zu bytes held",
	      bad, bytepool_size(pool));
	bad = bytepool_alloc_bulk(pool, 8, GFP_KERNEL, 0, NULL);
	bytepool_free_bulk(pool, 0, NULL);
	check(m, !bad, "hostile-sizes", "a bulk of none is none", "%u", bad);
	for (bad = 0, i = 0; i < ARRAY_SIZE(nodes); i++) {
		bytepool_trim(pool);
		block = bytepool_alloc_node(pool, 3000, GFP_KERNEL, nodes[i]);
		bad += !use_and_free(pool, block, 3000);
	}
	check(m, !bad, "hostile-sizes", "every node gets a sound block or none", "%u did not", bad);
	check_emptied(m, pool, "hostile-sizes", 0);
	bytepool_destroy(pool);
}

/* Pointers that must not be freed. */
struct wrong {
	struct bytepool *pool;
	unsigned int nr;
	const void *pointers[32];
};

static void wrong_add(struct wrong *wrong, const void *pointer)
{
	if (pointer && wrong->nr < ARRAY_SIZE(wrong->pointers))
		wrong->pointers[wrong->nr++] = pointer;
}

static void wrong_add_inside(struct wrong *wrong, const void *block, size_t size)
{
	wrong_add(wrong, block + 1);
	wrong_add(wrong, block + 8);
	wrong_add(wrong, block + size / 2);
	wrong_add(wrong, block + size - 1);
}

static void wrong_free(void *data)
{
	struct wrong *wrong = data;
	unsigned int i;

	for (i = 0; i < wrong->nr; i++)
		bytepool_free(wrong->pool, wrong->pointers[i]);
}

static void wrong_check(struct seq_file *m, struct wrong *wrong, const char *what)
{
	struct bytepool_stats before, after;
	unsigned int i, usable = 0;
	unsigned long flags;

	bytepool_get_stats(wrong->pool, &before);
	for (i = 0; i < wrong->nr; i++)
		usable += bytepool_usable_size(wrong->pool, wrong->pointers[i]) != 0;
	wrong_free(wrong);
	local_irq_save(flags);
	wrong_free(wrong);
	local_irq_restore(flags);
	smp_call_function_single(1, wrong_free, wrong, 1);
	bytepool_get_stats(wrong->pool, &after);
	check(m, !usable && after.bad_frees - before.bad_frees == 3 * wrong->nr &&
	      after.frees == before.frees, "hostile-frees", what,
	      "%u of %u have a size; %llu bad frees, %llu frees", usable, wrong->nr,
	      after.bad_frees - before.bad_frees, after.frees - before.frees);
	wrong->nr = 0;
}

/* Free addresses that no pool ever returned. */
static void wrong_addresses(struct seq_file *m, struct wrong *wrong)
{
	static const unsigned long addresses[] = {
		1, 8, 16, 4096, 0x400000, 0x7fffffffe000, 0x8000000000000000, 0xffff800000000000,
		-1UL, -8UL, -4096UL,
	};
	void *small = kmalloc(64, GFP_KERNEL), *page = (void *)__get_free_page(GFP_KERNEL);
	void *mapped = vmalloc(SZ_64K);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(addresses); i++)
		wrong_add(wrong, (void *)addresses[i]);
	wrong_add(wrong, ERR_PTR(-ENOMEM));
	wrong_add(wrong, &small);
	wrong_add(wrong, wrong_addresses);
	wrong_add(wrong, small);
	wrong_add(wrong, page);
	wrong_add(wrong, mapped);
	wrong_check(m, wrong, "addresses of no pool are refused");
	vfree(mapped);
	free_page((unsigned long)page);
	kfree(small);
}

static void wrong_blocks(struct seq_file *m, struct wrong *wrong, struct bytepool *other)
{
	void *small = bytepool_alloc(wrong->pool, 96, GFP_KERNEL);
	void *large = bytepool_alloc(wrong->pool, SZ_1M, GFP_KERNEL);
	void *others_small = bytepool_alloc(other, 96, GFP_KERNEL);
	void *others_large = bytepool_alloc(other, SZ_1M, GFP_KERNEL);

	if (!small || !large || !others_small || !others_large) {
		check(m, false, "hostile-frees", "has blocks", "out of memory");
		return;
	}
	block_fill(small, 96, 1);
	block_fill(large, SZ_1M, 2);
	wrong_add_inside(wrong, small, 96);
	wrong_add_inside(wrong, large, SZ_1M);
	wrong_add(wrong, large + PAGE_SIZE);
	wrong_check(m, wrong, "addresses inside of blocks are refused");
	wrong_add(wrong, others_small);
	wrong_add(wrong, others_large);
	wrong_check(m, wrong, "blocks of another pool are refused");
	check(m, block_intact(small, 96) && block_intact(large, SZ_1M), "hostile-frees",
	      "what is refused is not touched", "it was");
	bytepool_free(other, others_small);
	bytepool_free(other, others_large);
	bytepool_free(wrong->pool, small);
	bytepool_free(wrong->pool, large);
	wrong_add(wrong, small);
	wrong_add(wrong, large);
	wrong_check(m, wrong, "blocks that are free already are refused");
	bytepool_trim(wrong->pool);
	wrong_add(wrong, small);
	wrong_add(wrong, large);
	wrong_check(m, wrong, "blocks that went back to the system are refused");
}

void hostile_frees(struct seq_file *m)
{
	struct wrong wrong = { .pool = hostile_pool(m, "hostile-frees") };
	struct bytepool *other = hostile_pool(m, "hostile-other");
	struct bytepool_stats stats;

	if (wrong.pool && other) {
		expect_warning_begin("hostile-frees");
		wrong_addresses(m, &wrong);
		wrong_blocks(m, &wrong, other);
		expect_warning_end();
		bytepool_get_stats(wrong.pool, &stats);
		check_emptied(m, wrong.pool, "hostile-frees", stats.bad_frees);
		check_emptied(m, other, "hostile-other", 0);
	}
	bytepool_destroy(other);
	bytepool_destroy(wrong.pool);
}

/* Destroy the pool that the blocks @leaked are of, and check that they are still there. */
static void leak_check(struct seq_file *m, struct bytepool *pool, void **leaked, unsigned int nr)
{
	struct bytepool *other = hostile_pool(m, "hostile-other");
	struct bytepool_stats stats;
	unsigned int i, gone = 0;

	for (i = 0; i < nr; i++) {
		block_fill(leaked[i], 1024, i);
		kmemleak_not_leak(leaked[i]);
	}
	expect_warning_begin("leaky");
	bytepool_destroy(pool);
	for (i = 0; i < nr; i++)
		gone += !block_intact(leaked[i], 1024);
	check(m, !gone, "leak", "blocks in use outlive their pool", "%u of %u did not", gone, nr);
	if (other) {
		for (i = 0; i < nr; i++)
			bytepool_free(other, leaked[i]);
		bytepool_get_stats(other, &stats);
		check(m, stats.bad_frees == nr, "leak", "another pool cannot free them",
		      "%llu bad frees", stats.bad_frees);
	}
	expect_warning_end();
	bytepool_destroy(other);
}

/* The guest script looks for the message in the log. */
void hostile_leak(struct seq_file *m)
{
	struct bytepool *pool = hostile_pool(m, "leaky");
	void *leaked[3], *idle;

	if (!pool)
		return;
	idle = bytepool_alloc(pool, SZ_1M, GFP_KERNEL);
	bytepool_free(pool, idle);
	if (bytepool_alloc_bulk(pool, 1024, GFP_KERNEL, 3, leaked) != 3) {
		check(m, false, "leak", "has blocks", "out of memory");
		bytepool_destroy(pool);
		return;
	}
	leak_check(m, pool, leaked, 3);
	pool = hostile_pool(m, "leaky");
	if (!pool)
		return;
	bytepool_free(pool, bytepool_alloc(pool, 1024, GFP_KERNEL));
	check_emptied(m, pool, "leak", 0);
	bytepool_destroy(pool);
}
