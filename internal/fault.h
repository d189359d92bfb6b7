/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fail_bytepool: allocations that fail on demand. Built with CONFIG_FAULT_INJECTION.
 */
#ifndef _BP_FAULT_H
#define _BP_FAULT_H

#include <linux/gfp.h>
#include <linux/types.h>

#include "types.h"

#ifdef CONFIG_FAULT_INJECTION
bool bp_alloc_injected(struct bytepool *pool, size_t size, gfp_t gfp);
struct dentry *bp_faults_add(void);
#else
static inline bool bp_alloc_injected(struct bytepool *pool, size_t size, gfp_t gfp)
{
	return false;
}

static inline struct dentry *bp_faults_add(void)
{
	return NULL;
}
#endif

#endif /* _BP_FAULT_H */
