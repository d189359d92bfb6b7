/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kernels built for finding bugs are told of blocks, so that they see them
 * as they see what kmalloc() gives: KASAN that an idle block is not to be
 * touched, KMSAN that a new one holds nothing yet, kmemleak who refers to what.
 * Other kernels compile none of it.
 */
#ifndef _BYTEPOOL_INSTRUMENT_H
#define _BYTEPOOL_INSTRUMENT_H

#include <linux/gfp.h>
#include <linux/kasan.h>
#include <linux/kmemleak.h>
#include <linux/kmsan-checks.h>
#include <linux/mm.h>
#include <linux/types.h>

/* Whether something is to be done wherever a block comes and goes: no fast path then. */
#define BP_INSTRUMENTED	(IS_ENABLED(CONFIG_KASAN_GENERIC) || \
			 IS_ENABLED(CONFIG_KMSAN) || \
			 IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) || \
			 IS_ENABLED(CONFIG_FAULT_INJECTION))

/* What a free page's shadow is, and that of memory to be used: KASAN's own. */
#define BP_SHADOW_IDLE	0xff
#define BP_SHADOW_IN_USE	0

#ifdef CONFIG_KASAN_GENERIC
/* Exported, but in no header for modules. */
void kasan_poison(const void *addr, size_t size, u8 value, bool init);
#endif

/* Mapped memory has a shadow of its own only with CONFIG_KASAN_VMALLOC. */
static inline void instrument_shadow(const void *block, size_t size, u8 shadow)
{
#ifdef CONFIG_KASAN_GENERIC
	if (IS_ENABLED(CONFIG_KASAN_VMALLOC) || !is_vmalloc_addr(block))
		kasan_poison(block, size, shadow, false);
#endif
}

/* Idle memory, of one block or of several. */
static inline void instrument_idle(const void *block, size_t size)
{
	instrument_shadow(block, size, BP_SHADOW_IDLE);
}

/* It may be looked at and written to again. */
static inline void instrument_open(const void *block, size_t size)
{
	instrument_shadow(block, size, BP_SHADOW_IN_USE);
}

/*
 * A block goes to its caller. kmemleak allocates, which not everybody
 * @may_allocate; what it does not know, it does not report.
 */
static inline void instrument_alloc(void *block, size_t size, gfp_t gfp, bool may_allocate)
{
	instrument_open(block, size);
	kmsan_poison_memory(block, size, gfp);
	/* Of what is mapped, the kernel's own record is one reference. */
	if (may_allocate)
		kmemleak_alloc(block, size, is_vmalloc_addr(block) ? 2 : 1, gfp);
}

/* A block is its caller's no more, but nobody else's yet. */
static inline void instrument_free(const void *block, size_t size)
{
	kmemleak_free(block);
	instrument_idle(block, size);
}

#endif /* _BYTEPOOL_INSTRUMENT_H */
