// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls about blocks: allocations, frees, bad frees, writes to free blocks.
 */
#include "calls.h"

#define BULK_SIZE_MAX	8192

struct block *block_of(const struct model_pool *pool, u16 arg)
{
	return pool->nr_in_use ? pool->in_use[arg % pool->nr_in_use] : NULL;
}

void call_alloc(struct model_pool *pool, const struct record *record, u32 nr)
{
	u32 size = size_in(pool, record->arg);

	nr = min(nr, 1 + SZ_1M / size);
	while (nr-- && !model_full(pool))
		model_alloc(pool, size, gfp_of(record->how));
}

void call_free(struct model_pool *pool, const struct record *record)
{
	u32 nr = 1 + record->how % 32;

	while (nr-- && pool->nr_in_use)
		model_free(block_of(pool, record->arg));
}

void call_bulk(struct model_pool *pool, const struct record *record)
{
	u32 size = min_t(u32, size_in(pool, record->arg), BULK_SIZE_MAX);
	u32 nr = 1 + record->seed % BULK_MAX;

	if (pool->sizes.min > BULK_SIZE_MAX)
		nr = 1 + nr % 4;
	if (!model_full(pool))
		model_alloc_bulk(pool, size, gfp_of(record->how & 63), nr);
}

/* Return the run that has the address, or NULL. */
static struct run *run_of(const char *p)
{
	unsigned int i;

	for (i = 0; i < POOLS; i++) {
		struct run *run;

		if (!pools[i].pool)
			continue;
		list_for_each_entry(run, &pools[i].runs, list) {
			if (p >= run->base && p < run->base + run->bytes)
				return run;
		}
	}
	return NULL;
}

/* Free any address, unless it is a block in use. */
static void free_wild(struct model_pool *pool, char *p)
{
	struct run *run = run_of(p);
	unsigned long offset;
	struct block *block;

	if (!run || p >= run->base + model_run_blocks(run) * (size_t)run->size) {
		model_bad_free(pool, p, MODEL_UNKNOWN);
		return;
	}
	offset = p - run->base;
	block = &run->block[offset / run->size];
	if (run->pool != pool) {
		if (model_run_blocks(run) > 1 || offset < PAGE_SIZE)
			model_bad_free(pool, p, MODEL_FOREIGN);
	} else if (offset % run->size) {
		model_bad_free_inside(pool, block, offset % run->size);
	} else if (!block->in_use) {
		model_bad_free(pool, p, MODEL_IDLE);
	}
}

static struct run *nth_run(struct model_pool *pool, u16 nr)
{
	struct run *run;
	u16 i = 0;

	list_for_each_entry(run, &pool->runs, list) {
		if (i++ == nr % 16)
			return run;
	}
	return list_empty(&pool->runs) ? NULL :
	       list_entry(pool->runs.next, struct run, list);
}

void call_bad_free(struct model_pool *pool, const struct record *record)
{
	struct model_pool *other = &pools[record->seed % FUZZ_POOLS];
	struct run *run = other->pool ? nth_run(other, record->how >> 3) : NULL;
	struct block *block;

	model_calm();
	switch (record->how & 7) {
	case 0:
		free_wild(pool, fuzz_wild_address(record->arg * 8UL));
		return;
	case 1:
		free_wild(pool, (char *)(record->arg + 1UL));
		return;
	case 2:
		free_wild(pool, (char *)-(record->arg + 1UL));
		return;
	case 3:
		free_wild(pool, (char *)pool->pool + record->arg);
		return;
	}
	if (!run)
		return;
	block = &run->block[record->arg % model_run_blocks(run)];
	free_wild(pool, (char *)model_block_address(block) + (record->how & 1 ? 0 : record->seed));
}

/* Prefer the first blocks, because they were used before and are chained. */
static struct block *idle_block(struct run *run, u8 how)
{
	u32 nr = model_run_blocks(run);
	u32 first = how % (how & 128 ? nr : min(nr, 16U));
	u32 i;

	for (i = 0; i < nr; i++) {
		struct block *block = &run->block[(first + i) % nr];

		if (!block->in_use)
			return block;
	}
	return NULL;
}

/* Return a link to the block itself, to another block, to the end, or anywhere. */
static u16 link_of(const struct run *run, const struct block *block, u16 arg)
{
	switch (arg >> 13) {
	case 0:
		return block - run->block;
	case 1 ... 4:
		return arg % min(model_run_blocks(run), 32U);
	case 5:
		return 0xffff;
	default:
		return arg << 3;
	}
}

void call_stale_write(struct model_pool *pool, const struct record *record)
{
	struct run *run = nth_run(pool, record->seed % 4);
	struct block *block = run ? idle_block(run, record->how) : NULL;
	u8 bytes[256];
	u16 link;

	if (!block)
		return;
	link = link_of(run, block, record->arg);
	memset(bytes, record->arg, sizeof(bytes));
	memcpy(bytes, &link, sizeof(link));
	model_stale_write(block, bytes, record->seed & 128 ? sizeof(bytes) : sizeof(link));
}

void call_reserve(struct model_pool *pool, const struct record *record)
{
	u32 size = size_in(pool, record->arg);

	if (!model_full(pool))
		model_reserve(pool, size, size > SZ_64K ? record->how % 4 : record->how % 64);
}

void in_use(struct model_pool *pool, u16 arg, void (*fn)(struct block *block))
{
	struct block *block = block_of(pool, arg);

	if (block)
		fn(block);
}
