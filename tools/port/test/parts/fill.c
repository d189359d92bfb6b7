// SPDX-License-Identifier: GPL-2.0-only
/* The part of the module that allocates. */
#include <linux/string.h>

#include "parts.h"

int part_fill(struct part *part, size_t bytes)
{
	part->text = kvmalloc(bytes, GFP_KERNEL);
	if (!part->text)
		return -ENOMEM;
	part->bytes = bytes;
	memset(part->text, 5, bytes);
	return 0;
}
