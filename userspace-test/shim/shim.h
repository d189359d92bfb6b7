/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel that bytepool sees in userspace. All headers in linux/ include this one.
 *
 * A thread is a CPU. A region with preemption off is a read-side section of liburcu. A flag
 * masks interrupts, and a signal or a call of shim_point() is an interrupt. Errors that a debug
 * kernel reports, such as sleeping in atomic context, end the program.
 *
 * TSan does not see everything, and is told of some order. This hides some errors from it:
 *
 * - It knows no address dependencies. Therefore READ_ONCE() of a pointer is an acquire, and so is a
 * cmpxchg() that fails. A load without a dependency that lacks an acquire is not found.
 *
 * - A region with preemption off is ordered before the grace periods that end after it, and
 * after those that ended before it. A region within a grace period is ordered as well, although
 * RCU does not promise that.
 *
 * - smp_mb(), smp_rmb() and smp_wmb() order nothing. Plain data does not need them here, and
 * TSan does not find a missing one.
 */
#ifndef SHIM_H
#define SHIM_H

#include "kernel/compiler.h"
#include "kernel/math.h"
#include "kernel/point.h"
#include "kernel/atomic.h"
#include "kernel/smp.h"
#include "kernel/lock.h"
#include "kernel/rcu.h"
#include "kernel/rhashtable.h"
#include "kernel/list.h"
#include "kernel/rbtree.h"
#include "kernel/mm.h"
#include "kernel/percpu.h"
#include "kernel/work.h"
#include "kernel/printk.h"
#include "kernel/sysfs.h"
#include "kernel/debugfs.h"
#include "kernel/shrinker.h"
#include "kernel/hotplug.h"
#include "kernel/kasan.h"
#include "kernel/module.h"

#endif /* SHIM_H */
