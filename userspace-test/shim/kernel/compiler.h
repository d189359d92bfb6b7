/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Types, attributes and options of the compiler and the configuration.
 */
#ifndef SHIM_KERNEL_COMPILER_H
#define SHIM_KERNEL_COMPILER_H

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned int gfp_t;

#undef __always_inline
#define __always_inline	inline __attribute__((always_inline))
#define noinline	__attribute__((noinline))
#define __noreturn	__attribute__((noreturn))
#define __aligned(n)	__attribute__((aligned(n)))
#define __printf(f, a)	__attribute__((format(printf, f, a)))
#define _RET_IP_	((unsigned long)__builtin_return_address(0))
#define __percpu
#define __init
#define __exit
#define __force
#define __acquires(x)
#define __releases(x)
#define __acquire(x)	((void)(x))
#define __release(x)	((void)(x))
#define OPTIMIZER_HIDE_VAR(var)	__asm__("" : "=r" (var) : "0" (var))
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#define ____cacheline_aligned_in_smp __aligned(64)
#define __read_mostly
#define SMP_CACHE_BYTES	64
#define BITS_PER_LONG	__LONG_WIDTH__
#define BIT(n)		(1UL << (n))

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define sizeof_field(type, member)	sizeof(((type *)NULL)->member)

/* A configuration option is on if it is defined as 1. */
#define SHIM_STRING(x)		#x
#define SHIM_OPTION(x)		SHIM_STRING(x)
#define IS_ENABLED(option)	(SHIM_OPTION(option)[0] == '1')

/* The shim has the features of later kernels if the Makefile defines one of them. */
#ifdef BYTEPOOL_RHASHTABLE_IRQSAFE
#define BYTEPOOL_ACCOUNT_RECLAIMED
#define BYTEPOOL_RCU_GP_SEQ
#define SHRINKER_ALLOCATED	2
#endif

#endif /* SHIM_KERNEL_COMPILER_H */
