/* SPDX-License-Identifier: GPL-2.0-only */
/* Which allocators this kernel has. All differences between kernels are here. */
#ifndef _BYTEPOOL_BENCH_FEATURES_H
#define _BYTEPOOL_BENCH_FEATURES_H

#include <linux/mempool.h>
#include <linux/slab.h>
#include <linux/version.h>

/* since 6.7; sparse cannot ask whether a header exists */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
#define HAVE_OBJPOOL
#endif

/* kmem_cache_args.sheaf_capacity, and sheaves that are filled for one task; since 6.18 */
#ifdef kmem_cache_alloc_from_sheaf
#define HAVE_SHEAVES
#endif

/* since 6.18 */
#ifdef kmalloc_nolock
#define HAVE_KMALLOC_NOLOCK
#endif

/* since 6.19; before 7.3, it may have a fourth parameter */
#if defined(mempool_alloc_bulk) && LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 0)
#define HAVE_MEMPOOL_BULK
#endif

#endif /* _BYTEPOOL_BENCH_FEATURES_H */
