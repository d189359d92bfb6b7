// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system's allocators over malloc(). Each allocation is separate, so that ASan and TSan
 * know when it was freed.
 */
#include <stdlib.h>
#include <sys/mman.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(base, bytes)		((void)(base), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(base, bytes)	((void)(base), (void)(bytes))
#endif

#include "control.h"
#include "cpu.h"
#include "liburcu.h"

#define GARBAGE		0xa5
#ifndef GARBAGE_BYTES
#define GARBAGE_BYTES	(8 * PAGE_SIZE)
#endif
#define CHUNK_BUCKETS	4096

/**
 * struct chunk - memory from the page allocator or vmalloc
 * @list: link in the bucket of the address
 * @split_list: link in the list of split runs, the newest first
 * @hidden: the complement of the address, so that this is no reference to
 *	LeakSanitizer
 * @total: bytes at first
 * @bytes: bytes that are left after the surplus of a split run was freed
 * @node: the node of its first page
 * @mapped: true if it is from vmalloc
 * @compound: true if it cannot be split
 * @split: true if it was split, and is freed page by page
 */
struct chunk {
	struct cds_list_head list;
	struct cds_list_head split_list;
	unsigned long hidden;
	unsigned long total;
	unsigned long bytes;
	int node;
	bool mapped;
	bool compound;
	bool split;
};

/* The header of a mapping of vmap(), in the page before it. */
struct mapping {
	size_t bytes;
};

#ifdef CONFIG_KASAN_GENERIC
/* ASan stands for KASAN. */
void kasan_poison(const void *addr, size_t size, u8 value, bool init);
void kasan_poison(const void *addr, size_t size, u8 value, bool init)
{
	(void)init;
	if (value)
		ASAN_POISON_MEMORY_REGION(addr, size);
	else
		ASAN_UNPOISON_MEMORY_REGION(addr, size);
}
#endif

bool shim_init_on_alloc;
bool shim_init_on_free;
int shim_full_node = NUMA_NO_NODE;
bool shim_exact_node;
int shim_bare_node = NUMA_NO_NODE;
void *(*shim_run_alloc)(size_t align, size_t bytes) = aligned_alloc;
void (*shim_run_free)(void *run) = free;
void (*shim_backing_born)(void *base, unsigned long bytes, bool mapped);
void (*shim_backing_gone)(void *base, unsigned long bytes);
void (*shim_reclaim_hook)(void);

static pthread_mutex_t chunks_lock = PTHREAD_MUTEX_INITIALIZER;
static struct cds_list_head chunks[CHUNK_BUCKETS];
static CDS_LIST_HEAD(split_chunks);

static long nr_kmallocs;
static long page_bytes;
static long reclaimable_pages[nr_node_ids];

/* On PREEMPT_RT, the locks of the allocators sleep. */
static void allocator_check(const char *what)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && shim_self.there && !shim_self.callback &&
	    !preemptible())
		shim_die("%s in atomic context on PREEMPT_RT", what);
}

void might_alloc(gfp_t gfp)
{
	if (gfpflags_allow_blocking(gfp))
		shim_might_sleep("an allocation that may sleep");
}

/* Reclaim, unless this thread is reclaiming already. */
static void alloc_reclaim(gfp_t gfp)
{
	static __thread bool reclaiming;

	if (!shim_reclaim_hook || !gfpflags_allow_blocking(gfp) || reclaiming)
		return;
	reclaiming = true;
	shim_reclaim_hook();
	reclaiming = false;
}

static bool alloc_begin(enum shim_fault kind, gfp_t gfp)
{
	might_alloc(gfp);
	alloc_reclaim(gfp);
	allocator_check("an allocation");
	shim_point();
	return !shim_should_fail(kind, gfp);
}

/* Fill only both ends of a large area, because filling all of it takes long. */
static void garbage(void *base, size_t bytes)
{
	size_t end = min_t(size_t, bytes, GARBAGE_BYTES);

	memset(base, GARBAGE, end);
	memset(base + bytes - end, GARBAGE, end);
}

void *kmalloc(size_t size, gfp_t gfp)
{
	unsigned long flags;
	void *p;

	if (!alloc_begin(SHIM_FAIL_KMALLOC, gfp))
		return NULL;
	/* A long run of pages takes time to find. kswapd would try it for each caller. */
	if (size > PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER && !gfpflags_allow_blocking(gfp)) {
		if (gfp & __GFP_KSWAPD_RECLAIM)
			shim_die("kswapd is woken for %zu bytes", size);
		return NULL;
	}
	flags = shim_irq_save();
	if (posix_memalign(&p, size < SMP_CACHE_BYTES ? sizeof(long) : SMP_CACHE_BYTES, size))
		shim_die("out of memory");
	if (gfp & __GFP_ZERO)
		memset(p, 0, size);
	else
		garbage(p, size);
	shim_irq_restore(flags);
	__atomic_fetch_add(&nr_kmallocs, 1, __ATOMIC_RELAXED);
	return p;
}

void kfree(const void *p)
{
	unsigned long flags;

	if (!p)
		return;
	allocator_check(__func__);
	__atomic_fetch_sub(&nr_kmallocs, 1, __ATOMIC_RELAXED);
	flags = shim_irq_save();
	free((void *)p);
	shim_irq_restore(flags);
}

void *shim_alloc_percpu(size_t size)
{
	if (size > SHIM_PERCPU_BYTES)
		shim_die("a per-CPU object of %zu bytes is too large for the shim", size);
	return kzalloc(nr_cpu_ids * SHIM_PERCPU_BYTES, GFP_KERNEL);
}

void free_percpu(void *p)
{
	kfree(p);
}

static struct cds_list_head *chunk_bucket(const void *base)
{
	return &chunks[((unsigned long)base >> PAGE_SHIFT) % CHUNK_BUCKETS];
}

/* Called with chunks_lock held. */
static struct chunk *chunk_find(const void *base)
{
	struct chunk *chunk;

	list_for_each_entry(chunk, chunk_bucket(base), list) {
		if (chunk->hidden == ~(unsigned long)base)
			return chunk;
	}
	return NULL;
}

/*
 * Return the requested node or the nearest one, sometimes another one, but never a node without
 * memory.
 */
static int chunk_node(int node, gfp_t gfp)
{
	if (node == NUMA_NO_NODE)
		node = cpu_to_mem(raw_smp_processor_id());
	if (!(gfp & __GFP_THISNODE) && !shim_exact_node && !(shim_random() % 8))
		node = shim_random() % nr_node_ids;
	return node == shim_full_node || node == shim_bare_node ? !node : node;
}

static void *chunk_alloc(unsigned long bytes, gfp_t gfp, int node, bool mapped)
{
	unsigned long flags = shim_irq_save();
	struct chunk *chunk = calloc(1, sizeof(*chunk));
	/* A run of pages is aligned to its size, up to the alignment that pools rely on. */
	void *base = shim_run_alloc(mapped ? PAGE_SIZE : min(bytes, 16 * PAGE_SIZE), bytes);

	if (!base || !chunk)
		shim_die("out of memory");
	if (gfp & __GFP_ZERO || shim_init_on_alloc)
		memset(base, 0, bytes);
	else
		garbage(base, bytes);
	chunk->hidden = ~(unsigned long)base;
	chunk->total = bytes;
	chunk->bytes = bytes;
	chunk->node = chunk_node(node, gfp);
	chunk->mapped = mapped;
	chunk->compound = gfp & __GFP_COMP;
	pthread_mutex_lock(&chunks_lock);
	list_add(&chunk->list, chunk_bucket(base));
	pthread_mutex_unlock(&chunks_lock);
	__atomic_fetch_add(&page_bytes, bytes, __ATOMIC_RELAXED);
	if (shim_backing_born)
		shim_backing_born(base, bytes, mapped);
	shim_irq_restore(flags);
	return base;
}

/* Memory is freed as a whole, by the address at which it begins. */
static void chunk_free(void *base, unsigned long bytes, bool mapped, bool split)
{
	unsigned long flags = shim_irq_save();
	struct chunk *chunk;

	if (shim_backing_gone)
		shim_backing_gone(base, bytes);
	pthread_mutex_lock(&chunks_lock);
	chunk = chunk_find(base);
	if (!chunk)
		shim_die("%p is freed, but was never allocated", base);
	if (chunk->bytes != bytes || chunk->mapped != mapped || chunk->split != split)
		shim_die("%lu bytes at %p are freed by the wrong function", bytes, base);
	list_del(&chunk->list);
	if (split)
		list_del(&chunk->split_list);
	pthread_mutex_unlock(&chunks_lock);
	__atomic_fetch_sub(&page_bytes, bytes, __ATOMIC_RELAXED);
	ASAN_UNPOISON_MEMORY_REGION(base, chunk->total);
	shim_run_free(base);
	free(chunk);
	shim_irq_restore(flags);
}

static void free_check(const char *what)
{
	allocator_check(what);
	shim_point();
}

unsigned int get_order(unsigned long bytes)
{
	unsigned int order = 0;

	while (PAGE_SIZE << order < bytes)
		order++;
	return order;
}

struct page *alloc_pages_node(int node, gfp_t gfp, unsigned int order)
{
	void *base;

	if (1UL << order > MAX_ORDER_NR_PAGES)
		shim_die("pages of order %u are asked for", order);
	if (gfp & (__GFP_ACCOUNT | __GFP_HIGHMEM | __GFP_MOVABLE))
		shim_die("pages are asked for with gfp %#x", gfp);
	if (!alloc_begin(SHIM_FAIL_PAGES, gfp))
		return NULL;
	if (gfp & __GFP_THISNODE && (node == shim_full_node || node == shim_bare_node))
		return NULL;
	base = chunk_alloc(PAGE_SIZE << order, gfp, node, false);
	return (struct page *)((unsigned long)base >> PAGE_SHIFT);
}

void *page_address(struct page *page)
{
	return (void *)((unsigned long)page << PAGE_SHIFT);
}

/* Works only for the first page of a run. */
int page_to_nid(struct page *page)
{
	unsigned long flags = shim_irq_save();
	struct chunk *chunk;
	int node;

	pthread_mutex_lock(&chunks_lock);
	chunk = chunk_find(page_address(page));
	if (!chunk)
		shim_die("%s() of an unknown page", __func__);
	node = chunk->node;
	pthread_mutex_unlock(&chunks_lock);
	shim_irq_restore(flags);
	return node;
}

struct page *virt_to_page(const void *base)
{
	return (struct page *)((unsigned long)base >> PAGE_SHIFT);
}

void split_page(struct page *page, unsigned int order)
{
	unsigned long flags = shim_irq_save();
	struct chunk *chunk;

	pthread_mutex_lock(&chunks_lock);
	chunk = chunk_find(page_address(page));
	if (!chunk || chunk->compound || chunk->split || chunk->bytes != PAGE_SIZE << order)
		shim_die("pages that cannot be split are split");
	chunk->split = true;
	list_add(&chunk->split_list, &split_chunks);
	pthread_mutex_unlock(&chunks_lock);
	shim_irq_restore(flags);
}

/* Called with chunks_lock held. */
static struct chunk *chunk_of_surplus(unsigned long page)
{
	struct chunk *chunk;

	list_for_each_entry(chunk, &split_chunks, split_list) {
		if (page > ~chunk->hidden && page < ~chunk->hidden + chunk->total)
			return chunk;
	}
	return NULL;
}

/*
 * Free a page of the surplus of a split run. The surplus is freed from its front, and the pages
 * before it remain.
 */
void __free_page(struct page *page)
{
	unsigned long base = (unsigned long)page_address(page);
	unsigned long flags;
	struct chunk *chunk;

	free_check(__func__);
	flags = shim_irq_save();
	pthread_mutex_lock(&chunks_lock);
	chunk = chunk_of_surplus(base);
	if (!chunk)
		shim_die("a freed page is no surplus of a run");
	chunk->bytes = min(chunk->bytes, base - ~chunk->hidden);
	ASAN_POISON_MEMORY_REGION((void *)base, PAGE_SIZE);
	pthread_mutex_unlock(&chunks_lock);
	__atomic_fetch_sub(&page_bytes, PAGE_SIZE, __ATOMIC_RELAXED);
	if (shim_backing_gone)
		shim_backing_gone((void *)base, PAGE_SIZE);
	shim_irq_restore(flags);
}

void free_pages(unsigned long address, unsigned int order)
{
	free_check(__func__);
	chunk_free((void *)address, PAGE_SIZE << order, false, false);
}

void free_pages_exact(void *base, size_t bytes)
{
	free_check(__func__);
	chunk_free(base, PAGE_ALIGN(bytes), false, true);
}

void *__vmalloc(unsigned long bytes, gfp_t gfp)
{
	if (shim_self.there && !preemptible())
		shim_die("vmalloc() in atomic context");
	/* Since 6.19, vmalloc() warns of them. */
	if (gfp & (__GFP_MEMALLOC | __GFP_NOMEMALLOC | __GFP_THISNODE | __GFP_COMP))
		shim_die("mapped memory is asked for with gfp %#x", gfp);
	if (!alloc_begin(SHIM_FAIL_VMALLOC, gfp))
		return NULL;
	return chunk_alloc(PAGE_ALIGN(bytes), gfp, NUMA_NO_NODE, true);
}

void vfree(const void *base)
{
	unsigned long flags = shim_irq_save();
	unsigned long bytes;
	struct chunk *chunk;

	pthread_mutex_lock(&chunks_lock);
	chunk = chunk_find(base);
	bytes = chunk ? chunk->bytes : 0;
	pthread_mutex_unlock(&chunks_lock);
	shim_irq_restore(flags);
	shim_might_sleep(__func__);
	chunk_free((void *)base, bytes, true, false);
}

bool is_vmalloc_addr(const void *p)
{
	unsigned long flags = shim_irq_save();
	struct chunk *chunk;
	bool mapped;

	pthread_mutex_lock(&chunks_lock);
	chunk = chunk_find(p);
	mapped = chunk && chunk->mapped;
	pthread_mutex_unlock(&chunks_lock);
	shim_irq_restore(flags);
	return mapped;
}

void shim_backing_release(void *base)
{
	struct chunk *chunk = chunk_find(base);

	chunk_free(base, chunk->bytes, chunk->mapped, chunk->split);
}

void mod_node_page_state(int node, enum node_stat_item item, long pages)
{
	(void)item;
	/* This node may stand for a number without a node, for which the kernel has no counters. */
	if (!pages && node == shim_bare_node)
		shim_die("node %d has nothing to count", node);
	/* The pages of a slab are counted under its lock, so a sum is negative only by mistake. */
	if (__atomic_add_fetch(&reclaimable_pages[node], pages, __ATOMIC_RELAXED) < 0)
		shim_die("node %d has less than no reclaimable page", node);
}

long shim_reclaimable_pages(int node)
{
	return __atomic_load_n(&reclaimable_pages[node], __ATOMIC_RELAXED);
}

struct shim_usage shim_usage(void)
{
	unsigned long flags = shim_irq_save();

	liburcu_synchronize();
	shim_irq_restore(flags);
	return (struct shim_usage){
		.kmallocs = __atomic_load_n(&nr_kmallocs, __ATOMIC_RELAXED),
		.page_bytes = __atomic_load_n(&page_bytes, __ATOMIC_RELAXED),
		.reclaimable_pages = shim_reclaimable_pages(0) + shim_reclaimable_pages(1),
	};
}

/* Count the page like memory of kmalloc(), because it is for no block. */
unsigned long __get_free_page(gfp_t gfp)
{
	unsigned long flags;
	void *page;

	if (!alloc_begin(SHIM_FAIL_PAGES, gfp))
		return 0;
	flags = shim_irq_save();
	page = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
	__atomic_fetch_add(&nr_kmallocs, 1, __ATOMIC_RELAXED);
	shim_irq_restore(flags);
	return (unsigned long)page;
}

void free_page(unsigned long address)
{
	unsigned long flags;

	free_check(__func__);
	flags = shim_irq_save();
	free((void *)address);
	__atomic_fetch_sub(&nr_kmallocs, 1, __ATOMIC_RELAXED);
	shim_irq_restore(flags);
}

/* A mapping is a read-only copy. */
void *vmap(struct page **pages, unsigned int nr, unsigned long vm_flags, int prot)
{
	unsigned long flags;
	size_t bytes = (size_t)nr * PAGE_SIZE;
	struct mapping *mapping;
	unsigned int i;
	char *base;

	(void)vm_flags;
	(void)prot;
	if (!alloc_begin(SHIM_FAIL_VMALLOC, GFP_KERNEL))
		return NULL;
	flags = shim_irq_save();
	base = mmap(NULL, bytes + PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	mapping = (struct mapping *)base;
	mapping->bytes = bytes + PAGE_SIZE;
	base += PAGE_SIZE;
	for (i = 0; i < nr; i++)
		memcpy(base + i * PAGE_SIZE, page_address(pages[i]), PAGE_SIZE);
	mprotect(base, bytes, PROT_READ);
	__atomic_fetch_add(&nr_kmallocs, 1, __ATOMIC_RELAXED);
	shim_irq_restore(flags);
	return base;
}

void vunmap(const void *base)
{
	struct mapping *mapping;
	unsigned long flags;

	shim_might_sleep(__func__);
	if (!base)
		return;
	mapping = (struct mapping *)((char *)base - PAGE_SIZE);
	flags = shim_irq_save();
	munmap(mapping, mapping->bytes);
	__atomic_fetch_sub(&nr_kmallocs, 1, __ATOMIC_RELAXED);
	shim_irq_restore(flags);
}

unsigned long totalram_pages(void)
{
	return SZ_4M;
}

bool want_init_on_alloc(gfp_t gfp)
{
	return gfp & __GFP_ZERO || shim_init_on_alloc;
}

bool want_init_on_free(void)
{
	return shim_init_on_free;
}

static __attribute__((constructor)) void memory_init(void)
{
	unsigned int i;

	for (i = 0; i < CHUNK_BUCKETS; i++)
		INIT_LIST_HEAD(&chunks[i]);
}
