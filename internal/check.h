/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Checks of blocks: the fill of BYTEPOOL_POISON and the records of BYTEPOOL_TRACK.
 */
#ifndef _BP_CHECK_H
#define _BP_CHECK_H

#include <linux/jiffies.h>
#include <linux/types.h>

#include "compat.h"
#include "types.h"

void bp_block_poison(void *block, u32 size);
void bp_block_track(struct bp_slab *slab, u32 index, unsigned long caller);
struct bp_track bp_track_read(struct bp_slab *slab, u32 index);
void bp_block_verify(const struct bp_class *class, u8 *block,
		     const struct bp_track *last);
void bp_report_overwritten(struct bp_class *class, const void *block);

static inline size_t bp_slab_track_offset(unsigned int nr)
{
	return ALIGN(struct_size_t(struct bp_slab, state, nr),
		     __alignof__(struct bp_track));
}

/* Return the record of a block. Only slabs of pools with BYTEPOOL_TRACK have them. */
static inline struct bp_track *bp_slab_track(struct bp_slab *slab, u32 index)
{
	return (void *)slab + bp_slab_track_offset(slab->nr) + index * sizeof(struct bp_track);
}

static inline u64 bp_track_age_ms(const struct bp_track *track)
{
	return jiffies64_to_msecs(jiffies - track->when);
}

#endif /* _BP_CHECK_H */
