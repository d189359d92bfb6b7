// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fuzz target: its input is a list of records of eight bytes, each a call, with
 * where it is made, what interrupts it and what fails meanwhile. The model checks
 * all of them. What a call leaves open, a random sequence decides whose seed is
 * in the record.
 *
 * Each input starts and ends with no pool, nothing taken from the system and no
 * work pending; the first record tells of the system rather than a call.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "model/model.h"

#define RECORD		8
#define FUZZ_POOLS	3
#define SIZE_MAX_LARGE	SZ_8M
#define BULK_SIZE_MAX	8192
#define CLASSES_MAX	1024

/**
 * struct record - a call
 * @call: which
 * @where: bits 0-1 the CPU; the rest, modulo, the pool
 * @countdown: from 128 on: after so many points something else happens
 * @fault: from 128 on: see faults_set()
 * @arg: mostly a size
 * @how: of the call's own
 * @seed: of all that is left open
 */
struct record {
	u8 call;
	u8 where;
	u8 countdown;
	u8 fault;
	u16 arg;
	u8 how;
	u8 seed;
};

static_assert(sizeof(struct record) == RECORD, "as it is read");

static const u8 *input;
static size_t input_left;
static struct shim_usage usage_before;
static unsigned long warnings_before;
static unsigned long names;

/* What happened: the same for the same input. */
u64 fuzz_trace;

static bool record_read(void *record)
{
	if (input_left < RECORD)
		return false;
	memcpy(record, input, RECORD);
	input += RECORD;
	input_left -= RECORD;
	return true;
}

/* What is at hand, up to @most bytes. */
static size_t text_read(char *text, size_t most)
{
	size_t len = min(most, input_left);

	memcpy(text, input, len);
	text[len] = '\0';
	input += len;
	input_left -= len;
	return len;
}

/* 0 to 8 MiB, each small one, and each power of two with its neighbours. */
static u32 size_of(u16 arg)
{
	u32 size = arg & 0xfff;

	switch (arg >> 12) {
	case 0 ... 7:
		return size;
	case 8 ... 10:
		return (1 << size % 18) + (size >> 5) % 17 - 8;
	case 11:
		return (1 << size % 24) + (size >> 5) % 17 - 8;
	default:
		return size << (arg >> 12) % 12;
	}
}

/* The same, but one that the pool has. */
static u32 size_in(const struct model_pool *pool, u16 arg)
{
	return clamp(size_of(arg), 1U, min_t(u32, pool->sizes.max, SIZE_MAX_LARGE));
}

static gfp_t gfp_of(u8 how)
{
	static const gfp_t bases[] = {
		GFP_KERNEL, GFP_ATOMIC, GFP_NOWAIT, GFP_NOFS, GFP_NOIO, 0, GFP_KERNEL_ACCOUNT,
		GFP_KERNEL | __GFP_NORETRY, GFP_KERNEL | __GFP_RETRY_MAYFAIL,
		GFP_ATOMIC | __GFP_NOMEMALLOC, GFP_KERNEL | __GFP_COMP, GFP_KERNEL | __GFP_HIGHMEM,
		GFP_ATOMIC | __GFP_MEMALLOC, GFP_KERNEL | __GFP_HARDWALL,
	};
	gfp_t gfp = bases[(how & 15) % ARRAY_SIZE(bases)];

	if (how & 16)
		gfp |= __GFP_ZERO;
	if (how & 32)
		gfp |= __GFP_NOWARN;
	if ((how & 192) == 192)
		gfp |= __GFP_THISNODE;
	return gfp;
}

static void faults_set(u8 fault)
{
	unsigned int kind = fault & 7;
	unsigned int mask = kind < 5 ? BIT(kind) : SHIM_FAIL_ANY;
	unsigned int nth = 1 + (fault >> 3 & 3);

	if (fault < 128)
		shim_fail(0, 0, false);
	else if (fault & 64)
		shim_fail_odds(mask, 1 + nth);
	else
		shim_fail(mask, nth, fault & 32);
}

/* Of what was freed, enough is kept apart to find who looks at it later. */
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=4:malloc_context_size=5:allocator_release_to_os_interval_ms=-1";
}

/* Pools */

static u32 param_size(u8 code)
{
	switch (code) {
	case 0 ... 127:
		return code * 8;
	case 128 ... 191:
		return 8U << (code - 128) / 2;
	default:
		return (code - 192) * 24 + code % 8;
	}
}

static bool name_allowed(const char *name)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t len = strlen(name);

	return len && len <= 63 && strspn(name, allowed) == len && strcmp(name, ".") &&
	       strcmp(name, "..");
}

static bool name_used(const char *name)
{
	unsigned int i;

	for (i = 0; i < POOLS; i++) {
		if (pools[i].pool && !strcmp(pools[i].name, name))
			return true;
	}
	return !strcmp(name, "system");
}

/* As bytepool.h has them. */
static bool params_allowed(const struct bytepool_params *params)
{
	size_t min = params->min_size ?: 8, max = params->max_size ?: SZ_4M;

	return !(min % 8 || max % 8 || params->step % 8) && min <= max && max <= SZ_1G &&
	       params->step <= SZ_1G && !(params->flags & ~31U) &&
	       !(params->step && DIV_ROUND_UP_ULL(max - min, params->step) >= 1048576);
}

/* Many classes and large blocks only take time. */
static void params_tame(struct bytepool_params *params)
{
	size_t min, max;

	if (!params_allowed(params))
		return;
	params->min_size = min_t(size_t, params->min_size, SZ_1M);
	params->step = min_t(size_t, params->step, SZ_8M);
	min = params->min_size ?: 8;
	max = params->max_size ?: SZ_4M;
	if (params->step && (max - min) / params->step > CLASSES_MAX)
		params->step = ALIGN((max - min) / CLASSES_MAX, 8);
}

static void name_make(char *name, u8 how)
{
	switch (how) {
	case 0 ... 191:
		sprintf(name, "fuzz-%lu", ++names);
		break;
	case 192 ... 207:
		sprintf(name, "fuzz-1");
		break;
	case 208 ... 215:
		sprintf(name, "system");
		break;
	default:
		text_read(name, how % 80);
	}
}

static void pool_create(struct model_pool *pool, const char *name,
			const struct bytepool_params *params)
{
	bool used = name_used(name);
	bool allowed = name_allowed(name) && params_allowed(params);
	struct shim_usage before = shim_usage(), now;
	int err = model_create(pool, name, params);

	if (!err) {
		CHECK(allowed && !used);
		return;
	}
	now = shim_usage();
	CHECK(now.kmallocs == before.kmallocs && now.page_bytes == before.page_bytes);
	if (!allowed)
		CHECK(err == -EINVAL);
	else
		CHECK(used ? err == -EEXIST || shim_failed() : err == -ENOMEM && shim_failed());
}

static void pool_create_usual(struct model_pool *pool, u16 arg)
{
	static const struct bytepool_params kinds[] = {
		{},
		{ .max_size = 4096, .step = 8 },
		{ .max_size = 65536, .flags = BYTEPOOL_WIPE },
		{ .min_size = 64, .max_size = 1 << 20, .flags = BYTEPOOL_CONTIG },
		{ .min_size = 4096, .max_size = 4096 },
		{ .min_size = 40, .max_size = 3000, .step = 72 },
		{ .max_size = 8 << 20, .limit_bytes = 1 << 20 },
		{ .flags = BYTEPOOL_SINGLE },
		{ .max_size = 512, .flags = BYTEPOOL_SINGLE | BYTEPOOL_WIPE },
		{ .min_size = 8, .max_size = 8, .idle_timeout_ms = 20 },
		{ .max_size = 16384, .idle_timeout_ms = BYTEPOOL_TIMEOUT_NEVER },
		{ .max_size = 8192, .limit_bytes = 256 << 10 },
		{ .max_size = 65536, .flags = BYTEPOOL_POISON },
		{ .max_size = 65536, .flags = BYTEPOOL_TRACK },
		{ .max_size = 4096, .step = 8,
		  .flags = BYTEPOOL_POISON | BYTEPOOL_TRACK | BYTEPOOL_WIPE },
		{ .max_size = 4096, .flags = BYTEPOOL_SINGLE | BYTEPOOL_POISON | BYTEPOOL_TRACK },
	};
	char name[64];

	name_make(name, 0);
	pool_create(pool, name, &kinds[arg % ARRAY_SIZE(kinds)]);
}

/* What the next record says. */
static void call_create(struct model_pool *pool)
{
	static const unsigned int timeouts[] = { 0, 1, 30, 1000, UINT_MAX, UINT_MAX - 1 };
	struct bytepool_params params;
	u8 raw[RECORD];
	char name[128];

	if (!record_read(raw))
		return;
	if (pool->pool)
		model_destroy(pool, pool->nr_in_use && raw[7] & 1);
	params = (struct bytepool_params){
		.min_size = param_size(raw[0]),
		.max_size = param_size(raw[1]),
		.step = param_size(raw[2]),
		.flags = raw[3] < 240 ? raw[3] & 31 : BIT(raw[3] % 32) | (raw[3] & 7),
		.idle_timeout_ms = timeouts[raw[4] % ARRAY_SIZE(timeouts)],
		.limit_bytes = raw[5] << (raw[5] & 15),
	};
	params_tame(&params);
	name_make(name, raw[6]);
	pool_create(pool, name, &params);
}

/* Calls */

static void call_alloc(struct model_pool *pool, const struct record *record, u32 nr)
{
	u32 size = size_in(pool, record->arg);

	nr = min(nr, 1 + SZ_1M / size);
	while (nr-- && !model_full(pool))
		model_alloc(pool, size, gfp_of(record->how));
}

static struct block *block_of(const struct model_pool *pool, u16 arg)
{
	return pool->nr_in_use ? pool->in_use[arg % pool->nr_in_use] : NULL;
}

static void call_free(struct model_pool *pool, const struct record *record)
{
	u32 nr = 1 + record->how % 32;

	while (nr-- && pool->nr_in_use)
		model_free(block_of(pool, record->arg));
}

static void call_bulk(struct model_pool *pool, const struct record *record)
{
	u32 size = min_t(u32, size_in(pool, record->arg), BULK_SIZE_MAX);
	u32 nr = 1 + record->seed % BULK_MAX;

	if (pool->sizes.min > BULK_SIZE_MAX)
		nr = 1 + nr % 4;
	if (!model_full(pool))
		model_alloc_bulk(pool, size, gfp_of(record->how & 63), nr);
}

/* Whose memory an address is, if anyone's. */
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

/* Free what may be anything, unless it is a block in use. */
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

static void call_bad_free(struct model_pool *pool, const struct record *record)
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

/* Mostly one of the first: those were used, and are chained. */
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

/* What may look like a link of its slab: to itself, to another block, to none, or anywhere. */
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

static void call_stale_write(struct model_pool *pool, const struct record *record)
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

static void call_reserve(struct model_pool *pool, const struct record *record)
{
	u32 size = size_in(pool, record->arg);

	if (!model_full(pool))
		model_reserve(pool, size, size > SZ_64K ? record->how % 4 : record->how % 64);
}

/* sysfs */

static int text_number(const char *text, unsigned long most, unsigned long *value)
{
	int err = kstrtoul(text, 0, value);

	return err ?: *value > most ? -ERANGE : 0;
}

static int text_is_one(const char *text)
{
	unsigned long value;
	int err = text_number(text, UINT_MAX, &value);

	return err ?: value == 1 ? 0 : -EINVAL;
}

/* What a write is to do: 0 or -errno. The model follows. */
static int global_written(const char *file, const char *text)
{
	unsigned long value;
	int err;

	if (!strcmp(file, "trim")) {
		op.any_age = true;
		return text_is_one(text);
	}
	err = text_number(text, UINT_MAX, &value);
	if (err)
		return err;
	if (!strcmp(file, "idle_timeout_ms")) {
		if (value == UINT_MAX)
			return -ERANGE;
		global_timeout_ms = value;
	} else {
		if (value < 10 || value > 3600000)
			return -ERANGE;
		interval_ms = value;
	}
	global_changed = jiffies;
	return 0;
}

static int timeout_written(struct model_pool *pool, const char *text)
{
	unsigned long value = 0;
	int err = 0;

	if (!sysfs_streq(text, "default")) {
		err = text_number(text, UINT_MAX, &value);
		if (!err && value == UINT_MAX)
			err = -ERANGE;
		value = value ?: BYTEPOOL_TIMEOUT_NEVER;
	}
	if (!err) {
		pool->timeout_ms = value;
		pool->changed = jiffies;
	}
	return err;
}

static int pool_written(struct model_pool *pool, const char *file, const char *text)
{
	unsigned long value;
	int err;

	if (!strcmp(file, "idle_timeout_ms"))
		return timeout_written(pool, text);
	if (!strcmp(file, "limit_bytes")) {
		op.any_age = true;
		err = text_number(text, ULONG_MAX, &value);
		if (!err)
			pool->limit = value;
		return err;
	}
	op.any_age = !strcmp(file, "trim");
	return text_is_one(text) ?: pool->flags & BYTEPOOL_SINGLE ? -EOPNOTSUPP : 0;
}

static void call_write(struct model_pool *pool, const struct record *record)
{
	static const char * const global_files[] = { "idle_timeout_ms", "gc_interval_ms", "trim" };
	static const char * const pool_files[] = { "idle_timeout_ms", "limit_bytes", "gc", "trim" };
	static const char * const texts[] = {
		"0", "1", "1\n", "default", "default\n", "10", "9", "3600000", "3600001",
		"4294967295", "4294967294", "4294967296", "18446744073709551615",
		"18446744073709551616", "-1", "+1", "0x10\n", "010", "", "\n", " 1", "1 ", "1\n\n",
		"100000", "1000000", "20", "1000",
	};
	bool global = record->how & 1;
	const char *file = global ? global_files[record->arg % 3] : pool_files[record->arg & 3];
	struct op outer;
	char path[128], text[64];
	int err;

	model_calm();
	snprintf(path, sizeof(path), "bytepool/%s%s/%s", global ? "" : "pools/",
		 global ? "" : pool->name, file);
	if (record->how & 2)
		text_read(text, record->seed % 16);
	else
		snprintf(text, sizeof(text), "%s", texts[record->seed % ARRAY_SIZE(texts)]);
	outer = model_op_begin(global ? NULL : pool, 0);
	err = global ? global_written(file, text) : pool_written(pool, file, text);
	CHECK(shim_sysfs_write(path, text) == (err ?: (ssize_t)strlen(text)));
	op = outer;
}

static void read_number(const char *path, u64 value)
{
	char text[4096];

	CHECK(shim_sysfs_read(path, text) > 0);
	CHECK(strtoull(text, NULL, 0) == value);
}

static void call_read(struct model_pool *pool, const struct record *record)
{
	static const char * const files[] = {
		"bytes_held", "bytes_in_use", "bytes_idle", "blocks_in_use", "blocks_idle",
		"allocs", "frees", "hits", "misses", "failures", "bad_frees", "gc_runs",
		"reclaimed_blocks", "reclaimed_bytes",
	};
	struct bytepool_stats stats;
	char path[128], text[4096];
	unsigned int nr = record->arg % 20;
	u64 held = 0;

	model_calm();
	stats = test_stats(pool->pool);
	if (nr < ARRAY_SIZE(files)) {
		snprintf(path, sizeof(path), "bytepool/pools/%s/stats/%s", pool->name, files[nr]);
		read_number(path, ((u64 *)&stats)[nr]);
		return;
	}
	snprintf(path, sizeof(path), "bytepool/pools/%s/%s", pool->name,
		 nr == 14 ? "limit_bytes" : nr == 15 ? "flags" : nr == 16 ? "max_size" :
		 nr == 17 ? "min_size" : nr == 18 ? "nr_classes" : "idle_timeout_ms");
	if (nr < 19) {
		read_number(path, nr == 14 ? pool->limit : nr == 15 ? pool->flags :
				  nr == 16 ? pool->sizes.max : nr == 17 ? pool->sizes.min :
				  pool->sizes.nr);
		return;
	}
	CHECK(shim_sysfs_read(path, text) > 0);
	CHECK(pool->timeout_ms ? isdigit((unsigned char)*text) : !strcmp(text, "default\n"));
	read_number("bytepool/idle_timeout_ms", global_timeout_ms);
	read_number("bytepool/gc_interval_ms", interval_ms);
	for (nr = 0; nr < POOLS; nr++)
		held += pools[nr].held;
	read_number("bytepool/bytes_held", held);
	CHECK(shim_sysfs_read("bytepool/trim", text) == -EACCES);
}

static void call_debugfs(struct model_pool *pool)
{
	static char text[256 * (IN_USE_MAX + 2 * BULK_MAX + 1)];
	char path[128];
	ssize_t len;

	/* A slab that is not in the table yet is not shown. */
	shim_fail(0, 0, false);
	model_time(2);
	snprintf(path, sizeof(path), "bytepool/%s/classes", pool->name);
	CHECK(shim_debugfs_read(path, text, sizeof(text)) > 0);
	snprintf(path, sizeof(path), "bytepool/%s/blocks", pool->name);
	len = shim_debugfs_read(path, text, sizeof(text));
	if (!(pool->flags & BYTEPOOL_TRACK))
		CHECK(len == -ENOENT);
	/* A walk that began anew shows some twice. */
	else
		CHECK(len > 0 && text_lines(text) > pool->nr_in_use);
}

/* Some passes of the GC, or as long as it takes to age. */
static void call_long_time(const struct record *record)
{
	unsigned int interval = msecs_to_jiffies(interval_ms);

	shim_fail(0, 0, false);
	model_time(record->how & 1 ? record->arg % (4 * interval) :
				     min(msecs_to_jiffies(global_timeout_ms), 16UL * interval));
}

/* Records */

enum call {
	CALL_ALLOC,
	CALL_ALLOC_MANY,
	CALL_FREE,
	CALL_BULK,
	CALL_FREE_BULK,
	CALL_BAD_FREE,
	CALL_FREE_TWICE,
	CALL_FREE_RACE,
	CALL_USABLE_SIZE,
	CALL_RESERVE,
	CALL_GC,
	CALL_TRIM,
	CALL_TIME,
	CALL_LONG_TIME,
	CALL_WRITE,
	CALL_READ,
	CALL_STALE_WRITE,
	CALL_REUSE,
	CALL_OUT_OF_RANGE,
	CALL_DESTROY,
	CALL_CREATE,
	CALL_SHRINK,
	CALL_CPU_DIES,
	CALL_DEBUGFS,
	CALL_MAX,
};

static void in_use(struct model_pool *pool, u16 arg, void (*fn)(struct block *block))
{
	struct block *block = block_of(pool, arg);

	if (block)
		fn(block);
}

static void call_pool(struct model_pool *pool, const struct record *record)
{
	switch (record->call % CALL_MAX) {
	case CALL_ALLOC:
		call_alloc(pool, record, 1);
		break;
	case CALL_ALLOC_MANY:
		call_alloc(pool, record, 2 + record->seed % 64);
		break;
	case CALL_FREE:
		call_free(pool, record);
		break;
	case CALL_BULK:
		call_bulk(pool, record);
		break;
	case CALL_FREE_BULK:
		model_free_bulk(pool, 1 + record->how % BULK_MAX);
		break;
	case CALL_BAD_FREE:
		call_bad_free(pool, record);
		break;
	case CALL_FREE_TWICE:
		model_free_bulk_twice(pool, 1 + record->how % (BULK_MAX / 2));
		break;
	case CALL_FREE_RACE:
		if (pool->nr_in_use)
			model_free_race(block_of(pool, record->arg), 1 + record->how % 64);
		break;
	case CALL_USABLE_SIZE:
		in_use(pool, record->arg, model_usable_size);
		break;
	case CALL_RESERVE:
		call_reserve(pool, record);
		break;
	case CALL_GC:
		model_gc(pool);
		break;
	case CALL_TRIM:
		model_trim(pool);
		break;
	case CALL_TIME:
		model_time(record->how % 32);
		break;
	case CALL_LONG_TIME:
		call_long_time(record);
		break;
	case CALL_WRITE:
		call_write(pool, record);
		break;
	case CALL_READ:
		call_read(pool, record);
		break;
	case CALL_STALE_WRITE:
		call_stale_write(pool, record);
		break;
	case CALL_REUSE:
		shim_migrate_odds = 0;
		in_use(pool, record->arg, model_reuse);
		break;
	case CALL_OUT_OF_RANGE:
		model_out_of_range(pool);
		break;
	case CALL_SHRINK:
		model_shrink(record->how & 1 ? 1UL << 30 : 1UL + record->arg % 1024);
		break;
	case CALL_CPU_DIES:
		model_cpu_dies();
		break;
	case CALL_DEBUGFS:
		call_debugfs(pool);
		break;
	case CALL_DESTROY:
		model_destroy(pool, pool->nr_in_use && record->how & 1);
		break;
	}
}

static void record_tell(const struct record *record)
{
	static const char * const names[] = {
		"alloc", "alloc many", "free", "bulk", "free bulk", "bad free", "free twice",
		"free race", "usable size", "reserve", "gc", "trim", "time", "long time", "write",
		"read", "stale write", "reuse", "out of range", "destroy", "create", "shrink",
		"cpu dies", "debugfs",
	};

	static_assert(ARRAY_SIZE(names) == CALL_MAX, "one each");
	printf("# step %lu, jiffies %ld: %s, where %u, countdown %u,", step, (long)jiffies,
	       names[record->call % CALL_MAX], record->where, record->countdown);
	printf(" fault %#x, arg %#x, how %#x, seed %#x\n", record->fault, record->arg, record->how,
	       record->seed);
}

static void one_record(const struct record *record, unsigned int migrate_odds)
{
	struct model_pool *pool = &pools[(record->where >> 2) % FUZZ_POOLS];
	unsigned int countdown = record->countdown < 128 ? 0 : record->countdown - 127;
	unsigned int call = record->call % CALL_MAX;

	if (shim_verbose)
		record_tell(record);
	shim_random_seed(record->seed);
	/* Whoever makes pools or ends them is alone with them. */
	if (call == CALL_DESTROY || call == CALL_CREATE || !pool->pool)
		countdown = 0;
	model_step(record->where % CPUS, countdown);
	faults_set(record->fault);
	shim_migrate_odds = countdown ? migrate_odds : 0;
	if (call == CALL_CREATE)
		call_create(pool);
	else if (!pool->pool)
		pool_create_usual(pool, record->arg);
	else
		call_pool(pool, record);
	model_calm();
	shim_fail(0, 0, false);
	shim_migrate_odds = 0;
	if (pool->pool)
		model_check_stats(pool);
	fuzz_trace = (fuzz_trace ^ shim_random() ^ pool->held) * GOLDEN_RATIO_64;
	op = (struct op){};
}

/* The module goes and comes; what it needs may fail. */
static void restart(unsigned int nth)
{
	struct shim_usage usage;
	int err;

	shim_module_exit();
	usage = shim_usage();
	CHECK(!usage.kmallocs && !usage.page_bytes);
	shim_fail(SHIM_FAIL_ANY, nth, false);
	err = shim_module_init();
	CHECK(!err || (err == -ENOMEM && shim_failed()));
	shim_fail(0, 0, false);
	if (err) {
		usage = shim_usage();
		CHECK(!usage.kmallocs && !usage.page_bytes);
		err = shim_module_init();
		CHECK(!err);
	}
}

static void system_set(const u8 *kind)
{
	int node = kind[0] >> 2 & 7;

	shim_random_seed(kind[7]);
	shim_init_on_alloc = (kind[0] & 0xc1) == 0xc1;
	shim_exact_node = kind[0] & 2;
	shim_full_node = node == 4 || node == 5 ? node & 1 : NUMA_NO_NODE;
	shim_bare_node = node == 6 || node == 7 ? node & 1 : NUMA_NO_NODE;
	if (kind[1] >= 240)
		restart(1 + kind[1] % 16);
}

static void input_begin(const u8 *data, size_t size)
{
	/* Nothing is pending there any more. */
	shim_cpu_exit();
	shim_cpu_enter(0);
	/* No work is pending: the clock may as well go back. */
	shim_clock_advance(-2000UL - jiffies);
	model_begin();
	global_changed = jiffies;
	names = 0;
	fuzz_trace = 0;
	warnings_before = shim_warnings();
	expected_warnings = 0;
	input = data;
	input_left = size;
}

static void input_end(void)
{
	struct shim_usage usage;
	unsigned int i;

	shim_grace_hook = NULL;
	for (i = 0; i < POOLS; i++) {
		if (pools[i].pool)
			model_destroy(&pools[i], false);
	}
	for (i = 0; i < 4 && shim_works_pending(); i++)
		shim_clock_advance(1 + msecs_to_jiffies(interval_ms));
	CHECK(!shim_works_pending());
	CHECK(!bytepool_trim(bytepool_system) && !bytepool_size(bytepool_system));
	usage = shim_usage();
	CHECK(usage.kmallocs == usage_before.kmallocs);
	CHECK(usage.page_bytes == usage_before.page_bytes);
	CHECK(shim_warnings() - warnings_before == expected_warnings);
	fuzz_arena_reset();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct record record;
	u8 kind[RECORD];

	input_begin(data, size);
	if (record_read(kind)) {
		system_set(kind);
		for (step = 0; record_read(&record); step++)
			one_record(&record, kind[2] & 1 ? 8 : 0);
	}
	input_end();
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char unknown;
	unsigned int i;

	(void)argc;
	(void)argv;
	shim_verbose = getenv("VERBOSE");
	shim_cpu_enter(0);
	fuzz_arena_init();
	model_begin();
	test_module_start();
	/* What is warned about once, or so many times, is over. */
	bytepool_alloc(NULL, 8, GFP_KERNEL);
	for (i = 0; i <= DEFAULT_RATELIMIT_BURST; i++) {
		bytepool_free(NULL, &unknown);
		bytepool_free_any(&unknown);
	}
	usage_before = shim_usage();
	return 0;
}
