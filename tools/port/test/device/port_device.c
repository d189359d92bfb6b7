// SPDX-License-Identifier: GPL-2.0-only
/* A driver whose init and exit functions are made by module_driver(). */
#include <linux/device/driver.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>

struct port_device {
	size_t bytes;
	char *buffer;
};

static int port_device_register(struct port_device *device)
{
	device->buffer = kvmalloc(device->bytes, GFP_KERNEL);
	if (!device->buffer)
		return -ENOMEM;
	memset(device->buffer, 0, device->bytes);
	return 0;
}

static void port_device_unregister(struct port_device *device)
{
	kvfree(device->buffer);
}

static struct port_device port_device = { .bytes = 100000 };
module_driver(port_device, port_device_register, port_device_unregister);

MODULE_DESCRIPTION("A driver whose init function is made by module_driver()");
MODULE_LICENSE("GPL");
