/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests of everything that watches over pools: one list of tests for each topic.
 */
#ifndef CHECKED_H
#define CHECKED_H

#include "test.h"

extern const struct test poison_tests[];
extern const struct test track_tests[];
extern const struct test debugfs_tests[];
extern const struct test shrinker_tests[];
extern const struct test reclaim_tests[];
extern const struct test gc_tests[];
extern const struct test room_tests[];
extern const struct test hotplug_tests[];
extern const struct test fault_tests[];
extern const struct test kasan_tests[];
extern const struct test trace_tests[];

/* Collect the messages of the module in log_text, from log_start() to log_stop(). */
void log_start(void);
void log_stop(void);
/* Return how often @text is in the messages. */
unsigned int log_count(const char *text);
extern char log_text[];

/* Write to a byte that the caller does not own. ASan does not see it. */
void scribble(u8 *p, u8 value);
/* Allocate a block. The tracker records this function as the caller. */
void *alloc_here(u32 size);

#endif /* CHECKED_H */
