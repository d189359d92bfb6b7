/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random numbers, one state for each thread
 */
#ifndef _BYTEPOOL_TORTURE_RANDOM_H
#define _BYTEPOOL_TORTURE_RANDOM_H

#include <linux/types.h>

/* xorshift64*: cheap, and random enough for a test. The state must not be zero. */
static inline u64 random_next(u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

static inline u32 random_below(u64 *state, u32 bound)
{
	return (random_next(state) >> 32) * bound >> 32;
}

#endif /* _BYTEPOOL_TORTURE_RANDOM_H */
