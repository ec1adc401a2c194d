/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whom to trust outside of this project: Sigstore's trusted_root.json (media type
 * application/vnd.dev.sigstore.trustedroot+json;version=0.1 and its v0.2 spelling), and single keys of logs and witnesses.
 * Each has the time within which what it says counts.
 */

#include <stdbool.h>

#include "base/diag.h"
#include "crypto/certificate.h"
#include "crypto/key.h"
#include "sigstore/note.h"

#define TRUSTED_ROOT_FILE_MAX (4u << 20)
#define TRUSTED_ROOT_LIST_MAX 256

/* Seconds since 1970, both ends included; until INT64_MAX: no end. */
struct validity {
	int64_t from, until;
};

/* A transparency log, or a certificate transparency log. */
struct log_key {
	char *base_url; /* as the trusted root writes it, never connected to; NULL = unknown */
	char *origin; /* the first line of its checkpoints; NULL = any (Rekor v1's names carry a tree id) */
	struct public_key *key;
	struct digest id; /* logId.keyId of its entries */
	struct validity validity;
};

/* A certificate authority of Fulcio's, or a timestamp authority's chain. */
struct authority {
	char *url;
	struct certificate_chain chain; /* leaf (TSA) or intermediates first, root last */
	struct validity validity;
};

struct trusted_root {
	struct log_key *logs, *ct_logs;
	size_t n_logs, n_ct_logs;
	struct authority *authorities, *timestampers;
	size_t n_authorities, n_timestampers;
	struct note_key *witnesses; /* not part of the file format: added one by one */
	size_t n_witnesses;
};

void trusted_root_done(struct trusted_root *root);

/* Adds what the file names. -EINVAL/-EBADMSG with a line: unknown members, bad base64, keys of a kind unknown, ... */
int trusted_root_parse(struct str text, const char *name, struct diag *diag, struct trusted_root *root);
int trusted_root_load(const char *path, struct diag *diag, struct trusted_root *root);
/* Adds a log by its C2SP verifier key, or a witness (cosignature key). */
int trusted_root_add_vkey(struct trusted_root *root, struct str vkey, struct diag *diag);
/* Adds; all are copied. `origin` and `url` may be NULL. */
int trusted_root_add_log(struct trusted_root *root, const struct public_key *key, const char *origin,
			 const char *url, struct validity validity, struct diag *diag);
/* Appends it as trusted_root.json v0.1, canonical; witnesses are left out. */
int trusted_root_write(const struct trusted_root *root, struct buf *out);

const struct log_key *trusted_root_find_log(const struct trusted_root *root, const struct digest *id);
