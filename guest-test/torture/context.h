/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The threads and interrupts that actors run in
 */
#ifndef _BYTEPOOL_TORTURE_CONTEXT_H
#define _BYTEPOOL_TORTURE_CONTEXT_H

int contexts_start(void);
void contexts_stop(void);

#endif /* _BYTEPOOL_TORTURE_CONTEXT_H */
