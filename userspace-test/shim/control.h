/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions and variables with which tests control the kernel of shim.h.
 */
#ifndef SHIM_CONTROL_H
#define SHIM_CONTROL_H

#include "shim.h"

/* The module under test. */
int shim_module_init(void);
void shim_module_exit(void);
extern unsigned int *const shim_param_idle_timeout_ms;
extern unsigned int *const shim_param_gc_interval_ms;

/* Make the calling thread a CPU, @cpu if it is free, or end that. */
void shim_cpu_enter(int cpu);
void shim_cpu_exit(void);
/* Move to another CPU. Return false if it is not free. */
bool shim_cpu_move(int cpu);
/*
 * Run @fn as if another CPU ran it, in task context. Return false if @cpu is this one or is
 * taken, or a lock is held.
 */
bool shim_cpu_run_other(int cpu, void (*fn)(void));

/* Handlers of an interrupt, in hardirq context, and of the softirq that it may raise. */
extern void (*shim_hardirq)(void);
extern void (*shim_softirq)(void);
void shim_raise_softirq(void);
/* Interrupt this CPU now, or as soon as its interrupts are on. */
void shim_interrupt(void);
/* Interrupt all other CPUs, by signals. */
void shim_interrupt_all(void);
/* Runs when shim_countdown of the thread reaches 0. */
extern void (*shim_point_hook)(void);
/* A thread that turns preemption on moves to another CPU, with odds of 1 to this. */
extern unsigned int shim_migrate_odds;
unsigned int shim_random(void);
void shim_random_seed(unsigned long seed);

/* Mask interrupts where a test calls libc. */
#define shim_libc(call) do {				\
	unsigned long _flags = shim_irq_save();		\
							\
	call;						\
	shim_irq_restore(_flags);			\
} while (0)

/* The clock is real, or advanced by the test. Then due work runs in the thread of the caller. */
extern bool shim_virtual_clock;
void shim_clock_advance(unsigned long by);
unsigned int shim_works_pending(void);
/* Runs instead of each wait with a time-out. The wait is over when it returns. */
extern void (*shim_wait_hook)(void);
/* The time-out of the wait in whose place shim_wait_hook runs. */
extern long shim_wait_timeout;
/* Return the number of waits for a wakeup that ended by their time-out instead. */
unsigned long shim_timeouts(void);
/* Runs within every grace period. */
extern void (*shim_grace_hook)(void);
/* While true, a grace period ends only if a thread waits for it by synchronize_rcu(). */
extern bool shim_grace_held;

/* Kinds of failures. */
enum shim_fault {
	SHIM_FAIL_KMALLOC	= 1 << 0,
	SHIM_FAIL_PAGES		= 1 << 1,
	SHIM_FAIL_VMALLOC	= 1 << 2,
	SHIM_FAIL_TABLE		= 1 << 3,
	SHIM_FAIL_OTHER		= 1 << 4,
	SHIM_FAIL_ANY		= (1 << 5) - 1,
	SHIM_FAIL_ALLOC		= 1 << 5,	/* fail_bytepool */
	SHIM_FAIL_DEBUGFS	= 1 << 6,	/* has no effect on pools */
};

/*
 * Fail the @nth request of the kinds in @mask, where 1 is the next one, and with @all each
 * later one. Fail none if @nth is 0.
 */
void shim_fail(unsigned int mask, unsigned long nth, bool all);
/* Fail one request in @odds, at random. */
void shim_fail_odds(unsigned int mask, unsigned int odds);
/* Return the number of failures since shim_fail(). */
unsigned long shim_failed(void);
/* Return true if a request may fail. */
bool shim_failing(void);
bool shim_should_fail(enum shim_fault kind, gfp_t gfp);
extern bool shim_init_on_alloc;
/* A node that has no memory left, or NUMA_NO_NODE. */
extern int shim_full_node;
/* True if all memory comes from the requested node. */
extern bool shim_exact_node;
extern bool shim_init_on_free;

/* Memory that the module has from the system. */
struct shim_usage {
	long kmallocs;
	long page_bytes;
	long reclaimable_pages;
};

struct shim_usage shim_usage(void);
/* Return the pages of a node that the module counts as reclaimable. */
long shim_reclaimable_pages(int node);
/* The source of pages and of mapped memory. */
extern void *(*shim_run_alloc)(size_t align, size_t bytes);
extern void (*shim_run_free)(void *run);
/* Run when memory for blocks comes from the system, and when it returns. */
extern void (*shim_backing_born)(void *base, unsigned long bytes, bool mapped);
extern void (*shim_backing_gone)(void *base, unsigned long bytes);
/* Free memory that a pool has leaked. */
void shim_backing_release(void *base);

/* The log. */
unsigned long shim_warnings(void);
unsigned long shim_messages(void);
const char *shim_last_message(void);
extern bool shim_verbose;
/* Runs for each message. */
extern void (*shim_log_hook)(const char *message);
/* Runs for each event. */
extern void (*shim_trace_hook)(const char *event, const char *text);
__noreturn __printf(1, 2) void shim_die(const char *fmt, ...);

/* Read or write a file of sysfs, by its path below /sys/kernel. Return bytes or -errno. */
ssize_t shim_sysfs_read(const char *path, char *buf);
ssize_t shim_sysfs_write(const char *path, const char *text);
ssize_t shim_sysfs_store(const char *path, const char *text, size_t len);
void shim_device_release(struct device *dev);

/* Read a file of debugfs, by its path. Return its length or -errno. */
ssize_t shim_debugfs_read(const char *path, char *buf, size_t size);
/* Return the variable of a boolean file there, or NULL. */
bool *shim_debugfs_bool(const char *path);

/* Return the pages that all shrinkers count. */
unsigned long shim_shrink_count(void);
/* Call the notifier of the OOM killer. Return the freed pages. */
unsigned long shim_oom(void);
/* Memory goes offline or online; the system suspends or hibernates. */
void shim_memory_event(unsigned long action);
void shim_pm_event(unsigned long action);
/* Reclaim @pages from each shrinker that counts any. Return the freed pages. */
unsigned long shim_shrink(unsigned long pages);
/* Runs within each allocation that may reclaim. */
extern void (*shim_reclaim_hook)(void);

/* Tell the module that a CPU without a thread has died. */
void shim_cpu_die(unsigned int cpu);

#endif /* SHIM_CONTROL_H */
