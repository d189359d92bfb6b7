/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the kernels that the test modules run on
 */
#ifndef _BYTEPOOL_TEST_COMPAT_H
#define _BYTEPOOL_TEST_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*fn)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
}
#endif

#endif /* _BYTEPOOL_TEST_COMPAT_H */
