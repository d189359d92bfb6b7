/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hash table: sync.c over liburcu.c.
 */
#ifndef SHIM_KERNEL_RHASHTABLE_H
#define SHIM_KERNEL_RHASHTABLE_H

#include "compiler.h"

/* True if the table may be modified with interrupts off. */
#ifdef BYTEPOOL_RHASHTABLE_IRQSAFE
#define SHIM_TABLE_IN_HARDIRQ	true
#else
#define SHIM_TABLE_IN_HARDIRQ	false
#endif

struct rhash_head {
	void *liburcu[2];
} __aligned(8);

struct rhashtable_compare_arg {
	void *ht;
	const void *key;
};

struct rhashtable_params {
	size_t key_len;
	size_t key_offset;
	size_t head_offset;
	u32 (*hashfn)(const void *key, u32 len, u32 seed);
	int (*obj_cmpfn)(struct rhashtable_compare_arg *arg, const void *object);
	bool automatic_shrinking;
};

struct rhashtable {
	void *table;
	u32 seed;
	long nr;
	size_t head_offset;
};

int rhashtable_init(struct rhashtable *ht, const struct rhashtable_params *params);
void rhashtable_destroy(struct rhashtable *ht);
int rhashtable_insert_fast(struct rhashtable *ht, struct rhash_head *head,
			   struct rhashtable_params params);
int rhashtable_remove_fast(struct rhashtable *ht, struct rhash_head *head,
			   struct rhashtable_params params);
struct rhashtable_iter {
	struct rhashtable *ht;
	void *liburcu[2];
	void *last;
	unsigned long seen;
};
void rhashtable_walk_enter(struct rhashtable *ht, struct rhashtable_iter *iter);
void rhashtable_walk_start(struct rhashtable_iter *iter);
void *rhashtable_walk_next(struct rhashtable_iter *iter);
void *rhashtable_walk_peek(struct rhashtable_iter *iter);
void rhashtable_walk_stop(struct rhashtable_iter *iter);
#define rhashtable_walk_exit(iter)	((void)(iter))
void *rhashtable_lookup(struct rhashtable *ht, const void *key, struct rhashtable_params params);

#endif /* SHIM_KERNEL_RHASHTABLE_H */
