// SPDX-License-Identifier: Apache-2.0
/*
 * A crowded machine: `crowd N` makes N processes that wait, says "ready", and ends with all of them when its standard
 * input ends. Each has what it inherited mapped: a program, the loader and the C library.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char byte;
	long n;

	if (argc != 2 || (n = atol(argv[1])) <= 0) {
		fprintf(stderr, "usage: crowd N\n");
		return 2;
	}
	for (long i = 0; i < n; i++) {
		pid_t child = fork();

		if (child < 0) {
			perror("crowd: fork");
			return 1;
		}
		if (child == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
	}
	printf("ready\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}
