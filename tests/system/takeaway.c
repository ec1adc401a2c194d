// SPDX-License-Identifier: Apache-2.0
/*
 * Takes a descriptor away from a running process: `takeaway PID FD` stops it, lets it run dup2(0, FD), and lets it go
 * on as if nothing had been. The number stays in use, by what the process has as its standard input, so that nothing
 * else moves in. Exit 0 when it is done, 77 on a machine whose registers it does not know.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#define CANNOT_HERE 77

#ifdef __x86_64__

#define SYSCALL_BYTES 2
#define SYSCALL_TEXT 0x050f

/* Waits until the process stands again; false when it is gone. */
static int stands(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFSTOPPED(status);
}

/* It was stopped in a system call, so that the instruction for one lies just behind it. */
static long call_there(pid_t pid, long number, long first, long second)
{
	struct user_regs_struct before, call;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &before) < 0)
		return -errno;
	call = before;
	call.rip -= SYSCALL_BYTES;
	if ((ptrace(PTRACE_PEEKTEXT, pid, (void *)call.rip, NULL) & 0xffff) != SYSCALL_TEXT)
		return -EAGAIN;
	call.rax = (unsigned long)number;
	call.orig_rax = (unsigned long)-1; /* the call it waits in is not to be begun again before ours */
	call.rdi = (unsigned long)first;
	call.rsi = (unsigned long)second;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &call) < 0 || ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0 ||
	    !stands(pid) || ptrace(PTRACE_GETREGS, pid, NULL, &call) < 0 ||
	    ptrace(PTRACE_SETREGS, pid, NULL, &before) < 0)
		return -errno;
	return (long)call.rax;
}

static int take_away(pid_t pid, int fd)
{
	long done = -EAGAIN;

	for (int tries = 0; tries < 100 && done == -EAGAIN; tries++) {
		if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0 || !stands(pid)) {
			perror("takeaway");
			return 1;
		}
		done = call_there(pid, SYS_dup2, 0, fd);
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	}
	if (done != fd)
		fprintf(stderr, "takeaway: dup2(0, %d) in %d: %ld\n", fd, pid, done);
	return done != fd;
}

#else

static int take_away(pid_t pid, int fd)
{
	(void)pid;
	(void)fd;
	return CANNOT_HERE;
}

#endif

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: takeaway PID FD\n");
		return 2;
	}
	return take_away(atoi(argv[1]), atoi(argv[2]));
}
