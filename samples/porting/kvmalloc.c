// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port kvmalloc() and kvfree() of each request, as in ioctls with a buffer of
 * any size.
 */
#include <linux/err.h>
#include <linux/mm.h>

#include "bytepool.h"
#include "porting.h"

/* before: begin */
static int request_before(size_t size, u32 seed, u32 *sum)
{
	void *buffer = kvmalloc(size, GFP_KERNEL);

	if (!buffer)
		return -ENOMEM;
	*sum = porting_work(buffer, size, seed);
	kvfree(buffer);
	return 0;
}

/* before: end */
/* after: begin */
static struct bytepool *pool;

static int request_after(size_t size, u32 seed, u32 *sum)
{
	void *buffer = bytepool_alloc(pool, size, GFP_KERNEL);

	if (!buffer)
		return -ENOMEM;
	*sum = porting_work(buffer, size, seed);
	bytepool_free(pool, buffer);
	return 0;
}

static int requests_init(void)
{
	pool = bytepool_create("requests", NULL);
	return PTR_ERR_OR_ZERO(pool);
}

static void requests_exit(void)
{
	bytepool_destroy(pool);
}

/* after: end */
const struct porting porting_kvmalloc = {
	.name	= "kvmalloc",
	.size	= 300000,
	.init	= requests_init,
	.exit	= requests_exit,
	.before	= request_before,
	.after	= request_after,
};
