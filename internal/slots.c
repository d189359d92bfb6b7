// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables of open caches, one or more slots for each class.
 *
 * All slots of the table of a CPU without caches are the same. If that table takes
 * more than a page, it is a single page that is mapped again and again.
 */
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "context.h"
#include "size_class.h"
#include "slots.h"
#include "types.h"

static size_t slots_bytes(const struct bytepool *pool)
{
	return array_size(bp_nr_slots(&pool->sizes), sizeof(*pool->closed));
}

/*
 * Make a table in which all slots are closed. Return NULL if memory is short. The table of
 * a pool with many classes may need mapped memory. Only a caller that may sleep gets that.
 * Others may retry at each free, so do not wake kswapd for a high order.
 */
static struct bp_cache **slots_alloc(struct bytepool *pool, int node, gfp_t gfp)
{
	size_t bytes = slots_bytes(pool);
	gfp_t at_hand = bytes > PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER ? 0 : GFP_NOWAIT;
	struct bp_cache **slots;

	if (bytes > PAGE_SIZE && gfpflags_allow_blocking(gfp))
		slots = kvmalloc_node(bytes, (gfp & GFP_KERNEL) | __GFP_NORETRY | __GFP_NOWARN,
				      node);
	else
		slots = kmalloc_node(bytes, at_hand | __GFP_NORETRY | __GFP_NOWARN, node);
	if (slots)
		memcpy(slots, pool->closed, bytes);
	return slots;
}

/* Have all CPUs follow a table. */
static void slots_follow(struct bytepool *pool, struct bp_cache **slots)
{
	int cpu;

	for_each_possible_cpu(cpu)
		per_cpu_ptr(pool->cpu, cpu)->open = slots;
}

/*
 * Give a CPU a table of its own, if it has none. All CPUs of a BYTEPOOL_SINGLE pool get
 * one table together. Return false if memory is short.
 */
bool bp_slots_ensure(struct bytepool *pool, int cpu, gfp_t gfp)
{
	struct bp_cpu *at = per_cpu_ptr(pool->cpu, cpu);
	struct bp_cache **open;

	if (READ_ONCE(at->open) != pool->closed)
		return true;
	open = slots_alloc(pool, cpu_to_node(cpu), gfp);
	if (!open)
		return false;
	/* Pairs with the dependent load in bp_cache_this_cpu(): the table is filled in. */
	if (cmpxchg(&at->open, pool->closed, open) != pool->closed)
		kvfree(open);	/* another task of this CPU was first */
	else if (bp_pool_single(pool))
		slots_follow(pool, open);
	return true;
}

/* Map a page as often as it takes to have all slots. Return NULL if memory is short. */
static struct bp_cache **slots_map(const struct bytepool *pool, unsigned long page)
{
	unsigned int nr = PAGE_ALIGN(slots_bytes(pool)) >> PAGE_SHIFT;
	struct page **pages = kvmalloc_array(nr, sizeof(*pages), GFP_KERNEL);
	struct bp_cache **slots;
	unsigned int i;

	if (!pages)
		return NULL;
	for (i = 0; i < nr; i++)
		pages[i] = virt_to_page((void *)page);
	slots = vmap(pages, nr, VM_MAP, PAGE_KERNEL);
	kvfree(pages);
	return slots;
}

/* Make the table of CPUs without caches, with @closed in each slot. Return 0 or -ENOMEM. */
static int slots_alloc_closed(struct bytepool *pool, struct bp_cache *closed)
{
	size_t bytes = slots_bytes(pool);
	struct bp_cache **slots;
	size_t i;

	if (bytes > PAGE_SIZE) {
		pool->closed_page = __get_free_page(GFP_KERNEL);
		slots = (struct bp_cache **)pool->closed_page;
		bytes = PAGE_SIZE;
	} else {
		slots = kmalloc(bytes, GFP_KERNEL);
	}
	if (!slots)
		return -ENOMEM;
	for (i = 0; i < bytes / sizeof(*slots); i++)
		slots[i] = closed;
	pool->closed = pool->closed_page ? slots_map(pool, pool->closed_page) : slots;
	return pool->closed ? 0 : -ENOMEM;
}

/* Have all CPUs follow a table with @closed in each slot. Return 0 or -ENOMEM. */
int bp_slots_init(struct bytepool *pool, struct bp_cache *closed)
{
	pool->cpu = alloc_percpu(struct bp_cpu);
	if (!pool->cpu || slots_alloc_closed(pool, closed))
		return -ENOMEM;
	slots_follow(pool, pool->closed);
	return 0;
}

/* Return the bytes of the tables of a pool. */
size_t bp_slots_overhead(struct bytepool *pool)
{
	size_t bytes = pool->closed_page ? PAGE_SIZE : slots_bytes(pool);
	int cpu;

	for_each_possible_cpu(cpu) {
		if (READ_ONCE(per_cpu_ptr(pool->cpu, cpu)->open) == pool->closed)
			continue;
		bytes += slots_bytes(pool);
		if (bp_pool_single(pool))
			break;	/* all CPUs follow the same table */
	}
	return bytes;
}

/* Free the tables of CPUs that have caches. */
static void slots_free_open(struct bytepool *pool)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct bp_cache **open = per_cpu_ptr(pool->cpu, cpu)->open;

		if (open != pool->closed)
			kvfree(open);
		if (bp_pool_single(pool))
			break;	/* all CPUs follow the same table */
	}
}

/* Free all tables of a pool, which may be half made. */
void bp_slots_free(struct bytepool *pool)
{
	if (pool->cpu)
		slots_free_open(pool);
	free_percpu(pool->cpu);
	if (!pool->closed_page) {
		kfree(pool->closed);
		return;
	}
	vunmap(pool->closed);
	free_page(pool->closed_page);
}
