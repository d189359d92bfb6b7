// SPDX-License-Identifier: GPL-2.0-only
/* Port a mempool for I/O that has to make progress when the system is out of memory. */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/mempool.h>

#include "bytepool.h"
#include "porting.h"

#define BOUNCE_BYTES	4096
#define BOUNCE_NR	16

/* before: begin */
static mempool_t *bounce_before;

static int bounces_init_before(void)
{
	bounce_before = mempool_create_kmalloc_pool(BOUNCE_NR, BOUNCE_BYTES);
	return bounce_before ? 0 : -ENOMEM;
}

static int write_before(size_t size, u32 seed, u32 *sum)
{
	void *buffer = mempool_alloc(bounce_before, GFP_NOIO);	/* never NULL */

	*sum = porting_work(buffer, size, seed);
	mempool_free(buffer, bounce_before);
	return 0;
}

/* before: end */
/* after: begin */
static struct bytepool *bounce_after;

static int bounces_init_after(void)
{
	const struct bytepool_params params = {
		.min_size = BOUNCE_BYTES,
		.max_size = BOUNCE_BYTES,
	};
	int err;

	bounce_after = bytepool_create("bounce", &params);
	if (IS_ERR(bounce_after))
		return PTR_ERR(bounce_after);
	err = bytepool_reserve(bounce_after, BOUNCE_BYTES, BOUNCE_NR, GFP_KERNEL);
	if (err)
		bytepool_destroy(bounce_after);
	return err;
}

static int write_after(size_t size, u32 seed, u32 *sum)
{
	void *buffer = bytepool_alloc(bounce_after, size, GFP_NOIO);	/* never NULL, either */

	*sum = porting_work(buffer, size, seed);
	bytepool_free(bounce_after, buffer);
	return 0;
}

/* after: end */
static int both_init(void)
{
	int err = bounces_init_before();

	if (err)
		return err;
	err = bounces_init_after();
	if (err)
		mempool_destroy(bounce_before);
	return err;
}

static void both_exit(void)
{
	mempool_destroy(bounce_before);
	bytepool_destroy(bounce_after);
}

const struct porting porting_mempool = {
	.name	= "mempool",
	.size	= BOUNCE_BYTES,
	.init	= both_init,
	.exit	= both_exit,
	.before	= write_before,
	.after	= write_after,
};
