/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the trusted root share. */

#include <fcntl.h>

#include "sigstore/trusted_root.h"

#define TRUSTED_ROOT_TYPE "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
#define TRUSTED_ROOT_HASH "SHA2_256"
#define TRUSTED_ROOT_P256 "PKIX_ECDSA_P256_SHA_256"
#define TRUSTED_ROOT_ED25519 "PKIX_ED25519"

/* Adds it with the id that it has; taken on success, even if it is known already. */
int trusted_root_take_log(struct log_key **list, size_t *count, struct log_key *log, struct diag *diag);

/* The host of a URL; empty when it has none. */
struct str trusted_root_host(const char *url);
