// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log, and text.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sanitizer/common_interface_defs.h>

#include <linux/tracepoint.h>

#include "control.h"

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

void shim_die(const char *fmt, ...)
{
	va_list args;

	shim_irq_save();
	fflush(stdout);
	printf("# the kernel would say: ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\nBail out!\n");
	fflush(stdout);
	__sanitizer_print_stack_trace();
	abort();	/* a fuzzer keeps what led here */
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

ssize_t strscpy(char *to, const char *from, size_t size)
{
	size_t len = strnlen(from, size - 1);

	memcpy(to, from, len);
	to[len] = '\0';
	return from[len] ? -E2BIG : (ssize_t)len;
}

void *memchr_inv(const void *p, int c, size_t size)
{
	const u8 *byte = p;

	/* Mostly all bytes are the same, and then this is fast. */
	if (size && *byte == (u8)c && !memcmp(byte, byte + 1, size - 1))
		return NULL;
	for (; size && *byte == (u8)c; size--)
		byte++;
	return size ? (void *)byte : NULL;
}

/* As the kernel's: no spaces, no sign but a plus, one newline at most at the end. */
int kstrtoul(const char *text, unsigned int base, unsigned long *value)
{
	char *end;

	text += *text == '+';
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*value = strtoul(text, &end, base);
	if (errno)
		return -ERANGE;
	end += *end == '\n';
	return *end ? -EINVAL : 0;
}

int kstrtouint(const char *text, unsigned int base, unsigned int *value)
{
	unsigned long wide;
	int err = kstrtoul(text, base, &wide);

	if (err)
		return err;
	if (wide > UINT_MAX)
		return -ERANGE;
	*value = wide;
	return 0;
}

int sysfs_emit(char *buf, const char *fmt, ...)
{
	unsigned long flags = shim_irq_save();
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(buf, PAGE_SIZE, fmt, args);
	va_end(args);
	shim_irq_restore(flags);
	return len;
}

bool sysfs_streq(const char *a, const char *b)
{
	size_t len_a = strcspn(a, "\n"), len_b = strcspn(b, "\n");

	return len_a == len_b && !memcmp(a, b, len_a) &&
	       !a[len_a + (a[len_a] == '\n')] && !b[len_b + (b[len_b] == '\n')];
}
