/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A class gets a slab. At a limit, idle memory of the pool makes room first.
 */
#ifndef _BP_GROW_H
#define _BP_GROW_H

#include <linux/gfp.h>
#include <linux/types.h>

#include "types.h"

/* For memory that the caller can do without: no retries, and no emergency reserves. */
#define BP_GFP_SPARE		(__GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN)

struct bp_slab *bp_class_new_slab(struct bp_class *class, bool large, gfp_t gfp,
				  int node);
void *bp_class_grow(struct bp_class *class, gfp_t gfp, int node);
bool bp_class_wants_private_slab(struct bp_class *class);
void bp_class_grow_for_cache(struct bp_class *class, gfp_t gfp);

#endif /* _BP_GROW_H */
