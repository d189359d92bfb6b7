// SPDX-License-Identifier: GPL-2.0-only
/*
 * Call sites that tools/port has to leave. A comment `stays: TEXT` at the end of a line says that
 * the report has this line, with this text. Nothing here is ever called.
 */
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#define get_buffer(bytes)	kvmalloc(bytes, GFP_KERNEL)	/* stays: in the macro get_buffer */

struct item {
	struct rcu_head rcu;
	u32 value;
};

struct both {
	union {
		void *mine;
		void *yours;
	};
	void *other;
};

struct nobody {
	struct list_head list;
	u64 address;
	void *memory;
};

static void (*consume)(void *memory);
static struct kmem_cache *made_cache;
static struct kmem_cache *typed_cache;
static struct kmem_cache *small_cache;
static mempool_t *page_bounces;
static mempool_t inner_bounces;
static void *kept;
static void *stowed;

/* Nothing speaks against these, but of other frees in this file the block is not known. */
static void *fine(size_t bytes)
{
	void *memory = kvmalloc(bytes, GFP_KERNEL);	/* stays: any call may free this block */

	kvfree(memory);			/* stays: any call may free this block */
	return NULL;
}

static struct sk_buff *to_skb(void)
{
	void *memory = kvmalloc(4096, GFP_KERNEL);	/* stays: build_skb() frees */
	struct sk_buff *skb = build_skb(memory, 4096);

	if (!skb)
		kvfree(memory);		/* stays: build_skb() frees */
	return skb;
}

static int release(struct inode *inode, struct file *file)
{
	kvfree(file->private_data);	/* stays: file.private_data is not the module's own */
	return 0;
}

static int open(struct inode *inode, struct file *file)
{
	file->private_data = kvzalloc(100, GFP_KERNEL);	/* stays: file.private_data */
	return file->private_data ? 0 : -ENOMEM;
}

static void from_user(const void __user *data)
{
	void *memory = vmemdup_user(data, 100);	/* stays: no rule ports this function */

	kvfree(memory);			/* stays: vmemdup_user() */
}

static void resized(void)
{
	void *memory = kvmalloc(10, GFP_KERNEL);	/* stays: krealloc() does not */
	void *larger = krealloc(memory, 20, GFP_KERNEL);

	kvfree(larger);			/* stays: krealloc() */
}

static size_t sized(void)
{
	void *memory = kvmalloc(10, GFP_KERNEL);	/* stays: ksize() does not work */
	size_t size = ksize(memory);

	kvfree(memory);			/* stays: ksize() does not work */
	return size;
}

static void as_pages(void)
{
	u8 *first = kvmalloc(4096, GFP_KERNEL);	/* stays: virt_to_page() does not work */
	u8 *second = vmalloc(4096);		/* stays: vmalloc_to_page() does not work */
	u8 *third = kvmalloc(8192, GFP_KERNEL);	/* stays: virt_to_phys() needs */
	u8 *fourth = kvmalloc(4096, GFP_KERNEL);	/* stays: is_vmalloc_addr() */
	bool mapped = is_vmalloc_addr(fourth);

	pr_info("%p %p %pa %d\n", virt_to_page(first), vmalloc_to_page(second),
		&(phys_addr_t){ virt_to_phys(third) }, mapped);
	kvfree(first);			/* stays: virt_to_page() does not work */
	vfree(second);			/* stays: vmalloc_to_page() does not work */
	kvfree(third);			/* stays: virt_to_phys() needs */
	kvfree(fourth);			/* stays: is_vmalloc_addr() */
}

static void mixed(bool small)
{
	void *memory;

	if (small)
		memory = kmalloc(10, GFP_KERNEL);
	else
		memory = kvmalloc(100000, GFP_KERNEL);	/* stays: memory of kmalloc() */
	kvfree(memory);			/* stays: memory of kmalloc() */
}

/* A function that only borrows joins nothing, but these do more. */
static void *same(void *memory)
{
	return memory;
}

static void put_away(void *memory)
{
	stowed = memory;
}

static void fill(void *memory)
{
	memset(same(memory), 1, 10);
}

static void mixed_by_result(void)
{
	void *small = kmalloc(10, GFP_KERNEL);
	void *large = kvmalloc(100000, GFP_KERNEL);	/* stays: kfree() frees it */

	kfree(same(small));
	kvfree(same(large));		/* stays: kfree() frees it */
}

static void mixed_by_global(void)
{
	void *memory = kvmalloc(100000, GFP_KERNEL);	/* stays: kfree() frees it */

	put_away(kmalloc(10, GFP_KERNEL));
	kfree(stowed);
	put_away(memory);
	kvfree(memory);			/* stays: kfree() frees it */
}

static void mixed_by_parameter(void)
{
	void *memory = kvmalloc(100000, GFP_KERNEL);	/* stays: kfree() frees it */

	fill(memory);
	kvfree(memory);			/* stays: kfree() frees it */
}

static void in_literal(struct both *both)
{
	void *memory = kvmalloc(100, GFP_KERNEL);	/* stays: in a structure without a name */

	if (both)
		*both = (struct both){ .other = memory };
	else
		kvfree(memory);		/* stays: in a structure without a name */
}

static void as_cookie(struct nobody *nobody)
{
	void *memory = kvmalloc(100, GFP_KERNEL);	/* stays: not known to be a pointer */
	unsigned long number = (unsigned long)memory;

	if (nobody)
		nobody->address = number;
	else
		kvfree(memory);		/* stays: not known to be a pointer */
}

static void copied(void *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
}

static void by_copy(void)
{
	void *memory = kvmalloc(100, GFP_KERNEL);	/* stays: kfree() frees it */
	void *again;

	copied(&again, &memory, sizeof(again));
	kfree(again);
	kvfree(memory);			/* stays: kfree() frees it */
}

static void copied_on(void *to, const void *from, size_t bytes)
{
	copied(to, from, bytes);
}

static void by_copy_of_copy(void)
{
	void *memory = kvmalloc(100, GFP_KERNEL);	/* stays: kfree() frees it */
	void *again;

	copied_on(&again, &memory, sizeof(again));
	kfree(again);
	kvfree(memory);			/* stays: kfree() frees it */
}

static void put_second(int number, void *__data, void *other)
{
	if (number)
		kfree(__data);
}

static void by_odd_name(void)
{
	void *memory = kvmalloc(100, GFP_KERNEL);	/* stays: kfree() frees it */

	put_second(0, memory, NULL);
	kvfree(memory);			/* stays: kfree() frees it */
}

#ifdef CONFIG_64BIT
static void put_twice(void *memory)
{
	kfree(memory);
}
#else
static void put_twice(void *memory)
{
}
#endif

static void by_double_function(void **slots)
{
	slots[0] = kvmalloc(100, GFP_KERNEL);	/* stays: put_twice() gets it in an unknown way */
	if (slots[1])
		kvfree(slots[0]);	/* stays: put_twice() gets it in an unknown way */
	else
		put_twice(slots[0]);
}

static void by_number(struct page **pages)
{
	struct page *page = alloc_page(GFP_KERNEL);	/* stays: page_to_pfn() */
	unsigned long number;

	if (!page)
		return;
	number = page_to_pfn(page);
	if (pages)
		put_page(pfn_to_page(number));
	else
		__free_page(page);		/* stays: page_to_pfn() */
}

static int set_early(const char *text, const struct kernel_param *param)
{
	void *memory = kvmalloc(100, GFP_KERNEL);	/* stays: before the init function */

	kvfree(memory);			/* stays: before the init function */
	return 0;
}

static const struct kernel_param_ops early_ops = { .set = set_early };
module_param_cb(early, &early_ops, NULL, 0);

static void later(void)
{
	struct item *item = kvzalloc(sizeof(*item), GFP_KERNEL);	/* stays: kvfree_rcu() */

	kvfree_rcu(item, rcu);		/* stays: no rule ports this function */
}

static int scoped(void)
{
	void *memory __free(kvfree) =	/* stays: the end of a scope frees the block */
		kvmalloc(10, GFP_KERNEL);	/* stays: the end of its scope frees it */

	return memory ? 0 : -ENOMEM;
}

static void end(void *memory)
{
	kvfree(memory);			/* stays: code outside of the module may call end() */
}

static int managed(struct device *dev)
{
	void *memory = kvmalloc(10, GFP_KERNEL);	/* stays: devm_add_action_or_reset() */

	return devm_add_action_or_reset(dev, end, memory);
}

static void leaked(void)
{
	kept = kvmalloc(10, GFP_KERNEL);	/* stays: no call was found that frees this block */
}

static void by_gfp(void)
{
	void *charged = kvmalloc(10, GFP_KERNEL_ACCOUNT);	/* stays: charges no cgroup */
	void *low = (void *)__get_free_pages(GFP_DMA32, 2);	/* stays: GFP_DMA32 */

	kvfree(charged);		/* stays: charges no cgroup */
	free_pages((unsigned long)low, 2);	/* stays: refuses GFP_DMA32 */
}

static void through_pointer(void)
{
	void *memory = kvmalloc(10, GFP_KERNEL);	/* stays: called through a pointer */

	consume(memory);
	kvfree(memory);			/* stays: called through a pointer */
}

static void in_union(struct both *both, struct both *third)
{
	both->mine = kvmalloc(10, GFP_KERNEL);	/* stays: kfree() frees it */
	both->other = kvmalloc(10, GFP_KERNEL);	/* stays: any call may free this block */
	kfree(both->yours);
	kvfree(third->mine);		/* stays: kfree() frees it */
	kvfree(third->other);		/* stays: any call may free this block */
}

static void as_number(struct nobody *nobody)
{
	nobody->memory = kvmalloc(10, GFP_KERNEL);	/* stays: becomes a number */
	nobody->address = (u64)nobody->memory;
	kvfree(nobody->memory);		/* stays: becomes a number */
}

static void owner_of_page(void)
{
	struct page *page = alloc_page(GFP_KERNEL);	/* stays: page -> private is set */
	struct page *shared = alloc_page(GFP_KERNEL);	/* stays: put_page() frees it */

	if (page)
		page->private = 1;
	__free_page(page);		/* stays: page -> private is set */
	if (shared)
		put_page(shared);
}

void *port_left_give(void);

void *port_left_give(void)
{
	void *memory = kvmalloc(10, GFP_KERNEL);	/* stays: port_left_give() */

	if (memory && kept) {
		kvfree(memory);		/* stays: port_left_give() */
		return NULL;
	}
	return memory;
}
EXPORT_SYMBOL_GPL(port_left_give);

static void set_up(void *object)
{
	memset(object, 0, 16384);
}

static void caches(void)
{
	void *made, *typed, *small, *bounce, *inner;

	made_cache = kmem_cache_create("made", 16384, 0, 0, set_up);	/* stays: no constructor */
	typed_cache = kmem_cache_create("typed", 16384, 0,	/* stays: flags */
					SLAB_TYPESAFE_BY_RCU, NULL);
	small_cache = KMEM_CACHE(item, 0);	/* stays: objects have 24 bytes */
	page_bounces = mempool_create_page_pool(4, 2);	/* stays: no rule */
	made = kmem_cache_alloc(made_cache, GFP_KERNEL);	/* stays: no constructor */
	typed = kmem_cache_alloc(typed_cache, GFP_KERNEL);	/* stays: flags */
	small = kmem_cache_alloc(small_cache, GFP_KERNEL);	/* stays: objects have 24 bytes */
	bounce = mempool_alloc(page_bounces, GFP_KERNEL);	/* stays: created by no calls */
	if (mempool_init_kmalloc_pool(&inner_bounces, 4, 4096))	/* stays: no rule */
		return;
	inner = mempool_alloc(&inner_bounces, GFP_KERNEL);	/* stays: the pool is not created */
	mempool_free(inner, &inner_bounces);	/* stays: the pool is not created */
	mempool_free(bounce, page_bounces);	/* stays: created by no calls */
	kmem_cache_free(small_cache, small);	/* stays: objects have 24 bytes */
	kmem_cache_free(typed_cache, typed);	/* stays: flags */
	kmem_cache_free(made_cache, made);	/* stays: no constructor */
	mempool_exit(&inner_bounces);	/* stays: no rule ports this function */
	mempool_destroy(page_bounces);	/* stays: created by no calls */
	kmem_cache_destroy(small_cache);	/* stays: objects have 24 bytes */
	kmem_cache_destroy(typed_cache);	/* stays: flags */
	kmem_cache_destroy(made_cache);	/* stays: no constructor */
}

static const struct file_operations operations = {
	.open		= open,
	.release	= release,
};

static void call_all(const void __user *data, struct both *both, struct nobody *nobody)
{
	kvfree(get_buffer(10));		/* stays: get_buffer */
	kfree_skb(to_skb());
	from_user(data);
	resized();
	fine(sized() + !operations.open + scoped() + managed(NULL));
	as_pages();
	mixed(data);
	in_literal(both);
	as_cookie(nobody);
	by_copy();
	by_copy_of_copy();
	by_odd_name();
	by_double_function(NULL);
	by_number(NULL);
	mixed_by_result();
	mixed_by_global();
	mixed_by_parameter();
	later();
	leaked();
	by_gfp();
	through_pointer();
	in_union(both, both);
	as_number(nobody);
	owner_of_page();
	caches();
}

static int __init port_left_init(void)
{
	if (kept)
		call_all(NULL, NULL, NULL);
	return 0;
}
module_init(port_left_init);

static void __exit port_left_exit(void)
{
}
module_exit(port_left_exit);

MODULE_DESCRIPTION("Call sites that stay");
MODULE_LICENSE("GPL");
