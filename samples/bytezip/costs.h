/* SPDX-License-Identifier: GPL-2.0-only */
/* The costs that bytezip shows in debugfs. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct cost {
	long long records, plain_bytes, packed_bytes, total_ns, alloc_ns;
};

/* Read the line that begins with @call, "pack" or "unpack". Return true if it is there. */
static bool read_cost(const char *call, struct cost *c)
{
	FILE *f = fopen("/sys/kernel/debug/bytezip/costs", "r");
	char line[256], name[16];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%15s %lld %lld %lld %lld %lld", name, &c->records,
			       &c->plain_bytes, &c->packed_bytes, &c->total_ns,
			       &c->alloc_ns) == 6 && !strcmp(name, call);
	if (f)
		fclose(f);
	return found;
}
