/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The content that an owner writes into its block
 */
#ifndef _BYTEPOOL_TEST_BLOCK_H
#define _BYTEPOOL_TEST_BLOCK_H

#include <linux/types.h>

void block_fill(void *block, size_t size, u16 tag);
bool block_intact(const void *block, size_t size);
bool block_zero(const void *block, size_t size);
bool block_aligned(const void *block, size_t size);

#endif /* _BYTEPOOL_TEST_BLOCK_H */
