/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When the system is short of memory, idle memory of all pools is given back.
 */
#ifndef _BP_SHRINKER_H
#define _BP_SHRINKER_H

int bp_shrinker_init(void);
void bp_shrinker_exit(void);

#endif /* _BP_SHRINKER_H */
