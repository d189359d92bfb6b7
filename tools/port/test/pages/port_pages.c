// SPDX-License-Identifier: GPL-2.0-only
/* Runs of pages, as addresses and as struct page, to be ported. */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>

#define ORDER	3

struct frame {
	struct page *page;
	unsigned int order;
};

static struct frame frame;

static int frame_fill(unsigned int order)
{
	void *address;

	frame.page = alloc_pages(GFP_KERNEL | __GFP_COMP, order);
	if (!frame.page)
		return -ENOMEM;
	frame.order = order;
	address = page_address(frame.page);
	memset(address, 7, PAGE_SIZE << order);
	return 0;
}

static void frame_free(void)
{
	if (frame.page)
		__free_pages(frame.page, frame.order);
	frame.page = NULL;
}

static int try_page(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	int err = 0;

	if (!page)
		return -ENOMEM;
	if (memchr_inv(page_address(page), 0, PAGE_SIZE))
		err = -EIO;
	__free_page(page);
	return err;
}

static int try_addresses(void)
{
	unsigned long run = __get_free_pages(GFP_KERNEL, ORDER);
	void *zeroed = (void *)get_zeroed_page(GFP_KERNEL);
	void *exact = alloc_pages_exact(5 * PAGE_SIZE, GFP_KERNEL | __GFP_ZERO);
	int err = run && zeroed && exact ? 0 : -ENOMEM;

	if (!err && (memchr_inv(zeroed, 0, PAGE_SIZE) || memchr_inv(exact, 0, 5 * PAGE_SIZE)))
		err = -EIO;
	if (!err && !PAGE_ALIGNED(run | (unsigned long)exact))
		err = -EFAULT;
	if (run)
		memset((void *)run, 3, PAGE_SIZE << ORDER);
	free_pages(run, ORDER);
	free_page((unsigned long)zeroed);
	if (exact)
		free_pages_exact(exact, 5 * PAGE_SIZE);
	return err;
}

static int __init port_pages_init(void)
{
	int err = try_page();

	if (!err)
		err = try_addresses();
	return err ?: frame_fill(ORDER);
}
module_init(port_pages_init);

static void __exit port_pages_exit(void)
{
	frame_free();
}
module_exit(port_pages_exit);

MODULE_DESCRIPTION("Runs of pages");
MODULE_LICENSE("GPL");
