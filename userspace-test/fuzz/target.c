// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fuzz target. Its input is a list of records of eight bytes. A record is a call,
 * with the CPU that makes it, its interruptions and its failures. The model checks each
 * call. A random sequence decides everything that the record leaves open. The seed of the
 * sequence is in the record.
 *
 * Each input starts and ends without a pool, without memory from the system and without
 * pending work. The first record sets up the system instead of a call.
 */
#include <stdio.h>
#include <stdlib.h>

#include "calls.h"

static struct shim_usage usage_before;
static unsigned long warnings_before;

/* ASan keeps enough freed memory in quarantine to find late accesses. */
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=4:malloc_context_size=5:allocator_release_to_os_interval_ms=-1";
}

/* A digest of the run. It is the same for the same input. */
u64 fuzz_trace;

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

/* Let some passes of the GC go by, or a whole timeout. */
static void call_long_time(const struct record *record)
{
	unsigned int interval = msecs_to_jiffies(interval_ms);

	shim_fail(0, 0, false);
	model_time(record->how & 1 ? record->arg % (4 * interval) :
				     min(msecs_to_jiffies(global_timeout_ms), 16UL * interval));
}

/* Return true if the call of the record is about blocks, and make it. */
static bool call_blocks(struct model_pool *pool, const struct record *record)
{
	switch (record->call % CALL_MAX) {
	case CALL_ALLOC:
		call_alloc(pool, record, 1);
		return true;
	case CALL_ALLOC_MANY:
		call_alloc(pool, record, 2 + record->seed % 64);
		return true;
	case CALL_FREE:
		call_free(pool, record);
		return true;
	case CALL_BULK:
		call_bulk(pool, record);
		return true;
	case CALL_FREE_BULK:
		model_free_bulk(pool, 1 + record->how % BULK_MAX);
		return true;
	case CALL_BAD_FREE:
		call_bad_free(pool, record);
		return true;
	case CALL_FREE_TWICE:
		model_free_bulk_twice(pool, 1 + record->how % (BULK_MAX / 2));
		return true;
	case CALL_FREE_RACE:
		if (pool->nr_in_use)
			model_free_race(block_of(pool, record->arg), 1 + record->how % 64);
		return true;
	case CALL_USABLE_SIZE:
		in_use(pool, record->arg, model_usable_size);
		return true;
	case CALL_STALE_WRITE:
		call_stale_write(pool, record);
		return true;
	case CALL_REUSE:
		shim_migrate_odds = 0;
		in_use(pool, record->arg, model_reuse);
		return true;
	}
	return false;
}

static void call_pool(struct model_pool *pool, const struct record *record)
{
	switch (record->call % CALL_MAX) {
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
	/* No event comes in while a pool is created or destroyed. */
	if (call == CALL_DESTROY || call == CALL_CREATE || !pool->pool)
		countdown = 0;
	model_step(record->where % CPUS, countdown);
	faults_set(record->fault);
	shim_migrate_odds = countdown ? migrate_odds : 0;
	if (call == CALL_CREATE)
		call_create(pool);
	else if (!pool->pool)
		pool_create_usual(pool, record->arg);
	else if (!call_blocks(pool, record))
		call_pool(pool, record);
	model_calm();
	shim_fail(0, 0, false);
	shim_migrate_odds = 0;
	if (pool->pool)
		model_check_stats(pool);
	fuzz_trace = (fuzz_trace ^ shim_random() ^ pool->held) * GOLDEN_RATIO_64;
	op = (struct op){};
}

/* Unload and load the module. A step of loading may fail. */
static void restart(unsigned int nth)
{
	struct shim_usage usage;
	int err;

	shim_module_exit();
	model_buried = 0;
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
	/* Start with a CPU on which nothing is pending. */
	shim_cpu_exit();
	shim_cpu_enter(0);
	/* Without pending work, the clock may be set back. */
	shim_clock_advance(-2000UL - jiffies);
	model_begin();
	global_changed = jiffies;
	names_begin();
	fuzz_trace = 0;
	warnings_before = shim_warnings();
	expected_warnings = 0;
	input_set(data, size);
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
	CHECK(usage.kmallocs == usage_before.kmallocs + model_buried);
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
	/* Exhaust the warnings that come only once, or at a limited rate. */
	bytepool_alloc(NULL, 8, GFP_KERNEL);
	for (i = 0; i <= DEFAULT_RATELIMIT_BURST; i++) {
		bytepool_free(NULL, &unknown);
		bytepool_free_any(&unknown);
	}
	usage_before = shim_usage();
	return 0;
}
