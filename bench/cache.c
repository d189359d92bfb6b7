// SPDX-License-Identifier: GPL-2.0-only
/*
 * Caches of the slab allocator, as peers.
 */
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "loops.h"

int cache_create(struct subject *s)
{
	s->cache = kmem_cache_create("bytepool_bench", s->size, 0, 0, NULL);
	return s->cache ? 0 : -ENOMEM;
}

void cache_destroy(struct subject *s)
{
	kmem_cache_destroy(s->cache);
}

static __always_inline void *kmem_cache_peer_alloc(struct subject *s, size_t size)
{
	return kmem_cache_alloc(s->cache, s->gfp);
}

static __always_inline void kmem_cache_peer_free(struct subject *s, void *block, size_t size)
{
	kmem_cache_free(s->cache, block);
}

static __always_inline bool kmem_cache_peer_alloc_bulk(struct subject *s, size_t size,
						       void **blocks)
{
	return kmem_cache_alloc_bulk(s->cache, GFP_KERNEL, SET_BLOCKS, blocks);
}

static __always_inline void kmem_cache_peer_free_bulk(struct subject *s, void **blocks)
{
	kmem_cache_free_bulk(s->cache, SET_BLOCKS, blocks);
}

DEFINE_LOOPS(kmem_cache_peer)
DEFINE_LOOP_BULK(kmem_cache_peer)

const struct peer peer_kmem_cache = {
	.name = "kmem_cache",
	.min_size = 8,
	.max_size = SZ_256K,
	.create = cache_create,
	.destroy = cache_destroy,
	.loops = { LOOPS(kmem_cache_peer), [LOOP_BULK] = kmem_cache_peer_bulk },
};

#ifdef HAVE_SHEAVES
/* The same with sheaves of a capacity that is enough for every loop but LOOP_FILL. */
int sheaf_cache_create(struct subject *s)
{
	struct kmem_cache_args args = { .sheaf_capacity = RING_SLOTS };

	s->cache = kmem_cache_create("bytepool_bench", s->size, &args, 0);
	return s->cache ? 0 : -ENOMEM;
}

const struct peer peer_sheaf_capacity = {
	.name = "sheaf_capacity",
	.min_size = 8,
	.max_size = SZ_256K,
	.create = sheaf_cache_create,
	.destroy = cache_destroy,
	.loops = { LOOPS(kmem_cache_peer), [LOOP_BULK] = kmem_cache_peer_bulk },
};
#endif /* HAVE_SHEAVES */
