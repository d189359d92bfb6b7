/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything that differs between the kernels that bytepool builds on.
 */
#ifndef _BYTEPOOL_COMPAT_H
#define _BYTEPOOL_COMPAT_H

#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/types.h>

/* GFP_ATOMIC had a bit of its own until 6.4. */
#ifndef __GFP_ATOMIC
#define __GFP_ATOMIC	((__force gfp_t)0)
#endif

/*
 * Whether an rhashtable may be modified here. Its bucket locks disabled only
 * softirqs at first, and enabling those again is an error with interrupts off.
 * Kbuild looks which it is.
 */
static inline bool compat_rhashtable_writable(void)
{
#ifdef BYTEPOOL_RHASHTABLE_IRQSAFE
	return true;
#else
	return !irqs_disabled() && !in_hardirq();
#endif
}

#endif /* _BYTEPOOL_COMPAT_H */
