/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Appending with a way back: what is written goes to the last good length and counts only when all of it is there.
 * After a failure the file is cut to that length again; if even that fails, nothing is appended until it succeeds,
 * so that no remnant of a failed write can become part of a line. Owns descriptor, digest and the gap's string.
 */

#include "collect/open_chunk.h"

#include <errno.h>
#include <fcntl.h>

void open_chunk_free(struct open_chunk *chunk)
{
	if (!chunk)
		return;
	closep(&chunk->fd);
	digest_stream_free(chunk->digest);
	free(chunk->gap.from_boot_id);
	free(chunk);
}

int open_chunk_create(int dir, const char *directory, uint64_t sequence, struct moment now, struct diag *diag,
		      struct open_chunk **ret_chunk)
{
	_cleanup_(open_chunk_freep) struct open_chunk *chunk = calloc(1, sizeof(*chunk));
	char name[CHUNK_NAME_MAX];
	int r;

	if (!chunk)
		return diag_error(diag, -ENOMEM, "cannot open a chunk: out of memory");
	chunk->fd = -1;
	chunk->sequence = sequence;
	chunk->opened = now;
	r = chunk_name(CHUNK_OPEN, sequence, name);
	if (r < 0)
		return diag_error(diag, r, "a chain has at most %d chunks; begin another directory",
				  STATEMENT_SEQUENCE_MAX);
	r = digest_stream_new(&chunk->digest);
	if (r < 0)
		return diag_error(diag, r, "cannot open a chunk: out of memory");
	chunk->fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (chunk->fd < 0)
		return diag_error(diag, -errno, "cannot create %s/%s: %s", directory, name, strerror(errno));
	*ret_chunk = TAKE(chunk);
	return 0;
}

void open_chunk_remove(int dir, const struct open_chunk *chunk)
{
	char name[CHUNK_NAME_MAX];

	if (chunk_name(CHUNK_OPEN, chunk->sequence, name) == 0)
		unlinkat(dir, name, 0);
}

static int chunk_cut(struct open_chunk *chunk)
{
	chunk->tail_dirty = true;
	if (ftruncate(chunk->fd, (off_t)chunk->bytes) < 0)
		return -errno;
	chunk->tail_dirty = false;
	return 0;
}

int open_chunk_settle(struct open_chunk *chunk)
{
	return chunk->tail_dirty ? chunk_cut(chunk) : 0;
}

static int chunk_write(struct open_chunk *chunk, struct str lines)
{
	size_t done = 0;

	while (done < lines.len) {
		ssize_t put =
			pwrite(chunk->fd, lines.data + done, lines.len - done, (off_t)(chunk->bytes + done));

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put < 0 ? -errno : -EIO;
		done += (size_t)put;
	}
	return 0;
}

int open_chunk_append(struct open_chunk *chunk, struct str lines, const uint64_t events[WIRE_KIND_END])
{
	size_t kind;
	int r;

	r = open_chunk_settle(chunk);
	if (r < 0)
		return r;
	r = chunk_write(chunk, lines);
	if (r == 0)
		r = digest_stream_add(chunk->digest, lines.data, lines.len);
	if (r < 0) {
		chunk_cut(chunk);
		return r;
	}
	chunk->bytes += lines.len;
	for (kind = 1; kind < WIRE_KIND_END; kind++) {
		chunk->events[kind] += events[kind];
		chunk->records += events[kind];
	}
	return 0;
}
