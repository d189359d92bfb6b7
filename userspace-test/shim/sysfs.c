// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects in sysfs. The removal of an object waits for its readers and writers, as in the
 * kernel.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "control.h"

static pthread_mutex_t sysfs_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t sysfs_cond = PTHREAD_COND_INITIALIZER;
static CDS_LIST_HEAD(objects);

static struct kobject kernel = { .name = "kernel", .refs = 1 };
struct kobject *kernel_kobj = &kernel;

/* Mask interrupts while a lock of libc or this one is held. */
static unsigned long sysfs_enter(void)
{
	unsigned long flags = shim_irq_save();

	pthread_mutex_lock(&sysfs_lock);
	return flags;
}

static void sysfs_leave(unsigned long flags)
{
	pthread_mutex_unlock(&sysfs_lock);
	shim_irq_restore(flags);
}

/* Called with sysfs_lock held. */
static struct kobject *object_find(const char *name, struct kobject *parent)
{
	struct kobject *kobj;

	list_for_each_entry(kobj, &objects, list) {
		if (kobj->parent == parent && !strcmp(kobj->name, name))
			return kobj;
	}
	return NULL;
}

static int object_add(struct kobject *kobj, struct kobject *parent)
{
	unsigned long flags;
	int err = 0;

	if (shim_should_fail(SHIM_FAIL_OTHER, GFP_KERNEL))
		return -ENOMEM;
	flags = sysfs_enter();
	if (object_find(kobj->name, parent)) {
		/* The kernel prints a stack trace, too. */
		WARN(1, "sysfs: there is a %s already\n", kobj->name);
		err = -EEXIST;
	} else {
		kobj->parent = parent;
		kobj->added = true;
		parent->refs++;
		list_add_tail(&kobj->list, &objects);
	}
	sysfs_leave(flags);
	return err;
}

int kobject_init_and_add(struct kobject *kobj, const struct kobj_type *ktype,
			 struct kobject *parent, const char *fmt, ...)
{
	unsigned long flags;
	char name[128];
	va_list args;

	flags = shim_irq_save();
	va_start(args, fmt);
	vsnprintf(name, sizeof(name), fmt, args);
	va_end(args);
	*kobj = (struct kobject){ .ktype = ktype, .refs = 1, .name = strdup(name) };
	shim_irq_restore(flags);
	return object_add(kobj, parent);
}

static const struct kobj_type dynamic_ktype;

struct kobject *kobject_create_and_add(const char *name, struct kobject *parent)
{
	unsigned long flags = shim_irq_save();
	struct kobject *kobj = calloc(1, sizeof(*kobj));

	*kobj = (struct kobject){ .ktype = &dynamic_ktype, .refs = 1, .name = strdup(name) };
	shim_irq_restore(flags);
	if (object_add(kobj, parent)) {
		kobject_put(kobj);
		return NULL;
	}
	return kobj;
}

void kobject_del(struct kobject *kobj)
{
	struct kobject *parent;
	unsigned long flags;

	/* The kernel would follow a null pointer. */
	if (!kobj->added)
		shim_die("%s() of %s, which was never added", __func__, kobj->name);
	flags = sysfs_enter();
	kobj->added = false;
	list_del(&kobj->list);
	while (kobj->active)
		pthread_cond_wait(&sysfs_cond, &sysfs_lock);
	parent = kobj->parent;
	kobj->parent = NULL;
	sysfs_leave(flags);
	kobject_put(parent);
}

void kobject_put(struct kobject *kobj)
{
	unsigned long flags;
	bool last;

	if (!kobj)
		return;
	flags = sysfs_enter();
	if (!kobj->refs)
		shim_die("%s is put once too often", kobj->name);
	last = !--kobj->refs;
	sysfs_leave(flags);
	if (!last)
		return;
	if (kobj->added)
		kobject_del(kobj);
	shim_libc(free((char *)kobj->name));
	if (kobj->ktype == &dynamic_ktype)
		shim_libc(free(kobj));
	else
		kobj->ktype->release(kobj);
}

int sysfs_create_group(struct kobject *kobj, const struct attribute_group *group)
{
	unsigned long flags;

	if (shim_should_fail(SHIM_FAIL_OTHER, GFP_KERNEL))
		return -ENOMEM;
	flags = sysfs_enter();
	kobj->group = group;
	sysfs_leave(flags);
	return 0;
}

void sysfs_remove_group(struct kobject *kobj, const struct attribute_group *group)
{
	unsigned long flags = sysfs_enter();

	if (kobj->group != group)
		shim_die("a group that is not there is removed");
	kobj->group = NULL;
	while (kobj->active)
		pthread_cond_wait(&sysfs_cond, &sysfs_lock);
	sysfs_leave(flags);
}

static struct attribute *group_find(const struct attribute_group *group, const char *dir,
				    const char *file)
{
	struct attribute **attr;

	if (!group || strcmp(group->name ?: "", dir))
		return NULL;
	for (attr = group->attrs; *attr; attr++) {
		if (!strcmp((*attr)->name, file))
			return *attr;
	}
	return NULL;
}

static struct attribute *attr_find(struct kobject *kobj, const char *dir, const char *file)
{
	const struct attribute_group **groups = kobj->ktype->default_groups;
	struct attribute *attr = group_find(kobj->group, dir, file);

	for (; !attr && groups && *groups; groups++)
		attr = group_find(*groups, dir, file);
	return attr;
}

/* Find the file and keep its object active. */
static struct kobject *file_open(const char *path, struct attribute **attr)
{
	struct kobject *kobj = kernel_kobj, *next;
	char name[256];
	char *rest = name, *end;
	unsigned long flags;

	flags = sysfs_enter();
	snprintf(name, sizeof(name), "%s", path);
	while ((end = strchr(rest, '/'))) {
		*end = '\0';
		next = object_find(rest, kobj);
		if (!next) {
			*end = '/';
			break;
		}
		kobj = next;
		rest = end + 1;
	}
	end = strchr(rest, '/');
	if (end)
		*end = '\0';
	*attr = kobj == kernel_kobj ? NULL :
		attr_find(kobj, end ? rest : "", end ? end + 1 : rest);
	if (*attr)
		kobj->active++;
	sysfs_leave(flags);
	return *attr ? kobj : NULL;
}

static void file_close(struct kobject *kobj)
{
	unsigned long flags = sysfs_enter();

	kobj->active--;
	pthread_cond_broadcast(&sysfs_cond);
	sysfs_leave(flags);
}

static ssize_t attr_show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	struct kobj_attribute *kobj_attr = container_of(attr, struct kobj_attribute, attr);

	if (kobj->ktype != &dynamic_ktype)
		return kobj->ktype->sysfs_ops->show(kobj, attr, buf);
	return kobj_attr->show(kobj, kobj_attr, buf);
}

static ssize_t attr_store(struct kobject *kobj, struct attribute *attr, const char *text,
			  size_t len)
{
	struct kobj_attribute *kobj_attr = container_of(attr, struct kobj_attribute, attr);

	if (kobj->ktype != &dynamic_ktype)
		return kobj->ktype->sysfs_ops->store(kobj, attr, text, len);
	return kobj_attr->store(kobj, kobj_attr, text, len);
}

ssize_t shim_sysfs_read(const char *path, char *buf)
{
	struct attribute *attr;
	struct kobject *kobj = file_open(path, &attr);
	ssize_t len = -EACCES;

	if (!kobj)
		return -ENOENT;
	if (attr->mode & 0444)
		len = attr_show(kobj, attr, buf);
	file_close(kobj);
	return len;
}

ssize_t shim_sysfs_store(const char *path, const char *text, size_t len)
{
	struct attribute *attr;
	struct kobject *kobj = file_open(path, &attr);
	ssize_t err = -EACCES;

	if (!kobj)
		return -ENOENT;
	if (attr->mode & 0222)
		err = attr_store(kobj, attr, text, len);
	file_close(kobj);
	return err;
}

ssize_t shim_sysfs_write(const char *path, const char *text)
{
	return shim_sysfs_store(path, text, strlen(text));
}

int devm_add_action_or_reset(struct device *dev, void (*action)(void *data), void *data)
{
	if (shim_should_fail(SHIM_FAIL_OTHER, GFP_KERNEL)) {
		action(data);
		return -ENOMEM;
	}
	dev->action = action;
	dev->data = data;
	return 0;
}

void shim_device_release(struct device *dev)
{
	dev->action(dev->data);
}
