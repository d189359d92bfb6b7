/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Time and delayed work: work.c.
 */
#ifndef SHIM_KERNEL_WORK_H
#define SHIM_KERNEL_WORK_H

#include <urcu/list.h>

#include "compiler.h"

#define HZ			250
#define MSEC_PER_SEC		1000L
#define MAX_JIFFY_OFFSET	((LONG_MAX >> 1) - 1)
#define jiffies			shim_jiffies()
#define time_after(a, b)	((long)((b) - (a)) < 0)
#define time_before(a, b)	time_after(b, a)
unsigned long shim_jiffies(void);
unsigned long msecs_to_jiffies(unsigned int ms);
#define jiffies64_to_msecs(j)	((u64)(j) * (1000 / HZ))

struct work_struct {
	void (*fn)(struct work_struct *work);
};

struct delayed_work {
	struct work_struct work;
	struct cds_list_head list;
	struct {
		unsigned long expires;
	} timer;
	bool pending;
	bool running;
};

#define to_delayed_work(w) container_of(w, struct delayed_work, work)
#define DECLARE_DELAYED_WORK(name, function) \
	struct delayed_work name = { .work = { .fn = (function) } }
#define INIT_DELAYED_WORK(delayed, function) \
	(*(delayed) = (struct delayed_work){ .work = { .fn = (function) } })
#define WQ_UNBOUND		1
#define WQ_MEM_RECLAIM		2
struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags, int max_active);
void destroy_workqueue(struct workqueue_struct *wq);
bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *work,
			unsigned long delay);
bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *work, unsigned long delay);
bool delayed_work_pending(struct delayed_work *work);
bool cancel_delayed_work_sync(struct delayed_work *work);

#endif /* SHIM_KERNEL_WORK_H */
