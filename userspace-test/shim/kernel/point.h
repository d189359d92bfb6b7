/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Points: places in the code at which a test may insert other events.
 */
#ifndef SHIM_KERNEL_POINT_H
#define SHIM_KERNEL_POINT_H

#include "compiler.h"

/* A point, where a test may insert an interrupt or a call of another CPU. */
extern __thread unsigned int shim_countdown;
void shim_at_point(void);

static inline void shim_point(void)
{
	if (unlikely(shim_countdown) && !--shim_countdown)
		shim_at_point();
}

/* With SHIM_SERIAL there is one thread, whose run must not depend on addresses. */
#ifndef SHIM_SERIAL
#define SHIM_SERIAL	0
#endif

#endif /* SHIM_KERNEL_POINT_H */
