/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A thread that writes to the files of sysfs
 */
#ifndef _BYTEPOOL_TORTURE_TUNE_H
#define _BYTEPOOL_TORTURE_TUNE_H

int tune_start(void);
void tune_stop(void);

#endif /* _BYTEPOOL_TORTURE_TUNE_H */
