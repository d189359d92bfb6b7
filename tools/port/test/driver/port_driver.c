// SPDX-License-Identifier: GPL-2.0-only
/* A driver whose init function is made by a macro. */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

static int port_probe(struct platform_device *device)
{
	void *buffer = kvmalloc(100000, GFP_KERNEL);	/* stays: module_platform_driver() */

	kvfree(buffer);		/* stays: module_platform_driver() */
	return 0;
}

static struct platform_driver port_driver = {
	.probe	= port_probe,
	.driver	= { .name = "port_driver" },
};
module_platform_driver(port_driver);

MODULE_DESCRIPTION("A driver whose init function is made by a macro");
MODULE_LICENSE("GPL");
