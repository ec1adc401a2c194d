/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads lines. Promises: constant memory whatever lies in the file (a line longer than a record can be is skipped,
 * a compressed chunk gives no more than INSPECT_PLAIN_MAX), and a last line without LF is not a line yet.
 */

#include "cli/inspect_read.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "format/record.h"

#define BLOCK (256u << 10)
#define INSPECT_PLAIN_MAX (UINT64_C(64) << 30)
#define INSPECT_WINDOW_LOG 23

void line_tail_init(struct line_tail *tail, int *fd)
{
	*tail = (struct line_tail) { .fd = TAKE_FD(*fd),
				     .carry = BUF_MAX(RECORD_LINE_MAX),
				     .until = UINT64_MAX };
}

void line_tail_done(struct line_tail *tail)
{
	closep(&tail->fd);
	buf_done(&tail->carry);
	*tail = LINE_TAIL_NONE;
}

static void tail_line(struct line_tail *tail, struct str text, line_take take, void *user)
{
	tail->line++;
	if (!tail->skipping)
		take(user, tail->line, text);
	tail->skipping = false;
}

static int tail_feed(struct line_tail *tail, const char *at, size_t len, line_take take, void *user)
{
	const char *end = at + len;

	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		size_t piece = (size_t)((lf ? lf : end) - at);
		int r;

		if (lf && tail->carry.len == 0) {
			tail_line(tail, (struct str) { at, piece }, take, user);
		} else {
			r = tail->skipping ? 0 : buf_append(&tail->carry, at, piece);
			if (r == -E2BIG) {
				tail->skipping = true;
				buf_clear(&tail->carry);
			} else if (r < 0) {
				return r;
			}
			if (lf)
				tail_line(tail, buf_str(&tail->carry), take, user);
			if (lf)
				buf_clear(&tail->carry);
		}
		at += piece + (lf ? 1 : 0);
	}
	return 0;
}

static ssize_t read_block(int fd, char *block, size_t size, struct diag *diag)
{
	ssize_t got;

	do {
		got = read(fd, block, size);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return diag_error(diag, -errno, "cannot read the chunk: %s", strerror(errno));
	return got;
}

int line_tail_read(struct line_tail *tail, struct diag *diag, line_take take, void *user)
{
	_cleanup_(freep) char *block = malloc(BLOCK);

	if (!block)
		return -ENOMEM;
	for (;;) {
		uint64_t left = tail->until > tail->offset ? tail->until - tail->offset : 0;
		ssize_t got = read_block(tail->fd, block, left < BLOCK ? (size_t)left : BLOCK, diag);
		int r;

		if (got <= 0)
			return (int)got;
		tail->offset += (uint64_t)got;
		r = tail_feed(tail, block, (size_t)got, take, user);
		if (r < 0)
			return r;
	}
}

struct unpack {
	ZSTD_DCtx *zstd;
	char *in, *out;
	uint64_t plain;
	bool inside; /* a frame has begun and not ended */
};

static void unpack_done(struct unpack *unpack)
{
	ZSTD_freeDCtx(unpack->zstd);
	free(unpack->in);
	free(unpack->out);
}

static int unpack_block(struct unpack *unpack, size_t len, const char *name, struct line_tail *tail,
			struct diag *diag, line_take take, void *user)
{
	ZSTD_inBuffer in = { unpack->in, len, 0 };

	for (;;) {
		ZSTD_outBuffer out = { unpack->out, BLOCK, 0 };
		size_t code = ZSTD_decompressStream(unpack->zstd, &out, &in);
		int r;

		if (ZSTD_isError(code))
			return diag_exit(diag, EXIT_UNSOUND, -EBADMSG, "%s: %s", name, ZSTD_getErrorName(code));
		unpack->inside = code != 0;
		unpack->plain += out.pos;
		if (unpack->plain > INSPECT_PLAIN_MAX)
			return diag_exit(diag, EXIT_UNSOUND, -E2BIG, "%s: too much comes out of it", name);
		r = tail_feed(tail, unpack->out, out.pos, take, user);
		if (r < 0)
			return r;
		if (in.pos == in.size && (code == 0 || out.pos < out.size))
			return 0;
	}
}

int lines_read_zstd(int fd, const char *name, struct diag *diag, line_take take, void *user)
{
	_cleanup_(unpack_done) struct unpack unpack = { ZSTD_createDCtx(), malloc(BLOCK), malloc(BLOCK), 0,
							true };
	_cleanup_(line_tail_done) struct line_tail tail = LINE_TAIL_NONE;

	tail.carry = BUF_MAX(RECORD_LINE_MAX);
	if (!unpack.zstd || !unpack.in || !unpack.out ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(unpack.zstd, ZSTD_d_windowLogMax, INSPECT_WINDOW_LOG)))
		return -ENOMEM;
	for (;;) {
		ssize_t got = read_block(fd, unpack.in, BLOCK, diag);
		int r;

		if (got == 0 && unpack.inside)
			return diag_exit(diag, EXIT_UNSOUND, -EBADMSG, "%s: it is cut off", name);
		if (got <= 0)
			return (int)got;
		r = unpack_block(&unpack, (size_t)got, name, &tail, diag, take, user);
		if (r < 0)
			return r;
	}
}
