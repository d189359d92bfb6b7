/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The list of pools, walks over it, and CPUs that go away.
 */
#ifndef _BP_POOLS_H
#define _BP_POOLS_H

#include <linux/types.h>

#include "types.h"

int bp_pool_link(struct bytepool *pool);
bool bp_pool_listed(const struct bytepool *pool);
void bp_pool_unlink(struct bytepool *pool);
struct bytepool *bp_pool_next(struct bytepool *prev);
struct bytepool *bp_pool_next_shared(struct bytepool *prev);
void bp_pool_bury(struct bytepool *pool);
void bp_pools_exit(void);
int bp_cpu_dead(unsigned int cpu);

#endif /* _BP_POOLS_H */
