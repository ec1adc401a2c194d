/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Makes certificates of every kind, the wrong ones too, by OpenSSL alone: what is verified does not depend on our own
 * code. For cmocka programs: a failure to make one fails the test at once.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/certificate.h"

#define ISSUER_DAY 86400
/* When all that is made here was made: in the past, so that the clock of the machine can have no part in it. */
#define ISSUER_NOW INT64_C(1600000000)

/* Somebody with a key and a certificate. */
struct holder {
	EVP_PKEY *key;
	X509 *x509;
};

/* "NAME=VALUE", as the openssl command's configuration has them; a list that NULL ends. */
#define CA_EXTENSIONS "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"
#define OID_FULCIO "1.3.6.1.4.1.57264.1"
#define LEAF_SAN "subjectAltName=critical,URI:spiffe://example.org/node/1"
#define LEAF_ISSUER OID_FULCIO ".8=ASN1:UTF8String:https://issuer.example"
#define LEAF_USAGE "keyUsage=critical,digitalSignature"
#define LEAF_EXTENDED "extendedKeyUsage=codeSigning"
#define LEAF_EXTENSIONS LEAF_USAGE, LEAF_EXTENDED, LEAF_SAN, LEAF_ISSUER

static inline void holder_done(struct holder *holder)
{
	EVP_PKEY_free(holder->key);
	X509_free(holder->x509);
	*holder = (struct holder) { 0 };
}

static inline void issuer_add_extension(X509 *x509, X509 *issuer, const char *text)
{
	char *name = strdup(text), *value = strchr(name, '=');
	X509_EXTENSION *extension;
	X509V3_CTX ctx;

	*value++ = '\0';
	X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&ctx);
	extension = X509V3_EXT_conf(NULL, &ctx, name, value);
	if (!extension)
		fail_msg("no extension of \"%s\"", text);
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
	free(name);
}

static inline X509_NAME *issuer_name(const char *text)
{
	X509_NAME *name = X509_NAME_new();

	assert_int_equal(
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0),
		1);
	return name;
}

/* `by` NULL: self-signed. The holder has a fresh P-256 key unless it has one already. */
static inline void issuer_make(struct holder *holder, const char *subject, const struct holder *by,
			       int64_t from, int64_t until, const char *const *extensions)
{
	static long serial = 1000;
	X509_NAME *name = issuer_name(subject);
	EVP_PKEY *signer;

	if (!holder->key)
		holder->key = EVP_EC_gen("P-256");
	signer = by ? by->key : holder->key;
	holder->x509 = X509_new();
	assert_int_equal(X509_set_version(holder->x509, X509_VERSION_3), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(holder->x509), serial++);
	X509_set_subject_name(holder->x509, name);
	X509_set_issuer_name(holder->x509, by ? X509_get_subject_name(by->x509) : name);
	ASN1_TIME_set(X509_getm_notBefore(holder->x509), (time_t)from);
	ASN1_TIME_set(X509_getm_notAfter(holder->x509), (time_t)until);
	X509_set_pubkey(holder->x509, holder->key);
	for (; *extensions; extensions++)
		issuer_add_extension(holder->x509, by ? by->x509 : holder->x509, *extensions);
	assert_true(X509_sign(holder->x509, signer, EVP_sha256()) > 0);
	X509_NAME_free(name);
}

#define ISSUER_MAKE(holder, subject, by, from, until, ...) \
	issuer_make(holder, subject, by, from, until, (const char *const[]) { __VA_ARGS__, NULL })

static inline struct certificate *issuer_certificate(X509 *x509)
{
	struct certificate *certificate = NULL;
	unsigned char *der = NULL;
	struct diag diag = { 0 };
	int len = i2d_X509(x509, &der);

	assert_true(len > 0);
	if (certificate_parse((struct str) { (const char *)der, (size_t)len }, "of the test", &diag,
			      &certificate) < 0)
		fail_msg("%s", diag.text);
	OPENSSL_free(der);
	return certificate;
}

static inline void issuer_chain_add(struct certificate_chain *chain, X509 *x509)
{
	struct certificate *certificate = issuer_certificate(x509);

	assert_int_equal(certificate_chain_add(chain, &certificate), 0);
}

static inline struct public_key *issuer_public_key(EVP_PKEY *key)
{
	struct public_key *public = NULL;
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);

	assert_true(len > 0);
	assert_int_equal(public_key_parse_spki((struct str) { (const char *)der, (size_t)len }, "of the test",
					       NULL, &public),
			 0);
	OPENSSL_free(der);
	return public;
}
