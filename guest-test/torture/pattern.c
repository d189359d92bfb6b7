// SPDX-License-Identifier: GPL-2.0-only
/*
 * The content that an owner writes into its block
 *
 * Each word contains its own address, the pool, the owner and the number of the allocation.
 * Every other word contains the size, too. A word of another owner is noticed, and names that
 * owner.
 *
 *	63 ... 58  57 ... 50  49 ... 32             31 ... 0
 *	pool       owner      allocation (^ size)   address of the word
 */
#include <linux/math.h>
#include <linux/minmax.h>

#include "pattern.h"
#include "report.h"

#define SAMPLES	4U	/* words written to in a block that is not dense */

u32 parcel_id(unsigned int pool, u8 owner, u32 seq)
{
	return pool << 26 | owner << 18 | (seq & 0x3ffff);
}

static __always_inline u64 pattern_word(const u64 *at, u32 id, u32 size)
{
	u32 address = (unsigned long)at;

	return (u64)(address & 8 ? id ^ size : id) << 32 | address;
}

/*
 * The distance of the words to write and check: all words if the parcel is dense, and samples
 * otherwise, always with the first and the last word. The stride is an odd number of words, so
 * that the samples have words with the size and words without it.
 */
static __always_inline size_t word_stride(size_t size, bool dense)
{
	return dense ? sizeof(u64) : round_down(size / SAMPLES, 16) + sizeof(u64);
}

static __always_inline const void *word_last(const void *block, size_t size)
{
	return block + size - sizeof(u64);
}

static __always_inline void *word_next(const void *at, const void *last, size_t stride)
{
	return at < last ? (void *)min(at + stride, last) : NULL;
}

void pattern_fill(const struct parcel *parcel)
{
	const void *last = word_last(parcel->block, parcel->size);
	size_t stride = word_stride(parcel->size, parcel->dense);
	u32 size = parcel->size;
	u32 id = parcel->id;
	u64 *at;

	for (at = parcel->block; at; at = word_next(at, last, stride))
		*at = pattern_word(at, id, size);
}

static void pattern_wrong(const struct parcel *parcel, const u64 *at,
			  const struct torture_pool *tp)
{
	u64 expected = pattern_word(at, parcel->id, parcel->size);
	u64 found = *at;

	torture_error(ERROR_PATTERN,
		      "%s: %u bytes at %p: at %ld is %016llx, not %016llx (pool %llu, owner %llu; not %u, %u)",
		      tp->name, parcel->size, parcel->block, (long)((void *)at - parcel->block),
		      found, expected, found >> 58, found >> 50 & 0xff, parcel->id >> 26,
		      parcel->id >> 18 & 0xff);
}

bool pattern_check(const struct parcel *parcel, const struct torture_pool *tp)
{
	const void *last = word_last(parcel->block, parcel->size);
	size_t stride = word_stride(parcel->size, parcel->dense);
	const u64 *at;

	for (at = parcel->block; at; at = word_next(at, last, stride)) {
		if (unlikely(*at != pattern_word(at, parcel->id, parcel->size))) {
			pattern_wrong(parcel, at, tp);
			return false;
		}
	}
	return true;
}

void pattern_check_zero(const void *block, size_t size, const struct torture_pool *tp)
{
	const void *last;
	size_t stride;
	const u64 *at;

	/* Check whole words only. The bytes after @size are undefined. */
	size = round_down(size, sizeof(u64));
	if (!size)
		return;
	last = word_last(block, size);
	stride = word_stride(size, false);
	for (at = block; at; at = word_next(at, last, stride)) {
		if (likely(!*at))
			continue;
		torture_error(ERROR_ZERO, "%s: %zu bytes at %p: at %ld is %016llx, not zero",
			      tp->name, size, block, (long)((void *)at - block), *at);
		return;
	}
}

/*
 * Report words of an earlier owner. They have the pool's index beside their address. Any other
 * content may be that of new memory.
 */
void pattern_check_wiped(const void *block, size_t size, const struct torture_pool *tp)
{
	const void *last = word_last(block, size);
	size_t stride = word_stride(size, false);
	const u64 *at;

	for (at = block; at; at = word_next(at, last, stride)) {
		if (likely((u32)*at != (u32)(unsigned long)at || *at >> 58 != tp->index))
			continue;
		torture_error(ERROR_WIPE, "%s: %zu bytes at %p: at %ld is %016llx of owner %llu",
			      tp->name, size, block, (long)((void *)at - block), *at,
			      *at >> 50 & 0xff);
		return;
	}
}
