// SPDX-License-Identifier: GPL-2.0-only
/*
 * load-nth N PID MODULE: load MODULE while the Nth allocation of task PID fails
 *
 * PID "self" is this task. Prints "ERROR HIT": the errno of the load, or 0 on success, and 1 if
 * there was an Nth allocation. Only the load is in between, so that the same N is the same
 * allocation every time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

int main(int argc, char **argv)
{
	char path[64], left[16] = "";
	int faults, module, err;

	if (argc != 4) {
		fprintf(stderr, "usage: load-nth N PID|self MODULE\n");
		return 1;
	}
	snprintf(path, sizeof(path), "/proc/%s/fail-nth", argv[2]);
	faults = open(path, O_RDWR);
	if (faults < 0)
		die(path);
	module = open(argv[3], O_RDONLY);
	if (module < 0)
		die(argv[3]);

	if (write(faults, argv[1], strlen(argv[1])) < 0)
		die("write");
	err = syscall(SYS_finit_module, module, "", 0) ? errno : 0;
	if (pread(faults, left, sizeof(left) - 1, 0) < 0)
		die("read");
	if (write(faults, "0", 1) < 0)
		die("write");
	printf("%d %d\n", err, atoi(left) == 0);
	return 0;
}
