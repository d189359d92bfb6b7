// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failures on demand: of the allocators, and of all other callers of shim_should_fail().
 */
#include "control.h"
#include "cpu.h"

static unsigned int fail_mask;
static unsigned int fail_odds;
static bool fail_all;
static unsigned long fail_nth;
static unsigned long nr_failed;

void shim_fail(unsigned int mask, unsigned long nth, bool all)
{
	fail_mask = nth ? mask : 0;
	fail_nth = nth;
	fail_all = all;
	fail_odds = 0;
	nr_failed = 0;
}

void shim_fail_odds(unsigned int mask, unsigned int odds)
{
	fail_nth = 0;
	__atomic_store_n(&nr_failed, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&fail_odds, odds, __ATOMIC_RELAXED);
	__atomic_store_n(&fail_mask, odds ? mask : 0, __ATOMIC_RELAXED);
}

unsigned long shim_failed(void)
{
	return __atomic_load_n(&nr_failed, __ATOMIC_RELAXED);
}

bool shim_failing(void)
{
	return fail_mask;
}

bool shim_should_fail(enum shim_fault kind, gfp_t gfp)
{
	unsigned int odds = __atomic_load_n(&fail_odds, __ATOMIC_RELAXED);
	bool fail;

	if (!(__atomic_load_n(&fail_mask, __ATOMIC_RELAXED) & kind) || gfp & __GFP_NOFAIL)
		return false;
	if (odds) {
		fail = !(shim_random() % odds);
	} else {
		fail = fail_nth == 1 || (fail_all && !fail_nth);
		fail_nth -= fail_nth > 0;
	}
	if (fail)
		__atomic_fetch_add(&nr_failed, 1, __ATOMIC_RELAXED);
	return fail;
}
