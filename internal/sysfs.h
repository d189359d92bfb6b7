/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /sys/kernel/bytepool/pools/: the files of a pool.
 */
#ifndef _BP_SYSFS_H
#define _BP_SYSFS_H

#include <linux/kobject.h>
#include <linux/sysfs.h>
#include <linux/types.h>

#include "types.h"

extern struct kobject *bp_pools_kobj;

int bp_parse_one(const char *buf);
int bp_parse_timeout(const char *buf, unsigned int *ms);
void bp_pool_sysfs_remove(struct bytepool *pool);
int bp_pool_sysfs_add(struct bytepool *pool);

#endif /* _BP_SYSFS_H */
