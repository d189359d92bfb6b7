// SPDX-License-Identifier: GPL-2.0-only
/*
 * Other events at the points of an operation, see shim_point().
 */
#include "basic.h"

void (*between)(void);
unsigned int nr_between;

void at_point(void)
{
	nr_between++;
	between();
}

/* Run @op once for each of its points, with @what at that point. Return their number. */
unsigned int at_each_point(void (*op)(void), void (*what)(void))
{
	unsigned int point;

	between = what;
	shim_point_hook = at_point;
	for (point = 1; point < 10000; point++) {
		nr_between = 0;
		shim_countdown = point;
		op();
		shim_countdown = 0;
		shim_irq_restore(shim_irq_save());
		if (!nr_between)
			break;
	}
	shim_point_hook = NULL;
	return point - 1;
}

unsigned int nr_graces;

void count_grace(void)
{
	nr_graces++;
}
