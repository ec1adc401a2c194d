// SPDX-License-Identifier: Apache-2.0
/*
 * Ways round the probes that were ways once. `evader VERB ARGUMENT`; exit 0 when it did what it was asked, 77 when this
 * machine cannot. Lingers, so that the collector can look at what it mapped.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define CANNOT_HERE 77
#define LINGER_US 300000

/* One page of the file, which becomes executable by a call that fails: behind it nothing is mapped. */
static int protect_partly(const char *name)
{
	size_t page = (size_t)getpagesize();
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	char *at = mmap(NULL, 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (fd < 0 || at == MAP_FAILED ||
	    mmap(at, page, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED ||
	    munmap(at + page, page) < 0)
		return 1;
	if (mprotect(at, 2 * page, PROT_READ | PROT_EXEC) == 0 || errno != ENOMEM)
		return 1;
	usleep(LINGER_US);
	return 0;
}

/* The old call of 32-bit programs, whose arguments lie where the file then is: behind it they say something else. */
static int map_over_arguments(const char *name)
{
#if defined(__x86_64__)
	struct {
		uint32_t address, length, protection, flags, fd, offset;
	} *call = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	long at;

	if (fd < 0 || call == MAP_FAILED)
		return 1;
	call->address = (uint32_t)(uintptr_t)call;
	call->length = 4096;
	call->protection = PROT_READ | PROT_EXEC;
	call->flags = MAP_PRIVATE | MAP_FIXED | MAP_POPULATE;
	call->fd = (uint32_t)fd;
	__asm__ volatile("int $0x80" : "=a"(at) : "a"(90), "b"(call) : "memory");
	if ((int)at == -ENOSYS)
		return CANNOT_HERE;
	usleep(LINGER_US);
	return (uint32_t)at == (uint32_t)(uintptr_t)call ? 0 : 1;
#else
	(void)name;
	return CANNOT_HERE;
#endif
}

static int listener_new(struct sockaddr_in *address)
{
	socklen_t len = sizeof(*address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*address = (struct sockaddr_in) { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || bind(fd, (struct sockaddr *)address, sizeof(*address)) < 0 || listen(fd, 1) < 0 ||
	    getsockname(fd, (struct sockaddr *)address, &len) < 0)
		exit(1);
	return fd;
}

/* A connection without connect. Prints the port. */
static int send_at_once(const char *text)
{
	struct sockaddr_in address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)listener_new(&address);
	if (fd < 0 ||
	    sendto(fd, text, strlen(text), MSG_FASTOPEN, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == EOPNOTSUPP ? CANNOT_HERE : 1;
	printf("%u\n", ntohs(address.sin_port));
	return 0;
}

static void *listen_on(void *seconds)
{
	struct sockaddr_in address;

	(void)listener_new(&address);
	printf("%u\n", ntohs(address.sin_port));
	fflush(stdout);
	sleep((unsigned int)atoi(seconds));
	exit(0);
}

/* Listens in a thread that outlives the first one. Prints the port. */
static int listen_without_leader(char *seconds)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, listen_on, seconds) != 0)
		return 1;
	pthread_exit(NULL);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "protect-partly") == 0)
		return protect_partly(argv[2]);
	if (argc == 3 && strcmp(argv[1], "map-over-arguments") == 0)
		return map_over_arguments(argv[2]);
	if (argc == 3 && strcmp(argv[1], "send-at-once") == 0)
		return send_at_once(argv[2]);
	if (argc == 3 && strcmp(argv[1], "listen-without-leader") == 0)
		return listen_without_leader(argv[2]);
	fprintf(stderr, "usage: evader VERB ARGUMENT, see tests/system/evader.c\n");
	return 2;
}
