/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Poison, KMSAN and kmemleak.
 */
#ifndef SHIM_KERNEL_KASAN_H
#define SHIM_KERNEL_KASAN_H

#define POISON_FREE		0x6b
#define POISON_END		0xa5

#define kmsan_poison_memory(p, size, gfp)	((void)(gfp))
#define kmemleak_alloc(p, size, refs, gfp)	((void)(gfp))
#define kmemleak_free(p)			((void)(p))
#define kmemleak_free_percpu(p)			((void)(p))
#define kmemleak_no_scan(p)			((void)(p))
#define kmemleak_scan_area(p, size, gfp)	((void)(p), (void)(gfp))

#endif /* SHIM_KERNEL_KASAN_H */
