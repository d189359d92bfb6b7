// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an owner writes into its block: each word names its own address, the
 * pool, the owner, which of the owner's allocations it is, and every other word
 * the size, too. So another owner's hand shows, and whose it was.
 *
 *	63 ... 58  57 ... 50  49 ... 32             31 ... 0
 *	pool       owner      allocation (^ size)   address of the word
 */
#include <linux/math.h>
#include <linux/minmax.h>

#include "torture.h"

#define SAMPLES	4U	/* words of a block that are written to, where not all are */

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
 * The words to write and check: some, or if the parcel is dense all, and always
 * the first and the last. The stride is an odd number of words, to have both kinds.
 */
static __always_inline size_t stride(size_t size, bool dense)
{
	return dense ? sizeof(u64) : round_down(size / SAMPLES, 16) + sizeof(u64);
}

#define for_each_word(at, block, size, dense)						\
	for (at = (block); at; at = word_next(at, (block) + (size) - sizeof(u64),	\
					      stride(size, dense)))

static __always_inline void *word_next(const void *at, const void *last, size_t stride)
{
	return at < last ? (void *)min(at + stride, last) : NULL;
}

/* By value, so that the compiler need not think that the block is where the parcel is. */
static __always_inline void fill(const struct parcel parcel)
{
	u64 *at;

	for_each_word(at, parcel.block, parcel.size, parcel.dense)
		*at = pattern_word(at, parcel.id, parcel.size);
}

void pattern_fill(const struct parcel *parcel)
{
	fill(*parcel);
}

static void pattern_wrong(const struct parcel *parcel, const u64 *at,
			  const struct torture_pool *tp)
{
	u64 found = *at;

	torture_error(ERROR_PATTERN,
		      "%s: %u bytes at %p: at %ld is %016llx, not %016llx (pool %llu, owner %llu; not %u, %u)",
		      tp->name, parcel->size, parcel->block, (long)((void *)at - parcel->block), found,
		      pattern_word(at, parcel->id, parcel->size), found >> 58, found >> 50 & 0xff,
		      parcel->id >> 26, parcel->id >> 18 & 0xff);
}

bool pattern_check(const struct parcel *parcel, const struct torture_pool *tp)
{
	const u64 *at;

	for_each_word(at, parcel->block, parcel->size, parcel->dense) {
		if (unlikely(*at != pattern_word(at, parcel->id, parcel->size))) {
			pattern_wrong(parcel, at, tp);
			return false;
		}
	}
	return true;
}

void pattern_check_zero(const void *block, size_t size, const struct torture_pool *tp)
{
	const u64 *at;

	for_each_word(at, (void *)block, size, false) {
		if (likely(!*at))
			continue;
		torture_error(ERROR_ZERO, "%s: %zu bytes at %p: at %ld is %016llx, not zero",
			      tp->name, size, block, (long)((void *)at - block), *at);
		return;
	}
}

/*
 * What is left of an owner is the pool's number beside the address. Fresh memory
 * may have anything else in it.
 */
void pattern_check_wiped(const void *block, size_t size, const struct torture_pool *tp)
{
	const u64 *at;

	for_each_word(at, (void *)block, size, false) {
		if (likely((u32)*at != (u32)(unsigned long)at || *at >> 58 != tp->index))
			continue;
		torture_error(ERROR_WIPE, "%s: %zu bytes at %p: at %ld is %016llx of owner %llu",
			      tp->name, size, block, (long)((void *)at - block), *at, *at >> 50 & 0xff);
		return;
	}
}
