/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Each file has a call site before and after it was ported. main.c gives both
 * versions the same input, and compares their results.
 */
#ifndef _PORTING_H
#define _PORTING_H

#include <linux/types.h>

/**
 * struct porting - a call site before and after it was ported
 * @name: the allocator that @before uses
 * @size: bytes of a buffer
 * @init: set up the allocators of both versions
 * @exit: undo @init
 * @before: serve a request: fill a buffer of @size from @seed, and set *@sum
 * @after: serve the same request with bytepool
 */
struct porting {
	const char *name;
	size_t size;
	int (*init)(void);
	void (*exit)(void);
	int (*before)(size_t size, u32 seed, u32 *sum);
	int (*after)(size_t size, u32 seed, u32 *sum);
};

extern const struct porting porting_kvmalloc;
extern const struct porting porting_workspace;
extern const struct porting porting_mempool;
extern const struct porting porting_kmem_cache;
extern const struct porting porting_pages;

u32 porting_work(void *buffer, size_t size, u32 seed);

#endif /* _PORTING_H */
