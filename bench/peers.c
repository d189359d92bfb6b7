// SPDX-License-Identifier: GPL-2.0-only
/*
 * The allocators that are measured. Each is called as its users call it, in the
 * way that suits it best.
 */
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "loops.h"

/* The number of blocks in a pool that is filled in advance. */
#define PREALLOCATED	(2 * RING_SLOTS)

static const char *wanted_peers = "";	/* all if empty */

int nothing_to_create(struct subject *s)
{
	return 0;
}

void nothing_to_destroy(struct subject *s)
{
}

/* Measure the loop itself. */
static __always_inline void *nothing_alloc(struct subject *s, size_t size)
{
	void *block = s;

	OPTIMIZER_HIDE_VAR(block);
	return block;
}

static __always_inline void nothing_free(struct subject *s, void *block, size_t size)
{
	OPTIMIZER_HIDE_VAR(block);
}

DEFINE_LOOPS(nothing)
DEFINE_LOOP_MIX(nothing)

static const struct peer peer_nothing = {
	.name = "nothing",
	.min_size = 64,
	.max_size = 64,
	.create = nothing_to_create,
	.destroy = nothing_to_destroy,
	.loops = { LOOPS(nothing), [LOOP_MIX] = nothing_mix },
};

int pool_create(struct subject *s)
{
	static unsigned int nr;
	char name[24];
	int err = 0;

	if (s->as->shared) {
		s->pool = bytepool_system;
		return 0;
	}
	snprintf(name, sizeof(name), "bench.%u", nr++);
	s->pool = bytepool_create(name, &s->as->params);
	if (IS_ERR(s->pool))
		return PTR_ERR(s->pool);
	if (s->as->reserve)
		err = bytepool_reserve(s->pool, s->size, s->as->reserve, GFP_KERNEL);
	if (err)
		bytepool_destroy(s->pool);
	return err;
}

void pool_destroy(struct subject *s)
{
	if (s->pool != bytepool_system)
		bytepool_destroy(s->pool);
}

static __always_inline void *bytepool_peer_alloc(struct subject *s, size_t size)
{
	return bytepool_alloc(s->pool, size, s->gfp);
}

static __always_inline void bytepool_peer_free(struct subject *s, void *block, size_t size)
{
	bytepool_free(s->pool, block);
}

static __always_inline bool bytepool_peer_alloc_bulk(struct subject *s, size_t size, void **blocks)
{
	return bytepool_alloc_bulk(s->pool, size, GFP_KERNEL, SET_BLOCKS, blocks);
}

static __always_inline void bytepool_peer_free_bulk(struct subject *s, void **blocks)
{
	bytepool_free_bulk(s->pool, SET_BLOCKS, blocks);
}

DEFINE_LOOPS(bytepool_peer)
DEFINE_LOOP_MIX(bytepool_peer)
DEFINE_LOOP_USED(bytepool_peer)
DEFINE_LOOP_BULK(bytepool_peer)

const struct peer peer_bytepool = {
	.name = "bytepool",
	.min_size = 8,
	.max_size = SZ_4M,
	.create = pool_create,
	.destroy = pool_destroy,
	.loops = {
		LOOPS(bytepool_peer),
		[LOOP_MIX] = bytepool_peer_mix,
		[LOOP_USED] = bytepool_peer_used,
		[LOOP_BULK] = bytepool_peer_bulk,
	},
};

/* The same with a reserve, so that an allocation cannot fail. */
static int pool_reserve_create(struct subject *s)
{
	static const struct variant with_reserve = { .reserve = SET_BLOCKS };

	s->as = &with_reserve;
	return pool_create(s);
}

static const struct peer peer_pool_reserve = {
	.name = "bytepool",
	.min_size = 8,
	.max_size = SZ_4M,
	.create = pool_reserve_create,
	.destroy = pool_destroy,
	.loops = { LOOPS(bytepool_peer) },
};

static __always_inline void *kmalloc_alloc(struct subject *s, size_t size)
{
	return kmalloc(size, s->gfp);
}

static __always_inline void kmalloc_free(struct subject *s, void *block, size_t size)
{
	kfree(block);
}

DEFINE_LOOPS(kmalloc)
DEFINE_LOOP_MIX(kmalloc)

const struct peer peer_kmalloc = {
	.name = "kmalloc",
	.min_size = 8,
	.max_size = SZ_4M,
	.create = nothing_to_create,
	.destroy = nothing_to_destroy,
	.loops = { LOOPS(kmalloc), [LOOP_MIX] = kmalloc_mix },
};

static __always_inline void *kvmalloc_alloc(struct subject *s, size_t size)
{
	return kvmalloc(size, GFP_KERNEL);
}

static __always_inline void kvmalloc_free(struct subject *s, void *block, size_t size)
{
	kvfree(block);
}

DEFINE_LOOPS(kvmalloc)
DEFINE_LOOP_MIX(kvmalloc)
DEFINE_LOOP_USED(kvmalloc)

static const struct peer peer_kvmalloc = {
	.name = "kvmalloc",
	.min_size = 8,
	.max_size = SZ_4M,
	.create = nothing_to_create,
	.destroy = nothing_to_destroy,
	.loops = { LOOPS(kvmalloc), [LOOP_MIX] = kvmalloc_mix, [LOOP_USED] = kvmalloc_used },
};

static __always_inline void *vmalloc_alloc(struct subject *s, size_t size)
{
	return vmalloc(size);
}

static __always_inline void vmalloc_free(struct subject *s, void *block, size_t size)
{
	vfree(block);
}

DEFINE_LOOPS(vmalloc)

static const struct peer peer_vmalloc = {
	.name = "vmalloc",
	.min_size = PAGE_SIZE,
	.max_size = SZ_4M,
	.create = nothing_to_create,
	.destroy = nothing_to_destroy,
	.loops = { LOOPS(vmalloc) },
};

static int mempool_peer_create(struct subject *s)
{
	s->mempool = mempool_create_kmalloc_pool(SET_BLOCKS, s->size);
	return s->mempool ? 0 : -ENOMEM;
}

static void mempool_peer_destroy(struct subject *s)
{
	mempool_destroy(s->mempool);
}

static __always_inline void *mempool_peer_alloc(struct subject *s, size_t size)
{
	return mempool_alloc(s->mempool, GFP_KERNEL);
}

static __always_inline void mempool_peer_free(struct subject *s, void *block, size_t size)
{
	mempool_free(block, s->mempool);
}

DEFINE_LOOPS(mempool_peer)

#ifdef HAVE_MEMPOOL_BULK
static __always_inline bool mempool_peer_alloc_bulk(struct subject *s, size_t size, void **blocks)
{
	return !mempool_alloc_bulk(s->mempool, blocks, SET_BLOCKS);
}

/* The pool takes only what its reserve lacks. */
static __always_inline void mempool_peer_free_bulk(struct subject *s, void **blocks)
{
	unsigned int taken = mempool_free_bulk(s->mempool, blocks, SET_BLOCKS);

	kfree_bulk(SET_BLOCKS - taken, blocks + taken);
}

DEFINE_LOOP_BULK(mempool_peer)
#endif

static const struct peer peer_mempool = {
	.name = "mempool",
	.min_size = 8,
	.max_size = SZ_4M,
	.create = mempool_peer_create,
	.destroy = mempool_peer_destroy,
	.loops = {
		LOOPS(mempool_peer),
#ifdef HAVE_MEMPOOL_BULK
		[LOOP_BULK] = mempool_peer_bulk,
#endif
	},
};

#ifdef CONFIG_HAS_DMA
static struct platform_device *dma_device;

static int dma_pool_peer_create(struct subject *s)
{
	s->dma_pool = dma_pool_create("bytepool_bench", &dma_device->dev, s->size, 8, 0);
	return s->dma_pool ? 0 : -ENOMEM;
}

static void dma_pool_peer_destroy(struct subject *s)
{
	dma_pool_destroy(s->dma_pool);
}

static __always_inline void *dma_pool_peer_alloc(struct subject *s, size_t size)
{
	dma_addr_t handle;

	return dma_pool_alloc(s->dma_pool, GFP_KERNEL, &handle);
}

/* Without an IOMMU, the DMA address that a user keeps is the physical address. */
static __always_inline void dma_pool_peer_free(struct subject *s, void *block, size_t size)
{
	dma_pool_free(s->dma_pool, block, virt_to_phys(block));
}

DEFINE_LOOPS(dma_pool_peer)

static const struct peer peer_dma_pool = {
	.name = "dma_pool",
	.min_size = 8,
	.max_size = SZ_4M,
	.create = dma_pool_peer_create,
	.destroy = dma_pool_peer_destroy,
	.loops = { LOOPS(dma_pool_peer) },
};

static int dma_peer_init(void)
{
	int err;

	dma_device = platform_device_register_simple("bytepool_bench", PLATFORM_DEVID_NONE,
						     NULL, 0);
	if (IS_ERR(dma_device))
		return PTR_ERR(dma_device);
	err = dma_coerce_mask_and_coherent(&dma_device->dev, DMA_BIT_MASK(64));
	if (err)
		platform_device_unregister(dma_device);
	return err;
}

static void dma_peer_exit(void)
{
	platform_device_unregister(dma_device);
}
#else
static int dma_peer_init(void)
{
	return 0;
}

static void dma_peer_exit(void)
{
}
#endif /* CONFIG_HAS_DMA */

#ifdef HAVE_OBJPOOL
static int objpool_peer_create(struct subject *s)
{
	return objpool_init(&s->objpool, PREALLOCATED, s->size, GFP_KERNEL, NULL, NULL, NULL);
}

static void objpool_peer_destroy(struct subject *s)
{
	objpool_fini(&s->objpool);
}

static __always_inline void *objpool_peer_alloc(struct subject *s, size_t size)
{
	return objpool_pop(&s->objpool);
}

static __always_inline void objpool_peer_free(struct subject *s, void *block, size_t size)
{
	objpool_push(block, &s->objpool);
}

DEFINE_LOOPS(objpool_peer)

static const struct peer peer_objpool = {
	.name = "objpool",
	.min_size = 8,
	.max_size = OBJPOOL_OBJECT_SIZE_MAX,
	.create = objpool_peer_create,
	.destroy = objpool_peer_destroy,
	.loops = { LOOPS(objpool_peer) },
};
#endif

static __always_inline void *pages_alloc(struct subject *s, size_t size)
{
	return alloc_pages_exact(size, GFP_KERNEL);
}

static __always_inline void pages_free(struct subject *s, void *block, size_t size)
{
	free_pages_exact(block, size);
}

DEFINE_LOOPS(pages)

static const struct peer peer_pages = {
	.name = "alloc_pages_exact",
	.min_size = PAGE_SIZE,
	.max_size = SZ_4M,
	.create = nothing_to_create,
	.destroy = nothing_to_destroy,
	.loops = { LOOPS(pages) },
};

static int handmade_peer_create(struct subject *s)
{
	s->handmade = handmade_create();
	return PTR_ERR_OR_ZERO(s->handmade);
}

static void handmade_peer_destroy(struct subject *s)
{
	handmade_destroy(s->handmade);
}

static __always_inline void *handmade_peer_alloc(struct subject *s, size_t size)
{
	return handmade_alloc(s->handmade, size, GFP_KERNEL);
}

static __always_inline void handmade_peer_free(struct subject *s, void *block, size_t size)
{
	handmade_free(s->handmade, block);
}

DEFINE_LOOPS(handmade_peer)
DEFINE_LOOP_MIX(handmade_peer)
DEFINE_LOOP_USED(handmade_peer)

static const struct peer peer_handmade = {
	.name = "handmade",
	.min_size = 8,
	.max_size = SZ_4M,
	.create = handmade_peer_create,
	.destroy = handmade_peer_destroy,
	.loops = {
		LOOPS(handmade_peer),
		[LOOP_MIX] = handmade_peer_mix,
		[LOOP_USED] = handmade_peer_used,
	},
};

const struct peer *const peers[] = {
	&peer_bytepool,
	&peer_kmalloc,
	&peer_kvmalloc,
	&peer_vmalloc,
	&peer_kmem_cache,
#ifdef HAVE_SHEAVES
	&peer_sheaf_capacity,
	&peer_sheaf_bulk,
#endif
	&peer_mempool,
#ifdef CONFIG_HAS_DMA
	&peer_dma_pool,
#endif
#ifdef HAVE_OBJPOOL
	&peer_objpool,
#endif
	&peer_pages,
	&peer_handmade,
	&peer_nothing,
	NULL
};

/* A mempool has a reserve, too, and so does the task with a prefilled sheaf. */
const struct peer *const reserve_peers[] = {
	&peer_pool_reserve,
	&peer_mempool,
#ifdef HAVE_SHEAVES
	&peer_sheaf_reserve,
#endif
	NULL
};

static_assert(ARRAY_SIZE(peers) <= PEERS_MAX);

const struct peer *peer_find(const char *name)
{
	const struct peer *const *peer;

	for (peer = peers; *peer; peer++) {
		if (!strcmp((*peer)->name, name))
			return *peer;
	}
	return NULL;
}

/* Return true if @list, with commas between its names, has @name. */
bool listed(const char *name, const char *list)
{
	size_t length = strlen(name);

	do {
		if (!strncmp(list, name, length) && (!list[length] || list[length] == ','))
			return true;
		list = strchr(list, ',');
	} while (list++);
	return false;
}

bool peer_wanted(const struct peer *peer)
{
	return !*wanted_peers || listed(peer->name, wanted_peers);
}

/* Prepare the peers. Measure those that @among lists, or all if it is empty. */
int peers_init(const char *among)
{
	wanted_peers = among;
	return dma_peer_init();
}

void peers_exit(void)
{
	dma_peer_exit();
}

int subject_init_as(struct subject *s, const struct variant *as, size_t size)
{
	int err;

	memset(s, 0, sizeof(*s));
	s->peer = as->peer;
	s->as = as;
	s->size = size;
	s->gfp = GFP_KERNEL | as->gfp;
	err = as->peer->create(s);
	if (err)
		pr_err("bytepool_bench: %s of %zu bytes: error %d\n", as->name, size, err);
	return err;
}

int subject_init(struct subject *s, const struct peer *peer, size_t size)
{
	const struct variant plain = { .name = peer->name, .peer = peer };

	return subject_init_as(s, &plain, size);
}

/* Create a subject for each peer of @list that has @loop and @size. Return their number. */
unsigned int subjects_init(struct subject *subjects, const struct peer *const *list,
			   enum loop loop, size_t size)
{
	const struct peer *peer;
	unsigned int nr = 0;

	while ((peer = *list++)) {
		if (!peer->loops[loop] || !peer_wanted(peer))
			continue;
		/* The size of a mix is only that of its largest blocks. */
		if (loop != LOOP_MIX && (size < peer->min_size || size > peer->max_size))
			continue;
		if (!subject_init(&subjects[nr], peer, size))
			nr++;
	}
	return nr;
}

void subject_exit(struct subject *s)
{
	emit_failures(s->peer->name, s->failed);
	s->peer->destroy(s);
}
