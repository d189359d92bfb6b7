// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz-corpus DIRECTORY: run the fuzz target over the inputs kept there, twice each. The two
 * runs must be the same.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "test.h"

#define INPUT_MAX	4096

static const char *corpus;

static size_t file_read(const char *name, u8 *data)
{
	char path[1024];
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", corpus, name);
	file = fopen(path, "r");
	EXPECT(file);
	if (file) {
		size = fread(data, 1, INPUT_MAX, file);
		fclose(file);
	}
	return size;
}

static void replay(const char *name)
{
	u8 data[INPUT_MAX];
	size_t size = file_read(name, data);
	u64 first;

	LLVMFuzzerTestOneInput(data, size);
	first = fuzz_trace;
	LLVMFuzzerTestOneInput(data, size);
	test_expect(first == fuzz_trace, name, __FILE__, __LINE__);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char * const *)a, *(char * const *)b);
}

static void replay_all(void)
{
	static char *names[4096];
	DIR *dir = opendir(corpus);
	struct dirent *entry;
	unsigned long warnings = shim_warnings();
	size_t nr = 0, i;

	EXPECT(dir);
	while (dir && (entry = readdir(dir)) && nr < ARRAY_SIZE(names)) {
		if (*entry->d_name != '.')
			names[nr++] = strdup(entry->d_name);
	}
	if (dir)
		closedir(dir);
	EXPECT(nr);
	qsort(names, nr, sizeof(*names), by_name);
	for (i = 0; i < nr; i++) {
		replay(names[i]);
		free(names[i]);
	}
	printf("# %zu inputs\n", nr);
	test_expect_warnings(shim_warnings() - warnings);
}

static const struct test tests[] = {
	{ "the inputs in fuzz-corpus/", replay_all },
	{}
};

int main(int argc, char **argv)
{
	corpus = argc > 1 ? argv[1] : "fuzz-corpus";
	LLVMFuzzerInitialize(&argc, &argv);
	return test_main(tests);
}
