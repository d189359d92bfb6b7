// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation by callers that must not sleep, for example in an interrupt. Only
 * kmalloc_nolock() may also be called in an NMI, or with any lock held.
 */
#include <linux/err.h>
#include <linux/numa.h>

#include "loops.h"

static __always_inline void *pool_atomic_alloc(struct subject *s, size_t size)
{
	return bytepool_alloc(s->pool, size, GFP_ATOMIC);
}

static __always_inline void pool_atomic_free(struct subject *s, void *block, size_t size)
{
	bytepool_free(s->pool, block);
}

DEFINE_LOOPS(pool_atomic)

static const struct peer peer_pool_atomic = {
	.name = "bytepool",
	.min_size = 8,
	.max_size = SZ_4M,
	.create = pool_create,
	.destroy = pool_destroy,
	.loops = { LOOPS(pool_atomic) },
};

static __always_inline void *kmalloc_atomic_alloc(struct subject *s, size_t size)
{
	return kmalloc(size, GFP_ATOMIC);
}

static __always_inline void kmalloc_atomic_free(struct subject *s, void *block, size_t size)
{
	kfree(block);
}

DEFINE_LOOPS(kmalloc_atomic)

static const struct peer peer_kmalloc_atomic = {
	.name = "kmalloc",
	.min_size = 8,
	.max_size = SZ_4M,
	.create = nothing_to_create,
	.destroy = nothing_to_destroy,
	.loops = { LOOPS(kmalloc_atomic) },
};

static __always_inline void *cache_atomic_alloc(struct subject *s, size_t size)
{
	return kmem_cache_alloc(s->cache, GFP_ATOMIC);
}

static __always_inline void cache_atomic_free(struct subject *s, void *block, size_t size)
{
	kmem_cache_free(s->cache, block);
}

DEFINE_LOOPS(cache_atomic)

static const struct peer peer_cache_atomic = {
	.name = "kmem_cache",
	.min_size = 8,
	.max_size = SZ_256K,
	.create = cache_create,
	.destroy = cache_destroy,
	.loops = { LOOPS(cache_atomic) },
};

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
	&peer_pool_atomic,
	&peer_kmalloc_atomic,
	&peer_cache_atomic,
#ifdef HAVE_KMALLOC_NOLOCK
	&peer_nolock,
#endif
	NULL
};
