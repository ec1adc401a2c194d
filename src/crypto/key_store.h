/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Keys that stay where they are: in a PKCS#11 token (pkcs11-provider) or a TPM 2.0 (tpm2-openssl), reached through
 * OpenSSL's OSSL_STORE. What is opened is a struct key like any other: key_public and key_sign work on it, key_free
 * closes it. Each has a library context of its own, so that no key's provider meets another's.
 */

#include "crypto/key.h"

#define KEY_PIN_MAX 256

/* Why this is no URI that can be used, a sentence; or NULL. Opens nothing. */
const char *key_check_pkcs11(const char *uri);
const char *key_check_tpm2(const char *name);

/*
 * uri: "pkcs11:token=...;object=..." without PIN. module: the token's library; NULL: as pkcs11-provider is built (p11-kit's
 * proxy). pin_file: one line; NULL: no PIN. Exactly one private key must match, and must sign. -ENOENT (exit 4): no such key, or the
 * provider is not installed; -EACCES (exit 3): the token refused the PIN, which must not be tried again.
 */
int key_open_pkcs11(const char *uri, const char *module, const char *pin_file, struct diag *diag,
		    struct key **ret_key);

/*
 * name: "0x81000001" (a persistent handle) or "/PATH" of a TSS2 key file. pin_file: the key's authorisation value. Which TPM
 * it is, TPM2OPENSSL_TCTI says; default: the kernel's. Errors as above.
 */
int key_open_tpm2(const char *name, const char *pin_file, struct diag *diag, struct key **ret_key);
