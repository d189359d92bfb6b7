// SPDX-License-Identifier: GPL-2.0-only
/*
 * The other ways through bytepool, beside what they replace: zeroed blocks, a node,
 * frees without the pool, wiped blocks, a pool for one thread; and working sets of
 * any size.
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

static __always_inline void *kzalloc_alloc(struct subject *s, size_t size)
{
	return kzalloc(size, GFP_KERNEL);
}

static __always_inline void kzalloc_free(struct subject *s, void *block, size_t size)
{
	kfree(block);
}

static __always_inline void *memset_alloc(struct subject *s, size_t size)
{
	return memset(s->blocks, 0, size);
}

static __always_inline void memset_free(struct subject *s, void *block, size_t size)
{
}

static __always_inline void *shared_alloc(struct subject *s, size_t size)
{
	return bytepool_alloc(bytepool_system, size, GFP_KERNEL);
}

static __always_inline void shared_free(struct subject *s, void *block, size_t size)
{
	bytepool_free(bytepool_system, block);
}

#define any_alloc	plain_alloc
#define asked_alloc	plain_alloc
#define local_free	plain_free
#define zero_free	plain_free

DEFINE_PAIR(plain)
DEFINE_PAIR(any)
DEFINE_PAIR(asked)
DEFINE_PAIR(local)
DEFINE_PAIR(zero)
DEFINE_PAIR(kzalloc)
DEFINE_PAIR(memset)
DEFINE_PAIR(shared)

static int flagged_create(struct subject *s, unsigned int flags)
{
	const struct bytepool_params params = { .flags = flags };

	s->pool = bytepool_create("bench.flags", &params);
	return PTR_ERR_OR_ZERO(s->pool);
}

static int wipe_create(struct subject *s)
{
	return flagged_create(s, BYTEPOOL_WIPE);
}

static int single_create(struct subject *s)
{
	return flagged_create(s, BYTEPOOL_SINGLE);
}

static int poison_create(struct subject *s)
{
	return flagged_create(s, BYTEPOOL_POISON);
}

static int track_create(struct subject *s)
{
	return flagged_create(s, BYTEPOOL_TRACK);
}

static int memory_create(struct subject *s)
{
	s->blocks = kmalloc(s->size, GFP_KERNEL);
	return s->blocks ? 0 : -ENOMEM;
}

static void memory_destroy(struct subject *s)
{
	kfree(s->blocks);
}

#define PATH(title, make, end, fn) {						\
	.name = title, .min_size = 8, .max_size = SZ_4M, .create = make,	\
	.destroy = end,								\
	.loops = { [LOOP_PAIR] = fn##_pair, [LOOP_SET] = fn##_set },		\
}

static const struct peer paths[] = {
	PATH("bytepool", pool_create, pool_destroy, plain),
	PATH("free-any", pool_create, pool_destroy, any),
	PATH("usable-size", pool_create, pool_destroy, asked),
	PATH("node", pool_create, pool_destroy, local),
	PATH("zalloc", pool_create, pool_destroy, zero),
	PATH("kzalloc", nothing_to_create, nothing_to_destroy, kzalloc),
	PATH("memset", memory_create, memory_destroy, memset),
	PATH("wipe", wipe_create, pool_destroy, plain),
	PATH("single", single_create, pool_destroy, plain),
	PATH("poison", poison_create, pool_destroy, plain),
	PATH("track", track_create, pool_destroy, plain),
	PATH("shared", nothing_to_create, nothing_to_destroy, shared),
};

static void bench_path(const struct peer *path, const char *what, enum loop loop, size_t size)
{
	struct subject s = {};

	if (subject_init(&s, path, size)) {
		emit_failures(what, 1);
		return;
	}
	measure(loop, &s, 1);
	emit_cost(what, path->name, size, s.best, s.nr);
	subject_exit(&s);
}

void bench_paths(void)
{
	static const size_t sizes[] = { 64, 96, SZ_4K, SZ_64K };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (j = 0; j < ARRAY_SIZE(paths); j++) {
			bench_path(&paths[j], "path-pair", LOOP_PAIR, sizes[i]);
			bench_path(&paths[j], "path-set16", LOOP_SET, sizes[i]);
		}
	}
}

/* Allocate @nr blocks, then free them in the same order. */
static void bench_held(const char *name, size_t size, unsigned int nr)
{
	const struct peer *peer = peer_find(name);
	char what[16];
	struct subject s = {};
	unsigned int round;
	u64 best = U64_MAX;

	snprintf(what, sizeof(what), "set%u", nr);
	if (size > peer->max_size)
		return;
	if (subject_init(&s, peer, size)) {
		emit_failures(what, 1);
		return;
	}
	s.blocks = vzalloc(array_size(nr, sizeof(*s.blocks)));
	if (s.blocks) {
		for (round = 0; round < 4 * REPETITIONS; round++) {
			u64 cost = peer->loops[LOOP_FILL](&s, nr);

			best = min(best, cost + peer->loops[LOOP_DRAIN](&s, nr));
		}
		emit_cost(what, name, size, best, nr);
	} else {
		emit_failures(what, 1);
	}
	vfree(s.blocks);
	subject_exit(&s);
}

void bench_sets(void)
{
	static const char * const names[] = { "bytepool", "kmalloc", "kvmalloc", "kmem_cache" };
	static const size_t sizes[] = { 64, 96, SZ_1K, SZ_4K, SZ_64K };
	unsigned int i, j, nr;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (nr = 64; nr <= 4096 && nr * sizes[i] <= SZ_64M; nr *= 4) {
			for (j = 0; j < ARRAY_SIZE(names); j++) {
				if (peer_wanted(peer_find(names[j])))
					bench_held(names[j], sizes[i], nr);
			}
		}
	}
}
