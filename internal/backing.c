// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory from the system and back, the limit of a pool, and NUMA nodes.
 */
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/kmemleak.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "backing.h"
#include "types.h"

/* Return the node of the CPU, or the nearest node with memory if that has none. */
int bp_cpu_memory_node(int cpu)
{
	int node = cpu_to_mem(cpu);
	int nearest = NUMA_NO_NODE;
	int other;

	if (likely(node_state(node, N_MEMORY)))
		return node;
	for_each_node_state(other, N_MEMORY) {
		if (nearest == NUMA_NO_NODE ||
		    node_distance(node, other) < node_distance(node, nearest))
			nearest = other;
	}
	return nearest;
}

/*
 * Allocate consecutive pages on a node, with an alignment. Free the surplus of
 * the order, as alloc_pages_exact() does.
 */
static void *pages_alloc(unsigned long bytes, unsigned long align, gfp_t gfp, int node)
{
	unsigned int order = get_order(max(bytes, align));
	unsigned long nr = bytes >> PAGE_SHIFT;
	struct page *page;

	if (1UL << order > MAX_ORDER_NR_PAGES)
		return NULL;
	if (nr == 1UL << order)
		gfp |= __GFP_COMP;
	page = alloc_pages_node(node, gfp, order);
	if (!page)
		return NULL;
	if (nr != 1UL << order) {
		unsigned long i;

		split_page(page, order);
		for (i = nr; i < 1UL << order; i++)
			__free_page(page + i);
	}
	return page_address(page);
}

/*
 * Allocate the memory of a slab. The page allocator does not try hard for a long
 * run of pages if mapped memory serves as well.
 */
void *bp_backing_alloc(struct bytepool *pool, unsigned long bytes, unsigned long align,
		       gfp_t gfp, int node)
{
	bool may_map = bytes > PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER &&
		       !(pool->flags & BYTEPOOL_CONTIG) && gfpflags_allow_blocking(gfp) &&
		       !(gfp & __GFP_THISNODE);
	void *base;

	if (pool->flags & BYTEPOOL_WIPE)
		gfp |= __GFP_ZERO;	/* see bp_must_clear() */
	base = pages_alloc(bytes, align, may_map ? gfp | __GFP_NORETRY | __GFP_NOWARN : gfp, node);
	if (!base && may_map) {
		/*
		 * Mapped memory is of any node. New kernels warn of the emergency bits, and drop
		 * them.
		 */
		base = __vmalloc(bytes, gfp & ~(__GFP_MEMALLOC | __GFP_NOMEMALLOC));
		kmemleak_free(base);	/* kmemleak is told of blocks in use instead */
	}
	return base;
}

/* Return the node of the first page. The rest of mapped memory may be on other nodes. */
int bp_backing_node(const void *base)
{
	return page_to_nid(is_vmalloc_addr(base) ? vmalloc_to_page(base) : virt_to_page(base));
}
