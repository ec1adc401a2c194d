/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Streams one chunk. Promises: constant memory (two buffers and zstd's window, all with ceilings), each byte of the
 * file is hashed once, and a decompression bomb is stopped one byte after the size that the statement names.
 * A file of identity encoding has one digest for file and plain text. Owns its buffers, borrows the descriptor.
 */

#include "verify/content.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/cleanup.h"
#include "verify/lines.h"

#define CONTENT_BUFFER (1u << 20)
#define CONTENT_WINDOW_LOG 23 /* 8 MiB: what zstd's levels up to 19 need */

struct content {
	struct content_options options;
	char *input, *output;
	ZSTD_DCtx *zstd;
	struct digest_stream *stored, *plain;
	struct lines lines;

	/* of the current chunk */
	const struct place *place;
	const struct statement *statement;
	struct findings *findings;
	const struct verify_listener *listener;
	bool compressed;
	bool frame_open; /* zstd: inside a frame */
	bool stopped; /* a finding made going on pointless */
	uint64_t stored_bytes, plain_bytes;
};

void content_free(struct content *content)
{
	if (!content)
		return;
	lines_done(&content->lines);
	digest_stream_free(content->stored);
	digest_stream_free(content->plain);
	ZSTD_freeDCtx(content->zstd);
	free(content->input);
	free(content->output);
	free(content);
}

DEFINE_FREEP(content, content_free)

void content_listen(struct content *content, const struct verify_listener *listener)
{
	content->listener = listener;
}

int content_new(const struct content_options *options, struct content **ret_content)
{
	_cleanup_(content_freep) struct content *content = calloc(1, sizeof(*content));

	if (!content)
		return -ENOMEM;
	content->options = *options;
	content->input = malloc(CONTENT_BUFFER);
	content->output = malloc(CONTENT_BUFFER);
	content->zstd = ZSTD_createDCtx();
	if (!content->input || !content->output || !content->zstd || lines_init(&content->lines) < 0)
		return -ENOMEM;
	if (ZSTD_isError(ZSTD_DCtx_setParameter(content->zstd, ZSTD_d_windowLogMax, CONTENT_WINDOW_LOG)))
		return -ENOMEM;
	if (digest_stream_new(&content->stored) < 0 || digest_stream_new(&content->plain) < 0)
		return -ENOMEM;
	*ret_content = TAKE(content);
	return 0;
}

static int plain_feed(struct content *content, const char *data, size_t len)
{
	int r;

	content->plain_bytes += len;
	if (content->plain_bytes > content->statement->bytes) {
		findings_add(content->findings, STELLA_FINDING_CONTENT_MISMATCH, content->place,
			     "%s holds more than the %" PRIu64 " bytes of plain text that its seal names",
			     content->place->file, content->statement->bytes);
		content->stopped = true;
		return 0;
	}
	if (content->compressed) {
		r = digest_stream_add(content->plain, data, len);
		if (r < 0)
			return r;
	}
	return content->options.seals_only ? 0 : lines_feed(&content->lines, data, len);
}

static int zstd_refused(struct content *content, size_t code)
{
	if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
		return -ENOMEM;
	findings_add(content->findings, STELLA_FINDING_MALFORMED, content->place,
		     "%s is no zstd data we accept, shortly before its byte %" PRIu64 ": %s",
		     content->place->file, content->stored_bytes, ZSTD_getErrorName(code));
	content->stopped = true;
	return 0;
}

static int zstd_feed(struct content *content, const char *data, size_t len)
{
	ZSTD_inBuffer in = { data, len, 0 };

	while (!content->stopped) {
		/* One byte more than promised is enough to prove the lie; no more is ever produced. */
		uint64_t left = content->statement->bytes - content->plain_bytes + 1;
		ZSTD_outBuffer out = { content->output, left < CONTENT_BUFFER ? (size_t)left : CONTENT_BUFFER,
				       0 };
		size_t code = ZSTD_decompressStream(content->zstd, &out, &in);
		int r;

		if (ZSTD_isError(code))
			return zstd_refused(content, code);
		content->frame_open = code != 0;
		r = plain_feed(content, content->output, out.pos);
		if (r < 0)
			return r;
		if (in.pos == in.size && (code == 0 || out.pos < out.size))
			break;
	}
	return 0;
}

static int content_read(struct content *content, int fd, struct diag *diag)
{
	while (!content->stopped) {
		ssize_t got = read(fd, content->input, CONTENT_BUFFER);
		int r;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return diag_error(diag, -errno, "%s: cannot read: %s", content->place->file,
					  strerror(errno));
		if (got == 0)
			break;
		content->stored_bytes += (uint64_t)got;
		r = digest_stream_add(content->stored, content->input, (size_t)got);
		if (r == 0)
			r = content->compressed ? zstd_feed(content, content->input, (size_t)got)
						: plain_feed(content, content->input, (size_t)got);
		if (r < 0)
			return diag_error(diag, r, "%s: %s", content->place->file, strerror(-r));
		if (content->options.read)
			content->options.read(content->options.user, (uint64_t)got);
	}
	if (content->frame_open && !content->stopped) {
		findings_add(content->findings, STELLA_FINDING_MALFORMED, content->place,
			     "%s ends inside its compressed data", content->place->file);
		content->stopped = true;
	}
	return 0;
}

static void mismatch(struct content *content, const char *what, const struct digest *found,
		     const struct digest *named)
{
	char a[DIGEST_TEXT_LEN + 1], b[DIGEST_TEXT_LEN + 1];

	digest_hex(found, a);
	digest_hex(named, b);
	findings_add(content->findings, STELLA_FINDING_CONTENT_MISMATCH, content->place,
		     "the SHA-256 of %s is %s, its seal names %s", what, a, b);
}

static int content_compare(struct content *content)
{
	const struct statement *statement = content->statement;
	struct digest stored, plain;
	int r;

	if (content->stopped)
		return 0; /* not all was read, and a finding says why */
	r = digest_stream_value(content->stored, &stored);
	if (r < 0)
		return r;
	plain = stored;
	if (content->compressed)
		r = digest_stream_value(content->plain, &plain);
	if (r < 0)
		return r;
	if (memcmp(stored.bytes, statement->chunk_digest.bytes, DIGEST_LEN) != 0)
		mismatch(content, content->place->file, &stored, &statement->chunk_digest);
	else if (memcmp(plain.bytes, statement->plain_digest.bytes, DIGEST_LEN) != 0)
		mismatch(content, "the plain text", &plain, &statement->plain_digest);
	if (content->plain_bytes != statement->bytes)
		findings_add(content->findings, STELLA_FINDING_CONTENT_MISMATCH, content->place,
			     "%s holds %" PRIu64 " bytes of plain text, its seal names %" PRIu64,
			     content->place->file, content->plain_bytes, statement->bytes);
	return 0;
}

/* Without lines the seal's own counts can still contradict each other; types of a later version are not in `events`. */
static void counts_compare(struct content *content)
{
	uint64_t sum = 0;

	for (size_t kind = 1; kind < WIRE_KIND_END; kind++) {
		if (__builtin_add_overflow(sum, content->statement->events[kind], &sum))
			sum = UINT64_MAX;
	}
	if (sum > content->statement->records)
		findings_add(content->findings, STELLA_FINDING_COUNT_MISMATCH, content->place,
			     "the seal names %" PRIu64 " records, but %" PRIu64 " by type",
			     content->statement->records, sum);
}

static int content_start(struct content *content, const struct place *place, const struct statement *statement,
			 struct findings *findings)
{
	int r;

	content->place = place;
	content->statement = statement;
	content->findings = findings;
	content->compressed = strcmp(statement->encoding, "zstd") == 0;
	content->frame_open = content->stopped = false;
	content->stored_bytes = content->plain_bytes = 0;
	ZSTD_DCtx_reset(content->zstd, ZSTD_reset_session_only);
	lines_start(&content->lines, place, statement, findings);
	content->lines.listener = content->listener;
	r = digest_stream_reset(content->stored);
	return r < 0 ? r : digest_stream_reset(content->plain);
}

int content_check(struct content *content, int fd, const struct place *place, const struct statement *statement,
		  struct findings *findings, struct diag *diag, uint64_t *ret_records)
{
	int r;

	r = content_start(content, place, statement, findings);
	if (r < 0)
		return diag_error(diag, r, "%s: %s", place->file, strerror(-r));
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	r = content_read(content, fd, diag);
	if (r < 0)
		return r;
	r = content_compare(content);
	if (r < 0)
		return diag_error(diag, r, "%s: %s", place->file, strerror(-r));
	if (content->options.seals_only)
		counts_compare(content);
	else
		lines_end(&content->lines, !content->stopped);
	*ret_records = content->options.seals_only ? statement->records : content->lines.records;
	return 0;
}
