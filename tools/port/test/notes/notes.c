// SPDX-License-Identifier: GPL-2.0-only
/* The module that Documentation/porting.rst ports by tools/port/port. */
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#define AREA	(16 * PAGE_SIZE)

static void *area;

static ssize_t notes_write(struct file *file, const char __user *from, size_t len, loff_t *at)
{
	void *text = kvmalloc(len, GFP_KERNEL);
	size_t missing;

	if (!text)
		return -ENOMEM;
	missing = copy_from_user(text, from, len);
	if (!missing)
		memcpy(area, text, min(len, AREA));
	kvfree(text);
	return missing ? -EFAULT : len;
}

static int notes_mmap(struct file *file, struct vm_area_struct *vma)
{
	return remap_vmalloc_range(vma, area, 0);
}

static const struct file_operations notes_fops = {
	.owner	= THIS_MODULE,
	.write	= notes_write,
	.mmap	= notes_mmap,
};

static struct miscdevice notes = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "notes",
	.fops	= &notes_fops,
};

static int __init notes_init(void)
{
	int err;

	area = vmalloc_user(AREA);
	if (!area)
		return -ENOMEM;
	err = misc_register(&notes);
	if (err)
		vfree(area);
	return err;
}
module_init(notes_init);

static void __exit notes_exit(void)
{
	misc_deregister(&notes);
	vfree(area);
}
module_exit(notes_exit);

MODULE_DESCRIPTION("The last note");
MODULE_LICENSE("GPL");
