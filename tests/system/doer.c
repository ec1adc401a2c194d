// SPDX-License-Identifier: Apache-2.0
/*
 * The workload whose truth is known: does one named thing, as often as asked, and prints how often it really
 * succeeded. `doer VERB ARGUMENTS`; exit 0 when it did what it was asked, 77 when this machine cannot.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/system/uring.h"

#define CANNOT_HERE 77
#define BACKLOG 4096 /* a full one would make the client wait a second for each connection */

static int opened(int fd)
{
	if (fd < 0) {
		fprintf(stderr, "doer: %s\n", strerror(errno));
		return 1;
	}
	close(fd);
	printf("1\n");
	return 0;
}

static int do_open(char **args)
{
	return opened((int)syscall(SYS_openat, AT_FDCWD, args[0], O_RDONLY | O_CLOEXEC));
}

/* No system call opens here. */
static int do_uring(char **args)
{
	struct uring ring;
	int r = uring_open(&ring);

	if (r == -ENOSYS || r == -EPERM)
		return CANNOT_HERE;
	r = r < 0 ? r : uring_openat(&ring, args[0], O_RDONLY | O_CLOEXEC);
	errno = r < 0 ? -r : 0;
	return opened(r);
}

static int do_open_old(char **args)
{
#ifdef SYS_open
	return opened((int)syscall(SYS_open, args[0], O_RDWR));
#else
	(void)args;
	return CANNOT_HERE;
#endif
}

static int do_openat(char **args)
{
	int dir = open(args[0], O_PATH | O_DIRECTORY);

	return opened(openat(dir, args[1], O_WRONLY | O_CREAT | O_APPEND, 0640));
}

static int do_openat2(char **args)
{
	struct open_how how = { .flags = O_RDONLY | O_NOFOLLOW };

	return opened((int)syscall(SYS_openat2, AT_FDCWD, args[0], &how, sizeof(how)));
}

static int do_creat(char **args)
{
#ifdef SYS_creat
	return opened((int)syscall(SYS_creat, args[0], 0600));
#else
	(void)args;
	return CANNOT_HERE;
#endif
}

static int do_handle(char **args)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} name = { .handle.handle_bytes = MAX_HANDLE_SZ };
	int mount_id, mount;

	if (name_to_handle_at(AT_FDCWD, args[0], &name.handle, &mount_id, 0) < 0)
		return errno == EOPNOTSUPP ? CANNOT_HERE : 1;
	mount = open("/", O_RDONLY | O_DIRECTORY);
	return opened(open_by_handle_at(mount, &name.handle, O_RDONLY));
}

/* A 32-bit system call out of a 64-bit process: other numbers, other registers. */
static int do_open32(char **args)
{
#ifdef __x86_64__
	char *name = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	int fd;

	if (name == MAP_FAILED)
		return CANNOT_HERE;
	snprintf(name, 4096, "%s", args[0]);
	__asm__ volatile("int $0x80"
			 : "=a"(fd)
			 : "a"(295), "b"(AT_FDCWD), "c"(name), "d"(O_RDONLY), "S"(0)
			 : "memory");
	if (fd == -ENOSYS)
		return CANNOT_HERE;
	errno = -fd;
	return opened(fd);
#else
	(void)args;
	return CANNOT_HERE;
#endif
}

static int do_fail(char **args)
{
	if (open(args[0], O_RDONLY) >= 0)
		return 1;
	printf("0\n");
	return 0;
}

static int do_path_only(char **args)
{
	return opened(open(args[0], O_PATH));
}

/* A pipe of our own, opened once more by its number. */
static int do_pipe(char **args)
{
	char name[64];
	int ends[2];

	(void)args;
	if (pipe(ends) < 0)
		return 1;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", ends[0]);
	return opened(open(name, O_RDONLY));
}

/*
 * openat2 whose request is rewritten before it returns: the open waits for a lease of ours to be broken, which a
 * signal tells; then a thread of the opener changes flags and name, and only then is the lease let go. The file is
 * opened for writing all the same.
 */
static struct open_how changing = { .flags = O_WRONLY };
static char changing_name[4096];
static int go[2], gone[2];

static void *change_request(void *unused)
{
	char byte;

	(void)unused;
	if (read(go[0], &byte, 1) == 1) {
		changing.flags = O_RDONLY;
		strcpy(changing_name, "/innocent");
		if (write(gone[1], "", 1) != 1)
			_exit(1);
	}
	return NULL;
}

static int do_rewritten(char **args)
{
	pthread_t rewriter;
	sigset_t broken;
	pid_t opener;
	char byte;
	int status, signal, lease = open(args[0], O_RDONLY);

	sigemptyset(&broken);
	sigaddset(&broken, SIGIO);
	sigprocmask(SIG_BLOCK, &broken, NULL);
	if (lease < 0 || pipe(go) < 0 || pipe(gone) < 0 || fcntl(lease, F_SETLEASE, F_RDLCK) < 0)
		return CANNOT_HERE;
	snprintf(changing_name, sizeof(changing_name), "%s", args[0]);
	opener = fork();
	if (opener == 0) {
		close(lease);
		if (pthread_create(&rewriter, NULL, change_request, NULL) != 0)
			_exit(CANNOT_HERE);
		_exit(syscall(SYS_openat2, AT_FDCWD, changing_name, &changing, sizeof(changing)) < 0);
	}
	if (sigwait(&broken, &signal) != 0 || write(go[1], "", 1) != 1 || read(gone[0], &byte, 1) != 1)
		return 1;
	close(lease);
	if (waitpid(opener, &status, 0) != opener || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return 1;
	printf("%d\n", opener);
	return 0;
}

static int do_tmpfile(char **args)
{
	return opened(open(args[0], O_TMPFILE | O_RDWR, 0600));
}

static int do_memfd(char **args)
{
	char name[64];
	int fd = memfd_create(args[0], 0);

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return opened(open(name, O_RDONLY));
}

static int do_chroot(char **args)
{
	if (chroot(args[0]) < 0 || chdir("/") < 0)
		return CANNOT_HERE;
	return opened(open(args[1], O_RDONLY));
}

/* A file below args[0] whose path is as long as it gets, one letter a directory; made and opened step by step. */
static int do_deep(char **args)
{
	long depth = atol(args[1]);

	if (chdir(args[0]) < 0)
		return 1;
	for (long i = 0; i < depth; i++)
		if ((mkdir("d", 0700) < 0 && errno != EEXIST) || chdir("d") < 0)
			return 1;
	return opened(open("leaf", O_WRONLY | O_CREAT, 0600));
}

/* A directory that is gone while this process stands in it, and a file of it that was opened before. */
static int do_from_deleted(char **args)
{
	char name[64];
	int held;

	if (mkdir(args[0], 0700) < 0 || chdir(args[0]) < 0)
		return 1;
	held = open("held", O_RDWR | O_CREAT, 0600);
	if (held < 0 || unlink("held") < 0 || rmdir(args[0]) < 0)
		return 1;
	if (open("held", O_RDONLY) >= 0 || open(".", O_RDONLY | O_DIRECTORY) < 0)
		return 1;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", held);
	return opened(open(name, O_RDONLY));
}

/* Becomes args[0] without a name: copied into a memfd and executed by its descriptor. */
static int do_fexecve(char **args)
{
	char nameless[] = "nameless", *argv[] = { nameless, NULL }, *none[] = { NULL };
	int fd = memfd_create("program", MFD_CLOEXEC), from = open(args[0], O_RDONLY);
	struct stat stat;

	if (fd < 0 || from < 0 || fstat(from, &stat) < 0 ||
	    sendfile(fd, from, NULL, (size_t)stat.st_size) != stat.st_size)
		return 1;
	syscall(SYS_execveat, fd, "", argv, none, AT_EMPTY_PATH);
	return errno == ENOSYS ? CANNOT_HERE : 1;
}

static int do_opens(char **args)
{
	long want = atol(args[0]), done = 0;

	for (long i = 0; i < want; i++) {
		int fd = open(args[1], O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		done++;
		close(fd);
	}
	printf("%ld\n", done);
	return 0;
}

/* Opens for so many milliseconds and prints, after the end, when each one had returned (CLOCK_BOOTTIME, ns). */
static int do_stamped(char **args)
{
	enum { STAMPS_MAX = 1 << 22 };
	long ms = atol(args[0]), n = 0;
	uint64_t *stamps = malloc(STAMPS_MAX * sizeof(*stamps)), end = 0;

	while (stamps && n < STAMPS_MAX) {
		struct timespec now;
		int fd = open(args[1], O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			break;
		clock_gettime(CLOCK_BOOTTIME, &now);
		close(fd);
		stamps[n] = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
		if (n == 0)
			end = stamps[0] + (uint64_t)ms * 1000000u;
		if (stamps[n++] > end)
			break;
	}
	for (long i = 0; i < n; i++)
		printf("%llu\n", (unsigned long long)stamps[i]);
	free(stamps);
	return n > 0 ? 0 : 1;
}

static int do_execs(char **args)
{
	char counted[] = "counted", *argv[] = { args[1], counted, NULL };
	long want = atol(args[0]), done = 0;

	for (long i = 0; i < want; i++) {
		pid_t child;
		int status;

		if (posix_spawn(&child, args[1], NULL, NULL, argv, NULL) != 0)
			continue;
		if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0)
			done++;
	}
	printf("%ld\n", done);
	return 0;
}

static void *accept_all(void *listener)
{
	int fd;

	while ((fd = accept(*(int *)listener, NULL, NULL)) >= 0)
		close(fd);
	return NULL;
}

static int listen_on_loopback(int family, struct sockaddr_storage *address, socklen_t *len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*len = family == AF_INET ? sizeof(*v4) : sizeof(*v6);
	memset(address, 0, sizeof(*address));
	if (family == AF_INET)
		*v4 = (struct sockaddr_in) { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	else
		*v6 = (struct sockaddr_in6) { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	if (fd < 0 || bind(fd, (struct sockaddr *)address, *len) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)address, len) < 0)
		return -1;
	return fd;
}

/* Connections to a listener of our own on loopback; prints how many, and the port. */
static int do_connects(char **args)
{
	int family = strcmp(args[1], "6") == 0 ? AF_INET6 : AF_INET;
	long want = atol(args[0]), done = 0;
	struct sockaddr_storage address;
	socklen_t len;
	pthread_t acceptor;
	int listener = listen_on_loopback(family, &address, &len);

	if (listener < 0)
		return CANNOT_HERE;
	if (pthread_create(&acceptor, NULL, accept_all, &listener) != 0)
		return 1;
	for (long i = 0; i < want; i++) {
		struct linger at_once = { 1, 0 };
		int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd >= 0 && connect(fd, (struct sockaddr *)&address, len) == 0)
			done++;
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)); /* no TIME_WAIT: ports last */
		close(fd);
	}
	shutdown(listener, SHUT_RDWR);
	pthread_join(acceptor, NULL);
	printf("%ld %u\n", done, ntohs(((struct sockaddr_in *)&address)->sin_port));
	return 0;
}

/* Maps the file executable at once, or has its protection changed later; it stays mapped until we end. */
static int mapped(const char *name, bool later, bool deleted)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	void *at;

	if (fd >= 0 && deleted && unlink(name) < 0)
		return opened(-1);
	at = mmap(NULL, 4096, later ? PROT_READ : PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED || (later && mprotect(at, 4096, PROT_READ | PROT_EXEC) < 0))
		return opened(-1);
	return opened(fd);
}

/* The collector reads build ids while the process is there: it gives it the time that programs live. */
static int linger(int result)
{
	usleep(200000);
	return result;
}

static int do_map(char **args)
{
	return mapped(args[0], false, false) || linger(mapped(args[1], true, false));
}

/* Numbers with something in the upper half of their register, where the kernel does not look. */
static int do_high(char **args)
{
#if defined(__x86_64__)
	const long upper = 1L << 32;
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons(9),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = (int)syscall(upper | SYS_openat, AT_FDCWD, args[0], O_RDONLY | O_CLOEXEC);
	int peer = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || syscall(upper | SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) < 0 ||
	    syscall(upper | SYS_connect, peer, &to, sizeof(to)) < 0)
		return opened(-1);
	return linger(opened(fd));
#else
	(void)args;
	return CANNOT_HERE;
#endif
}

static int do_map_deleted(char **args)
{
	return linger(mapped(args[0], false, true));
}

static int do_chroot_map(char **args)
{
	if (chroot(args[0]) < 0 || chdir("/") < 0)
		return opened(-1);
	return linger(mapped(args[1], false, false));
}

static const struct {
	const char *name;
	int n_args;
	int (*run)(char **args);
} verbs[] = {
	{ "open", 1, do_open },
	{ "open-old", 1, do_open_old },
	{ "openat", 2, do_openat },
	{ "openat2", 1, do_openat2 },
	{ "creat", 1, do_creat },
	{ "handle", 1, do_handle },
	{ "open32", 1, do_open32 },
	{ "fail", 1, do_fail },
	{ "tmpfile", 1, do_tmpfile },
	{ "path-only", 1, do_path_only },
	{ "pipe", 0, do_pipe },
	{ "rewritten", 1, do_rewritten },
	{ "memfd", 1, do_memfd },
	{ "chroot", 2, do_chroot },
	{ "deep", 2, do_deep },
	{ "from-deleted", 1, do_from_deleted },
	{ "fexecve", 1, do_fexecve },
	{ "stamped", 2, do_stamped },
	{ "opens", 2, do_opens },
	{ "execs", 2, do_execs },
	{ "connects", 2, do_connects },
	{ "uring", 1, do_uring },
	{ "high", 1, do_high },
	{ "map", 2, do_map },
	{ "map-deleted", 1, do_map_deleted },
	{ "chroot-map", 2, do_chroot_map },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[1], verbs[i].name) == 0 && argc == 2 + verbs[i].n_args)
			return verbs[i].run(argv + 2);
	fprintf(stderr, "usage: doer VERB ARGUMENTS, see tests/system/doer.c\n");
	return 2;
}
