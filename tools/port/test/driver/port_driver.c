// SPDX-License-Identifier: GPL-2.0-only
/* A driver whose init function is made by a macro that registers two things. */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

static int __init port_probe(struct platform_device *device)
{
	void *buffer = kvmalloc(100000, GFP_KERNEL);	/* stays: module_platform_driver_probe() */

	kvfree(buffer);		/* stays: module_platform_driver_probe() */
	return 0;
}

static struct platform_driver port_driver = {
	.driver	= { .name = "port_driver" },
};
module_platform_driver_probe(port_driver, port_probe);

MODULE_DESCRIPTION("A driver whose init function is made by a macro");
MODULE_LICENSE("GPL");
