// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an owner writes into its block: each word names its own address, the
 * pool, the owner, which of the owner's allocations it is, and every other word
 * the size, too. So another owner's hand shows, and whose it was.
 *
 *	63 ... 58  57 ... 50  49 ... 32             31 ... 0
 *	pool       owner      allocation (^ size)   address of the word
 */
#include <linux/minmax.h>

#include "torture.h"

#define DENSE	512U	/* up to here every word is written, beyond some */
#define SPARSE	264U	/* odd in words: both kinds of them */

u32 parcel_id(unsigned int pool, u8 owner, u32 seq)
{
	return pool << 26 | owner << 18 | (seq & 0x3ffff);
}

static __always_inline u64 pattern_word(const u64 *at, u32 id, u32 size)
{
	u32 address = (unsigned long)at;

	return (u64)(address & 8 ? id ^ size : id) << 32 | address;
}

/* The words to write and check: all or some, and always the last. */
#define for_each_word(at, block, size)							\
	for (at = (block); at; at = word_next(at, block, size))

static __always_inline void *word_next(const void *at, const void *block, size_t size)
{
	const void *last = block + size - sizeof(u64);

	if (at >= last)
		return NULL;
	return (void *)min(at + (size <= DENSE ? sizeof(u64) : SPARSE), last);
}

void pattern_fill(const struct parcel *parcel)
{
	u64 *at;

	for_each_word(at, parcel->block, parcel->size)
		*at = pattern_word(at, parcel->id, parcel->size);
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

	for_each_word(at, parcel->block, parcel->size) {
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

	for_each_word(at, (void *)block, size) {
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

	for_each_word(at, (void *)block, size) {
		if (likely((u32)*at != (u32)(unsigned long)at || *at >> 58 != tp->index))
			continue;
		torture_error(ERROR_WIPE, "%s: %zu bytes at %p: at %ld is %016llx of owner %llu",
			      tp->name, size, block, (long)((void *)at - block), *at, *at >> 50 & 0xff);
		return;
	}
}
