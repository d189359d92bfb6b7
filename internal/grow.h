/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A class gets a slab. At a limit, idle memory of the pool makes room first.
 */
#ifndef _BP_GROW_H
#define _BP_GROW_H

#include <linux/gfp.h>
#include <linux/types.h>

#include "types.h"

struct bp_slab *bp_class_new_slab(struct bp_class *class, bool large, gfp_t gfp,
				  int node);
void *bp_class_grow(struct bp_class *class, gfp_t gfp, int node);
bool bp_class_wants_private_slab(struct bp_class *class);

#endif /* _BP_GROW_H */
