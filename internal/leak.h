/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Blocks that are in use when their pool is destroyed.
 */
#ifndef _BP_LEAK_H
#define _BP_LEAK_H

#include <linux/types.h>

#include "types.h"

void bp_pool_leak(struct bytepool *pool);

#endif /* _BP_LEAK_H */
