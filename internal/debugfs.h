/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /sys/kernel/debug/bytepool/: the classes of a pool, and its blocks in use.
 */
#ifndef _BP_DEBUGFS_H
#define _BP_DEBUGFS_H

#include <linux/debugfs.h>
#include <linux/types.h>

#include "types.h"

extern struct dentry *bp_debugfs_root;

void bp_pool_debugfs_add(struct bytepool *pool);

#endif /* _BP_DEBUGFS_H */
