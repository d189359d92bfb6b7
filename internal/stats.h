/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of classes, added up.
 */
#ifndef _BP_STATS_H
#define _BP_STATS_H

#include <linux/types.h>

#include "types.h"

void bp_class_add_stats(struct bp_class *class, struct bytepool_stats *stats);
void bp_pool_stats(struct bytepool *pool, struct bytepool_stats *stats);

#endif /* _BP_STATS_H */
