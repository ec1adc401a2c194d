// SPDX-License-Identifier: Apache-2.0
/*
 * The measured workload: N times open and close one file, and how much processor time and wall time one pair
 * took. `openclose N FILE [COUNT_DIR]`. Prints "cpu_ns wall_ns" of one pair.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	double cpu, wall;
	long n;

	if (argc != 3 || (n = atol(argv[1])) <= 0) {
		fprintf(stderr, "usage: openclose N FILE\n");
		return 2;
	}
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	wall = seconds(CLOCK_MONOTONIC);
	for (long i = 0; i < n; i++) {
		int fd = open(argv[2], O_RDONLY | O_CLOEXEC);

		if (fd < 0) {
			fprintf(stderr, "openclose: %s: %s\n", argv[2], strerror(errno));
			return 1;
		}
		close(fd);
	}
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	wall = seconds(CLOCK_MONOTONIC) - wall;
	printf("%.1f %.1f\n", cpu / (double)n * 1e9, wall / (double)n * 1e9);
	return 0;
}
