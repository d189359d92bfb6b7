/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fuzz target: see target.c.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "shim/control.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

extern u64 fuzz_trace;

/* kernel.c: the arena of pages. */
void fuzz_arena_init(void);
void fuzz_arena_reset(void);
/* Return an address near the allocated ones. */
void *fuzz_wild_address(unsigned long offset);

#endif /* FUZZ_H */
