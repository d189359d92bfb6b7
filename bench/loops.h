/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The measured loops. Each is inlined into a function for each allocator,
 * together with the allocator's alloc and free. So every allocator runs in the
 * same loop, which calls nothing but the allocator. Only loop_used() touches the
 * blocks.
 */
#ifndef _BYTEPOOL_BENCH_LOOPS_H
#define _BYTEPOOL_BENCH_LOOPS_H

#include <linux/cache.h>

#include "bench.h"
#include "ring.h"

typedef void *(*alloc_fn)(struct subject *s, size_t size);
typedef void (*free_fn)(struct subject *s, void *block, size_t size);
typedef bool (*alloc_bulk_fn)(struct subject *s, size_t size, void **blocks);
typedef void (*free_bulk_fn)(struct subject *s, void **blocks);

static __always_inline u64 loop_pair(struct subject *s, unsigned int nr,
				     alloc_fn alloc, free_fn free)
{
	size_t size = s->size;
	u64 start = bench_clock();

	while (nr--) {
		void *block = alloc(s, size);

		if (unlikely(!block)) {
			s->failed++;
			continue;
		}
		free(s, block, size);
	}
	return bench_clock() - start;
}

static __always_inline u64 loop_set(struct subject *s, unsigned int nr,
				    alloc_fn alloc, free_fn free)
{
	void *blocks[SET_BLOCKS];
	size_t size = s->size;
	u64 start = bench_clock();
	unsigned int i;

	for (nr /= SET_BLOCKS; nr; nr--) {
		for (i = 0; i < SET_BLOCKS; i++)
			blocks[i] = alloc(s, size);
		for (i = 0; i < SET_BLOCKS; i++) {
			if (unlikely(!blocks[i])) {
				s->failed++;
				continue;
			}
			free(s, blocks[i], size);
		}
	}
	return bench_clock() - start;
}

static __always_inline u64 loop_bulk(struct subject *s, unsigned int nr,
				     alloc_bulk_fn alloc, free_bulk_fn free)
{
	void *blocks[SET_BLOCKS];
	size_t size = s->size;
	u64 start = bench_clock();

	for (nr /= SET_BLOCKS; nr; nr--) {
		if (unlikely(!alloc(s, size, blocks))) {
			s->failed++;
			continue;
		}
		free(s, blocks);
	}
	return bench_clock() - start;
}

static __always_inline u64 loop_mix(struct subject *s, unsigned int nr,
				    alloc_fn alloc, free_fn free)
{
	void *blocks[MIX_SLOTS] = { };
	const struct mix_step *step;
	u64 start = bench_clock();
	unsigned int i;
	u64 end;

	for (i = 0; i < nr; i++) {
		step = &s->mix[i % MIX_STEPS];
		if (likely(blocks[step->slot]))
			free(s, blocks[step->slot], 0);
		blocks[step->slot] = alloc(s, step->size);
		if (unlikely(!blocks[step->slot]))
			s->failed++;
	}
	end = bench_clock();
	for (i = 0; i < MIX_SLOTS; i++) {
		if (blocks[i])
			free(s, blocks[i], 0);
	}
	return end - start;
}

static __always_inline u64 loop_produce(struct subject *s, unsigned int nr, alloc_fn alloc)
{
	size_t size = s->size;
	u64 start = bench_clock();

	while (nr--) {
		void *block = alloc(s, size);

		if (unlikely(!block))
			s->failed++;
		ring_put(s->ring, block);
	}
	return bench_clock() - start;
}

static __always_inline u64 loop_consume(struct subject *s, unsigned int nr, free_fn free)
{
	size_t size = s->size;
	u64 start = bench_clock();

	while (nr--) {
		void *block = ring_get(s->ring);

		if (likely(block))
			free(s, block, size);
	}
	return bench_clock() - start;
}

static __always_inline u64 loop_fill(struct subject *s, unsigned int nr, alloc_fn alloc)
{
	size_t size = s->size;
	u64 start = bench_clock();
	unsigned int i;

	for (i = 0; i < nr; i++) {
		s->blocks[i] = alloc(s, size);
		if (unlikely(!s->blocks[i]))
			s->failed++;
	}
	return bench_clock() - start;
}

static __always_inline u64 loop_drain(struct subject *s, unsigned int nr, free_fn free)
{
	size_t size = s->size;
	u64 start = bench_clock();
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (likely(s->blocks[i]))
			free(s, s->blocks[i], size);
	}
	return bench_clock() - start;
}

static __always_inline u64 loop_random(struct subject *s, unsigned int nr,
				       alloc_fn alloc, free_fn free)
{
	size_t size = s->size;
	u64 start = bench_clock();
	u32 random = 1;

	while (nr--) {
		void **block;

		/* Marsaglia's xorshift */
		random ^= random << 13;
		random ^= random >> 17;
		random ^= random << 5;
		block = &s->blocks[((u64)random * s->nr_blocks) >> 32];
		if (likely(*block))
			free(s, *block, size);
		*block = alloc(s, size);
		if (unlikely(!*block))
			s->failed++;
	}
	return bench_clock() - start;
}

static __always_inline u64 loop_used(struct subject *s, unsigned int nr,
				     alloc_fn alloc, free_fn free)
{
	size_t size = s->size;
	u64 start = bench_clock();
	size_t at;

	while (nr--) {
		char *block = alloc(s, size);

		if (unlikely(!block)) {
			s->failed++;
			continue;
		}
		for (at = 0; at < size; at += SMP_CACHE_BYTES)
			WRITE_ONCE(*(u64 *)(block + at), at);
		for (at = 0; at < size; at += SMP_CACHE_BYTES)
			READ_ONCE(*(u64 *)(block + at));
		free(s, block, size);
	}
	return bench_clock() - start;
}

/* Define the hot pair and the set for an allocator that has peer_alloc() and peer_free(). */
#define DEFINE_PAIR(peer)							\
static u64 peer##_pair(struct subject *s, unsigned int nr)			\
{										\
	return loop_pair(s, nr, peer##_alloc, peer##_free);			\
}										\
										\
static u64 peer##_set(struct subject *s, unsigned int nr)			\
{										\
	return loop_set(s, nr, peer##_alloc, peer##_free);			\
}

/* Define all loops for such an allocator. */
#define DEFINE_LOOPS(peer)							\
DEFINE_PAIR(peer)								\
										\
static u64 peer##_produce(struct subject *s, unsigned int nr)			\
{										\
	return loop_produce(s, nr, peer##_alloc);				\
}										\
										\
static u64 peer##_consume(struct subject *s, unsigned int nr)			\
{										\
	return loop_consume(s, nr, peer##_free);				\
}										\
										\
static u64 peer##_fill(struct subject *s, unsigned int nr)			\
{										\
	return loop_fill(s, nr, peer##_alloc);					\
}										\
										\
static u64 peer##_drain(struct subject *s, unsigned int nr)			\
{										\
	return loop_drain(s, nr, peer##_free);					\
}										\
										\
static u64 peer##_random(struct subject *s, unsigned int nr)			\
{										\
	return loop_random(s, nr, peer##_alloc, peer##_free);			\
}

/* Define the mix for an allocator that takes any size and frees without the size. */
#define DEFINE_LOOP_MIX(peer)							\
static u64 peer##_mix(struct subject *s, unsigned int nr)			\
{										\
	return loop_mix(s, nr, peer##_alloc, peer##_free);			\
}

#define DEFINE_LOOP_USED(peer)							\
static u64 peer##_used(struct subject *s, unsigned int nr)			\
{										\
	return loop_used(s, nr, peer##_alloc, peer##_free);			\
}

#define DEFINE_LOOP_BULK(peer)							\
static u64 peer##_bulk(struct subject *s, unsigned int nr)			\
{										\
	return loop_bulk(s, nr, peer##_alloc_bulk, peer##_free_bulk);		\
}

#define LOOPS(peer)								\
	[LOOP_PAIR] = peer##_pair,						\
	[LOOP_SET] = peer##_set,						\
	[LOOP_PRODUCE] = peer##_produce,					\
	[LOOP_CONSUME] = peer##_consume,					\
	[LOOP_FILL] = peer##_fill,						\
	[LOOP_DRAIN] = peer##_drain,						\
	[LOOP_RANDOM] = peer##_random

#endif /* _BYTEPOOL_BENCH_LOOPS_H */
