// SPDX-License-Identifier: Apache-2.0
/*
 * The seals as files: read, and replaced by themselves with one proof more. Promises that a seal is never cut, that
 * nothing of it but proofs changes, and that two sinks do not undo each other. Refuses to add a proof to a signature
 * that is not the one it is about. Owns nothing.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "format/statement.h"
#include "transparency/parts.h"

#define SEAL_MODE 0640

int seal_read(struct outbox *outbox, uint64_t sequence, struct diag *diag, struct bundle *bundle)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(BUNDLE_FILE_MAX);
	struct diag why = { .text = "" };
	char name[CHUNK_NAME_MAX];
	int r = chunk_name(CHUNK_SEAL, sequence, name);

	if (r >= 0)
		r = file_read_nofollow_at(outbox->dir, name, &text, &why);
	if (r >= 0)
		r = bundle_parse(buf_str(&text), &why, bundle);
	if (r == -EBADMSG) /* the seal is not what a log could be asked about: no fault of the log's */
		r = -EINVAL;
	return r < 0 && r != -ENOENT
		       ? diag_error(diag, r, "seal %llu: %s", (unsigned long long)sequence, why.text)
		       : r;
}

static int write_seal(struct outbox *outbox, uint64_t sequence, const struct bundle *bundle, struct diag *diag)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(BUNDLE_FILE_MAX);
	char name[CHUNK_NAME_MAX];
	int r = chunk_name(CHUNK_SEAL, sequence, name);

	if (r >= 0)
		r = bundle_write(&text, bundle);
	if (r < 0)
		return diag_error(diag, r, "seal %llu: cannot write it with its proof: %s",
				  (unsigned long long)sequence, strerror(-r));
	return file_publish_at(outbox->dir, name, SEAL_MODE, text.data, text.len, true, diag);
}

/* The seal as it is now, if its signature is still the one that was read. */
static int read_same(struct outbox *outbox, uint64_t sequence, const struct bundle *read, struct diag *diag,
		     struct bundle *bundle)
{
	int r = seal_read(outbox, sequence, diag, bundle);

	if (r >= 0 && !str_equal(buf_str(&bundle->signature), buf_str(&read->signature)))
		r = diag_error(diag, -ESTALE, "seal %llu was signed again meanwhile",
			       (unsigned long long)sequence);
	return r;
}

int seal_add_entry(struct outbox *outbox, uint64_t sequence, const struct bundle *read,
		   struct bundle_entry *entry, struct diag *diag)
{
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	int r;

	pthread_mutex_lock(&outbox->seals);
	r = read_same(outbox, sequence, read, diag, &bundle);
	if (r >= 0)
		r = bundle_add_entry(&bundle, entry);
	if (r >= 0)
		r = write_seal(outbox, sequence, &bundle, diag);
	pthread_mutex_unlock(&outbox->seals);
	return r;
}

int seal_add_timestamp(struct outbox *outbox, uint64_t sequence, const struct bundle *read, struct str response,
		       struct diag *diag)
{
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	int r;

	pthread_mutex_lock(&outbox->seals);
	r = read_same(outbox, sequence, read, diag, &bundle);
	if (r >= 0)
		r = bundle_add_timestamp(&bundle, response);
	if (r >= 0)
		r = write_seal(outbox, sequence, &bundle, diag);
	pthread_mutex_unlock(&outbox->seals);
	return r;
}

int seal_sign_again(struct outbox *outbox, uint64_t sequence, const struct bundle *read, struct diag *diag)
{
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	int r;

	if (!outbox->settings.signer)
		return diag_error(diag, -EKEYEXPIRED,
				  "seal %llu: its certificate ended before any trusted time was obtained",
				  (unsigned long long)sequence);
	/* The others wait for as long as signing takes; they could not add to the old signature anyway. */
	pthread_mutex_lock(&outbox->seals);
	r = read_same(outbox, sequence, read, diag, &bundle);
	if (r >= 0)
		r = signer_sign(outbox->settings.signer, &bundle, diag);
	if (r >= 0)
		r = write_seal(outbox, sequence, &bundle, diag);
	pthread_mutex_unlock(&outbox->seals);
	return r == -ESTALE ? 0 : r;
}

/* ---- whose key ---- */

struct key_search {
	const char *directory;
	const struct digest *id;
	struct buf *out;
	bool found;
};

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len > n && strcmp(name + len - n, end) == 0;
}

static int try_key(void *user, const char *name)
{
	struct key_search *search = user;
	_cleanup_(public_key_freep) struct public_key *key = NULL;
	_cleanup_(freep) char *path = NULL;
	struct diag quiet = { .text = "" };

	if (search->found || (!ends_with(name, ".pem") && !ends_with(name, ".pub")))
		return 0;
	if (asprintf(&path, "%s/%s", search->directory, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (public_key_load(path, &quiet, &key) < 0 ||
	    memcmp(public_key_id(key), search->id, sizeof(*search->id)) != 0)
		return 0;
	search->found = true;
	return buf_append_str(search->out, public_key_spki(key));
}

static int find_earlier(struct outbox *outbox, const struct digest *id, struct buf *out)
{
	struct key_search search = { .directory = outbox->settings.trust, .id = id, .out = out };
	_cleanup_(closep) int dir = -1;
	int r;

	if (!search.directory)
		return -ENOKEY;
	dir = open(search.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dir < 0 ? -ENOKEY : directory_visit(dir, try_key, &search);
	return r < 0 ? r : search.found ? 0 : -ENOKEY;
}

int seal_verifier(struct outbox *outbox, const struct bundle *bundle, struct buf *out, struct diag *diag)
{
	const struct public_key *public = outbox->settings.public;
	char hex[DIGEST_TEXT_LEN + 1];
	int r;

	if (bundle->identity == BUNDLE_CERTIFICATE)
		return buf_append_str(out, buf_str(&bundle->certificate));
	if (public && memcmp(public_key_id(public), &bundle->key_id, sizeof(bundle->key_id)) == 0)
		return buf_append_str(out, public_key_spki(public));
	r = find_earlier(outbox, &bundle->key_id, out);
	digest_hex(&bundle->key_id, hex);
	return r < 0 ? diag_error(diag, r,
				  "a seal is signed with key %.16s..., whose public half is not known; put it "
				  "into %s",
				  hex, outbox->settings.trust ? outbox->settings.trust : "the trust directory")
		     : 0;
}
