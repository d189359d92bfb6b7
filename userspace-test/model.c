// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of every kind, compared with a model; interrupts and other CPUs step in
 * between any two instructions that the shim sees.
 */
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

#define RUN_BUCKETS	4096
#define NEST_MAX	2

struct model_pool pools[POOLS];
static struct cds_list_head buckets[RUN_BUCKETS];
struct op op;
static unsigned long op_ids;
static unsigned int depth;
static unsigned long nested;
unsigned int global_timeout_ms;
unsigned int interval_ms;
unsigned long global_changed;
unsigned long expected_warnings;
unsigned long step;
static u64 marks;

void model_check(bool ok, const char *what, int line)
{
	if (!ok)
		shim_die("no: line %d, step %lu, pool %s expected %s; last message: %s", line, step,
			 op.pool ? op.pool->name : "?", what, shim_last_message());
}

/* Runs of memory */

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
	return bytepool_slab_blocks(run->bytes, run->size);
}

static struct class_state *run_class(const struct run *run)
{
	return &run->pool->class[bytepool_class_index(&run->pool->sizes, run->size)];
}

struct block *model_block_at(const char *p)
{
	char *page = (char *)((unsigned long)p & PAGE_MASK);
	unsigned int i;

	for (i = 0; i <= BYTEPOOL_SLAB_PAGES; i++, page -= PAGE_SIZE) {
		struct run *run = run_at(page);

		if (run)
			return (p - run->base) % run->size ||
			       (p - run->base) / run->size >= model_run_blocks(run) ? NULL :
			       &run->block[(p - run->base) / run->size];
	}
	return NULL;
}

void *model_block_address(const struct block *block)
{
	return block->run->base + (block - block->run->block) * (size_t)block->run->size;
}

/* The pool looks at a block that is handed out, or whose memory goes back. */
static void block_looked_at(struct block *block)
{
	block->run->pool->overwritten += block->overwritten;
	block->overwritten = false;
}

static void run_born(void *base, unsigned long bytes, bool mapped)
{
	u32 size = bytepool_class_size(&op.pool->sizes, op.class);
	struct run *run = calloc(1, sizeof(*run) + bytes / size * sizeof(run->block[0]));
	u32 i;

	CHECK(op.pool && !(mapped && op.pool->flags & BYTEPOOL_CONTIG));
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

static unsigned long pool_timeout_jiffies(const struct model_pool *pool)
{
	unsigned int ms = pool->timeout_ms ?: global_timeout_ms ?: BYTEPOOL_TIMEOUT_NEVER;

	return ms == BYTEPOOL_TIMEOUT_NEVER ? MAX_JIFFY_OFFSET : ((u64)ms * HZ + 999) / 1000;
}

static unsigned long run_youngest(const struct run *run)
{
	unsigned long youngest = run->born;
	u32 i;

	for (i = 0; i < model_run_blocks(run); i++) {
		if (time_after(run->block[i].freed, youngest))
			youngest = run->block[i].freed;
	}
	return youngest;
}

/* The surplus of pages asked for in powers of two. */
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

static void run_gone(void *base, unsigned long bytes)
{
	struct run *run = run_at(base);
	struct model_pool *pool;
	struct class_state *class;
	bool stillborn;
	u32 i;

	if (!run && bytes == PAGE_SIZE && run_trimmed(base))
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

/* Calls */

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

static void block_check(struct block *block)
{
	u32 last = block->run->size / 4 - 1;

	CHECK(*word(block, last) == (u32)~block->mark);
	CHECK(*word(block, last / 2) == (u32)block->mark);
	CHECK(last / 2 == 0 || *word(block, 0) == (u32)block->mark);
}

static bool block_zero(const struct block *block)
{
	size_t size = block->run->size;
	u8 *p = model_block_address(block);

	if (size <= 4 * PAGE_SIZE)
		return bytes_are(p, 0, size);
	return bytes_are(p, 0, PAGE_SIZE) && bytes_are(p + size - PAGE_SIZE, 0, PAGE_SIZE) &&
	       bytes_are(p + (size / 2 & PAGE_MASK), 0, 64);
}

/* A block came out of the pool. */
static void block_got(void *p, gfp_t gfp)
{
	struct block *block = model_block_at(p);
	struct model_pool *pool;

	CHECK(block && !block->in_use);
	pool = block->run->pool;
	CHECK(pool == op.pool && run_class(block->run) == &pool->class[op.class]);
	CHECK((unsigned long)p % min_t(u32, block->run->size & -block->run->size, PAGE_SIZE) == 0);
	if (gfp & __GFP_ZERO || (pool->flags & BYTEPOOL_WIPE && block->used_before))
		CHECK(block_zero(block));
	block_looked_at(block);
	block->in_use = true;
	block->used_before = true;
	block->run->nr_in_use++;
	run_class(block->run)->in_use++;
	block->slot = pool->nr_in_use;
	pool->in_use[pool->nr_in_use++] = block;
	pool->stats.allocs++;
	pool->stats.blocks_in_use++;
	pool->stats.bytes_in_use += block->run->size;
	block_mark(block);
}

/* A block is about to go back. */
static void *block_leaves(struct block *block)
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

gfp_t model_random_gfp(bool atomic)
{
	static const gfp_t sleeping[] = {
		GFP_KERNEL, GFP_NOFS, GFP_NOIO, GFP_KERNEL | __GFP_NORETRY, GFP_KERNEL_ACCOUNT,
	};
	gfp_t gfp = rnd(2) ? GFP_ATOMIC : GFP_NOWAIT;

	if (!atomic && rnd(4))
		gfp = sleeping[rnd(5)];
	if (!rnd(4))
		gfp |= __GFP_ZERO;
	if (!rnd(8))
		gfp |= __GFP_NOWARN;
	return gfp;
}

/* Mostly small, as likely in each octave. */
u32 model_random_size(const struct model_pool *pool)
{
	u32 bits = min(fls(pool->sizes.max), 24);
	u32 size = rnd(rnd(4) ? 1 << (1 + rnd(bits)) : 1 << (1 + rnd(min(bits, 10U)))) + 1;

	return min(size, pool->sizes.max);
}

/* Idle memory of a class that nothing but the reserve keeps. */
static struct run *run_reclaimable(const struct model_pool *pool)
{
	struct run *run;

	list_for_each_entry(run, &pool->runs, list) {
		const struct class_state *class = run_class(run);
		u32 most = bytepool_slab_blocks(bytepool_slab_bytes(run->size), run->size);

		if (!run->nr_in_use && class->blocks >= class->reserve + most)
			return run;
	}
	return NULL;
}

/* What an interrupted allocation is about to trim is held by the model alone. */
static void check_limit(void)
{
	CHECK(depth || !op.born || !op.pool->limit || op.pool->held <= op.pool->limit);
}

void model_calm(void)
{
	shim_countdown = 0;
	shim_irq_restore(shim_irq_save());
}

/* More than the page allocator has in a row has to be mapped, which may sleep. */
static bool run_possible(const struct model_pool *pool, u32 size, gfp_t gfp)
{
	return size <= PAGE_SIZE << 10 ||
	       (gfpflags_allow_blocking(gfp) && !(pool->flags & BYTEPOOL_CONTIG));
}

/* An allocation failed: was there a reason? */
static void check_failure(gfp_t gfp, unsigned long nested_before)
{
	struct model_pool *pool = op.pool;
	struct class_state *class = &pool->class[op.class];
	u32 size = bytepool_class_size(&pool->sizes, op.class);
	bool alone = nested == nested_before && !depth;

	pool->stats.failures++;
	/* One node may be full. */
	if (gfp & __GFP_THISNODE)
		return;
	/* Who waits for a reserve does not fail; in a pool of one owner, nobody else would free. */
	CHECK(!(class->reserve && gfpflags_allow_blocking(gfp)) || pool->flags & BYTEPOOL_SINGLE);
	if (alone)
		CHECK(!class->reserve || class->in_use == class->blocks);
	if (shim_failed() || (IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible()))
		return;
	if (!run_possible(pool, size, gfp))
		return;
	CHECK(pool->limit);
	if (alone)
		CHECK(pool->held + PAGE_ALIGN(size) > pool->limit);
	/* No room would do for more than the limit. */
	if (alone && gfpflags_allow_blocking(gfp) && PAGE_ALIGN(size) <= pool->limit)
		CHECK(!run_reclaimable(pool));
}

static bool may_be_short(const struct model_pool *pool)
{
	return pool->limit || shim_failing() || shim_full_node != NUMA_NO_NODE ||
	       shim_bare_node != NUMA_NO_NODE;
}

/* Whether an allocation may have to make room first. */
static bool may_trim(const struct model_pool *pool, gfp_t gfp)
{
	bool short_of_memory = may_be_short(pool) || gfp & __GFP_THISNODE;
	u32 size = bytepool_class_size(&pool->sizes, op.class);

	return gfpflags_allow_blocking(gfp) &&
	       (short_of_memory || !run_possible(pool, size, gfp));
}

void *model_alloc(struct model_pool *pool, u32 size, gfp_t gfp)
{
	unsigned long nested_before = nested;
	struct op outer = model_op_begin(pool, bytepool_class_index(&pool->sizes, size));
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
		block_got(p, gfp);
	else
		check_failure(gfp, nested_before);
	op = outer;
	return p;
}

void model_free(struct block *block)
{
	struct model_pool *pool = block->run->pool;
	struct op outer = model_op_begin(pool, 0);

	bytepool_free(pool->pool, block_leaves(block));
	op = outer;
}

/* What it had taken before it failed counts, and as given back; @blocks still tells of it. */
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
		block->used_before = true;
	}
	CHECK(partly == i && now.allocs == pool->stats.allocs + partly);
	pool->stats.frees += partly;
	pool->stats.allocs += partly;
	pool->stats.misses = now.misses;
	/* With what it gave back, it may look as if it could have had more. */
	check_failure(gfp, alone && !partly ? nested : nested - 1);
}

void model_alloc_bulk(struct model_pool *pool, u32 size, gfp_t gfp, u32 nr)
{
	unsigned long nested_before = nested;
	struct op outer = model_op_begin(pool, bytepool_class_index(&pool->sizes, size));
	struct class_state *class = &pool->class[op.class];
	void *blocks[BULK_MAX] = {};
	unsigned int got, i;

	op.alloc = true;
	op.any_age = may_trim(pool, gfp);
	/* Nor, were it to wait, how often it tried: stress.c has those. */
	if (gfpflags_allow_blocking(gfp) && class->reserve) {
		model_calm();
		if (class->in_use < class->reserve)
			nr = min(nr, class->reserve - class->in_use);
		else
			gfp = GFP_NOWAIT;
	}
	/* Were it to fail halfway, nobody could tell what others did meanwhile. */
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
		block_got(blocks[i], gfp);
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

/* Steps */

struct block *model_random_in_use(struct model_pool *pool)
{
	return pool->nr_in_use ? pool->in_use[rnd(pool->nr_in_use)] : NULL;
}

/* One that there is, or NULL if there is none. */
struct model_pool *model_random_pool(void)
{
	unsigned int first = rnd(POOLS);
	unsigned int i;

	for (i = 0; i < POOLS; i++) {
		struct model_pool *pool = &pools[(first + i) % POOLS];

		if (pool->pool)
			return pool;
	}
	return NULL;
}

bool model_full(const struct model_pool *pool)
{
	unsigned long held = 0;
	unsigned int i;

	for (i = 0; i < POOLS; i++)
		held += pools[i].held;
	return pool->nr_in_use >= IN_USE_MAX || held > HELD_MAX;
}

void model_alloc_or_free(struct model_pool *pool, bool atomic)
{
	bool full = model_full(pool);
	u32 size = model_random_size(pool);

	if (full || (rnd(2) && pool->nr_in_use)) {
		struct block *block = model_random_in_use(pool);

		if (block)
			model_free(block);
		return;
	}
	model_alloc(pool, size, model_random_gfp(atomic));
}

/* What an interrupt or another CPU does: nothing that sleeps. */
static void step_nested(void)
{
	struct model_pool *pool = model_random_pool();
	unsigned int outer = shim_countdown;

	if (!pool || pool->flags & BYTEPOOL_SINGLE)
		return;
	depth++;
	nested++;
	shim_countdown = depth < NEST_MAX && !rnd(4) ? 1 + rnd(20) : 0;
	model_alloc_or_free(pool, true);
	if (!rnd(8))
		test_stats(pool->pool);
	shim_countdown = outer;
	depth--;
}

static void on_hardirq(void)
{
	step_nested();
	if (!rnd(3))
		shim_raise_softirq();
}

static void on_point(void)
{
	if (rnd(2))
		shim_interrupt();
	else
		shim_cpu_run_other(rnd(CPUS), step_nested);
	if (!rnd(2) && depth < NEST_MAX)
		shim_countdown = 1 + rnd(20);
}

static void on_grace(void)
{
	while (rnd(3) && depth < NEST_MAX)
		shim_cpu_run_other(rnd(CPUS), step_nested);
}

static struct model_pool *waiting_pool;
static u32 waiting_class;
static unsigned int waits;

static void free_one_waited_for(void)
{
	struct model_pool *pool = waiting_pool;
	unsigned int i;

	for (i = 0; i < pool->nr_in_use; i++) {
		if (run_class(pool->in_use[i]->run) == &pool->class[waiting_class]) {
			model_free(pool->in_use[i]);
			return;
		}
	}
}

/* Somebody waits: another CPU helps, sometimes later. */
static void on_wait(void)
{
	waiting_pool = op.pool;
	waiting_class = op.class;
	CHECK(++waits < 2000);
	nested++;
	if (rnd(2))
		shim_cpu_run_other((raw_smp_processor_id() + 1) % CPUS, free_one_waited_for);
}

static void check_gone_by_age(struct model_pool *pool, unsigned long grace)
{
	unsigned long changed = time_after(global_changed, pool->changed) ? global_changed :
									      pool->changed;
	unsigned long timeout = pool_timeout_jiffies(pool);
	struct run *run;

	if (timeout == MAX_JIFFY_OFFSET)
		return;
	list_for_each_entry(run, &pool->runs, list) {
		const struct class_state *class = run_class(run);
		u32 most = bytepool_slab_blocks(bytepool_slab_bytes(run->size), run->size);
		unsigned long due = run_youngest(run) + timeout;

		if (run->nr_in_use || class->blocks < class->reserve + most)
			continue;
		if (grace && time_before(due, changed))
			due = changed;
		/* What a reserve kept is above it once another node has got a slab. */
		if (grace && class->reserve && time_before(due, class->grown))
			due = class->grown;
		CHECK(!time_after(jiffies, due + grace));
	}
}

void model_gc(struct model_pool *pool)
{
	struct op outer = model_op_begin(pool, 0);
	u64 before = pool->stats.reclaimed_blocks;
	unsigned long nested_before = nested;
	unsigned long blocks;
	size_t held;

	blocks = bytepool_gc(pool->pool, &held);
	CHECK(blocks == pool->stats.reclaimed_blocks - before);
	CHECK(held == pool->held || nested != nested_before);
	if (nested == nested_before)
		check_gone_by_age(pool, 0);
	op = outer;
}

void model_trim(struct model_pool *pool)
{
	struct op outer = model_op_begin(pool, 0);
	u64 before = pool->stats.reclaimed_blocks;
	unsigned long nested_before = nested;

	op.any_age = true;
	CHECK(bytepool_trim(pool->pool) == pool->stats.reclaimed_blocks - before);
	if (nested == nested_before)
		CHECK(!run_reclaimable(pool));
	op = outer;
}

void model_shrink(unsigned long pages)
{
	struct op outer = model_op_begin(NULL, 0);
	unsigned long nested_before = nested;
	unsigned long counted = shim_shrink_count();
	unsigned long freed = 0, more;

	op.any_age = true;
	do {
		more = shim_shrink(pages);
		freed += more;
	} while (more && freed < counted);
	if (nested == nested_before)
		CHECK(freed >= counted);
	op = outer;
}

void model_cpu_dies(void)
{
	int self = raw_smp_processor_id();

	shim_cpu_die((self + 1 + rnd(CPUS - 1)) % CPUS);
}

ssize_t model_write(const char *path, unsigned long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu\n", value);
	return shim_sysfs_write(path, text);
}

ssize_t model_write_pool(struct model_pool *pool, const char *file, unsigned long value)
{
	char path[128];

	snprintf(path, sizeof(path), "bytepool/pools/%s/%s", pool->name, file);
	return model_write(path, value);
}

static void check_sysfs_stat(struct model_pool *pool, const char *name, u64 value)
{
	char path[128], text[4096];

	snprintf(path, sizeof(path), "bytepool/pools/%s/stats/%s", pool->name, name);
	CHECK(shim_sysfs_read(path, text) > 0);
	CHECK(strtoull(text, NULL, 10) == value);
}

/* A pool with BYTEPOOL_POISON tells of each block that was written to, until it is too much. */
static void check_reports(const struct model_pool *pool)
{
	CHECK(!(pool->flags & BYTEPOOL_POISON) ||
	      pool->reports == min(pool->overwritten, (unsigned int)DEFAULT_RATELIMIT_BURST));
}

static void on_message(const char *message)
{
	size_t prefix = strlen(KBUILD_MODNAME ": ");
	const char *end = strstr(message, ": a free block of ");
	unsigned int i;

	for (i = 0; i < POOLS && end; i++) {
		size_t len = strlen(pools[i].name);

		if (end == message + prefix + len && !strncmp(message + prefix, pools[i].name, len))
			pools[i].reports++;
	}
}

void model_check_stats(struct model_pool *pool)
{
	struct bytepool_stats now = test_stats(pool->pool);
	struct bytepool_stats *want = &pool->stats;
	u64 blocks = 0, bytes = 0;
	struct run *run;

	op.pool = pool;
	list_for_each_entry(run, &pool->runs, list) {
		blocks += model_run_blocks(run);
		bytes += (u64)model_run_blocks(run) * run->size;
	}
	CHECK(now.bytes_held == pool->held && bytepool_size(pool->pool) == pool->held);
	CHECK(now.blocks_in_use == want->blocks_in_use);
	CHECK(now.bytes_in_use == want->bytes_in_use);
	CHECK(now.blocks_idle == blocks - want->blocks_in_use);
	CHECK(now.bytes_idle == bytes - want->bytes_in_use);
	CHECK(now.allocs == want->allocs && now.frees == want->frees);
	CHECK(now.hits + now.misses == now.allocs && now.misses == want->misses);
	CHECK(now.failures == want->failures);
	CHECK(now.bad_frees == want->bad_frees);
	check_reports(pool);
	CHECK(now.reclaimed_blocks == want->reclaimed_blocks);
	CHECK(now.reclaimed_bytes == want->reclaimed_bytes);
	if (!rnd(16))
		check_sysfs_stat(pool, "blocks_idle", now.blocks_idle);
	op.pool = NULL;
}

void model_check_all(void)
{
	unsigned long grace = 2 * msecs_to_jiffies(interval_ms);
	unsigned int i;

	for (i = 0; i < POOLS; i++) {
		if (!pools[i].pool)
			continue;
		op.pool = &pools[i];
		if (!(pools[i].flags & BYTEPOOL_SINGLE))
			check_gone_by_age(&pools[i], grace);
		model_check_stats(&pools[i]);
	}
}

int model_create(struct model_pool *pool, const char *name, const struct bytepool_params *params)
{
	struct bytepool *made = bytepool_create(name, params);

	if (IS_ERR(made))
		return PTR_ERR(made);
	memset(pool, 0, sizeof(*pool));
	INIT_LIST_HEAD(&pool->runs);
	snprintf(pool->name, sizeof(pool->name), "%s", name);
	pool->flags = params->flags;
	pool->timeout_ms = params->idle_timeout_ms;
	pool->limit = params->limit_bytes;
	bytepool_sizes_init(&pool->sizes, params->min_size ?: 8, params->max_size ?: SZ_4M,
			    params->step);
	pool->class = calloc(pool->sizes.nr, sizeof(*pool->class));
	pool->changed = jiffies;
	pool->pool = made;
	return 0;
}

/* With blocks in use, they stay their owners'. */
void model_destroy(struct model_pool *pool, bool leak)
{
	struct op outer = model_op_begin(pool, 0);
	struct run *run, *next;
	u32 i;

	while (!leak && pool->nr_in_use)
		model_free(pool->in_use[0]);
	op.any_age = true;
	for (i = 0; i < pool->sizes.nr; i++)
		pool->class[i].reserve = 0;
	model_check_stats(pool);
	op.pool = pool;
	bytepool_destroy(pool->pool);
	expected_warnings += leak;
	CHECK(leak || list_empty(&pool->runs));
	list_for_each_entry_safe(run, next, &pool->runs, list) {
		CHECK(run->nr_in_use);
		for (i = 0; i < model_run_blocks(run); i++) {
			if (run->block[i].in_use)
				block_check(&run->block[i]);
		}
		run->nr_in_use = 0;
		/* The pool did not look at what was idle there. */
		for (i = 0; i < model_run_blocks(run); i++)
			run->block[i].overwritten = false;
		shim_backing_release(run->base);
	}
	check_reports(pool);
	free(pool->class);
	memset(pool, 0, sizeof(*pool));
	op = outer;
}

static void hooks_set(void)
{
	shim_virtual_clock = true;
	shim_backing_born = run_born;
	shim_backing_gone = run_gone;
	shim_point_hook = on_point;
	shim_hardirq = on_hardirq;
	shim_softirq = step_nested;
	shim_grace_hook = on_grace;
	shim_wait_hook = on_wait;
	shim_log_hook = on_message;
}

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
	/* What is far inside of a large block may or may not be found to be of it. */
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
	block->used_before = false;
	if (block->run->pool->flags & BYTEPOOL_POISON)
		block->overwritten = memchr_inv(p, POISON_FREE, size - 1) ||
				     p[size - 1] != POISON_END;
}

void model_usable_size(struct block *block)
{
	struct run *run = block->run;

	model_calm();
	CHECK(bytepool_usable_size(run->pool->pool, model_block_address(block)) == run->size);
	block_check(block);
}

void model_reserve(struct model_pool *pool, u32 size, u32 nr)
{
	u32 index = bytepool_class_index(&pool->sizes, size);
	struct class_state *class = &pool->class[index];
	unsigned int old = class->reserve;
	struct bytepool_stats now;
	struct op outer = model_op_begin(pool, index);
	int err;

	op.any_age = true;
	class->reserve = min(old, nr);
	err = bytepool_reserve(pool->pool, size, nr, GFP_KERNEL);
	CHECK(!err || err == -ENOMEM);
	CHECK(!err || shim_failed() || pool->limit ||
	      !run_possible(pool, bytepool_class_size(&pool->sizes, index), GFP_KERNEL));
	class->reserve = err ? old : nr;
	CHECK(class->blocks >= class->reserve);
	check_limit();
	model_calm();
	/* Whether what it took and gave back had been idle meanwhile, only the pool knows. */
	now = test_stats(pool->pool);
	CHECK(err || now.reclaimed_blocks == pool->stats.reclaimed_blocks);
	pool->stats.reclaimed_blocks = now.reclaimed_blocks;
	pool->stats.reclaimed_bytes = now.reclaimed_bytes;
	pool->changed = jiffies;
	op = outer;
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

/* Each of them comes twice. */
void model_free_bulk_twice(struct model_pool *pool, u32 nr)
{
	struct op outer = model_op_begin(pool, 0);
	void *blocks[BULK_MAX];
	u32 i;

	/* Were one allocated again meanwhile, it would be freed. */
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

	model_calm();
	raced_pool = pool->pool;
	raced_block = block_leaves(block);
	races = 0;
	if (!(pool->flags & BYTEPOOL_SINGLE))
		shim_countdown = countdown;
	shim_point_hook = on_race;
	bytepool_free(raced_pool, raced_block);
	model_calm();
	shim_point_hook = on_point;
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

void model_limit(struct model_pool *pool, unsigned long limit)
{
	struct op outer = model_op_begin(pool, 0);

	op.any_age = true;
	model_calm();
	pool->limit = limit;
	CHECK(model_write_pool(pool, "limit_bytes", limit) > 0);
	op = outer;
}

void model_time(unsigned long by)
{
	struct op outer = model_op_begin(NULL, 0);

	shim_clock_advance(by);
	model_calm();
	model_check_all();
	op = outer;
}

void model_quiet(unsigned int longest_ms)
{
	shim_grace_hook = NULL;
	model_op_begin(NULL, 0);
	shim_clock_advance(msecs_to_jiffies(longest_ms) + 4 * msecs_to_jiffies(interval_ms));
	CHECK(!shim_works_pending());
	model_check_all();
	shim_grace_hook = on_grace;
	op = (struct op){};
}

void model_step(int cpu, unsigned int countdown)
{
	waits = 0;
	shim_cpu_move(cpu);
	shim_countdown = countdown;
}

void model_begin(void)
{
	unsigned int i;

	for (i = 0; i < RUN_BUCKETS; i++)
		INIT_LIST_HEAD(&buckets[i]);
	op = (struct op){};
	op_ids = 0;
	marks = 0;
	interval_ms = 100;
	global_timeout_ms = 1000;
	*shim_param_gc_interval_ms = interval_ms;
	*shim_param_idle_timeout_ms = global_timeout_ms;
	hooks_set();
}
