/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Commands that we print for a person to paste: quoted for the shell, with the options that the defaults do not give. */

#include "base/buf.h"

#define TRUST_DIRECTORY_DEFAULT "/var/lib/stella/trust"
#define TRUST_DIRECTORY_ENV "STELLA_TRUST_ROOTS"

/* What verify-chain trusts without --key and --trust. */
const char *command_trust_default(void);

/* Appends a space and the word, in single quotes when the shell would take it apart. */
void command_word(struct buf *command, const char *word);
/* Appends --socket unless `path` is asked anyway ("" too). */
void command_socket(struct buf *command, const char *path);
/* Appends --trust with the directory of this public key unless verify-chain looks there anyway ("" too). */
void command_trust(struct buf *command, const char *key_file);
