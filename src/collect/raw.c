// SPDX-License-Identifier: Apache-2.0
/*
 * Raw captures, written and read. The writer buffers and never harms the evidence: a failing disk ends the
 * capture, not the collector. The reader trusts nothing: types, lengths and padding are checked, an entry is at
 * most RAW_BODY_MAX. Each owns its descriptor and one buffer.
 */

#include "collect/raw.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "format/statement.h"
#include "wire/records.h"

#define RAW_MAGIC "STLRAW1\n"
#define RAW_ORDER 0x01020304u
#define RAW_BODY_MAX STATEMENT_MAX
#define RAW_BUFFER (256u << 10)

_Static_assert(RAW_BODY_MAX >= WIRE_RECORD_MAX, "every ring record fits an entry");

struct raw_header {
	char magic[8];
	uint32_t wire_version;
	uint32_t order;
};

struct raw_entry_head {
	uint32_t type;
	uint32_t len;
};

struct raw_writer {
	int fd;
	int error; /* the first failure; nothing is written after it */
	off_t good; /* bytes on disk, whole entries */
	struct buf pending;
};

static size_t padding_of(size_t len)
{
	return -len & 7;
}

int raw_writer_open(const char *path, struct diag *diag, struct raw_writer **ret_writer)
{
	_cleanup_(freep) struct raw_writer *writer = calloc(1, sizeof(*writer));
	struct raw_header header = { RAW_MAGIC, WIRE_VERSION, RAW_ORDER };
	int r;

	if (!writer)
		return -ENOMEM;
	writer->pending = BUF_MAX(RAW_BUFFER + RAW_BODY_MAX + 64);
	r = buf_append(&writer->pending, &header, sizeof(header));
	if (r < 0)
		return r;
	writer->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (writer->fd < 0) {
		r = -errno;
		buf_done(&writer->pending);
		return diag_error(diag, r, "cannot make the raw capture %s: %s", path, strerror(-r));
	}
	*ret_writer = TAKE(writer);
	return 0;
}

int raw_writer_flush(struct raw_writer *writer)
{
	int r;

	if (writer->error < 0)
		return writer->error;
	r = file_write_all(writer->fd, writer->pending.data, writer->pending.len, NULL);
	if (r < 0) {
		writer->error = r;
		if (ftruncate(writer->fd, writer->good) < 0)
			return r; /* the reader finds the torn entry */
		return r;
	}
	writer->good += (off_t)writer->pending.len;
	buf_clear(&writer->pending);
	return 0;
}

int raw_writer_add(struct raw_writer *writer, enum raw_type type, const void *data, size_t len)
{
	static const char zeros[8];
	struct raw_entry_head head = { type, (uint32_t)len };
	size_t pad = padding_of(len);
	int r;

	if (writer->error < 0)
		return writer->error;
	if (len > RAW_BODY_MAX)
		return writer->error = -E2BIG;
	r = buf_reserve(&writer->pending, sizeof(head) + len + pad);
	if (r < 0)
		return writer->error = r;
	buf_append(&writer->pending, &head, sizeof(head));
	buf_append(&writer->pending, data, len);
	buf_append(&writer->pending, zeros, pad);
	return writer->pending.len >= RAW_BUFFER ? raw_writer_flush(writer) : 0;
}

int raw_writer_begin(struct raw_writer *writer, struct moment now)
{
	uint64_t body[2] = { now.boot_ns, now.wall_ns };

	return raw_writer_add(writer, RAW_BEGIN, body, sizeof(body));
}

int raw_writer_close(struct raw_writer *writer)
{
	int r;

	raw_writer_add(writer, RAW_END, NULL, 0);
	r = raw_writer_flush(writer);
	if (r == 0 && fsync(writer->fd) < 0)
		r = -errno;
	if (close(writer->fd) < 0 && r == 0)
		r = -errno;
	buf_done(&writer->pending);
	free(writer);
	return r;
}

struct raw_reader {
	FILE *file;
	struct buf body;
	uint64_t offset;
};

int raw_reader_open(const char *path, struct diag *diag, struct raw_reader **ret_reader)
{
	_cleanup_(raw_reader_freep) struct raw_reader *reader = calloc(1, sizeof(*reader));
	struct raw_header header;
	struct stat status;

	if (!reader)
		return -ENOMEM;
	reader->body = BUF_MAX(RAW_BODY_MAX);
	reader->file = fopen(path, "rbe");
	if (!reader->file)
		return diag_exit(diag, errno == ENOENT ? EXIT_NOT_FOUND : EXIT_SUCCESS, -errno,
				 "cannot open the raw capture %s: %s", path, strerror(errno));
	if (fstat(fileno(reader->file), &status) < 0 || !S_ISREG(status.st_mode))
		return diag_exit(diag, EXIT_UNSOUND, -EBADMSG, "%s is no regular file", path);
	if (fread(&header, sizeof(header), 1, reader->file) != 1 ||
	    memcmp(header.magic, RAW_MAGIC, sizeof(header.magic)) != 0)
		return diag_exit(diag, EXIT_UNSOUND, -EBADMSG, "%s is no raw capture of this program", path);
	if (header.order != RAW_ORDER)
		return diag_exit(diag, EXIT_UNSOUND, -EBADMSG,
				 "%s was made on a machine of the other byte order; replay it on one like that",
				 path);
	if (header.wire_version != WIRE_VERSION)
		return diag_exit(diag, EXIT_UNSOUND, -EBADMSG, "%s has wire version %u, this program reads %u",
				 path, header.wire_version, WIRE_VERSION);
	reader->offset = sizeof(header);
	*ret_reader = TAKE(reader);
	return 0;
}

void raw_reader_free(struct raw_reader *reader)
{
	if (!reader)
		return;
	if (reader->file)
		fclose(reader->file);
	buf_done(&reader->body);
	free(reader);
}

static int damaged(struct raw_reader *reader, struct diag *diag, const char *why)
{
	return diag_exit(diag, EXIT_UNSOUND, -EBADMSG, "the raw capture is damaged at byte %llu: %s",
			 (unsigned long long)reader->offset, why);
}

static bool type_is_known(uint32_t type, uint32_t len)
{
	switch (type) {
	case RAW_RECORD:
	case RAW_CUT:
	case RAW_LEARNED:
		return true;
	case RAW_BEGIN:
		return len == 2 * sizeof(uint64_t);
	case RAW_END:
		return len == 0;
	}
	return false;
}

int raw_reader_next(struct raw_reader *reader, struct diag *diag, struct raw_entry *ret_entry)
{
	struct raw_entry_head head;
	uint64_t body[2];
	size_t whole;
	int r;

	if (fread(&head, sizeof(head), 1, reader->file) != 1)
		return ferror(reader->file) ? diag_error(diag, -EIO, "cannot read the raw capture") : -ENODATA;
	if (head.len > RAW_BODY_MAX || !type_is_known(head.type, head.len))
		return damaged(reader, diag, "not an entry");
	if (head.type == RAW_END)
		return fgetc(reader->file) == EOF ? 0 : damaged(reader, diag, "something follows the end");
	whole = head.len + padding_of(head.len);
	buf_clear(&reader->body);
	r = buf_reserve(&reader->body, whole);
	if (r < 0)
		return r;
	if (fread(reader->body.data, 1, whole, reader->file) != whole)
		return -ENODATA;
	for (size_t i = head.len; i < whole; i++)
		if (reader->body.data[i] != '\0')
			return damaged(reader, diag, "padding is not zero");
	reader->offset += sizeof(head) + whole;
	*ret_entry = (struct raw_entry) { .type = head.type, .body = { reader->body.data, head.len } };
	if (head.type == RAW_BEGIN) {
		memcpy(body, reader->body.data, sizeof(body));
		ret_entry->moment = (struct moment) { body[0], body[1] };
	}
	return 1;
}

int raw_reader_digest(struct raw_reader *reader, struct digest *ret_digest)
{
	_cleanup_(digest_stream_freep) struct digest_stream *stream = NULL;
	_cleanup_(freep) char *block = malloc(RAW_BUFFER);
	off_t at = 0;
	ssize_t n;
	int r;

	if (!block)
		return -ENOMEM;
	r = digest_stream_new(&stream);
	if (r < 0)
		return r;
	while ((n = pread(fileno(reader->file), block, RAW_BUFFER, at)) > 0) {
		r = digest_stream_add(stream, block, (size_t)n);
		if (r < 0)
			return r;
		at += n;
	}
	return n < 0 ? -errno : digest_stream_value(stream, ret_digest);
}
