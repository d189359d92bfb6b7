/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of the memory in pools. Each call is compared with it. The model is a list of runs of
 * memory, with the state and the age of each block. Its users decide on the calls and their
 * order. shim_random() decides on interrupts and other CPUs within a call.
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
	unsigned int slot;	/* index in in_use of its pool */
	bool in_use;
	bool overwritten;	/* by a stale owner, with BYTEPOOL_POISON */
	bool dirty;		/* the same without it, so it may not be zero with BYTEPOOL_WIPE */
	u64 mark;
	unsigned long freed;
};

/* Memory that a pool got from the system at once. */
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
	struct bytepool *pool;		/* NULL if there is no pool */
	struct bp_sizes sizes;
	struct class_state *class;
	unsigned int flags;
	unsigned int timeout_ms;
	unsigned long limit;
	bool reserved;			/* a class has or had a reserve */
	unsigned long changed;		/* last change of a timeout or a reserve */
	unsigned long held;
	unsigned int told;		/* kinds of bad frees that were warned about */
	unsigned int overwritten;	/* overwritten blocks, with BYTEPOOL_POISON */
	unsigned int reports;		/* reports about overwritten blocks */
	struct bytepool_stats stats;	/* the counters of events */
	struct cds_list_head runs;
	struct block *in_use[IN_USE_MAX + 2 * BULK_MAX];
	unsigned int nr_in_use;
	char name[64];
};

/* The current call. An interrupt has a call of its own. */
struct op {
	struct model_pool *pool;
	unsigned long id;
	u32 class;
	unsigned int born;
	bool any_age;
	bool alloc;
};

/* Reasons to refuse a free: bits in model_pool.told. */
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
	model_check(condition, #condition, __FILE__, __LINE__)

static inline u32 rnd(u32 n)
{
	return shim_random() % n;
}

void model_check(bool ok, const char *what, const char *file, int line);

/* Reset the model, before the module starts. */
void model_begin(void);
/* Begin a step on @cpu, with an event after @countdown points. */
void model_step(int cpu, unsigned int countdown);
/* Have no more events in this step. */
void model_calm(void);
/* Begin a call, and return the call that it interrupts. To end it, set @op to that. */
struct op model_op_begin(struct model_pool *pool, u32 class);

u32 model_run_blocks(const struct run *run);
struct block *model_block_at(const char *p);
void *model_block_address(const struct block *block);
struct block *model_random_in_use(struct model_pool *pool);
struct model_pool *model_random_pool(void);
gfp_t model_random_gfp(bool atomic);
u32 model_random_size(const struct model_pool *pool);
/* Return true if the pool has many blocks in use, or all pools together hold much memory. */
bool model_full(const struct model_pool *pool);

/* Create a pool and its model. Return 0 or -errno. */
int model_create(struct model_pool *pool, const char *name, const struct bytepool_params *params);
/* The number of pools whose structure the module keeps, because blocks of them leaked. */
extern unsigned int model_buried;
/* Destroy a pool. Free its blocks in use before, or @leak them. */
void model_destroy(struct model_pool *pool, bool leak);

/* Make a call and check its promises. */
void *model_alloc(struct model_pool *pool, u32 size, gfp_t gfp);
void model_free(struct block *block);
void model_alloc_or_free(struct model_pool *pool, bool atomic);
void model_alloc_bulk(struct model_pool *pool, u32 size, gfp_t gfp, u32 nr);
/* Free several blocks at once, with some NULL among them. */
void model_free_bulk(struct model_pool *pool, u32 nr);
/* Free each block twice in one call. */
void model_free_bulk_twice(struct model_pool *pool, u32 nr);
/* Free a block, which another CPU frees, too, after @countdown points. */
void model_free_race(struct block *block, unsigned int countdown);
void model_out_of_range(struct model_pool *pool);
void model_bad_free(struct model_pool *pool, const void *p, enum model_bad_free kind);
void model_bad_free_inside(struct model_pool *pool, struct block *block, u32 offset);
/* Write to a free block. Only its contents may suffer. */
void model_stale_write(struct block *block, const void *bytes, u32 nr);
void model_usable_size(struct block *block);
/* Free a block and allocate it again on this CPU, without the system. */
void model_reuse(struct block *block);
void model_reserve(struct model_pool *pool, u32 size, u32 nr);
void model_gc(struct model_pool *pool);
void model_trim(struct model_pool *pool);
/* Scan until everything that was counted is freed. The reserves stay. */
void model_shrink(unsigned long pages);
/* Let another CPU die. Its cached blocks go to the depots, and nothing else changes. */
void model_cpu_dies(void);
void model_limit(struct model_pool *pool, unsigned long limit);
void model_time(unsigned long by);
/* Let time pass. The GC must stop although there is idle memory that it may not free. */
void model_quiet(unsigned int longest_ms);

/* Write to a file of sysfs. */
ssize_t model_write(const char *path, unsigned long value);
ssize_t model_write_pool(struct model_pool *pool, const char *file, unsigned long value);

void model_check_stats(struct model_pool *pool);
void model_check_all(void);

#endif /* MODEL_H */
