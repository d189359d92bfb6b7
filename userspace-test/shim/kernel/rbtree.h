/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tree of entries by age. A list stands for it: sync.c.
 */
#ifndef SHIM_KERNEL_RBTREE_H
#define SHIM_KERNEL_RBTREE_H

#include <urcu/list.h>

#include "compiler.h"

struct rb_node {
	struct cds_list_head list;
};

struct rb_root_cached {
	struct cds_list_head *first;
	struct cds_list_head *last;
};

#define RB_ROOT_CACHED			((struct rb_root_cached){})
#define rb_entry(ptr, type, member)	container_of(ptr, type, member)

void rb_add_cached(struct rb_node *node, struct rb_root_cached *root,
		   bool (*less)(struct rb_node *a, const struct rb_node *b));
void rb_erase_cached(struct rb_node *node, struct rb_root_cached *root);
struct rb_node *rb_first_cached(struct rb_root_cached *root);

#endif /* SHIM_KERNEL_RBTREE_H */
