/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What an OpenID Connect identity token says of itself. It is ours: nothing of it is verified, Fulcio does that. */

#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"

#define IDENTITY_TOKEN_MAX 65536

/*
 * Appends the claim that Fulcio wants signed as proof of the key: "email" for an issuer that says one (it must be
 * verified), else "sub". *ret_expires: seconds since 1970, INT64_MAX when it does not say. -EBADMSG: no such token.
 */
int identity_token_read(struct str token, struct diag *diag, struct buf *challenge, int64_t *ret_expires);
