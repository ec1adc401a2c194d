/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From a closed chunk to evidence: data synced, (compressed,) statement signed, seal published, chunk renamed, draft
 * removed. The seal comes before the chunk's final name, so a chunk without a seal never bears it.
 *
 * Promises that a failed step leaves everything so that the same step can be done again. After a failed fsync Linux
 * marks the lost pages clean and the next fsync succeeds with nothing written; so the data is read back, compared
 * with the digest of what was appended and written once more before it is synced again.
 * The job owns its descriptor, its statement and its seal; directory and key are borrowed.
 */

#include "collect/publish.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <zstd.h>

#include "base/file.h"
#include "collect/steps.h"

#define COPY_BYTES (256u << 10)
#define ZSTD_LEVEL 3

void (*chain_step_hook)(enum chain_step step);

int publish_job_new(int *fd, struct publish_job **ret_job)
{
	struct publish_job *job = calloc(1, sizeof(*job));

	if (!job)
		return -ENOMEM;
	job->seal = BUF_MAX(BUNDLE_FILE_MAX);
	job->fd = TAKE_FD(*fd);
	*ret_job = job;
	return 0;
}

void publish_job_free(struct publish_job *job)
{
	if (!job)
		return;
	statement_done(&job->statement);
	buf_done(&job->seal);
	closep(&job->fd);
	free(job);
}

int publish_compressed_name(uint64_t sequence, char out[CHUNK_NAME_MAX])
{
	int r = chunk_name(CHUNK_ZSTD, sequence, out);

	if (r < 0)
		return r;
	strcat(out, ".tmp-seal");
	return 0;
}

static ssize_t read_at(int fd, void *data, size_t len, uint64_t offset)
{
	ssize_t got;

	do
		got = pread(fd, data, len, (off_t)offset);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

int publish_digest_fd(int fd, uint64_t limit, struct digest *ret_digest, uint64_t *ret_bytes)
{
	_cleanup_(digest_stream_freep) struct digest_stream *stream = NULL;
	_cleanup_(freep) char *data = malloc(COPY_BYTES);
	uint64_t offset = 0;
	ssize_t got;
	int r;

	if (!data)
		return -ENOMEM;
	r = digest_stream_new(&stream);
	if (r < 0)
		return r;
	while ((got = read_at(fd, data, COPY_BYTES, offset)) > 0) {
		r = digest_stream_add(stream, data, (size_t)got);
		if (r < 0)
			return r;
		offset += (uint64_t)got;
		if (offset > limit)
			return -EFBIG;
	}
	if (got < 0)
		return (int)got;
	*ret_bytes = offset;
	return digest_stream_value(stream, ret_digest);
}

static int write_again(struct publish_job *job)
{
	_cleanup_(freep) char *data = malloc(COPY_BYTES);
	struct digest digest;
	uint64_t offset = 0, bytes;
	ssize_t got;
	int r;

	if (!data)
		return -ENOMEM;
	r = publish_digest_fd(job->fd, job->statement.bytes, &digest, &bytes);
	if (r < 0)
		return r == -EFBIG ? -EIO : r;
	if (bytes != job->statement.bytes || memcmp(&digest, &job->statement.plain_digest, sizeof(digest)) != 0)
		return -EIO;
	while ((got = read_at(job->fd, data, COPY_BYTES, offset)) > 0) {
		ssize_t put = pwrite(job->fd, data, (size_t)got, (off_t)offset);

		if (put <= 0)
			return put < 0 ? -errno : -EIO;
		offset += (uint64_t)put;
	}
	return (int)got;
}

static int do_sync(struct publish_job *job, struct diag *diag)
{
	int r = job->rewrite ? write_again(job) : 0;

	if (r == 0 && fsync(job->fd) < 0) {
		r = -errno;
		job->rewrite = true;
	}
	if (r < 0)
		return diag_error(diag, r, "cannot sync the data of chunk %llu to disk: %s",
				  (unsigned long long)job->statement.sequence, strerror(-r));
	job->rewrite = false;
	chain_step_done(STEP_DATA_SYNCED);
	return 0;
}

static void zstd_freep(ZSTD_CCtx **held)
{
	ZSTD_freeCCtx(*held);
}

struct squeeze {
	ZSTD_CCtx *zstd; /* borrowed */
	struct digest_stream *digest;
	char *in, *out;
	size_t out_size;
	int to;
};

static int squeeze_block(struct squeeze *squeeze, size_t len, bool last)
{
	ZSTD_inBuffer in = { squeeze->in, len, 0 };
	size_t left;
	int r;

	do {
		ZSTD_outBuffer out = { squeeze->out, squeeze->out_size, 0 };

		left = ZSTD_compressStream2(squeeze->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left))
			return -ENOMEM; /* the only way it fails on sound arguments */
		r = file_write_all(squeeze->to, out.dst, out.pos, NULL);
		if (r < 0)
			return r;
		r = digest_stream_add(squeeze->digest, out.dst, out.pos);
		if (r < 0)
			return r;
	} while (last ? left != 0 : in.pos < in.size);
	return 0;
}

static int squeeze_file(int from, uint64_t bytes, int to, struct digest *ret_digest)
{
	_cleanup_(zstd_freep) ZSTD_CCtx *zstd = ZSTD_createCCtx();
	_cleanup_(digest_stream_freep) struct digest_stream *digest = NULL;
	_cleanup_(freep) char *in = malloc(COPY_BYTES);
	_cleanup_(freep) char *out = malloc(ZSTD_CStreamOutSize());
	struct squeeze squeeze = { zstd, NULL, in, out, ZSTD_CStreamOutSize(), to };
	uint64_t offset = 0;
	ssize_t got = 0;
	int r;

	if (!zstd || !in || !out)
		return -ENOMEM;
	r = digest_stream_new(&digest);
	if (r < 0)
		return r;
	squeeze.digest = digest;
	if (ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1)) ||
	    ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(zstd, bytes)))
		return -ENOMEM;
	do {
		got = read_at(from, in, COPY_BYTES, offset);
		if (got < 0)
			return (int)got;
		offset += (uint64_t)got;
		if (offset > bytes || (got == 0 && offset < bytes))
			return -EIO; /* somebody else changed the file's length */
		r = squeeze_block(&squeeze, (size_t)got, offset == bytes);
		if (r < 0)
			return r;
	} while (offset < bytes);
	return digest_stream_value(digest, ret_digest);
}

static int do_compress(const struct publish_context *context, struct publish_job *job, struct diag *diag)
{
	_cleanup_(closep) int to = -1;
	char name[CHUNK_NAME_MAX];
	int r;

	if (context->compression != CHAIN_ZSTD)
		return 0;
	r = publish_compressed_name(job->statement.sequence, name);
	if (r == 0)
		r = publish_remove(context->dir, name, diag);
	if (r < 0)
		return r;
	to = openat(context->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	r = to < 0 ? -errno : squeeze_file(job->fd, job->statement.bytes, to, &job->statement.chunk_digest);
	if (r == 0 && fsync(to) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(context->dir, name, 0);
		return diag_error(diag, r, "cannot compress into %s: %s", name, strerror(-r));
	}
	chain_step_done(STEP_COMPRESSED);
	return 0;
}

static int finish_statement(const struct publish_context *context, struct publish_job *job,
			    const struct digest *previous)
{
	struct statement *statement = &job->statement;
	bool zstd = context->compression == CHAIN_ZSTD;
	char name[CHUNK_NAME_MAX];
	int r;

	r = chunk_name(zstd ? CHUNK_ZSTD : CHUNK_PLAIN, statement->sequence, name);
	if (r == 0)
		r = statement_set(&statement->chunk_name, name);
	if (r == 0)
		r = statement_set(&statement->encoding, zstd ? "zstd" : "identity");
	if (r < 0)
		return r;
	if (!zstd)
		statement->chunk_digest = statement->plain_digest;
	statement->has_previous = previous != NULL;
	statement->previous = previous ? *previous : (struct digest) { { 0 } };
	return 0;
}

static int do_sign(const struct publish_context *context, struct publish_job *job,
		   const struct digest *previous, struct diag *diag)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(STATEMENT_MAX);
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	int r;

	r = finish_statement(context, job, previous);
	if (r == 0)
		r = statement_write(&text, &job->statement);
	if (r == 0)
		r = digest_of(text.data, text.len, &job->statement_digest);
	buf_clear(&job->seal);
	if (r == 0)
		r = buf_append_str(&bundle.payload_type, STR(STATEMENT_PAYLOAD_TYPE));
	if (r == 0)
		r = buf_append_str(&bundle.payload, buf_str(&text));
	if (r == 0)
		r = signer_sign(context->signer, &bundle, diag);
	if (r == 0)
		r = bundle_write(&job->seal, &bundle);
	if (r < 0)
		return diag_error(diag, r, "cannot seal chunk %llu: %s",
				  (unsigned long long)job->statement.sequence, strerror(-r));
	chain_step_done(STEP_SIGNED);
	return 0;
}

static int do_seal(const struct publish_context *context, struct publish_job *job, struct diag *diag)
{
	char name[CHUNK_NAME_MAX];
	int r;

	r = chunk_name(CHUNK_SEAL, job->statement.sequence, name);
	if (r == 0)
		r = file_publish_at(context->dir, name, 0640, job->seal.data, job->seal.len, true, diag);
	if (r == 0)
		chain_step_done(STEP_SEAL_PUBLISHED);
	return r;
}

int publish_rename(int dir, const char *from, const char *to, struct diag *diag)
{
	struct stat st;

	if (faccessat(dir, from, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT &&
	    fstatat(dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode)) {
		if (fsync(dir) < 0)
			return diag_error(diag, -errno, "cannot sync the directory of %s: %s", to,
					  strerror(errno));
		return 0;
	}
	return file_rename_at(dir, from, to, diag);
}

int publish_remove(int dir, const char *name, struct diag *diag)
{
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return diag_error(diag, -errno, "cannot remove %s: %s", name, strerror(errno));
	return 0;
}

static int do_rename(const struct publish_context *context, struct publish_job *job, struct diag *diag)
{
	char from[CHUNK_NAME_MAX];
	int r;

	if (context->compression == CHAIN_ZSTD)
		r = publish_compressed_name(job->statement.sequence, from);
	else
		r = chunk_name(CHUNK_OPEN, job->statement.sequence, from);
	if (r == 0)
		r = publish_rename(context->dir, from, job->statement.chunk_name, diag);
	if (r == 0)
		chain_step_done(STEP_CHUNK_RENAMED);
	return r;
}

static int do_clean(const struct publish_context *context, struct publish_job *job, struct diag *diag)
{
	char name[CHUNK_NAME_MAX];
	int r;

	r = chunk_name(CHUNK_DRAFT, job->statement.sequence, name);
	if (r == 0)
		r = publish_remove(context->dir, name, diag);
	if (r < 0)
		return r;
	chain_step_done(STEP_DRAFT_REMOVED);
	if (context->compression != CHAIN_ZSTD)
		return 0;
	r = chunk_name(CHUNK_OPEN, job->statement.sequence, name);
	if (r == 0)
		r = publish_remove(context->dir, name, diag);
	if (r == 0)
		chain_step_done(STEP_PLAIN_REMOVED);
	return r;
}

int publish_step(const struct publish_context *context, struct publish_job *job, const struct digest *previous,
		 struct diag *diag)
{
	int r = 0;

	switch (job->stage) {
	case PUBLISH_SYNC:
		r = do_sync(job, diag);
		break;
	case PUBLISH_COMPRESS:
		r = do_compress(context, job, diag);
		break;
	case PUBLISH_SIGN:
		r = do_sign(context, job, previous, diag);
		break;
	case PUBLISH_SEAL:
		r = do_seal(context, job, diag);
		break;
	case PUBLISH_RENAME:
		r = do_rename(context, job, diag);
		break;
	case PUBLISH_CLEAN:
		r = do_clean(context, job, diag);
		break;
	case PUBLISH_DONE:
		break;
	}
	if (r < 0)
		return r;
	job->stage++;
	return 0;
}
