/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A detour: while the key is on, the fast paths look whether they have to take another way.
 * It is on while a tracepoint of them is enabled or a BYTEPOOL_SINGLE pool exists. While it
 * is off, it costs one no-op instruction, which is patched.
 */
#ifndef _BP_DETOUR_H
#define _BP_DETOUR_H

#include <linux/jump_label.h>
#include <linux/types.h>

#include "context.h"
#include "types.h"

DECLARE_STATIC_KEY_FALSE(bp_detour_key);

int bp_detour_begin(void);
void bp_detour_end(void);

static __always_inline bool bp_detour(void)
{
	return static_branch_unlikely(&bp_detour_key);
}

/*
 * Return true if the calls for the pool need no section. It is false for a short while after
 * the pool was made. Then the pool is used like any other, which is as correct.
 */
static __always_inline bool bp_detour_single(const struct bytepool *pool)
{
	return bp_detour() && bp_pool_single(pool);
}

#endif /* _BP_DETOUR_H */
