// SPDX-License-Identifier: GPL-2.0-only
/*
 * guide_bulk - requests that take many blocks at once
 *
 * A request needs all of its 64 fragments. One call allocates all of them or
 * none, and one call frees them. Write the number of requests to serve to
 * /sys/module/guide_bulk/parameters/requests.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "bytepool.h"

#define FRAGMENTS	64
#define FRAGMENT_BYTES	4096

static struct bytepool *pool;

static int serve_request(void **fragments, u8 pattern)
{
	int err = 0;
	int i;

	if (!bytepool_alloc_bulk(pool, FRAGMENT_BYTES, GFP_KERNEL, FRAGMENTS, fragments))
		return -ENOMEM;
	for (i = 0; i < FRAGMENTS; i++)
		memset(fragments[i], pattern + i, FRAGMENT_BYTES);
	for (i = 0; i < FRAGMENTS; i++) {
		if (memchr_inv(fragments[i], (u8)(pattern + i), FRAGMENT_BYTES))
			err = -EIO;	/* two fragments overlap */
	}
	bytepool_free_bulk(pool, FRAGMENTS, fragments);
	return err;
}

static int set_requests(const char *val, const struct kernel_param *kp)
{
	unsigned int nr, i;
	void **fragments;
	int err;

	err = kstrtouint(val, 0, &nr);
	if (err)
		return err;
	fragments = kcalloc(FRAGMENTS, sizeof(*fragments), GFP_KERNEL);
	if (!fragments)
		return -ENOMEM;
	for (i = 0; i < nr && !err; i++)
		err = signal_pending(current) ? -EINTR : serve_request(fragments, i);
	kfree(fragments);
	return err;
}

static const struct kernel_param_ops requests_ops = { .set = set_requests };
module_param_cb(requests, &requests_ops, NULL, 0200);
MODULE_PARM_DESC(requests, "Number of requests to serve");

static int __init guide_bulk_init(void)
{
	const struct bytepool_params params = {
		.min_size = FRAGMENT_BYTES,
		.max_size = FRAGMENT_BYTES,
	};

	pool = bytepool_create("guide_bulk", &params);
	return PTR_ERR_OR_ZERO(pool);
}
module_init(guide_bulk_init);

static void __exit guide_bulk_exit(void)
{
	/* The parameter may be written until the module is gone, so take its lock. */
	kernel_param_lock(THIS_MODULE);
	bytepool_destroy(pool);
	pool = NULL;
	kernel_param_unlock(THIS_MODULE);
}
module_exit(guide_bulk_exit);

MODULE_DESCRIPTION("Requests that take many blocks of a bytepool");
MODULE_LICENSE("GPL");
