/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Locks and waits: lock.c.
 */
#ifndef SHIM_KERNEL_LOCK_H
#define SHIM_KERNEL_LOCK_H

#include <pthread.h>
#include <urcu/list.h>

#include "compiler.h"

struct shim_lock {
	pthread_mutex_t mutex;
};

#define raw_spinlock_t			struct shim_lock
#define SHIM_LOCK_INIT			{ PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP }
#define DEFINE_RAW_SPINLOCK(name)	struct shim_lock name = SHIM_LOCK_INIT
#define raw_spin_lock_init(lock)	(*(lock) = (struct shim_lock)SHIM_LOCK_INIT)
#define raw_spin_lock_irqsave(lock, flags)	((flags) = shim_spin_lock(lock))
#define raw_spin_unlock_irqrestore(lock, flags)	shim_spin_unlock(lock, flags)

unsigned long shim_spin_lock(struct shim_lock *lock);
void shim_spin_unlock(struct shim_lock *lock, unsigned long flags);

struct mutex {
	struct shim_lock lock;
};

#define DEFINE_MUTEX(name)		struct mutex name = { SHIM_LOCK_INIT }
#define mutex_init(m)			raw_spin_lock_init(&(m)->lock)
/* A mutex begins with its lock. */
#define lockdep_assert_held(l)		shim_assert_held((struct shim_lock *)(l))

void mutex_lock(struct mutex *mutex);
bool mutex_trylock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
void shim_assert_held(struct shim_lock *lock);

struct completion {
	struct shim_lock lock;
	pthread_cond_t done_cond;
	bool done;
};

void init_completion(struct completion *completion);
void complete(struct completion *completion);
void wait_for_completion(struct completion *completion);

struct swait_queue_head {
	struct shim_lock lock;
	struct cds_list_head waiters;
	unsigned int nr;
};

struct swait_queue {
	struct cds_list_head list;
	struct shim_task *task;
};

#define TASK_UNINTERRUPTIBLE		2
#define DECLARE_SWAITQUEUE(name)	struct swait_queue name = { .task = NULL }

void init_swait_queue_head(struct swait_queue_head *queue);
bool swait_active(struct swait_queue_head *queue);
void prepare_to_swait_exclusive(struct swait_queue_head *queue, struct swait_queue *wait, int state);
void finish_swait(struct swait_queue_head *queue, struct swait_queue *wait);
void swake_up_one(struct swait_queue_head *queue);
void swake_up_all(struct swait_queue_head *queue);
long io_schedule_timeout(long timeout);
long schedule_timeout_uninterruptible(long timeout);

/* A writer has preemption or interrupts off, so no reader of its CPU waits for it. */
typedef struct {
	unsigned int sequence;
} seqcount_t;

#define seqcount_init(s)	((s)->sequence = 0)

static inline void raw_write_seqcount_begin(seqcount_t *s)
{
	WRITE_ONCE(s->sequence, s->sequence + 1);
	smp_wmb();
}

static inline void raw_write_seqcount_end(seqcount_t *s)
{
	smp_wmb();
	WRITE_ONCE(s->sequence, s->sequence + 1);
}

static inline unsigned int read_seqcount_begin(const seqcount_t *s)
{
	unsigned int start;

	while ((start = READ_ONCE(s->sequence)) & 1)
		;
	smp_rmb();
	return start;
}

static inline bool read_seqcount_retry(const seqcount_t *s, unsigned int start)
{
	smp_rmb();
	return READ_ONCE(s->sequence) != start;
}

#endif /* SHIM_KERNEL_LOCK_H */
