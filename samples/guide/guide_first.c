// SPDX-License-Identifier: GPL-2.0-only
/*
 * guide_first - the first pool
 *
 * The module makes a pool when it is loaded, uses a buffer for a moment, and
 * destroys the pool when it is unloaded.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/string.h>

#include "bytepool.h"

#define BUFFER_BYTES	100000

static struct bytepool *pool;

static int __init guide_first_init(void)
{
	char *buffer;

	pool = bytepool_create("guide_first", NULL);
	if (IS_ERR(pool))
		return PTR_ERR(pool);

	buffer = bytepool_alloc(pool, BUFFER_BYTES, GFP_KERNEL);
	if (!buffer) {
		bytepool_destroy(pool);
		return -ENOMEM;
	}
	strscpy(buffer, "guide_first: a buffer of a pool", BUFFER_BYTES);
	pr_info("%s\n", buffer);
	bytepool_free(pool, buffer);
	return 0;
}
module_init(guide_first_init);

static void __exit guide_first_exit(void)
{
	bytepool_destroy(pool);
}
module_exit(guide_first_exit);

MODULE_DESCRIPTION("The first pool of a driver");
MODULE_LICENSE("GPL");
