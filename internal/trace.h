/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: bytepool:alloc, free, grow, shrink, gc and bad_free.
 *
 * The events alloc, free and bad_free are about a block, grow and shrink about a slab,
 * gc about a pool. While they are disabled, the code contains a no-op instruction
 * for each, which is patched when they are enabled.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM bytepool

#if !defined(_BP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _BP_TRACE_H

#include <linux/tracepoint.h>
#include <linux/types.h>
#include <trace/events/mmflags.h>

#include "compat.h"

/* An allocation. If it failed, @block is NULL and @class 0. @hit: an idle block served it. */
TRACE_EVENT(alloc,
	TP_PROTO(const char *pool, size_t size, u32 class, const void *block, gfp_t gfp,
		 bool hit, unsigned long caller),
	TP_ARGS(pool, size, class, block, gfp, hit, caller),
	TP_STRUCT__entry(
		__string(pool, pool)
		__field(size_t, size)
		__field(u32, class)
		__field(const void *, block)
		__field(unsigned long, gfp)
		__field(bool, hit)
		__field(unsigned long, caller)
	),
	TP_fast_assign(
		compat_assign_str(pool, pool);
		__entry->size = size;
		__entry->class = class;
		__entry->block = block;
		__entry->gfp = (__force unsigned long)gfp;
		__entry->hit = hit;
		__entry->caller = caller;
	),
	TP_printk("pool=%s size=%zu class=%u block=%p gfp=%s %s caller=%pS",
		  __get_str(pool), __entry->size, __entry->class, __entry->block,
		  show_gfp_flags(__entry->gfp),
		  !__entry->block ? "failed" : __entry->hit ? "hit" : "miss",
		  (void *)__entry->caller)
);

/* A free. */
TRACE_EVENT(free,
	TP_PROTO(const char *pool, u32 class, const void *block, unsigned long caller),
	TP_ARGS(pool, class, block, caller),
	TP_STRUCT__entry(
		__string(pool, pool)
		__field(u32, class)
		__field(const void *, block)
		__field(unsigned long, caller)
	),
	TP_fast_assign(
		compat_assign_str(pool, pool);
		__entry->class = class;
		__entry->block = block;
		__entry->caller = caller;
	),
	TP_printk("pool=%s class=%u block=%p caller=%pS", __get_str(pool), __entry->class,
		  __entry->block, (void *)__entry->caller)
);

/* A slab of @blocks blocks was allocated from the system. */
TRACE_EVENT(grow,
	TP_PROTO(const char *pool, u32 class, unsigned int blocks, unsigned long bytes, int node,
		 gfp_t gfp),
	TP_ARGS(pool, class, blocks, bytes, node, gfp),
	TP_STRUCT__entry(
		__string(pool, pool)
		__field(u32, class)
		__field(unsigned int, blocks)
		__field(unsigned long, bytes)
		__field(int, node)
		__field(unsigned long, gfp)
	),
	TP_fast_assign(
		compat_assign_str(pool, pool);
		__entry->class = class;
		__entry->blocks = blocks;
		__entry->bytes = bytes;
		__entry->node = node;
		__entry->gfp = (__force unsigned long)gfp;
	),
	TP_printk("pool=%s class=%u blocks=%u bytes=%lu node=%d gfp=%s", __get_str(pool),
		  __entry->class, __entry->blocks, __entry->bytes, __entry->node,
		  show_gfp_flags(__entry->gfp))
);

/* A slab was given back to the system, after it was wholly idle for @age_ms. */
TRACE_EVENT(shrink,
	TP_PROTO(const char *pool, u32 class, unsigned int blocks, unsigned long bytes,
		 unsigned long idle_since),
	TP_ARGS(pool, class, blocks, bytes, idle_since),
	TP_STRUCT__entry(
		__string(pool, pool)
		__field(u32, class)
		__field(unsigned int, blocks)
		__field(unsigned long, bytes)
		__field(u64, age_ms)
	),
	TP_fast_assign(
		compat_assign_str(pool, pool);
		__entry->class = class;
		__entry->blocks = blocks;
		__entry->bytes = bytes;
		__entry->age_ms = jiffies64_to_msecs(jiffies - idle_since);
	),
	TP_printk("pool=%s class=%u blocks=%u bytes=%lu age_ms=%llu", __get_str(pool),
		  __entry->class, __entry->blocks, __entry->bytes, __entry->age_ms)
);

/* A pool gave idle memory back: @why is "age", "trim" or "pressure". */
TRACE_EVENT(gc,
	TP_PROTO(const char *pool, const char *why, unsigned long blocks, unsigned long bytes,
		 unsigned long held),
	TP_ARGS(pool, why, blocks, bytes, held),
	TP_STRUCT__entry(
		__string(pool, pool)
		__string(why, why)
		__field(unsigned long, blocks)
		__field(unsigned long, bytes)
		__field(unsigned long, held)
	),
	TP_fast_assign(
		compat_assign_str(pool, pool);
		compat_assign_str(why, why);
		__entry->blocks = blocks;
		__entry->bytes = bytes;
		__entry->held = held;
	),
	TP_printk("pool=%s why=%s blocks=%lu bytes=%lu held=%lu", __get_str(pool), __get_str(why),
		  __entry->blocks, __entry->bytes, __entry->held)
);

/* A free was refused. */
TRACE_EVENT(bad_free,
	TP_PROTO(const char *pool, const void *block, const char *why, unsigned long caller),
	TP_ARGS(pool, block, why, caller),
	TP_STRUCT__entry(
		__string(pool, pool)
		__field(const void *, block)
		__string(why, why)
		__field(unsigned long, caller)
	),
	TP_fast_assign(
		compat_assign_str(pool, pool);
		__entry->block = block;
		compat_assign_str(why, why);
		__entry->caller = caller;
	),
	TP_printk("pool=%s block=%p why=\"%s\" caller=%pS", __get_str(pool), __entry->block,
		  __get_str(why), (void *)__entry->caller)
);

#endif /* _BP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH internal
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
