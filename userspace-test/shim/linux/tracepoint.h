/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints. Each makes its record and its text while a test listens.
 */
#ifndef SHIM_TRACEPOINT_H
#define SHIM_TRACEPOINT_H

#include "../shim.h"

extern void (*shim_trace_hook)(const char *event, const char *text);
__printf(2, 3) void shim_trace(const char *event, const char *fmt, ...);

#define TP_PROTO(...)		__VA_ARGS__
#define TP_ARGS(...)		__VA_ARGS__
#define TP_STRUCT__entry(...)	__VA_ARGS__
#define TP_fast_assign(...)	__VA_ARGS__
#define TP_printk(...)		__VA_ARGS__
#define __field(type, name)	type name;
#define __string(name, source)	char name##_text[64];
#define __get_str(name)		(__entry->name##_text)
#define __assign_str(name, ...)	\
	strscpy(__entry->name##_text, name, sizeof(__entry->name##_text))
#define show_gfp_flags(gfp)	((gfp) ? "some" : "none")

#define TRACE_EVENT(event, proto, args, fields, assign, ...)			\
struct shim_trace_##event {							\
	fields									\
};										\
static inline bool trace_##event##_enabled(void)				\
{										\
	return unlikely(__atomic_load_n(&shim_trace_hook, __ATOMIC_RELAXED));				\
}										\
static inline void trace_##event(proto)						\
{										\
	struct shim_trace_##event record, *__entry = &record;			\
										\
	if (trace_##event##_enabled()) {					\
		assign								\
		shim_trace(#event, __VA_ARGS__);				\
	}									\
}

#endif /* SHIM_TRACEPOINT_H */
