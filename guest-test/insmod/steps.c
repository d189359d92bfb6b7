// SPDX-License-Identifier: GPL-2.0-only
/*
 * The steps of a stress run: what an actor does in each context
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/smp.h>

#include "../lib/compat.h"
#include "../lib/hardirq.h"
#include "block.h"
#include "check.h"
#include "steps.h"

#define NR_BULK		16
#define BULK_SIZE_MAX	512

/* Up to this size, the page allocator serves requests that may not sleep, if there is memory. */
#define ATOMIC_SIZE_MAX	(PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER)

void run_fault(struct run *run, enum fault what)
{
	atomic_inc(&run->faults[what]);
}

u32 actor_below(struct actor *a, u32 bound)
{
	return prandom_u32_state(&a->rnd) % bound;
}

static size_t random_size(struct actor *a)
{
	size_t largest = a->run->stress->largest;

	if (!a->run->stress->uniform)
		largest = min_t(size_t, largest, 8UL << actor_below(a, 18));
	return 1 + actor_below(a, largest);
}

static void take(struct actor *a, void *block, size_t size, gfp_t gfp)
{
	struct run *run = a->run;
	size_t usable = bytepool_usable_size(run->pool, block);

	a->allocs++;
	if (run->stress->params.limit_bytes &&
	    bytepool_size(run->pool) > run->stress->params.limit_bytes)
		run_fault(run, OVER_LIMIT);
	if (usable < size) {
		run_fault(run, TOO_SMALL);
		return;
	}
	if (!block_aligned(block, usable))
		run_fault(run, MISALIGNED);
	if (gfp & __GFP_ZERO && !block_zero(block, size))
		run_fault(run, NOT_ZERO);
	block_fill(block, usable, a->tag);
}

static void refuse(struct actor *a, size_t size, gfp_t gfp)
{
	struct run *run = a->run;

	a->refused++;
	if (HARDIRQ_MAY_REFUSE && a->context == HARDIRQ)
		return;
	if (!run_may_refuse(run) && (gfpflags_allow_blocking(gfp) || size <= ATOMIC_SIZE_MAX))
		run_fault(run, REFUSED);
}

static void inspect(struct actor *a, const void *block)
{
	if (!block_intact(block, bytepool_usable_size(a->run->pool, block)))
		run_fault(a->run, CORRUPT);
	a->frees++;
}

void actor_free(struct actor *a, void *block)
{
	inspect(a, block);
	bytepool_free(a->run->pool, block);
}

/* Put @block, or NULL, into a mailbox, and free the block that was there. */
static void exchange(struct actor *a, void *block)
{
	block = xchg(&a->run->mailboxes[actor_below(a, NR_MAILBOXES)], block);
	if (block)
		actor_free(a, block);
}

void actor_step(struct actor *a, gfp_t gfp)
{
	size_t size = random_size(a);
	void *block;

	if (size > ATOMIC_SIZE_MAX || run_may_refuse(a->run))
		gfp |= __GFP_NOWARN;
	if (!actor_below(a, 8))
		gfp |= __GFP_ZERO;
	block = bytepool_alloc(a->run->pool, size, gfp);
	if (block)
		take(a, block, size, gfp);
	else
		refuse(a, size, gfp);
	exchange(a, block);
}

void actor_step_bulk(struct actor *a, gfp_t gfp)
{
	unsigned int nr = 1 + actor_below(a, NR_BULK);
	size_t size = 1 + actor_below(a, min_t(size_t, a->run->stress->largest, BULK_SIZE_MAX));
	void *blocks[NR_BULK];
	unsigned int got, i;

	got = bytepool_alloc_bulk(a->run->pool, size, gfp, nr, blocks);
	if (!got) {
		refuse(a, size, gfp);
		return;
	}
	if (got != nr)
		run_fault(a->run, PARTIAL);
	for (i = 0; i < got; i++)
		take(a, blocks[i], size, gfp);
	for (i = 0; i < got; i++)
		inspect(a, blocks[i]);
	bytepool_free_bulk(a->run->pool, got, blocks);
}

static void step_remote(void *data)
{
	actor_step(data, GFP_ATOMIC);
}

static void step_tasklet(struct tasklet_struct *tasklet)
{
	struct interrupts *in = container_of(tasklet, struct interrupts, tasklet);

	actor_step(&in->soft, GFP_ATOMIC);
	actor_step_bulk(&in->soft, GFP_NOWAIT | __GFP_NOWARN);
}

static enum hrtimer_restart step_timer(struct hrtimer *timer)
{
	struct interrupts *in = container_of(timer, struct interrupts, timer);

	actor_step(&in->hard, GFP_ATOMIC);
	actor_step_bulk(&in->hard, GFP_NOWAIT | __GFP_NOWARN);
	tasklet_schedule(&in->tasklet);
	return HRTIMER_NORESTART;
}

/*
 * Arm the timer of @cpu, if the thread runs there. So a CPU has interrupts as long as it has
 * threads, also after it was offline.
 */
void actor_arm_timer(struct actor *a, int cpu)
{
	struct hrtimer *timer = &a->run->interrupts[cpu].timer;

	if (raw_smp_processor_id() == cpu && !hrtimer_active(timer))
		hrtimer_start(timer, ns_to_ktime(10000 + actor_below(a, 100000)),
			      HARDIRQ_TIMER);
}

void actor_step_atomic(struct actor *a, struct actor *remote, int cpu)
{
	struct run *run = a->run;
	unsigned long flags;

	switch (actor_below(a, 5)) {
	case 0:
		spin_lock(&run->lock);
		actor_step(a, GFP_ATOMIC);
		spin_unlock(&run->lock);
		break;
	case 1:
		spin_lock_irqsave(&run->lock, flags);
		actor_step(a, GFP_NOWAIT | __GFP_NOWARN);
		spin_unlock_irqrestore(&run->lock, flags);
		break;
	case 2:
		local_bh_disable();
		actor_step(a, GFP_ATOMIC);
		actor_step_bulk(a, GFP_ATOMIC);
		local_bh_enable();
		break;
	case 3:
		/* The other CPU may be offline. */
		remote_call(!cpu, step_remote, remote);
		break;
	case 4:
		actor_arm_timer(a, cpu);
		break;
	}
}

void interrupts_init(struct interrupts *in)
{
	hrtimer_setup(&in->timer, step_timer, CLOCK_MONOTONIC, HARDIRQ_TIMER);
	tasklet_setup(&in->tasklet, step_tasklet);
}

void interrupts_stop(struct interrupts *in)
{
	hrtimer_cancel(&in->timer);
	tasklet_kill(&in->tasklet);
}
