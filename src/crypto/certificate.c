/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates. Promises: one is what its DER says, to the last byte; it names one subject, and chains up to a root that
 * the caller gave, at a time that the caller gave: the system's own roots and clock have no part in it. Refuses
 * leaves that may issue, that are not for code signing, and names with a NUL. Owns a copy of the DER.
 */

#include "crypto/certificate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/pem.h>

#include "base/text.h"
#include "crypto/certificate_parts.h"

/* Fulcio's object identifiers. */
#define OID_ISSUER_OLD "1.3.6.1.4.1.57264.1.1" /* the issuer's bytes as they are */
#define OID_ISSUER "1.3.6.1.4.1.57264.1.8" /* DER UTF8String */
#define OID_OTHER_NAME "1.3.6.1.4.1.57264.1.7"

DEFINE_FREEP(bio_st, BIO_free_all)
DEFINE_FREEP(x509_store_ctx_st, X509_STORE_CTX_free)

static void names_free(GENERAL_NAMES **names)
{
	GENERAL_NAMES_free(*names);
}

static void stack_free(STACK_OF(X509) * *stack)
{
	sk_X509_pop_free(*stack, X509_free);
}

static void string_free(ASN1_UTF8STRING **string)
{
	ASN1_UTF8STRING_free(*string);
}

static void der_free(unsigned char **der)
{
	OPENSSL_free(*der);
}

/* ---- one, and chains of them ---- */

void certificate_free(struct certificate *certificate)
{
	if (!certificate)
		return;
	X509_free(certificate->x509);
	buf_done(&certificate->der);
	free(certificate);
}

int certificate_time(const ASN1_TIME *asn1, int64_t *ret_time)
{
	struct tm tm;
	time_t time;

	if (ASN1_TIME_to_tm(asn1, &tm) != 1)
		return -EINVAL;
	time = timegm(&tm);
	if (time == (time_t)-1)
		return -EINVAL;
	*ret_time = time;
	return 0;
}

int certificate_parse(struct str der, const char *name, struct diag *diag, struct certificate **ret_certificate)
{
	_cleanup_(certificate_freep) struct certificate *made = calloc(1, sizeof(*made));
	const unsigned char *at = (const unsigned char *)der.data;
	int r;

	if (!made)
		return -ENOMEM;
	made->der = BUF_MAX(CERTIFICATE_MAX);
	if (der.len > CERTIFICATE_MAX)
		return diag_error(diag, -EINVAL, "cannot use certificate %s: it is larger than %d bytes", name,
				  CERTIFICATE_MAX);
	if (der.len > 0)
		made->x509 = d2i_X509(NULL, &at, (long)der.len);
	if (!made->x509)
		return diag_error(diag, -EINVAL, "cannot use certificate %s: it is no X.509 in DER (%s)", name,
				  certificate_reason());
	if (at != (const unsigned char *)der.data + der.len)
		return diag_error(diag, -EINVAL, "cannot use certificate %s: there is more behind it", name);
	if (certificate_time(X509_get0_notBefore(made->x509), &made->not_before) < 0 ||
	    certificate_time(X509_get0_notAfter(made->x509), &made->not_after) < 0)
		return diag_error(diag, -EINVAL, "cannot use certificate %s: its validity is no time", name);
	r = buf_append_str(&made->der, der);
	if (r < 0)
		return r;
	*ret_certificate = TAKE(made);
	return 0;
}

int certificate_chain_add(struct certificate_chain *chain, struct certificate **certificate)
{
	struct certificate **list;

	if (chain->count >= CERTIFICATE_CHAIN_MAX)
		return -E2BIG;
	list = reallocarray(chain->list, chain->count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	chain->list = list;
	chain->list[chain->count++] = TAKE(*certificate);
	return 0;
}

void certificate_chain_done(struct certificate_chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		certificate_free(chain->list[i]);
	free(chain->list);
	*chain = (struct certificate_chain) { 0 };
}

static int add_x509(X509 *x509, const char *name, struct diag *diag, struct certificate_chain *chain)
{
	_cleanup_(certificate_freep) struct certificate *certificate = NULL;
	_cleanup_(der_free) unsigned char *der = NULL;
	int len = i2d_X509(x509, &der);
	int r;

	if (len < 0)
		return -ENOMEM;
	r = certificate_parse((struct str) { (const char *)der, (size_t)len }, name, diag, &certificate);
	if (r == 0)
		r = certificate_chain_add(chain, &certificate);
	if (r == -E2BIG)
		return diag_error(diag, -EINVAL, "cannot use certificates of %s: more than %d", name,
				  CERTIFICATE_CHAIN_MAX);
	return r;
}

/* OpenSSL skips what stands around blocks: issuers' files have comments there. */
int certificate_chain_parse_pem(struct str pem, const char *name, struct diag *diag,
				struct certificate_chain *chain)
{
	_cleanup_(BIO_free_allp) BIO *bio = NULL;
	size_t before = chain->count;
	int r = 0;

	if (pem.len > (size_t)CERTIFICATE_CHAIN_MAX * CERTIFICATE_MAX)
		return diag_error(diag, -EINVAL, "cannot use certificates of %s: the file is too large", name);
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	if (!bio)
		return -ENOMEM;
	while (r == 0) {
		_cleanup_(X509_freep) X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);

		if (!x509)
			break;
		r = add_x509(x509, name, diag, chain);
	}
	if (r == 0 && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		r = diag_error(diag, -EINVAL, "cannot use certificates of %s: bad PEM (%s)", name,
			       certificate_reason());
	ERR_clear_error();
	if (r == 0 && chain->count == before)
		r = diag_error(diag, -EINVAL, "cannot use certificates of %s: it holds none in PEM", name);
	while (r < 0 && chain->count > before)
		certificate_free(chain->list[--chain->count]);
	return r;
}

/* ---- what it says ---- */

struct str certificate_der(const struct certificate *certificate)
{
	return buf_str(&certificate->der);
}

int certificate_public_key(const struct certificate *certificate, struct diag *diag,
			   struct public_key **ret_public)
{
	_cleanup_(der_free) unsigned char *spki = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate->x509), &spki);

	if (len < 0)
		return -ENOMEM;
	return public_key_parse_spki((struct str) { (const char *)spki, (size_t)len }, "of the certificate",
				     diag, ret_public);
}

int64_t certificate_not_before(const struct certificate *certificate)
{
	return certificate->not_before;
}

int64_t certificate_not_after(const struct certificate *certificate)
{
	return certificate->not_after;
}

bool certificate_is_authority(const struct certificate *certificate)
{
	return X509_check_ca(certificate->x509) != 0;
}

bool certificate_issued_by(const struct certificate *certificate, const struct certificate *issuer)
{
	bool ok = X509_check_issued(issuer->x509, certificate->x509) == X509_V_OK &&
		  X509_verify(certificate->x509, X509_get0_pubkey(issuer->x509)) == 1;

	ERR_clear_error();
	return ok;
}

static int append_entry(struct buf *out, const X509_NAME *name, int nid)
{
	int at = X509_NAME_get_index_by_NID(name, nid, -1);
	unsigned char *utf8 = NULL;
	int len, r;

	if (at < 0)
		return 0;
	len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	ERR_clear_error();
	if (len < 0)
		return 0;
	r = text_is_utf8((struct str) { (const char *)utf8, (size_t)len }) ? buf_append(out, utf8, (size_t)len)
									   : 0;
	OPENSSL_free(utf8);
	return r;
}

int certificate_subject(const struct certificate *certificate, struct buf *organization,
			struct buf *common_name)
{
	const X509_NAME *name = X509_get_subject_name(certificate->x509);
	int r = append_entry(organization, name, NID_organizationName);

	return r < 0 ? r : append_entry(common_name, name, NID_commonName);
}

/* Text of a name: no NUL, which other readers would take for its end. */
static int append_text(struct buf *out, const ASN1_STRING *text, const char *what, struct diag *diag)
{
	size_t len = (size_t)ASN1_STRING_length(text);
	const unsigned char *data = ASN1_STRING_get0_data(text);

	if (len == 0 || memchr(data, '\0', len))
		return diag_error(diag, -EBADMSG, "the certificate's %s is empty or holds a NUL", what);
	return buf_append(out, data, len);
}

static int append_other_name(struct buf *out, const OTHERNAME *other, struct diag *diag)
{
	char oid[64] = "";

	OBJ_obj2txt(oid, sizeof(oid), other->type_id, 1);
	if (strcmp(oid, OID_OTHER_NAME) != 0 || other->value->type != V_ASN1_UTF8STRING)
		return diag_error(diag, -EBADMSG, "the certificate's subject is of an unknown kind (%s)", oid);
	return append_text(out, other->value->value.utf8string, "subject", diag);
}

int certificate_san(const struct certificate *certificate, struct buf *out, struct diag *diag)
{
	_cleanup_(names_free) GENERAL_NAMES *names = NULL;
	const GENERAL_NAME *name;
	int critical = -1;

	names = X509_get_ext_d2i(certificate->x509, NID_subject_alt_name, &critical, NULL);
	ERR_clear_error();
	if (critical == -2)
		return diag_error(diag, -EBADMSG, "the certificate has two lists of subject alternative names");
	if (!names || sk_GENERAL_NAME_num(names) != 1)
		return diag_error(diag, -EBADMSG,
				  "the certificate does not have exactly one subject alternative name");
	name = sk_GENERAL_NAME_value(names, 0);
	switch (name->type) {
	case GEN_URI:
	case GEN_EMAIL:
		return append_text(out, name->d.ia5, "subject", diag);
	case GEN_OTHERNAME:
		return append_other_name(out, name->d.otherName, diag);
	default:
		return diag_error(diag, -EBADMSG,
				  "the certificate's subject is neither a URI nor an email address");
	}
}

/* The value of a non-standard extension that occurs once; NULL when there is none. */
static int extension(const struct certificate *certificate, const char *oid, struct diag *diag,
		     const ASN1_OCTET_STRING **ret_value)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	int at, again;

	*ret_value = NULL;
	if (!object)
		return -ENOMEM;
	at = X509_get_ext_by_OBJ(certificate->x509, object, -1);
	again = at < 0 ? -1 : X509_get_ext_by_OBJ(certificate->x509, object, at);
	ASN1_OBJECT_free(object);
	if (again >= 0)
		return diag_error(diag, -EBADMSG, "the certificate has extension %s twice", oid);
	if (at >= 0)
		*ret_value = X509_EXTENSION_get_data(X509_get_ext(certificate->x509, at));
	return 0;
}

static int append_utf8(struct buf *out, const ASN1_OCTET_STRING *value, struct diag *diag)
{
	const unsigned char *at = ASN1_STRING_get0_data(value), *end = at + ASN1_STRING_length(value);
	_cleanup_(string_free) ASN1_UTF8STRING *text = d2i_ASN1_UTF8STRING(NULL, &at, (long)(end - at));

	ERR_clear_error();
	if (!text || at != end)
		return diag_error(diag, -EBADMSG, "the certificate's issuer of identities is no UTF8String");
	return append_text(out, text, "issuer of identities", diag);
}

int certificate_issuer(const struct certificate *certificate, struct buf *out, struct diag *diag)
{
	const ASN1_OCTET_STRING *value;
	int r;

	r = extension(certificate, OID_ISSUER, diag, &value);
	if (r < 0)
		return r;
	if (value)
		return append_utf8(out, value, diag);
	r = extension(certificate, OID_ISSUER_OLD, diag, &value);
	if (r < 0)
		return r;
	if (value)
		return append_text(out, value, "issuer of identities", diag);
	return diag_error(diag, -ENOENT, "the certificate does not say who vouched for its subject");
}

/* ---- whether to believe it ---- */

STACK_OF(X509) * certificate_stack(const struct certificate_chain *chain)
{
	STACK_OF(X509) *stack = sk_X509_new_reserve(NULL, (int)chain->count);

	for (size_t i = 0; stack && i < chain->count; i++) {
		X509_up_ref(chain->list[i]->x509);
		sk_X509_push(stack, chain->list[i]->x509); /* room is reserved */
	}
	return stack;
}

X509_STORE *certificate_store(const struct certificate_chain *chain, int64_t time)
{
	_cleanup_(X509_STORE_freep) X509_STORE *store = X509_STORE_new();
	X509_VERIFY_PARAM *param;

	if (!store || X509_STORE_add_cert(store, chain->list[chain->count - 1]->x509) != 1)
		return NULL;
	param = X509_STORE_get0_param(store);
	X509_VERIFY_PARAM_set_time(param, (time_t)time);
	X509_VERIFY_PARAM_set_auth_level(param, CERTIFICATE_SECURITY_LEVEL);
	/* The last of the chain is trusted because the operator says so, self-signed or not. */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	return TAKE(store);
}

/* Extended key usage, where there is one, must allow code signing; the leaf must have one. */
static bool may_sign_code(X509 *x509, bool must_say)
{
	bool says = (X509_get_extension_flags(x509) & EXFLAG_XKUSAGE) != 0;

	if (!says)
		return !must_say;
	return (X509_get_extended_key_usage(x509) & (must_say ? XKU_CODE_SIGN : XKU_CODE_SIGN | XKU_ANYEKU)) !=
	       0;
}

static int check_leaf(X509 *x509, struct diag *diag)
{
	if (X509_check_ca(x509) != 0 || (X509_get_extension_flags(x509) & EXFLAG_CA) != 0)
		return diag_error(diag, -EBADMSG, "the certificate is one of an authority, and no signer's");
	if ((X509_get_key_usage(x509) & KU_DIGITAL_SIGNATURE) == 0)
		return diag_error(diag, -EBADMSG, "the certificate's key may not sign");
	if (!may_sign_code(x509, true))
		return diag_error(diag, -EBADMSG, "the certificate is not for code signing");
	return 0;
}

static int check_issuers(X509_STORE_CTX *ctx, struct diag *diag)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);

	if (sk_X509_num(chain) < 2)
		return diag_error(diag, -EBADMSG, "the certificate is its own authority");
	for (int i = 1; i < sk_X509_num(chain); i++)
		if (!may_sign_code(sk_X509_value(chain, i), false))
			return diag_error(diag, -EBADMSG,
					  "an issuer of the certificate may not issue for code signing");
	return 0;
}

int certificate_verify(const struct certificate *leaf, const struct certificate_chain *authority, int64_t time,
		       struct diag *diag)
{
	_cleanup_(X509_STORE_CTX_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	_cleanup_(X509_STORE_freep) X509_STORE *store = NULL;
	_cleanup_(stack_free) STACK_OF(X509) *others = NULL;
	int r;

	if (authority->count == 0)
		return diag_error(diag, -EBADMSG, "the authority has no certificate");
	r = check_leaf(leaf->x509, diag);
	if (r < 0)
		return r;
	store = certificate_store(authority, time);
	others = certificate_stack(authority);
	if (!ctx || !store || !others || X509_STORE_CTX_init(ctx, store, leaf->x509, others) != 1)
		return -ENOMEM;
	r = X509_verify_cert(ctx);
	ERR_clear_error();
	if (r != 1)
		return diag_error(diag, -EBADMSG, "the certificate does not chain up to the authority: %s",
				  X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	return check_issuers(ctx, diag);
}
