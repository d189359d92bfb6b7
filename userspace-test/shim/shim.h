/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel that bytepool.c sees in userspace. All of linux/ leads here.
 *
 * A thread is a CPU. Regions with preemption off are read-side sections of
 * liburcu; interrupts are masked by a flag, so that a signal, or a call from
 * shim_point(), is an interrupt. What a kernel with its debugging on would
 * report, such as sleeping in atomic context, ends the program here.
 *
 * What TSan cannot see and is told, and what is thereby hidden from it:
 * - It knows no dependent loads: READ_ONCE() of a pointer is an acquire here.
 *   A load that has no dependency and lacks its acquire is not found.
 * - A region with preemption off is ordered before the grace periods that end
 *   after it and behind those that ended before it. One that began and ended
 *   while a grace period lasted is ordered too, which RCU does not promise.
 * - smp_mb(), smp_rmb() and smp_wmb() order nothing for it. None is needed by
 *   plain data here; their absence is not found either.
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
