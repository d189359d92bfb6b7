/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The content that an owner writes into its block
 *
 * This differs from insmod/block.c. There, a block is checked without a record of its owner, so
 * that actors can exchange bare pointers. But a block passes that check if another owner has
 * written to all of it. Here, a parcel says which owner has the block. Therefore the words of any
 * other owner are noticed, and the report names that owner.
 */
#ifndef _BYTEPOOL_TORTURE_PATTERN_H
#define _BYTEPOOL_TORTURE_PATTERN_H

#include "pools.h"

void pattern_fill(const struct parcel *parcel);
bool pattern_check(const struct parcel *parcel, const struct torture_pool *tp);
void pattern_check_zero(const void *block, size_t size, const struct torture_pool *tp);
void pattern_check_wiped(const void *block, size_t size, const struct torture_pool *tp);
u32 parcel_id(unsigned int pool, u8 owner, u32 seq);

#endif /* _BYTEPOOL_TORTURE_PATTERN_H */
