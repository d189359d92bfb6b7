// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pool as drivers write it today: a spinlock, a list of idle blocks for each
 * power of two, and a hash of addresses, so that a free needs the address only.
 * A block stays in the hash as long as the pool has it.
 */
#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "bench.h"

#define HANDMADE_CLASSES	23	/* up to 4 MiB */

struct handmade_block {
	struct hlist_node hash;
	struct list_head idle;
	void *memory;
	unsigned int class;
};

struct handmade {
	spinlock_t lock;	/* protects the fields below */
	struct list_head idle[HANDMADE_CLASSES];
	DECLARE_HASHTABLE(blocks, 10);
};

struct handmade *handmade_create(void)
{
	struct handmade *pool = kzalloc(sizeof(*pool), GFP_KERNEL);
	unsigned int i;

	if (!pool)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&pool->lock);
	hash_init(pool->blocks);
	for (i = 0; i < HANDMADE_CLASSES; i++)
		INIT_LIST_HEAD(&pool->idle[i]);
	return pool;
}

void handmade_destroy(struct handmade *pool)
{
	struct handmade_block *block;
	struct hlist_node *next;
	unsigned int bucket;

	hash_for_each_safe(pool->blocks, bucket, next, block, hash) {
		kvfree(block->memory);
		kfree(block);
	}
	kfree(pool);
}

static noinline void *handmade_grow(struct handmade *pool, unsigned int class, gfp_t gfp)
{
	struct handmade_block *block = kmalloc(sizeof(*block), gfp);
	unsigned long flags;

	if (!block)
		return NULL;
	block->class = class;
	block->memory = kvmalloc(1UL << class, gfp);
	if (!block->memory) {
		kfree(block);
		return NULL;
	}
	spin_lock_irqsave(&pool->lock, flags);
	hash_add(pool->blocks, &block->hash, (unsigned long)block->memory);
	spin_unlock_irqrestore(&pool->lock, flags);
	return block->memory;
}

void *handmade_alloc(struct handmade *pool, size_t size, gfp_t gfp)
{
	unsigned int class = order_base_2(size);
	struct handmade_block *block;
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	block = list_first_entry_or_null(&pool->idle[class], struct handmade_block, idle);
	if (block)
		list_del(&block->idle);
	spin_unlock_irqrestore(&pool->lock, flags);
	return block ? block->memory : handmade_grow(pool, class, gfp);
}

void handmade_free(struct handmade *pool, const void *memory)
{
	struct handmade_block *block;
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	hash_for_each_possible(pool->blocks, block, hash, (unsigned long)memory) {
		if (block->memory == memory) {
			list_add(&block->idle, &pool->idle[block->class]);
			break;
		}
	}
	spin_unlock_irqrestore(&pool->lock, flags);
	WARN_ON_ONCE(!block);
}
