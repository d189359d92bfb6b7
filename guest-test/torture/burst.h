/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A burst: the steps that an actor takes in one go
 */
#ifndef _BYTEPOOL_TORTURE_BURST_H
#define _BYTEPOOL_TORTURE_BURST_H

struct actor;

void actor_burst(struct actor *a);
void actor_interrupt(struct actor *a);

#endif /* _BYTEPOOL_TORTURE_BURST_H */
