// SPDX-License-Identifier: Apache-2.0
/*
 * stall DIRECTORY SECONDS [LIBRARY]: a file server (FUSE) that answers nobody any more once its file is mapped executable
 * through an overlay on it; the file is lib.so in DIRECTORY/layers. With LIBRARY it is that which is mapped, by a process
 * that then waits for the server with its memory locked. To be run in a user and a mount namespace of its own. Ends the
 * server by itself, so that nobody waits for ever. 77: not on this machine.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define CANNOT_HERE 77
#define FILE_NODE 2

static volatile int *silent;
static const char zeros[4096];

static struct fuse_attr attributes(uint64_t node)
{
	return (struct fuse_attr) { .ino = node,
				    .nlink = 1,
				    .size = 4096,
				    .mode = node == FILE_NODE ? S_IFREG | 0755 : S_IFDIR | 0755 };
}

static void answer(int server, const struct fuse_in_header *request, int error, const void *data, size_t len)
{
	char out[sizeof(struct fuse_out_header) + sizeof(zeros)];
	struct fuse_out_header head = { .len = (uint32_t)(sizeof(head) + len),
					.error = -error,
					.unique = request->unique };

	memcpy(out, &head, sizeof(head));
	memcpy(out + sizeof(head), data, len);
	if (write(server, out, head.len) < 0 && errno != ENOENT)
		_exit(1);
}

static int opened; /* the second time past the page cache, which then has to be emptied */

static void serve(int server, const struct fuse_in_header *request, const char *body)
{
	struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096 };
	struct fuse_entry_out entry = { .nodeid = FILE_NODE, .attr = attributes(FILE_NODE) };
	struct fuse_attr_out attr = { .attr = attributes(request->nodeid) };
	struct fuse_open_out open = { .fh = 1, .open_flags = opened++ == 1 ? FOPEN_DIRECT_IO : 0 };
	struct fuse_statfs_out space = { .st = { .bsize = 4096, .namelen = 255 } };

	switch (request->opcode) {
	case FUSE_INIT:
		return answer(server, request, 0, &init, sizeof(init));
	case FUSE_LOOKUP:
		return strcmp(body, "lib.so") == 0 ? answer(server, request, 0, &entry, sizeof(entry))
						   : answer(server, request, ENOENT, "", 0);
	case FUSE_GETATTR:
		return answer(server, request, 0, &attr, sizeof(attr));
	case FUSE_STATFS:
		return answer(server, request, 0, &space, sizeof(space));
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return answer(server, request, 0, &open, sizeof(open));
	case FUSE_READ:
		return answer(server, request, 0, zeros, sizeof(zeros));
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		return;
	}
	answer(server, request, ENOSYS, "", 0);
}

static void run_server(int server)
{
	static _Alignas(8) char in[1 << 17];

	while (read(server, in, sizeof(in)) > 0 || errno == EINTR || errno == ENOENT) {
		if (!*silent)
			serve(server, (const void *)in, in + sizeof(struct fuse_in_header));
	}
	_exit(0);
}

static int map_through_layers(void)
{
	int file = mount("none", "layers", "overlay", 0, "lowerdir=served:other") < 0
			   ? -1
			   : open("layers/lib.so", O_RDONLY);

	*silent = 1;
	return file < 0 || mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0) == MAP_FAILED ? -1 : 0;
}

/* A page that was written has to go to the server before the file can be mapped past the cache. */
static int map_and_lock(const char *library)
{
	int file = open(library, O_RDONLY), cached = open("served/lib.so", O_RDWR);
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, cached, 0);
	int direct = open("served/lib.so", O_RDONLY);

	if (file < 0 || page == MAP_FAILED || direct < 0)
		return -1;
	page[0] = 1;
	*silent = 1;
	if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0) == MAP_FAILED)
		return -1;
	(void)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, direct, 0);
	return 0;
}

/* Whoever waits is told that there is no server any more. */
static void end_after(unsigned int seconds)
{
	sleep(seconds);
	umount2("served", MNT_FORCE);
}

int main(int argc, char **argv)
{
	char options[128];
	int server, r;

	if (argc < 3 || chdir(argv[1]) < 0 || mkdir("served", 0755) < 0 || mkdir("other", 0755) < 0 ||
	    mkdir("layers", 0755) < 0)
		return 2;
	silent = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	server = open("/dev/fuse", O_RDWR);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", server);
	if (silent == MAP_FAILED || server < 0 || mount("none", "served", "fuse", 0, options) < 0)
		return CANNOT_HERE;
	if (fork() == 0)
		run_server(server);
	if (fork() == 0) {
		end_after((unsigned int)atoi(argv[2]));
		_exit(0);
	}
	r = argc > 3 ? map_and_lock(argv[3]) : map_through_layers();
	sleep((unsigned int)atoi(argv[2]));
	return r < 0 ? CANNOT_HERE : 0;
}
