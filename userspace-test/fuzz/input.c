// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bytes of an input, and what they mean as a size, a gfp or a fault.
 */
#include "calls.h"

#define SIZE_MAX_LARGE	SZ_8M

static const u8 *input;
static size_t input_left;

void input_set(const u8 *data, size_t size)
{
	input = data;
	input_left = size;
}

bool record_read(void *record)
{
	if (input_left < RECORD)
		return false;
	memcpy(record, input, RECORD);
	input += RECORD;
	input_left -= RECORD;
	return true;
}

/* Read the bytes that are left, up to @most. */
size_t text_read(char *text, size_t most)
{
	size_t len = min(most, input_left);

	memcpy(text, input, len);
	text[len] = '\0';
	input += len;
	input_left -= len;
	return len;
}

/* Return a size from 0 to 8 MiB: any small one, or a power of two with its neighbours. */
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

/* Limit the size to those of the pool. */
u32 size_in(const struct model_pool *pool, u16 arg)
{
	return clamp(size_of(arg), 1U, min_t(u32, pool->sizes.max, SIZE_MAX_LARGE));
}

gfp_t gfp_of(u8 how)
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

void faults_set(u8 fault)
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
