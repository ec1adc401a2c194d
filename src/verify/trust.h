/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whom the caller trusts: keys that sign seals, found by the SHA-256 of their SPKI; identities that certificates may be
 * for; logs, witnesses, authorities of certificates and of time. Nothing from the evidence directory ever gets in
 * here. The same key or identity given twice is one.
 */

#include "crypto/key.h"
#include "sigstore/judge.h"
#include "sigstore/trusted_root.h"

#define TRUST_KEYS_MAX 1024
#define TRUST_IDENTITIES_MAX 256
#define TRUST_IDENTITY_MAX 2048 /* bytes of a name, or of an issuer */
#define TRUST_VKEYS_FILE_MAX 65536

struct trust {
	struct public_key **keys;
	size_t count;
	struct judge_identity *identities; /* their texts are owned, and end with NUL */
	size_t n_identities;
	struct trusted_root root;
};

void trust_done(struct trust *trust);

/* -EINVAL: not a public key; -E2BIG: more than TRUST_KEYS_MAX; -ENOENT, -EACCES, ... */
int trust_add_file(struct trust *trust, const char *path, struct diag *diag);
/*
 * Every regular *.pem and *.pub (signers), *.vkey (a C2SP verifier key a line: logs and witnesses; empty lines and
 * those that begin with # are skipped) and trusted_root.json of a directory, in order of name; others are left alone.
 */
int trust_add_directory(struct trust *trust, const char *path, struct diag *diag);
/* A trusted_root.json. */
int trust_add_root(struct trust *trust, const char *path, struct diag *diag);
/* A name that certificates may be for, and who must vouch for it. -EINVAL: one is empty or too long. */
int trust_add_identity(struct trust *trust, const char *san, const char *issuer, struct diag *diag);

/* Index of the key with this id, or -1. */
ssize_t trust_find(const struct trust *trust, const struct digest *id);
