// SPDX-License-Identifier: GPL-2.0-only
/*
 * What watches over a pool and its users: POISON, TRACK, the shrinker, CPU
 * hotplug, debugfs, and what kernels built for finding bugs are told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef CONFIG_KASAN_GENERIC
#include <sanitizer/asan_interface.h>
#endif

#include "test.h"

#define LOG_BYTES	65536

static char log_text[LOG_BYTES];
static size_t log_len;

static void note_message(const char *message)
{
	log_len += snprintf(log_text + log_len, LOG_BYTES - log_len, "%s", message);
	log_len = min(log_len, (size_t)LOG_BYTES - 1);
}

static void log_start(void)
{
	log_len = 0;
	log_text[0] = '\0';
	shim_log_hook = note_message;
}

static unsigned int log_count(const char *text)
{
	const char *at = log_text;
	unsigned int nr = 0;

	while ((at = strstr(at, text))) {
		at++;
		nr++;
	}
	return nr;
}

static void log_stop(void)
{
	shim_log_hook = NULL;
}

/* Who writes there has no right to. */
__attribute__((no_sanitize("address")))
static void scribble(u8 *p, u8 value)
{
	WRITE_ONCE(*p, value);
}

/* POISON */

static void poison_one(u32 size, u32 offset)
{
	unsigned long messages = shim_messages();
	char text[64];
	u8 *p, *q;

	p = bytepool_alloc(pool, size, GFP_KERNEL);
	memset(p, 0xff, size);
	bytepool_free(pool, p);
	q = bytepool_alloc(pool, size, GFP_KERNEL);
	EXPECT(q == p && shim_messages() == messages);
	bytepool_free(pool, q);
	scribble(p + offset, 0x11);
	log_start();
	q = bytepool_alloc(pool, size, GFP_KERNEL);
	log_stop();
	snprintf(text, sizeof(text), "at offset %u:", offset);
	EXPECT(q == p && log_count("was written to") == 1 && log_count(text) == 1);
	bytepool_free(pool, q);
	/* Once. */
	messages = shim_messages();
	bytepool_free(pool, bytepool_alloc(pool, size, GFP_KERNEL));
	bytepool_trim(pool);
	EXPECT(shim_messages() == messages && !bytepool_size(pool));
}

static void test_poison(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_POISON };
	static const u32 sizes[] = { 8, 48, 2048, 4096, 20480, 65536, 1 << 20 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		pool_start(&params);
		poison_one(sizes[i], 0);
		poison_one(sizes[i], 1);
		poison_one(sizes[i], sizes[i] / 2);
		poison_one(sizes[i], sizes[i] - 2);
		poison_one(sizes[i], sizes[i] - 1);
		pool_stop();
	}
}

/* A block that nobody has had yet is filled, too; and one that goes is checked. */
static void test_poison_slab(void)
{
	const struct bytepool_params params = {
		.min_size = 64, .max_size = 64, .flags = BYTEPOOL_POISON,
	};
	unsigned int i, j;
	u8 *p[64], *all;

	pool_start(&params);
	for (i = 0; i < 64; i++)
		p[i] = bytepool_alloc(pool, 64, GFP_KERNEL);
	EXPECT(bytepool_size(pool) == 4096);
	all = (u8 *)((unsigned long)p[0] & PAGE_MASK);
	bytepool_free_bulk(pool, 64, (void **)p);
	scribble(all + 130, 1);
	log_start();
	bytepool_trim(pool);
	EXPECT(log_count("at offset 2:") == 1 && !bytepool_size(pool));

	p[0] = bytepool_alloc(pool, 64, GFP_KERNEL);
	all = (u8 *)((unsigned long)p[0] & PAGE_MASK);
	for (i = 0; i < 4096; i += 64) {
		if (all + i != p[0])
			scribble(all + i + 63, 0);
	}
	log_start();
	for (i = 1; i < 64; i++) {
		p[i] = bytepool_alloc(pool, 64, GFP_KERNEL);
		for (j = 0; j < i; j++)
			EXPECT(p[j] != p[i]);
	}
	/* Then the pool has said enough. */
	EXPECT(log_count("at offset 63:") == DEFAULT_RATELIMIT_BURST - 1);
	log_stop();
	bytepool_free_bulk(pool, 64, (void **)p);
	pool_stop();
}

static void test_poison_wipe(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_POISON | BYTEPOOL_WIPE };
	u32 size;
	u8 *p;

	pool_start(&params);
	for (size = 8; size < 100000; size = size * 3 + 8) {
		p = bytepool_alloc(pool, size, GFP_KERNEL);
		EXPECT(bytes_are(p, 0, size));
		memset(p, 0xff, size);
		bytepool_free(pool, p);
		p = bytepool_zalloc(pool, size, GFP_KERNEL);
		EXPECT(bytes_are(p, 0, size));
		bytepool_free(pool, p);
	}
	pool_stop();
}

/* TRACK */

static noinline void *alloc_here(u32 size)
{
	void *p = bytepool_alloc(pool, size, GFP_KERNEL);

	barrier();	/* no tail call: we are who allocates */
	return p;
}

static noinline void *alloc_there(u32 size)
{
	void *p = bytepool_zalloc(pool, size, GFP_KERNEL);

	barrier();
	return p;
}

static void test_track(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_TRACK };
	void *blocks[8];
	unsigned int i;

	pool_start(&params);
	test_note_born(true);
	for (i = 0; i < 3; i++)
		alloc_here(1000);
	shim_clock_advance(100 * HZ / 1000);
	alloc_there(1000);
	EXPECT(bytepool_alloc_bulk(pool, 100000, GFP_KERNEL, 1, blocks) == 1);
	test_note_born(false);
	bytepool_free(pool, alloc_here(50));
	log_start();
	bytepool_destroy(pool);
	log_stop();
	test_expect_warnings(1);
	EXPECT(log_count("3 blocks of 1024 bytes were allocated by") == 1);
	EXPECT(log_count("1 blocks of 1024 bytes were allocated by") == 1);
	EXPECT(log_count("1 blocks of 114688 bytes were allocated by") == 1);
	EXPECT(log_count("the first 100 ms ago") == 1 && log_count("the first 0 ms ago") == 2);
	EXPECT(log_count("blocks of 56 bytes") == 0);
	test_release_born();
	test_module_stop();
}

/* More of them than a report tells apart. */
static void test_track_many(void)
{
	const struct bytepool_params params = {
		.min_size = 8, .max_size = 4096, .step = 8, .flags = BYTEPOOL_TRACK,
	};
	unsigned int i;
	u32 nr = 0;
	char *line;

	pool_start(&params);
	test_note_born(true);
	for (i = 0; i < 40; i++)
		bytepool_reserve(pool, 8 + 8 * i, 1, GFP_KERNEL);
	test_note_born(false);
	for (i = 0; i < 40; i++)
		alloc_here(8 + 8 * i);
	log_start();
	bytepool_destroy(pool);
	log_stop();
	test_expect_warnings(1);
	EXPECT(log_count("were allocated by others") == 1);
	for (line = log_text; (line = strstr(line, "were allocated by")); line++) {
		char *start = line;
		u32 blocks;

		while (start > log_text && start[-1] != '\n')
			start--;
		if (sscanf(start, "bytepool: basic: %u blocks", &blocks) == 1)
			nr += blocks;
	}
	EXPECT(nr == 40);
	test_release_born();
	test_module_stop();
}

/* What is written to after its end is told with who ended it. */
static void test_track_poison(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_TRACK | BYTEPOOL_POISON };
	u8 *p;

	pool_start(&params);
	p = alloc_here(200);
	log_start();
	bytepool_free(pool, p);
	shim_clock_advance(HZ);
	scribble(p + 7, 1);
	EXPECT(alloc_here(200) == p);
	EXPECT(log_count("at offset 7:") == 1 && log_count("it was freed 1000 ms ago by") == 1);
	log_stop();
	bytepool_free(pool, p);
	pool_stop();
}

static void *stale;

static void free_stale(void)
{
	bytepool_free(pool, stale);
	bytepool_trim(pool);
}

/* At the next point outside of a section: in one, the trim would wait for its end. */
static void free_stale_elsewhere(void)
{
	if (!preemptible()) {
		shim_countdown = 1;
		return;
	}
	shim_cpu_run_other(5, free_stale);
}

/* Who has a stale pointer frees the block while another is about to get it: in vain. */
static void test_stale_free(void)
{
	static const unsigned int flags[] = {
		BYTEPOOL_TRACK, BYTEPOOL_POISON, BYTEPOOL_TRACK | BYTEPOOL_POISON,
	};
	unsigned long warnings = shim_warnings();
	unsigned int i, point;
	void *p;

	shim_point_hook = free_stale_elsewhere;
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		const struct bytepool_params params = { .flags = flags[i] };

		pool_start(&params);
		for (point = 1; point < 80; point++) {
			stale = bytepool_alloc(pool, 4096, GFP_KERNEL);
			bytepool_free(pool, stale);
			shim_countdown = point;
			p = bytepool_alloc(pool, 4096, GFP_KERNEL);
			shim_countdown = 0;
			EXPECT(bytepool_usable_size(pool, p) == 4096);
			bytepool_free(pool, p);
		}
		EXPECT(stats().bad_frees);
		pool_stop();
	}
	shim_point_hook = NULL;
	test_expect_warnings(shim_warnings() - warnings);
}

/* debugfs */

static char file_text[1 << 20];

static void test_debugfs_classes(void)
{
	static const struct bytepool_params params = { .max_size = 1 << 20 };
	unsigned long long in_use, idle, hits, misses;
	unsigned long slabs, cached;
	void *p[5];
	char *line;

	pool_start(&params);
	EXPECT(shim_debugfs_read("bytepool/none/classes", file_text, sizeof(file_text)) == -ENOENT);
	EXPECT(shim_debugfs_read("bytepool/basic/classes", file_text, sizeof(file_text)) > 0);
	EXPECT(text_lines(file_text) == 1);
	EXPECT(shim_debugfs_read("bytepool/basic/blocks", file_text, sizeof(file_text)) == -ENOENT);
	EXPECT(bytepool_alloc_bulk(pool, 100000, GFP_KERNEL, 5, p) == 5);
	bytepool_free_bulk(pool, 3, p);
	bytepool_free(pool, bytepool_alloc(pool, 8, GFP_KERNEL));
	EXPECT(shim_debugfs_read("bytepool/basic/classes", file_text, sizeof(file_text)) > 0);
	EXPECT(text_lines(file_text) == 3);
	line = strstr(file_text, "114688");
	EXPECT(line && sscanf(line, "114688 %lu %llu %llu %lu %llu %llu", &slabs, &in_use, &idle,
			      &cached, &hits, &misses) == 6);
	EXPECT(slabs == 5 && in_use == 2 && idle == 3 && cached == 3 && hits == 0 && misses == 5);
	bytepool_free_bulk(pool, 2, p + 3);
	pool_stop();
}

static void test_debugfs_blocks(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_TRACK };
	void *p[100];
	unsigned int i;

	pool_start(&params);
	bytepool_free(bytepool_system, bytepool_alloc(bytepool_system, 64, GFP_KERNEL));
	for (i = 0; i < 100; i++)
		p[i] = alloc_here(i * 100 + 1);
	for (i = 0; i < 50; i++) {
		bytepool_free(pool, p[i]);
		EXPECT(shim_debugfs_read("bytepool/basic/blocks", file_text,
					 sizeof(file_text)) > 0);
		/* A walk that began anew may show some twice. */
		EXPECT(text_lines(file_text) >= 100 - i);
	}
	bytepool_free_bulk(pool, 50, p + 50);
	pool_stop();
}

/* Without debugfs a pool is as good. */
static void test_debugfs_fails(void)
{
	unsigned long nth;

	for (nth = 1; nth < 6; nth++) {
		shim_fail(SHIM_FAIL_DEBUGFS, nth, true);
		pool_start(NULL);
		bytepool_free(pool, bytepool_alloc(pool, 100, GFP_KERNEL));
		pool_stop();
		EXPECT(shim_failed());
		shim_fail(0, 0, false);
	}
}

/* The shrinker */

static u32 gone_order[16];
static unsigned int nr_gone;

static void note_gone(void *base, unsigned long bytes)
{
	(void)base;
	if (nr_gone < ARRAY_SIZE(gone_order))
		gone_order[nr_gone++] = bytes;
}

/* Blocks of many classes are freed one after the other: they go in the same order. */
static void test_shrink_order(void)
{
	static const u32 sizes[] = { 1 << 20, 65536, 4096, 2 << 20, 16384, 131072, 8192, 262144 };
	void *blocks[ARRAY_SIZE(sizes)];
	unsigned int i, way;

	for (way = 0; way < 2; way++) {
		pool_start(NULL);
		for (i = 0; i < ARRAY_SIZE(sizes); i++)
			blocks[i] = bytepool_alloc(pool, sizes[i], GFP_KERNEL);
		EXPECT(shim_shrink_count() == 0 && shim_shrink(1000) == 0);
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			bytepool_free(pool, blocks[i]);
			shim_clock_advance(HZ);
		}
		/* In caches, or in depots. */
		if (way)
			shim_cpu_die(0);
		nr_gone = 0;
		shim_backing_gone = note_gone;
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			EXPECT(shim_shrink(1) == sizes[i] / PAGE_SIZE);
			EXPECT(nr_gone == i + 1 && gone_order[i] == sizes[i]);
		}
		shim_backing_gone = NULL;
		EXPECT(!bytepool_size(pool) && shim_shrink_count() == 0);
		pool_stop();
	}
}

/* What lies in a depot is no older for having an old neighbour there. */
static void test_shrink_among(void)
{
	void *blocks[10], *old;
	unsigned int i;

	pool_start(NULL);
	for (i = 0; i < 10; i++)
		blocks[i] = bytepool_alloc(pool, 65536, GFP_KERNEL);
	old = bytepool_alloc(pool, 1 << 20, GFP_KERNEL);
	bytepool_free(pool, blocks[0]);
	shim_cpu_die(0);
	shim_clock_advance(10 * HZ);
	bytepool_free(pool, old);
	shim_clock_advance(90 * HZ);
	shim_cpu_move(2);
	for (i = 1; i < 10; i++)
		bytepool_free(pool, blocks[i]);
	shim_cpu_move(0);
	shim_cpu_die(2);
	nr_gone = 0;
	shim_backing_gone = note_gone;
	EXPECT(shim_shrink(128) == 16 + 256);
	EXPECT(nr_gone == 2 && gone_order[0] == 65536 && gone_order[1] == 1 << 20);
	shim_backing_gone = NULL;
	pool_stop();
}

/* Slabs of several blocks, from before the reserve: not all above it can go. */
static void test_shrink_reserve(void)
{
	const struct bytepool_params params = { .min_size = 4096, .max_size = 4096 };
	void *blocks[256];
	unsigned long counted;

	pool_start(&params);
	EXPECT(bytepool_alloc_bulk(pool, 4096, GFP_KERNEL, 256, blocks) == 256);
	EXPECT(!bytepool_reserve(pool, 4096, 100, GFP_KERNEL));
	bytepool_free_bulk(pool, 256, blocks);
	while ((counted = shim_shrink_count())) {
		size_t held = bytepool_size(pool);

		shim_shrink(counted);
		EXPECT(held - bytepool_size(pool) >= counted * PAGE_SIZE);
		if (test_failed())
			break;
	}
	EXPECT(bytepool_size(pool) >= 100 * PAGE_SIZE && bytepool_size(pool) < 108 * PAGE_SIZE);
	EXPECT(!bytepool_reserve(pool, 4096, 0, GFP_KERNEL));
	pool_stop();
}

/* Age is no matter, the reserve and what is in use are; what is asked for is what goes. */
static void test_shrink_bounds(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER };
	void *blocks[64], *used;
	unsigned int i;

	pool_start(&params);
	used = bytepool_alloc(pool, 4096, GFP_KERNEL);
	EXPECT(!bytepool_reserve(pool, 65536, 4, GFP_KERNEL));
	EXPECT(shim_shrink_count() == 0 && shim_shrink(1000) == 0);
	EXPECT(bytepool_alloc_bulk(pool, 65536, GFP_KERNEL, 6, blocks) == 6);
	bytepool_free_bulk(pool, 6, blocks);
	EXPECT(shim_shrink_count() == 32);
	EXPECT(shim_shrink(1) == 16 && shim_shrink_count() == 16);
	EXPECT(shim_shrink(1000) == 16 && shim_shrink_count() == 0);
	EXPECT(bytepool_size(pool) == 4 * 65536 + 4096);
	EXPECT(!bytepool_reserve(pool, 65536, 0, GFP_KERNEL));
	EXPECT(shim_shrink(1000) == 64);

	EXPECT(bytepool_alloc_bulk(pool, 4096, GFP_KERNEL, 64, blocks) == 64);
	bytepool_free_bulk(pool, 64, blocks);
	EXPECT(shim_shrink_count() >= 48 && shim_shrink_count() <= 64);
	for (i = 0; shim_shrink_count(); i++)
		EXPECT(shim_shrink(8) > 0);
	EXPECT(i >= 6 && bytepool_size(pool) >= 4096);
	bytepool_free(pool, used);
	/* The statistics know of it. */
	EXPECT(stats().reclaimed_bytes >= 6 * 65536 + 32 * 4096);
	pool_stop();
}

/* Slabs of many blocks go as a whole; small blocks of caches are found, too. */
static void test_shrink_small(void)
{
	void *blocks[600];
	unsigned int i;

	pool_start(NULL);
	for (i = 0; i < 600; i++)
		blocks[i] = bytepool_alloc(pool, 64, GFP_KERNEL);
	for (i = 1; i < 600; i++)
		bytepool_free(pool, blocks[i]);
	while (shim_shrink(1))
		;
	EXPECT(shim_shrink_count() == 0 && bytepool_size(pool) <= 8 * 4096);
	bytepool_free(pool, blocks[0]);
	pool_stop();
}

/* The owner of a SINGLE pool would not notice. */
static void test_shrink_single(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_SINGLE };

	pool_start(&params);
	bytepool_free(pool, bytepool_alloc(pool, 65536, GFP_KERNEL));
	EXPECT(shim_shrink_count() == 0 && shim_shrink(1000) == 0);
	EXPECT(bytepool_size(pool) == 65536);
	bytepool_trim(pool);
	pool_stop();
}

static unsigned long reclaimed;

static void reclaim_hard(void)
{
	reclaimed += shim_shrink(1000);
}

/* In the middle of the pool's own allocations. */
static void test_shrink_nested(void)
{
	void *p;

	pool_start(NULL);
	bytepool_free(pool, bytepool_alloc(pool, 65536, GFP_KERNEL));
	reclaimed = 0;
	shim_reclaim_hook = reclaim_hard;
	p = bytepool_alloc(pool, 1 << 20, GFP_KERNEL);
	EXPECT(p && reclaimed == 16);
	reclaimed = 0;
	bytepool_free(pool, bytepool_alloc(pool, 8192, GFP_KERNEL));
	EXPECT(!bytepool_reserve(pool, 8192, 3, GFP_NOFS));
	bytepool_free(pool, p);
	shim_reclaim_hook = NULL;
	EXPECT(!bytepool_reserve(pool, 8192, 0, GFP_KERNEL));
	bytepool_trim(pool);
	pool_stop();
}

static unsigned long graces;

/* The first is the trim's; those of the scan are counted, too. */
static void reclaim_in_grace(void)
{
	if (!graces++)
		reclaim_hard();
}

/*
 * A scan amid a trim's grace period takes at once what the depots have; for what
 * is in caches it waits as well.
 */
static void test_shrink_during_trim(void)
{
	const struct bytepool_params params = { .max_size = SZ_16M };
	void *blocks[60];

	pool_start(&params);
	shim_exact_node = true;
	EXPECT(bytepool_alloc_bulk(pool, 65536, GFP_KERNEL, 60, blocks) == 60);
	bytepool_free_bulk(pool, 60, blocks);
	shim_clock_advance(10);
	graces = 0;
	reclaimed = 0;
	shim_grace_hook = reclaim_in_grace;
	bytepool_trim(pool);
	/* All but what the cache had. */
	EXPECT(graces == 1 + 1 && reclaimed == 45 * 16);
	EXPECT(bytepool_size(pool) == 0);

	/* Also if what they have is older. */
	bytepool_free(pool, bytepool_alloc(pool, 65536, GFP_KERNEL));
	shim_clock_advance(10);
	bytepool_free(pool, bytepool_alloc(pool, SZ_8M, GFP_KERNEL));
	shim_clock_advance(10);
	graces = 0;
	reclaimed = 0;
	bytepool_trim(pool);
	EXPECT(graces == 1 && reclaimed == SZ_8M / PAGE_SIZE);
	EXPECT(bytepool_size(pool) == 0);

	bytepool_free(pool, bytepool_alloc(pool, 65536, GFP_KERNEL));
	graces = 0;
	reclaimed = 0;
	EXPECT(bytepool_trim(pool) == 1 && graces == 1 + 1 && reclaimed == 0);
	shim_grace_hook = NULL;
	shim_exact_node = false;
	pool_stop();
}

static bool in_hand;

/* A block on its way back to the system is told of: that takes its time. */
static void hold_in_hand(const char *message)
{
	(void)message;
	WRITE_ONCE(in_hand, true);
	usleep(50000);
}

static pthread_t scanner;
static __thread bool is_scanner;
static unsigned long scanned;

static void *scan_hard(void *unused)
{
	(void)unused;
	is_scanner = true;
	scanned = shim_shrink(1000);
	return NULL;
}

static void scan_begin(void)
{
	in_hand = false;
	shim_log_hook = hold_in_hand;
	pthread_create(&scanner, NULL, scan_hard, NULL);
	while (!READ_ONCE(in_hand))
		usleep(1000);
}

static void scan_end(void)
{
	pthread_join(scanner, NULL);
	shim_log_hook = NULL;
}

static void scan_in_grace(void)
{
	shim_grace_hook = NULL;
	scan_begin();
}

/* What a scan that began meanwhile has in hand is given back when a trim returns. */
static void test_shrink_before_trim(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_POISON };
	u8 *p;

	pool_start(&params);
	p = bytepool_alloc(pool, 4096, GFP_KERNEL);
	bytepool_free(pool, p);
	scribble(p, 1);
	shim_grace_hook = scan_in_grace;
	EXPECT(bytepool_trim(pool) == 0 && !bytepool_size(pool));
	scan_end();
	pool_stop();
}

/* And who is at the limit waits for it, when gc_lock does not keep it waiting. */
static void test_shrink_before_alloc(void)
{
	const struct bytepool_params params = { .limit_bytes = SZ_1M, .flags = BYTEPOOL_POISON };
	u8 *p;

	pool_start(&params);
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	EXPECT(bytepool_trim(pool) == 1);
	p = bytepool_alloc(pool, SZ_1M, GFP_KERNEL);
	bytepool_free(pool, p);
	scribble(p, 1);
	shim_grace_hook = scan_in_grace;
	EXPECT(!bytepool_reserve(pool, 4096, 1, GFP_KERNEL) && !shim_grace_hook);
	scan_end();
	EXPECT(!bytepool_reserve(pool, 4096, 0, GFP_KERNEL));
	pool_stop();
}

static bool scan_waits, lock_free;

/* The first scan gives back the first slab; the second one takes what that one wants, and more. */
static void scan_in_scan(void *base, unsigned long bytes)
{
	static bool begun;
	static unsigned int taken;
	unsigned int ms;

	(void)base;
	(void)bytes;
	if (begun) {
		__atomic_fetch_add(&taken, is_scanner, __ATOMIC_RELAXED);
		return;
	}
	begun = true;
	pthread_create(&scanner, NULL, scan_hard, NULL);
	for (ms = 0; ms < 10000 && __atomic_load_n(&taken, __ATOMIC_RELAXED) < 20; ms++)
		usleep(1000);
	usleep(100000);
}

/* What a scan saw and another one then took is not all that there is. */
static void test_shrink_in_time(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_POISON };
	void *blocks[40];
	unsigned long freed;

	pool_start(&params);
	EXPECT(bytepool_alloc_bulk(pool, 65536, GFP_KERNEL, 40, blocks) == 40);
	bytepool_free_bulk(pool, 20, blocks);
	shim_clock_advance(100);
	bytepool_free_bulk(pool, 20, blocks + 20);
	shim_clock_advance(10);
	shim_backing_gone = scan_in_scan;
	freed = shim_shrink(20 * 16);
	pthread_join(scanner, NULL);
	shim_backing_gone = NULL;
	EXPECT(scanned >= 20 * 16 && freed + scanned == 40 * 16 && !bytepool_size(pool));
	pool_stop();
}

static void scan_and_wait(void)
{
	if (is_scanner) {
		WRITE_ONCE(scan_waits, true);
		while (!READ_ONCE(lock_free))
			usleep(1000);
	} else if (!READ_ONCE(scan_waits)) {
		pthread_create(&scanner, NULL, scan_hard, NULL);
		while (!READ_ONCE(scan_waits))
			usleep(1000);
	}
}

/* What is younger waits until the caches have been emptied of what is older. */
static void test_shrink_younger(void)
{
	void *a, *b, *c;

	pool_start(NULL);
	shim_exact_node = true;
	a = bytepool_alloc(pool, 4096, GFP_KERNEL);
	b = bytepool_alloc(pool, 8192, GFP_KERNEL);
	c = bytepool_alloc(pool, 16384, GFP_KERNEL);
	bytepool_free(pool, a);
	shim_clock_advance(60);
	bytepool_free(pool, b);
	shim_clock_advance(30);
	shim_cpu_move(2);
	bytepool_free(pool, c);
	shim_cpu_move(0);
	shim_cpu_die(2);
	shim_clock_advance(10);
	nr_gone = 0;
	shim_backing_gone = note_gone;
	EXPECT(shim_shrink(3) == 1 && shim_shrink(2) == 2 && shim_shrink(4) == 4);
	shim_backing_gone = NULL;
	EXPECT(nr_gone == 3 && gone_order[0] == 4096);
	EXPECT(gone_order[1] == 8192 && gone_order[2] == 16384);
	shim_exact_node = false;
	pool_stop();
}

static void *kept, *taken[15];

/* A batch leaves the cache of that CPU, and the rest is used. */
static void cache_empties(void)
{
	unsigned int i;

	bytepool_free(pool, kept);
	kept = NULL;
	for (i = 0; i < ARRAY_SIZE(taken); i++)
		taken[i] = bytepool_alloc(pool, 65536, GFP_ATOMIC);
}

static void cache_empties_elsewhere(void)
{
	shim_cpu_run_other(2, cache_empties);
}

/* Whenever blocks move on from cache to depot, a trim finds them. */
static void test_trim_amid(void)
{
	unsigned int left = 1, point;
	void *blocks[29];

	shim_point_hook = cache_empties_elsewhere;
	for (point = 1; left; point++) {
		pool_start(NULL);
		shim_exact_node = true;
		shim_cpu_move(2);
		kept = bytepool_alloc(pool, 65536, GFP_KERNEL);
		EXPECT(bytepool_alloc_bulk(pool, 65536, GFP_KERNEL, 29, blocks) == 29);
		bytepool_free_bulk(pool, 29, blocks);
		shim_cpu_move(0);
		shim_countdown = point;
		bytepool_trim(pool);
		left = !shim_countdown;
		shim_countdown = 0;
		if (left) {
			/* That CPU may have got some back from the depot. */
			EXPECT(bytepool_size(pool) < 2 * ARRAY_SIZE(taken) * 65536);
			bytepool_free_bulk(pool, ARRAY_SIZE(taken), taken);
		}
		bytepool_free(pool, kept);
		shim_exact_node = false;
		pool_stop();
	}
	shim_point_hook = NULL;
}

/* Whoever had gc_lock need not have emptied the caches that a scan waits for. */
static void test_shrink_after_reserve(void)
{
	void *blocks[20];

	pool_start(NULL);
	shim_exact_node = true;
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	EXPECT(bytepool_alloc_bulk(pool, 65536, GFP_KERNEL, 20, blocks) == 20);
	bytepool_free_bulk(pool, 20, blocks);
	shim_clock_advance(10);
	shim_grace_hook = scan_and_wait;
	EXPECT(!bytepool_reserve(pool, 4096, 1, GFP_KERNEL));
	WRITE_ONCE(lock_free, true);
	pthread_join(scanner, NULL);
	shim_grace_hook = NULL;
	shim_exact_node = false;
	EXPECT(scanned == 20 * 16);
	EXPECT(!bytepool_reserve(pool, 4096, 0, GFP_KERNEL));
	pool_stop();
}

/* Blocks older than the timeout wait in a depot for the GC: no CPU takes more than it needs. */
static void test_expired_stays(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = 1000 };
	void *blocks[100], *kept, *p;
	unsigned int i;

	pool_start(&params);
	kept = bytepool_alloc(pool, 4096, GFP_KERNEL);
	shim_cpu_move(2);
	/* Some of them are in a batch then. */
	EXPECT(bytepool_alloc_bulk(pool, 4096, GFP_KERNEL, 100, blocks) == 100);
	bytepool_free_bulk(pool, 100, blocks);
	shim_cpu_move(0);
	shim_cpu_die(2);
	shim_clock_advance(msecs_to_jiffies(1100));
	p = bytepool_alloc(pool, 4096, GFP_KERNEL);
	shim_cpu_move(4);
	shim_fail(SHIM_FAIL_PAGES | SHIM_FAIL_VMALLOC, 1, true);
	for (i = 0; i < 99; i++) {
		blocks[i] = bytepool_alloc(pool, 4096, GFP_ATOMIC);
		EXPECT(blocks[i]);
	}
	shim_fail(0, 0, false);
	shim_cpu_move(0);
	bytepool_free_bulk(pool, 99, blocks);
	bytepool_free(pool, p);
	bytepool_free(pool, kept);
	pool_stop();
}

static void grace_lasts(void)
{
	shim_clock_advance(HZ / 20);
}

static void *freed_in_grace;

static void grace_frees(void)
{
	shim_clock_advance(1);
	bytepool_free(pool, freed_in_grace);
	freed_in_grace = NULL;
}

/* That is younger than the pass, not older than all. */
static void test_freed_meanwhile(void)
{
	pool_start(NULL);
	freed_in_grace = bytepool_alloc(pool, 4096, GFP_KERNEL);
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	shim_grace_hook = grace_frees;
	bytepool_gc(pool, NULL);
	EXPECT(freed_in_grace);
	/* The one that is idle expires with the pass that is to come. */
	shim_grace_hook = NULL;
	shim_clock_advance(305 * HZ);
	shim_grace_hook = grace_frees;
	bytepool_gc(pool, NULL);
	shim_grace_hook = NULL;
	EXPECT(!freed_in_grace && bytepool_size(pool) == 4096);
	pool_stop();
}

/* It need not wait for the next pass. */
static void test_expiring(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = 10020 };

	pool_start(&params);
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	shim_grace_hook = grace_lasts;
	shim_clock_advance(msecs_to_jiffies(10100));
	EXPECT(stats().gc_runs == 1 && !bytepool_size(pool));
	shim_grace_hook = NULL;
	pool_stop();
}

/* Longer than half of what jiffies can tell: it is idle all the same. */
static void test_idle_for_ages(void)
{
	const struct bytepool_params params = { .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER };
	unsigned long ages = ULONG_MAX / 2 + 1000;
	void *blocks[60];

	pool_start(&params);
	EXPECT(bytepool_alloc_bulk(pool, 65536, GFP_KERNEL, 60, blocks) == 60);
	bytepool_free_bulk(pool, 60, blocks);
	shim_clock_advance(ages);
	EXPECT(bytepool_trim(pool) == 60 && !bytepool_size(pool));
	EXPECT(bytepool_alloc_bulk(pool, 65536, GFP_KERNEL, 60, blocks) == 60);
	bytepool_free_bulk(pool, 60, blocks);
	shim_clock_advance(ages);
	pool_stop();
}

/* And with what became idle after it, in whichever order it comes back to the depot. */
static void test_older_by_ages(void)
{
	static const unsigned int order[][3] = { { 0, 1, 2 }, { 1, 0, 2 }, { 2, 1, 0 } };
	static const u32 sizes[][3] = { { 65536, 65536, 65536 }, { 65536, 131072, 262144 } };
	const struct bytepool_params params = { .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER };
	unsigned int i, way, some;
	void *blocks[3], *left[2];

	for (way = 0; way < ARRAY_SIZE(order) * ARRAY_SIZE(sizes); way++) {
		some = way % ARRAY_SIZE(sizes);
		pool_start(&params);
		for (i = 0; i < 3; i++)
			blocks[i] = bytepool_alloc(pool, sizes[some][i], GFP_KERNEL);
		for (i = 0; i < 3; i++) {
			shim_cpu_move(1 + i);
			bytepool_free(pool, blocks[i]);
			shim_clock_advance(ULONG_MAX / 10 * (i ? 1 : 6));
		}
		shim_cpu_move(0);
		for (i = 0; i < 3; i++)
			shim_cpu_die(1 + order[way / ARRAY_SIZE(sizes)][i]);
		EXPECT(shim_shrink(1) == sizes[some][0] / PAGE_SIZE);
		for (i = 0; i < 2; i++) {
			left[i] = bytepool_alloc(pool, sizes[some][1 + i], GFP_ATOMIC);
			EXPECT(left[i] == blocks[1] || left[i] == blocks[2]);
		}
		bytepool_free_bulk(pool, 2, left);
		pool_stop();
	}
}

/* The last block of a slab comes back when the others have been idle for longer than that. */
static void test_long_lived(void)
{
	unsigned long latest = (300 + 2 * 10 + 1) * HZ;
	void *young, *old;

	pool_start(NULL);
	young = bytepool_alloc(pool, 64, GFP_KERNEL);
	old = bytepool_alloc(pool, 64, GFP_KERNEL);
	bytepool_free(pool, old);
	shim_clock_advance(2 * latest);
	shim_clock_advance(ULONG_MAX / 2 - 2 * latest + 10000);
	bytepool_free(pool, young);
	/* Into the slab, out of the cache. */
	shim_cpu_move(1);
	shim_cpu_die(0);
	shim_cpu_move(0);
	EXPECT(!bytepool_gc(pool, NULL) && bytepool_size(pool) == 4096);
	shim_clock_advance(latest);
	EXPECT(!bytepool_size(pool));
	pool_stop();
}

/* What nobody could take until then goes by its age. */
static void test_old_at_once(void)
{
	const struct bytepool_params single = { .flags = BYTEPOOL_SINGLE };
	unsigned long ages = ULONG_MAX / 2 + 100000;

	pool_start(NULL);
	EXPECT(!bytepool_reserve(pool, 4096, 10, GFP_KERNEL));
	shim_clock_advance(ages);
	EXPECT(!bytepool_reserve(pool, 4096, 0, GFP_KERNEL));
	shim_clock_advance((300 + 2 * 10 + 1) * HZ);
	EXPECT(!bytepool_size(pool));
	pool_stop();

	pool_start(&single);
	bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
	shim_clock_advance(ages);
	EXPECT(bytepool_gc(pool, NULL) == 1 && !bytepool_size(pool));
	pool_stop();
}

static void take_room(void)
{
	bytepool_free(pool, bytepool_alloc(pool, 49152, GFP_ATOMIC | __GFP_NOWARN));
}

static void take_room_elsewhere(void)
{
	shim_cpu_run_other(5, take_room);
}

static void *in_room;
static unsigned int nr_taken, in_use_for;

/* New room, as soon as there is some, for a while; but not more often than six times. */
static void take_room_for_a_while(void)
{
	u64 misses = stats().misses;

	if (!in_room) {
		in_room = bytepool_alloc(pool, 49152, GFP_ATOMIC | __GFP_NOWARN);
		if (in_room && stats().misses != misses) {
			nr_taken++;
			shim_countdown = in_use_for;
			return;
		}
	}
	bytepool_free(pool, in_room);
	in_room = NULL;
	shim_countdown = nr_taken < 6;
}

static void take_room_again(void)
{
	shim_cpu_run_other(5, take_room_for_a_while);
}

/* Whenever others have what is to become room, an alloc that may sleep gets some. */
static void test_room_taken(void)
{
	const struct bytepool_params params = { .limit_bytes = 65536 };
	unsigned int left = 1, point;

	shim_point_hook = take_room_elsewhere;
	for (point = 1; left; point++) {
		void *p;

		pool_start(&params);
		bytepool_free(pool, bytepool_alloc(pool, 65536, GFP_KERNEL));
		shim_countdown = point;
		p = bytepool_alloc(pool, 32768, GFP_KERNEL);
		left = !shim_countdown;
		shim_countdown = 0;
		EXPECT(p);
		bytepool_free(pool, p);
		pool_stop();
	}
	shim_point_hook = NULL;
}

static unsigned long nr_short;

/* The system has memory again, which others take. */
static void take_first(void)
{
	nr_short = shim_failed();
	shim_fail(0, 0, false);
	take_room_elsewhere();
}

/* Nor is it refused if the system was short at its first try, and others have all at the next. */
static void test_room_taken_late(void)
{
	const struct bytepool_params params = { .limit_bytes = 65536 };
	unsigned int left = 1, point;

	shim_point_hook = take_first;
	pool_start(&params);
	bytepool_free(pool, bytepool_alloc(pool, 49152, GFP_KERNEL));
	for (point = 1; left; point++) {
		void *p;

		bytepool_trim(pool);
		shim_fail(SHIM_FAIL_PAGES, 1, true);
		shim_countdown = point;
		p = bytepool_alloc(pool, 32768, GFP_KERNEL);
		left = !shim_countdown;
		shim_countdown = 0;
		shim_fail(0, 0, false);
		EXPECT(p || !left || nr_short > 1);
		bytepool_free(pool, p);
	}
	pool_stop();
	shim_point_hook = NULL;
}

/* A trim was not in vain if others were faster, as often as that. */
static void test_room_taken_again(void)
{
	const struct bytepool_params params = { .limit_bytes = 65536 };

	shim_point_hook = take_room_again;
	for (in_use_for = 1; in_use_for < 20; in_use_for++) {
		void *p;

		pool_start(&params);
		bytepool_free(pool, bytepool_alloc(pool, 65536, GFP_KERNEL));
		nr_taken = 0;
		shim_countdown = 1;
		p = bytepool_alloc(pool, 32768, GFP_KERNEL);
		shim_countdown = 0;
		EXPECT(p && nr_taken == 6);
		bytepool_free(pool, in_room);
		in_room = NULL;
		bytepool_free(pool, p);
		pool_stop();
	}
	shim_point_hook = NULL;
}

/* CPUs that go away */

static void cpu_dies_elsewhere(void)
{
	shim_cpu_die(2);
}

static void cpu_dies_now(void)
{
	shim_cpu_run_other(5, cpu_dies_elsewhere);
}

/* Whenever its cache goes to the depot, a trim gives that back, and at the limit it makes room. */
static void test_cpu_dies_amid(void)
{
	const struct bytepool_params params = { .max_size = SZ_1M, .limit_bytes = SZ_1M };
	unsigned int left = 1, point;
	void *used[3];

	shim_point_hook = cpu_dies_now;
	for (point = 1; left; point++) {
		pool_start(&params);
		shim_cpu_move(2);
		bytepool_free(pool, bytepool_alloc(pool, 4096, GFP_KERNEL));
		shim_cpu_move(0);
		used[0] = bytepool_alloc(pool, SZ_1M - 32 * SZ_4K, GFP_ATOMIC);
		used[1] = bytepool_alloc(pool, 28 * SZ_4K, GFP_ATOMIC);
		used[2] = bytepool_alloc(pool, 3 * SZ_4K, GFP_ATOMIC);
		EXPECT(bytepool_size(pool) == SZ_1M);
		shim_countdown = point;
		if (point % 2) {
			EXPECT(bytepool_trim(pool) == 1);
		} else {
			void *p = bytepool_alloc(pool, 2560, GFP_KERNEL);

			EXPECT(p);
			bytepool_free(pool, p);
		}
		left = !shim_countdown;
		shim_countdown = 0;
		bytepool_free_bulk(pool, 3, used);
		pool_stop();
	}
	shim_point_hook = NULL;
}

static void test_cpu_dies(void)
{
	const struct bytepool_params single = { .flags = BYTEPOOL_SINGLE };
	struct bytepool *other;
	void *blocks[40], *p;
	unsigned int i;

	pool_start(NULL);
	other = bytepool_create("other", &single);
	bytepool_free(other, bytepool_alloc(other, 100, GFP_KERNEL));
	shim_cpu_move(2);
	EXPECT(bytepool_alloc_bulk(pool, 4096, GFP_KERNEL, 40, blocks) == 40);
	bytepool_free_bulk(pool, 40, blocks);
	p = bytepool_alloc(pool, 1 << 20, GFP_KERNEL);
	bytepool_free(pool, p);
	shim_cpu_move(0);
	shim_cpu_die(2);
	/* A CPU of the same node has all of it, without the system. */
	shim_fail(SHIM_FAIL_PAGES | SHIM_FAIL_VMALLOC, 1, true);
	for (i = 0; i < 40; i++) {
		blocks[i] = bytepool_alloc(pool, 4096, GFP_ATOMIC);
		EXPECT(blocks[i]);
	}
	EXPECT(bytepool_alloc(pool, 1 << 20, GFP_ATOMIC) == p);
	shim_fail(0, 0, false);
	bytepool_free_bulk(pool, 40, blocks);
	/* Back again, it does not rely on what it knew: its cache is closed. */
	shim_cpu_move(2);
	bytepool_free(pool, p);
	EXPECT(bytepool_alloc(pool, 1 << 20, GFP_ATOMIC) == p);
	bytepool_free(pool, p);
	shim_cpu_move(0);
	shim_cpu_die(2);
	shim_cpu_die(3);
	/* What lies in the depots ages. */
	shim_clock_advance(300 * HZ + 2 * 10 * HZ);
	EXPECT(!bytepool_size(pool));
	bytepool_destroy(other);
	pool_stop();
}

/* fail_bytepool */

static void test_fault(void)
{
	void *blocks[4];
	void *p;

	pool_start(NULL);
	if (!IS_ENABLED(CONFIG_FAULT_INJECTION)) {
		EXPECT(!shim_debugfs_bool("fail_bytepool/ignore-gfp-wait"));
		pool_stop();
		return;
	}
	bytepool_free(pool, bytepool_alloc(pool, 100, GFP_KERNEL));
	shim_fail(SHIM_FAIL_ALLOC, 1, true);
	p = bytepool_alloc(pool, 100, GFP_KERNEL);
	EXPECT(p && !shim_failed());
	EXPECT(!bytepool_alloc(pool, 100, GFP_ATOMIC) && !bytepool_zalloc(pool, 7, GFP_NOWAIT));
	EXPECT(!bytepool_alloc_bulk(pool, 100, GFP_NOWAIT, 4, blocks));
	EXPECT(stats().failures == 3 && shim_failed() == 3);
	*shim_debugfs_bool("fail_bytepool/ignore-gfp-wait") = false;
	EXPECT(!bytepool_alloc(pool, 100, GFP_KERNEL));
	bytepool_free(pool, p);
	p = bytepool_alloc(pool, 100, GFP_KERNEL | __GFP_NOFAIL);
	EXPECT(p);
	bytepool_free(pool, p);
	shim_fail(0, 0, false);
	EXPECT(!bytepool_reserve(pool, 100, 1, GFP_KERNEL));
	/* Who would rather wait than fail does not fail. */
	shim_fail(SHIM_FAIL_ALLOC, 1, true);
	p = bytepool_alloc(pool, 100, GFP_KERNEL);
	EXPECT(p && !bytepool_alloc(pool, 100, GFP_ATOMIC));
	EXPECT(!bytepool_alloc(pool, 0, GFP_KERNEL));
	bytepool_free(pool, p);
	shim_fail(0, 0, false);
	*shim_debugfs_bool("fail_bytepool/ignore-gfp-wait") = true;
	EXPECT(!bytepool_reserve(pool, 100, 0, GFP_KERNEL));
	pool_stop();
}

#ifdef CONFIG_KASAN_GENERIC
/* Idle blocks are not to be touched, and blocks in use are, all of them. */
static void test_kasan(void)
{
	static const unsigned int kinds[] = {
		0, BYTEPOOL_WIPE, BYTEPOOL_POISON, BYTEPOOL_TRACK, BYTEPOOL_SINGLE,
	};
	static const u32 sizes[] = { 8, 48, 4096, 20480, 65536, 1 << 20 };
	unsigned int i, j, k;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct bytepool_params params = { .flags = kinds[i] };

		pool_start(&params);
		for (j = 0; j < ARRAY_SIZE(sizes); j++) {
			void *p[5], *q;

			q = bytepool_alloc(pool, sizes[j], GFP_KERNEL);
			EXPECT(!__asan_region_is_poisoned(q, sizes[j]));
			bytepool_free(pool, q);
			EXPECT(bytepool_alloc_bulk(pool, sizes[j], GFP_KERNEL, 5, p) == 5);
			for (k = 0; k < 5; k++)
				EXPECT(!__asan_region_is_poisoned(p[k], sizes[j]));
			bytepool_free_bulk(pool, 5, p);
			for (k = 0; k < 5; k++)
				EXPECT(__asan_address_is_poisoned(p[k]) &&
				       __asan_address_is_poisoned(p[k] + sizes[j] - 1));
		}
		bytepool_trim(pool);
		pool_stop();
	}
}
#endif

/* Tracepoints */

static char traced[4][256];
static unsigned int nr_traced;

static void note_traced(const char *event, const char *text)
{
	if (nr_traced < ARRAY_SIZE(traced))
		snprintf(traced[nr_traced], sizeof(traced[0]), "%s: %s", event, text);
	nr_traced++;
}

static bool traced_is(const char *text, const char *begin, const char *words)
{
	return !begin || (!strncmp(text, begin, strlen(begin)) && strstr(text, words));
}

/* Whether these, and no others, were traced since, each with such words in it. */
static bool traced_were(const char *first, const char *first_words, const char *second,
			const char *second_words)
{
	unsigned int nr = nr_traced, expected = !!first + !!second;

	nr_traced = 0;
	return nr == expected &&
	       traced_is(traced[0], first, first_words) &&
	       traced_is(traced[1], second, second_words);
}

static void test_traced(void)
{
	void *p, *blocks[2];

	pool_start(NULL);
	shim_exact_node = true;
	shim_trace_hook = note_traced;
	nr_traced = 0;
	p = bytepool_alloc(pool, 5000, GFP_KERNEL);
	EXPECT(traced_were("grow: pool=basic class=5120 ", "blocks=1 bytes=8192 node=0 gfp=some",
			   "alloc: pool=basic size=5000 class=5120 ", " miss caller="));
	bytepool_free(pool, p);
	EXPECT(traced_were("free: pool=basic class=5120 ", "caller=", NULL, NULL));
	p = bytepool_alloc(pool, 5120, GFP_ATOMIC);
	EXPECT(traced_were("alloc: pool=basic size=5120 class=5120 ", " hit ", NULL, NULL));
	bytepool_free(pool, p);
	EXPECT(traced_were("free: ", "", NULL, NULL));
	bytepool_free(pool, p);
	EXPECT(traced_were("bad_free: pool=basic ", "why=\"", NULL, NULL));
	EXPECT(!bytepool_alloc(pool, SZ_1G, GFP_KERNEL));
	EXPECT(traced_were("alloc: pool=basic size=1073741824 class=0 ", " failed ", NULL, NULL));
	shim_clock_advance(HZ);
	bytepool_trim(pool);
	EXPECT(traced_were("shrink: pool=basic class=5120 blocks=1 bytes=8192 ", "age_ms=1000",
			   "gc: pool=basic why=trim ", "blocks=1 bytes=8192 held=0"));

	EXPECT(bytepool_alloc_bulk(pool, SZ_64K, GFP_KERNEL, 2, blocks) == 2 && nr_traced == 4);
	EXPECT(strstr(traced[3], " miss "));
	nr_traced = 0;
	bytepool_free_bulk(pool, 2, blocks);
	EXPECT(traced_were("free: ", "class=65536", "free: ", "class=65536"));
	EXPECT(bytepool_alloc_bulk(pool, SZ_64K, GFP_KERNEL, 2, blocks) == 2);
	EXPECT(traced_were("alloc: ", " hit ", "alloc: ", " hit "));
	bytepool_free_bulk(pool, 2, blocks);
	EXPECT(traced_were("free: ", "class=65536", "free: ", "class=65536"));
	EXPECT(shim_shrink(16) == 16);
	EXPECT(traced_were("shrink: ", "bytes=65536", "gc: ", "why=pressure blocks=1 bytes=65536"));
	shim_clock_advance(msecs_to_jiffies(400000));
	EXPECT(traced_were("shrink: ", "bytes=65536", "gc: ", "why=age blocks=1 bytes=65536"));
	shim_trace_hook = NULL;
	shim_exact_node = false;
	test_expect_warnings(1);
	pool_stop();
}

/* A caller's mistakes: so many stack traces as were promised, and no more. */
static void test_mistakes(void)
{
	void *blocks[2];

	test_module_start();
	EXPECT(!bytepool_alloc(NULL, 8, GFP_KERNEL));
	EXPECT(!bytepool_zalloc(ERR_PTR(-ENOMEM), 8, GFP_KERNEL));
	EXPECT(!bytepool_alloc_bulk(NULL, 8, GFP_KERNEL, 2, blocks));
	EXPECT(!bytepool_alloc_node(ERR_PTR(-EINVAL), 8, GFP_KERNEL, 0));
	EXPECT(!bytepool_alloc(bytepool_system, 0, GFP_KERNEL));
	EXPECT(!bytepool_alloc(bytepool_system, 8, GFP_DMA));
	EXPECT(bytepool_reserve(NULL, 8, 1, GFP_KERNEL) == -EINVAL);
	test_expect_warnings(0);
	test_module_stop();
}

static const struct test tests[] = {
	{ "POISON: a write after free", test_poison },
	{ "POISON: in a slab that nobody has had, or that goes", test_poison_slab },
	{ "POISON and WIPE", test_poison_wipe },
	{ "TRACK: who leaks", test_track },
	{ "TRACK: many who leak", test_track_many },
	{ "TRACK and POISON", test_track_poison },
	{ "a stale free amid an allocation", test_stale_free },
	{ "debugfs: classes", test_debugfs_classes },
	{ "debugfs: blocks", test_debugfs_blocks },
	{ "debugfs is not needed", test_debugfs_fails },
	{ "shrinker: the oldest first", test_shrink_order },
	{ "shrinker: the oldest first in caches and depots", test_shrink_among },
	{ "shrinker: what it may take", test_shrink_bounds },
	{ "shrinker: large slabs beside a reserve", test_shrink_reserve },
	{ "shrinker: small blocks", test_shrink_small },
	{ "shrinker: not of a SINGLE pool", test_shrink_single },
	{ "shrinker: amid the pool's own calls", test_shrink_nested },
	{ "shrinker: while caches are being emptied", test_shrink_during_trim },
	{ "shrinker: a trim waits for it", test_shrink_before_trim },
	{ "shrinker: an alloc at the limit waits for it", test_shrink_before_alloc },
	{ "shrinker: two at once", test_shrink_in_time },
	{ "shrinker: what is younger than what is in caches", test_shrink_younger },
	{ "shrinker: after somebody else had the lock", test_shrink_after_reserve },
	{ "a trim amid what others do", test_trim_amid },
	{ "GC: what has expired is for no cache", test_expired_stays },
	{ "GC: what is freed during its grace period", test_freed_meanwhile },
	{ "GC: what expires during its grace period", test_expiring },
	{ "idle for longer than jiffies can tell", test_idle_for_ages },
	{ "older, if idle for longer than jiffies can tell", test_older_by_ages },
	{ "a slab with a block that lives as long", test_long_lived },
	{ "idle that long, and to be taken only now", test_old_at_once },
	{ "room that others take", test_room_taken },
	{ "room that others take after a shortage", test_room_taken_late },
	{ "room that others take again and again", test_room_taken_again },
	{ "a CPU dies", test_cpu_dies },
	{ "a CPU dies amid a trim", test_cpu_dies_amid },
	{ "fail_bytepool", test_fault },
#ifdef CONFIG_KASAN_GENERIC
	{ "KASAN", test_kasan },
#endif
	{ "tracepoints", test_traced },
	{ "mistakes that are no bad frees", test_mistakes },
};

int main(void)
{
	shim_cpu_enter(0);
	shim_virtual_clock = true;
	return test_main(tests, ARRAY_SIZE(tests));
}
