/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * X.509 as Sigstore uses it: a short-lived leaf that binds a key to an identity, its issuers, and the signed promise of
 * a certificate transparency log inside of it. OpenSSL 3 behind opaque types.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"
#include "crypto/digest.h"
#include "crypto/key.h"

#define CERTIFICATE_MAX 65536 /* bytes of DER */
#define CERTIFICATE_CHAIN_MAX 16

struct certificate;

struct certificate_chain {
	struct certificate **list;
	size_t count;
};

/* DER, nothing behind it. */
int certificate_parse(struct str der, const char *name, struct diag *diag,
		      struct certificate **ret_certificate);
void certificate_free(struct certificate *certificate);
DEFINE_FREEP(certificate, certificate_free)
/* Concatenated PEM certificates, appended to the chain in the file's order. */
int certificate_chain_parse_pem(struct str pem, const char *name, struct diag *diag,
				struct certificate_chain *chain);
/* Appends one; taken on success. */
int certificate_chain_add(struct certificate_chain *chain, struct certificate **certificate);
void certificate_chain_done(struct certificate_chain *chain);

struct str certificate_der(const struct certificate *certificate); /* lives with it */
/* P-256 and Ed25519 only, as all keys here. */
int certificate_public_key(const struct certificate *certificate, struct diag *diag,
			   struct public_key **ret_public);
/* Seconds since 1970. The second of not_after itself is too late, as OpenSSL has it. */
int64_t certificate_not_before(const struct certificate *certificate);
int64_t certificate_not_after(const struct certificate *certificate);
/* The only subject alternative name (URI, email or Fulcio's otherName); -EBADMSG when there is none or more than one. */
int certificate_san(const struct certificate *certificate, struct buf *out, struct diag *diag);
/* Fulcio's issuer extension 1.3.6.1.4.1.57264.1.8, else the older .1.1; -ENOENT when there is neither. */
int certificate_issuer(const struct certificate *certificate, struct buf *out, struct diag *diag);

/*
 * Does the leaf chain up to the last of `authority` at this time (seconds since 1970), with the others as intermediates,
 * for code signing? 0, or -EBADMSG with a line.
 */
int certificate_verify(const struct certificate *leaf, const struct certificate_chain *authority, int64_t time,
		       struct diag *diag);

/* A certificate transparency log, as the promises inside of certificates name it. */
struct certificate_log {
	struct digest id; /* SHA-256 of its SPKI */
	const struct public_key *key;
	int64_t from, until; /* seconds since 1970, both included: when its promises count */
};

/*
 * Is there in the leaf a signed certificate timestamp (RFC 6962, version 1) of one of these logs, over this leaf as issued
 * by a certificate of `authority`? 0: yes, and all by known logs are good. -ENOENT: the leaf holds none. -ENOKEY: it
 * holds only those of unknown logs. -EBADMSG: one by a known log is wrong. With a line each.
 */
int certificate_check_sct(const struct certificate *leaf, const struct certificate_chain *authority,
			  const struct certificate_log *logs, size_t n_logs, struct diag *diag);

/* May it issue certificates (basic constraints)? */
bool certificate_is_authority(const struct certificate *certificate);

/* Is `certificate` signed by `issuer`, and does it name it? */
bool certificate_issued_by(const struct certificate *certificate, const struct certificate *issuer);
/* Appends its subject's organization and common name; nothing where it has none, or one that is no text. */
int certificate_subject(const struct certificate *certificate, struct buf *organization,
			struct buf *common_name);
