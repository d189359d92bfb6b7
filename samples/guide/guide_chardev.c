// SPDX-License-Identifier: GPL-2.0-only
/*
 * guide_chardev - a character device that keeps a note for each open file
 *
 * write() replaces the note, and read() returns it. A note has any size up to 4
 * MiB, and each write() allocates one and frees one. A pool is made for such
 * use.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "bytepool.h"

/**
 * struct note - the note of an open file
 * @lock: protects @text and @len
 * @text: a block of the pool, or NULL
 * @len: bytes of the note
 */
struct note {
	struct mutex lock;	/* protects the rest */
	void *text;
	size_t len;
};

static struct bytepool *pool;

static int note_open(struct inode *inode, struct file *file)
{
	struct note *note = kzalloc(sizeof(*note), GFP_KERNEL);

	if (!note)
		return -ENOMEM;
	mutex_init(&note->lock);
	file->private_data = note;
	return 0;
}

static int note_release(struct inode *inode, struct file *file)
{
	struct note *note = file->private_data;

	bytepool_free(pool, note->text);	/* ignores NULL */
	kfree(note);
	return 0;
}

static ssize_t note_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	struct note *note = file->private_data;
	void *text;

	if (!len)
		return 0;
	/* The pool refuses a size beyond its largest class. */
	text = bytepool_alloc(pool, len, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	if (copy_from_user(text, from, len)) {
		bytepool_free(pool, text);
		return -EFAULT;
	}

	mutex_lock(&note->lock);
	swap(note->text, text);
	note->len = len;
	mutex_unlock(&note->lock);
	bytepool_free(pool, text);
	*pos = 0;
	return len;
}

static ssize_t note_read(struct file *file, char __user *to, size_t len, loff_t *pos)
{
	struct note *note = file->private_data;
	ssize_t done;

	mutex_lock(&note->lock);
	done = simple_read_from_buffer(to, len, pos, note->text, note->len);
	mutex_unlock(&note->lock);
	return done;
}

static const struct file_operations note_fops = {
	.owner		= THIS_MODULE,
	.open		= note_open,
	.release	= note_release,
	.read		= note_read,
	.write		= note_write,
	.llseek		= default_llseek,
};

static struct miscdevice note_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "guide_chardev",
	.fops	= &note_fops,
	.mode	= 0600,
};

static int __init guide_chardev_init(void)
{
	int err;

	pool = bytepool_create("guide_chardev", NULL);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	err = misc_register(&note_device);
	if (err)
		bytepool_destroy(pool);
	return err;
}
module_init(guide_chardev_init);

static void __exit guide_chardev_exit(void)
{
	misc_deregister(&note_device);
	bytepool_destroy(pool);
}
module_exit(guide_chardev_exit);

MODULE_DESCRIPTION("A character device that keeps notes in a bytepool");
MODULE_LICENSE("GPL");
