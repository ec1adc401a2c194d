/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The table of the kinds of keys, and what they have in common. Promises that a signature that leaves this room is one
 * by the key that was opened (each is verified before it is used, whoever made it), that a bundle signed anew has no
 * proofs of its older signature, and that what a signer needs is its own: it lives on with whoever holds a reference.
 */

#include "signer/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAE_MAX (BUNDLE_FILE_MAX + 1024)

static const struct signer_driver *const drivers[] = {
	&signer_local,	 &signer_file,	 &signer_pkcs11, &signer_tpm2,	   &signer_fulcio, &signer_hashivault,
	&signer_openbao, &signer_awskms, &signer_gcpkms, &signer_azurekms, &signer_exec,
};

static bool is_of(const struct signer_driver *driver, const char *key_id, const char **ret_name)
{
	size_t len = strlen(driver->prefix);

	if (strncmp(key_id, driver->prefix, len) != 0)
		return false;
	*ret_name = key_id + len;
	return strchr(driver->prefix, ':') || key_id[len] == '\0';
}

static const struct signer_driver *driver_of(const char *key_id, const char **ret_name)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
		if (is_of(drivers[i], key_id, ret_name))
			return drivers[i];
	return NULL;
}

const char *signer_check_path(const char *name)
{
	return name[0] == '/' ? NULL : "an absolute path is wanted behind the colon";
}

const char *signer_check(const char *key_id)
{
	const struct signer_driver *driver;
	const char *name;

	for (const char *at = key_id; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return "it has a control character";
	driver = driver_of(key_id, &name);
	if (!driver)
		return "it is none of 'local', 'file:/PATH', 'pkcs11:URI', 'tpm2:HANDLE', 'tpm2:/PATH', "
		       "'fulcio', "
		       "'hashivault://KEY', 'openbao://KEY', 'awskms://...', 'gcpkms://...', 'azurekms://...', "
		       "'exec:/PROGRAM KEY'";
	return driver->check ? driver->check(name) : NULL;
}

/* ---- settings of its own ---- */

/* Each string of the settings. */
static const char **setting_at(struct signer_settings *settings, size_t i)
{
	const char **all[] = {
		&settings->key_id,
		&settings->local_key,
		&settings->passphrase_file,
		&settings->pin_file,
		&settings->pkcs11_module,
		&settings->fulcio_url,
		&settings->identity_token_file,
		&settings->vault_token_file,
		&settings->http.ca_file,
		&settings->http.certificate_file,
		&settings->http.key_file,
		&settings->http.proxy,
	};

	return i < ARRAY_LEN(all) ? all[i] : NULL;
}

static int settings_copy(const struct signer_settings *from, struct signer_settings *to)
{
	struct signer_settings borrowed = *from;
	const char **source;
	int r = 0;

	*to = borrowed;
	for (size_t i = 0; (source = setting_at(&borrowed, i)); i++) {
		const char **target = setting_at(to, i);

		*target = *source && **source ? strdup(*source) : NULL;
		if (*source && **source && !*target)
			r = -ENOMEM;
	}
	return r;
}

static void settings_done(struct signer_settings *settings)
{
	const char **at;

	for (size_t i = 0; (at = setting_at(settings, i)); i++)
		free((char *)*at);
}

/* ---- life ---- */

struct signer *signer_ref(struct signer *signer)
{
	atomic_fetch_add(&signer->references, 1);
	return signer;
}

void signer_free(struct signer *signer)
{
	if (!signer || atomic_fetch_sub(&signer->references, 1) != 1)
		return;
	if (signer->driver && signer->driver->close)
		signer->driver->close(signer);
	http_free(signer->http);
	public_key_free(signer->public);
	key_free(signer->key);
	settings_done(&signer->settings);
	pthread_mutex_destroy(&signer->lock);
	free(signer);
}

static int signer_new(const struct signer_settings *settings, struct signer **ret_signer)
{
	struct signer *signer = calloc(1, sizeof(*signer));
	int r;

	if (!signer)
		return -ENOMEM;
	atomic_init(&signer->references, 1);
	atomic_init(&signer->cancelled, false);
	pthread_mutex_init(&signer->lock, NULL);
	r = settings_copy(settings, &signer->settings);
	if (r < 0)
		signer_free(signer);
	else
		*ret_signer = signer;
	return r;
}

static int learn_public(struct signer *signer, struct diag *diag)
{
	const struct key *key = signer->borrowed ? signer->borrowed : signer->key;

	return key && !signer->public ? key_public(key, diag, &signer->public) : 0;
}

int signer_begin(const struct signer_settings *settings, struct diag *diag, struct signer **ret_signer)
{
	_cleanup_(signer_freep) struct signer *signer = NULL;
	const char *key_id = settings->key_id ? settings->key_id : "", *why = signer_check(key_id);
	int r;

	if (why)
		return diag_exit(diag, EXIT_UNSOUND, -EINVAL, "cannot use the key_id %s: %s", key_id, why);
	r = signer_new(settings, &signer);
	if (r < 0)
		return diag_error(diag, r, "cannot open the signing key: out of memory");
	signer->driver = driver_of(signer->settings.key_id, &signer->name);
	*ret_signer = TAKE(signer);
	return 0;
}

int signer_open(const struct signer_settings *settings, struct diag *diag, struct signer **ret_signer)
{
	_cleanup_(signer_freep) struct signer *signer = NULL;
	int r = signer_begin(settings, diag, &signer);

	if (r == 0)
		r = signer->driver->open(signer, diag);
	if (r == 0)
		r = learn_public(signer, diag);
	if (r < 0)
		return r;
	*ret_signer = TAKE(signer);
	return 0;
}

int signer_of_key(const struct key *key, struct diag *diag, struct signer **ret_signer)
{
	const struct signer_settings none = { .key_id = "local" };
	_cleanup_(signer_freep) struct signer *signer = NULL;
	int r = signer_new(&none, &signer);

	if (r < 0)
		return diag_error(diag, r, "cannot use the signing key: out of memory");
	signer->driver = &signer_local;
	signer->borrowed = key;
	signer->in_memory = true;
	r = learn_public(signer, diag);
	if (r < 0)
		return r;
	*ret_signer = TAKE(signer);
	return 0;
}

int signer_public_of(const struct signer_settings *settings, const char *key_id, struct diag *diag,
		     struct public_key **ret_public)
{
	_cleanup_(signer_freep) struct signer *signer = NULL;
	struct signer_settings other = *settings;
	int r;

	other.key_id = key_id;
	r = signer_open(&other, diag, &signer);
	if (r < 0)
		return r;
	if (!signer->public)
		return diag_exit(diag, EXIT_UNSOUND, -EINVAL,
				 "%s has no key that lasts, which could be announced", key_id);
	return public_key_copy(signer->public, ret_public);
}

/* ---- what is known of it ---- */

const struct public_key *signer_public(const struct signer *signer)
{
	return signer->public;
}

const struct key *signer_key(const struct signer *signer)
{
	if (!signer->in_memory)
		return NULL;
	return signer->borrowed ? signer->borrowed : signer->key;
}

bool signer_generated(const struct signer *signer)
{
	return signer->generated;
}

const char *signer_kind(const struct signer *signer)
{
	return signer->driver->kind;
}

/* ---- signing ---- */

/* What vouched for another signature says nothing of the next one. */
static void forget_proofs(struct bundle *bundle)
{
	for (size_t i = 0; i < bundle->n_entries; i++)
		bundle_entry_done(&bundle->entries[i]);
	for (size_t i = 0; i < bundle->n_timestamps; i++)
		buf_done(&bundle->timestamps[i]);
	bundle->n_entries = bundle->n_timestamps = 0;
	buf_clear(&bundle->signature);
	buf_clear(&bundle->certificate);
}

int signer_sign_with_key(struct signer *signer, struct str pae, struct bundle *bundle, struct diag *diag)
{
	const struct key *key = signer->borrowed ? signer->borrowed : signer->key;

	return key_sign(key, pae.data, pae.len, &bundle->signature, diag);
}

static int sign_locked(struct signer *signer, struct str pae, struct bundle *bundle, struct diag *diag)
{
	int r;

	if (atomic_load(&signer->cancelled))
		return diag_error(diag, -ECANCELED, "signing was given up: the program ends");
	forget_proofs(bundle);
	r = signer->driver->sign(signer, pae, bundle, diag);
	if (r < 0 || !signer->public)
		return r;
	if (!public_key_verify(signer->public, pae, buf_str(&bundle->signature)))
		return diag_error(
			diag, -EBADMSG,
			"what %s answered is no signature by the key that was opened; was the key replaced?",
			signer->settings.key_id);
	bundle->identity = BUNDLE_PUBLIC_KEY;
	bundle->key_id = *public_key_id(signer->public);
	return 0;
}

int signer_sign(struct signer *signer, struct bundle *bundle, struct diag *diag)
{
	_cleanup_(buf_done) struct buf pae = BUF_MAX(PAE_MAX);
	int r = dsse_pae(&pae, buf_str(&bundle->payload_type), buf_str(&bundle->payload));

	if (r < 0)
		return r;
	pthread_mutex_lock(&signer->lock);
	r = sign_locked(signer, buf_str(&pae), bundle, diag);
	pthread_mutex_unlock(&signer->lock);
	if (r < 0)
		buf_clear(&bundle->signature);
	return r;
}

void signer_cancel(struct signer *signer)
{
	atomic_store(&signer->cancelled, true);
}
