// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clocks, repetitions and results.
 *
 * If QEMU counts instructions, one instruction takes one virtual nanosecond and
 * one tick of the time stamp counter. Otherwise the clock is the kernel's time.
 */
#include <linux/kernel_stat.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/tick.h>
#include <linux/timex.h>
#include <linux/utsname.h>

#include "bench.h"

#define PAIRS_MIN		64U
#define PAIRS			4000U
#define PAIRS_MAX		400000U

/* Upper bounds of one repetition. If 4,000 pairs exceed them, it has fewer pairs. */
#define INSTRUCTIONS_MAX	20000000U
#define NANOSECONDS		2000000U

bool counting;
unsigned long failures;

u64 bench_clock(void)
{
	return counting ? get_cycles() : ktime_get_ns();
}

/*
 * Return the time like bench_clock(), for code that may sleep. The time that
 * the CPU was idle is excluded. The kernel knows it in microseconds.
 */
u64 bench_busy_clock(void)
{
	u64 idle = 0;

#ifdef CONFIG_NO_HZ_COMMON
	idle = get_cpu_idle_time_us(smp_processor_id(), NULL) * NSEC_PER_USEC;
#endif
	return bench_clock() - idle;
}

void emit(const char *what, const char *peer, size_t size, u64 total, u64 nr, const char *unit)
{
	u64 hundredths = div64_u64(total * 100 + nr / 2, nr);
	u32 fraction;
	u64 value = div_u64_rem(hundredths, 100, &fraction);

	pr_info("bench\t%s\t%s\t%s\t%s\t%zu\t%llu.%02u\t%s\n",
		counting ? "instructions" : IS_ENABLED(CONFIG_UML) ? "native" : "time",
		utsname()->release, what, peer, size, value, fraction, unit);
}

/* Print the cost of one operation, given that @nr of them took @total. */
void emit_cost(const char *what, const char *peer, size_t size, u64 total, u64 nr)
{
	emit(what, peer, size, total, nr, counting ? "instructions" : "ns");
}

void emit_failures(const char *what, unsigned long nr)
{
	if (nr)
		emit("failures", what, 0, nr, 1, "allocations");
	failures += nr;
}

/* Return the number of pairs in one repetition. */
unsigned int pairs_for(struct subject *s, enum loop loop)
{
	u64 pairs, cost;

	s->peer->loops[loop](s, SET_BLOCKS);
	cost = s->peer->loops[loop](s, PAIRS_MIN) / PAIRS_MIN + 1;
	if (counting)
		pairs = min_t(u64, INSTRUCTIONS_MAX / cost, PAIRS);
	else
		pairs = min_t(u64, NANOSECONDS / cost, PAIRS_MAX);
	return round_up(max_t(u64, pairs, PAIRS_MIN), SET_BLOCKS);
}

/*
 * Measure the best of some repetitions of @loop for each subject. The subjects
 * take turns, so that a temporary disturbance of the machine affects all of
 * them.
 */
void measure(enum loop loop, struct subject *subjects, unsigned int nr)
{
	unsigned int i, repetition;

	for (i = 0; i < nr; i++) {
		subjects[i].nr = pairs_for(&subjects[i], loop);
		subjects[i].best = U64_MAX;
	}
	for (repetition = 0; repetition < REPETITIONS; repetition++) {
		for (i = 0; i < nr; i++) {
			struct subject *s = &subjects[i];

			s->best = min(s->best, s->peer->loops[loop](s, s->nr));
			cond_resched();
		}
	}
}

/*
 * Check that instructions are counted: the cost of a tenth of 10,000
 * instructions has to be 1,000.
 */
void bench_check_clock(void)
{
	u64 best = U64_MAX;
	unsigned int repetition;

	for (repetition = 0; repetition < REPETITIONS; repetition++) {
		u64 start = bench_clock();

		asm volatile(".rept 10000\n\tnop\n\t.endr" ::: "memory");
		best = min(best, bench_clock() - start);
	}
	emit_cost("clock", "nothing", 0, best, 10);
}
