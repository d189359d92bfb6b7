// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time and delayed work. The clock is real and a thread does the work, or the test advances the
 * clock and does the work.
 */
#include <stdlib.h>
#include <time.h>

#include "control.h"
#include "cpu.h"

#define NS_PER_JIFFY	(1000000000L / HZ)

struct workqueue_struct {
	pthread_t worker;
	bool threaded;
	bool stop;
};

bool shim_virtual_clock;

/* The jiffies wrap around soon, like those of a kernel that has just booted. */
static unsigned long virtual_jiffies = -2000UL;

static pthread_mutex_t work_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work_cond;
static CDS_LIST_HEAD(works);

static unsigned long clock_jiffies(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * HZ + now.tv_nsec / NS_PER_JIFFY;
}

unsigned long shim_jiffies(void)
{
	return shim_virtual_clock ? virtual_jiffies : clock_jiffies();
}

unsigned long msecs_to_jiffies(unsigned int ms)
{
	if ((int)ms < 0)
		return MAX_JIFFY_OFFSET;
	return ((unsigned long)ms * HZ + 999) / 1000;
}

/* Conditions use the default clock of libc. */
void shim_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, unsigned long when)
{
	long left = (long)(when - clock_jiffies());
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += left / HZ;
	until.tv_nsec += left % HZ * NS_PER_JIFFY;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_cond_timedwait(cond, mutex, &until);
}

/* Return the work that is due first, if it is due by then. Called with work_lock held. */
static struct delayed_work *work_first(unsigned long by)
{
	struct delayed_work *work, *first = NULL;

	list_for_each_entry(work, &works, list) {
		if (!time_after(work->timer.expires, by) &&
		    (!first || time_before(work->timer.expires, first->timer.expires)))
			first = work;
	}
	return first;
}

static __thread bool running;
static __thread unsigned long slept;	/* while a work ran */

bool shim_work_sleeps(long timeout)
{
	if (running) {
		virtual_jiffies += timeout;
		slept += timeout;
	}
	return running;
}

/* Called with work_lock held, which is dropped while the work runs. */
static void work_run(struct delayed_work *work, unsigned long flags)
{
	list_del(&work->list);
	work->pending = false;
	work->running = true;
	pthread_mutex_unlock(&work_lock);
	shim_irq_restore(flags);
	running = true;
	work->work.fn(&work->work);
	running = false;
	shim_irq_save();
	pthread_mutex_lock(&work_lock);
	work->running = false;
	pthread_cond_broadcast(&work_cond);
}

static void *worker(void *arg)
{
	struct workqueue_struct *wq = arg;
	struct delayed_work *work;
	unsigned long flags;

	shim_cpu_enter(nr_cpu_ids - 1);
	flags = shim_irq_save();
	pthread_mutex_lock(&work_lock);
	while (!wq->stop) {
		work = work_first(jiffies);
		if (work)
			work_run(work, flags);
		else if (list_empty(&works))
			pthread_cond_wait(&work_cond, &work_lock);
		else
			shim_wait_until(&work_cond, &work_lock, jiffies + 1);
	}
	pthread_mutex_unlock(&work_lock);
	shim_irq_restore(flags);
	shim_cpu_exit();
	return NULL;
}

struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags, int max_active)
{
	struct workqueue_struct *wq;

	(void)name;
	(void)flags;
	(void)max_active;
	if (shim_should_fail(SHIM_FAIL_OTHER, GFP_KERNEL))
		return NULL;
	wq = calloc(1, sizeof(*wq));
	wq->threaded = !shim_virtual_clock;
	if (wq->threaded)
		pthread_create(&wq->worker, NULL, worker, wq);
	return wq;
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	unsigned long flags = shim_irq_save();

	pthread_mutex_lock(&work_lock);
	if (!list_empty(&works))
		shim_die("a workqueue with pending work is destroyed");
	wq->stop = true;
	pthread_cond_broadcast(&work_cond);
	pthread_mutex_unlock(&work_lock);
	if (wq->threaded)
		pthread_join(wq->worker, NULL);
	free(wq);
	shim_irq_restore(flags);
}

static bool work_queue(struct delayed_work *work, unsigned long delay, bool modify)
{
	unsigned long flags = shim_irq_save();
	bool was_pending;

	pthread_mutex_lock(&work_lock);
	was_pending = work->pending;
	work->pending = true;
	if (!was_pending) {
		/* As in the kernel, the work is pending before its timer is set. */
		pthread_mutex_unlock(&work_lock);
		shim_point();
		pthread_mutex_lock(&work_lock);
	}
	if (!was_pending || modify)
		__atomic_store_n(&work->timer.expires, jiffies + delay, __ATOMIC_RELAXED);
	if (!was_pending)
		list_add_tail(&work->list, &works);
	pthread_cond_broadcast(&work_cond);
	pthread_mutex_unlock(&work_lock);
	shim_irq_restore(flags);
	return was_pending;
}

bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *work, unsigned long delay)
{
	(void)wq;
	shim_point();
	return !work_queue(work, delay, false);
}

bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *work, unsigned long delay)
{
	(void)wq;
	shim_point();
	return work_queue(work, delay, true);
}

bool delayed_work_pending(struct delayed_work *work)
{
	unsigned long flags = shim_irq_save();
	bool pending;

	pthread_mutex_lock(&work_lock);
	pending = work->pending;
	pthread_mutex_unlock(&work_lock);
	shim_irq_restore(flags);
	return pending;
}

bool cancel_delayed_work_sync(struct delayed_work *work)
{
	unsigned long flags;
	bool was_pending;

	shim_might_sleep(__func__);
	flags = shim_irq_save();
	pthread_mutex_lock(&work_lock);
	was_pending = work->pending;
	while (work->pending || work->running) {
		if (work->pending) {
			list_del(&work->list);
			work->pending = false;
		}
		if (work->running)
			pthread_cond_wait(&work_cond, &work_lock);
	}
	pthread_mutex_unlock(&work_lock);
	shim_irq_restore(flags);
	return was_pending;
}

unsigned int shim_works_pending(void)
{
	unsigned long flags = shim_irq_save();
	struct delayed_work *work;
	unsigned int nr = 0;

	pthread_mutex_lock(&work_lock);
	list_for_each_entry(work, &works, list)
		nr++;
	pthread_mutex_unlock(&work_lock);
	shim_irq_restore(flags);
	return nr;
}

void shim_clock_advance(unsigned long by)
{
	unsigned long end = virtual_jiffies + by;
	unsigned long flags = shim_irq_save();
	struct delayed_work *work;

	pthread_mutex_lock(&work_lock);
	while ((work = work_first(end))) {
		if (time_after(work->timer.expires, virtual_jiffies))
			virtual_jiffies = work->timer.expires;
		work_run(work, flags);
	}
	virtual_jiffies = end + slept;
	slept = 0;
	pthread_mutex_unlock(&work_lock);
	shim_irq_restore(flags);
}

static __attribute__((constructor)) void work_init(void)
{
	pthread_cond_init(&work_cond, NULL);
}
