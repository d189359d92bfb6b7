// SPDX-License-Identifier: GPL-2.0-only
/*
 * stress [SECONDS]: several real threads use the same pools, with signals for
 * interrupts, under ASan and under TSan.
 */
#include <stdlib.h>

#include "stress.h"

int main(int argc, char **argv)
{
	if (argc > 1)
		seconds = strtoul(argv[1], NULL, 0);
	shim_cpu_enter(nr_cpu_ids - 2);
	return test_main(hammer_tests, duel_tests, wait_tests, limit_tests, churn_tests);
}
