// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation from a reserve of SET_BLOCKS blocks, which cannot fail as long as
 * no more are in use.
 */
#include "loops.h"

static int pool_reserve_create(struct subject *s)
{
	int err = pool_create(s);

	if (err)
		return err;
	err = bytepool_reserve(s->pool, s->size, SET_BLOCKS, GFP_KERNEL);
	if (err)
		bytepool_destroy(s->pool);
	return err;
}

static __always_inline void *pool_reserve_alloc(struct subject *s, size_t size)
{
	return bytepool_alloc(s->pool, size, GFP_KERNEL);
}

static __always_inline void pool_reserve_free(struct subject *s, void *block, size_t size)
{
	bytepool_free(s->pool, block);
}

DEFINE_LOOPS(pool_reserve)

static const struct peer peer_pool_reserve = {
	.name = "bytepool",
	.min_size = 8,
	.max_size = SZ_4M,
	.create = pool_reserve_create,
	.destroy = pool_destroy,
	.loops = { LOOPS(pool_reserve) },
};

/* A mempool has a reserve, too, and so does the task with a prefilled sheaf. */
const struct peer *const reserve_peers[] = {
	&peer_pool_reserve,
	&peer_mempool,
#ifdef HAVE_SHEAVES
	&peer_sheaf_reserve,
#endif
	NULL
};
