// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad frees, and writes to free blocks.
 */
#include "internal.h"

static void bad_free_counts(struct model_pool *pool, enum model_bad_free kind)
{
	pool->stats.bad_frees++;
	if (!(pool->told & BIT(kind)))
		expected_warnings++;
	pool->told |= BIT(kind);
}

void model_bad_free(struct model_pool *pool, const void *p, enum model_bad_free kind)
{
	CHECK(!bytepool_usable_size(pool->pool, p));
	bytepool_free(pool->pool, p);
	bad_free_counts(pool, kind);
}

void model_bad_free_inside(struct model_pool *pool, struct block *block, u32 offset)
{
	/* The pool need not recognise an address far inside a large block. */
	if (model_run_blocks(block->run) == 1 &&
	    (pool->told & (BIT(MODEL_UNKNOWN) | BIT(MODEL_INSIDE))) !=
	    (BIT(MODEL_UNKNOWN) | BIT(MODEL_INSIDE)))
		offset %= PAGE_SIZE;
	if (offset)
		model_bad_free(pool, model_block_address(block) + offset, MODEL_INSIDE);
}

void model_stale_write(struct block *block, const void *bytes, u32 nr)
{
	u32 size = block->run->size;
	u8 *p = model_block_address(block);

	CHECK(!block->in_use);
	memcpy(p, bytes, min(nr, size));
	if (block->run->pool->flags & BYTEPOOL_POISON)
		block->overwritten = memchr_inv(p, POISON_FREE, size - 1) ||
				     p[size - 1] != POISON_END;
	else
		block->dirty = true;
}

/* Free each block twice. */
void model_free_bulk_twice(struct model_pool *pool, u32 nr)
{
	struct op outer = model_op_begin(pool, 0);
	void *blocks[BULK_MAX];
	u32 i;

	/* Have no events, which could allocate one of the blocks again. */
	model_calm();
	nr = min(nr, pool->nr_in_use);
	for (i = 0; i < 2 * nr; i += 2) {
		blocks[i] = block_leaves(pool->in_use[rnd(pool->nr_in_use)]);
		blocks[i + 1] = blocks[i];
	}
	bytepool_free_bulk(pool->pool, 2 * nr, blocks);
	for (i = 0; i < nr; i++)
		bad_free_counts(pool, MODEL_IDLE);
	op = outer;
}

static struct bytepool *raced_pool;
static void *raced_block;
static unsigned int races;

static void race_run(void)
{
	bytepool_free(raced_pool, raced_block);
	races++;
}

static void on_race(void)
{
	shim_cpu_run_other(rnd(CPUS), race_run);
}

void model_free_race(struct block *block, unsigned int countdown)
{
	struct model_pool *pool = block->run->pool;
	struct op outer = model_op_begin(pool, 0);
	void (*outer_hook)(void) = shim_point_hook;

	model_calm();
	raced_pool = pool->pool;
	raced_block = block_leaves(block);
	races = 0;
	if (!(pool->flags & BYTEPOOL_SINGLE))
		shim_countdown = countdown;
	shim_point_hook = on_race;
	bytepool_free(raced_pool, raced_block);
	model_calm();
	shim_point_hook = outer_hook;
	while (races--)
		bad_free_counts(pool, MODEL_IDLE);
	op = outer;
}

void model_out_of_range(struct model_pool *pool)
{
	static const size_t sizes[] = { 0, ~0UL, 1UL << 32, (1UL << 32) + 1 };
	void *blocks[2];

	op.pool = pool;
	CHECK(!bytepool_alloc(pool->pool, sizes[rnd(4)], GFP_KERNEL));
	CHECK(!bytepool_alloc(pool->pool, pool->sizes.max + 1, GFP_ATOMIC));
	CHECK(!bytepool_alloc(pool->pool, 8, GFP_KERNEL | GFP_DMA));
	CHECK(!bytepool_alloc_bulk(pool->pool, sizes[rnd(4)], GFP_KERNEL, 2, blocks));
	CHECK(bytepool_reserve(pool->pool, 0, 1, GFP_KERNEL) == -EINVAL);
	pool->stats.failures += 4;
	bytepool_free(pool->pool, NULL);
	op.pool = NULL;
}
