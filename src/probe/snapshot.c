// SPDX-License-Identifier: Apache-2.0
/*
 * What was there before the probes were. Walks of the kernel over all tasks, whose records come out of the iterator
 * and not through the ring: a big machine has more of them than a ring can hold.
 */

#include <bpf/bpf.h>
#include <errno.h>

#include "probe/parts.h"

/* Whose are the sockets that were there before us? One walk over all open files, in the kernel. */
static int snapshot_sockets(struct source *source, struct diag *diag)
{
	_cleanup_(closep) int iterator = -1;
	struct bpf_link *link = bpf_program__attach_iter(source->programs->progs.on_open_socket, NULL);
	char sink[256];
	ssize_t n;

	if (!link)
		return source_failed(diag, -errno, "cannot walk the open sockets");
	iterator = bpf_iter_create(bpf_link__fd(link));
	bpf_link__destroy(link); /* the iterator holds the program */
	if (iterator < 0)
		return source_failed(diag, iterator, "cannot walk the open sockets");
	do {
		n = read(iterator, sink, sizeof(sink));
	} while (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)));
	return n < 0 ? source_failed(diag, -errno, "cannot walk the open sockets") : 0;
}

int source_snapshot(struct source *source, source_take_fn take, void *taker, struct diag *diag)
{
	(void)take;
	(void)taker;
	if (bpf_program__autoload(source->programs->progs.on_open_socket))
		return snapshot_sockets(source, diag);
	return 0;
}
