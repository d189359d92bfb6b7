// SPDX-License-Identifier: GPL-2.0-only
/* A cache of large objects and a mempool, to be ported, and a cache of small objects. */
#include <linux/mempool.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#define BOUNCE_NR	4
#define BOUNCE_BYTES	16384

struct job {
	u32 words[10000];
};

struct note {
	u32 words[10];
};

static struct kmem_cache *job_cache;
static struct kmem_cache *note_cache;
static mempool_t *bounces;

static int try_job(gfp_t gfp)
{
	struct job *job = kmem_cache_zalloc(job_cache, gfp);
	struct job *other = kmem_cache_alloc(job_cache, gfp);
	struct note *note = kmem_cache_alloc(note_cache, gfp);	/* stays: objects have 40 bytes */
	int err = job && other && note ? 0 : -ENOMEM;

	if (!err && memchr_inv(job, 0, sizeof(*job)))
		err = -EIO;
	if (other)
		memset(other, 1, sizeof(*other));
	if (note)
		kmem_cache_free(note_cache, note);	/* stays: objects have 40 bytes */
	if (other)
		kmem_cache_free(job_cache, other);
	if (job)
		kmem_cache_free(job_cache, job);
	return err;
}

/* Allocate more than the system has to have, but not more than the reserve. */
static int try_bounces(void)
{
	void *blocks[BOUNCE_NR];
	int i;

	for (i = 0; i < BOUNCE_NR; i++) {
		blocks[i] = mempool_alloc(bounces, GFP_NOIO);
		memset(blocks[i], i, BOUNCE_BYTES);
	}
	for (i = 0; i < BOUNCE_NR; i++)
		mempool_free(blocks[i], bounces);
	return 0;
}

static void port_handles_stop(void)
{
	mempool_destroy(bounces);
	kmem_cache_destroy(note_cache);	/* stays: objects have 40 bytes */
	kmem_cache_destroy(job_cache);
}

static int __init port_handles_start(void)
{
	job_cache = kmem_cache_create("port_job", sizeof(struct job), 0, SLAB_HWCACHE_ALIGN, NULL);
	note_cache = KMEM_CACHE(note, 0);	/* stays: objects have 40 bytes */
	bounces = mempool_create_kmalloc_pool(BOUNCE_NR, BOUNCE_BYTES);
	return job_cache && note_cache && bounces ? 0 : -ENOMEM;
}

static int __init port_handles_init(void)
{
	int err = port_handles_start();

	if (!err)
		err = try_job(GFP_KERNEL);
	if (!err)
		err = try_bounces();
	if (err)
		port_handles_stop();
	return err;
}
module_init(port_handles_init);

static void __exit port_handles_exit(void)
{
	port_handles_stop();
}
module_exit(port_handles_exit);

MODULE_DESCRIPTION("A cache of large objects, and a mempool");
MODULE_LICENSE("GPL");
