// SPDX-License-Identifier: GPL-2.0-only
/*
 * The content that an owner writes into its block
 *
 * Each word depends on the address of the block, the owner and the offset, so that a word that
 * another owner wrote is noticed.
 */
#include <linux/hash.h>
#include <linux/mm.h>

#include "block.h"

#define DENSE	4096U	/* up to this size, every word is written; beyond it, some of each page */
#define SPARSE	512U

static u64 address_key(const void *block)
{
	return (u64)(unsigned long)block * GOLDEN_RATIO_64 & ~0xffffULL;
}

static size_t next_offset(size_t offset, size_t size)
{
	size_t next = offset + (size <= DENSE ? sizeof(u64) : SPARSE);
	size_t last = size - sizeof(u64);

	return offset < last && next > last ? last : next;
}

/* @size is that of a class: a multiple of eight. */
void block_fill(void *block, size_t size, u16 tag)
{
	u64 first = address_key(block) | tag;
	size_t offset;

	for (offset = 0; offset < size; offset = next_offset(offset, size))
		*(u64 *)(block + offset) = first + offset;
}

bool block_intact(const void *block, size_t size)
{
	u64 first = *(const u64 *)block;
	size_t offset;

	if ((first ^ address_key(block)) > 0xffff)
		return false;
	for (offset = 0; offset < size; offset = next_offset(offset, size)) {
		if (*(const u64 *)(block + offset) != first + offset)
			return false;
	}
	return true;
}

bool block_zero(const void *block, size_t size)
{
	size_t offset;

	for (offset = 0; offset + sizeof(u64) <= size; offset = next_offset(offset, size)) {
		if (*(const u64 *)(block + offset))
			return false;
	}
	for (offset = round_down(size, sizeof(u64)); offset < size; offset++) {
		if (*(const u8 *)(block + offset))
			return false;
	}
	return true;
}

/* @size is that of the class. */
bool block_aligned(const void *block, size_t size)
{
	return IS_ALIGNED((unsigned long)block, min(size & -size, PAGE_SIZE));
}
