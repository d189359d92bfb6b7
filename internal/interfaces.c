// SPDX-License-Identifier: GPL-2.0-only
/*
 * Check the interfaces of the kernel that have changed before, and those for which
 * a wrong type is only a warning. Kbuild compiles this file before all others.
 * On a kernel with a changed interface, the build stops here with one error. The
 * error names the interface and the file to mend. For an interface that is gone,
 * the compiler says "undeclared" or "no member named".
 *
 * Mend that file, and then the check here. Code that differs between kernels belongs
 * into internal/compat.h.
 */
#include <linux/build_bug.h>
#include <linux/container_of.h>
#include <linux/cpuhotplug.h>
#include <linux/fault-inject.h>
#include <linux/kobject.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable-types.h>
#include <linux/shrinker.h>
#include <linux/swap.h>
#include <linux/sysfs.h>
#include <linux/version.h>

#define INTERFACE(_what, _file, _is, ...)					\
	static_assert(__same_type(_is, __VA_ARGS__),				\
		      "this kernel has another " _what ": mend internal/" _file)

#define FUNCTION(_name, _file, ...)						\
	INTERFACE(#_name "()", _file, _name, __VA_ARGS__)
#define FIELD_OF(_struct, _name, _file, ...)					\
	INTERFACE(#_struct "." #_name, _file, typeof_member(struct _struct, _name), __VA_ARGS__)

#ifdef SHRINKER_ALLOCATED
FUNCTION(shrinker_alloc, "compat.h", struct shrinker *(unsigned int, const char *, ...));
FUNCTION(shrinker_register, "compat.h", void (struct shrinker *));
FUNCTION(shrinker_free, "compat.h", void (struct shrinker *));
#else
FUNCTION(register_shrinker, "compat.h", int (struct shrinker *, const char *, ...));
FUNCTION(unregister_shrinker, "compat.h", void (struct shrinker *));
#endif
FIELD_OF(shrinker, count_objects, "compat.h",
	 unsigned long (*)(struct shrinker *, struct shrink_control *));
FIELD_OF(shrinker, scan_objects, "compat.h",
	 unsigned long (*)(struct shrinker *, struct shrink_control *));
FIELD_OF(shrinker, batch, "compat.h", long);

#ifdef BYTEPOOL_ACCOUNT_RECLAIMED
FUNCTION(mm_account_reclaimed_pages, "compat.h", void (unsigned long));
#else
FIELD_OF(reclaim_state, reclaimed_slab, "compat.h", unsigned long);
#endif

#ifdef BYTEPOOL_RCU_GP_SEQ
FUNCTION(start_poll_synchronize_rcu_full, "compat.h", void (struct rcu_gp_seq *));
FUNCTION(poll_state_synchronize_rcu_full, "compat.h", bool (struct rcu_gp_seq *));
#else
FUNCTION(start_poll_synchronize_rcu_full, "compat.h", void (struct rcu_gp_oldstate *));
FUNCTION(poll_state_synchronize_rcu_full, "compat.h", bool (struct rcu_gp_oldstate *));
#endif

/* Kbuild defines this if an rhashtable may be modified with interrupts off. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0) && !defined(BYTEPOOL_RHASHTABLE_IRQSAFE)
#error "this kernel has other locks in rhashtable.h: mend Kbuild"
#endif

FIELD_OF(rhashtable_params, hashfn, "table.h", u32 (*)(const void *, u32, u32));
FIELD_OF(rhashtable_params, obj_cmpfn, "table.h",
	 int (*)(struct rhashtable_compare_arg *, const void *));

FIELD_OF(sysfs_ops, show, "sysfs.c", ssize_t (*)(struct kobject *, struct attribute *, char *));
FIELD_OF(sysfs_ops, store, "sysfs.c",
	 ssize_t (*)(struct kobject *, struct attribute *, const char *, size_t));
FIELD_OF(kobj_attribute, show, "module.c",
	 ssize_t (*)(struct kobject *, struct kobj_attribute *, char *));
FIELD_OF(kobj_attribute, store, "module.c",
	 ssize_t (*)(struct kobject *, struct kobj_attribute *, const char *, size_t));
FIELD_OF(attribute_group, attrs, "sysfs.c", struct attribute **);
FIELD_OF(kobj_type, default_groups, "sysfs.c", const struct attribute_group **);
FIELD_OF(kobj_type, release, "sysfs.c", void (*)(struct kobject *));

FUNCTION(__cpuhp_setup_state, "module.c",
	 int (enum cpuhp_state, const char *, bool, int (*)(unsigned int),
	      int (*)(unsigned int), bool));

#ifdef CONFIG_FAULT_INJECTION
FUNCTION(should_fail, "fault.c", bool (struct fault_attr *, ssize_t));
#endif
