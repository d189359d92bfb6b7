// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugfs and its sequential files.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "control.h"

/* Entries that one read of a sequential file returns. */
#define SEQ_ENTRIES	3

struct dentry {
	struct cds_list_head list;
	struct dentry *parent;
	char name[64];
	void *data;
	const struct file_operations *fops;
	unsigned int active;
};

static pthread_mutex_t debug_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t debug_cond = PTHREAD_COND_INITIALIZER;
static CDS_LIST_HEAD(dentries);

static unsigned long debug_enter(void)
{
	unsigned long flags = shim_irq_save();

	pthread_mutex_lock(&debug_lock);
	return flags;
}

static void debug_leave(unsigned long flags)
{
	pthread_mutex_unlock(&debug_lock);
	shim_irq_restore(flags);
}

struct dentry *debugfs_create_file(const char *name, unsigned short mode, struct dentry *parent,
				   void *data, const struct file_operations *fops)
{
	struct dentry *dentry;
	unsigned long flags;

	(void)mode;
	if (shim_should_fail(SHIM_FAIL_DEBUGFS, GFP_KERNEL))
		return ERR_PTR(-ENOMEM);
	if (IS_ERR(parent))
		return parent;
	flags = debug_enter();
	dentry = calloc(1, sizeof(*dentry));
	snprintf(dentry->name, sizeof(dentry->name), "%s", name);
	dentry->parent = parent;
	dentry->data = data;
	dentry->fops = fops;
	list_add(&dentry->list, &dentries);
	debug_leave(flags);
	return dentry;
}

struct dentry *debugfs_create_dir(const char *name, struct dentry *parent)
{
	return debugfs_create_file(name, 0755, parent, NULL, NULL);
}

void debugfs_create_bool(const char *name, unsigned short mode, struct dentry *parent, bool *value)
{
	debugfs_create_file(name, mode, parent, value, NULL);
}

/* Called with debug_lock held, which may be dropped in between. */
static void dentry_remove(struct dentry *dentry)
{
	struct dentry *child;

again:
	list_for_each_entry(child, &dentries, list) {
		if (child->parent == dentry) {
			dentry_remove(child);
			goto again;
		}
	}
	list_del(&dentry->list);
	while (dentry->active)
		pthread_cond_wait(&debug_cond, &debug_lock);
	free(dentry);
}

void debugfs_remove(struct dentry *dentry)
{
	unsigned long flags;

	if (IS_ERR_OR_NULL(dentry))
		return;
	flags = debug_enter();
	dentry_remove(dentry);
	debug_leave(flags);
}

/* Called with debug_lock held. */
static struct dentry *dentry_find(const char *path)
{
	struct dentry *parent = NULL, *dentry;
	size_t len;

	while (1) {
		len = strcspn(path, "/");
		list_for_each_entry(dentry, &dentries, list) {
			if (dentry->parent == parent && strlen(dentry->name) == len &&
			    !strncmp(dentry->name, path, len))
				break;
		}
		if (list_entry_is_head(dentry, &dentries, list))
			return NULL;
		if (!path[len])
			return dentry;
		parent = dentry;
		path += len + 1;
	}
}

bool *shim_debugfs_bool(const char *path)
{
	unsigned long flags = debug_enter();
	struct dentry *dentry = dentry_find(path);

	debug_leave(flags);
	return dentry ? dentry->data : NULL;
}

int seq_open(struct file *file, const struct seq_operations *op)
{
	struct seq_file *m;

	shim_libc(m = calloc(1, sizeof(*m)));
	m->op = op;
	file->private_data = m;
	return 0;
}

int seq_release(struct inode *inode, struct file *file)
{
	(void)inode;
	shim_libc(free(file->private_data));
	return 0;
}

void *__seq_open_private(struct file *file, const struct seq_operations *op, int size)
{
	struct seq_file *m;

	if (shim_should_fail(SHIM_FAIL_DEBUGFS, GFP_KERNEL))
		return NULL;
	seq_open(file, op);
	m = file->private_data;
	shim_libc(m->private = calloc(1, size));
	return m->private;
}

int seq_release_private(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;

	shim_libc(free(m->private));
	return seq_release(inode, file);
}

void seq_printf(struct seq_file *m, const char *fmt, ...)
{
	unsigned long flags = shim_irq_save();
	va_list args;

	va_start(args, fmt);
	m->count += vsnprintf(m->buf + m->count, m->size - m->count, fmt, args);
	va_end(args);
	shim_irq_restore(flags);
	if (m->count >= m->size)
		shim_die("a file of debugfs is too long");
}

ssize_t seq_read(struct seq_file *m)
{
	loff_t pos = 0;
	void *v;

	do {
		unsigned int i;

		v = m->op->start(m, &pos);
		for (i = 0; v && i < SEQ_ENTRIES; i++) {
			m->op->show(m, v);
			v = m->op->next(m, v, &pos);
		}
		m->op->stop(m, v);
	} while (v);
	return m->count;
}

ssize_t shim_debugfs_read(const char *path, char *buf, size_t size)
{
	unsigned long flags = debug_enter();
	struct dentry *dentry = dentry_find(path);
	struct inode inode;
	struct file file;
	struct seq_file *m;
	ssize_t len;

	if (!dentry) {
		debug_leave(flags);
		return -ENOENT;
	}
	dentry->active++;
	debug_leave(flags);
	inode.i_private = dentry->data;
	len = dentry->fops->open(&inode, &file);
	if (!len) {
		m = file.private_data;
		m->buf = buf;
		m->size = size;
		len = dentry->fops->read(m);
		dentry->fops->release(&inode, &file);
	}
	flags = debug_enter();
	dentry->active--;
	pthread_cond_broadcast(&debug_cond);
	debug_leave(flags);
	return len;
}

bool shim_should_fail_alloc(void)
{
	return shim_should_fail(SHIM_FAIL_ALLOC, 0);
}
