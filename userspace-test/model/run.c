// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs of memory: everything that the system gave to a pool at once.
 */
#include <stdlib.h>

#include "internal.h"

#define RUN_BUCKETS	4096

struct model_pool pools[POOLS];
static struct cds_list_head buckets[RUN_BUCKETS];
struct op op;
unsigned int depth;
unsigned long nested;
unsigned int global_timeout_ms;
unsigned int interval_ms;
unsigned long global_changed;
unsigned long expected_warnings;
unsigned long step;

void model_check(bool ok, const char *what, const char *file, int line)
{
	if (!ok)
		shim_die("%s:%d: step %lu, pool %s: expected %s; last message: %s", file, line,
			 step, op.pool ? op.pool->name : "?", what, shim_last_message());
}

static struct cds_list_head *bucket_of(const void *base)
{
	return &buckets[((unsigned long)base >> PAGE_SHIFT) % RUN_BUCKETS];
}

static struct run *run_at(const void *base)
{
	struct run *run;

	list_for_each_entry(run, bucket_of(base), bucket) {
		if (run->base == base)
			return run;
	}
	return NULL;
}

u32 model_run_blocks(const struct run *run)
{
	return bp_slab_blocks(run->bytes, run->size);
}

struct class_state *run_class(const struct run *run)
{
	return &run->pool->class[bp_class_index(&run->pool->sizes, run->size)];
}

struct block *model_block_at(const char *p)
{
	char *page = (char *)((unsigned long)p & PAGE_MASK);
	unsigned int i;

	for (i = 0; i <= BP_SLAB_PAGES; i++, page -= PAGE_SIZE) {
		struct run *run = run_at(page);

		if (run)
			return (p - run->base) % bp_stride(run->size) ||
			       (p - run->base) / bp_stride(run->size) >= model_run_blocks(run) ?
			       NULL : &run->block[(p - run->base) / bp_stride(run->size)];
	}
	return NULL;
}

void *model_block_address(const struct block *block)
{
	return block->run->base + (block - block->run->block) * (size_t)bp_stride(block->run->size);
}

/* The pool checks a block when it is allocated, or when its memory is freed. */
void block_looked_at(struct block *block)
{
	block->run->pool->overwritten += block->overwritten;
	block->overwritten = false;
}

void run_born(void *base, unsigned long bytes, bool mapped)
{
	struct run *run;
	u32 size, i;

	if (!op.pool) {
		CHECK(mapped);	/* the table of a new pool */
		return;
	}
	size = bp_class_size(&op.pool->sizes, op.class);
	run = calloc(1, sizeof(*run) + bytes / size * sizeof(run->block[0]));
	CHECK(!(mapped && op.pool->flags & BYTEPOOL_CONTIG));
	run->pool = op.pool;
	run->size = size;
	run->base = base;
	run->bytes = bytes;
	run->born = jiffies;
	run->birth_op = op.id;
	for (i = 0; i < bytes / size; i++)
		run->block[i] = (struct block){ .run = run, .freed = jiffies };
	list_add(&run->list, &op.pool->runs);
	list_add(&run->bucket, bucket_of(base));
	op.pool->held += bytes;
	run_class(run)->blocks += model_run_blocks(run);
	run_class(run)->grown = jiffies;
	op.born++;
}

unsigned long pool_timeout_jiffies(const struct model_pool *pool)
{
	unsigned int ms = pool->timeout_ms ?: global_timeout_ms ?: BYTEPOOL_TIMEOUT_NEVER;

	return ms == BYTEPOOL_TIMEOUT_NEVER ? MAX_JIFFY_OFFSET : ((u64)ms * HZ + 999) / 1000;
}

unsigned long run_youngest(const struct run *run)
{
	unsigned long youngest = run->born;
	u32 i;

	for (i = 0; i < model_run_blocks(run); i++) {
		if (time_after(run->block[i].freed, youngest))
			youngest = run->block[i].freed;
	}
	return youngest;
}

/* Return true if @page is surplus of a run, whose size is a power of two at first. */
static bool run_trimmed(char *page)
{
	struct run *run;

	if (!op.pool)
		return false;
	list_for_each_entry(run, &op.pool->runs, list) {
		if (run->birth_op == op.id && page > run->base &&
		    page < run->base + (PAGE_SIZE << 10))
			break;
	}
	if (&run->list == &op.pool->runs || run->nr_in_use)
		return false;
	if (page >= run->base + run->bytes)
		return true;
	run_class(run)->blocks -= model_run_blocks(run);
	op.pool->held -= run->base + run->bytes - page;
	run->bytes = page - run->base;
	run_class(run)->blocks += model_run_blocks(run);
	return true;
}

/* Return true if the table of classes of the pool takes so many bytes. */
static bool is_table(unsigned long bytes)
{
	return !op.pool || bytes == PAGE_ALIGN(op.pool->sizes.nr * sizeof(void *));
}

void run_gone(void *base, unsigned long bytes)
{
	struct run *run = run_at(base);
	struct model_pool *pool;
	struct class_state *class;
	bool stillborn;
	u32 i;

	if (!run && ((bytes == PAGE_SIZE && run_trimmed(base)) || is_table(bytes)))
		return;
	CHECK(run && bytes == run->bytes);
	pool = run->pool;
	class = run_class(run);
	CHECK(!run->nr_in_use);
	stillborn = run->birth_op == op.id && op.pool == pool;
	CHECK(stillborn || op.any_age ||
	      time_after(jiffies, run_youngest(run) + pool_timeout_jiffies(pool)));
	class->blocks -= model_run_blocks(run);
	CHECK(stillborn || class->blocks >= class->reserve);
	pool->held -= bytes;
	for (i = 0; i < model_run_blocks(run); i++)
		block_looked_at(&run->block[i]);
	if (stillborn) {
		op.born--;
	} else {
		pool->stats.reclaimed_blocks += model_run_blocks(run);
		pool->stats.reclaimed_bytes += bytes;
	}
	list_del(&run->list);
	list_del(&run->bucket);
	free(run);
}

/* Find idle memory of a class that is above the reserve. */
struct run *run_reclaimable(const struct model_pool *pool)
{
	struct run *run;

	list_for_each_entry(run, &pool->runs, list) {
		const struct class_state *class = run_class(run);
		u32 most = bp_slab_blocks(bp_slab_bytes(run->size), run->size);

		if (!run->nr_in_use && class->blocks >= class->reserve + most)
			return run;
	}
	return NULL;
}

void runs_begin(void)
{
	unsigned int i;

	for (i = 0; i < RUN_BUCKETS; i++)
		INIT_LIST_HEAD(&buckets[i]);
}
