/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of a pool: check its parameters, make it, end it.
 */
#ifndef _BP_POOL_H
#define _BP_POOL_H

#include <linux/types.h>

#include "types.h"

struct bytepool *bp_pool_make(const char *name, const struct bytepool_params *params);
void bp_pool_end(struct bytepool *pool);
struct bytepool *bp_pool_create(const char *name, const struct bytepool_params *params);
void bp_pool_destroy(struct bytepool *pool);

#endif /* _BP_POOL_H */
