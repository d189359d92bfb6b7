// SPDX-License-Identifier: GPL-2.0-only
/*
 * check - test that /dev/bytefifo does what README.md says, and print KTAP
 *
 * The test needs root, exclusive use of the device, and the module loaded with
 * max_bytes=8388608 (two messages of the largest size) and max_messages=64. A
 * child that has to block gets DELAY to do so. If the machine is slower than
 * that, no test fails, but a test may pass without having tested.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../expect.h"

#define DEVICE		"/dev/bytefifo"
#define MESSAGE_MAX	(4u << 20)
#define MAX_MESSAGES	64
#define DELAY		200000

static unsigned char *out, *in;
static void *nowhere;	/* not mapped for reading or writing */
static int fd;		/* O_NONBLOCK */
static int blocking;

static bool sends(size_t size)
{
	return write(fd, out, size) == (ssize_t)size;
}

static bool receives(size_t size)
{
	memset(in, 0, size);
	return read(fd, in, MESSAGE_MAX) == (ssize_t)size && !memcmp(in, out, size);
}

static bool is_empty(void)
{
	return fails(read(fd, in, MESSAGE_MAX), EAGAIN);
}

static int ready(short events, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, timeout_ms) < 0 ? -1 : p.revents;
}

/* Start a child that runs what(). Its exit status is 0 if no expectation failed. */
static pid_t start(void (*what)(void))
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		alarm(20);
		failures = 0;
		what();
		fflush(stdout);
		_exit(failures ? 1 : 0);
	}
	usleep(DELAY);
	return pid;
}

static bool still_runs(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == 0;
}

static bool succeeds(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

static void messages_come_back(void)
{
	static const size_t sizes[] = {
		1, 7, 8, 9, 4095, 4096, 4097, 65536, 65537, (1 << 20) + 3, MESSAGE_MAX - 1,
		MESSAGE_MAX,
	};
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		expect(sends(sizes[i]));
		expect(receives(sizes[i]));
	}
}

static void messages_keep_order(void)
{
	expect(sends(10) && sends(100000) && sends(1));
	expect(receives(10) && receives(100000) && receives(1));
}

static void writev_is_one_message(void)
{
	struct iovec parts[] = { { out, 3 }, { out + 3, 5000 }, { out + 5003, 1 } };

	expect(writev(fd, parts, 3) == 5004);
	expect(receives(5004));
}

static void empty_writes_queue_nothing(void)
{
	expect(write(fd, out, 0) == 0);
	expect(is_empty());
	expect(sends(5));
	expect(read(fd, in, 0) == 0);
	expect(receives(5));
}

static void too_large_is_refused(void)
{
	expect(fails(write(fd, out, MESSAGE_MAX + 1), EMSGSIZE));
	expect(fails(write(blocking, out, MESSAGE_MAX + 1), EMSGSIZE));
}

static void short_read_leaves_message(void)
{
	expect(sends(1000));
	expect(fails(read(fd, in, 999), EMSGSIZE));
	expect(fails(read(blocking, in, 1), EMSGSIZE));
	expect(receives(1000));
}

static void bytes_are_bounded(void)
{
	expect(sends(MESSAGE_MAX) && sends(MESSAGE_MAX - 1));
	expect(fails(write(fd, out, 2), EAGAIN));
	expect(sends(1));
	expect(fails(write(fd, out, 1), EAGAIN));
	expect(receives(MESSAGE_MAX));
	expect(sends(MESSAGE_MAX));
	expect(receives(MESSAGE_MAX - 1) && receives(1) && receives(MESSAGE_MAX));
}

static void messages_are_bounded(void)
{
	int i;

	for (i = 0; i < MAX_MESSAGES; i++)
		expect(sends(1));
	expect(fails(write(fd, out, 1), EAGAIN));
	for (i = 0; i < MAX_MESSAGES; i++)
		expect(receives(1));
}

static void poll_says_what_fits(void)
{
	expect(ready(POLLIN | POLLOUT, 0) == POLLOUT);
	expect(sends(MESSAGE_MAX));
	expect(ready(POLLIN | POLLOUT, 0) == (POLLIN | POLLOUT));
	expect(sends(1));
	expect(ready(POLLIN | POLLOUT, 0) == POLLIN);
	expect(receives(MESSAGE_MAX) && receives(1));
}

static void child_polls_in(void)
{
	expect(ready(POLLIN, -1) == POLLIN);
}

static void child_polls_out(void)
{
	expect(ready(POLLOUT, -1) == POLLOUT);
}

static void poll_wakes_up(void)
{
	pid_t pid = start(child_polls_in);

	expect(still_runs(pid));
	expect(sends(MESSAGE_MAX));
	expect(succeeds(pid));

	expect(sends(1));
	pid = start(child_polls_out);
	expect(still_runs(pid));
	expect(receives(MESSAGE_MAX));
	expect(succeeds(pid));
	expect(receives(1));
}

static void child_reads(void)
{
	expect(read(blocking, in, MESSAGE_MAX) == 12345 && !memcmp(in, out, 12345));
}

static void child_reads_too_little(void)
{
	expect(fails(read(blocking, in, 10), EMSGSIZE));
}

static void child_writes(void)
{
	expect(write(blocking, out, MESSAGE_MAX) == MESSAGE_MAX);
}

static void read_waits(void)
{
	pid_t pid = start(child_reads);

	expect(still_runs(pid));
	expect(sends(12345));
	expect(succeeds(pid));
}

/* The wakeup goes to the first reader, whose buffer is too small for the message. */
static void short_read_passes_on(void)
{
	pid_t first = start(child_reads_too_little), second = start(child_reads);

	expect(still_runs(first) && still_runs(second));
	expect(sends(12345));
	expect(succeeds(first) && succeeds(second));
}

/* While a writer waits for room, smaller messages that would fit wait behind it. */
static void write_waits_its_turn(void)
{
	pid_t pid;

	expect(sends(MESSAGE_MAX) && sends(1000));
	pid = start(child_writes);
	expect(still_runs(pid));
	expect(fails(write(fd, out, 1), EAGAIN));
	expect(receives(MESSAGE_MAX));
	expect(succeeds(pid));
	expect(sends(1));
	expect(receives(1000) && receives(MESSAGE_MAX) && receives(1));
}

static void on_signal(int signal)
{
	(void)signal;
}

static void catch_signal(int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(SIGUSR1, &action, NULL);
}

static void child_reads_interrupted(void)
{
	catch_signal(0);
	expect(fails(read(blocking, in, MESSAGE_MAX), EINTR));
}

static void child_reads_restarted(void)
{
	catch_signal(SA_RESTART);
	child_reads();
}

static void child_writes_interrupted(void)
{
	catch_signal(0);
	expect(fails(write(blocking, out, MESSAGE_MAX), EINTR));
}

static void signals_end_a_wait(void)
{
	pid_t pid = start(child_reads_interrupted), second;

	expect(still_runs(pid) && !kill(pid, SIGUSR1));
	expect(succeeds(pid));

	pid = start(child_reads_restarted);
	expect(!kill(pid, SIGUSR1));
	usleep(DELAY);
	expect(still_runs(pid) && sends(12345));
	expect(succeeds(pid));

	/* The second writer waits for the turn of the first. */
	expect(sends(MESSAGE_MAX) && sends(MESSAGE_MAX));
	pid = start(child_writes_interrupted);
	second = start(child_writes_interrupted);
	expect(still_runs(pid) && still_runs(second));
	expect(!kill(second, SIGUSR1) && succeeds(second));
	expect(!kill(pid, SIGUSR1) && succeeds(pid));
	expect(receives(MESSAGE_MAX) && receives(MESSAGE_MAX) && is_empty());
}

/* Write more than the queue can take, to notice a failed write that kept its room. */
static void bad_write_costs_nothing(void)
{
	struct iovec parts[] = { { out, 1 << 20 }, { nowhere, 1 << 20 } };
	int i;

	for (i = 0; i < 2 * MAX_MESSAGES; i++) {
		expect(fails(write(fd, nowhere, 1 << 20), EFAULT));
		expect(fails(writev(fd, parts, 2), EFAULT));
	}
	expect(is_empty());
	expect(sends(MESSAGE_MAX) && sends(MESSAGE_MAX));
	expect(receives(MESSAGE_MAX) && receives(MESSAGE_MAX));
}

static void bad_read_loses_nothing(void)
{
	struct iovec parts[] = { { in, 1000 }, { nowhere, MESSAGE_MAX } };

	expect(sends(2000) && sends(3000));
	expect(fails(read(fd, nowhere, MESSAGE_MAX), EFAULT));
	expect(receives(2000));
	expect(sends(4000));
	expect(fails(readv(fd, parts, 2), EFAULT));
	expect(receives(3000) && receives(4000));
}

#define CROWD		4
#define CROWD_MESSAGES	500

/* seen counts the messages of each writer. The children share it. */
static unsigned char (*seen)[CROWD_MESSAGES];
static int whoami;

struct crowd_message {
	int writer;
	int nr;
	unsigned char fill[60000];
};

static void crowd_writes(void)
{
	struct crowd_message *msg = (void *)in;

	msg->writer = whoami;
	memset(msg->fill, whoami, sizeof(msg->fill));
	for (msg->nr = 0; msg->nr < CROWD_MESSAGES; msg->nr++) {
		size_t size = 8 + msg->nr * 997 % sizeof(msg->fill);

		expect(write(blocking, msg, size) == (ssize_t)size);
	}
}

static void crowd_reads(void)
{
	struct crowd_message *msg = (void *)in;
	int last[CROWD] = { 0 }, i;

	for (i = 0; i < CROWD_MESSAGES; i++) {
		ssize_t size = read(blocking, msg, sizeof(*msg));

		expect(size == (ssize_t)(8 + msg->nr * 997 % sizeof(msg->fill)));
		expect(msg->writer >= 0 && msg->writer < CROWD && msg->nr >= last[msg->writer]);
		last[msg->writer] = msg->nr;
		for (size -= 8; size > 0; size--)
			expect(msg->fill[size - 1] == msg->writer);
		__atomic_fetch_add(&seen[msg->writer][msg->nr], 1, __ATOMIC_RELAXED);
	}
}

static void crowd_loses_nothing(void)
{
	pid_t pids[2 * CROWD];
	int i, j;

	for (whoami = 0; whoami < CROWD; whoami++) {
		pids[2 * whoami] = start(crowd_reads);
		pids[2 * whoami + 1] = start(crowd_writes);
	}
	for (i = 0; i < 2 * CROWD; i++)
		expect(succeeds(pids[i]));
	for (i = 0; i < CROWD; i++)
		for (j = 0; j < CROWD_MESSAGES; j++)
			expect(seen[i][j] == 1);
	expect(is_empty());
}

#define TEST(name) { #name, name }

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	TEST(messages_come_back),
	TEST(messages_keep_order),
	TEST(writev_is_one_message),
	TEST(empty_writes_queue_nothing),
	TEST(too_large_is_refused),
	TEST(short_read_leaves_message),
	TEST(bytes_are_bounded),
	TEST(messages_are_bounded),
	TEST(poll_says_what_fits),
	TEST(poll_wakes_up),
	TEST(read_waits),
	TEST(short_read_passes_on),
	TEST(write_waits_its_turn),
	TEST(signals_end_a_wait),
	TEST(bad_write_costs_nothing),
	TEST(bad_read_loses_nothing),
	TEST(crowd_loses_nothing),
};

static void *map(size_t size, int prot)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		printf("Bail out! no memory\n");
		exit(1);
	}
	return p;
}

int main(void)
{
	size_t i, nr = sizeof(tests) / sizeof(*tests);
	int failed = 0;

	out = map(MESSAGE_MAX + 4096, PROT_READ | PROT_WRITE);
	seen = map(CROWD * sizeof(*seen), PROT_READ | PROT_WRITE);
	nowhere = map(MESSAGE_MAX, PROT_NONE);
	in = malloc(MESSAGE_MAX);
	fd = open(DEVICE, O_RDWR | O_NONBLOCK);
	blocking = open(DEVICE, O_RDWR);
	if (!in || fd < 0 || blocking < 0) {
		printf("Bail out! %s: %s\n", DEVICE, strerror(errno));
		return 1;
	}
	for (i = 0; i < MESSAGE_MAX; i++)
		out[i] = i * 2654435761u >> 13;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n1..%zu\n", nr);
	for (i = 0; i < nr; i++) {
		failures = 0;
		alarm(60);
		tests[i].run();
		failed += !!failures;
		printf("%s %zu - %s\n", failures ? "not ok" : "ok", i + 1, tests[i].name);

		/* Remove the messages that a failed test left in the queue. */
		while (read(fd, in, MESSAGE_MAX) > 0)
			;
	}
	return failed != 0;
}
