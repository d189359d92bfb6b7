/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A slab: one run of memory carved into equal blocks.
 *
 * Idle blocks are chained by index: the first two bytes of a chained block
 * hold the index of the next. A block joins the chain only once it has been
 * used; until then it lies beyond @carved, so that a new slab costs the same
 * whatever its size. What each block is stands in @state, outside of the
 * blocks, where no caller can write: a link is followed only if it agrees.
 * Where idle blocks are not to be touched at all, there is no chain, and @state
 * is searched.
 *
 * Nothing here takes a lock: the depot that owns the slab does.
 */
#ifndef _BP_SLAB_H
#define _BP_SLAB_H

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/overflow.h>
#include <linux/types.h>

#include "age.h"
#include "check.h"
#include "size_class.h"
#include "types.h"

struct bp_slab *bp_slab_create_fitting(struct bp_class *class, bool large,
				       gfp_t gfp, int node, bool *at_limit);
unsigned long bp_slab_destroy(struct bp_slab *slab);

/* Size of the descriptor of a slab of @nr blocks. */
static inline size_t bp_slab_desc_bytes(unsigned int nr, bool tracked)
{
	if (tracked)
		return bp_slab_track_offset(nr) + nr * sizeof(struct bp_track);
	return struct_size_t(struct bp_slab, state, nr);
}

static inline void *bp_slab_block(const struct bp_slab *slab, u32 size, u32 index)
{
	return (void *)(slab->base + (unsigned long)index * size);
}

static inline bool bp_slab_link_ok(const struct bp_slab *slab, u32 index)
{
	return index == BP_NO_BLOCK ||
	       (index < slab->carved && READ_ONCE(slab->state[index]) == BP_BLOCK_IDLE);
}

/* The first idle block of a slab without a chain. */
static inline u32 bp_slab_search(const struct bp_slab *slab)
{
	u32 index = 0;

	while (index < slab->nr - 1U && READ_ONCE(slab->state[index]) != BP_BLOCK_IDLE)
		index++;
	return index;
}

/* Chain all idle blocks but @except again, from what @state says of them. */
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
 * @slab: with an idle block at least
 * @size: of a block, bytes
 * @overwritten: set to a block that somebody wrote to while it was idle, or
 *	that such a one led to; may be NULL for a slab that nobody had a block of
 *
 * A link that leads anywhere but to an idle block, or that ends the chain
 * early, costs nothing but the time to chain the slab again.
 *
 * Return: its index; its state is the caller's to set.
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
	next = READ_ONCE(*(u16 *)bp_slab_block(slab, size, index));	/* a caller may write it */
	slab->first = next;
	/* Uncarved blocks are idle too, but not chained: where the chain ends, they are all. */
	if (unlikely(!bp_slab_link_ok(slab, next) || next == index ||
		     (next == BP_NO_BLOCK && slab->nr_idle > slab->nr - slab->carved))) {
		*overwritten = bp_slab_block(slab, size, index);
		bp_slab_rechain(slab, size, index);
	}
	return index;
}

/* Give a block back; @idle_since is when it was freed. */
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

/* The state of the block of the slab that starts there, or NULL. */
static inline u8 *bp_block_state(struct bp_slab *slab, const void *block)
{
	const struct bp_class *class = slab->depot->class;
	u32 offset = (unsigned long)block - slab->base;
	u32 index = bytepool_block_index(offset, class->reciprocal);

	return index < slab->nr && index * class->size == offset ? &slab->state[index] : NULL;
}

#endif /* _BP_SLAB_H */
