// SPDX-License-Identifier: GPL-2.0-only
//
// Turn the call sites that tools/port/plan chose into calls of bytepool. All families are branches
// of one rule, because spatch numbers the lines anew after each rule that changed something.
// -D pool=NAME	the pool for what kvmalloc() and vmalloc() allocated
// -D pages=NAME	the pool for pages
// -D get_pages=NAME	a function that allocates from that pool, and returns struct page

@initialize:python@
@@
import os

with open(os.environ["PORT_SITES"], encoding="utf-8") as file:
    sites = {tuple(line.split("\t")[:3]) for line in file}

def planned(p):
    return (p[0].file, p[0].line, p[0].column) in sites

@@
expression size, n, order, node, gfp, x, y, z;
constant C;
type T;
identifier virtual.pool, virtual.pages, virtual.get_pages;
position p : script:python() { planned(p) };
@@
(
// kvmalloc(0) returns a pointer, and a pool refuses a size of 0.
- kvmalloc@p(sizeof(T), gfp)
+ bytepool_alloc(pool, sizeof(T), gfp)
|
- kvmalloc@p(sizeof(x), gfp)
+ bytepool_alloc(pool, sizeof(x), gfp)
|
- kvmalloc@p(C, gfp)
+ bytepool_alloc(pool, C, gfp)
|
- kvmalloc@p(x ? y : z, gfp)
+ bytepool_alloc(pool, (x ? y : z) ?: 1, gfp)
|
- kvmalloc@p(size, gfp)
+ bytepool_alloc(pool, size ?: 1, gfp)
|
- kvzalloc@p(sizeof(T), gfp)
+ bytepool_zalloc(pool, sizeof(T), gfp)
|
- kvzalloc@p(sizeof(x), gfp)
+ bytepool_zalloc(pool, sizeof(x), gfp)
|
- kvzalloc@p(C, gfp)
+ bytepool_zalloc(pool, C, gfp)
|
- kvzalloc@p(x ? y : z, gfp)
+ bytepool_zalloc(pool, (x ? y : z) ?: 1, gfp)
|
- kvzalloc@p(size, gfp)
+ bytepool_zalloc(pool, size ?: 1, gfp)
|
- kvmalloc_node@p(x ? y : z, gfp, node)
+ bytepool_alloc_node(pool, (x ? y : z) ?: 1, gfp, node)
|
- kvmalloc_node@p(size, gfp, node)
+ bytepool_alloc_node(pool, size ?: 1, gfp, node)
|
- kvzalloc_node@p(x ? y : z, gfp, node)
+ bytepool_alloc_node(pool, (x ? y : z) ?: 1, gfp | __GFP_ZERO, node)
|
- kvzalloc_node@p(size, gfp, node)
+ bytepool_alloc_node(pool, size ?: 1, gfp | __GFP_ZERO, node)
|
- kvmalloc_array@p(n, size, gfp)
+ bytepool_alloc(pool, array_size(n, size) ?: 1, gfp)
|
- kvcalloc@p(n, size, gfp)
+ bytepool_zalloc(pool, array_size(n, size) ?: 1, gfp)
|
- kvmalloc_obj@p(x, gfp)
+ bytepool_alloc(pool, sizeof(x), gfp)
|
- kvmalloc_obj@p(x)
+ bytepool_alloc(pool, sizeof(x), GFP_KERNEL)
|
- kvzalloc_obj@p(x, gfp)
+ bytepool_zalloc(pool, sizeof(x), gfp)
|
- kvzalloc_obj@p(x)
+ bytepool_zalloc(pool, sizeof(x), GFP_KERNEL)
|
- kvmalloc_objs@p(x, n, gfp)
+ bytepool_alloc(pool, array_size(n, sizeof(x)) ?: 1, gfp)
|
- kvmalloc_objs@p(x, n)
+ bytepool_alloc(pool, array_size(n, sizeof(x)) ?: 1, GFP_KERNEL)
|
- kvzalloc_objs@p(x, n, gfp)
+ bytepool_zalloc(pool, array_size(n, sizeof(x)) ?: 1, gfp)
|
- kvzalloc_objs@p(x, n)
+ bytepool_zalloc(pool, array_size(n, sizeof(x)) ?: 1, GFP_KERNEL)
|
- kvfree@p(x)
+ bytepool_free(pool, x)
|
// vmalloc() aligns to a page. All multiples of a page that a pool has a class for do so, too.
- vmalloc@p(size)
+ bytepool_alloc(pool, PAGE_ALIGN(size), GFP_KERNEL)
|
- vzalloc@p(size)
+ bytepool_zalloc(pool, PAGE_ALIGN(size), GFP_KERNEL)
|
- vmalloc_node@p(size, node)
+ bytepool_alloc_node(pool, PAGE_ALIGN(size), GFP_KERNEL, node)
|
- vzalloc_node@p(size, node)
+ bytepool_alloc_node(pool, PAGE_ALIGN(size), GFP_KERNEL | __GFP_ZERO, node)
|
- __vmalloc@p(size, gfp)
+ bytepool_alloc(pool, PAGE_ALIGN(size), gfp)
|
- vmalloc_array@p(n, size)
+ bytepool_alloc(pool, PAGE_ALIGN(array_size(n, size)), GFP_KERNEL)
|
- vcalloc@p(n, size)
+ bytepool_zalloc(pool, PAGE_ALIGN(array_size(n, size)), GFP_KERNEL)
|
- vfree@p(x)
+ bytepool_free(pool, x)
|
// The callers of these functions store the address as a number.
- (T *)__get_free_pages@p(gfp, C)
+ bytepool_alloc(pages, PAGE_SIZE << C, gfp)
|
- (T *)__get_free_pages@p(gfp, order)
+ bytepool_alloc(pages, PAGE_SIZE << (order), gfp)
|
- __get_free_pages@p(gfp, C)
+ (unsigned long)bytepool_alloc(pages, PAGE_SIZE << C, gfp)
|
- __get_free_pages@p(gfp, order)
+ (unsigned long)bytepool_alloc(pages, PAGE_SIZE << (order), gfp)
|
- (T *)__get_free_page@p(gfp)
+ bytepool_alloc(pages, PAGE_SIZE, gfp)
|
- __get_free_page@p(gfp)
+ (unsigned long)bytepool_alloc(pages, PAGE_SIZE, gfp)
|
- (T *)get_zeroed_page@p(gfp)
+ bytepool_zalloc(pages, PAGE_SIZE, gfp)
|
- get_zeroed_page@p(gfp)
+ (unsigned long)bytepool_zalloc(pages, PAGE_SIZE, gfp)
|
- free_pages@p((unsigned long)x, order)
+ bytepool_free(pages, x)
|
- free_pages@p(x, order)
+ bytepool_free(pages, (void *)x)
|
- free_page@p((unsigned long)x)
+ bytepool_free(pages, x)
|
- free_page@p(x)
+ bytepool_free(pages, (void *)x)
|
- alloc_pages_exact@p(size, gfp)
+ bytepool_alloc(pages, PAGE_ALIGN(size), gfp)
|
- free_pages_exact@p(x, size)
+ bytepool_free(pages, x)
|
- alloc_pages@p(gfp, order)
+ get_pages(gfp, order)
|
- alloc_page@p(gfp)
+ get_pages(gfp, 0)
|
- __free_pages@p(x, order)
+ bytepool_free(pages, page_address(x))
|
- __free_page@p(x)
+ bytepool_free(pages, page_address(x))
|
- kmem_cache_free@p(y, x)
+ bytepool_free(y, x)
|
- kmem_cache_destroy@p(y)
+ bytepool_destroy(y)
|
- mempool_free@p(x, y)
+ bytepool_free(y, x)
|
- mempool_destroy@p(y)
+ bytepool_destroy(y)
)
