/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables of open caches, one or more slots for each class.
 */
#ifndef _BP_SLOTS_H
#define _BP_SLOTS_H

#include <linux/gfp.h>
#include <linux/types.h>

#include "types.h"

int bp_slots_init(struct bytepool *pool, struct bp_cache *closed);
bool bp_slots_ensure(struct bytepool *pool, int cpu, gfp_t gfp);
size_t bp_slots_overhead(struct bytepool *pool);
void bp_slots_free(struct bytepool *pool);

#endif /* _BP_SLOTS_H */
