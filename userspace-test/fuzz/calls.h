/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of the fuzz target, and the calls that they stand for.
 */
#ifndef FUZZ_CALLS_H
#define FUZZ_CALLS_H

#include "fuzz/fuzz.h"
#include "model/model.h"

#define RECORD		8
#define FUZZ_POOLS	3

/**
 * struct record - a call
 * @call: the kind of call, modulo CALL_MAX
 * @where: bits 0-1 are the CPU, the other bits are the pool, modulo FUZZ_POOLS
 * @countdown: from 128 on, an event happens after @countdown - 127 points
 * @fault: from 128 on, see faults_set()
 * @arg: mostly a size
 * @how: depends on the call
 * @seed: the seed of everything that the record leaves open
 */
struct record {
	u8 call;
	u8 where;
	u8 countdown;
	u8 fault;
	u16 arg;
	u8 how;
	u8 seed;
};

static_assert(sizeof(struct record) == RECORD, "a record is read as it is");

/* input.c */
void input_set(const u8 *data, size_t size);
/* Read one record of RECORD bytes. Return false at the end of the input. */
bool record_read(void *record);
/* Read up to @most bytes, end them by a zero, and return how many there were. */
size_t text_read(char *text, size_t most);
/* Return a size that the pool has a class for. */
u32 size_in(const struct model_pool *pool, u16 arg);
gfp_t gfp_of(u8 how);
void faults_set(u8 fault);

/* create.c */
/* Count the names of pools from 1 again. */
void names_begin(void);
void pool_create_usual(struct model_pool *pool, u16 arg);
/* Replace @pool by one whose parameters are in the next record. */
void call_create(struct model_pool *pool);

/* block.c */
/* Return a block in use, or NULL. */
struct block *block_of(const struct model_pool *pool, u16 arg);
/* Call @fn for a block in use, if there is one. */
void in_use(struct model_pool *pool, u16 arg, void (*fn)(struct block *block));
void call_alloc(struct model_pool *pool, const struct record *record, u32 nr);
void call_free(struct model_pool *pool, const struct record *record);
void call_bulk(struct model_pool *pool, const struct record *record);
void call_bad_free(struct model_pool *pool, const struct record *record);
void call_stale_write(struct model_pool *pool, const struct record *record);
void call_reserve(struct model_pool *pool, const struct record *record);

/* file.c */
void call_write(struct model_pool *pool, const struct record *record);
void call_read(struct model_pool *pool, const struct record *record);
void call_debugfs(struct model_pool *pool);

#endif /* FUZZ_CALLS_H */
