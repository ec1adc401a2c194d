/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The remembered head. Promises that a chain which lost sealed chunks, or was exchanged for another, is not continued
 * silently; refuses a memory that is not exactly what head_remember writes, except an empty one: that is what a power
 * cut makes of a file that was not synced, and nobody who can only write the evidence can make it.
 * Owns its paths; holds no descriptor, so that a state directory may come and go.
 */

#include "collect/head.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "format/bundle.h"
#include "format/canon.h"
#include "format/statement.h"

#define HEAD_FILE_MAX 32768 /* a path of 4096 bytes, each of them escaped, and the rest */
#define HEAD_NAME_DIGITS 16

struct head_memory {
	char *heads; /* the directory */
	char *file; /* HEADS/NAME.json */
	char *directory; /* the evidence directory's real path */
};

void head_memory_free(struct head_memory *memory)
{
	if (!memory)
		return;
	free(memory->heads);
	free(memory->file);
	free(memory->directory);
	free(memory);
}

int head_memory_new(const char *heads_directory, const char *directory, struct diag *diag,
		    struct head_memory **ret_memory)
{
	_cleanup_(head_memory_freep) struct head_memory *memory = calloc(1, sizeof(*memory));
	struct digest digest;
	char hex[DIGEST_TEXT_LEN + 1];

	if (!memory)
		return diag_error(diag, -ENOMEM, "cannot open %s: out of memory", directory);
	memory->directory = realpath(directory, NULL);
	if (!memory->directory)
		return diag_error(diag, -errno, "cannot resolve %s: %s", directory, strerror(errno));
	memory->heads = strdup(heads_directory);
	if (!memory->heads || digest_of(memory->directory, strlen(memory->directory), &digest) < 0)
		return diag_error(diag, -ENOMEM, "cannot open %s: out of memory", directory);
	digest_hex(&digest, hex);
	if (asprintf(&memory->file, "%s/%.*s.json", heads_directory, HEAD_NAME_DIGITS, hex) < 0) {
		memory->file = NULL;
		return diag_error(diag, -ENOMEM, "cannot open %s: out of memory", directory);
	}
	*ret_memory = TAKE(memory);
	return 0;
}

/* ---- writing ---- */

int head_remember(const struct head_memory *memory, const struct head *head)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(HEAD_FILE_MAX);
	struct canon w = CANON_INTO(&text);
	char hex[DIGEST_TEXT_LEN + 1];
	int r;

	digest_hex(&head->digest, hex);
	canon_object(&w);
	canon_key_cstr(&w, "chain", head->chain_id);
	canon_key_cstr(&w, "directory", memory->directory);
	canon_key_u64(&w, "sequence", head->sequence);
	canon_key_cstr(&w, "sha256", hex);
	canon_object_end(&w);
	r = canon_done(&w);
	if (r == 0)
		r = directory_make(memory->heads, 0700, NULL);
	return r < 0 ? r : file_publish_at(AT_FDCWD, memory->file, 0600, text.data, text.len, false, NULL);
}

/* ---- reading ---- */

static int take_string(const struct canon_member *member, struct str key, struct buf *out)
{
	if (!str_equal(member->key, key))
		return -EBADMSG;
	return canon_value_string(&member->value, out);
}

static int head_parse(struct str text, const char *directory, struct head *ret_head)
{
	_cleanup_(buf_done) struct buf chain = BUF_MAX(32), path = BUF_MAX(HEAD_FILE_MAX);
	_cleanup_(buf_done) struct buf hex = BUF_MAX(DIGEST_TEXT_LEN);
	struct canon_member members[4];
	struct head head = { .sequence = 0 };
	size_t count, offset;

	if (canon_scan_object(text, members, ARRAY_LEN(members), &count, &offset) != CANON_OK ||
	    count != ARRAY_LEN(members))
		return -EBADMSG;
	if (take_string(&members[0], STR("chain"), &chain) < 0 || chain.len != 32 ||
	    take_string(&members[1], STR("directory"), &path) < 0 ||
	    !str_equal(buf_str(&path), (struct str) { directory, strlen(directory) }) ||
	    !str_equal(members[2].key, STR("sequence")) ||
	    canon_value_u64(&members[2].value, &head.sequence) < 0 || head.sequence == 0 ||
	    head.sequence > STATEMENT_SEQUENCE_MAX || take_string(&members[3], STR("sha256"), &hex) < 0 ||
	    digest_parse(buf_str(&hex), &head.digest) < 0)
		return -EBADMSG;
	memcpy(head.chain_id, chain.data, chain.len);
	*ret_head = head;
	return 0;
}

/* ret_head->sequence 0: nothing is remembered. */
static int head_recall(const struct head_memory *memory, struct diag *diag, struct head *ret_head)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(HEAD_FILE_MAX);
	struct diag why = { .code = 0 };
	int r;

	*ret_head = (struct head) { .sequence = 0 };
	r = file_read_nofollow_at(AT_FDCWD, memory->file, &text, &why);
	if (r == -ENOENT || (r == 0 && text.len == 0))
		return 0;
	if (r < 0)
		return diag_error(diag, r, "%s", why.text);
	if (head_parse(buf_str(&text), memory->directory, ret_head) < 0)
		return diag_exit(diag, EXIT_UNSOUND, -EBADMSG,
				 "%s, the remembered head of %s, is damaged; see that the chain there is whole "
				 "(verify-chain --expect-head), then remove it and start again",
				 memory->file, memory->directory);
	return 0;
}

/* 1: the statement of this sequence is the one with this digest; 0: it is not, or can't be read; else negative. */
static int statement_is(int dir, uint64_t sequence, const struct digest *digest)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(BUNDLE_FILE_MAX);
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	struct digest found;
	char seal[CHUNK_NAME_MAX];
	int r;

	r = chunk_name(CHUNK_SEAL, sequence, seal);
	if (r == 0)
		r = file_read_nofollow_at(dir, seal, &text, NULL);
	if (r == 0)
		r = bundle_parse(buf_str(&text), NULL, &bundle);
	if (r == 0)
		r = digest_of(bundle.payload.data, bundle.payload.len, &found);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	return memcmp(&found, digest, sizeof(found)) == 0;
}

static int refuse(const struct head_memory *memory, const struct head *known, const struct head *found,
		  struct diag *diag)
{
	char there[128];

	if (found->sequence == 0)
		snprintf(there, sizeof(there), "there is no chain now");
	else if (strcmp(found->chain_id, known->chain_id) != 0)
		snprintf(there, sizeof(there), "there is chunk %" PRIu64 " of chain %s now", found->sequence,
			 found->chain_id);
	else if (found->sequence < known->sequence)
		snprintf(there, sizeof(there), "the last one there is %" PRIu64 " now", found->sequence);
	else
		snprintf(there, sizeof(there), "there is another chunk %" PRIu64 " now", known->sequence);
	return diag_exit(diag, EXIT_UNSOUND, -EBADMSG,
			 "%s: chunk %" PRIu64
			 " of chain %s was sealed here, and %s; put the missing files back, "
			 "or, if they were moved away on purpose, remove %s and start again",
			 memory->directory, known->sequence, known->chain_id, there, memory->file);
}

int head_check(const struct head_memory *memory, int dir, const struct head *found, struct diag *diag)
{
	struct head known;
	int r;

	r = head_recall(memory, diag, &known);
	if (r < 0 || known.sequence == 0)
		return r;
	if (found->sequence < known.sequence || strcmp(found->chain_id, known.chain_id) != 0)
		return refuse(memory, &known, found, diag);
	r = statement_is(dir, known.sequence, &known.digest);
	if (r < 0)
		return diag_error(diag, r, "cannot compare the head of %s: %s", memory->directory,
				  strerror(-r));
	return r ? 0 : refuse(memory, &known, found, diag);
}
