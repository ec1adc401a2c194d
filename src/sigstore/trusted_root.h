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

/* Seconds since 1970, both ends included; from INT64_MIN, until INT64_MAX: no end. */
struct validity {
	int64_t from, until;
};

#define VALIDITY_ALWAYS ((struct validity) { INT64_MIN, INT64_MAX })

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

#define TRUSTED_ROOT_EMPTY ((struct trusted_root) { 0 })

struct trusted_root {
	struct log_key *logs, *ct_logs;
	size_t n_logs, n_ct_logs;
	bool names_ct_logs; /* certificates must be in one: also when none is of a kind that is used here */
	struct authority *authorities, *timestampers;
	size_t n_authorities, n_timestampers;
	struct note_key *witnesses; /* not part of the file format: added one by one */
	size_t n_witnesses;
};

void trusted_root_done(struct trusted_root *root);

/*
 * Adds what the file names. -EBADMSG with a line: unknown members, bad base64, a log without the time since when it
 * counts, ... Logs whose keys are of a kind that is known but not used here (RSA, P-384, ...) are left out: what they
 * say cannot be proved, as with a log that is not named. On error `root` may hold a part of the file.
 */
int trusted_root_parse(struct str text, const char *name, struct diag *diag, struct trusted_root *root);
int trusted_root_load(const char *path, struct diag *diag, struct trusted_root *root);
/* Adds a log by its C2SP verifier key, or a witness (cosignature key). */
int trusted_root_add_vkey(struct trusted_root *root, struct str vkey, struct diag *diag);
/*
 * Adds; keys and texts are copied, a chain is taken on success. `url` may be NULL. `origin` NULL: a log as Rekor v1, whose
 * id is the SHA-256 of its SPKI; else as Rekor v2 (and an Ed25519 key has the id that C2SP gives it). Chains are leaf or
 * intermediates first, root last, each issued by the next; -EINVAL.
 */
int trusted_root_add_log(struct trusted_root *root, const struct public_key *key, const char *origin,
			 const char *url, struct validity validity, struct diag *diag);
int trusted_root_add_ct_log(struct trusted_root *root, const struct public_key *key, const char *url,
			    struct validity validity, struct diag *diag);
int trusted_root_add_authority(struct trusted_root *root, struct certificate_chain *chain, const char *url,
			       struct validity validity, struct diag *diag);
int trusted_root_add_timestamper(struct trusted_root *root, struct certificate_chain *chain, const char *url,
				 struct validity validity, struct diag *diag);
/* Appends it as trusted_root.json v0.1, canonical; witnesses are left out. */
int trusted_root_write(const struct trusted_root *root, struct buf *out);

/* The id that entries of a log with this key carry; `origin` as above. */
int trusted_root_log_id(const struct public_key *key, const char *origin, struct digest *ret_id);

static inline bool validity_covers(struct validity validity, int64_t time)
{
	return time >= validity.from && time <= validity.until;
}

const struct log_key *trusted_root_find_log(const struct trusted_root *root, const struct digest *id);
