/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PORT_PARTS_H
#define _PORT_PARTS_H

#include <linux/mm.h>
#include <linux/slab.h>

struct part {
	void *text;
	size_t bytes;
};

static inline void part_free(struct part *part)
{
	kvfree(part->text);
	part->text = NULL;
}

int part_fill(struct part *part, size_t bytes);

#endif /* _PORT_PARTS_H */
