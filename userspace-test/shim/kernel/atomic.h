/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory ordering and atomic operations.
 */
#ifndef SHIM_KERNEL_ATOMIC_H
#define SHIM_KERNEL_ATOMIC_H

#include "math.h"
#include "point.h"

#define SHIM_POINTER_TYPE	5
#define SHIM_IS_POINTER(x)	(__builtin_classify_type(x) == SHIM_POINTER_TYPE)

#define READ_ONCE(x) ({							\
	shim_point();							\
	SHIM_IS_POINTER(x) ? __atomic_load_n(&(x), __ATOMIC_ACQUIRE) :	\
			     __atomic_load_n(&(x), __ATOMIC_RELAXED);	\
})
#define WRITE_ONCE(x, value) ({						\
	shim_point();							\
	__atomic_store_n(&(x), value, __ATOMIC_RELAXED);		\
})
#define smp_load_acquire(p) \
	({ shim_point(); __atomic_load_n(p, __ATOMIC_ACQUIRE); })
#define smp_store_release(p, value) \
	({ shim_point(); __atomic_store_n(p, value, __ATOMIC_RELEASE); })
#define barrier() \
	({ __asm__ volatile("" : : : "memory"); shim_point(); })
#define smp_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() \
	({ __atomic_thread_fence(__ATOMIC_ACQUIRE); __asm__ volatile("" : : : "memory"); })
#define smp_wmb()	__atomic_thread_fence(__ATOMIC_RELEASE)

#define cmpxchg(p, expected, value) ({					\
	typeof(*(p)) _old = (expected);					\
									\
	shim_point();							\
	__atomic_compare_exchange_n(p, &_old, value, false,		\
				    __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE);\
	_old;								\
})
#define try_cmpxchg(p, old, value) ({					\
	shim_point();							\
	__atomic_compare_exchange_n(p, old, value, false,		\
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);\
})

#ifdef __SANITIZE_THREAD__
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);
#define data_race(x) ({							\
	AnnotateIgnoreReadsBegin(__FILE__, __LINE__);			\
	AnnotateIgnoreWritesBegin(__FILE__, __LINE__);			\
	__auto_type _x = (x);						\
	AnnotateIgnoreWritesEnd(__FILE__, __LINE__);			\
	AnnotateIgnoreReadsEnd(__FILE__, __LINE__);			\
	_x;								\
})
#else
/* A read of a counter is no point. */
#define data_race(x)	({ if (SHIM_IS_POINTER(x) && !SHIM_SERIAL) shim_point(); (x); })
#endif

struct shim_atomic64 {
	long long value;
};

struct shim_atomic_long {
	long value;
};

#define atomic64_t		struct shim_atomic64
#define atomic_long_t		struct shim_atomic_long
#define atomic64_read(a)	__atomic_load_n(&(a)->value, __ATOMIC_RELAXED)
#define atomic_long_read(a)	atomic64_read(a)
#define atomic_long_set(a, n)	__atomic_store_n(&(a)->value, n, __ATOMIC_RELAXED)
#define atomic64_inc(a)		((void)__atomic_fetch_add(&(a)->value, 1, __ATOMIC_RELAXED))
#define ATOMIC_LONG_INIT(n)	{ .value = (n) }
#define atomic_long_inc(a)	atomic64_inc(a)
#define atomic_long_dec(a)	atomic_long_sub(1, a)
#define smp_mb__before_atomic()	smp_mb()
#define atomic_long_add(n, a)	((void)__atomic_fetch_add(&(a)->value, n, __ATOMIC_RELAXED))
#define atomic_long_add_return(n, a)	__atomic_add_fetch(&(a)->value, n, __ATOMIC_SEQ_CST)
#define atomic_long_sub(n, a)	((void)__atomic_fetch_sub(&(a)->value, n, __ATOMIC_RELAXED))
#define atomic_long_try_cmpxchg(a, old, new) ({				\
	shim_point();							\
	__atomic_compare_exchange_n(&(a)->value, old, new, false,	\
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);\
})

static inline bool test_and_set_bit(unsigned int nr, unsigned long *word)
{
	return __atomic_fetch_or(word, BIT(nr), __ATOMIC_SEQ_CST) & BIT(nr);
}

#endif /* SHIM_KERNEL_ATOMIC_H */
