/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Points, at which a test may have something else happen.
 */
#ifndef SHIM_KERNEL_POINT_H
#define SHIM_KERNEL_POINT_H

#include "compiler.h"

/* Where the test may have something else happen: an interrupt, or what another CPU does. */
extern __thread unsigned int shim_countdown;
void shim_at_point(void);

static inline void shim_point(void)
{
	if (unlikely(shim_countdown) && !--shim_countdown)
		shim_at_point();
}

/* One thread, to which the same always happens: whatever the addresses. */
#ifndef SHIM_SERIAL
#define SHIM_SERIAL	0
#endif

#endif /* SHIM_KERNEL_POINT_H */
