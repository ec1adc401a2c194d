/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A library of our own, and a process that calls its function `once` as often as it is asked. */

#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

static char folder[] = "/tmp/stella-targets-XXXXXX";
static char library[64];

/* `before` moves what is behind it. */
static void library_make(const char *before)
{
	char line[1024];

	snprintf(line, sizeof(line),
		 "printf '%s int once(int x) { __asm__ volatile(\"\"); return x + 1; } int never(int x) { "
		 "return x; }' |"
		 "gcc -xc -O1 -shared -fPIC -o %s/new.so - && cat %s/new.so >%s",
		 before, folder, folder, library);
	assert_int_equal(system(line), 0);
}

struct caller {
	pid_t pid;
	int ask, answer;
};

static int (*once)(int);

/* Calls `once` a number of times whenever it is asked, and answers how many nanoseconds a call took. */
static void caller_run(int ask, int answer)
{
	unsigned int calls;
	uint64_t began, each;

	while (read(ask, &calls, sizeof(calls)) == sizeof(calls)) {
		void *opened = dlopen(library, RTLD_NOW); /* mapped when it is asked first */

		if (!opened)
			_exit(1);
		*(void **)&once = dlsym(opened, "once");
		began = clock_now().boot_ns;
		for (unsigned int i = 0; i < calls; i++)
			(void)once((int)i);
		each = (clock_now().boot_ns - began) / calls;
		if (write(answer, &each, sizeof(each)) != sizeof(each))
			_exit(1);
	}
	_exit(0);
}

/* Made before the source: a child would hold its links open. */
static struct caller caller_new(void)
{
	int ask[2], answer[2];
	struct caller caller;

	assert_int_equal(pipe2(ask, O_CLOEXEC), 0);
	assert_int_equal(pipe2(answer, O_CLOEXEC), 0);
	caller.pid = fork();
	if (caller.pid == 0) {
		close(ask[1]);
		caller_run(ask[0], answer[1]);
	}
	assert_true(caller.pid > 0);
	close(ask[0]);
	close(answer[1]);
	caller.ask = ask[1];
	caller.answer = answer[0];
	return caller;
}

static uint64_t caller_calls(const struct caller *caller, unsigned int calls)
{
	uint64_t each;

	assert_int_equal(write(caller->ask, &calls, sizeof(calls)), sizeof(calls));
	assert_int_equal(read(caller->answer, &each, sizeof(each)), sizeof(each));
	return each;
}

static void caller_end(struct caller *caller)
{
	int status;

	close(caller->ask);
	close(caller->answer);
	assert_int_equal(waitpid(caller->pid, &status, 0), caller->pid);
	assert_int_equal(status, 0);
}
