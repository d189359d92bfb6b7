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
#ifndef _BYTEPOOL_SLAB_H
#define _BYTEPOOL_SLAB_H

#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/overflow.h>
#include <linux/rbtree.h>
#include <linux/rhashtable-types.h>
#include <linux/types.h>

#define BYTEPOOL_NO_BLOCK	0xffff	/* a slab has BYTEPOOL_SLAB_BLOCKS at most */

/* What a block is. Only the step from IN_USE is raced for: see state_claim(). */
enum bytepool_block_state {
	BYTEPOOL_BLOCK_IDLE,	/* in its slab */
	BYTEPOOL_BLOCK_CACHED,	/* idle in a per-CPU cache, or on its way there or out */
	BYTEPOOL_BLOCK_IN_USE,	/* a caller has it */
};

/**
 * struct bytepool_slab - one run of memory and what became of its blocks
 * @list: in its depot's list of partial or idle slabs; of full ones there is none
 * @age: instead, in its depot's tree of idle slabs that came out of order
 * @rcu: at its end, until no CPU can be looking at it
 * @depot: whose
 * @idle_since: jiffies when the youngest idle block in the slab was freed
 * @node: in the table of addresses, by @base
 * @base: its address, which is that of its first block
 * @cpu: the first to take blocks of it since it was whole
 * @nr: blocks
 * @nr_idle: idle blocks in the slab
 * @first: head of the chain, if it is @chained, or BYTEPOOL_NO_BLOCK
 * @carved: blocks that were ever in the chain or handed out; those beyond have no links
 * @hashed: it is in the table of addresses
 * @pending: it is not yet, see table_add()
 * @leaked: its pool was destroyed with blocks in use
 * @chained: idle blocks are: there are several, and they may be written to
 * @state: enum bytepool_block_state of each block; in a pool that tracks them,
 *	a struct bytepool_track of each follows
 */
struct bytepool_slab {
	union {
		struct list_head list;
		struct rb_node age;
		struct rcu_head rcu;
	};
	struct bytepool_depot *depot;
	unsigned long idle_since;
	struct rhash_head node;
	unsigned long base;
	u16 cpu;
	u16 nr;
	u16 nr_idle;
	u16 first;
	u16 carved;
	bool hashed;
	bool pending;
	bool leaked;
	bool chained;
	u8 state[];
};

/**
 * struct bytepool_track - who had a block last
 * @caller: where it was allocated, or freed if it is idle; 0 = never yet
 * @when: jiffies then
 * @pid: the task then
 */
struct bytepool_track {
	unsigned long caller;
	unsigned long when;
	pid_t pid;
};

static inline size_t slab_track_offset(unsigned int nr)
{
	return ALIGN(struct_size_t(struct bytepool_slab, state, nr),
		     __alignof__(struct bytepool_track));
}

/* In a slab of a pool that tracks its blocks. */
static inline struct bytepool_track *slab_track(struct bytepool_slab *slab, u32 index)
{
	return (void *)slab + slab_track_offset(slab->nr) + index * sizeof(struct bytepool_track);
}

/* Size of the descriptor of a slab of @nr blocks. */
static inline size_t slab_desc_bytes(unsigned int nr, bool tracked)
{
	if (tracked)
		return slab_track_offset(nr) + nr * sizeof(struct bytepool_track);
	return struct_size_t(struct bytepool_slab, state, nr);
}

static inline void *slab_block(const struct bytepool_slab *slab, u32 size, u32 index)
{
	return (void *)(slab->base + (unsigned long)index * size);
}

static inline bool slab_link_ok(const struct bytepool_slab *slab, u32 index)
{
	return index == BYTEPOOL_NO_BLOCK ||
	       (index < slab->carved && READ_ONCE(slab->state[index]) == BYTEPOOL_BLOCK_IDLE);
}

/* The first idle block of a slab without a chain. */
static inline u32 slab_search(const struct bytepool_slab *slab)
{
	u32 index = 0;

	while (index < slab->nr - 1U && READ_ONCE(slab->state[index]) != BYTEPOOL_BLOCK_IDLE)
		index++;
	return index;
}

/* Chain all idle blocks but @except again, from what @state says of them. */
static inline void slab_rechain(struct bytepool_slab *slab, u32 size, u32 except)
{
	u32 index;

	slab->first = BYTEPOOL_NO_BLOCK;
	for (index = slab->carved; index-- > 0; ) {
		if (index == except || READ_ONCE(slab->state[index]) != BYTEPOOL_BLOCK_IDLE)
			continue;
		*(u16 *)slab_block(slab, size, index) = slab->first;
		slab->first = index;
	}
}

/**
 * slab_pop() - take an idle block
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
static inline u32 slab_pop(struct bytepool_slab *slab, u32 size, void **overwritten)
{
	u32 index = slab->first;
	u32 next;

	slab->nr_idle--;
	if (!slab->chained)
		return slab_search(slab);
	if (index == BYTEPOOL_NO_BLOCK)
		return slab->carved++;
	next = READ_ONCE(*(u16 *)slab_block(slab, size, index));	/* a caller may write it */
	slab->first = next;
	/* Uncarved blocks are idle too, but not chained: where the chain ends, they are all. */
	if (unlikely(!slab_link_ok(slab, next) || next == index ||
		     (next == BYTEPOOL_NO_BLOCK && slab->nr_idle > slab->nr - slab->carved))) {
		*overwritten = slab_block(slab, size, index);
		slab_rechain(slab, size, index);
	}
	return index;
}

/*
 * Whether @a is longer ago than @b. Ages are compared: either may be longer ago than
 * half of what jiffies can tell.
 */
static inline bool longer_ago(unsigned long a, unsigned long b)
{
	unsigned long now = jiffies;

	return now - a > now - b;
}

/* Give a block back; @idle_since is when it was freed. */
static inline void slab_push(struct bytepool_slab *slab, u32 size, u32 index,
			     unsigned long idle_since)
{
	if (!slab->nr_idle || longer_ago(slab->idle_since, idle_since))
		slab->idle_since = idle_since;
	slab->nr_idle++;
	WRITE_ONCE(slab->state[index], BYTEPOOL_BLOCK_IDLE);
	if (!slab->chained)
		return;
	*(u16 *)slab_block(slab, size, index) = slab->first;
	slab->first = index;
}

#endif /* _BYTEPOOL_SLAB_H */
