// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools with any name and any parameters, also ones that are refused.
 */
#include <stdio.h>

#include "calls.h"

#define CLASSES_MAX	1024

static unsigned long names;

void names_begin(void)
{
	names = 0;
}

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

/* Return true if the parameters are valid according to bytepool.h. */
static bool params_allowed(const struct bytepool_params *params)
{
	size_t min = params->min_size ?: 8, max = params->max_size ?: SZ_4M;

	return !(min % 8 || max % 8 || params->step % 8) && min <= max && max <= SZ_1G &&
	       params->step <= SZ_1G && !(params->flags & ~31U) &&
	       !(params->step && DIV_ROUND_UP_ULL(max - min, params->step) >= 1048576);
}

/* Limit the number of classes and the size of blocks, which only take time. */
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

void pool_create_usual(struct model_pool *pool, u16 arg)
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

/* Create a pool with the parameters in the next record. */
void call_create(struct model_pool *pool)
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
