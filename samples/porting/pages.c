// SPDX-License-Identifier: GPL-2.0-only
/* Port alloc_pages() of a given order, for the buffer of a device. */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/mm.h>

#include "bytepool.h"
#include "porting.h"

/* before: begin */
static int frame_before(size_t size, u32 seed, u32 *sum)
{
	unsigned int order = get_order(size);
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, order);

	if (!page)
		return -ENOMEM;
	*sum = porting_work(page_address(page), size, seed);
	__free_pages(page, order);
	return 0;
}

/* before: end */
/* after: begin */
static struct bytepool *frames;

static int frame_after(size_t size, u32 seed, u32 *sum)
{
	void *buffer = bytepool_alloc(frames, size, GFP_KERNEL);

	if (!buffer)
		return -ENOMEM;
	/* virt_to_page(buffer) is the first page. */
	*sum = porting_work(buffer, size, seed);
	bytepool_free(frames, buffer);
	return 0;
}

static int frames_init(void)
{
	const struct bytepool_params params = {
		/*
		 * Classes from 4 pages on are multiples of a page, and are
		 * aligned to one.
		 */
		.min_size = 4 * PAGE_SIZE,
		.flags = BYTEPOOL_CONTIG,
	};

	frames = bytepool_create("frames", &params);
	return PTR_ERR_OR_ZERO(frames);
}

static void frames_exit(void)
{
	bytepool_destroy(frames);
}

/* after: end */
const struct porting porting_pages = {
	.name	= "alloc_pages",
	.size	= 200000,
	.init	= frames_init,
	.exit	= frames_exit,
	.before	= frame_before,
	.after	= frame_after,
};
