// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers that several topics share.
 */
#include <stdio.h>

#include "checked.h"

#define LOG_BYTES	65536

char log_text[LOG_BYTES];
static size_t log_len;

static void note_message(const char *message)
{
	log_len += snprintf(log_text + log_len, LOG_BYTES - log_len, "%s", message);
	log_len = min(log_len, (size_t)LOG_BYTES - 1);
}

void log_start(void)
{
	log_len = 0;
	log_text[0] = '\0';
	shim_log_hook = note_message;
}

unsigned int log_count(const char *text)
{
	const char *at = log_text;
	unsigned int nr = 0;

	while ((at = strstr(at, text))) {
		at++;
		nr++;
	}
	return nr;
}

void log_stop(void)
{
	shim_log_hook = NULL;
}

__attribute__((no_sanitize("address")))
void scribble(u8 *p, u8 value)
{
	WRITE_ONCE(*p, value);
}

noinline void *alloc_here(u32 size)
{
	void *p = bytepool_alloc(pool, size, GFP_KERNEL);

	barrier();	/* prevent a tail call, because this function is the recorded caller */
	return p;
}
