// SPDX-License-Identifier: Apache-2.0
/*
 * closer PID FD: makes the process close that descriptor, as a fault in it would. 77: not on this machine. Stops it in
 * the system call that it waits in, puts another one in its place, and lets the first one begin again.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#define TRIES 100

#if defined(__x86_64__)
static int close_in(pid_t pid, unsigned long fd)
{
	struct user_regs_struct before, call;
	int status;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &before) < 0)
		return 1;
	/* It stands behind its `syscall` instruction. */
	if ((ptrace(PTRACE_PEEKTEXT, pid, before.rip - 2, NULL) & 0xffff) != 0x050f)
		return 1;
	call = before;
	call.rip -= 2;
	call.orig_rax = (unsigned long)-1;
	call.rax = SYS_close;
	call.rdi = fd;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &call) < 0 || ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0 ||
	    waitpid(pid, &status, 0) < 0 || ptrace(PTRACE_GETREGS, pid, NULL, &call) < 0 ||
	    ptrace(PTRACE_SETREGS, pid, NULL, &before) < 0)
		return 1;
	return call.rax == 0 ? 0 : 1;
}
#else
static int close_in(pid_t pid, unsigned long fd)
{
	(void)pid;
	(void)fd;
	return 77;
}
#endif

int main(int argc, char **argv)
{
	pid_t pid = argc == 3 ? (pid_t)atoi(argv[1]) : 0;
	int status, result = 1;

	/* Stopped while it computes, it waits in no system call: it is let go, and stopped again. */
	for (int i = 0; i < TRIES && result == 1; i++) {
		if (pid <= 0 || ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0 || waitpid(pid, &status, 0) < 0) {
			fprintf(stderr, "usage: closer PID FD, as one who may trace it\n");
			return 2;
		}
		result = close_in(pid, strtoul(argv[2], NULL, 10));
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	}
	return result;
}
