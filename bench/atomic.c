// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation by callers that must not sleep, for example in an interrupt. Only
 * kmalloc_nolock() may also be called in an NMI, or with any lock held.
 */
#include <linux/numa.h>

#include "loops.h"

#ifdef HAVE_KMALLOC_NOLOCK
static __always_inline void *nolock_alloc(struct subject *s, size_t size)
{
	return kmalloc_nolock(size, 0, NUMA_NO_NODE);
}

static __always_inline void nolock_free(struct subject *s, void *block, size_t size)
{
	kfree_nolock(block);
}

DEFINE_LOOPS(nolock)

static const struct peer peer_nolock = {
	.name = "kmalloc_nolock",
	.min_size = 8,
	.max_size = KMALLOC_MAX_CACHE_SIZE,
	.create = nothing_to_create,
	.destroy = nothing_to_destroy,
	.loops = { LOOPS(nolock) },
};
#endif

const struct peer *const atomic_peers[] = {
	&peer_bytepool,
	&peer_kmalloc,
	&peer_kmem_cache,
#ifdef HAVE_KMALLOC_NOLOCK
	&peer_nolock,
#endif
	NULL
};
