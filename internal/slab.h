/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A slab: one run of memory carved into equal blocks.
 *
 * Idle blocks are chained by index: the first two bytes of a chained block hold
 * the index of the next. A block joins the chain when it is freed for the first
 * time. Until then its index is not below @carved, so a new slab costs the same
 * whatever its size.
 *
 * @state holds the state of each block, outside of the blocks, where no caller
 * can write. A link is followed only if @state agrees. If idle blocks must not
 * be written to, there is no chain, and @state is searched.
 *
 * Nothing here takes a lock. The depot that owns the slab does.
 */
#ifndef _BP_SLAB_H
#define _BP_SLAB_H

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/types.h>

#include "age.h"
#include "size_class.h"
#include "types.h"

struct bp_slab *bp_slab_create_fitting(struct bp_class *class, bool large,
				       gfp_t gfp, int node, bool *at_limit);
unsigned long bp_slab_destroy(struct bp_slab *slab);

static inline void *bp_slab_block(const struct bp_slab *slab, u32 size, u32 index)
{
	return (void *)(slab->base + (unsigned long)index * size);
}

static inline bool bp_slab_link_ok(const struct bp_slab *slab, u32 index)
{
	return index == BP_NO_BLOCK ||
	       (index < slab->carved && READ_ONCE(slab->state[index]) == BP_BLOCK_IDLE);
}

/* Return the first idle block of a slab without a chain. */
static inline u32 bp_slab_search(const struct bp_slab *slab)
{
	u32 index = 0;

	while (index < slab->nr - 1U && READ_ONCE(slab->state[index]) != BP_BLOCK_IDLE)
		index++;
	return index;
}

/* Chain all idle blocks but @except again, by their states. */
static inline void bp_slab_rechain(struct bp_slab *slab, u32 size, u32 except)
{
	u32 index;

	slab->first = BP_NO_BLOCK;
	for (index = slab->carved; index-- > 0; ) {
		if (index == except || READ_ONCE(slab->state[index]) != BP_BLOCK_IDLE)
			continue;
		*(u16 *)bp_slab_block(slab, size, index) = slab->first;
		slab->first = index;
	}
}

/**
 * bp_slab_pop() - take an idle block
 * @slab: the slab, with at least one idle block
 * @size: of a block, bytes
 * @overwritten: set to a block that was written to while it was idle, or to which
 *	the link of such a block led; may be NULL if no block was ever handed out
 *
 * If a link is corrupt (it does not lead to an idle block, or it ends the chain
 * early), the chain is rebuilt from @state, and no block is lost.
 *
 * Return: its index. The caller has to set its state.
 */
static inline u32 bp_slab_pop(struct bp_slab *slab, u32 size, void **overwritten)
{
	u32 index = slab->first;
	u32 next;

	slab->nr_idle--;
	if (!slab->chained)
		return bp_slab_search(slab);
	if (index == BP_NO_BLOCK)
		return slab->carved++;
	/* A caller that has freed the block may still write to it. */
	next = READ_ONCE(*(u16 *)bp_slab_block(slab, size, index));
	slab->first = next;
	/* Where the chain ends, all idle blocks must be uncarved. */
	if (unlikely(!bp_slab_link_ok(slab, next) || next == index ||
		     (next == BP_NO_BLOCK && slab->nr_idle > slab->nr - slab->carved))) {
		*overwritten = bp_slab_block(slab, size, index);
		bp_slab_rechain(slab, size, index);
	}
	return index;
}

/* Put a block back, which is idle since @idle_since. */
static inline void bp_slab_push(struct bp_slab *slab, u32 size, u32 index,
				unsigned long idle_since)
{
	if (!slab->nr_idle || bp_longer_ago(slab->idle_since, idle_since))
		slab->idle_since = idle_since;
	slab->nr_idle++;
	WRITE_ONCE(slab->state[index], BP_BLOCK_IDLE);
	if (!slab->chained)
		return;
	*(u16 *)bp_slab_block(slab, size, index) = slab->first;
	slab->first = index;
}

/* Return the state of the block that starts at the address, or NULL if none does. */
static inline u8 *bp_block_state(struct bp_slab *slab, const void *block)
{
	const struct bp_class *class = slab->depot->class;
	u32 offset = (unsigned long)block - slab->base;
	u32 index = bp_block_index(offset, class->reciprocal);

	return index < slab->nr && index * class->size == offset ? &slab->state[index] : NULL;
}

#endif /* _BP_SLAB_H */
