/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * debugfs, sequential files and fault injection: debugfs.c.
 */
#ifndef SHIM_KERNEL_DEBUGFS_H
#define SHIM_KERNEL_DEBUGFS_H

#include "compiler.h"

struct inode {
	void *i_private;
};

struct file {
	void *private_data;
};

struct seq_file;

struct seq_operations {
	void *(*start)(struct seq_file *m, loff_t *pos);
	void (*stop)(struct seq_file *m, void *v);
	void *(*next)(struct seq_file *m, void *v, loff_t *pos);
	int (*show)(struct seq_file *m, void *v);
};

struct seq_file {
	const struct seq_operations *op;
	void *private;
	char *buf;
	size_t size;
	size_t count;
};

struct file_operations {
	void *owner;
	int (*open)(struct inode *inode, struct file *file);
	ssize_t (*read)(struct seq_file *m);
	void *llseek;
	int (*release)(struct inode *inode, struct file *file);
};

#define SEQ_START_TOKEN		((void *)1)
#define seq_lseek		NULL
ssize_t seq_read(struct seq_file *m);
int seq_open(struct file *file, const struct seq_operations *op);
int seq_release(struct inode *inode, struct file *file);
void *__seq_open_private(struct file *file, const struct seq_operations *op, int size);
int seq_release_private(struct inode *inode, struct file *file);
__printf(2, 3) void seq_printf(struct seq_file *m, const char *fmt, ...);
#define seq_puts(m, text)	seq_printf(m, "%s", text)
#define DEFINE_SEQ_ATTRIBUTE(name)						\
static int name##_open(struct inode *inode, struct file *file)			\
{										\
	int err = seq_open(file, &name##_sops);					\
										\
	if (!err)								\
		((struct seq_file *)file->private_data)->private = inode->i_private; \
	return err;								\
}										\
static const struct file_operations name##_fops = {				\
	.open = name##_open, .read = seq_read, .release = seq_release,		\
}

struct dentry;
struct dentry *debugfs_create_dir(const char *name, struct dentry *parent);
struct dentry *debugfs_create_file(const char *name, unsigned short mode, struct dentry *parent,
				   void *data, const struct file_operations *fops);
void debugfs_create_bool(const char *name, unsigned short mode, struct dentry *parent, bool *value);
void debugfs_remove(struct dentry *dentry);

struct fault_attr {
	int unused;
};

#define FAULT_ATTR_INITIALIZER	{}
#define should_fail(attr, size) \
	((void)(attr), (void)(size), shim_should_fail_alloc())
#define fault_create_debugfs_attr(name, parent, attr) \
	((void)(attr), debugfs_create_dir(name, parent))
bool shim_should_fail_alloc(void);

#endif /* SHIM_KERNEL_DEBUGFS_H */
