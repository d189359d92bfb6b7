/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A slab: one run of memory carved into equal blocks.
 *
 * A block is known by its granule, the one in which it starts. Idle blocks are
 * chained: the first two bytes of a chained block hold the granule of the next. A
 * block joins the chain when it is freed for the first time. Until it is handed out,
 * its granule is not below @carved. So nothing is written to the blocks of a new slab.
 *
 * @state holds the state of each granule, outside of the blocks, where no caller
 * can write. A link is followed only if @state agrees. If idle blocks must not
 * be written to, there is no chain, and @state is searched.
 *
 * Nothing here takes a lock. The lock of the depot protects its slabs.
 */
#ifndef _BP_SLAB_H
#define _BP_SLAB_H

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/types.h>

#include "age.h"
#include "size_class.h"
#include "types.h"

struct bp_slab *bp_slab_create_fitting(struct bp_class *class, bool large,
				       gfp_t gfp, int node, bool *at_limit);
unsigned long bp_slabs_destroy(struct list_head *dead);

static inline void *bp_slab_block(const struct bp_slab *slab, const struct bp_class *class,
				  u32 granule)
{
	return (void *)slab->base + ((unsigned long)granule << class->shift);
}

/* Return the granule after the last block. */
static inline u32 bp_slab_end(const struct bp_slab *slab, const struct bp_class *class)
{
	return slab->nr * class->stride;
}

/* Set *@granule to *@next, and *@next to the block after it. Return false at the end. */
static inline bool bp_block_next(const struct bp_slab *slab, u32 *next, u32 *granule)
{
	const struct bp_class *class = slab->depot->class;

	*granule = *next;
	*next += class->stride;
	return *granule < bp_slab_end(slab, class);
}

/* Return the bytes of the slab. Less than a page is left over, see bp_slab_bytes(). */
static inline unsigned long bp_slab_held(const struct bp_slab *slab, const struct bp_class *class)
{
	return PAGE_ALIGN((unsigned long)bp_slab_end(slab, class) << class->shift);
}

#define bp_for_each_block(granule, slab) \
	for (u32 __next = 0; bp_block_next(slab, &__next, &(granule)); )

static inline bool bp_slab_link_ok(const struct bp_slab *slab, u32 granule)
{
	return granule == BP_NO_BLOCK ||
	       (granule < slab->carved && READ_ONCE(slab->state[granule]) == BP_BLOCK_IDLE);
}

/* Return the first idle block of a slab without a chain. */
static inline u32 bp_slab_search(const struct bp_slab *slab, const struct bp_class *class)
{
	u32 last = bp_slab_end(slab, class) - class->stride;
	u32 granule = 0;

	while (granule < last && READ_ONCE(slab->state[granule]) != BP_BLOCK_IDLE)
		granule += class->stride;
	return granule;
}

/* Chain all idle blocks but @except again, by their states. */
static inline void bp_slab_rechain(struct bp_slab *slab, const struct bp_class *class, u32 except)
{
	u32 granule = slab->carved;

	slab->first = BP_NO_BLOCK;
	while (granule) {
		granule -= class->stride;
		if (granule == except || READ_ONCE(slab->state[granule]) != BP_BLOCK_IDLE)
			continue;
		*(u16 *)bp_slab_block(slab, class, granule) = slab->first;
		slab->first = granule;
	}
}

/**
 * bp_slab_pop() - take an idle block
 * @slab: the slab, with at least one idle block
 * @class: the class of the slab
 * @overwritten: set to a block whose link is corrupt, or to which such a link led; may
 *	be NULL if no block was ever handed out
 *
 * A link is corrupt if it does not lead to an idle block, or ends the chain
 * early. Then the chain is rebuilt from @state, and no block is lost.
 *
 * Return: its granule. The caller has to set its state.
 */
static inline u32 bp_slab_pop(struct bp_slab *slab, const struct bp_class *class,
			      void **overwritten)
{
	u32 granule = slab->first;
	u32 next;

	slab->nr_idle--;
	if (!slab->chained)
		return bp_slab_search(slab, class);
	if (granule == BP_NO_BLOCK) {
		granule = slab->carved;
		slab->carved += class->stride;
		return granule;
	}
	/* A caller that has freed the block may still write to it. */
	next = READ_ONCE(*(u16 *)bp_slab_block(slab, class, granule));
	slab->first = next;
	/* Where the chain ends, no idle block may be left below @carved. */
	if (unlikely(!bp_slab_link_ok(slab, next) || next == granule ||
		     (next == BP_NO_BLOCK && slab->carved + slab->nr_idle * class->stride >
					     bp_slab_end(slab, class)))) {
		*overwritten = bp_slab_block(slab, class, granule);
		bp_slab_rechain(slab, class, granule);
	}
	return granule;
}

/* Put a block back, which is idle since @idle_since. */
static inline void bp_slab_push(struct bp_slab *slab, const struct bp_class *class, u32 granule,
				unsigned long idle_since)
{
	if (!slab->nr_idle || bp_longer_ago(slab->idle_since, idle_since))
		slab->idle_since = idle_since;
	slab->nr_idle++;
	WRITE_ONCE(slab->state[granule], BP_BLOCK_IDLE);
	if (!slab->chained)
		return;
	*(u16 *)bp_slab_block(slab, class, granule) = slab->first;
	slab->first = granule;
}

/* Return the state of the granule that starts at the address, or NULL if none does. */
static inline u8 *bp_block_state(struct bp_slab *slab, const void *block)
{
	const struct bp_class *class = slab->depot->class;
	unsigned long granule = bp_granule((unsigned long)block - slab->base, class->shift);

	return granule <= bp_slab_end(slab, class) - class->stride ? &slab->state[granule] : NULL;
}

#endif /* _BP_SLAB_H */
