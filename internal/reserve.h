/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reserve: blocks of a class that are always there.
 */
#ifndef _BP_RESERVE_H
#define _BP_RESERVE_H

#include <linux/gfp.h>
#include <linux/types.h>

#include "types.h"

int bp_pool_reserve(struct bytepool *pool, size_t size, unsigned int nr, gfp_t gfp);

#endif /* _BP_RESERVE_H */
