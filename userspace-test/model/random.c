// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random choices.
 */
#include "internal.h"

gfp_t model_random_gfp(bool atomic)
{
	static const gfp_t sleeping[] = {
		GFP_KERNEL, GFP_NOFS, GFP_NOIO, GFP_KERNEL | __GFP_NORETRY, GFP_KERNEL_ACCOUNT,
	};
	gfp_t gfp = rnd(2) ? GFP_ATOMIC : GFP_NOWAIT;

	if (!atomic && rnd(4))
		gfp = sleeping[rnd(5)];
	if (!rnd(4))
		gfp |= __GFP_ZERO;
	if (!rnd(8))
		gfp |= __GFP_NOWARN;
	return gfp;
}

/* Prefer small sizes. All powers of two are equally likely. */
u32 model_random_size(const struct model_pool *pool)
{
	u32 bits = min(fls(pool->sizes.max), 24);
	u32 size = rnd(rnd(4) ? 1 << (1 + rnd(bits)) : 1 << (1 + rnd(min(bits, 10U)))) + 1;

	return min(size, pool->sizes.max);
}

struct block *model_random_in_use(struct model_pool *pool)
{
	return pool->nr_in_use ? pool->in_use[rnd(pool->nr_in_use)] : NULL;
}

/* Return a pool, or NULL if there is none. */
struct model_pool *model_random_pool(void)
{
	unsigned int first = rnd(POOLS);
	unsigned int i;

	for (i = 0; i < POOLS; i++) {
		struct model_pool *pool = &pools[(first + i) % POOLS];

		if (pool->pool)
			return pool;
	}
	return NULL;
}

bool model_full(const struct model_pool *pool)
{
	unsigned long held = 0;
	unsigned int i;

	for (i = 0; i < POOLS; i++)
		held += pools[i].held;
	return pool->nr_in_use >= IN_USE_MAX || held > HELD_MAX;
}

void model_alloc_or_free(struct model_pool *pool, bool atomic)
{
	bool full = model_full(pool);
	u32 size = model_random_size(pool);

	if (full || (rnd(2) && pool->nr_in_use)) {
		struct block *block = model_random_in_use(pool);

		if (block)
			model_free(block);
		return;
	}
	model_alloc(pool, size, model_random_gfp(atomic));
}
