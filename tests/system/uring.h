/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One request through io_uring, by the bare system calls: for programs that are watched. Owns all it makes. */

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct uring {
	int fd;
	struct io_uring_params params;
	unsigned char *submissions, *completions;
	struct io_uring_sqe *requests;
};

static inline void *uring_map(const struct uring *ring, size_t size, off_t what)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd, what);

	return at == MAP_FAILED ? NULL : at;
}

/* 0, or a negative errno: where io_uring is switched off, -ENOSYS or -EPERM. */
static inline int uring_open(struct uring *ring)
{
	memset(ring, 0, sizeof(*ring));
	ring->fd = (int)syscall(SYS_io_uring_setup, 4, &ring->params);
	if (ring->fd < 0)
		return -errno;
	ring->submissions =
		uring_map(ring, ring->params.sq_off.array + ring->params.sq_entries * sizeof(uint32_t),
			  IORING_OFF_SQ_RING);
	ring->completions = uring_map(
		ring, ring->params.cq_off.cqes + ring->params.cq_entries * sizeof(struct io_uring_cqe),
		IORING_OFF_CQ_RING);
	ring->requests = uring_map(ring, ring->params.sq_entries * sizeof(*ring->requests), IORING_OFF_SQES);
	return ring->submissions && ring->completions && ring->requests ? 0 : -ENOMEM;
}

/* Submits the one request and waits; the request's own result, or a negative errno. */
static inline int uring_do(struct uring *ring, const struct io_uring_sqe *request)
{
	uint32_t *tail = (uint32_t *)(void *)(ring->submissions + ring->params.sq_off.tail);
	uint32_t *mask = (uint32_t *)(void *)(ring->submissions + ring->params.sq_off.ring_mask);
	uint32_t *array = (uint32_t *)(void *)(ring->submissions + ring->params.sq_off.array);
	uint32_t *head = (uint32_t *)(void *)(ring->completions + ring->params.cq_off.head);
	uint32_t *end = (uint32_t *)(void *)(ring->completions + ring->params.cq_off.tail);
	uint32_t *cq_mask = (uint32_t *)(void *)(ring->completions + ring->params.cq_off.ring_mask);
	struct io_uring_cqe *done = (void *)(ring->completions + ring->params.cq_off.cqes);
	uint32_t slot = *tail & *mask;
	int result;

	ring->requests[slot] = *request;
	array[slot] = slot;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -errno;
	if (*head == __atomic_load_n(end, __ATOMIC_ACQUIRE))
		return -EIO;
	result = done[*head & *cq_mask].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return result;
}

/* Opens as openat(AT_FDCWD, path, flags) would: a descriptor, or a negative errno. */
static inline int uring_openat(struct uring *ring, const char *path, int flags)
{
	struct io_uring_sqe request = { .opcode = IORING_OP_OPENAT,
					.fd = AT_FDCWD,
					.addr = (uintptr_t)path,
					.open_flags = (uint32_t)flags };

	return uring_do(ring, &request);
}
