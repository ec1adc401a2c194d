/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of this room that judge certificates share; nobody else sees OpenSSL's types. */

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/certificate.h"

struct certificate {
	X509 *x509;
	struct buf der;
	int64_t not_before, not_after;
};

DEFINE_FREEP(x509_st, X509_free)
DEFINE_FREEP(x509_store_st, X509_STORE_free)

/* 112 bits: no SHA-1, no RSA below 2048. */
#define CERTIFICATE_SECURITY_LEVEL 2

/* Why OpenSSL said no; its queue is empty afterwards, so that an old reason never explains a new failure. */
static inline const char *certificate_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return reason ? reason : "no reason given";
}

/* A store that trusts the last of the chain alone, and judges as of `time`. NULL without memory. */
X509_STORE *certificate_store(const struct certificate_chain *chain, int64_t time);

/* All of the chain, each with a reference of its own. NULL without memory. */
STACK_OF(X509) * certificate_stack(const struct certificate_chain *chain);

/* -EINVAL: beyond what a time_t of OpenSSL's can be told. */
int certificate_time(const ASN1_TIME *asn1, int64_t *ret_time);
