// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test bad frees and writes to freed blocks. Each bad free is counted, and the
 * pool stays consistent.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "fixture.h"

/* Free @block and check that this counts as one bad free and changes nothing else. */
static void refused(struct kunit *test, struct bytepool *pool, const void *block, const char *what)
{
	struct bytepool_stats before = bk_stats(pool);
	struct bytepool_stats after;

	bk_expecting_warning(bytepool_free(pool, block));
	after = bk_stats(pool);
	KUNIT_EXPECT_EQ_MSG(test, after.bad_frees, before.bad_frees + 1, "%s", what);
	before.bad_frees++;
	before.gc_runs = after.gc_runs;
	KUNIT_EXPECT_EQ_MSG(test, memcmp(&before, &after, sizeof(before)), 0, "%s", what);
}

struct bad_case {
	const char *name;
	size_t size;
	unsigned int flags;
};

static const struct bad_case bad_cases[] = {
	{ "8 bytes", 8, 0 },
	{ "64 bytes", 64, 0 },
	{ "104 bytes", 104, 0 },
	{ "a page", 4096, 0 },
	{ "5120 bytes", 5120, 0 },
	{ "64 KiB", SZ_64K, 0 },
	{ "4 MiB", SZ_4M, 0 },
	{ "64 bytes, wiped", 64, BYTEPOOL_WIPE },
	{ "64 bytes, single", 64, BYTEPOOL_SINGLE },
	{ "64 KiB, single", SZ_64K, BYTEPOOL_SINGLE },
	{ "64 KiB, contiguous", SZ_64K, BYTEPOOL_CONTIG },
};

static void bad_desc(const struct bad_case *bad_case, char *desc)
{
	strscpy(desc, bad_case->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bad, bad_cases, bad_desc);

static unsigned int some(size_t size)
{
	return clamp_t(size_t, SZ_4M / size, 2, 300);
}

static void never_given_out(struct kunit *test)
{
	const struct bad_case *bad_case = test->param_value;
	struct bytepool *pool = bk_pool_fixed(test, bad_case->size, bad_case->flags);
	void *block = bytepool_alloc(pool, 1, GFP_KERNEL);
	void *slab = kmalloc(256, GFP_KERNEL);
	void *mapped = vmalloc(PAGE_SIZE);
	long local = 1;

	KUNIT_ASSERT_NOT_NULL(test, block);
	refused(test, pool, slab, "kmalloc");
	refused(test, pool, mapped, "vmalloc");
	refused(test, pool, &local, "stack");
	refused(test, pool, test, "test");
	refused(test, pool, pool, "pool");
	refused(test, pool, bad_cases, "data");
	refused(test, pool, never_given_out, "text");
	refused(test, pool, (void *)1, "1");
	refused(test, pool, (void *)8, "8");
	refused(test, pool, (void *)PAGE_SIZE, "page 1");
	refused(test, pool, (void *)-1UL, "-1");
	refused(test, pool, (void *)(PAGE_MASK), "last page");
	refused(test, pool, ERR_PTR(-ENOMEM), "ERR_PTR");
	refused(test, pool, (void *)(1UL << (BITS_PER_LONG - 1)), "top bit");
	KUNIT_EXPECT_EQ(test, local, 1);
	bytepool_free(pool, block);
	kfree(slab);
	vfree(mapped);
	bk_check_sound(test, pool, bad_case->size, some(bad_case->size));
}

static void inside_a_block(struct kunit *test)
{
	const struct bad_case *bad_case = test->param_value;
	struct bytepool *pool = bk_pool_fixed(test, bad_case->size, bad_case->flags);
	void *block = bytepool_alloc(pool, 1, GFP_KERNEL);
	size_t step = max_t(size_t, bad_case->size / 13, 1);
	size_t offset;

	KUNIT_ASSERT_NOT_NULL(test, block);
	bk_fill(block, bad_case->size, 1);
	for (offset = 1; offset < bad_case->size; offset += step)
		refused(test, pool, block + offset, "inside");
	for (offset = PAGE_SIZE; offset < bad_case->size; offset *= 2)
		refused(test, pool, block + offset, "page boundary inside");
	refused(test, pool, block + bad_case->size - 1, "last byte");
	KUNIT_EXPECT_TRUE(test, bk_filled(block, bad_case->size, 1));
	KUNIT_EXPECT_EQ(test, bytepool_usable_size(pool, block), bad_case->size);
	bytepool_free(pool, block);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).blocks_in_use, 0);
	bk_check_sound(test, pool, bad_case->size, some(bad_case->size));
}

/* Free a block again: at once, after other frees, and after a trim. */
static void freed_already(struct kunit *test)
{
	const struct bad_case *bad_case = test->param_value;
	struct bytepool *pool = bk_pool_fixed(test, bad_case->size, bad_case->flags);
	unsigned int nr = some(bad_case->size);
	void **blocks = bk_array(test, nr);
	unsigned int i;

	bk_alloc_many(test, pool, bad_case->size, nr, blocks);
	bytepool_free(pool, blocks[0]);
	refused(test, pool, blocks[0], "second free");
	refused(test, pool, blocks[0], "third free");
	bk_free_many(pool, nr - 1, blocks + 1);
	bk_expect_warning_begin();
	bk_free_many(pool, nr, blocks);
	bk_expect_warning_end();
	KUNIT_EXPECT_EQ(test, bk_stats(pool).bad_frees, nr + 2);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).frees, nr);
	bk_check_sound(test, pool, bad_case->size, nr);
	bytepool_trim(pool);
	KUNIT_EXPECT_EQ(test, bytepool_size(pool), 0);
	for (i = 0; i < nr; i += nr / 2)
		refused(test, pool, blocks[i], "given back to the system");
	bk_check_sound(test, pool, bad_case->size, nr);
}

static void not_handed_out_yet(struct kunit *test)
{
	const struct bad_case *bad_case = test->param_value;
	struct bytepool *pool = bk_pool_fixed(test, bad_case->size, bad_case->flags);
	void *page = bytepool_alloc(pool, 1, GFP_KERNEL);
	size_t held = bytepool_size(pool);
	size_t offset;

	KUNIT_ASSERT_NOT_NULL(test, page);
	/*
	 * Free the other addresses of the slab, including the tail beyond the
	 * last block. A slab starts on a page boundary.
	 */
	page = (void *)((unsigned long)page & PAGE_MASK);
	for (offset = 0; offset < min_t(size_t, held, SZ_32K); offset += 8) {
		if (bytepool_usable_size(pool, page + offset))
			continue;
		if (offset % 1000 == 0 || offset + 8 == held)
			refused(test, pool, page + offset, "rest of the slab");
	}
	refused(test, pool, page + held, "past the end of the slab");
	KUNIT_EXPECT_EQ(test, bk_stats(pool).blocks_in_use, 1);
	for (offset = 0; offset < held; offset += 8)
		if (bytepool_usable_size(pool, page + offset))
			bytepool_free(pool, page + offset);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).blocks_in_use, 0);
	bk_check_sound(test, pool, bad_case->size, some(bad_case->size));
}

static void of_another_pool(struct kunit *test)
{
	const struct bad_case *bad_case = test->param_value;
	struct bytepool *pool = bk_pool_fixed(test, bad_case->size, bad_case->flags);
	struct bytepool *other = bk_pool_fixed(test, bad_case->size, bad_case->flags);
	void *block = bytepool_alloc(pool, 1, GFP_KERNEL);
	void *gone;

	KUNIT_ASSERT_NOT_NULL(test, block);
	bk_fill(block, bad_case->size, 1);
	refused(test, other, block, "block of another pool");
	bk_expecting_warning(bytepool_free(bytepool_system, block));
	KUNIT_EXPECT_TRUE(test, bk_filled(block, bad_case->size, 1));
	KUNIT_EXPECT_EQ(test, bk_stats(pool).blocks_in_use, 1);
	bytepool_free(pool, block);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).bad_frees, 0);

	gone = bytepool_alloc(other, 1, GFP_KERNEL);
	bytepool_free(other, gone);
	bk_pool_destroy(test, other);
	refused(test, pool, gone, "block of a destroyed pool");
	bk_check_sound(test, pool, bad_case->size, some(bad_case->size));
}

static void in_bulk(struct kunit *test)
{
	const struct bad_case *bad_case = test->param_value;
	struct bytepool *pool = bk_pool_fixed(test, bad_case->size, bad_case->flags);
	void *blocks[6] = {};
	int local;

	bk_alloc_many(test, pool, bad_case->size, 2, blocks);
	/*
	 * The array has a duplicate, a stack address, an address inside a
	 * block, and valid blocks.
	 */
	blocks[2] = blocks[0];
	blocks[3] = &local;
	blocks[4] = blocks[1] + 1;
	bk_expecting_warning(bytepool_free_bulk(pool, 6, blocks));
	KUNIT_EXPECT_EQ(test, bk_stats(pool).bad_frees, 3);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).frees, 2);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).blocks_in_use, 0);
	bk_check_sound(test, pool, bad_case->size, some(bad_case->size));
}

/*
 * Each kind of bad free prints a stack trace once per pool. Ten thousand more
 * bad frees do not flood the log.
 */
static void is_told_once(struct kunit *test)
{
	struct bk_log *log = bk_log_start(test);
	struct bytepool *pool = bk_pool_fixed(test, 64, 0);
	const char *name = bk_pool_name(test, pool);
	void *block = bytepool_alloc(pool, 64, GFP_KERNEL);
	unsigned int i, lines;

	KUNIT_ASSERT_NOT_NULL(test, block);
	bk_log_next(log);
	refused(test, pool, block + 1, "inside");
	KUNIT_EXPECT_EQ(test, bk_log_count(log, "WARNING:", ""), 1);
	refused(test, pool, &i, "stack");
	KUNIT_EXPECT_EQ(test, bk_log_count(log, "WARNING:", ""), 1);
	bytepool_free(pool, block);
	refused(test, pool, block, "freed already");
	KUNIT_EXPECT_EQ(test, bk_log_count(log, "WARNING:", ""), 1);
	refused(test, pool, block, "freed already");
	KUNIT_EXPECT_EQ(test, bk_log_count(log, "WARNING:", ""), 0);
	bk_expect_warning_begin();
	for (i = 0; i < 10000; i++)
		bytepool_free(pool, block);
	bk_expect_warning_end();
	lines = bk_log_count(log, name, "");
	KUNIT_EXPECT_LE(test, lines, 100);
	KUNIT_EXPECT_EQ(test, bk_stats(pool).bad_frees, 10004);

	/* Another pool reports its own bad frees. */
	pool = bk_pool_fixed(test, 64, 0);
	bk_log_next(log);
	refused(test, pool, &i, "stack");
	KUNIT_EXPECT_EQ(test, bk_log_count(log, bk_pool_name(test, pool), ""), 1);
}

struct racer {
	struct bytepool *pool;
	void **blocks;
	unsigned int nr;
	atomic_t *ready;
	struct completion done;
};

static int race(void *arg)
{
	struct racer *racer = arg;
	unsigned int i;

	atomic_dec(racer->ready);
	while (atomic_read(racer->ready) > 0)
		cond_resched();
	for (i = 0; i < racer->nr; i++)
		bytepool_free(racer->pool, racer->blocks[i]);
	complete(&racer->done);
	return 0;
}

/* If two CPUs free the same block at the same time, one succeeds and one is refused. */
static void by_two_cpus_at_once(struct kunit *test)
{
	struct bytepool *pool = bk_pool_fixed(test, 64, 0);
	void **blocks = bk_array(test, 1000);
	struct racer racers[2];
	unsigned int i, round;
	atomic_t ready;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
	for (round = 1; round <= 20; round++) {
		bk_alloc_many(test, pool, 64, 1000, blocks);
		atomic_set(&ready, 2);
		bk_expect_warning_begin();
		for (i = 0; i < 2; i++) {
			racers[i] = (struct racer){
				.pool = pool, .blocks = blocks, .nr = 1000, .ready = &ready,
			};
			init_completion(&racers[i].done);
			kthread_run(race, &racers[i], "bytepool-kunit/%u", i);
		}
		for (i = 0; i < 2; i++)
			wait_for_completion(&racers[i].done);
		bk_expect_warning_end();
		KUNIT_EXPECT_EQ(test, bk_stats(pool).frees, 1000 * round);
		KUNIT_EXPECT_EQ(test, bk_stats(pool).bad_frees, 1000 * round);
	}
	bk_check_sound(test, pool, 64, 3000);
}

/*
 * Writes to a freed block.
 *
 * The pool keeps a link in the first bytes of an idle block. A write to them
 * may lose that block, but must do no other harm. With KASAN there are no
 * links, and KASAN reports the write.
 */

static void needs_links(struct kunit *test)
{
	if (IS_ENABLED(CONFIG_KASAN_GENERIC))
		kunit_skip(test, "needs a kernel without KASAN");
}

/* Few blocks fit in a slab, so that every value of a link is soon tried in each. */
#define LINKED_SIZE	(PAGE_SIZE / 8)

static void check_write_after_free(struct kunit *test, struct bytepool *pool, void **blocks,
				   unsigned int nr, unsigned int victim, u16 value)
{
	unsigned int i;

	bk_free_many(pool, nr, blocks);
	*(u16 *)blocks[victim] = value;
	for (i = 0; i < nr; i++) {
		blocks[i] = bytepool_alloc(pool, LINKED_SIZE, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, blocks[i]);
		*(unsigned long *)blocks[i] = i;
		*(unsigned long *)(blocks[i] + LINKED_SIZE - 8) = i;
	}
	for (i = 0; i < nr; i++) {
		KUNIT_ASSERT_EQ(test, bytepool_usable_size(pool, blocks[i]), LINKED_SIZE);
		KUNIT_ASSERT_EQ(test, *(unsigned long *)blocks[i], i);
		KUNIT_ASSERT_EQ(test, *(unsigned long *)(blocks[i] + LINKED_SIZE - 8), i);
	}
}

/* A BYTEPOOL_TRACK pool has no caches and no magazines, so idle blocks are in their slabs. */
static void every_link(struct kunit *test)
{
	struct bytepool *pool = bk_pool_fixed(test, LINKED_SIZE, BYTEPOOL_TRACK);
	unsigned int nr = PAGE_SIZE / LINKED_SIZE + 2;
	void **blocks = bk_array(test, nr);
	unsigned int value;

	needs_links(test);
	bk_alloc_many(test, pool, LINKED_SIZE, nr, blocks);
	bk_expect_warning_begin();
	for (value = 0; value <= U16_MAX; value++)
		check_write_after_free(test, pool, blocks, nr, value % 7 * nr / 7, value);
	bk_expect_warning_end();
	bk_free_many(pool, nr, blocks);
	bk_check_sound(test, pool, LINKED_SIZE, 100);
	KUNIT_EXPECT_LE(test, bytepool_size(pool), 2048 * LINKED_SIZE);
}

/* Overwrite all blocks entirely, wherever they are idle. */
static void every_byte(struct kunit *test)
{
	static const u8 patterns[] = { 0x00, 0x01, 0x07, 0x55, 0x6b, 0xa5, 0xff };
	static const size_t sizes[] = { 8, 24, 64, 1000, 5120 };
	static const unsigned int flags[] = { 0, BYTEPOOL_SINGLE, BYTEPOOL_WIPE };
	void **blocks = bk_array(test, 400);
	unsigned int i, j, k, f;

	needs_links(test);
	for (f = 0; f < ARRAY_SIZE(flags); f++) {
		struct bytepool *pool = bk_pool(test, &(struct bytepool_params){
			.max_size = SZ_64K, .flags = flags[f],
		});

		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			for (j = 0; j < ARRAY_SIZE(patterns); j++) {
				bk_alloc_many(test, pool, sizes[i], 400, blocks);
				bk_free_many(pool, 400, blocks);
				for (k = 0; k < 400; k++)
					memset(blocks[k], patterns[j], sizes[i]);
				bk_expect_warning_begin();
				bk_check_sound(test, pool, sizes[i], 500);
				bk_expect_warning_end();
			}
			bk_expecting_warning(bytepool_trim(pool));
		}
	}
}

static struct kunit_case bad_free_cases[] = {
	KUNIT_CASE_PARAM(never_given_out, bad_gen_params),
	KUNIT_CASE_PARAM(inside_a_block, bad_gen_params),
	KUNIT_CASE_PARAM(freed_already, bad_gen_params),
	KUNIT_CASE_PARAM(not_handed_out_yet, bad_gen_params),
	KUNIT_CASE_PARAM(of_another_pool, bad_gen_params),
	KUNIT_CASE_PARAM(in_bulk, bad_gen_params),
	KUNIT_CASE(is_told_once),
	KUNIT_CASE(by_two_cpus_at_once),
	KUNIT_CASE(every_link),
	KUNIT_CASE(every_byte),
	{}
};

BK_SUITE(bad_free, bad_free_cases);
