/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Checks, and marks in the log of the kernel around expected warnings
 */
#ifndef _BYTEPOOL_TEST_CHECK_H
#define _BYTEPOOL_TEST_CHECK_H

#include <linux/kconfig.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/types.h>

#include "bytepool.h"

/* On PREEMPT_RT, the system gives no new memory in hardirq context. */
#define HARDIRQ_MAY_REFUSE	IS_ENABLED(CONFIG_PREEMPT_RT)

__printf(5, 6)
void check(struct seq_file *m, bool ok, const char *of, const char *what, const char *why, ...);
void check_emptied(struct seq_file *m, struct bytepool *pool, const char *of, u64 bad_frees);

/* Between these two lines of the log, the guest script expects warnings. */
static inline void expect_warning_begin(const char *name)
{
	pr_info("bytepool-test: expect-warning begin %s\n", name);
}

static inline void expect_warning_end(void)
{
	pr_info("bytepool-test: expect-warning end\n");
}

#endif /* _BYTEPOOL_TEST_CHECK_H */
