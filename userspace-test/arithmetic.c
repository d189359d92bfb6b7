// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of internal/: size classes, slabs, caches.
 */
#include <stdlib.h>

#include "test.h"
#include "internal/cache.h"
#include "internal/context.h"
#include "internal/memo.h"
#include "internal/size_class.h"
#include "internal/slab.h"

#define LARGEST		(8U << 20)

/* List the classes of a pool as struct bytepool_params defines them. Return their number. */
static u32 classes_list(u32 *list, u32 least, u32 largest, u32 step)
{
	u32 nr = 0, size = least, octave;

	while (size < largest) {
		list[nr++] = size;
		if (step) {
			size += step;
			continue;
		}
		/* There are four classes per doubling, at least 8 bytes apart. */
		for (octave = 32; size >= 2 * octave; )
			octave *= 2;
		size += size < 32 ? 8 : octave / 4;
		size -= size <= 32 ? size % 8 : size % (octave / 4);
	}
	list[nr++] = largest;
	return nr;
}

static void check_classes(u32 least, u32 largest, u32 step)
{
	u32 *list = calloc(LARGEST / BP_GRAIN + 1, sizeof(*list));
	u32 nr = classes_list(list, least, largest, step);
	struct bp_sizes sizes;
	u32 size, class = 0, i;
	bool ok = true;

	bp_sizes_init(&sizes, least, largest, step);
	EXPECT(sizes.nr == nr);
	for (i = 0; i < nr; i++)
		ok &= bp_class_size(&sizes, i) == list[i];
	EXPECT(ok);
	for (size = 1; size <= largest; size++) {
		class += size > list[class];
		ok &= bp_class_index(&sizes, size) == class;
	}
	EXPECT(ok);
	free(list);
}

static void test_classes(void)
{
	static const u32 pools[][3] = {
		{ 8, LARGEST, 0 }, { 8, SZ_4M, 0 }, { 16, 16, 0 }, { 64, SZ_64K, 0 },
		{ 24, 1000, 0 }, { 40, 72, 0 }, { 33 * 8, 8200, 0 }, { 8, 16, 0 },
		{ SZ_4M - 8, SZ_4M, 0 }, { 8, 102400, 8 }, { 64, 4096, 64 }, { 24, 1000, 40 },
		{ 8, 8, 8 }, { 128, 1 << 20, 4096 }, { 8, 4096, 1 << 20 }, { 8, LARGEST, 8 },
		{ 1024, LARGEST, 3 * 4096 + 8 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pools); i++)
		check_classes(pools[i][0], pools[i][1], pools[i][2]);
}

static bool slab_geometry_ok(u32 size)
{
	u32 bytes = bp_slab_bytes(size);
	u32 pages = bytes / PAGE_SIZE;
	u32 nr = bp_slab_blocks(bytes, size);
	u32 stride = bp_stride(size), shift = bp_granule_shift(size);
	u32 waste = bytes - nr * size;
	u32 more;

	if (!nr || bytes % PAGE_SIZE)
		return false;
	/* The size of a slab is computed from its blocks when it is freed. */
	if (PAGE_ALIGN((unsigned long)nr * stride) != bytes)
		return false;
	if (nr > 1 && pages > BP_SLAB_PAGES)
		return false;
	/* The waste is bounded. */
	if (size <= PAGE_SIZE && waste > bytes / 8)
		return false;
	if (bytes <= BP_SLAB_PAGES * PAGE_SIZE && waste > bytes / 5 && bytes != PAGE_ALIGN(size))
		return false;
	/* A slab of more pages wastes as much, or has a larger descriptor. */
	for (more = bytes + PAGE_SIZE; more <= BP_SLAB_PAGES * PAGE_SIZE; more += PAGE_SIZE) {
		u32 nr_more = more / stride;

		if (nr_more > nr && more >> shift <= BP_SLAB_STATES &&
		    more - nr_more * size <= more / 8)
			return false;
	}
	return true;
}

/* Each granule of the pages in which blocks start has a state, and no other address has one. */
static bool granules_ok(u32 size)
{
	u32 bytes = bp_slab_bytes(size), nr = bp_slab_blocks(bytes, size);
	u32 stride = bp_stride(size), shift = bp_granule_shift(size);
	u32 granules = bp_slab_granules(nr, stride >> shift, shift);
	u32 last = (nr - 1) * stride;

	if (stride < size || stride % (1U << shift) || (nr > 1 && stride - size > size / 32))
		return false;
	/* The class is aligned like kmalloc(), up to a page. */
	if (stride % min(1U << __ffs(size), (u32)PAGE_SIZE))
		return false;
	if (granules >= BP_NO_BLOCK || (granules > BP_SLAB_STATES && bytes > PAGE_SIZE))
		return false;
	return (unsigned long)granules << shift > last && bp_granule(last, shift) < granules &&
	       granules << shift == (last & PAGE_MASK) + PAGE_SIZE &&
	       bp_granule(last + 1, shift) >= 1U << 31;
}

static void test_slab_geometry(void)
{
	u32 size;

	for (size = BP_GRAIN; size <= LARGEST; size += BP_GRAIN) {
		if (!slab_geometry_ok(size) || !granules_ok(size))
			break;
	}
	EXPECT(size > LARGEST);
	EXPECT(slab_geometry_ok(BP_SIZE_MAX) && granules_ok(BP_SIZE_MAX));
}

#define STRIDE	3	/* granules of 8 bytes */
#define BLOCKS	9
#define GRANULES	(BLOCKS * STRIDE)

static const struct bp_class slab_class = { .stride = STRIDE, .shift = 3 };

static struct bp_slab *slab_new(void)
{
	struct bp_slab *slab = calloc(1, sizeof(*slab) + GRANULES);
	u32 granule;

	slab->base = (unsigned long)calloc(GRANULES, 8);
	slab->nr = BLOCKS;
	slab->nr_idle = BLOCKS;
	slab->first = BP_NO_BLOCK;
	slab->chained = true;
	memset(slab->state, BP_BLOCK_NONE, GRANULES);
	for (granule = 0; granule < GRANULES; granule += STRIDE)
		slab->state[granule] = BP_BLOCK_IDLE;
	return slab;
}

static void slab_free(struct bp_slab *slab)
{
	free((void *)slab->base);
	free(slab);
}

static u32 slab_take(struct bp_slab *slab)
{
	void *overwritten = NULL;
	u32 index = bp_slab_pop(slab, &slab_class, &overwritten);

	slab->state[index] = BP_BLOCK_IN_USE;
	return index;
}

/* Leave some blocks in use, some chained in any order, and some never carved. */
static void slab_shuffle(struct bp_slab *slab)
{
	u32 steps = shim_random() % 40, index;

	while (steps--) {
		index = shim_random() % BLOCKS * STRIDE;
		if (slab->state[index] == BP_BLOCK_IN_USE)
			bp_slab_push(slab, &slab_class, index, 0);
		else if (slab->nr_idle)
			slab_take(slab);
	}
}

/* Take all idle blocks. Return true if each of them comes exactly once. */
static bool slab_gives_all(struct bp_slab *slab)
{
	u32 left = slab->nr_idle, index;
	bool seen[BLOCKS] = {};
	u32 i;

	for (i = 0; i < BLOCKS; i++)
		seen[i] = slab->state[i * STRIDE] == BP_BLOCK_IN_USE;
	while (left--) {
		index = slab_take(slab);
		if (index >= GRANULES || index % STRIDE || seen[index / STRIDE])
			return false;
		seen[index / STRIDE] = true;
	}
	return !slab->nr_idle && !memchr(seen, false, BLOCKS);
}

/* Overwrite one link of a copy, take all blocks, free all, and take all again. */
static bool slab_survives(const struct bp_slab *slab, u32 index, u16 link)
{
	struct bp_slab *copy = slab_new();
	unsigned long page = copy->base;
	bool ok;
	u32 i;

	memcpy(copy, slab, sizeof(*copy) + GRANULES);
	copy->base = page;
	memcpy((void *)page, (void *)slab->base, GRANULES * 8);
	*(u16 *)bp_slab_block(copy, &slab_class, index) = link;
	ok = slab_gives_all(copy);
	for (i = 0; i < BLOCKS; i++)
		bp_slab_push(copy, &slab_class, i * STRIDE, 0);
	ok &= slab_gives_all(copy);
	slab_free(copy);
	return ok;
}

static void test_slab_chain(void)
{
	bool ok = true;
	int round;

	for (round = 0; round < 20000; round++) {
		struct bp_slab *slab = slab_new();

		slab_shuffle(slab);
		ok &= slab_gives_all(slab);
		slab_free(slab);
	}
	EXPECT(ok);
}

/* Overwrite each link of many slabs by the index of any block, near or far. */
static void test_slab_overwritten(void)
{
	bool ok = true;
	u32 round, i, link;

	for (round = 0; round < 1000; round++) {
		struct bp_slab *slab = slab_new();

		slab_shuffle(slab);
		for (i = 0; i < slab->carved; i += STRIDE) {
			if (slab->state[i] != BP_BLOCK_IDLE)
				continue;
			for (link = 0; link < GRANULES + 2; link++)
				ok &= slab_survives(slab, i, link);
			ok &= slab_survives(slab, i, BP_NO_BLOCK);
			ok &= slab_survives(slab, i, shim_random());
		}
		slab_free(slab);
	}
	EXPECT(ok);
}

/* Overwrite all links of a slab at the same time. */
static void test_slab_garbage(void)
{
	bool ok = true;
	u32 round, i;

	for (round = 0; round < 100000; round++) {
		struct bp_slab *slab = slab_new();

		slab_shuffle(slab);
		for (i = 0; i < slab->carved; i += STRIDE) {
			if (slab->state[i] == BP_BLOCK_IDLE)
				*(u16 *)bp_slab_block(slab, &slab_class, i) =
					shim_random() % (GRANULES + 2);
		}
		ok &= slab_gives_all(slab);
		slab_free(slab);
	}
	EXPECT(ok);
}

#define ENTRIES	16

static bool cache_ordered(const struct bp_cache *cache)
{
	u32 i;

	for (i = 1; i < bp_cache_nr(cache); i++) {
		if (time_after(cache->loaded->entries[i - 1].idle_since,
			       cache->loaded->entries[i].idle_since))
			return false;
	}
	return true;
}

/* Times wrap around. They are out of order where a block comes from the depot. */
static void test_cache_order(void)
{
	struct bp_magazine *magazine = calloc(1, struct_size(magazine, entries, ENTRIES));
	struct bp_magazine empty = {};
	struct bp_cache the_cache = { .spare = &empty }, *cache = &the_cache;
	unsigned long round, mask = 0, oldest;
	u8 state[ENTRIES];
	bool ok = true;

	/* The virtual clock starts shortly before it wraps. A real clock may be far from that. */
	shim_virtual_clock = true;
	magazine->capacity = ENTRIES;
	cache->loaded = magazine;
	cache->top = magazine->entries;
	cache->end = magazine->entries + ENTRIES;
	for (round = 0; round < 200000; round++) {
		u32 what = shim_random() % 8, nr;

		shim_clock_advance(shim_random() % 4 == 0);
		if (what < 4 && cache->top != cache->end) {
			for (nr = 0; mask & BIT(nr); )
				nr++;
			mask |= BIT(nr);
			state[nr] = BP_BLOCK_CACHED;
			if (what < 2)
				bp_cache_push(cache, cache->top, &state[nr], &state[nr], NULL,
					      jiffies);
			else
				bp_cache_insert(cache, &state[nr], &state[nr], NULL,
						jiffies - shim_random() % 100);
		} else if (what < 7) {
			u8 *popped = bp_cache_pop(cache);

			ok &= !popped == !mask;
			if (popped) {
				ok &= *popped == BP_BLOCK_IN_USE;
				mask &= ~BIT(popped - state);
			}
		} else {
			for (nr = 0; nr < bp_cache_nr(cache) / 2; nr++)
				mask &= ~BIT(magazine->entries[nr].state - state);
			bp_cache_drop_oldest(cache, nr);
		}
		ok &= cache_ordered(cache) && (u32)__builtin_popcountl(mask) == bp_cache_nr(cache);
		ok &= bp_cache_peek(cache, &oldest) == bp_cache_nr(cache);
		if (mask)
			ok &= oldest == magazine->entries[0].idle_since;
	}
	EXPECT(ok);
	free(magazine);
	shim_virtual_clock = false;
}

static u8 page_states[PAGE_SIZE / 8];

/* Expect that the memo has a granule of 8 bytes at the address, or that it has none. */
static void expect_memo(unsigned long address, bool known)
{
	struct bp_where where = { .block = (void *)address };

	bp_memo_find(&where);
	EXPECT(!!where.cache == known);
	EXPECT(!known || where.state == page_states + address % PAGE_SIZE / 8);
}

static void expect_page(unsigned long page)
{
	expect_memo(page, true);
	expect_memo(page + 40, true);
	expect_memo(page + PAGE_SIZE - 8, true);
	expect_memo(page + 4, false);
	expect_memo(page + 47, false);
	expect_memo(page - 8, false);
	expect_memo(page + PAGE_SIZE, false);
	expect_memo(page ^ PAGE_SIZE, false);
	expect_memo(page ^ (1UL << 40), false);
}

/* Return how often the memo has a page. */
static unsigned int memo_has(unsigned long page)
{
	const struct bp_memo_entry *entry = this_cpu_ptr(bp_memos)->at[0];
	unsigned int left, nr = 0;

	for (left = 2 * BP_MEMO_PLACES; left--; entry++)
		nr += entry->cache != &bp_closed_cache && entry->page == page;
	return nr;
}

/* A memo has the granules of a page, in either of its two places, and no others. */
static void test_memo(void)
{
	struct bp_cache cache = { .shift = 3, .page_granules = PAGE_SIZE / 8 };
	unsigned long page, other;

	shim_cpu_enter(0);
	test_module_start();
	bp_section_enter();
	for (page = 1UL << 32; page < (1UL << 32) + 1000 * PAGE_SIZE; page += PAGE_SIZE) {
		struct bp_where where = { .block = (void *)(page + 80), .state = page_states + 10 };

		bp_memo_forget();
		EXPECT(bp_memo_refresh());
		bp_memo_enter(&where, &cache);
		expect_page(page);
		/* Another page takes the first place. */
		other = page + 16 * PAGE_SIZE;
		while (bp_memo_place(other >> PAGE_SHIFT, 0) !=
		       bp_memo_place(page >> PAGE_SHIFT, 0))
			other += PAGE_SIZE;
		where.block = (void *)(other + 80);
		bp_memo_enter(&where, &cache);
		expect_page(page);
		expect_page(other);
		/* A page that the memo already has displaces no other. */
		bp_memo_enter(&where, &cache);
		bp_memo_enter(&where, &cache);
		where.block = (void *)(page + 80);
		bp_memo_enter(&where, &cache);
		EXPECT(memo_has(page) == 1 && memo_has(other) == 1);
	}
	bp_memo_forget();
	bp_section_exit();
	test_module_stop();
	shim_cpu_exit();
}

static void test_no_pool(void)
{
	EXPECT(bp_no_pool(NULL));
	EXPECT(bp_no_pool(ERR_PTR(-1)) && bp_no_pool(ERR_PTR(-MAX_ERRNO)));
	EXPECT(!bp_no_pool((void *)8) && !bp_no_pool(ERR_PTR(-MAX_ERRNO - 1)));
}

static const struct test tests[] = {
	{ "every size is in its class", test_classes },
	{ "slabs waste no page and find their blocks", test_slab_geometry },
	{ "a chain gives each block once", test_slab_chain },
	{ "a slab survives any link overwritten", test_slab_overwritten },
	{ "a slab survives all links overwritten", test_slab_garbage },
	{ "a cache is ordered by age", test_cache_order },
	{ "a memo has the granules of its pages", test_memo },
	{ "no pool", test_no_pool },
	{}
};

int main(void)
{
	return test_main(tests);
}
