/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Each file has a call site before and after it was ported. Both compute what
 * main.c gives them to compute, and have to agree.
 */
#ifndef _PORTING_H
#define _PORTING_H

#include <linux/types.h>

/**
 * struct porting - a call site, twice
 * @name: of what it used before
 * @size: of its buffers, bytes
 * @init: what it sets up, with what is to be undone by @exit
 * @exit: gives everything back
 * @before: a request that fills a buffer of @size from @seed and sets its *@sum
 * @after: the same
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
