/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The detour: while its key is on, the fast paths check whether to take another way. The key
 * is on while a tracepoint of alloc or free is enabled, or a BYTEPOOL_SINGLE pool exists.
 * While it is off, the check is a no-op instruction, which is patched when the key changes.
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
 * Return true if calls for the pool need no section. For a short time after a BYTEPOOL_SINGLE
 * pool was made, return false. Calls use it like any other pool then, which is correct, too.
 */
static __always_inline bool bp_detour_single(const struct bytepool *pool)
{
	return bp_detour() && bp_pool_single(pool);
}

#endif /* _BP_DETOUR_H */
