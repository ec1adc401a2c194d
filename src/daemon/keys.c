// SPDX-License-Identifier: Apache-2.0
/*
 * The signing key. Promises that a local key is made once and never overwritten, that its public half lies in the
 * host's trust directory whenever the collector runs, and that there is a key for drafts. Refuses a key that others can
 * read (key_load).
 */

#include "daemon/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

void signing_key_done(struct signing_key *key)
{
	signer_free(key->signer);
	key_free(key->drafts);
	free(key->file);
	free(key->trusted);
	*key = (struct signing_key) { .signer = NULL };
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

static int path_in_state(const struct config *config, const char *name, char **ret_path)
{
	if (asprintf(ret_path, "%s/%s", config->state_directory, name) >= 0)
		return 0;
	*ret_path = NULL;
	return -ENOMEM;
}

static int make_keys_directory(const struct config *config, struct diag *diag)
{
	_cleanup_(freep) char *directory = NULL;
	int r = path_in_state(config, "keys", &directory);

	if (r == 0)
		r = directory_make(config->state_directory, 0755, diag);
	return r < 0 ? r : directory_make(directory, 0700, diag);
}

static bool is_local(const struct config *config)
{
	return strcmp(config->key_id, "local") == 0;
}

static int open_signer(const struct config *config, struct signing_key *signing, struct diag *diag)
{
	_cleanup_(freep) char *local = NULL;
	struct signer_settings settings = { .key_id = config->key_id };
	int r = path_in_state(config, "keys/local.pem", &local);

	if (r == 0 && is_local(config))
		r = make_keys_directory(config, diag);
	if (r < 0)
		return r;
	settings.local_key = local;
	r = signer_open(&settings, diag, &signing->signer);
	if (r == 0 && signer_key(signing->signer)) {
		signing->file = is_local(config) ? TAKE(local) : strdup(config->key_id + strlen("file:"));
		r = signing->file ? 0 : -ENOMEM;
	}
	return r;
}

/* Made like the local key, and kept like it; it signs nothing that leaves this host. */
static int open_drafts(const struct config *config, struct signing_key *signing, struct diag *diag)
{
	_cleanup_(signer_freep) struct signer *drafts = NULL;
	_cleanup_(freep) char *path = NULL;
	struct signer_settings settings = { .key_id = "local" };
	int r = path_in_state(config, "keys/drafts.pem", &path);

	if (r == 0)
		r = make_keys_directory(config, diag);
	if (r < 0)
		return r;
	settings.local_key = path;
	r = signer_open(&settings, diag, &drafts);
	if (r < 0)
		return r;
	signer_free(TAKE(drafts));
	return key_load(path, diag, &signing->drafts);
}

static int name_public(const struct config *config, struct signing_key *signing, struct diag *diag)
{
	_cleanup_(buf_done) struct buf pem = BUF_MAX(KEY_FILE_MAX);
	const struct public_key *public = signer_public(signing->signer);
	int r;

	signing->generated = signer_generated(signing->signer);
	if (!public)
		return 0;
	digest_hex(public_key_id(public), signing->id);
	r = public_key_pem(public, &pem, diag);
	return r < 0 || !is_local(config) ? r : publish_trust(config, signing, &pem, diag);
}

int signing_key_open(const struct config *config, struct diag *diag, struct signing_key *ret_key)
{
	struct signing_key signing = { .signer = NULL };
	int r = open_signer(config, &signing, diag);

	if (r >= 0 && !signer_key(signing.signer))
		r = open_drafts(config, &signing, diag);
	if (r >= 0)
		r = name_public(config, &signing, diag);
	if (r < 0) {
		signing_key_done(&signing);
		return diag_error(diag, r, "signing key: %s", strerror(-r));
	}
	*ret_key = signing;
	return 0;
}
