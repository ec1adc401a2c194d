/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The keys that the caller trusts, found by the SHA-256 of their SPKI. Nothing from the evidence directory ever
 * gets in here. The same key given twice is one key.
 */

#include "crypto/key.h"

#define TRUST_KEYS_MAX 1024

struct trust {
	struct public_key **keys;
	size_t count;
};

void trust_done(struct trust *trust);

/* -EINVAL: not a public key; -E2BIG: more than TRUST_KEYS_MAX; -ENOENT, -EACCES, ... */
int trust_add_file(struct trust *trust, const char *path, struct diag *diag);
/* Every regular *.pem and *.pub of a directory, in order of name; others are left alone. */
int trust_add_directory(struct trust *trust, const char *path, struct diag *diag);

/* Index of the key with this id, or -1. */
ssize_t trust_find(const struct trust *trust, const struct digest *id);
