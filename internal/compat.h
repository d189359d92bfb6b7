/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything that differs between the kernels that bytepool builds on.
 */
#ifndef _BYTEPOOL_COMPAT_H
#define _BYTEPOOL_COMPAT_H

#include <linux/irqflags.h>
#include <linux/mmzone.h>
#include <linux/preempt.h>
#include <linux/version.h>

/* The largest order the page allocator serves: renamed in 6.8, an exclusive bound before 6.4. */
#ifndef MAX_PAGE_ORDER
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define MAX_PAGE_ORDER	MAX_ORDER
#else
#define MAX_PAGE_ORDER	(MAX_ORDER - 1)
#endif
#endif

/* GFP_ATOMIC had a bit of its own until 6.4. */
#ifndef __GFP_ATOMIC
#define __GFP_ATOMIC	((__force gfp_t)0)
#endif

/*
 * Whether an rhashtable may be modified here. Its bucket locks disabled only
 * softirqs at first, and enabling those again is an error with interrupts off.
 */
static inline bool compat_rhashtable_writable(void)
{
	return LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0) ||
	       (!irqs_disabled() && !in_hardirq());
}

#endif /* _BYTEPOOL_COMPAT_H */
