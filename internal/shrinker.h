/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The shrinker of a pool, which gives idle memory back when the system is short.
 */
#ifndef _BP_SHRINKER_H
#define _BP_SHRINKER_H

#include <linux/types.h>

#include "types.h"

int bp_pool_shrinker_add(struct bytepool *pool);
void bp_pool_shrinker_remove(struct bytepool *pool);

#endif /* _BP_SHRINKER_H */
