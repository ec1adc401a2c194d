/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* RFC 3161: asking for a timestamp over some bytes, and checking what came. SHA-256 imprints. */

#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"
#include "crypto/certificate.h"

/* Appends a TimeStampReq (DER) over `data` with certReq and this nonce (0 = none). */
int timestamp_request(struct str data, uint64_t nonce, struct buf *out, struct diag *diag);

/*
 * Is `response` (DER of TimeStampResp, granted) a timestamp over `data` by this authority, whose chain has the
 * timestamping leaf first and the root last? A nonce of 0 is not compared. The certificates are judged at the time that
 * the token names. *ret_time: seconds since 1970. -EBADMSG with a line; -ENOKEY: it says itself that
 * it is of another authority.
 */
int timestamp_verify(struct str response, struct str data, uint64_t nonce,
		     const struct certificate_chain *authority, struct diag *diag, int64_t *ret_time);
