// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocations and frees, and the reasons for which an allocation may fail.
 */
#include "internal.h"
#include "internal/cache.h"
#include "internal/class.h"
#include "internal/context.h"
#include "internal/depot.h"

static unsigned long op_ids;
static u64 marks;

struct op model_op_begin(struct model_pool *pool, u32 class)
{
	struct op outer = op;

	op = (struct op){ .pool = pool, .class = class, .id = ++op_ids };
	return outer;
}

static u32 *word(const struct block *block, u32 nr)
{
	return (u32 *)((char *)model_block_address(block) + nr * 4);
}

static void block_mark(struct block *block)
{
	u32 last = block->run->size / 4 - 1;

	block->mark = ++marks;
	*word(block, 0) = marks;
	*word(block, last) = ~marks;
	*word(block, last / 2) = marks;
}

void block_check(struct block *block)
{
	u32 last = block->run->size / 4 - 1;

	CHECK(*word(block, last) == (u32)~block->mark);
	CHECK(*word(block, last / 2) == (u32)block->mark);
	CHECK(last / 2 == 0 || *word(block, 0) == (u32)block->mark);
}

/* Return true if the first @size bytes of the block are zero. */
static bool block_zero(const struct block *block, size_t size)
{
	u8 *p = model_block_address(block);

	if (size <= 4 * PAGE_SIZE)
		return bytes_are(p, 0, size);
	return bytes_are(p, 0, PAGE_SIZE) && bytes_are(p + size - PAGE_SIZE, 0, PAGE_SIZE) &&
	       bytes_are(p + (size / 2 & PAGE_MASK), 0, 64);
}

/* Check a block that was allocated, and mark it. */
static void block_got(void *p, u32 size, gfp_t gfp)
{
	struct block *block = model_block_at(p);
	struct model_pool *pool;

	CHECK(block && !block->in_use);
	pool = block->run->pool;
	CHECK(pool == op.pool && run_class(block->run) == &pool->class[op.class]);
	CHECK((unsigned long)p % min_t(u32, block->run->size & -block->run->size, PAGE_SIZE) == 0);
	if (pool->flags & BYTEPOOL_WIPE)
		CHECK(block->dirty || block_zero(block, block->run->size));
	else if (gfp & __GFP_ZERO)
		CHECK(block_zero(block, size));
	block->dirty = false;
	block_looked_at(block);
	block->in_use = true;
	block->run->nr_in_use++;
	run_class(block->run)->in_use++;
	block->slot = pool->nr_in_use;
	pool->in_use[pool->nr_in_use++] = block;
	pool->stats.allocs++;
	pool->stats.blocks_in_use++;
	pool->stats.bytes_in_use += block->run->size;
	block_mark(block);
}

/* Check a block that is about to be freed. */
void *block_leaves(struct block *block)
{
	struct model_pool *pool = block->run->pool;
	struct block *last = pool->in_use[--pool->nr_in_use];

	block_check(block);
	pool->in_use[block->slot] = last;
	last->slot = block->slot;
	block->in_use = false;
	block->freed = jiffies;
	block->run->nr_in_use--;
	run_class(block->run)->in_use--;
	pool->stats.frees++;
	pool->stats.blocks_in_use--;
	pool->stats.bytes_in_use -= block->run->size;
	return model_block_address(block);
}

/* Within an interrupted allocation, the model may count memory that is about to be trimmed. */
void check_limit(void)
{
	CHECK(depth || !op.born || !op.pool->limit || op.pool->held <= op.pool->limit);
}

void model_calm(void)
{
	shim_countdown = 0;
	shim_irq_restore(shim_irq_save());
}

/* Larger memory than the page allocator has must be mapped, which may sleep. */
bool run_possible(const struct model_pool *pool, u32 size, gfp_t gfp)
{
	return size <= PAGE_SIZE << 10 ||
	       (gfpflags_allow_blocking(gfp) && !(pool->flags & BYTEPOOL_CONTIG));
}

/*
 * Return the number of blocks in caches of the class. If @elsewhere, leave out those that this
 * CPU can allocate. It cannot allocate those of a cache that a pass has closed. A task that may
 * migrate may have missed its own cache, so then leave out none.
 */
static u32 class_cached(struct bp_class *class, bool elsewhere)
{
	unsigned int countdown = shim_countdown;
	struct bp_cache *cache;
	u32 nr = 0;

	shim_countdown = 0;	/* no event comes in while it counts */
	bp_for_each_cache(cache, class) {
		if (!elsewhere || cache->drain || cache->cpu != bp_class_cpu(class) ||
		    shim_migrate_odds)
			nr += bp_cache_nr(cache);
	}
	shim_countdown = countdown;
	return nr;
}

bool class_is_short(struct bp_class *class)
{
	unsigned int countdown = shim_countdown;
	bool is_short;

	shim_countdown = 0;	/* as above */
	is_short = class->reserve && !bp_class_has_surplus(class, 0);
	shim_countdown = countdown;
	return is_short;
}

/* Check that there was a reason for an allocation to fail. */
static void check_failure(gfp_t gfp, unsigned long nested_before)
{
	struct model_pool *pool = op.pool;
	struct class_state *class = &pool->class[op.class];
	u32 size = bp_class_size(&pool->sizes, op.class);
	bool alone = nested == nested_before && !depth;

	pool->stats.failures++;
	/* One node may have no memory left. */
	if (gfp & __GFP_THISNODE)
		return;
	/*
	 * An allocation that waits for a reserve does not fail, except in a SINGLE pool, where
	 * no other thread frees.
	 */
	CHECK(!(class->reserve && gfpflags_allow_blocking(gfp)) || pool->flags & BYTEPOOL_SINGLE);
	if (alone && class->reserve)
		CHECK(class->in_use + class_cached(pool->pool->class[op.class], true) ==
		      class->blocks);
	if (shim_failed() || (IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible()))
		return;
	if (!run_possible(pool, size, gfp))
		return;
	CHECK(pool->limit);
	if (alone)
		CHECK(pool->held + PAGE_ALIGN(size) > pool->limit);
	/* More than the limit does not fit, however much is freed. */
	if (alone && gfpflags_allow_blocking(gfp) && PAGE_ALIGN(size) <= pool->limit)
		CHECK(!run_reclaimable(pool));
}

static bool may_be_short(const struct model_pool *pool)
{
	return pool->limit || shim_failing() || shim_full_node != NUMA_NO_NODE ||
	       shim_bare_node != NUMA_NO_NODE;
}

/* Return true if an allocation may free idle memory to make room. */
static bool may_trim(const struct model_pool *pool, gfp_t gfp)
{
	bool short_of_memory = may_be_short(pool) || gfp & __GFP_THISNODE;
	u32 size = bp_class_size(&pool->sizes, op.class);

	return gfpflags_allow_blocking(gfp) &&
	       (short_of_memory || !run_possible(pool, size, gfp));
}

void *model_alloc(struct model_pool *pool, u32 size, gfp_t gfp)
{
	unsigned long nested_before = nested;
	struct op outer = model_op_begin(pool, bp_class_index(&pool->sizes, size));
	void *p;

	op.alloc = true;
	op.any_age = may_trim(pool, gfp);
	switch (rnd(4)) {
	case 0:
		p = bytepool_alloc_node(pool->pool, size, gfp, rnd(6) - 2);
		break;
	case 1:
		gfp |= __GFP_ZERO;
		p = bytepool_zalloc(pool->pool, size, gfp);
		break;
	default:
		p = bytepool_alloc(pool->pool, size, gfp);
	}
	pool->stats.misses += op.born;
	check_limit();
	if (p)
		block_got(p, size, gfp);
	else
		check_failure(gfp, nested_before);
	op = outer;
	return p;
}

void model_free(struct block *block)
{
	struct model_pool *pool = block->run->pool;
	u32 index = bp_class_index(&pool->sizes, block->run->size);
	struct bp_class *class = pool->pool->class[index];
	struct op outer = model_op_begin(pool, 0);
	unsigned long nested_before = nested;
	/* The call that this one interrupts may have made it short just now. */
	bool is_short = !depth && class_is_short(class);
	u32 cached = class_cached(class, false);

	bytepool_free(pool->pool, block_leaves(block));
	if (is_short && nested == nested_before)
		CHECK(class_cached(class, false) <= cached);
	op = outer;
}

/*
 * A bulk allocation that failed counts the blocks that it had taken as allocated and as freed.
 * @blocks still has them.
 */
static void bulk_failed(struct model_pool *pool, gfp_t gfp, void **blocks, bool alone)
{
	struct bytepool_stats now = test_stats(pool->pool);
	u64 partly = now.frees - pool->stats.frees;
	u32 i;

	for (i = 0; i < BULK_MAX && blocks[i]; i++) {
		struct block *block = model_block_at(blocks[i]);

		CHECK(block && !block->in_use);
		block_looked_at(block);
		block->freed = jiffies;
	}
	CHECK(partly == i && now.allocs == pool->stats.allocs + partly);
	pool->stats.frees += partly;
	pool->stats.allocs += partly;
	pool->stats.misses = now.misses;
	/* The blocks that it gave back are idle now, so do not check that none was idle. */
	check_failure(gfp, alone && !partly ? nested : nested - 1);
}

void model_alloc_bulk(struct model_pool *pool, u32 size, gfp_t gfp, u32 nr)
{
	unsigned long nested_before = nested;
	struct op outer = model_op_begin(pool, bp_class_index(&pool->sizes, size));
	struct class_state *class = &pool->class[op.class];
	void *blocks[BULK_MAX] = {};
	unsigned int got, i;

	op.alloc = true;
	op.any_age = may_trim(pool, gfp);
	/*
	 * Do not let it wait, because the model cannot tell how often it tries. stress/wait.c
	 * has tests of that.
	 */
	if (gfpflags_allow_blocking(gfp) && class->reserve) {
		model_calm();
		if (class->in_use < class->reserve)
			nr = min(nr, class->reserve - class->in_use);
		else
			gfp = GFP_NOWAIT;
	}
	/* If it fails halfway, the model cannot tell what events did meanwhile. */
	if (may_be_short(pool))
		model_calm();
	got = bytepool_alloc_bulk(pool->pool, size, gfp, nr, blocks);
	CHECK(got == nr || !got);
	check_limit();
	if (got)
		pool->stats.misses += op.born;
	else
		bulk_failed(pool, gfp, blocks, nested == nested_before);
	for (i = 0; i < got; i++)
		block_got(blocks[i], size, gfp);
	op = outer;
}

void model_free_bulk(struct model_pool *pool, u32 nr)
{
	struct op outer = model_op_begin(pool, 0);
	void *blocks[BULK_MAX];
	u32 i;

	for (i = 0; i < nr; i++) {
		blocks[i] = NULL;
		if (pool->nr_in_use && rnd(8))
			blocks[i] = block_leaves(pool->in_use[rnd(pool->nr_in_use)]);
	}
	bytepool_free_bulk(pool->pool, nr, blocks);
	op = outer;
}

void model_usable_size(struct block *block)
{
	struct run *run = block->run;

	model_calm();
	CHECK(bytepool_usable_size(run->pool->pool, model_block_address(block)) == run->size);
	block_check(block);
}

void model_reuse(struct block *block)
{
	struct model_pool *pool = block->run->pool;
	u32 size = block->run->size;

	model_calm();
	model_free(block);
	shim_fail(SHIM_FAIL_ANY, 1, true);
	CHECK(model_alloc(pool, size, GFP_ATOMIC));
}

void calls_begin(void)
{
	op = (struct op){};
	op_ids = 0;
	marks = 0;
}
