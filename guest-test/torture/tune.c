// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread that writes to the files of sysfs
 *
 * It writes valid and invalid values to every writable file, and reads them back. Nothing else
 * writes to these files while the test runs.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/kernel.h>
#include <linux/path.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "../lib/worker.h"
#include "pools.h"
#include "random.h"
#include "report.h"
#include "tune.h"

#define SYSFS		"sys/kernel/bytepool"
#define PATH_LENGTH	160U
#define VALUE_LENGTH	32U

static const char * const module_files[] = { "idle_timeout_ms", "gc_interval_ms" };
static const char * const wrong_values[] = {
	"x", "-1", "1x", "18446744073709551616", "0x", "defaul", "1 2",
};

/* Root directory of the task that loads the module. A kernel thread may have an empty one. */
static struct path root;
static u64 tune_rnd;
static char before[ARRAY_SIZE(module_files)][VALUE_LENGTH];

/* Return the number of bytes written, or -errno. */
static ssize_t file_write(const char *path, const char *value)
{
	struct file *file = file_open_root(&root, path, O_WRONLY, 0);
	loff_t pos = 0;
	ssize_t written;

	if (IS_ERR(file))
		return PTR_ERR(file);
	written = kernel_write(file, value, strlen(value), &pos);
	filp_close(file, NULL);
	return written;
}

static int file_read(const char *path, char *value)
{
	struct file *file = file_open_root(&root, path, O_RDONLY, 0);
	loff_t pos = 0;
	ssize_t got;

	if (IS_ERR(file))
		return PTR_ERR(file);
	got = kernel_read(file, value, VALUE_LENGTH - 1, &pos);
	filp_close(file, NULL);
	if (got < 0)
		return got;
	value[got] = '\0';
	strim(value);
	return 0;
}

/* Write a valid value. If @reads, check that the file has it then. */
static void tune(const char *path, const char *value, bool reads)
{
	char now[VALUE_LENGTH] = "";
	ssize_t written = file_write(path, value);
	int err = reads ? file_read(path, now) : 0;

	if (written != strlen(value) || err || (reads && strcmp(now, value)))
		torture_error(ERROR_TUNE, "%s: wrote %s: %zd, and read \"%s\": %d", path, value,
			      written, now, err);
	else
		totals.tunings++;
}

/* Check that an invalid value is refused, and changes nothing. */
static void tune_wrong(const char *path)
{
	const char *value = wrong_values[random_below(&tune_rnd, ARRAY_SIZE(wrong_values))];
	char was[VALUE_LENGTH] = "", now[VALUE_LENGTH] = "";
	ssize_t written;

	if (file_read(path, was))
		return;
	written = file_write(path, value);
	if ((written != -EINVAL && written != -ERANGE) || file_read(path, now) || strcmp(was, now))
		torture_error(ERROR_TUNE, "%s: wrote %s: %zd, \"%s\" before and \"%s\" after", path,
			      value, written, was, now);
}

static void module_path(char *path, const char *file)
{
	snprintf(path, PATH_LENGTH, SYSFS "/%s", file);
}

static void pool_path(char *path, const struct torture_pool *tp, const char *file)
{
	snprintf(path, PATH_LENGTH, SYSFS "/pools/%s/%s", tp->name, file);
}

static const char *random_of(const char * const *values, u32 nr)
{
	return values[random_below(&tune_rnd, nr)];
}

#define RANDOM_OF(...) ({						\
	static const char * const _values[] = { __VA_ARGS__ };		\
									\
	random_of(_values, ARRAY_SIZE(_values));			\
})

static void tune_module(void)
{
	char path[PATH_LENGTH];

	switch (random_below(&tune_rnd, 8)) {
	case 0:
		module_path(path, "trim");
		tune(path, "1", false);
		break;
	case 1:
		module_path(path, random_of(module_files, ARRAY_SIZE(module_files)));
		tune_wrong(path);
		break;
	case 2:
	case 3:
		module_path(path, "gc_interval_ms");
		tune(path, RANDOM_OF("10", "11", "30", "100"), true);
		break;
	default:
		module_path(path, "idle_timeout_ms");
		tune(path, RANDOM_OF("0", "1", "20", "100", "500"), true);
		break;
	}
}

/* Set a limit for a moment. A low limit trims idle memory, and allocations fail. */
static void tune_limit(const struct torture_pool *tp)
{
	char path[PATH_LENGTH];

	pool_path(path, tp, "limit_bytes");
	tune(path, RANDOM_OF("1", "65536", "1000000", "16777216"), true);
	usleep_range(100, 2000);
	tune_wrong(path);
	tune(path, "0", true);
}

static void tune_pool(const struct torture_pool *tp)
{
	char path[PATH_LENGTH];

	switch (random_below(&tune_rnd, 5)) {
	case 0:
		pool_path(path, tp, "gc");
		tune(path, "1", false);
		break;
	case 1:
		pool_path(path, tp, "trim");
		tune(path, "1", false);
		break;
	case 2:
		pool_path(path, tp, "idle_timeout_ms");
		tune_wrong(path);
		break;
	case 3:
		pool_path(path, tp, "idle_timeout_ms");
		tune(path, RANDOM_OF("default", "0", "1", "10", "200"), true);
		break;
	case 4:
		if (tp->tuned)
			tune_limit(tp);
		break;
	}
}

static void tune_fn(struct worker *w)
{
	char path[PATH_LENGTH];

	while (!worker_stopping(w)) {
		if (random_below(&tune_rnd, 4))
			tune_pool(pool_random(&tune_rnd));
		else
			tune_module();
		usleep_range(200, 5000);
	}
	pool_path(path, &torture_pools[0], "idle_timeout_ms");
	tune(path, "default", true);
}

static struct worker tuner = { .fn = tune_fn, .cpu = -1 };

int tune_start(void)
{
	char path[PATH_LENGTH];
	unsigned int i;
	int err;

	tune_rnd = get_random_u64() | 1;
	get_fs_root(current->fs, &root);
	for (i = 0; i < ARRAY_SIZE(module_files); i++) {
		module_path(path, module_files[i]);
		err = file_read(path, before[i]);
		if (err)
			return err;
	}
	return worker_start(&tuner, "torture-tuner");
}

/* Restore the values from before the test. */
static void restore(void)
{
	char path[PATH_LENGTH];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(module_files); i++) {
		module_path(path, module_files[i]);
		tune(path, before[i], true);
	}
}

void tune_stop(void)
{
	if (tuner.task) {
		worker_stop(&tuner);
		restore();
	}
	path_put(&root);
}
