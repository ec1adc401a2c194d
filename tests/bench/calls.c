// SPDX-License-Identifier: Apache-2.0
/*
 * A busy program for function probes: `calls N` has libcrypto mapped beside the C library, says "ready", and for each
 * line on its standard input makes N rounds of calls of the C library and prints the processor time of one in ns. The
 * first line's answer holds the first hits.
 */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Some calls of functions that no compiler puts in line. */
static long call_some(long i)
{
	int numbers[] = { 5, 3, (int)(i & 7), 1 };
	char text[32];
	char *copy;
	long value;

	snprintf(text, sizeof(text), "%ld", i);
	value = strtol(text, NULL, 10);
	copy = strdup(text);
	qsort(numbers, 4, sizeof(numbers[0]), by_value);
	value += copy ? (long)strcspn(copy, "x") : 0;
	free(copy);
	return value + numbers[0];
}

int main(int argc, char **argv)
{
	volatile long sink = 0;
	char line[16];
	long n;

	if (argc != 2 || (n = atol(argv[1])) <= 0) {
		fprintf(stderr, "usage: calls N\n");
		return 2;
	}
	if (!dlopen("libcrypto.so.3", RTLD_NOW))
		fprintf(stderr, "calls: %s\n", dlerror());
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		double before = now_ns();

		for (long i = 0; i < n; i++)
			sink += call_some(i);
		printf("%.1f\n", (now_ns() - before) / (double)n);
		fflush(stdout);
	}
	return 0;
}
