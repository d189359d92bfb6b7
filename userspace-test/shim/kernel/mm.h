/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory from the system: memory.c.
 */
#ifndef SHIM_KERNEL_MM_H
#define SHIM_KERNEL_MM_H

#include "compiler.h"

#define __GFP_DMA		0x1u
#define __GFP_DMA32		0x2u
#define __GFP_HIGHMEM		0x4u
#define __GFP_MOVABLE		0x8u
#define __GFP_HIGH		0x10u
#define __GFP_IO		0x20u
#define __GFP_FS		0x40u
#define __GFP_ZERO		0x80u
#define __GFP_DIRECT_RECLAIM	0x100u
#define __GFP_KSWAPD_RECLAIM	0x200u
#define __GFP_NOWARN		0x400u
#define __GFP_RETRY_MAYFAIL	0x800u
#define __GFP_NOFAIL		0x1000u
#define __GFP_NORETRY		0x2000u
#define __GFP_MEMALLOC		0x4000u
#define __GFP_NOMEMALLOC	0x8000u
#define __GFP_HARDWALL		0x10000u
#define __GFP_THISNODE		0x20000u
#define __GFP_ACCOUNT		0x40000u
#define __GFP_COMP		0x80000u
#define __GFP_RECLAIM		(__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)

#define GFP_ATOMIC		(__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define GFP_KERNEL		(__GFP_RECLAIM | __GFP_IO | __GFP_FS)
#define GFP_KERNEL_ACCOUNT	(GFP_KERNEL | __GFP_ACCOUNT)
#define GFP_NOWAIT		(__GFP_KSWAPD_RECLAIM | __GFP_NOWARN)
#define GFP_NOIO		__GFP_RECLAIM
#define GFP_NOFS		(__GFP_RECLAIM | __GFP_IO)
#define GFP_DMA			__GFP_DMA
#define GFP_DMA32		__GFP_DMA32

#define gfpflags_allow_blocking(gfp)	(!!((gfp) & __GFP_DIRECT_RECLAIM))
void might_alloc(gfp_t gfp);

#define PAGE_SHIFT		12
#define PAGE_SIZE		(1UL << PAGE_SHIFT)
#define PAGE_MASK		(~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x)		(((x) + PAGE_SIZE - 1) & PAGE_MASK)
#define PAGE_ALLOC_COSTLY_ORDER	3
#define MAX_ORDER_NR_PAGES	1024UL

/* A page is represented by its number, and has no contents. */
struct page {
	char number;
};

unsigned int get_order(unsigned long bytes);
struct page *alloc_pages_node(int node, gfp_t gfp, unsigned int order);
void split_page(struct page *page, unsigned int order);
void *page_address(struct page *page);
int page_to_nid(struct page *page);
struct page *virt_to_page(const void *base);
#define vmalloc_to_page(base)	virt_to_page(base)
void __free_page(struct page *page);
void free_pages(unsigned long address, unsigned int order);
void free_pages_exact(void *base, size_t bytes);
void *__vmalloc(unsigned long bytes, gfp_t gfp);
void vfree(const void *base);
bool is_vmalloc_addr(const void *p);
unsigned long __get_free_page(gfp_t gfp);
void free_page(unsigned long address);

#define VM_MAP			4
#define PAGE_KERNEL		0
/* The pages cannot be written to through the mapping. */
void *vmap(struct page **pages, unsigned int nr, unsigned long flags, int prot);
void vunmap(const void *base);

unsigned long totalram_pages(void);

/* A node is represented by its number. */
enum node_stat_item { NR_KERNEL_MISC_RECLAIMABLE };

#define NODE_DATA(node)		(node)
void mod_node_page_state(int node, enum node_stat_item item, long pages);

bool want_init_on_alloc(gfp_t gfp);
bool want_init_on_free(void);

void *kmalloc(size_t size, gfp_t gfp);
void kfree(const void *p);
#define kzalloc(size, gfp)			kmalloc(size, (gfp) | __GFP_ZERO)
#define kmalloc_node(size, gfp, node)		((void)(node), kmalloc(size, gfp))
#define kzalloc_node(size, gfp, node)		((void)(node), kzalloc(size, gfp))
#define kvmalloc_array(n, size, gfp)		kmalloc(array_size(n, size), gfp)
#define kvmalloc(size, gfp)			kmalloc(size, gfp)
#define kvmalloc_node(size, gfp, node)		((void)(node), kmalloc(size, gfp))
#define kvfree(p)				(is_vmalloc_addr(p) ? vfree(p) : kfree(p))

#endif /* SHIM_KERNEL_MM_H */
