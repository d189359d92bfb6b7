// SPDX-License-Identifier: GPL-2.0-only
/*
 * feed - pass real data through /dev/bytezip, and print what that costs
 *
 *	feed FILE RECORD_SIZE PASSES PROCESSES
 *
 * In each pass, every process writes the whole of FILE, in records. In as many
 * further passes, every process writes each record, reads it back and compares.
 * The output is a line for the writing and a line for the reading. Each of the
 * last two numbers is the least of all passes:
 *
 *	pack|unpack RECORDS PLAIN_BYTES PACKED_BYTES TOTAL_NS ALLOC_NS
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "costs.h"

#define DEVICE		"/dev/bytezip"
#define RECORD_MAX	(128 << 10)

static char *data;
static size_t size, record_size;

static int open_or_die(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void load(const char *path)
{
	int fd = open_or_die(path, O_RDONLY);
	struct stat st;
	size_t done;
	ssize_t got;

	if (fstat(fd, &st))
		err(1, "%s", path);
	size = st.st_size;
	data = malloc(size);
	if (!size || !data)
		errx(1, "%s: no memory for %zu bytes", path, size);
	for (done = 0; done < size; done += got) {
		got = read(fd, data + done, size - done);
		if (got <= 0)
			err(1, "%s", path);
	}
	close(fd);
}

static struct cost read_cost_or_die(const char *call)
{
	struct cost c;

	if (!read_cost(call, &c))
		errx(1, "no costs for %s", call);
	return c;
}

static size_t length_at(size_t offset)
{
	return size - offset < record_size ? size - offset : record_size;
}

static void write_record(int fd, size_t offset)
{
	if (write(fd, data + offset, length_at(offset)) != (ssize_t)length_at(offset))
		err(1, "write at %zu", offset);
}

static void write_all(int fd)
{
	size_t offset;

	for (offset = 0; offset < size; offset += record_size)
		write_record(fd, offset);
}

/* Write each record, read it back and compare. */
static void write_and_read_all(int fd)
{
	static char back[RECORD_MAX];
	size_t offset, length;

	for (offset = 0; offset < size; offset += record_size) {
		length = length_at(offset);
		write_record(fd, offset);
		memset(back, 0, length);
		if (read(fd, back, length) != (ssize_t)length)
			err(1, "read at %zu", offset);
		if (memcmp(back, data + offset, length))
			errx(1, "wrong data at %zu", offset);
	}
}

/* Run a process. All processes begin when the pipe to them is closed. */
static void run_process(void (*work)(int fd), int go, int other_end)
{
	int fd = open_or_die(DEVICE, O_RDWR);
	char c;

	close(other_end);
	if (read(go, &c, 1))
		err(1, "waiting for the other processes");
	work(fd);
	_exit(0);
}

static void run_processes(void (*work)(int fd), int processes)
{
	int go[2], status, i;

	if (pipe(go))
		err(1, "pipe");
	for (i = 0; i < processes; i++)
		if (!fork())
			run_process(work, go[0], go[1]);
	close(go[0]);
	close(go[1]);
	for (i = 0; i < processes; i++)
		if (wait(&status) < 0 || status)
			errx(1, "a process failed");
}

static void keep_least(long long *least, long long now, long long then)
{
	if (!*least || now - then < *least)
		*least = now - then;
}

static void run_passes(const char *call, void (*work)(int fd), int passes, int processes)
{
	long long total_ns = 0, alloc_ns = 0;
	struct cost then, now;

	while (passes--) {
		then = read_cost_or_die(call);
		run_processes(work, processes);
		now = read_cost_or_die(call);
		keep_least(&total_ns, now.total_ns, then.total_ns);
		keep_least(&alloc_ns, now.alloc_ns, then.alloc_ns);
	}
	printf("%s %lld %lld %lld %lld %lld\n", call, now.records - then.records,
	       now.plain_bytes - then.plain_bytes, now.packed_bytes - then.packed_bytes,
	       total_ns, alloc_ns);
}

int main(int argc, char **argv)
{
	int passes, processes;

	if (argc != 5)
		errx(2, "usage: feed FILE RECORD_SIZE PASSES PROCESSES");
	load(argv[1]);
	record_size = strtoul(argv[2], NULL, 0);
	passes = atoi(argv[3]);
	processes = atoi(argv[4]);
	if (!record_size || record_size > RECORD_MAX || passes < 1 || processes < 1)
		errx(2, "argument out of range");

	run_passes("pack", write_all, passes, processes);
	run_passes("unpack", write_and_read_all, passes, processes);
	return 0;
}
