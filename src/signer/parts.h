/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of this room share: a signer as its drivers see it, and the drivers themselves. */

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

#include "signer/signer.h"

struct signer_driver {
	const char *kind; /* as signer_kind tells it */
	const char *prefix; /* what the key_id begins with; without ':' at its end it is all of the key_id */
	/* Why what follows the prefix is no key's name, or NULL; NULL: nothing to look at. */
	const char *(*check)(const char *name);
	/* Sets signer->public, or signer->key, or both; state as it likes. */
	int (*open)(struct signer *signer, struct diag *diag);
	/*
	 * Appends the signature over `pae` to bundle->signature. The caller has cleared it, checks it with signer->public
	 * and sets the identity; without a public half the driver does both.
	 */
	int (*sign)(struct signer *signer, struct str pae, struct bundle *bundle, struct diag *diag);
	/* Of services: what the two answers mean. Sets signer->public and state; appends the signature. */
	int (*read_key)(struct signer *signer, const json_t *answer, struct diag *diag);
	int (*read_signature)(struct signer *signer, const json_t *answer, struct buf *out, struct diag *diag);
	void (*close)(struct signer *signer); /* NULL: nothing but what signer_free does */
};

struct signer {
	atomic_uint references;
	const struct signer_driver *driver;
	const char *name; /* of the key: what follows the prefix */
	struct signer_settings settings; /* strings of our own; "" became NULL */
	pthread_mutex_t lock; /* one signature at a time */
	atomic_bool cancelled;
	struct public_key *public;
	struct key *key; /* owned */
	const struct key *borrowed; /* of signer_of_key */
	bool in_memory; /* the key is, not only its handle */
	bool generated;
	struct http *http; /* made by signer_http */
	void *state; /* the driver's */
};

extern const struct signer_driver signer_local, signer_file, signer_pkcs11, signer_tpm2, signer_fulcio,
	signer_hashivault, signer_openbao, signer_awskms, signer_gcpkms, signer_azurekms, signer_exec;

/* A signer of that kind, with nothing opened or asked. */
int signer_begin(const struct signer_settings *settings, struct diag *diag, struct signer **ret_signer);

/* Signs with signer->key. */
int signer_sign_with_key(struct signer *signer, struct str pae, struct bundle *bundle, struct diag *diag);

/* Why `name` is no absolute path, or NULL. */
const char *signer_check_path(const char *name);
