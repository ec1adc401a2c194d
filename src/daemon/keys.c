// SPDX-License-Identifier: Apache-2.0
/*
 * The signing key. Promises that a local key is made once and never overwritten, and that its public half lies
 * in the host's trust directory whenever the collector runs. Refuses a key that others can read (key_load).
 */

#include "daemon/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

void signing_key_done(struct signing_key *key)
{
	key_free(key->key);
	free(key->file);
	free(key->trusted);
	*key = (struct signing_key) { .key = NULL };
}

static int public_of(struct signing_key *signing, struct diag *diag, struct buf *pem)
{
	_cleanup_(public_key_freep) struct public_key *public = NULL;
	int r = key_public(signing->key, diag, &public);

	if (r < 0)
		return r;
	digest_hex(public_key_id(public), signing->id);
	return public_key_pem(public, pem, diag);
}

/* Two first starts at once: the loser of key_save loads what the winner saved. */
static int local_key(struct signing_key *signing, struct diag *diag)
{
	_cleanup_(key_freep) struct key *fresh = NULL;
	struct diag quiet = { .text = "" };
	int r;

	if (access(signing->file, F_OK) == 0 || errno != ENOENT)
		return key_load(signing->file, diag, &signing->key);
	r = key_generate(diag, &fresh);
	if (r < 0)
		return r;
	r = key_save(fresh, signing->file, &quiet);
	if (r == -EEXIST)
		return key_load(signing->file, diag, &signing->key);
	if (r < 0) {
		*diag = quiet;
		return r;
	}
	signing->key = TAKE(fresh);
	signing->generated = true;
	return 0;
}

static int publish_trust(const struct config *config, struct signing_key *signing, const struct buf *pem,
			 struct diag *diag)
{
	_cleanup_(buf_done) struct buf there = BUF_MAX(KEY_FILE_MAX);
	_cleanup_(freep) char *directory = NULL;
	struct diag quiet = { .text = "" };
	int r;

	if (asprintf(&directory, "%s/trust", config->state_directory) < 0) {
		directory = NULL;
		return -ENOMEM;
	}
	r = directory_make(directory, 0755, diag);
	if (r < 0)
		return r;
	if (asprintf(&signing->trusted, "%s/local-%.16s.pem", directory, signing->id) < 0) {
		signing->trusted = NULL;
		return -ENOMEM;
	}
	if (file_read_nofollow_at(AT_FDCWD, signing->trusted, &there, &quiet) == 0 &&
	    str_equal(buf_str(&there), buf_str(pem)))
		return 0;
	return file_publish_at(AT_FDCWD, signing->trusted, 0644, pem->data, pem->len, true, diag);
}

static int open_local(const struct config *config, struct signing_key *signing, struct diag *diag)
{
	_cleanup_(buf_done) struct buf pem = BUF_MAX(KEY_FILE_MAX);
	_cleanup_(freep) char *directory = NULL;
	int r;

	if (asprintf(&directory, "%s/keys", config->state_directory) < 0) {
		directory = NULL;
		return -ENOMEM;
	}
	if (asprintf(&signing->file, "%s/local.pem", directory) < 0) {
		signing->file = NULL;
		return -ENOMEM;
	}
	r = directory_make(config->state_directory, 0755, diag);
	if (r >= 0)
		r = directory_make(directory, 0700, diag);
	if (r >= 0)
		r = local_key(signing, diag);
	if (r >= 0)
		r = public_of(signing, diag, &pem);
	return r < 0 ? r : publish_trust(config, signing, &pem, diag);
}

static int open_file(const char *path, struct signing_key *signing, struct diag *diag)
{
	_cleanup_(buf_done) struct buf pem = BUF_MAX(KEY_FILE_MAX);
	int r;

	signing->file = strdup(path);
	if (!signing->file)
		return -ENOMEM;
	r = key_load(path, diag, &signing->key);
	return r < 0 ? r : public_of(signing, diag, &pem);
}

int signing_key_open(const struct config *config, struct diag *diag, struct signing_key *ret_key)
{
	struct signing_key signing = { .key = NULL };
	int r;

	if (strncmp(config->key_id, "file:", 5) == 0)
		r = open_file(config->key_id + 5, &signing, diag);
	else
		r = open_local(config, &signing, diag);
	if (r < 0) {
		signing_key_done(&signing);
		return diag_error(diag, r, "signing key: %s", strerror(-r));
	}
	*ret_key = signing;
	return 0;
}
