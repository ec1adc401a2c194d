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
	public_key_free(key->next);
	signer_free(key->drafts);
	free(key->file);
	free(key->trusted);
	free(key->public_file);
	*key = (struct signing_key) { .signer = NULL };
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

static struct signer_settings settings_of(const struct config *config, const char *local_key)
{
	return (struct signer_settings) {
		.key_id = config->key_id,
		.local_key = local_key,
		.passphrase_file = config->passphrase_file,
		.pin_file = config->pin_file,
		.pkcs11_module = config->pkcs11_module,
		.fulcio_url = config->fulcio_url,
		.identity_token_file = config->identity_token_file,
		.vault_token_file = config->vault_token_file,
		.http = config_http(config),
	};
}

/* The same key as the present one: the change was made, and only the announcement was left behind. */
static int open_next(const struct config *config, const struct signer_settings *settings,
		     struct signing_key *signing, struct diag *diag)
{
	_cleanup_(public_key_freep) struct public_key *next = NULL;
	const struct public_key *present = signer_public(signing->signer);
	int r;

	if (config->next_key_id[0] == '\0')
		return 0;
	if (!present)
		return diag_exit(
			diag, EXIT_UNSOUND, -EINVAL,
			"next_key_id: only a key that lasts can announce the next one, and key_id is %s",
			config->key_id);
	r = signer_public_of(settings, config->next_key_id, diag, &next);
	if (r < 0)
		return r;
	if (memcmp(public_key_id(next), public_key_id(present), sizeof(struct digest)) != 0)
		signing->next = TAKE(next);
	return 0;
}

static int open_signer(const struct config *config, struct signing_key *signing, struct diag *diag)
{
	_cleanup_(freep) char *local = NULL;
	struct signer_settings settings;
	int r = path_in_state(config, "keys/local.pem", &local);

	if (r == 0 && (is_local(config) || strcmp(config->next_key_id, "local") == 0))
		r = make_keys_directory(config, diag);
	if (r < 0)
		return r;
	settings = settings_of(config, local);
	r = signer_open(&settings, diag, &signing->signer);
	if (r == 0)
		r = open_next(config, &settings, signing, diag);
	if (r == 0 && signer_key(signing->signer)) {
		signing->file = is_local(config) ? TAKE(local) : strdup(config->key_id + strlen("file:"));
		r = signing->file ? 0 : -ENOMEM;
	}
	return r;
}

/* Made like the local key, and kept like it; it signs nothing that leaves this host. */
static int open_drafts(const struct config *config, struct signing_key *signing, struct diag *diag)
{
	_cleanup_(freep) char *path = NULL;
	struct signer_settings settings = { .key_id = "local" };
	int r = path_in_state(config, "keys/drafts.pem", &path);

	if (r == 0)
		r = make_keys_directory(config, diag);
	if (r < 0)
		return r;
	settings.local_key = path;
	return signer_open(&settings, diag, &signing->drafts);
}

/* The public half under the name of its kind and its id, for those who verify. *ret_path is set once it is there. */
static int publish_public(const struct config *config, const char *directory, const struct signing_key *signing,
			  const struct buf *pem, struct diag *diag, char **ret_path)
{
	_cleanup_(buf_done) struct buf there = BUF_MAX(KEY_FILE_MAX);
	_cleanup_(freep) char *path = NULL, *place = NULL;
	struct diag quiet = { .text = "" };
	int r = path_in_state(config, directory, &place);

	if (r == 0)
		r = directory_make(place, 0755, diag);
	if (r < 0)
		return r;
	if (asprintf(&path, "%s/%s-%.16s.pem", place, signer_kind(signing->signer), signing->id) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (file_read_nofollow_at(AT_FDCWD, path, &there, &quiet) < 0 ||
	    !str_equal(buf_str(&there), buf_str(pem)))
		r = file_publish_at(AT_FDCWD, path, 0644, pem->data, pem->len, true, diag);
	if (r < 0)
		return r;
	*ret_path = TAKE(path);
	return 0;
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
	if (r < 0)
		return r;
	if (is_local(config))
		return publish_public(config, "trust", signing, &pem, diag, &signing->trusted);
	return publish_public(config, "signers", signing, &pem, diag, &signing->public_file);
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

int signing_key_announce(const struct signing_key *key, struct statement *statement)
{
	return key->next ? statement_set_next_key(statement, public_key_spki(key->next)) : 0;
}
