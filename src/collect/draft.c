/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading and writing drafts. Promises that under the draft's name there is a whole statement or none; refuses what
 * our key did not sign as a draft, what is not canonical, not ours by number, or no regular file. Owns nothing
 * between calls.
 */

#include "collect/draft.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "collect/signed.h"
#include "format/canon.h"

int draft_write(int dir, const struct statement *statement, const struct key *key, struct diag *diag)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(STATEMENT_MAX);
	_cleanup_(buf_done) struct buf bundle = BUF_MAX(BUNDLE_FILE_MAX);
	struct digest key_id;
	char name[CHUNK_NAME_MAX];
	int r;

	r = chunk_name(CHUNK_DRAFT, statement->sequence, name);
	if (r < 0)
		return diag_error(diag, r, "a chain has at most %d chunks; begin another directory",
				  STATEMENT_SEQUENCE_MAX);
	r = statement_write(&text, statement);
	if (r == 0)
		r = signed_key_id(key, diag, &key_id);
	if (r == 0)
		r = signed_write(&bundle, STR(DRAFT_PAYLOAD_TYPE), buf_str(&text), key, &key_id, diag);
	if (r < 0)
		return diag_error(diag, r, "cannot write %s: %s", name, strerror(-r));
	return file_publish_at(dir, name, 0640, bundle.data, bundle.len, false, diag);
}

static int statement_read(struct str text, struct statement *ret_statement)
{
	struct canon_member members[1];
	size_t count, offset;

	if (canon_scan_object(text, members, ARRAY_LEN(members), &count, &offset) != CANON_OK)
		return -EBADMSG;
	return statement_parse(text, NULL, ret_statement);
}

/* The type is compared before the signature: a seal under a draft's name is ours by signature and still no draft. */
static int draft_open(struct str text, const struct key *key, struct statement *ret_statement)
{
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	_cleanup_(public_key_freep) struct public_key *public = NULL;
	int r;

	r = bundle_parse(text, NULL, &bundle);
	if (r == 0)
		r = key_public(key, NULL, &public);
	if (r < 0)
		return r;
	if (!str_equal(buf_str(&bundle.payload_type), STR(DRAFT_PAYLOAD_TYPE)))
		return -EBADMSG;
	r = signed_check(&bundle, public);
	if (r < 0)
		return r;
	return r == SIGNED_BY_US ? statement_read(buf_str(&bundle.payload), ret_statement) : -EBADMSG;
}

int draft_read(int dir, uint64_t sequence, const struct key *key, struct statement *ret_statement)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(BUNDLE_FILE_MAX);
	_cleanup_(statement_done) struct statement draft = { 0 };
	char name[CHUNK_NAME_MAX];
	int r;

	r = chunk_name(CHUNK_DRAFT, sequence, name);
	if (r < 0)
		return r;
	r = file_read_nofollow_at(dir, name, &text, NULL);
	if (r == -ENOENT || r == -ENOMEM)
		return r;
	if (r < 0)
		return -EBADMSG;
	r = draft_open(buf_str(&text), key, &draft);
	if (r < 0)
		return r == -ENOMEM ? r : -EBADMSG;
	if (draft.sequence != sequence)
		return -EBADMSG;
	*ret_statement = draft;
	draft = (struct statement) { 0 };
	return 0;
}

void draft_mark(struct statement *draft, bool closed)
{
	draft->chunk_digest = closed ? draft->plain_digest : (struct digest) { { 0 } };
}

bool draft_is_closed(const struct statement *draft)
{
	return memcmp(&draft->chunk_digest, &draft->plain_digest, sizeof(draft->chunk_digest)) == 0;
}

int statement_copy(const struct statement *statement, struct statement *ret_copy)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(STATEMENT_MAX);
	int r;

	r = statement_write(&text, statement);
	if (r < 0)
		return r;
	return statement_read(buf_str(&text), ret_copy);
}
