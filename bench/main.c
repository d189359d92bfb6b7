// SPDX-License-Identifier: GPL-2.0-only
/*
 * bytepool_bench - measure bytepool and the allocators used instead of it
 *
 * The module runs the cases when it is loaded, on one kernel, and prints a line
 * for each result. The line has the word `bench`, the mode, kernel, case,
 * allocator, size, value and unit, separated by tabs. bench/scripts/bench loads the
 * module and describes the cases.
 */
#include <linux/cpumask.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "bench.h"

static char *only = "";
module_param(only, charp, 0444);
MODULE_PARM_DESC(only, "cases to run, separated by commas (default: all)");

static char *among = "";
module_param(among, charp, 0444);
MODULE_PARM_DESC(among, "allocators to measure, separated by commas (default: all)");

static bool instructions;
module_param(instructions, bool, 0444);
MODULE_PARM_DESC(instructions, "the time stamp counter counts instructions");

#define COUNTED		BIT(0)
#define TIMED		BIT(1)
#define NATIVE		BIT(2)
#define IF_ASKED	BIT(3)	/* run only if named in "only" */

#ifndef MODULE
/* If built in, run only on request. The kernel does nothing else afterwards. */
static bool run;
module_param(run, bool, 0444);
MODULE_PARM_DESC(run, "run the cases when the kernel starts, then power off");
#endif

static const struct bench_case {
	const char *name;
	void (*run)(void);
	unsigned int modes;
} cases[] = {
	{ "clock",	bench_check_clock,	COUNTED },
	{ "pair",	bench_pair,		COUNTED | TIMED | NATIVE },
	{ "set16",	bench_set,		COUNTED | TIMED | NATIVE },
	{ "bulk16",	bench_bulk,		COUNTED | TIMED | NATIVE },
	{ "atomic",	bench_atomic,		COUNTED | TIMED | NATIVE },
	{ "reserve",	bench_reserve,		COUNTED | TIMED | NATIVE },
	{ "paths",	bench_paths,		COUNTED | TIMED | NATIVE },
	{ "cleared",	bench_cleared,		COUNTED | IF_ASKED },
	{ "debug",	bench_debug,		COUNTED | IF_ASKED },
	{ "sets",	bench_sets,		COUNTED | TIMED | NATIVE },
	{ "mix",	bench_mix,		COUNTED | TIMED | NATIVE },
	{ "live",	bench_live,		COUNTED | NATIVE },
	{ "pools",	bench_pools,		COUNTED | NATIVE },
	{ "miss",	bench_miss,		COUNTED },
	{ "gc-idle",	bench_gc_idle,		COUNTED },
	{ "gc-free",	bench_gc_free,		COUNTED },
	{ "create",	bench_create,		COUNTED | TIMED | NATIVE },
	{ "memory",	bench_memory,		COUNTED },
	{ "cross",	bench_cross,		TIMED },
	{ "both",	bench_both,		TIMED },
	{ "used",	bench_used,		TIMED | NATIVE },
	{ "during",	bench_during,		TIMED },
	{ "timer",	bench_during_timer,	TIMED | IF_ASKED },
	{ "step",	bench_step,		TIMED | IF_ASKED },
	{ "step-many",	bench_step_many,	TIMED | IF_ASKED },
	{ "possible",	bench_possible,		TIMED | IF_ASKED },
	{ "profile",	bench_profile,		TIMED | IF_ASKED },
};

static bool wanted(const struct bench_case *c)
{
	unsigned int mode = counting ? COUNTED : IS_ENABLED(CONFIG_UML) ? NATIVE : TIMED;

	if (!(c->modes & mode))
		return false;
	return *only ? listed(c->name, only) : !(c->modes & IF_ASKED);
}

static int run_cases(void)
{
	unsigned int i;
	int err = peers_init(among);

	if (err)
		return err;
	counting = instructions;
	set_cpus_allowed_ptr(current, cpumask_of(0));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (wanted(&cases[i]))
			cases[i].run();
	}
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	emit("failures", "all", 0, failures, 1, "allocations");
	return 0;
}

#ifdef MODULE
static int __init bench_init(void)
{
	return run_cases();
}
module_init(bench_init);

static void __exit bench_exit(void)
{
	peers_exit();
}
module_exit(bench_exit);
#else
static int __init bench_init(void)
{
	if (run) {
		run_cases();
		kernel_power_off();
	}
	return 0;
}
late_initcall(bench_init);
#endif

MODULE_DESCRIPTION("Benchmark of bytepool and other allocators");
MODULE_LICENSE("GPL");
