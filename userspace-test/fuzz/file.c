// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of sysfs and debugfs, read and written.
 */
#include <stdio.h>
#include <stdlib.h>

#include "calls.h"

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

/* Return the expected result of a write, 0 or -errno, and let the model follow. */
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

void call_write(struct model_pool *pool, const struct record *record)
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

void call_read(struct model_pool *pool, const struct record *record)
{
	static const char * const files[] = {
		"bytes_held", "bytes_in_use", "bytes_idle", "bytes_overhead",
		"blocks_in_use", "blocks_idle", "allocs", "frees", "hits", "misses", "failures",
		"bad_frees", "gc_runs", "reclaimed_blocks", "reclaimed_bytes",
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

void call_debugfs(struct model_pool *pool)
{
	static char text[256 * (IN_USE_MAX + 2 * BULK_MAX + 1)];
	char path[128];
	ssize_t len;

	/* A slab that is not in the table yet is not listed. */
	shim_fail(0, 0, false);
	model_time(2);
	snprintf(path, sizeof(path), "bytepool/%s/classes", pool->name);
	CHECK(shim_debugfs_read(path, text, sizeof(text)) > 0);
	snprintf(path, sizeof(path), "bytepool/%s/blocks", pool->name);
	len = shim_debugfs_read(path, text, sizeof(text));
	if (!(pool->flags & BYTEPOOL_TRACK))
		CHECK(len == -ENOENT);
	/* A walk that started again lists some blocks twice. */
	else
		CHECK(len > 0 && text_lines(text) > pool->nr_in_use);
}
