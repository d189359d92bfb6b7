/* SPDX-License-Identifier: GPL-2.0-only */
/* What the check programs of the samples expect, and say if it is not so. */
#ifndef _SAMPLES_EXPECT_H
#define _SAMPLES_EXPECT_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* How many expectations did not hold, in this process. */
static int failures;

#define expect(cond) expect_that(cond, #cond, __func__, __LINE__)

static void expect_that(bool held, const char *what, const char *where, int line)
{
	if (!held && !failures++)
		printf("# %s:%d: not so: %s (errno %d)\n", where, line, what, errno);
}

static bool fails(ssize_t ret, int error)
{
	return ret == -1 && errno == error;
}

#endif /* _SAMPLES_EXPECT_H */
