/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Keys in PKCS#11 tokens and TPMs. Promises that a token that was pulled, or a session that was lost, is opened again at
 * the next signature and must then be the same key; and that a PIN that was refused is not tried again before its file
 * has changed: a token counts wrong PINs, and locks itself.
 */

#include "signer/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/key_store.h"

struct store_state {
	bool refused; /* the PIN in this version of the file: */
	struct stat pin;
};

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       memcmp(&a->st_mtim, &b->st_mtim, sizeof(a->st_mtim)) == 0;
}

static void stat_pin(const struct signer *signer, struct stat *ret_stat)
{
	memset(ret_stat, 0, sizeof(*ret_stat));
	if (signer->settings.pin_file && stat(signer->settings.pin_file, ret_stat) < 0)
		memset(ret_stat, 0, sizeof(*ret_stat));
}

static int open_key(struct signer *signer, struct diag *diag)
{
	const struct signer_settings *settings = &signer->settings;
	struct store_state *state = signer->state;
	struct stat pin;
	int r;

	stat_pin(signer, &pin);
	if (state->refused && same_file(&pin, &state->pin))
		return diag_exit(
			diag, EXIT_NOT_PERMITTED, -EACCES,
			"%s was refused with the PIN in %s, which is not tried again until that file changes",
			settings->key_id, settings->pin_file ? settings->pin_file : "no pin_file");
	if (signer->driver == &signer_pkcs11)
		r = key_open_pkcs11(settings->key_id, settings->pkcs11_module, settings->pin_file, diag,
				    &signer->key);
	else
		r = key_open_tpm2(signer->name, settings->pin_file, diag, &signer->key);
	state->refused = r == -EACCES;
	state->pin = pin;
	return r;
}

static int store_open(struct signer *signer, struct diag *diag)
{
	signer->state = calloc(1, sizeof(struct store_state));
	return signer->state ? open_key(signer, diag) : -ENOMEM;
}

static int store_sign(struct signer *signer, struct str pae, struct bundle *bundle, struct diag *diag)
{
	struct store_state *state = signer->state;
	int r = signer->key ? 0 : open_key(signer, diag);

	if (r == 0) {
		r = signer_sign_with_key(signer, pae, bundle, diag);
		state->refused = r == -EACCES; /* in the version of the file that it was opened with */
	}
	if (r < 0) {
		key_free(signer->key);
		signer->key = NULL;
	}
	return r;
}

static void store_close(struct signer *signer)
{
	free(signer->state);
}

static const char *check_pkcs11(const char *name)
{
	return key_check_pkcs11(name - strlen("pkcs11:"));
}

const struct signer_driver signer_pkcs11 = {
	.kind = "pkcs11",
	.prefix = "pkcs11:",
	.check = check_pkcs11,
	.open = store_open,
	.sign = store_sign,
	.close = store_close,
};

const struct signer_driver signer_tpm2 = {
	.kind = "tpm2",
	.prefix = "tpm2:",
	.check = key_check_tpm2,
	.open = store_open,
	.sign = store_sign,
	.close = store_close,
};
