/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that create and destroy pools, and take CPUs offline and online
 */
#ifndef _BYTEPOOL_TORTURE_CHURN_H
#define _BYTEPOOL_TORTURE_CHURN_H

int churn_start(void);
void churn_stop(void);

#endif /* _BYTEPOOL_TORTURE_CHURN_H */
