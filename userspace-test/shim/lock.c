// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locks and waits. Interrupts are masked while a thread waits for a lock, which only delays
 * them. A lock that is taken twice is reported.
 */
#include <time.h>

#include "control.h"
#include "cpu.h"

void (*shim_wait_hook)(void);
long shim_wait_timeout;

static unsigned long nr_timeouts;

/* Protects the sleep of a thread against its wakeup. */
static pthread_mutex_t sleep_lock = PTHREAD_MUTEX_INITIALIZER;

static void lock(struct shim_lock *lock, const char *what)
{
	int err = pthread_mutex_lock(&lock->mutex);

	if (err)
		shim_die("%s is taken twice by its holder: %s", what, strerror(err));
}

static void unlock(struct shim_lock *lock, const char *what)
{
	int err = pthread_mutex_unlock(&lock->mutex);

	if (err)
		shim_die("%s is released, but not held: %s", what, strerror(err));
}

unsigned long shim_spin_lock(struct shim_lock *spin)
{
	unsigned long flags = shim_irq_save();

	preempt_disable();
	lock(spin, "a spinlock");
	shim_self.spins++;
	return flags;
}

void shim_spin_unlock(struct shim_lock *spin, unsigned long flags)
{
	shim_self.spins--;
	unlock(spin, "a spinlock");
	shim_irq_restore(flags);
	preempt_enable();
}

void mutex_lock(struct mutex *mutex)
{
	unsigned long flags;

	shim_might_sleep(__func__);
	shim_point();
	flags = shim_irq_save();
	lock(&mutex->lock, "a mutex");
	shim_irq_restore(flags);
}

bool mutex_trylock(struct mutex *mutex)
{
	unsigned long flags = shim_irq_save();
	bool got = !pthread_mutex_trylock(&mutex->lock.mutex);

	shim_irq_restore(flags);
	return got;
}

void mutex_unlock(struct mutex *mutex)
{
	unsigned long flags = shim_irq_save();

	unlock(&mutex->lock, "a mutex");
	shim_irq_restore(flags);
	shim_point();
}

void shim_assert_held(struct shim_lock *lock)
{
	if (pthread_mutex_trylock(&lock->mutex) != EBUSY)
		shim_die("a lock is not held");
}

void init_completion(struct completion *completion)
{
	*completion = (struct completion){ .lock = SHIM_LOCK_INIT };
	pthread_cond_init(&completion->done_cond, NULL);
}

void complete(struct completion *completion)
{
	unsigned long flags = shim_spin_lock(&completion->lock);

	completion->done = true;
	pthread_cond_signal(&completion->done_cond);
	shim_spin_unlock(&completion->lock, flags);
}

void wait_for_completion(struct completion *completion)
{
	unsigned long flags;

	shim_might_sleep(__func__);
	flags = shim_irq_save();
	lock(&completion->lock, "a completion");
	if (!completion->done && shim_virtual_clock)
		shim_die("a completion that no thread will complete");
	while (!completion->done)
		pthread_cond_wait(&completion->done_cond, &completion->lock.mutex);
	completion->done = false;
	unlock(&completion->lock, "a completion");
	shim_irq_restore(flags);
}

void init_swait_queue_head(struct swait_queue_head *queue)
{
	raw_spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->waiters);
	queue->nr = 0;
}

static void queue_count(struct swait_queue_head *queue, int change)
{
	__atomic_store_n(&queue->nr, queue->nr + change, __ATOMIC_RELAXED);
}

/* Take no lock, like the kernel's function. */
bool swait_active(struct swait_queue_head *queue)
{
	return __atomic_load_n(&queue->nr, __ATOMIC_RELAXED);
}

void prepare_to_swait_exclusive(struct swait_queue_head *queue, struct swait_queue *wait, int state)
{
	unsigned long flags = shim_spin_lock(&queue->lock);

	if (!wait->task) {
		wait->task = &shim_self;
		list_add_tail(&wait->list, &queue->waiters);
		queue_count(queue, 1);
	}
	__atomic_store_n(&shim_self.state, state, __ATOMIC_SEQ_CST);
	shim_spin_unlock(&queue->lock, flags);
}

static void queue_remove(struct swait_queue_head *queue, struct swait_queue *wait)
{
	list_del(&wait->list);
	wait->task = NULL;
	queue_count(queue, -1);
}

void finish_swait(struct swait_queue_head *queue, struct swait_queue *wait)
{
	unsigned long flags = shim_spin_lock(&queue->lock);

	__atomic_store_n(&shim_self.state, 0, __ATOMIC_SEQ_CST);
	if (wait->task)
		queue_remove(queue, wait);
	shim_spin_unlock(&queue->lock, flags);
}

static bool wake_first(struct swait_queue_head *queue)
{
	struct swait_queue *wait;
	struct shim_task *task;

	if (list_empty(&queue->waiters))
		return false;
	wait = list_entry(queue->waiters.next, struct swait_queue, list);
	task = wait->task;
	queue_remove(queue, wait);
	pthread_mutex_lock(&sleep_lock);
	__atomic_store_n(&task->state, 0, __ATOMIC_SEQ_CST);
	pthread_cond_signal(&task->woken);
	pthread_mutex_unlock(&sleep_lock);
	return true;
}

void swake_up_one(struct swait_queue_head *queue)
{
	unsigned long flags = shim_spin_lock(&queue->lock);

	wake_first(queue);
	shim_spin_unlock(&queue->lock, flags);
}

void swake_up_all(struct swait_queue_head *queue)
{
	unsigned long flags = shim_spin_lock(&queue->lock);

	while (wake_first(queue))
		;
	shim_spin_unlock(&queue->lock, flags);
}

/* Sleep until another thread wakes this one, or for @timeout. Return the time that is left. */
static long sleep_for(long timeout)
{
	unsigned long end = jiffies + timeout;
	unsigned long flags;

	shim_might_sleep("a sleep");
	if (shim_wait_hook) {
		shim_wait_timeout = timeout;
		shim_wait_hook();
		return 0;
	}
	if (shim_virtual_clock && shim_work_sleeps(timeout))
		return 0;
	if (shim_virtual_clock)
		shim_die("a wait that no thread will end");
	flags = shim_irq_save();
	pthread_mutex_lock(&sleep_lock);
	while (__atomic_load_n(&shim_self.state, __ATOMIC_SEQ_CST) && time_before(jiffies, end))
		shim_wait_until(&shim_self.woken, &sleep_lock, end);
	__atomic_store_n(&shim_self.state, 0, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&sleep_lock);
	shim_irq_restore(flags);
	return time_before(jiffies, end) ? (long)(end - jiffies) : 0;
}

long io_schedule_timeout(long timeout)
{
	long left = sleep_for(timeout);

	__atomic_fetch_add(&nr_timeouts, !left, __ATOMIC_RELAXED);
	return left;
}

long schedule_timeout_uninterruptible(long timeout)
{
	__atomic_store_n(&shim_self.state, TASK_UNINTERRUPTIBLE, __ATOMIC_SEQ_CST);
	return sleep_for(timeout);
}

unsigned long shim_timeouts(void)
{
	return __atomic_load_n(&nr_timeouts, __ATOMIC_RELAXED);
}
