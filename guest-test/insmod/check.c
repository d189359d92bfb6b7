// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks, and marks in the log of the kernel around expected warnings
 */
#include "check.h"

/* Print "ok OF: WHAT", or "not ok OF: WHAT # WHY". */
void check(struct seq_file *m, bool ok, const char *of, const char *what, const char *why, ...)
{
	va_list args;

	seq_printf(m, "%s %s: %s", ok ? "ok" : "not ok", of, what);
	if (!ok) {
		seq_puts(m, " # ");
		va_start(args, why);
		seq_vprintf(m, why, args);
		va_end(args);
	}
	seq_putc(m, '\n');
}

/*
 * Check that no block of @pool is in use, that a trim gives back all memory, and that the pool
 * counted @bad_frees bad frees.
 */
void check_emptied(struct seq_file *m, struct bytepool *pool, const char *of, u64 bad_frees)
{
	struct bytepool_stats before, after;

	bytepool_get_stats(pool, &before);
	bytepool_trim(pool);
	bytepool_get_stats(pool, &after);
	check(m, !before.blocks_in_use && !before.bytes_in_use && !after.bytes_held &&
	      !after.blocks_idle && !bytepool_size(pool) && after.bad_frees == bad_frees,
	      of, "nothing is lost",
	      "%llu blocks, %llu bytes in use; after trim %llu held, %llu idle; %llu bad frees, not %llu",
	      before.blocks_in_use, before.bytes_in_use, after.bytes_held, after.blocks_idle,
	      after.bad_frees, bad_frees);
}
