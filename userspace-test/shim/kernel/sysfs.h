/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Objects in sysfs, and devices: sysfs.c.
 */
#ifndef SHIM_KERNEL_SYSFS_H
#define SHIM_KERNEL_SYSFS_H

#include <urcu/list.h>

#include "compiler.h"

struct kobject;

struct attribute {
	const char *name;
	unsigned short mode;
};

struct attribute_group {
	const char *name;
	struct attribute **attrs;
};

struct sysfs_ops {
	ssize_t (*show)(struct kobject *kobj, struct attribute *attr, char *buf);
	ssize_t (*store)(struct kobject *kobj, struct attribute *attr, const char *buf, size_t len);
};

struct kobj_type {
	const struct sysfs_ops *sysfs_ops;
	void (*release)(struct kobject *kobj);
	const struct attribute_group **default_groups;
};

struct kobject {
	struct cds_list_head list;
	const char *name;
	struct kobject *parent;
	const struct kobj_type *ktype;
	const struct attribute_group *group;
	unsigned int refs;
	unsigned int active;
	bool added;
};

struct kobj_attribute {
	struct attribute attr;
	ssize_t (*show)(struct kobject *kobj, struct kobj_attribute *attr, char *buf);
	ssize_t (*store)(struct kobject *kobj, struct kobj_attribute *attr,
			 const char *buf, size_t len);
};

#define __ATTR(_name, _mode, _show, _store) {				\
	.attr = { .name = #_name, .mode = (_mode) },			\
	.show = (_show), .store = (_store),				\
}
#define __ATTR_RO(_name)	__ATTR(_name, 0444, _name##_show, NULL)
#define __ATTR_WO(_name)	__ATTR(_name, 0200, NULL, _name##_store)
#define __ATTR_RW(_name)	__ATTR(_name, 0644, _name##_show, _name##_store)

extern struct kobject *kernel_kobj;
int kobject_init_and_add(struct kobject *kobj, const struct kobj_type *ktype,
			 struct kobject *parent, const char *fmt, ...);
struct kobject *kobject_create_and_add(const char *name, struct kobject *parent);
void kobject_del(struct kobject *kobj);
void kobject_put(struct kobject *kobj);
int sysfs_create_group(struct kobject *kobj, const struct attribute_group *group);
void sysfs_remove_group(struct kobject *kobj, const struct attribute_group *group);
__printf(2, 3) int sysfs_emit(char *buf, const char *fmt, ...);
bool sysfs_streq(const char *a, const char *b);

struct device {
	void (*action)(void *data);
	void *data;
};

int devm_add_action_or_reset(struct device *dev, void (*action)(void *data), void *data);

#endif /* SHIM_KERNEL_SYSFS_H */
