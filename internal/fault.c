// SPDX-License-Identifier: GPL-2.0-only
/*
 * fail_bytepool: allocations that fail on demand.
 */
#include <linux/compiler.h>
#include <linux/debugfs.h>
#include <linux/fault-inject.h>
#include <linux/gfp.h>

#include "class.h"
#include "context.h"
#include "fault.h"
#include "size_class.h"
#include "types.h"

/* Which allocations fail. The attributes are in debugfs, as those of failslab are. */
static struct {
	struct fault_attr attr;
	bool ignore_gfp_wait;
} fail_bytepool = {
	.attr = FAULT_ATTR_INITIALIZER,
	.ignore_gfp_wait = true,
};

/*
 * Return true if the allocation has to fail. An allocation that may wait for a
 * block never does, as when memory is short.
 */
noinline bool bp_alloc_injected(struct bytepool *pool, size_t size, gfp_t gfp)
{
	struct bp_class *class;

	if (gfp & __GFP_NOFAIL ||
	    (READ_ONCE(fail_bytepool.ignore_gfp_wait) && gfpflags_allow_blocking(gfp)))
		return false;
	/* should_fail() takes a lock that sleeps on PREEMPT_RT. */
	if (!bp_system_may_serve())
		return false;
	/* Pairs with cmpxchg() in bp_class_add(). */
	class = smp_load_acquire(&pool->class[bp_class_index(&pool->sizes, size)]);
	if (class && bp_class_may_wait(class, gfp))
		return false;
	return should_fail(&fail_bytepool.attr, size);
}

struct dentry *bp_faults_add(void)
{
	struct dentry *dir = fault_create_debugfs_attr("fail_bytepool", NULL, &fail_bytepool.attr);

	if (!IS_ERR(dir))
		debugfs_create_bool("ignore-gfp-wait", 0600, dir, &fail_bytepool.ignore_gfp_wait);
	return dir;
}
