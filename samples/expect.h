/* SPDX-License-Identifier: GPL-2.0-only */
/* Expectations of the samples' check programs. A failed one is printed. */
#ifndef _SAMPLES_EXPECT_H
#define _SAMPLES_EXPECT_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* Number of failed expectations in this process. */
static int failures;

#define expect(cond) expect_that(cond, #cond, __func__, __LINE__)

static void expect_that(bool held, const char *what, const char *where, int line)
{
	if (!held && !failures++)
		printf("# %s:%d: failed: %s (errno %d)\n", where, line, what, errno);
}

static bool fails(ssize_t ret, int error)
{
	return ret == -1 && errno == error;
}

#endif /* _SAMPLES_EXPECT_H */
