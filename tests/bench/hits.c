// SPDX-License-Identifier: Apache-2.0
/*
 * One function of a library, called again and again from one place: `hits N` has libcrypto mapped, says "ready", and for
 * each line on its standard input makes N calls of OpenSSL_version_num, which does nothing else, and prints the processor
 * time of one in ns: with a probe on it, that of a hit.
 */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
	unsigned long (*version)(void);
	volatile unsigned long sink = 0;
	void *library;
	char line[16];
	long n;

	if (argc != 2 || (n = atol(argv[1])) <= 0) {
		fprintf(stderr, "usage: hits N\n");
		return 2;
	}
	library = dlopen("libcrypto.so.3", RTLD_NOW);
	version = library ? (unsigned long (*)(void))dlsym(library, "OpenSSL_version_num") : NULL;
	if (!version) {
		fprintf(stderr, "hits: %s\n", dlerror());
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		double before = now_ns();

		for (long i = 0; i < n; i++)
			sink += version();
		printf("%.1f\n", (now_ns() - before) / (double)n);
		fflush(stdout);
	}
	return 0;
}
