// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log, tracepoints, and rate limits.
 */
#include <stdarg.h>
#include <stdio.h>

#include <linux/tracepoint.h>

#include "control.h"

int shim_module_refs;
bool shim_module_going;

#define MESSAGE_BYTES	256

bool shim_verbose;
void (*shim_log_hook)(const char *message);
void (*shim_trace_hook)(const char *event, const char *text);

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long nr_warnings;
static unsigned long nr_messages;
static char last_message[MESSAGE_BYTES];

void shim_printk(bool warning, const char *fmt, ...)
{
	unsigned long flags = shim_irq_save();
	va_list args;

	pthread_mutex_lock(&log_lock);
	nr_messages++;
	nr_warnings += warning;
	va_start(args, fmt);
	vsnprintf(last_message, sizeof(last_message), fmt, args);
	va_end(args);
	if (shim_log_hook)
		shim_log_hook(last_message);
	if (shim_verbose)
		printf("# %s%s", warning ? "WARNING: " : "", last_message);
	pthread_mutex_unlock(&log_lock);
	shim_irq_restore(flags);
}

void shim_trace(const char *event, const char *fmt, ...)
{
	unsigned long flags = shim_irq_save();
	char text[MESSAGE_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	shim_trace_hook(event, text);
	shim_irq_restore(flags);
}

static unsigned long locked_read(const unsigned long *counter)
{
	unsigned long flags = shim_irq_save();
	unsigned long value;

	pthread_mutex_lock(&log_lock);
	value = *counter;
	pthread_mutex_unlock(&log_lock);
	shim_irq_restore(flags);
	return value;
}

unsigned long shim_warnings(void)
{
	return locked_read(&nr_warnings);
}

unsigned long shim_messages(void)
{
	return locked_read(&nr_messages);
}

const char *shim_last_message(void)
{
	return last_message;
}

bool __ratelimit(struct ratelimit_state *rs)
{
	unsigned int left = __atomic_load_n(&rs->left, __ATOMIC_RELAXED);

	return left && __atomic_compare_exchange_n(&rs->left, &left, left - 1, false,
						   __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
