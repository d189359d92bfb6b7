/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A thread that calls gc, trim and reserve, and one that watches a limit
 */
#ifndef _BYTEPOOL_TORTURE_ADMIN_H
#define _BYTEPOOL_TORTURE_ADMIN_H

int admin_start(void);
void admin_stop(void);

#endif /* _BYTEPOOL_TORTURE_ADMIN_H */
