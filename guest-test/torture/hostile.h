/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A thread that frees what it must not free
 */
#ifndef _BYTEPOOL_TORTURE_HOSTILE_H
#define _BYTEPOOL_TORTURE_HOSTILE_H

int hostile_first(void);
int hostile_start(void);
void hostile_stop(void);

#endif /* _BYTEPOOL_TORTURE_HOSTILE_H */
