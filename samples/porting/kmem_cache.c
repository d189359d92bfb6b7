// SPDX-License-Identifier: GPL-2.0-only
/* Port a kmem_cache of large objects. */
#include <linux/err.h>
#include <linux/slab.h>

#include "bytepool.h"
#include "porting.h"

struct job {
	u32 words[12288];		/* 48 KiB */
};

/* before: begin */
static struct kmem_cache *job_cache;

static int jobs_init_before(void)
{
	job_cache = KMEM_CACHE(job, SLAB_RECLAIM_ACCOUNT);
	return job_cache ? 0 : -ENOMEM;
}

static int job_before(size_t size, u32 seed, u32 *sum)
{
	struct job *job = kmem_cache_alloc(job_cache, GFP_KERNEL);

	if (!job)
		return -ENOMEM;
	*sum = porting_work(job, size, seed);
	kmem_cache_free(job_cache, job);
	return 0;
}

/* before: end */
/* after: begin */
static struct bytepool *job_pool;

static int jobs_init_after(void)
{
	const struct bytepool_params params = {
		.min_size = sizeof(struct job),
		.max_size = sizeof(struct job),
	};

	job_pool = bytepool_create("jobs", &params);
	return PTR_ERR_OR_ZERO(job_pool);
}

static int job_after(size_t size, u32 seed, u32 *sum)
{
	struct job *job = bytepool_alloc(job_pool, sizeof(*job), GFP_KERNEL);

	if (!job)
		return -ENOMEM;
	*sum = porting_work(job, size, seed);
	bytepool_free(job_pool, job);
	return 0;
}

/* after: end */
static int both_init(void)
{
	int err = jobs_init_before();

	if (err)
		return err;
	err = jobs_init_after();
	if (err)
		kmem_cache_destroy(job_cache);
	return err;
}

static void both_exit(void)
{
	kmem_cache_destroy(job_cache);
	bytepool_destroy(job_pool);
}

const struct porting porting_kmem_cache = {
	.name	= "kmem_cache",
	.size	= sizeof(struct job),
	.init	= both_init,
	.exit	= both_exit,
	.before	= job_before,
	.after	= job_after,
};
