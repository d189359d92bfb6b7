/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module: its parameters, its start and its end.
 */
#ifndef SHIM_KERNEL_MODULE_H
#define SHIM_KERNEL_MODULE_H

#include "compiler.h"
#include "percpu.h"

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
