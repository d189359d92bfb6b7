// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cases that run a call one instruction at a time. They count its instructions, its
 * atomic operations and its locks, on any number of CPUs, or list its functions.
 *
 * While the trap flag is set, the CPU raises a debug exception after each instruction.
 * Exceptions and interrupts clear the flag until they return, so that they are not
 * counted. The call must not sleep.
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kallsyms.h>
#include <linux/kdebug.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "bench.h"

#if defined(CONFIG_X86_64) && !IS_ENABLED(CONFIG_UML)

#define PAIR_SIZE	64
#define MISS_SIZE	SZ_64K
#define WARM_UP		200U
#define MISSES		5U
#define POOLS		1000U
#define LIVE		100000U
#define TRACE_MAX	65536U
#define FUNCTIONS_MAX	256U

struct steps {
	u32 instructions;
	u32 atomics;
	u32 locks;
};

/* A call, or an alloc and a free of its block. */
struct call {
	struct bytepool *pool;	/* NULL: call kvmalloc() and kvfree() */
	size_t size;
	void *block;
	void (*run)(struct call *call);
};

static struct task_struct *stepper;
static struct steps steps;
static unsigned long *trace;	/* the address of each instruction, or NULL */

/* Return true if the instruction has the prefix LOCK, or is an XCHG with memory. */
static bool is_atomic(const u8 *code)
{
	unsigned int i;

	for (i = 0; i < 4; i++, code++) {
		if (*code == 0xf0)
			return true;
		/* a segment, the size of an operand, REX */
		if (*code != 0x3e && *code != 0x64 && *code != 0x65 && *code != 0x66 &&
		    (*code & 0xf0) != 0x40)
			break;
	}
	return (*code == 0x86 || *code == 0x87) && code[1] < 0xc0;
}

/* Return true if @ip is the first instruction of @function, not counting ENDBR64. */
static bool starts(unsigned long ip, const void *function)
{
	bool endbr = !memcmp(function, "\xf3\x0f\x1e\xfa", 4);

	return ip == (unsigned long)function + (endbr ? 4 : 0);
}

static bool is_lock(unsigned long ip)
{
	return starts(ip, _raw_spin_lock) || starts(ip, _raw_spin_lock_irq) ||
	       starts(ip, _raw_spin_lock_irqsave) || starts(ip, _raw_spin_lock_bh) ||
	       starts(ip, _raw_spin_trylock) || starts(ip, mutex_lock);
}

/* Count the instruction that comes next. */
static int step_event(struct notifier_block *nb, unsigned long event, void *data)
{
	struct die_args *args = data;
	unsigned long ip = args->regs->ip;

	if (event != DIE_DEBUG || current != READ_ONCE(stepper))
		return NOTIFY_DONE;
	if (trace && steps.instructions < TRACE_MAX)
		trace[steps.instructions] = ip;
	steps.instructions++;
	steps.atomics += is_atomic((const u8 *)ip);
	steps.locks += is_lock(ip);
	return NOTIFY_STOP;
}

static struct notifier_block step_notifier = { .notifier_call = step_event };

static noinline void run_nothing(struct call *call)
{
}

static void run_alloc(struct call *call)
{
	call->block = call->pool ? bytepool_alloc(call->pool, call->size, GFP_NOWAIT) :
				   kvmalloc(call->size, GFP_NOWAIT);
}

static void run_free(struct call *call)
{
	if (call->pool)
		bytepool_free(call->pool, call->block);
	else
		kvfree(call->block);
}

static void run_pair(struct call *call)
{
	run_alloc(call);
	run_free(call);
}

/* Only for a pool whose trims do not wait. */
static void run_trim(struct call *call)
{
	bytepool_trim(call->pool);
}

static noinline void step_through(struct call *call, void (*run)(struct call *call))
{
	call->run = run;
	memset(&steps, 0, sizeof(steps));
	preempt_disable();
	WRITE_ONCE(stepper, current);
	asm volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
	call->run(call);
	asm volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
	WRITE_ONCE(stepper, NULL);
	preempt_enable();
}

static struct steps count_steps(struct call *call, void (*run)(struct call *call))
{
	struct steps empty, counted;

	step_through(call, run_nothing);
	empty = steps;
	step_through(call, run);
	counted = steps;
	counted.instructions -= empty.instructions;
	return counted;
}

/* @what is the case, and @nr the value that it varies. */
static void emit_steps(const char *what, const char *path, const char *peer, size_t nr,
		       struct steps counted)
{
	char name[40];

	snprintf(name, sizeof(name), "%s-%s", what, path);
	emit(name, peer, nr, counted.instructions, 1, "instructions");
	snprintf(name, sizeof(name), "%s-%s-atomics", what, path);
	emit(name, peer, nr, counted.atomics, 1, "operations");
	snprintf(name, sizeof(name), "%s-%s-locks", what, path);
	emit(name, peer, nr, counted.locks, 1, "locks");
}

/*
 * Count a hot pair, and an alloc that has to ask the system. Take the cheapest of a few of
 * these, because the table may just be growing. A @pool of NULL is kvmalloc().
 */
static void step_pool(const char *what, size_t nr, struct bytepool *pool)
{
	const char *peer = pool ? "bytepool" : "kvmalloc";
	struct call call = { .pool = pool, .size = PAIR_SIZE };
	struct steps best = { .instructions = U32_MAX };
	unsigned int i;

	for (i = 0; i < WARM_UP; i++)
		run_pair(&call);
	emit_steps(what, "pair", peer, nr, count_steps(&call, run_pair));
	call.size = MISS_SIZE;
	run_pair(&call);
	for (i = 0; i < MISSES; i++) {
		struct steps counted;

		if (pool)
			bytepool_trim(pool);
		counted = count_steps(&call, run_alloc);
		run_free(&call);
		if (counted.instructions < best.instructions)
			best = counted;
	}
	emit_steps(what, "miss", peer, nr, best);
}

static void step_new_pool(const char *what, size_t nr, const struct bytepool_params *params)
{
	struct bytepool *pool = bytepool_create("bench", params);

	if (IS_ERR(pool)) {
		emit_failures(what, 1);
		return;
	}
	step_pool(what, nr, pool);
	bytepool_destroy(pool);
}

static void step_live(unsigned int nr)
{
	struct bytepool *pool = bytepool_create("bench", NULL);
	void **blocks = vzalloc(array_size(nr, sizeof(*blocks)));
	unsigned int i;

	if (IS_ERR(pool) || !blocks) {
		emit_failures("live", 1);
		goto out_free;
	}
	for (i = 0; i < nr; i++)
		blocks[i] = bytepool_alloc(pool, PAIR_SIZE, GFP_KERNEL);
	step_pool("live", nr, pool);
	for (i = 0; i < nr; i++)
		bytepool_free(pool, blocks[i]);
out_free:
	vfree(blocks);
	bytepool_destroy(pool);
}

/* Use all pools before the count. */
static void step_pools(unsigned int nr)
{
	struct bytepool **pools = kcalloc(nr, sizeof(*pools), GFP_KERNEL);
	struct call call = { .size = PAIR_SIZE };
	unsigned int i;
	char name[16];

	for (i = 0; pools && i < nr; i++) {
		snprintf(name, sizeof(name), "bench-%u", i);
		pools[i] = bytepool_create(name, NULL);
		call.pool = pools[i];
		if (!IS_ERR(pools[i]))
			run_pair(&call);
	}
	if (pools && !IS_ERR(pools[0]))
		step_pool("pools", nr, pools[0]);
	else
		emit_failures("pools", 1);
	for (i = 0; pools && i < nr; i++)
		bytepool_destroy(pools[i]);
	kfree(pools);
}

/* Print what a pool takes beside its blocks after each CPU has used it. */
static void emit_overhead(void)
{
	struct bytepool *pool = bytepool_create("bench", NULL);
	struct call call = { .pool = pool, .size = PAIR_SIZE };
	struct bytepool_stats stats;
	int cpu;

	if (IS_ERR(pool)) {
		emit_failures("overhead", 1);
		return;
	}
	bytepool_get_stats(pool, &stats);
	emit("overhead-new", "bytepool", num_possible_cpus(), stats.bytes_overhead, 1, "bytes");
	for_each_online_cpu(cpu) {
		set_cpus_allowed_ptr(current, cpumask_of(cpu));
		run_pair(&call);
		run_pair(&call);
	}
	set_cpus_allowed_ptr(current, cpumask_of(0));
	bytepool_get_stats(pool, &stats);
	emit("overhead-used", "bytepool", num_online_cpus(), stats.bytes_overhead, 1, "bytes");
	bytepool_destroy(pool);
}

/* Count against the number of CPUs and nodes. */
void bench_step(void)
{
	register_die_notifier(&step_notifier);
	step_pool("cpus", num_online_cpus(), NULL);
	step_new_pool("cpus", num_online_cpus(), NULL);
	step_new_pool("nodes", num_online_nodes(), NULL);
	unregister_die_notifier(&step_notifier);
	emit_overhead();
}

/* Count against the number of pools, classes, and blocks in use. */
void bench_step_many(void)
{
	static const struct bytepool_params some = {
		.min_size = SZ_4K, .max_size = SZ_128K, .step = SZ_4K,
	};

	register_die_notifier(&step_notifier);
	step_new_pool("classes", 32, &some);
	step_new_pool("classes", 12800, &many_classes);
	step_pools(1);
	step_pools(POOLS);
	step_live(10);
	step_live(LIVE);
	unregister_die_notifier(&step_notifier);
}

static void emit_functions(const char *what, size_t size)
{
	static char names[FUNCTIONS_MAX][KSYM_SYMBOL_LEN];
	static u32 counts[FUNCTIONS_MAX];
	u32 i, at, nr = min(steps.instructions, TRACE_MAX), nr_names = 0;

	memset(counts, 0, sizeof(counts));
	for (i = 0; i < nr; i++) {
		char name[KSYM_SYMBOL_LEN];

		sprint_symbol_no_offset(name, trace[i]);
		for (at = 0; at < nr_names && strcmp(names[at], name); at++)
			;
		if (at == FUNCTIONS_MAX)
			continue;
		if (at == nr_names)
			strscpy(names[nr_names++], name, KSYM_SYMBOL_LEN);
		counts[at]++;
	}
	for (at = 0; at < nr_names; at++)
		emit(what, names[at], size, counts[at], 1, "instructions");
}

/*
 * List the functions of a miss: an alloc that asks the system, the free of the block,
 * and the trim. The trim of a BYTEPOOL_SINGLE pool does not wait.
 */
static void profile_size(size_t size)
{
	static const struct bytepool_params params = { .flags = BYTEPOOL_SINGLE };
	struct bytepool *pool = bytepool_create("bench", &params);
	struct call call = { .pool = pool, .size = size };
	unsigned int i;

	if (IS_ERR(pool)) {
		emit_failures("profile", 1);
		return;
	}
	for (i = 0; i < 4; i++) {
		run_pair(&call);
		run_trim(&call);
	}
	step_through(&call, run_alloc);
	emit_functions("profile-alloc", size);
	step_through(&call, run_free);
	emit_functions("profile-free", size);
	step_through(&call, run_trim);
	emit_functions("profile-trim", size);
	bytepool_destroy(pool);
	call.pool = NULL;
	run_pair(&call);
	step_through(&call, run_alloc);
	emit_functions("profile-kvmalloc", size);
	step_through(&call, run_free);
	emit_functions("profile-kvfree", size);
}

void bench_profile(void)
{
	trace = vmalloc(array_size(TRACE_MAX, sizeof(*trace)));
	if (!trace) {
		emit_failures("profile", 1);
		return;
	}
	register_die_notifier(&step_notifier);
	profile_size(SZ_4K);
	profile_size(SZ_64K);
	profile_size(SZ_256K);
	unregister_die_notifier(&step_notifier);
	vfree(trace);
	trace = NULL;
}

#else

void bench_step(void)
{
}

void bench_step_many(void)
{
}

void bench_profile(void)
{
}

#endif
