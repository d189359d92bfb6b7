// SPDX-License-Identifier: GPL-2.0-only
/*
 * The other ways through bytepool, beside what they replace: zeroed blocks, a node,
 * frees without the pool, wiped blocks, a pool for one thread, a reserve and nothing
 * else; the kernels that clear or check all memory; and working sets of any size.
 */
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/topology.h>
#include <linux/vmalloc.h>

#include "loops.h"

static __always_inline void *plain_alloc(struct subject *s, size_t size)
{
	return bytepool_alloc(s->pool, size, GFP_KERNEL);
}

static __always_inline void plain_free(struct subject *s, void *block, size_t size)
{
	bytepool_free(s->pool, block);
}

static __always_inline void any_free(struct subject *s, void *block, size_t size)
{
	bytepool_free_any(block);
}

static __always_inline void asked_free(struct subject *s, void *block, size_t size)
{
	if (bytepool_usable_size(s->pool, block) < size)
		s->failed++;
	bytepool_free(s->pool, block);
}

static __always_inline void *local_alloc(struct subject *s, size_t size)
{
	return bytepool_alloc_node(s->pool, size, GFP_KERNEL, 0);
}

static __always_inline void *zero_alloc(struct subject *s, size_t size)
{
	return bytepool_zalloc(s->pool, size, GFP_KERNEL);
}

static __always_inline void *memset_alloc(struct subject *s, size_t size)
{
	return memset(s->blocks, 0, size);
}

static __always_inline void memset_free(struct subject *s, void *block, size_t size)
{
}

#define any_alloc	plain_alloc
#define asked_alloc	plain_alloc
#define local_free	plain_free
#define zero_free	plain_free

DEFINE_PAIR(any)
DEFINE_PAIR(asked)
DEFINE_PAIR(local)
DEFINE_PAIR(zero)
DEFINE_PAIR(memset)

static int memory_create(struct subject *s)
{
	s->blocks = kmalloc(s->size, GFP_KERNEL);
	return s->blocks ? 0 : -ENOMEM;
}

static void memory_destroy(struct subject *s)
{
	kfree(s->blocks);
}

#define DEFINE_PEER(fn, make, end)						\
static const struct peer peer_##fn = {						\
	.name = #fn, .min_size = 8, .max_size = SZ_4M, .create = make,		\
	.destroy = end,								\
	.loops = { [LOOP_PAIR] = fn##_pair, [LOOP_SET] = fn##_set },		\
}

DEFINE_PEER(any, pool_create, pool_destroy);
DEFINE_PEER(asked, pool_create, pool_destroy);
DEFINE_PEER(local, pool_create, pool_destroy);
DEFINE_PEER(zero, pool_create, pool_destroy);
DEFINE_PEER(memset, memory_create, memory_destroy);

static const struct variant single = {
	.name = "single", .peer = &peer_bytepool, .params.flags = BYTEPOOL_SINGLE,
};

static const struct variant paths[] = {
	{ "bytepool", &peer_bytepool },
	{ "free-any", &peer_any },
	{ "usable-size", &peer_asked },
	{ "node", &peer_local },
	{ "zalloc", &peer_zero },
	{ "kzalloc", &peer_kmalloc, __GFP_ZERO },
	{ "memset", &peer_memset },
	{ "wipe", &peer_bytepool, .params.flags = BYTEPOOL_WIPE },
	{ "shared", &peer_bytepool, .shared = true },
};

/* For a kernel that clears all memory that it allocates. */
static const struct variant cleared[] = {
	{ "bytepool", &peer_bytepool, .shared = true },
	{ "zalloc", &peer_zero, .shared = true },
	{ "kmalloc", &peer_kmalloc },
	{ "kmem_cache", &peer_kmem_cache },
};

/* For a kernel that checks all objects of its caches. */
static const struct variant checked[] = {
	{ "poison", &peer_bytepool, .params.flags = BYTEPOOL_POISON },
	{ "track", &peer_bytepool, .params.flags = BYTEPOOL_TRACK },
	{ "kmalloc", &peer_kmalloc },
	{ "kmem_cache", &peer_kmem_cache },
};

static const size_t path_sizes[] = { 64, 96, SZ_4K, SZ_64K };

static void bench_path(const struct variant *path, const char *what, enum loop loop, size_t size)
{
	struct subject s;

	if (subject_init_as(&s, path, size)) {
		emit_failures(what, 1);
		return;
	}
	measure(loop, &s, 1);
	emit_cost(what, path->name, size, s.best, s.nr);
	subject_exit(&s);
}

static void bench_variants(const char *pair, const char *set, const struct variant *variants,
			   unsigned int nr)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(path_sizes); i++) {
		for (j = 0; j < nr; j++) {
			if (path_sizes[i] > variants[j].peer->max_size)
				continue;
			bench_path(&variants[j], pair, LOOP_PAIR, path_sizes[i]);
			bench_path(&variants[j], set, LOOP_SET, path_sizes[i]);
		}
	}
}

/* Allocate @nr blocks, then free them in the same order. */
static void bench_held(const char *what, const struct variant *as, size_t size, unsigned int nr)
{
	struct subject s;
	unsigned int round;
	u64 best = U64_MAX;

	if (size > as->peer->max_size)
		return;
	if (subject_init_as(&s, as, size)) {
		emit_failures(what, 1);
		return;
	}
	s.blocks = vzalloc(array_size(nr, sizeof(*s.blocks)));
	if (s.blocks) {
		for (round = 0; round < 4 * REPETITIONS; round++) {
			u64 cost = as->peer->loops[LOOP_FILL](&s, nr);

			best = min(best, cost + as->peer->loops[LOOP_DRAIN](&s, nr));
		}
		emit_cost(what, as->name, size, best, nr);
	} else {
		emit_failures(what, 1);
	}
	vfree(s.blocks);
	subject_exit(&s);
}

/*
 * The pool with a reserve has no room for any other slab. The pool for one thread is
 * measured with more blocks as well, because its owner has no other cache.
 */
static void bench_own_paths(size_t size)
{
	const struct variant reserve = {
		.name = "reserve-only",
		.peer = &peer_bytepool,
		.params.limit_bytes = PAGE_ALIGN(SET_BLOCKS * size),
		.reserve = SET_BLOCKS,
	};

	bench_path(&reserve, "path-pair", LOOP_PAIR, size);
	bench_path(&single, "path-pair", LOOP_PAIR, size);
	bench_path(&single, "path-set16", LOOP_SET, size);
	bench_held("path-set256", &single, size, 256);
}

void bench_paths(void)
{
	unsigned int i;

	bench_variants("path-pair", "path-set16", paths, ARRAY_SIZE(paths));
	for (i = 0; i < ARRAY_SIZE(path_sizes); i++)
		bench_own_paths(path_sizes[i]);
}

void bench_cleared(void)
{
	bench_variants("cleared-pair", "cleared-set16", cleared, ARRAY_SIZE(cleared));
}

void bench_debug(void)
{
	bench_variants("debug-pair", "debug-set16", checked, ARRAY_SIZE(checked));
}

void bench_sets(void)
{
	static const char * const names[] = { "bytepool", "kmalloc", "kvmalloc", "kmem_cache" };
	static const size_t sizes[] = { 64, 96, SZ_1K, SZ_4K, SZ_64K };
	unsigned int i, j, nr;
	char what[16];

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (nr = 64; nr <= 4096 && nr * sizes[i] <= SZ_64M; nr *= 4) {
			snprintf(what, sizeof(what), "set%u", nr);
			for (j = 0; j < ARRAY_SIZE(names); j++) {
				const struct variant as = { names[j], peer_find(names[j]) };

				if (peer_wanted(as.peer))
					bench_held(what, &as, sizes[i], nr);
			}
		}
	}
}
