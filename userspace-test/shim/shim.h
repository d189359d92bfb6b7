/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel that bytepool.c sees in userspace. All of linux/ leads here.
 *
 * A thread is a CPU. Regions with preemption off are read-side sections of
 * liburcu; interrupts are masked by a flag, so that a signal, or a call from
 * shim_point(), is an interrupt. What a kernel with its debugging on would
 * report, such as sleeping in atomic context, ends the program here.
 *
 * What TSan cannot see and is told, and what is thereby hidden from it:
 * - It knows no dependent loads: READ_ONCE() of a pointer is an acquire here.
 *   A load that has no dependency and lacks its acquire is not found.
 * - A region with preemption off is ordered before the grace periods that end
 *   after it and behind those that ended before it. One that began and ended
 *   while a grace period lasted is ordered too, which RCU does not promise.
 * - smp_mb(), smp_rmb() and smp_wmb() order nothing for it. None is needed by
 *   plain data here; their absence is not found either.
 */
#ifndef SHIM_H
#define SHIM_H

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>
#include <linux/types.h>
#include <urcu/list.h>

/* Compiler */

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef unsigned int __bitwise gfp_t;

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

/* Whether the hash table may be modified with interrupts off. */
#ifdef BYTEPOOL_RHASHTABLE_IRQSAFE
#define SHIM_TABLE_IN_HARDIRQ	true
#else
#define SHIM_TABLE_IN_HARDIRQ	false
#endif

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define max(a, b) \
	({ __auto_type _a = (a); __auto_type _b = (b); _a > _b ? _a : _b; })
#define min(a, b) \
	({ __auto_type _a = (a); __auto_type _b = (b); _a < _b ? _a : _b; })
#define max3(a, b, c)		max(max(a, b), c)
#define min_t(type, a, b)	min((type)(a), (type)(b))
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
#define __fls(x)		(63 - __builtin_clzl(x))
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

/* Where the test may have something else happen: an interrupt, or what another CPU does. */
extern __thread unsigned int shim_countdown;
void shim_at_point(void);

static inline void shim_point(void)
{
	if (unlikely(shim_countdown) && !--shim_countdown)
		shim_at_point();
}

/* One thread, to which the same always happens: whatever the addresses. */
#ifndef SHIM_SERIAL
#define SHIM_SERIAL	0
#endif

/* Memory order */

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

#define SHIM_CMPXCHG(p, expected, value, order) ({			\
	typeof(*(p)) _old = (expected);					\
									\
	shim_point();							\
	__atomic_compare_exchange_n(p, &_old, value, false, order,	\
				    __ATOMIC_RELAXED);			\
	_old;								\
})
#define cmpxchg(p, old, value)		SHIM_CMPXCHG(p, old, value, __ATOMIC_SEQ_CST)
#define try_cmpxchg(p, old, value) ({					\
	shim_point();							\
	__atomic_compare_exchange_n(p, old, value, false,		\
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);\
})
#define cmpxchg_release(p, old, value)	SHIM_CMPXCHG(p, old, value, __ATOMIC_RELEASE)

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
/* What is counted is not worth a point. */
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
#define atomic64_inc(a)		((void)__atomic_fetch_add(&(a)->value, 1, __ATOMIC_RELAXED))
#define ATOMIC_LONG_INIT(n)	{ .value = (n) }
#define atomic_long_inc(a)	atomic64_inc(a)
#define atomic_long_dec(a)	atomic_long_sub(1, a)
#define smp_mb__before_atomic()	smp_mb()
#define atomic_long_add(n, a)	((void)__atomic_fetch_add(&(a)->value, n, __ATOMIC_RELAXED))
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

/* CPUs, preemption, interrupts: cpu.c */

#ifndef nr_cpu_ids
#define nr_cpu_ids		12U
#endif
#define MAX_NUMNODES		4
#define NUMA_NO_NODE		(-1)
/* A node with CPUs alone, or NUMA_NO_NODE. */
extern int shim_bare_node;
#define N_MEMORY		0
#define node_state(node, state)	((void)(state), (node) < 2 && (node) != shim_bare_node)
#define for_each_node_state(node, state) \
	for ((node) = 0; (node) < 2; (node)++) \
		if (node_state(node, state))
#define node_distance(a, b)	((a) == (b) ? 10 : 20)
#define cpu_to_node(cpu)	((cpu) & 1)
#define cpu_to_mem(cpu)		cpu_to_node(cpu)
#define numa_mem_id()		cpu_to_mem(raw_smp_processor_id())
#define nr_node_ids		2U
#define num_online_cpus()	nr_cpu_ids
#define for_each_possible_cpu(cpu) \
	for ((cpu) = 0; (cpu) < (int)nr_cpu_ids; (cpu)++)

int raw_smp_processor_id(void);
int smp_processor_id(void);
void preempt_disable(void);
void preempt_enable(void);
bool preemptible(void);
bool irqs_disabled(void);
bool in_hardirq(void);
bool in_task(void);
#define PREEMPT_OFFSET	1
#define PREEMPT_MASK	0xff
unsigned int preempt_count(void);
unsigned long shim_irq_save(void);
void shim_irq_restore(unsigned long flags);
void cond_resched(void);

/* Locks and waits: lock.c */

struct shim_lock {
	pthread_mutex_t mutex;
};

#define raw_spinlock_t			struct shim_lock
#define SHIM_LOCK_INIT			{ PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP }
#define DEFINE_RAW_SPINLOCK(name)	struct shim_lock name = SHIM_LOCK_INIT
#define raw_spin_lock_init(lock)	(*(lock) = (struct shim_lock)SHIM_LOCK_INIT)
#define raw_spin_lock_irqsave(lock, flags)	((flags) = shim_spin_lock(lock))
#define raw_spin_unlock_irqrestore(lock, flags)	shim_spin_unlock(lock, flags)

unsigned long shim_spin_lock(struct shim_lock *lock);
void shim_spin_unlock(struct shim_lock *lock, unsigned long flags);

struct mutex {
	struct shim_lock lock;
};

#define DEFINE_MUTEX(name)		struct mutex name = { SHIM_LOCK_INIT }
#define mutex_init(m)			raw_spin_lock_init(&(m)->lock)
/* A mutex begins with its lock. */
#define lockdep_assert_held(l)		shim_assert_held((struct shim_lock *)(l))
#define lockdep_assert_preemption_disabled()	shim_assert_preemption_disabled(__func__)

void mutex_lock(struct mutex *mutex);
bool mutex_trylock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
void shim_assert_held(struct shim_lock *lock);
void shim_assert_preemption_disabled(const char *function);

struct completion {
	struct shim_lock lock;
	pthread_cond_t done_cond;
	bool done;
};

void init_completion(struct completion *completion);
void complete(struct completion *completion);
void wait_for_completion(struct completion *completion);

struct swait_queue_head {
	struct shim_lock lock;
	struct cds_list_head waiters;
	unsigned int nr;
};

struct swait_queue {
	struct cds_list_head list;
	struct shim_task *task;
};

#define TASK_UNINTERRUPTIBLE		2
#define DECLARE_SWAITQUEUE(name)	struct swait_queue name = { .task = NULL }

void init_swait_queue_head(struct swait_queue_head *queue);
bool swait_active(struct swait_queue_head *queue);
void prepare_to_swait_exclusive(struct swait_queue_head *queue, struct swait_queue *wait, int state);
void finish_swait(struct swait_queue_head *queue, struct swait_queue *wait);
void swake_up_one(struct swait_queue_head *queue);
void swake_up_all(struct swait_queue_head *queue);
long io_schedule_timeout(long timeout);
long schedule_timeout_uninterruptible(long timeout);

/* RCU and the hash table: sync.c over liburcu.c */

struct rcu_head {
	void *liburcu[2];
	void *object;
};

void rcu_read_lock(void);
void rcu_read_unlock(void);
void synchronize_rcu(void);
void shim_kfree_rcu(struct rcu_head *head, void *object);
#define kfree_rcu(object, member)	shim_kfree_rcu(&(object)->member, object)

struct rhash_head {
	void *liburcu[2];
} __aligned(8);

struct rhashtable_compare_arg {
	void *ht;
	const void *key;
};

struct rhashtable_params {
	size_t key_len;
	size_t key_offset;
	size_t head_offset;
	u32 (*hashfn)(const void *key, u32 len, u32 seed);
	int (*obj_cmpfn)(struct rhashtable_compare_arg *arg, const void *object);
	bool automatic_shrinking;
};

struct rhashtable {
	void *table;
	u32 seed;
	long nr;
	size_t head_offset;
};

int rhashtable_init(struct rhashtable *ht, const struct rhashtable_params *params);
void rhashtable_destroy(struct rhashtable *ht);
int rhashtable_insert_fast(struct rhashtable *ht, struct rhash_head *head,
			   struct rhashtable_params params);
int rhashtable_remove_fast(struct rhashtable *ht, struct rhash_head *head,
			   struct rhashtable_params params);
struct rhashtable_iter {
	struct rhashtable *ht;
	void *liburcu[2];
	void *last;
	unsigned long seen;
};
void rhashtable_walk_enter(struct rhashtable *ht, struct rhashtable_iter *iter);
void rhashtable_walk_start(struct rhashtable_iter *iter);
void *rhashtable_walk_next(struct rhashtable_iter *iter);
void *rhashtable_walk_peek(struct rhashtable_iter *iter);
void rhashtable_walk_stop(struct rhashtable_iter *iter);
#define rhashtable_walk_exit(iter)	((void)(iter))
void *rhashtable_lookup(struct rhashtable *ht, const void *key, struct rhashtable_params params);

/* Lists, over liburcu's */

#define list_head			cds_list_head
#define LIST_HEAD(name)			CDS_LIST_HEAD(name)
#define INIT_LIST_HEAD(head)		CDS_INIT_LIST_HEAD(head)
#define list_add(entry, head)		cds_list_add(entry, head)
#define list_add_tail(entry, head)	cds_list_add_tail(entry, head)
#define list_del(entry)			cds_list_del(entry)
#define list_empty(head)		cds_list_empty(head)
#define list_splice(list, head)		cds_list_splice(list, head)
#define list_entry(ptr, type, member)	container_of(ptr, type, member)
#define list_last_entry(head, type, member) \
	list_entry((head)->prev, type, member)
#define list_first_entry_or_null(head, type, member) \
	(list_empty(head) ? NULL : list_entry((head)->next, type, member))
#define list_next_entry(pos, member) \
	list_entry((pos)->member.next, typeof(*(pos)), member)
#define list_entry_is_head(pos, head, member)	(&(pos)->member == (head))
#define list_prepare_entry(pos, head, member) \
	((pos) ?: list_entry(head, typeof(*(pos)), member))
#define list_for_each_entry(pos, head, member) \
	cds_list_for_each_entry(pos, head, member)
#define list_for_each_entry_safe(pos, next, head, member) \
	cds_list_for_each_entry_safe(pos, next, head, member)
#define list_for_each_entry_continue(pos, head, member)		\
	for ((pos) = list_next_entry(pos, member);		\
	     !list_entry_is_head(pos, head, member);		\
	     (pos) = list_next_entry(pos, member))
#define list_for_each_entry_rcu(pos, head, member)				\
	for ((pos) = list_entry(READ_ONCE((head)->next), typeof(*(pos)), member);	\
	     !list_entry_is_head(pos, head, member);				\
	     (pos) = list_entry(READ_ONCE((pos)->member.next), typeof(*(pos)), member))

/* liburcu's own use no atomic accesses that TSan knows. */
static inline void list_add_tail_rcu(struct list_head *entry, struct list_head *head)
{
	struct list_head *prev = head->prev;

	entry->next = head;
	entry->prev = prev;
	head->prev = entry;
	__atomic_store_n(&prev->next, entry, __ATOMIC_RELEASE);
}

static inline void list_del_rcu(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	__atomic_store_n(&entry->prev->next, entry->next, __ATOMIC_RELEASE);
	entry->prev = NULL;
}

/* What is ordered by age is a list here. */

struct rb_node {
	struct cds_list_head list;
};

struct rb_root_cached {
	struct cds_list_head *first;
	struct cds_list_head *last;
};

#define RB_ROOT_CACHED			((struct rb_root_cached){})
#define rb_entry(ptr, type, member)	container_of(ptr, type, member)

void rb_add_cached(struct rb_node *node, struct rb_root_cached *root,
		   bool (*less)(struct rb_node *a, const struct rb_node *b));
void rb_erase_cached(struct rb_node *node, struct rb_root_cached *root);
struct rb_node *rb_first_cached(struct rb_root_cached *root);

/* Memory: memory.c */

#define __GFP_DMA		0x1u
#define __GFP_DMA32		0x2u
#define __GFP_HIGHMEM		0x4u
#define __GFP_MOVABLE		0x8u
#define __GFP_HIGH		0x10u
#define __GFP_IO		0x20u
#define __GFP_FS		0x40u
#define __GFP_ZERO		0x80u
#define __GFP_DIRECT_RECLAIM	0x100u
#define __GFP_KSWAPD_RECLAIM	0x200u
#define __GFP_NOWARN		0x400u
#define __GFP_RETRY_MAYFAIL	0x800u
#define __GFP_NOFAIL		0x1000u
#define __GFP_NORETRY		0x2000u
#define __GFP_MEMALLOC		0x4000u
#define __GFP_NOMEMALLOC	0x8000u
#define __GFP_HARDWALL		0x10000u
#define __GFP_THISNODE		0x20000u
#define __GFP_ACCOUNT		0x40000u
#define __GFP_COMP		0x80000u
#define __GFP_RECLAIM		(__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)

#define GFP_ATOMIC		(__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define GFP_KERNEL		(__GFP_RECLAIM | __GFP_IO | __GFP_FS)
#define GFP_KERNEL_ACCOUNT	(GFP_KERNEL | __GFP_ACCOUNT)
#define GFP_NOWAIT		(__GFP_KSWAPD_RECLAIM | __GFP_NOWARN)
#define GFP_NOIO		__GFP_RECLAIM
#define GFP_NOFS		(__GFP_RECLAIM | __GFP_IO)
#define GFP_DMA			__GFP_DMA
#define GFP_DMA32		__GFP_DMA32

#define gfpflags_allow_blocking(gfp)	(!!((gfp) & __GFP_DIRECT_RECLAIM))
void might_alloc(gfp_t gfp);

#define PAGE_SHIFT		12
#define PAGE_SIZE		(1UL << PAGE_SHIFT)
#define PAGE_MASK		(~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x)		(((x) + PAGE_SIZE - 1) & PAGE_MASK)
#define PAGE_ALLOC_COSTLY_ORDER	3
#define MAX_ORDER_NR_PAGES	1024UL

/* A page is a number: nothing is kept there. */
struct page {
	char number;
};

unsigned int get_order(unsigned long bytes);
struct page *alloc_pages_node(int node, gfp_t gfp, unsigned int order);
void split_page(struct page *page, unsigned int order);
void *page_address(struct page *page);
int page_to_nid(struct page *page);
struct page *virt_to_page(const void *base);
#define vmalloc_to_page(base)	virt_to_page(base)
void __free_page(struct page *page);
void free_pages(unsigned long address, unsigned int order);
void free_pages_exact(void *base, size_t bytes);
void *__vmalloc(unsigned long bytes, gfp_t gfp);
void vfree(const void *base);
bool is_vmalloc_addr(const void *p);
unsigned long totalram_pages(void);
bool want_init_on_alloc(gfp_t gfp);
bool want_init_on_free(void);

void *kmalloc(size_t size, gfp_t gfp);
void kfree(const void *p);
void *kvcalloc(size_t n, size_t size, gfp_t gfp);
#define kzalloc(size, gfp)			kmalloc(size, (gfp) | __GFP_ZERO)
#define kmalloc_node(size, gfp, node)		((void)(node), kmalloc(size, gfp))
#define kzalloc_node(size, gfp, node)		((void)(node), kzalloc(size, gfp))
#define kvmalloc_node(size, gfp, node)		((void)(node), kmalloc(size, gfp))
#define kvfree(p)				kfree(p)

#ifndef SHIM_PERCPU_BYTES
#define SHIM_PERCPU_BYTES	32768
#endif
#define alloc_percpu(type)	((type *)shim_alloc_percpu(sizeof(type)))
/* UBSan need not know whose @p is, or the other CPUs' would be beyond its end. */
static inline void *shim_per_cpu(void *p, unsigned int cpu)
{
	__asm__("" : "+r" (p));
	return (char *)p + cpu * SHIM_PERCPU_BYTES;
}

#define per_cpu_ptr(p, cpu)	((typeof(p))shim_per_cpu(p, cpu))
#define this_cpu_ptr(p)		per_cpu_ptr(p, smp_processor_id())
#define raw_cpu_read(x)		(*this_cpu_ptr(&(x)))
#define raw_cpu_write(x, value)	(*this_cpu_ptr(&(x)) = (value))
#define DECLARE_PER_CPU(type, name)	extern type name
/* The initcall clears the section, because loading a module does so, too. */
#define DEFINE_PER_CPU(type, name) \
	type name##_of_cpus[nr_cpu_ids * SHIM_PERCPU_BYTES / sizeof(type)] \
		__attribute__((section("shim_percpu"))); \
	extern type name __attribute__((alias(#name "_of_cpus")))
extern char __start_shim_percpu[], __stop_shim_percpu[];
void *shim_alloc_percpu(size_t size);
void free_percpu(void *p);

/* Time and work: work.c */

#define HZ			250
#define MSEC_PER_SEC		1000L
#define MAX_JIFFY_OFFSET	((LONG_MAX >> 1) - 1)
#define jiffies			shim_jiffies()
#define time_after(a, b)	((long)((b) - (a)) < 0)
#define time_before(a, b)	time_after(b, a)
unsigned long shim_jiffies(void);
unsigned long msecs_to_jiffies(unsigned int ms);
#define jiffies64_to_msecs(j)	((u64)(j) * (1000 / HZ))

struct work_struct {
	void (*fn)(struct work_struct *work);
};

struct delayed_work {
	struct work_struct work;
	struct cds_list_head list;
	unsigned long due;
	bool pending;
	bool running;
};

#define to_delayed_work(w) container_of(w, struct delayed_work, work)
#define DECLARE_DELAYED_WORK(name, function) \
	struct delayed_work name = { .work = { .fn = (function) } }
#define INIT_DELAYED_WORK(delayed, function) \
	(*(delayed) = (struct delayed_work){ .work = { .fn = (function) } })
#define WQ_UNBOUND		1
#define WQ_MEM_RECLAIM		2
struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags, int max_active);
void destroy_workqueue(struct workqueue_struct *wq);
bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *work,
			unsigned long delay);
bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *work, unsigned long delay);
bool cancel_delayed_work_sync(struct delayed_work *work);

/* The log: log.c */

#define KBUILD_MODNAME		"bytepool"
#define pr_err(fmt, ...)	shim_printk(false, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn(fmt, ...)	shim_printk(false, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_err_once(fmt, ...)	pr_warn_once(fmt, ##__VA_ARGS__)
#define pr_warn_once(fmt, ...) ({					\
	static bool _told;						\
	if (!__atomic_exchange_n(&_told, true, __ATOMIC_RELAXED))	\
		pr_warn(fmt, ##__VA_ARGS__);				\
})
#define WARN(condition, ...) ({						\
	bool _warn = (condition);					\
	if (unlikely(_warn))						\
		shim_printk(true, __VA_ARGS__);				\
	_warn;								\
})
#define WARN_ONCE(condition, ...) ({					\
	static bool _told;						\
	bool _once = (condition);					\
	if (_once && !__atomic_exchange_n(&_told, true, __ATOMIC_RELAXED)) \
		WARN(1, __VA_ARGS__);					\
	_once;								\
})
__printf(2, 3) void shim_printk(bool warning, const char *fmt, ...);

struct ratelimit_state {
	unsigned int left;
};

#define DEFAULT_RATELIMIT_INTERVAL	(5 * HZ)
#define DEFAULT_RATELIMIT_BURST		10
#define RATELIMIT_MSG_ON_RELEASE	1
#define ratelimit_state_init(rs, interval, burst)	((rs)->left = (burst))
#define ratelimit_set_flags(rs, flags)			((void)(rs))
bool __ratelimit(struct ratelimit_state *rs);
#define pr_warn_ratelimited(fmt, ...) ({						\
	static struct ratelimit_state _limit = { .left = DEFAULT_RATELIMIT_BURST };	\
	if (__ratelimit(&_limit))							\
		pr_warn(fmt, ##__VA_ARGS__);						\
})

ssize_t strscpy(char *to, const char *from, size_t size);
void *memchr_inv(const void *p, int c, size_t size);
int kstrtoul(const char *text, unsigned int base, unsigned long *value);
int kstrtouint(const char *text, unsigned int base, unsigned int *value);

/* Objects in sysfs, devices, modules: sysfs.c */

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

/* What debugs, debugfs first, and who else calls into the module: debug.c */

struct inode {
	void *i_private;
};

struct file {
	void *private_data;
};

struct seq_file;

struct seq_operations {
	void *(*start)(struct seq_file *m, loff_t *pos);
	void (*stop)(struct seq_file *m, void *v);
	void *(*next)(struct seq_file *m, void *v, loff_t *pos);
	int (*show)(struct seq_file *m, void *v);
};

struct seq_file {
	const struct seq_operations *op;
	void *private;
	char *buf;
	size_t size;
	size_t count;
};

struct file_operations {
	void *owner;
	int (*open)(struct inode *inode, struct file *file);
	ssize_t (*read)(struct seq_file *m);
	void *llseek;
	int (*release)(struct inode *inode, struct file *file);
};

#define THIS_MODULE		NULL
#define SEQ_START_TOKEN		((void *)1)
#define seq_lseek		NULL
ssize_t seq_read(struct seq_file *m);
int seq_open(struct file *file, const struct seq_operations *op);
int seq_release(struct inode *inode, struct file *file);
void *__seq_open_private(struct file *file, const struct seq_operations *op, int size);
int seq_release_private(struct inode *inode, struct file *file);
__printf(2, 3) void seq_printf(struct seq_file *m, const char *fmt, ...);
#define seq_puts(m, text)	seq_printf(m, "%s", text)
#define DEFINE_SEQ_ATTRIBUTE(name)						\
static int name##_open(struct inode *inode, struct file *file)			\
{										\
	int err = seq_open(file, &name##_sops);					\
										\
	if (!err)								\
		((struct seq_file *)file->private_data)->private = inode->i_private; \
	return err;								\
}										\
static const struct file_operations name##_fops = {				\
	.open = name##_open, .read = seq_read, .release = seq_release,		\
}

struct dentry;
struct dentry *debugfs_create_dir(const char *name, struct dentry *parent);
struct dentry *debugfs_create_file(const char *name, unsigned short mode, struct dentry *parent,
				   void *data, const struct file_operations *fops);
void debugfs_create_bool(const char *name, unsigned short mode, struct dentry *parent, bool *value);
void debugfs_remove(struct dentry *dentry);

struct fault_attr {
	int unused;
};

#define FAULT_ATTR_INITIALIZER	{}
#define should_fail(attr, size) \
	((void)(attr), (void)(size), shim_should_fail_alloc())
#define fault_create_debugfs_attr(name, parent, attr) \
	((void)(attr), debugfs_create_dir(name, parent))
bool shim_should_fail_alloc(void);

struct shrink_control {
	unsigned long nr_to_scan;
	unsigned long nr_scanned;
};

struct shrinker {
	struct cds_list_head list;
	unsigned long (*count_objects)(struct shrinker *shrinker, struct shrink_control *sc);
	unsigned long (*scan_objects)(struct shrinker *shrinker, struct shrink_control *sc);
	void *private_data;
	long batch;
	int seeks;
	unsigned int scans;
};

#define DEFAULT_SEEKS		2
#define SHRINK_STOP		(~0UL)
#define KERNEL_VERSION(a, b, c)	(((a) << 16) + ((b) << 8) + (c))
#ifdef BYTEPOOL_RHASHTABLE_IRQSAFE
#define LINUX_VERSION_CODE	KERNEL_VERSION(6, 12, 0)
#define SHRINKER_ALLOCATED	2
#else
#define LINUX_VERSION_CODE	KERNEL_VERSION(6, 1, 0)
#endif
__printf(2, 3) struct shrinker *shrinker_alloc(unsigned int flags, const char *fmt, ...);
void shrinker_register(struct shrinker *shrinker);
void shrinker_free(struct shrinker *shrinker);
__printf(2, 3) int register_shrinker(struct shrinker *shrinker, const char *fmt, ...);
void unregister_shrinker(struct shrinker *shrinker);

struct reclaim_state {
	unsigned long reclaimed;
	unsigned long reclaimed_slab;
};

struct task_struct {
	struct reclaim_state *reclaim_state;
};

extern __thread struct task_struct shim_task;
#define current			(&shim_task)
#define task_pid_nr(task)	((void)(task), 1)
void mm_account_reclaimed_pages(unsigned long pages);

enum cpuhp_state {
	CPUHP_INVALID = -1,
	CPUHP_BP_PREPARE_DYN = 20,
};

int cpuhp_setup_state_nocalls(enum cpuhp_state state, const char *name,
			      int (*startup)(unsigned int cpu), int (*teardown)(unsigned int cpu));
void cpuhp_remove_state_nocalls(enum cpuhp_state state);

#define POISON_FREE		0x6b
#define POISON_END		0xa5

#define kmsan_poison_memory(p, size, gfp)	((void)(gfp))
#define kmemleak_alloc(p, size, refs, gfp)	((void)(gfp))
#define kmemleak_free(p)			((void)(p))
#define kmemleak_free_percpu(p)			((void)(p))
#define kmemleak_no_scan(p)			((void)(p))
#define kmemleak_scan_area(p, size, gfp)	((void)(p), (void)(gfp))

#define EXPORT_SYMBOL_GPL(name)		static_assert(sizeof(&(name)), "an object")
#define MODULE_DESCRIPTION(text)	static_assert(sizeof(text), "a text")
#define MODULE_LICENSE(text)		static_assert(sizeof(text), "a text")
#define MODULE_PARM_DESC(name, text)	static_assert(sizeof(text), "a text")
#define module_param(name, type, mode)	module_param_named(name, name, type, mode)
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

#endif /* SHIM_H */
