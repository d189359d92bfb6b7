// SPDX-License-Identifier: GPL-2.0-only
/*
 * pump - move files through /dev/bytefifo, in messages of mixed sizes
 *
 *	pump write STREAM SEED FILE	send FILE as stream number STREAM
 *	pump read DIR			write received data to DIR/STREAM
 *	pump stop NR			stop NR readers
 *
 * A message starts with eight bytes that say where its data belongs, so that any
 * number of writers and readers can share the queue. write and read finally
 * print a line "MESSAGES BYTES", so that a script can compare the sums.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEVICE		"/dev/bytefifo"
#define MESSAGE_MAX	(4 << 20)
#define STOP		0xff
#define NR_STREAMS	16

struct message {
	uint64_t offset : 56;
	uint64_t stream : 8;
	unsigned char data[MESSAGE_MAX - 8];
};

static struct message message;

static int open_or_die(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

/*
 * Return a random number by xorshift64*. The same seed gives the same numbers
 * everywhere.
 */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (*state * 0x2545f4914f6cdd1dULL) >> 16;
}

/*
 * Return a random size. All powers of two from 16 bytes to 64 KiB are equally
 * likely. In one message of sixteen, the range extends to 4 MiB.
 */
static size_t next_size(uint64_t *state)
{
	unsigned int powers = next_random(state) % 16 ? 13 : 19;
	size_t size = (size_t)16 << (next_random(state) % powers);

	size += next_random(state) % size;
	return size < MESSAGE_MAX ? size : MESSAGE_MAX;
}

static void send_message(int fd, size_t size)
{
	ssize_t sent = write(fd, &message, size);

	if (sent < 0)
		err(1, "write of %zu bytes", size);
	if ((size_t)sent != size)
		errx(1, "write of %zu bytes returned %zd", size, sent);
}

static void write_stream(int stream, uint64_t seed, const char *path)
{
	int in = open_or_die(path, O_RDONLY), out = open_or_die(DEVICE, O_WRONLY);
	unsigned long messages = 0;
	ssize_t got;

	/* A seed of 0 would make the generator return nothing but 0. */
	seed += 0x9e3779b97f4a7c15ULL;
	message.stream = stream;
	message.offset = 0;
	while ((got = read(in, message.data, next_size(&seed) - 8)) > 0) {
		send_message(out, got + 8);
		message.offset += got;
		messages++;
	}
	if (got < 0)
		err(1, "%s", path);
	printf("%lu %llu\n", messages, (unsigned long long)message.offset);
}

static void open_stream(int *fds, const char *dir, int stream)
{
	char path[4096];

	if (stream >= NR_STREAMS)
		errx(1, "unknown stream %d", stream);
	if (fds[stream])
		return;
	snprintf(path, sizeof(path), "%s/%d", dir, stream);
	fds[stream] = open_or_die(path, O_WRONLY | O_CREAT);
}

static void read_streams(const char *dir)
{
	int in = open_or_die(DEVICE, O_RDONLY), fds[NR_STREAMS] = { 0 };
	unsigned long long messages = 0, bytes = 0;
	ssize_t got;

	while ((got = read(in, &message, sizeof(message))) >= 8 && message.stream != STOP) {
		got -= 8;
		open_stream(fds, dir, message.stream);
		if (pwrite(fds[message.stream], message.data, got, message.offset) != got)
			err(1, "%s/%d", dir, message.stream);
		messages++;
		bytes += got;
	}
	if (got < 0)
		err(1, "read");
	if (got < 8)
		errx(1, "message of only %zd bytes", got);
	printf("%llu %llu\n", messages, bytes);
}

static void stop_readers(int nr)
{
	int fd = open_or_die(DEVICE, O_WRONLY);

	message.stream = STOP;
	while (nr-- > 0)
		send_message(fd, 8);
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "write"))
		write_stream(atoi(argv[2]), strtoull(argv[3], NULL, 0), argv[4]);
	else if (argc == 3 && !strcmp(argv[1], "read"))
		read_streams(argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "stop"))
		stop_readers(atoi(argv[2]));
	else
		errx(2, "usage: pump write STREAM SEED FILE | read DIR | stop NR");
	return 0;
}
