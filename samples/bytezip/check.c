// SPDX-License-Identifier: GPL-2.0-only
/*
 * check - test that /dev/bytezip does what README.md says, and print KTAP
 *
 *	check [TEST]
 *
 * The test needs root, debugfs, and exclusive use of the device.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../expect.h"
#include "costs.h"

#define DEVICE		"/dev/bytezip"
#define RECORD_MAX	(128 << 10)

/* Records of RECORD_MAX bytes: @text packs well, and @noise does not pack. */
static unsigned char text[RECORD_MAX + 1], noise[RECORD_MAX];
static unsigned char in[RECORD_MAX];
static void *nowhere;	/* not mapped for reading or writing */
static int fd;

static bool takes(int to, const void *data, size_t size)
{
	return write(to, data, size) == (ssize_t)size;
}

static bool gives(int from, const void *data, size_t size)
{
	memset(in, 0x5a, sizeof(in));
	return read(from, in, sizeof(in)) == (ssize_t)size && !memcmp(in, data, size);
}

static const size_t sizes[] = {
	1, 2, 3, 7, 100, 4095, 4096, 4097, 16384, 16385, 65536, 100000, RECORD_MAX - 1, RECORD_MAX,
};

#define NR_SIZES	(sizeof(sizes) / sizeof(*sizes))

static void records_come_back(void)
{
	size_t i;

	for (i = 0; i < NR_SIZES; i++) {
		expect(takes(fd, text, sizes[i]));
		expect(gives(fd, text, sizes[i]));
		expect(takes(fd, noise, sizes[i]));
		expect(gives(fd, noise, sizes[i]));
	}
	for (i = NR_SIZES; i--; ) {
		expect(takes(fd, text, sizes[i]));
		expect(gives(fd, text, sizes[i]));
	}
}

/* Such a record takes the largest workspace, and packs quickly at every level. */
static void repeated_noise_comes_back(void)
{
	static unsigned char repeated[RECORD_MAX];
	struct cost then, now;
	size_t i;

	for (i = 0; i < RECORD_MAX; i++)
		repeated[i] = noise[i % 16384];
	expect(read_cost("pack", &then));
	expect(takes(fd, repeated, RECORD_MAX));
	expect(gives(fd, repeated, RECORD_MAX));
	expect(read_cost("pack", &now));
	expect(now.packed_bytes - then.packed_bytes < RECORD_MAX / 4);
}

static void record_can_be_read_again(void)
{
	expect(takes(fd, text, 5000));
	expect(gives(fd, text, 5000));
	expect(gives(fd, text, 5000));
}

static void files_have_records_of_their_own(void)
{
	int other = open(DEVICE, O_RDWR);

	expect(takes(fd, text, 3000));
	expect(read(other, in, sizeof(in)) == 0);
	expect(takes(other, noise, 9000));
	expect(gives(fd, text, 3000));
	expect(gives(other, noise, 9000));
	close(other);
	expect(gives(fd, text, 3000));
}

static void writev_is_one_record(void)
{
	struct iovec parts[] = { { text, 3 }, { text + 3, 5000 }, { text + 5003, 1 } };

	expect(writev(fd, parts, 3) == 5004);
	expect(gives(fd, text, 5004));
}

static void empty_calls_change_nothing(void)
{
	expect(takes(fd, text, 77));
	expect(write(fd, text, 0) == 0);
	expect(read(fd, in, 0) == 0);
	expect(gives(fd, text, 77));
}

static void too_large_is_refused(void)
{
	expect(takes(fd, text, 77));
	expect(fails(write(fd, text, RECORD_MAX + 1), EMSGSIZE));
	expect(gives(fd, text, 77));
}

static void short_read_is_refused(void)
{
	expect(takes(fd, text, 1000));
	expect(fails(read(fd, in, 999), EMSGSIZE));
	expect(gives(fd, text, 1000));
}

static void bad_buffers_change_nothing(void)
{
	struct iovec from[] = { { text, 1000 }, { nowhere, 1000 } };
	struct iovec to[] = { { in, 1000 }, { nowhere, RECORD_MAX } };

	expect(takes(fd, text, 2000));
	expect(fails(write(fd, nowhere, 1000), EFAULT));
	expect(fails(writev(fd, from, 2), EFAULT));
	expect(fails(read(fd, nowhere, RECORD_MAX), EFAULT));
	expect(fails(readv(fd, to, 2), EFAULT));
	expect(gives(fd, text, 2000));
}

static void costs_are_counted(void)
{
	struct cost pack, unpack, now;

	expect(read_cost("pack", &pack) && read_cost("unpack", &unpack));
	expect(takes(fd, text, RECORD_MAX) && takes(fd, noise, 5000));
	expect(gives(fd, noise, 5000));

	expect(read_cost("pack", &now));
	expect(now.records == pack.records + 2);
	expect(now.plain_bytes == pack.plain_bytes + RECORD_MAX + 5000);
	expect(now.packed_bytes < pack.packed_bytes + RECORD_MAX / 10 + 5000);
	expect(now.packed_bytes > pack.packed_bytes + 5000);
	expect(now.alloc_ns > pack.alloc_ns);
	expect(now.total_ns - pack.total_ns > now.alloc_ns - pack.alloc_ns);

	expect(read_cost("unpack", &now));
	expect(now.records == unpack.records + 1);
	expect(now.plain_bytes == unpack.plain_bytes + 5000);
	expect(now.packed_bytes == unpack.packed_bytes + 5000);
	expect(now.alloc_ns > unpack.alloc_ns);
}

#define CROWD		4
#define CROWD_RECORDS	64

/*
 * Write slices that differ from child to child, to the child's own file and to
 * a shared one.
 */
static void crowd_member(int nr)
{
	int own = open(DEVICE, O_RDWR), i;

	for (i = 0; i < CROWD_RECORDS; i++) {
		size_t size = 1 + (nr + 1) * 7919 * i % 50000, shift = nr * 1000 + i;
		const unsigned char *from = i % 4 ? text : noise;

		expect(takes(own, from + shift, size));
		expect(takes(fd, text, size));
		expect(gives(own, from + shift, size));
		expect(read(fd, in, sizeof(in)) > 0 && !memcmp(in, text, 1));
	}
	close(own);
}

static void crowd_mixes_nothing(void)
{
	int status, i;

	fflush(stdout);
	for (i = 0; i < CROWD; i++) {
		if (!fork()) {
			alarm(60);
			crowd_member(i);
			fflush(stdout);
			_exit(failures ? 1 : 0);
		}
	}
	for (i = 0; i < CROWD; i++)
		expect(wait(&status) > 0 && !status);
}

#define TEST(name) { #name, name }

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	TEST(records_come_back),
	TEST(repeated_noise_comes_back),
	TEST(record_can_be_read_again),
	TEST(files_have_records_of_their_own),
	TEST(writev_is_one_record),
	TEST(empty_calls_change_nothing),
	TEST(too_large_is_refused),
	TEST(short_read_is_refused),
	TEST(bad_buffers_change_nothing),
	TEST(costs_are_counted),
	TEST(crowd_mixes_nothing),
};

/* Make text that repeats itself every few hundred bytes, but not exactly. */
static void make_data(void)
{
	unsigned long long state = 1;
	size_t i;

	for (i = 0; i < sizeof(noise); i++) {
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		noise[i] = state >> 56;
	}
	for (i = 0; i < sizeof(text); i++)
		text[i] = i % 1000 ? 'a' + i % 300 % 26 : '0' + i / 1000 % 64;
}

static bool run_test(size_t i, int nr)
{
	failures = 0;
	alarm(60);
	tests[i].run();
	printf("%s %d - %s\n", failures ? "not ok" : "ok", nr, tests[i].name);
	return !failures;
}

int main(int argc, char **argv)
{
	size_t i, nr = sizeof(tests) / sizeof(*tests);
	int failed = 0, done = 0;

	make_data();
	nowhere = mmap(NULL, RECORD_MAX, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fd = open(DEVICE, O_RDWR);
	if (fd < 0 || nowhere == MAP_FAILED) {
		printf("Bail out! %s: %s\n", DEVICE, strerror(errno));
		return 1;
	}

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n");
	for (i = 0; i < nr; i++)
		if (argc < 2 || !strcmp(argv[1], tests[i].name))
			failed += !run_test(i, ++done);
	printf("1..%d\n", done);
	return failed || !done;
}
