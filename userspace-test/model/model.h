/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of what pools hold, with which every call is compared: an array of
 * runs of memory, with what became of each block and when. What calls there
 * are and in which order, those who use it decide; what interrupts and other
 * CPUs do in between, shim_random().
 */
#ifndef MODEL_H
#define MODEL_H

#include "test.h"
#include "internal/size_class.h"

#define POOLS		5
#define CPUS		4
#define IN_USE_MAX	400
#define HELD_MAX	(96L << 20)
#define BULK_MAX	40

struct block {
	struct run *run;
	unsigned int slot;	/* in its pool's in_use */
	bool in_use;
	bool used_before;
	bool overwritten;	/* while it was idle, with BYTEPOOL_POISON */
	u64 mark;
	unsigned long freed;
};

/* What the system gave to a pool at once. */
struct run {
	struct cds_list_head list;
	struct cds_list_head bucket;
	struct model_pool *pool;
	u32 size;
	char *base;
	unsigned long bytes;
	unsigned long born;
	unsigned long birth_op;
	unsigned int nr_in_use;
	struct block block[];
};

struct class_state {
	unsigned long blocks;
	unsigned long in_use;
	unsigned int reserve;
	unsigned long grown;
};

struct model_pool {
	struct bytepool *pool;		/* NULL: there is none */
	struct bytepool_sizes sizes;
	struct class_state *class;
	unsigned int flags;
	unsigned int timeout_ms;
	unsigned long limit;
	unsigned long changed;		/* when a timeout or a reserve was */
	unsigned long held;
	unsigned int told;		/* kinds of bad frees warned about */
	unsigned int overwritten;	/* with BYTEPOOL_POISON, blocks that were found to be */
	unsigned int reports;		/* and those that were reported */
	struct bytepool_stats stats;	/* those that count events */
	struct cds_list_head runs;
	struct block *in_use[IN_USE_MAX + 2 * BULK_MAX];
	unsigned int nr_in_use;
	char name[64];
};

/* The call under way. An interrupt has its own. */
struct op {
	struct model_pool *pool;
	unsigned long id;
	u32 class;
	unsigned int born;
	bool any_age;
	bool alloc;
};

/* Why a free is refused: bits in model_pool.told. */
enum model_bad_free {
	MODEL_UNKNOWN = 1,
	MODEL_INSIDE,
	MODEL_FOREIGN,
	MODEL_IDLE,
};

extern struct model_pool pools[POOLS];
extern struct op op;
extern unsigned int global_timeout_ms;
extern unsigned int interval_ms;
extern unsigned long global_changed;
extern unsigned long expected_warnings;
extern unsigned long step;

#define CHECK(condition) \
	model_check(condition, #condition, __LINE__)

static inline u32 rnd(u32 n)
{
	return shim_random() % n;
}

void model_check(bool ok, const char *what, int line);

/* Before the module starts. */
void model_begin(void);
/* A step begins. */
void model_step(int cpu, unsigned int countdown);
/* Nothing more happens by itself. */
void model_calm(void);
/* A call begins; the one that it interrupts, if any, goes on when @op is that again. */
struct op model_op_begin(struct model_pool *pool, u32 class);

u32 model_run_blocks(const struct run *run);
struct block *model_block_at(const char *p);
void *model_block_address(const struct block *block);
struct block *model_random_in_use(struct model_pool *pool);
struct model_pool *model_random_pool(void);
gfp_t model_random_gfp(bool atomic);
u32 model_random_size(const struct model_pool *pool);
/* The pool has many blocks in use, or all together hold much. */
bool model_full(const struct model_pool *pool);

/* The pool, and the model of it: 0, or -errno and no pool. */
int model_create(struct model_pool *pool, const char *name, const struct bytepool_params *params);
/* Give back what is in use, or let it @leak. */
void model_destroy(struct model_pool *pool, bool leak);

/* Calls, with what they promise. */
void *model_alloc(struct model_pool *pool, u32 size, gfp_t gfp);
void model_free(struct block *block);
void model_alloc_or_free(struct model_pool *pool, bool atomic);
void model_alloc_bulk(struct model_pool *pool, u32 size, gfp_t gfp, u32 nr);
/* Some of them NULL. */
void model_free_bulk(struct model_pool *pool, u32 nr);
/* Each is freed twice in a row. */
void model_free_bulk_twice(struct model_pool *pool, u32 nr);
/* Another CPU frees the block too, after so many points. */
void model_free_race(struct block *block, unsigned int countdown);
void model_out_of_range(struct model_pool *pool);
void model_bad_free(struct model_pool *pool, const void *p, enum model_bad_free kind);
void model_bad_free_inside(struct model_pool *pool, struct block *block, u32 offset);
/* Who had an idle block once writes to it: all that may suffer are its contents. */
void model_stale_write(struct block *block, const void *bytes, u32 nr);
void model_usable_size(struct block *block);
/* What just went back can be had again on its CPU, without the system. */
void model_reuse(struct block *block);
void model_reserve(struct model_pool *pool, u32 size, u32 nr);
void model_gc(struct model_pool *pool);
void model_trim(struct model_pool *pool);
/* Under pressure all that is counted can be had, and the reserves stay. */
void model_shrink(unsigned long pages);
/* Another one: what was in its caches is in the depots, nothing else changes. */
void model_cpu_dies(void);
void model_limit(struct model_pool *pool, unsigned long limit);
void model_time(unsigned long by);
/* Left alone, the GC stops, however much is idle that it may not touch. */
void model_quiet(unsigned int longest_ms);

/* Files of sysfs. */
ssize_t model_write(const char *path, unsigned long value);
ssize_t model_write_pool(struct model_pool *pool, const char *file, unsigned long value);

void model_check_stats(struct model_pool *pool);
void model_check_all(void);

#endif /* MODEL_H */
