// SPDX-License-Identifier: GPL-2.0-only
/* A module of two files, whose blocks are freed by a function in a header. */
#include <linux/module.h>

#include "parts.h"

static struct part part;

static int __init port_parts_init(void)
{
	return part_fill(&part, 200000);
}
module_init(port_parts_init);

static void __exit port_parts_exit(void)
{
	part_free(&part);
}
module_exit(port_parts_exit);

MODULE_DESCRIPTION("A module of two files");
MODULE_LICENSE("GPL");
