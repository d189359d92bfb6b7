/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module: its parameters, its start and its end.
 */
#ifndef SHIM_KERNEL_MODULE_H
#define SHIM_KERNEL_MODULE_H

#include "compiler.h"
#include "percpu.h"

#define THIS_MODULE		((struct module *)NULL)

struct module;

/* References that keep the module loaded; not those of the kernel to an object's owner. */
extern int shim_module_refs;
/* The module is being unloaded. */
extern bool shim_module_going;

static inline bool try_module_get(struct module *module)
{
	(void)module;
	if (__atomic_load_n(&shim_module_going, __ATOMIC_RELAXED))
		return false;
	__atomic_fetch_add(&shim_module_refs, 1, __ATOMIC_RELAXED);
	return true;
}

static inline void module_put(struct module *module)
{
	(void)module;
	__atomic_fetch_sub(&shim_module_refs, 1, __ATOMIC_RELAXED);
}

#define EXPORT_SYMBOL_GPL(name)		static_assert(sizeof(&(name)), "an object")
#define MODULE_DESCRIPTION(text)	static_assert(sizeof(text), "a text")
#define MODULE_LICENSE(text)		static_assert(sizeof(text), "a text")
#define MODULE_PARM_DESC(name, text)	static_assert(sizeof(text), "a text")
#define module_param_named(name, value, type, mode) \
	unsigned int *const shim_param_##name = &(value)
#define subsys_initcall(fn) \
	int shim_module_init(void) \
	{ \
		memset(__start_shim_percpu, 0, __stop_shim_percpu - __start_shim_percpu); \
		return fn(); \
	} \
	static_assert(1, "")
#define module_exit(fn)			void shim_module_exit(void) { fn(); } static_assert(1, "")

#endif /* SHIM_KERNEL_MODULE_H */
