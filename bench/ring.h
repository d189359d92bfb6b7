/* SPDX-License-Identifier: GPL-2.0-only */
/* A ring between two CPUs: one puts, the other gets, and both wait by spinning. */
#ifndef _BYTEPOOL_BENCH_RING_H
#define _BYTEPOOL_BENCH_RING_H

#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/sched.h>
#include <asm/barrier.h>
#include <asm/processor.h>

#include "bench.h"

struct ring {
	void *blocks[RING_SLOTS];
	unsigned int put ____cacheline_aligned_in_smp;
	unsigned int got ____cacheline_aligned_in_smp;
};

/* Reschedule while spinning. Otherwise stop_machine() would wait forever for this CPU. */
static inline void ring_wait(void)
{
	cpu_relax();
	cond_resched();
}

static __always_inline void ring_put(struct ring *ring, void *block)
{
	unsigned int put = ring->put;

	/* Pairs with the release in ring_get(), which follows the read of the slot. */
	while (put - smp_load_acquire(&ring->got) == RING_SLOTS)
		ring_wait();
	ring->blocks[put % RING_SLOTS] = block;
	/* Publish the block after it was stored in its slot. */
	smp_store_release(&ring->put, put + 1);
}

static __always_inline void *ring_get(struct ring *ring)
{
	unsigned int got = ring->got;
	void *block;

	/* Pairs with the release in ring_put(). */
	while (smp_load_acquire(&ring->put) == got)
		ring_wait();
	block = ring->blocks[got % RING_SLOTS];
	/* Release the slot after it was read. */
	smp_store_release(&ring->got, got + 1);
	return block;
}

#endif /* _BYTEPOOL_BENCH_RING_H */
