/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The content that an owner writes into its block
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
