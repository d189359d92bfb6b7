/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Checks of blocks: the fill of BYTEPOOL_POISON and the records of BYTEPOOL_TRACK.
 */
#ifndef _BP_CHECK_H
#define _BP_CHECK_H

#include <linux/jiffies.h>
#include <linux/types.h>

#include "compat.h"
#include "size_class.h"
#include "types.h"

void bp_block_poison(void *block, u32 size);
void bp_block_track(struct bp_slab *slab, u32 granule, unsigned long caller);
struct bp_track bp_track_read(struct bp_slab *slab, u32 granule);
void bp_block_verify(const struct bp_class *class, u8 *block,
		     const struct bp_track *last);
void bp_report_overwritten(struct bp_class *class, const void *block);

/* Return the offset of the records in a descriptor with the states of @granules. */
static inline size_t bp_slab_track_offset(u32 granules)
{
	return ALIGN(struct_size_t(struct bp_slab, state, granules),
		     __alignof__(struct bp_track));
}

/* Return the bytes of the descriptor of a slab with @nr blocks. */
static inline size_t bp_slab_desc_bytes(const struct bp_class *class, u32 nr)
{
	size_t bytes = bp_slab_track_offset(bp_slab_granules(nr, class->stride, class->shift));

	return class->pool->flags & BYTEPOOL_TRACK ? bytes + nr * sizeof(struct bp_track) : bytes;
}

/* Return the record of a block. Only slabs of pools with BYTEPOOL_TRACK have them. */
static inline struct bp_track *bp_slab_track(struct bp_slab *slab, u32 granule)
{
	const struct bp_class *class = slab->depot->class;
	u32 granules = bp_slab_granules(slab->nr, class->stride, class->shift);
	struct bp_track *tracks = (void *)slab + bp_slab_track_offset(granules);

	return &tracks[granule / class->stride];
}

static inline u64 bp_track_age_ms(const struct bp_track *track)
{
	return jiffies64_to_msecs(jiffies - track->when);
}

#endif /* _BP_CHECK_H */
