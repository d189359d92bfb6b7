// SPDX-License-Identifier: GPL-2.0-only
/*
 * guide_platform - a platform driver with a managed pool
 *
 * The driver transfers up to 1 MiB by DMA from physically contiguous blocks.
 * The pool is destroyed with the device, so probe() has nothing to undo, and
 * there is no remove(). The module registers a device for itself, because the
 * machine has none.
 */
#include <linux/cache.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "bytepool.h"

#define TRANSFER_MAX	SZ_1M

/* Write N: transfer N bytes to the device. */
static ssize_t transfer_store(struct device *dev, struct device_attribute *attr,
			      const char *buf, size_t count)
{
	struct bytepool *pool = dev_get_drvdata(dev);
	unsigned int bytes;
	dma_addr_t address;
	void *block;
	int err;

	err = kstrtouint(buf, 0, &bytes);
	if (err)
		return err;
	/*
	 * A block that the device cannot reach is copied, and the copy has a
	 * maximum size.
	 */
	if (!bytes || bytes > min_t(size_t, TRANSFER_MAX, dma_max_mapping_size(dev)))
		return -EINVAL;
	block = bytepool_zalloc(pool, bytes, GFP_KERNEL);
	if (!block)
		return -ENOMEM;
	address = dma_map_single(dev, block, bytes, DMA_TO_DEVICE);
	err = dma_mapping_error(dev, address);
	if (!err) {
		/* A real driver gives the address to the device here, and waits for it. */
		dma_unmap_single(dev, address, bytes, DMA_TO_DEVICE);
	}
	bytepool_free(pool, block);
	return err ?: count;
}
static DEVICE_ATTR_WO(transfer);

static struct attribute *guide_attrs[] = {
	&dev_attr_transfer.attr,
	NULL
};
ATTRIBUTE_GROUPS(guide);

static int guide_probe(struct platform_device *pdev)
{
	/*
	 * Classes from 4 * line on are multiples of line, so no two blocks
	 * share a cache line.
	 */
	const size_t line = max_t(size_t, dma_get_cache_alignment(), L1_CACHE_BYTES);
	const struct bytepool_params params = {
		.min_size = 4 * line,
		.max_size = TRANSFER_MAX,
		.flags = BYTEPOOL_CONTIG,
	};
	struct bytepool *pool;
	int err;

	/* A block may have any physical address. */
	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err)
		return dev_err_probe(&pdev->dev, err, "no DMA\n");
	pool = devm_bytepool_create(&pdev->dev, dev_name(&pdev->dev), &params);
	if (IS_ERR(pool))
		return dev_err_probe(&pdev->dev, PTR_ERR(pool), "no pool\n");
	platform_set_drvdata(pdev, pool);
	return 0;
}

static struct platform_driver guide_driver = {
	.probe = guide_probe,
	.driver = {
		.name = "guide_platform",
		.dev_groups = guide_groups,
	},
};

static struct platform_device *device;

static int __init guide_platform_init(void)
{
	int err = platform_driver_register(&guide_driver);

	if (err)
		return err;
	device = platform_device_register_simple("guide_platform", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(device)) {
		platform_driver_unregister(&guide_driver);
		return PTR_ERR(device);
	}
	return 0;
}
module_init(guide_platform_init);

static void __exit guide_platform_exit(void)
{
	platform_device_unregister(device);
	platform_driver_unregister(&guide_driver);
}
module_exit(guide_platform_exit);

MODULE_DESCRIPTION("A platform driver with a managed bytepool");
MODULE_LICENSE("GPL");
