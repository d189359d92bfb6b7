// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text: strings, numbers, and the output of sysfs files.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "control.h"

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

	/* Usually all bytes are the same, and then this is fast. */
	if (size && *byte == (u8)c && !memcmp(byte, byte + 1, size - 1))
		return NULL;
	for (; size && *byte == (u8)c; size--)
		byte++;
	return size ? (void *)byte : NULL;
}

/* Parse like the kernel: no spaces, no sign but a plus, at most one newline at the end. */
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
