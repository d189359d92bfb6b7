/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints. Each makes its record and its text while a test listens.
 */
#ifndef SHIM_TRACEPOINT_H
#define SHIM_TRACEPOINT_H

#include "../shim.h"

struct shim_trace_fn {
	int (*begin)(void);
	void (*end)(void);
	struct shim_trace_fn *next;
};

extern void (*shim_trace_hook)(const char *event, const char *text);
void shim_trace_add(struct shim_trace_fn *fn);
__printf(2, 3) void shim_trace(const char *event, const char *fmt, ...);

/* In parentheses, each is one argument of the next macro. */
#define TP_PROTO(...)		(__VA_ARGS__)
#define TP_ARGS(...)		(__VA_ARGS__)
#define TP_STRUCT__entry(...)	(__VA_ARGS__)
#define TP_fast_assign(...)	(__VA_ARGS__)
#define TP_printk(...)		(__VA_ARGS__)
#define SHIM_BARE(...)		__VA_ARGS__
#define __field(type, name)	type name;
#define __string(name, source)	char name##_text[64];
#define __get_str(name)		(__entry->name##_text)
#define __assign_str(name, ...)	\
	strscpy(__entry->name##_text, name, sizeof(__entry->name##_text))
#define show_gfp_flags(gfp)	((gfp) ? "some" : "none")

#define TRACE_EVENT(event, proto, args, fields, assign, print)			\
struct shim_trace_##event {							\
	SHIM_BARE fields							\
};										\
static inline bool trace_##event##_enabled(void)				\
{										\
	return unlikely(__atomic_load_n(&shim_trace_hook, __ATOMIC_RELAXED));				\
}										\
static inline void trace_##event proto						\
{										\
	struct shim_trace_##event record, *__entry = &record;			\
										\
	if (trace_##event##_enabled()) {					\
		SHIM_BARE assign						\
		shim_trace(#event, SHIM_BARE print);				\
	}									\
}

/* A tracepoint that is told when it is enabled and disabled. */
#define TRACE_EVENT_FN(event, proto, args, fields, assign, print, begin, end)	\
TRACE_EVENT(event, proto, args, fields, assign, print)				\
SHIM_TRACE_FN(event, begin, end)

#ifdef CREATE_TRACE_POINTS
#define SHIM_TRACE_FN(event, begin, end)					\
__attribute__((constructor)) static void shim_trace_add_##event(void)		\
{										\
	static struct shim_trace_fn fn = { begin, end, NULL };			\
										\
	shim_trace_add(&fn);							\
}
#else
#define SHIM_TRACE_FN(event, begin, end)
#endif

#endif /* SHIM_TRACEPOINT_H */
