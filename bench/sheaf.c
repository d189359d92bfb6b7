// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sheaves that are filled beforehand: kmem_cache_prefill_sheaf() takes one with
 * at least so many objects, for example for a section that must not sleep. They
 * are the kernel's own. A module cannot link to these functions, but it can ask
 * kprobes for their addresses.
 */
#include "loops.h"

#ifdef HAVE_SHEAVES
#ifdef MODULE
#include <linux/kprobes.h>
#include <linux/static_call.h>

DEFINE_STATIC_CALL_NULL(bench_prefill, kmem_cache_prefill_sheaf);
DEFINE_STATIC_CALL_NULL(bench_alloc_from, kmem_cache_alloc_from_sheaf_noprof);
DEFINE_STATIC_CALL_NULL(bench_return, kmem_cache_return_sheaf);

#define kmem_cache_prefill_sheaf		static_call(bench_prefill)
#define kmem_cache_alloc_from_sheaf_noprof	static_call(bench_alloc_from)
#define kmem_cache_return_sheaf			static_call(bench_return)

static void *find_function(const char *name)
{
	struct kprobe probe = { .symbol_name = name, .flags = KPROBE_FLAG_DISABLED };

	if (register_kprobe(&probe))
		return NULL;
	unregister_kprobe(&probe);
	return probe.addr;
}

static int find_functions(void)
{
	void *prefill = find_function("kmem_cache_prefill_sheaf");
	void *alloc_from = find_function("kmem_cache_alloc_from_sheaf_noprof");
	void *ret = find_function("kmem_cache_return_sheaf");

	if (!prefill || !alloc_from || !ret)
		return -ENOENT;
	static_call_update(bench_prefill, prefill);
	static_call_update(bench_alloc_from, alloc_from);
	static_call_update(bench_return, ret);
	return 0;
}
#else
static int find_functions(void)
{
	return 0;
}
#endif /* MODULE */

static int sheaf_peer_create(struct subject *s)
{
	return find_functions() ?: sheaf_cache_create(s);
}

static __always_inline bool sheaf_take(struct subject *s, unsigned int nr, void **blocks)
{
	struct slab_sheaf *sheaf = kmem_cache_prefill_sheaf(s->cache, GFP_KERNEL, nr);
	unsigned int i;

	if (unlikely(!sheaf))
		return false;
	for (i = 0; i < nr; i++)
		blocks[i] = kmem_cache_alloc_from_sheaf(s->cache, GFP_KERNEL, sheaf);
	kmem_cache_return_sheaf(s->cache, GFP_KERNEL, sheaf);
	return true;
}

static __always_inline void *sheaf_alloc(struct subject *s, size_t size)
{
	void *block;

	return likely(sheaf_take(s, 1, &block)) ? block : NULL;
}

static __always_inline void sheaf_free(struct subject *s, void *block, size_t size)
{
	kmem_cache_free(s->cache, block);
}

static __always_inline bool sheaf_alloc_bulk(struct subject *s, size_t size, void **blocks)
{
	return sheaf_take(s, SET_BLOCKS, blocks);
}

static __always_inline void sheaf_free_bulk(struct subject *s, void **blocks)
{
	kmem_cache_free_bulk(s->cache, SET_BLOCKS, blocks);
}

static u64 sheaf_pair(struct subject *s, unsigned int nr)
{
	return loop_pair(s, nr, sheaf_alloc, sheaf_free);
}

DEFINE_LOOP_BULK(sheaf)

const struct peer peer_sheaf_bulk = {
	.name = "prefilled_sheaf",
	.min_size = 8,
	.max_size = SZ_256K,
	.create = sheaf_peer_create,
	.destroy = cache_destroy,
	.loops = { [LOOP_BULK] = sheaf_bulk },
};

const struct peer peer_sheaf_reserve = {
	.name = "prefilled_sheaf",
	.min_size = 8,
	.max_size = SZ_256K,
	.create = sheaf_peer_create,
	.destroy = cache_destroy,
	.loops = { [LOOP_PAIR] = sheaf_pair, [LOOP_SET] = sheaf_bulk },
};
#endif /* HAVE_SHEAVES */
