/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hooks for kernels that are built to find bugs, so that they treat blocks like
 * memory of kmalloc(). KASAN reports any access to an idle block, KMSAN regards
 * a new block as uninitialised, and kmemleak tracks references. In other
 * kernels, all of this compiles to nothing.
 */
#ifndef _BP_INSTRUMENT_H
#define _BP_INSTRUMENT_H

#include <linux/gfp.h>
#include <linux/kasan.h>
#include <linux/kmemleak.h>
#include <linux/kmsan-checks.h>
#include <linux/mm.h>
#include <linux/types.h>

/*
 * Instrumented kernels have no fast path, because each block has to be reported
 * when it comes and goes.
 */
#define BP_INSTRUMENTED	(IS_ENABLED(CONFIG_KASAN_GENERIC) || \
			 IS_ENABLED(CONFIG_KMSAN) || \
			 IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) || \
			 IS_ENABLED(CONFIG_FAULT_INJECTION))

/* KASAN's shadow values of a free page, and of accessible memory. */
#define BP_SHADOW_IDLE	0xff
#define BP_SHADOW_IN_USE	0

#ifdef CONFIG_KASAN_GENERIC
/* The kernel exports it, but no header for modules declares it. */
void kasan_poison(const void *addr, size_t size, u8 value, bool init);
#endif

/* Mapped memory has a shadow of its own only with CONFIG_KASAN_VMALLOC. */
static inline void bp_instrument_shadow(const void *block, size_t size, u8 shadow)
{
#ifdef CONFIG_KASAN_GENERIC
	if (IS_ENABLED(CONFIG_KASAN_VMALLOC) || !is_vmalloc_addr(block))
		kasan_poison(block, size, shadow, false);
#endif
}

/* Mark memory, of one block or of several, as idle. */
static inline void bp_instrument_idle(const void *block, size_t size)
{
	bp_instrument_shadow(block, size, BP_SHADOW_IDLE);
}

/* Mark memory as accessible. */
static inline void bp_instrument_open(const void *block, size_t size)
{
	bp_instrument_shadow(block, size, BP_SHADOW_IN_USE);
}

/*
 * Report that a block goes to its caller. kmemleak allocates memory, which not
 * every context may do. It never reports a block as leaked that it does not know.
 */
static inline void bp_instrument_alloc(void *block, size_t size, gfp_t gfp, bool may_allocate)
{
	bp_instrument_open(block, size);
	kmsan_poison_memory(block, size, gfp);
	/* The kernel's own record of mapped memory is one reference. */
	if (may_allocate)
		kmemleak_alloc(block, size, is_vmalloc_addr(block) ? 2 : 1, gfp);
}

/* Report that a caller has freed a block. */
static inline void bp_instrument_free(const void *block, size_t size)
{
	kmemleak_free(block);
	bp_instrument_idle(block, size);
}

#endif /* _BP_INSTRUMENT_H */
