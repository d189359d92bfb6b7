// SPDX-License-Identifier: GPL-2.0-only
/*
 * leaky, mended - a character device that keeps the last text written to it
 *
 * Documentation/debugging.rst shows the difference. leaky.c forgets to free the
 * text that a new one replaces. The pool names the call site, because it has
 * BYTEPOOL_TRACK.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/uaccess.h>

#include "bytepool.h"

static struct bytepool *pool;

static DEFINE_MUTEX(last_lock);	/* protects the rest */
static void *last;
static size_t last_len;

static ssize_t last_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	void *text = bytepool_alloc(pool, len, GFP_KERNEL);

	if (!text)
		return -ENOMEM;
	if (copy_from_user(text, from, len)) {
		bytepool_free(pool, text);
		return -EFAULT;
	}
	mutex_lock(&last_lock);
	swap(last, text);
	last_len = len;
	mutex_unlock(&last_lock);
	bytepool_free(pool, text);	/* the old text, or NULL */
	return len;
}

static ssize_t last_read(struct file *file, char __user *to, size_t len, loff_t *pos)
{
	ssize_t done;

	mutex_lock(&last_lock);
	done = simple_read_from_buffer(to, len, pos, last, last_len);
	mutex_unlock(&last_lock);
	return done;
}

static const struct file_operations last_fops = {
	.owner		= THIS_MODULE,
	.read		= last_read,
	.write		= last_write,
	.llseek		= noop_llseek,
};

static struct miscdevice last_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= KBUILD_MODNAME,
	.fops	= &last_fops,
	.mode	= 0600,
};

static int __init last_init(void)
{
	const struct bytepool_params params = { .flags = BYTEPOOL_TRACK };
	int err;

	pool = bytepool_create(KBUILD_MODNAME, &params);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	err = misc_register(&last_device);
	if (err)
		bytepool_destroy(pool);
	return err;
}
module_init(last_init);

static void __exit last_exit(void)
{
	misc_deregister(&last_device);
	bytepool_free(pool, last);
	bytepool_destroy(pool);
}
module_exit(last_exit);

MODULE_DESCRIPTION("A driver for the search for a leak");
MODULE_LICENSE("GPL");
