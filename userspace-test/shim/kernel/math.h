/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arithmetic, sizes, and pointers that are errors.
 */
#ifndef SHIM_KERNEL_MATH_H
#define SHIM_KERNEL_MATH_H

#include "compiler.h"

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define max(a, b) \
	({ __auto_type _a = (a); __auto_type _b = (b); _a > _b ? _a : _b; })
#define min(a, b) \
	({ __auto_type _a = (a); __auto_type _b = (b); _a < _b ? _a : _b; })
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max_t(type, a, b)	max((type)(a), (type)(b))
#define clamp(x, low, high) \
	({ __auto_type _x = (x); _x < (low) ? (low) : _x > (high) ? (high) : _x; })
#define ALIGN(x, to)		(((x) + (to) - 1) & ~((typeof(x))(to) - 1))
#define DIV_ROUND_UP_ULL(n, d)	(((unsigned long long)(n) + (d) - 1) / (d))
#define array_size(n, size)	((size_t)(n) * (size))
#define struct_size(p, member, n) \
	(sizeof(*(p)) + (size_t)(n) * sizeof((p)->member[0]))
#define struct_size_t(type, member, n)	struct_size((type *)NULL, member, n)
#define DIV_ROUND_UP(n, d)		(((n) + (d) - 1) / (d))
#define fls(x)			(32 - __builtin_clz(x))
#define __fls(x)		(63UL - __builtin_clzl(x))
#define __ffs(x)		((unsigned long)__builtin_ctzl(x))
#define ror32(x, by)		((u32)(x) >> ((by) & 31) | (u32)(x) << (-(by) & 31))
#define ror64(x, by)		((u64)(x) >> ((by) & 63) | (u64)(x) << (-(by) & 63))
#define GOLDEN_RATIO_32		0x61c88647
#define GOLDEN_RATIO_64		0x61c8864680b583ebULL
#define SZ_1M			0x100000
#define SZ_4K			0x1000
#define SZ_64K			0x10000
#define SZ_4M			0x400000
#define SZ_8M			0x800000
#define SZ_16M			0x1000000
#define SZ_1G			0x40000000

struct reciprocal_value {
	u32 divisor;
};

#define reciprocal_value(d)		((struct reciprocal_value){ d })
#define reciprocal_divide(x, r)		((u32)(x) / (r).divisor)

#define MAX_ERRNO		4095
#define ERR_PTR(err)		((void *)(long)(err))
#define PTR_ERR(ptr)		((long)(ptr))
#define IS_ERR(ptr)		((unsigned long)(ptr) >= (unsigned long)-MAX_ERRNO)
#define IS_ERR_OR_NULL(ptr)	(!(ptr) || IS_ERR(ptr))

#endif /* SHIM_KERNEL_MATH_H */
