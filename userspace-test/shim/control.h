/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How tests steer the kernel that shim.h makes.
 */
#ifndef SHIM_CONTROL_H
#define SHIM_CONTROL_H

#include "shim.h"

/* The module under test. */
int shim_module_init(void);
void shim_module_exit(void);
extern unsigned int *const shim_param_idle_timeout_ms;
extern unsigned int *const shim_param_gc_interval_ms;

/* The calling thread becomes a CPU, this one if it is free, or ceases to be one. */
void shim_cpu_enter(int cpu);
void shim_cpu_exit(void);
/* Go to another CPU, if that is free. */
bool shim_cpu_move(int cpu);
/*
 * Run @fn as if another CPU ran it, wherever this one stands. False if @cpu is
 * this one, or a lock is held.
 */
bool shim_cpu_run_other(int cpu, void (*fn)(void));

/* What an interrupt does, in hardirq context, and a softirq that it may raise. */
extern void (*shim_hardirq)(void);
extern void (*shim_softirq)(void);
void shim_raise_softirq(void);
/* An interrupt here, or as soon as they are on. */
void shim_interrupt(void);
/* Have one come to each CPU that is there: real signals. */
void shim_interrupt_all(void);
/* What happens when the thread's shim_countdown reaches 0. */
extern void (*shim_point_hook)(void);
/* One in so many times, a thread whose preemption comes on wakes up on another CPU. */
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

/* The clock: real, unless a test turns it. Then what is due runs in the caller's thread. */
extern bool shim_virtual_clock;
void shim_clock_advance(unsigned long by);
unsigned int shim_works_pending(void);
/* Runs instead of every wait with a time-out, which is over then. */
extern void (*shim_wait_hook)(void);
/* Return the number of waits for a wakeup that ended by their time-out instead. */
unsigned long shim_timeouts(void);
/* Runs within every grace period. */
extern void (*shim_grace_hook)(void);

/* Kinds of what can fail. */
enum shim_fault {
	SHIM_FAIL_KMALLOC	= 1 << 0,
	SHIM_FAIL_PAGES		= 1 << 1,
	SHIM_FAIL_VMALLOC	= 1 << 2,
	SHIM_FAIL_TABLE		= 1 << 3,
	SHIM_FAIL_OTHER		= 1 << 4,
	SHIM_FAIL_ANY		= (1 << 5) - 1,
	SHIM_FAIL_ALLOC		= 1 << 5,	/* fail_bytepool */
	SHIM_FAIL_DEBUGFS	= 1 << 6,	/* which nobody minds */
};

/* Fail the @nth of those in @mask, 1 being the next, and if @all, all after it; 0: none. */
void shim_fail(unsigned int mask, unsigned long nth, bool all);
/* Fail one in so many, at random. */
void shim_fail_odds(unsigned int mask, unsigned int odds);
/* How many did, since shim_fail(). */
unsigned long shim_failed(void);
/* Whether any may, from now on. */
bool shim_failing(void);
bool shim_should_fail(enum shim_fault kind, gfp_t gfp);
extern bool shim_init_on_alloc;
/* A node that has no memory left, or NUMA_NO_NODE. */
extern int shim_full_node;
/* All memory is of the node that it is asked for. */
extern bool shim_exact_node;
extern bool shim_init_on_free;

/* What the module has from the system. */
struct shim_usage {
	long kmallocs;
	long page_bytes;
};

struct shim_usage shim_usage(void);
/* Where pages and vmalloc have their memory from. */
extern void *(*shim_run_alloc)(size_t align, size_t bytes);
extern void (*shim_run_free)(void *run);
/* What became of the memory in which blocks lie. */
extern void (*shim_backing_born)(void *base, unsigned long bytes, bool mapped);
extern void (*shim_backing_gone)(void *base, unsigned long bytes);
/* Free what a pool left behind. */
void shim_backing_release(void *base);

/* The log. */
unsigned long shim_warnings(void);
unsigned long shim_messages(void);
const char *shim_last_message(void);
extern bool shim_verbose;
/* Sees each message. */
extern void (*shim_log_hook)(const char *message);
/* Sees every tracepoint. */
extern void (*shim_trace_hook)(const char *event, const char *text);
__noreturn __printf(1, 2) void shim_die(const char *fmt, ...);

/* sysfs by path below /sys/kernel. Bytes read or written, or -errno. */
ssize_t shim_sysfs_read(const char *path, char *buf);
ssize_t shim_sysfs_write(const char *path, const char *text);
ssize_t shim_sysfs_store(const char *path, const char *text, size_t len);
void shim_device_release(struct device *dev);

/* The text of a file in debugfs, by path: its length, or -errno. */
ssize_t shim_debugfs_read(const char *path, char *buf, size_t size);
/* A switch there, or NULL. */
bool *shim_debugfs_bool(const char *path);

/* What all shrinkers count, in pages. */
unsigned long shim_shrink_count(void);
/* Reclaim so many pages from each that counts any: pages freed. */
unsigned long shim_shrink(unsigned long pages);
/* Runs in allocations that may reclaim. */
extern void (*shim_reclaim_hook)(void);

/* Tell the module that a CPU, on which no thread is, has died. */
void shim_cpu_die(unsigned int cpu);

#endif /* SHIM_CONTROL_H */
