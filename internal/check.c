// SPDX-License-Identifier: GPL-2.0-only
/*
 * BYTEPOOL_POISON and BYTEPOOL_TRACK: check and record each block. Blocks are
 * written to only while no other CPU can reach them: before they enter the
 * depot, and after they have left it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/poison.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "check.h"
#include "types.h"

/* A report of a write to an idle block shows at most this many bytes. */
#define REPORT_BYTES		16U

void bp_block_poison(void *block, u32 size)
{
	memset(block, POISON_FREE, size - 1);
	((u8 *)block)[size - 1] = POISON_END;
}

/* Return the first byte that differs from the fill of bp_block_poison(), or NULL. */
static u8 *poison_broken(void *block, u32 size)
{
	u8 *last = block + size - 1;
	u8 *broken = memchr_inv(block, POISON_FREE, size - 1);

	if (broken)
		return broken;
	return *last == POISON_END ? NULL : last;
}

void bp_block_track(struct bp_slab *slab, u32 granule, unsigned long caller)
{
	struct bp_track *track = bp_slab_track(slab, granule);

	/* Pairs with READ_ONCE() in bp_track_read(). */
	WRITE_ONCE(track->caller, caller);
	WRITE_ONCE(track->when, jiffies);
	WRITE_ONCE(track->pid, task_pid_nr(current));
}

/* Return the record of a block. Another CPU may allocate or free the block meanwhile. */
struct bp_track bp_track_read(struct bp_slab *slab, u32 granule)
{
	struct bp_track *track = bp_slab_track(slab, granule);

	return (struct bp_track){
		.caller = READ_ONCE(track->caller),
		.when = READ_ONCE(track->when),
		.pid = READ_ONCE(track->pid),
	};
}

/* Report a write to an idle block, and the caller that freed it, if @last has one. */
void bp_block_verify(const struct bp_class *class, u8 *block,
		     const struct bp_track *last)
{
	struct bytepool *pool = class->pool;
	u8 *broken = poison_broken(block, class->size);
	u32 offset;

	if (likely(!broken) || !__ratelimit(&pool->overwritten_limit))
		return;
	offset = broken - block;
	pr_err("%s: a free block of %u bytes was written to: %p, at offset %u: %*ph\n", pool->name,
	       class->size, block, offset, (int)min(class->size - offset, REPORT_BYTES), broken);
	if (last->caller)
		pr_err("%s: it was freed %llu ms ago by %pS, pid %d\n", pool->name,
		       bp_track_age_ms(last), (void *)last->caller, last->pid);
}

/* Report a block whose link is corrupt, as bp_slab_pop() has found it. */
void bp_report_overwritten(struct bp_class *class, const void *block)
{
	if (__ratelimit(&class->pool->overwritten_limit))
		pr_err("%s: a free block of %u bytes was written to: %p, or near it\n",
		       class->pool->name, class->size, block);
}
