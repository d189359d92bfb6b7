// SPDX-License-Identifier: GPL-2.0-only
/*
 * mirror - a driver that the tools of bytepool do not know
 *
 * scripts/suite/journey takes it from bytepool-advise by tools/port/port to scripts/compare, as the
 * author of a driver would. A write() to /dev/mirror is reversed, and a read() gets the last bytes
 * that were written, reversed.
 */
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

static DEFINE_MUTEX(lock);	/* protects the two below, and is taken in read() and write() */
static u8 reflection[SZ_4K];
static size_t reflected;

static void reflect(u8 *to, const u8 *from, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		to[i] = from[len - 1 - i];
}

static ssize_t mirror_write(struct file *file, const char __user *from, size_t len, loff_t *at)
{
	ssize_t err = -ENOMEM;
	u8 *face, *image;

	if (!len || len > SZ_1M)
		return -EINVAL;
	face = kvmalloc(len, GFP_KERNEL);
	image = vmalloc(len);
	if (!face || !image)
		goto out;
	err = -EFAULT;
	if (copy_from_user(face, from, len))
		goto out;
	reflect(image, face, len);
	mutex_lock(&lock);
	reflected = min(len, sizeof(reflection));
	memcpy(reflection, image, reflected);
	mutex_unlock(&lock);
	err = len;
out:
	vfree(image);
	kvfree(face);
	return err;
}

static ssize_t mirror_read(struct file *file, char __user *to, size_t len, loff_t *at)
{
	ssize_t got;

	mutex_lock(&lock);
	got = simple_read_from_buffer(to, len, at, reflection, reflected);
	mutex_unlock(&lock);
	return got;
}

static const struct file_operations mirror_fops = {
	.owner	= THIS_MODULE,
	.read	= mirror_read,
	.write	= mirror_write,
};

static struct miscdevice mirror = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "mirror",
	.fops	= &mirror_fops,
};
module_misc_device(mirror);

MODULE_DESCRIPTION("A driver that reverses what is written to it");
MODULE_LICENSE("GPL");
