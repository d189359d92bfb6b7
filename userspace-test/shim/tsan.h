/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tell TSan of an order between threads that it does not see.
 */
#ifndef SHIM_TSAN_H
#define SHIM_TSAN_H

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#define tsan_acquire(p)	__tsan_acquire(p)
#define tsan_release(p)	__tsan_release(p)
#else
#define tsan_acquire(p)	((void)(p))
#define tsan_release(p)	((void)(p))
#endif

#endif /* SHIM_TSAN_H */
