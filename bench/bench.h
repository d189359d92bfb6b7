/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _BYTEPOOL_BENCH_H
#define _BYTEPOOL_BENCH_H

#include <linux/dmapool.h>
#include <linux/sizes.h>
#include <linux/types.h>

#include "bytepool.h"
#include "features.h"

#ifdef HAVE_OBJPOOL
#include <linux/objpool.h>
#endif

#define SET_BLOCKS	16U	/* blocks in the working set, in a bulk, and in a reserve */
#define PEERS_MAX	16U	/* in a case */
#define MIX_SLOTS	64U
#define MIX_STEPS	4096U
#define RING_SLOTS	64U

struct handmade;
struct ring;
struct subject;

/* A step of the random mix: free the block in @slot, and allocate one of @size there. */
struct mix_step {
	unsigned int slot;
	unsigned int size;
};

/* The loops that are measured for every allocator. Their bodies are in loops.h. */
enum loop {
	LOOP_PAIR,	/* allocate one block and free it */
	LOOP_SET,	/* allocate SET_BLOCKS, then free them in the same order */
	LOOP_BULK,	/* the same with one call to allocate and one to free */
	LOOP_MIX,	/* do the steps of subject->mix */
	LOOP_PRODUCE,	/* allocate, and put into subject->ring */
	LOOP_CONSUME,	/* take from subject->ring, and free */
	LOOP_FILL,	/* allocate subject->blocks */
	LOOP_DRAIN,	/* free subject->blocks */
	LOOP_RANDOM,	/* free a random one of subject->blocks, and allocate it again */
	LOOP_USED,	/* allocate, write each cache line, read each, and free */
	LOOP_NR
};

/* Run @nr pairs of alloc and free. Return how long they took. */
typedef u64 (*loop_fn)(struct subject *s, unsigned int nr);

/* An allocator to be measured. */
struct peer {
	const char *name;
	size_t min_size;
	size_t max_size;
	int (*create)(struct subject *s);
	void (*destroy)(struct subject *s);
	loop_fn loops[LOOP_NR];	/* NULL: the loop is not measured */
};

/* A way to use an allocator. The last three fields are for pools. */
struct variant {
	const char *name;
	const struct peer *peer;
	gfp_t gfp;	/* in addition to GFP_KERNEL */
	struct bytepool_params params;
	unsigned int reserve;
	bool shared;	/* use bytepool_system */
};

/* An allocator measured with one block size. */
struct subject {
	const struct peer *peer;
	const struct variant *as;	/* while it is created */
	size_t size;
	gfp_t gfp;
	unsigned long failed;	/* allocations that returned NULL */
	const struct mix_step *mix;
	struct ring *ring;
	void **blocks;
	unsigned int nr_blocks;
	u64 best;	/* shortest time of nr pairs */
	unsigned int nr;
	union {
		struct bytepool *pool;
		struct kmem_cache *cache;
		mempool_t *mempool;
		struct dma_pool *dma_pool;
		struct handmade *handmade;
#ifdef HAVE_OBJPOOL
		struct objpool_head objpool;
#endif
	};
};

/* Lists of peers, which end with NULL. bytepool is the first. */
extern const struct peer *const peers[];
extern const struct peer *const atomic_peers[];
extern const struct peer *const reserve_peers[];

extern const struct peer peer_bytepool;
extern const struct peer peer_kmalloc;

extern const struct bytepool_params many_classes;	/* 12,800 */

/* peers.c */
int nothing_to_create(struct subject *s);
void nothing_to_destroy(struct subject *s);
int pool_create(struct subject *s);
void pool_destroy(struct subject *s);
bool listed(const char *name, const char *list);
int peers_init(const char *among);
void peers_exit(void);
const struct peer *peer_find(const char *name);
bool peer_wanted(const struct peer *peer);
int subject_init_as(struct subject *s, const struct variant *as, size_t size);
int subject_init(struct subject *s, const struct peer *peer, size_t size);
unsigned int subjects_init(struct subject *subjects, const struct peer *const *list,
			   enum loop loop, size_t size);
void subject_exit(struct subject *s);

/* cache.c */
int cache_create(struct subject *s);
void cache_destroy(struct subject *s);
int sheaf_cache_create(struct subject *s);
extern const struct peer peer_kmem_cache;
extern const struct peer peer_sheaf_capacity;

/* sheaf.c */
extern const struct peer peer_sheaf_bulk;
extern const struct peer peer_sheaf_reserve;

/* handmade.c */
struct handmade *handmade_create(void);
void handmade_destroy(struct handmade *pool);
void *handmade_alloc(struct handmade *pool, size_t size, gfp_t gfp);
void handmade_free(struct handmade *pool, const void *block);

/* measure.c */
#define REPETITIONS	(counting ? 9U : 25U)

extern bool counting;		/* measure instructions, not time */
extern unsigned long failures;	/* failed allocations in all cases */
u64 bench_clock(void);
u64 bench_busy_clock(void);
void emit(const char *what, const char *peer, size_t size, u64 total, u64 nr, const char *unit);
void emit_failures(const char *what, unsigned long nr);
void emit_cost(const char *what, const char *peer, size_t size, u64 total, u64 nr);
unsigned int pairs_for(struct subject *s, enum loop loop);
void measure(enum loop loop, struct subject *subjects, unsigned int nr);

/* the cases */
void bench_check_clock(void);
void bench_pair(void);
void bench_set(void);
void bench_bulk(void);
void bench_atomic(void);
void bench_reserve(void);
void bench_paths(void);
void bench_cleared(void);
void bench_debug(void);
void bench_sets(void);
void bench_mix(void);
void bench_live(void);
void bench_pools(void);
void bench_miss(void);
void bench_gc_idle(void);
void bench_gc_free(void);
void bench_create(void);
void bench_possible(void);
void bench_memory(void);
void bench_cross(void);
void bench_both(void);
void bench_used(void);
void bench_during(void);
void bench_during_timer(void);
void bench_step(void);
void bench_step_many(void);
void bench_profile(void);

#endif /* _BYTEPOOL_BENCH_H */
