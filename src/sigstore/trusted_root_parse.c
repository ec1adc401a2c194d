/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trusted_root.json, read strictly: what is not understood could be a restriction. Promises that every log has a key
 * that fits its kind, an id, and the time since when it counts. Owns nothing: all goes into the root.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "format/members.h"
#include "sigstore/trusted_root_parts.h"

/* Commas and opening brackets, all of which cost the JSON reader memory. */
#define PARTS_MAX 65536

/* Where in the file, for the line. */
struct reader {
	const char *name;
	const char *list; /* "tlogs", ... */
	size_t at; /* in the list */
	struct diag *diag;
};

static int bad(const struct reader *r, const char *what, const char *why)
{
	if (!r->list)
		return diag_error(r->diag, -EBADMSG, "bad trusted root %s: %s %s", r->name, what, why);
	return diag_error(r->diag, -EBADMSG, "bad trusted root %s: %s[%zu]: %s %s", r->name, r->list, r->at,
			  what, why);
}

/* ---- JSON ---- */

static int check_object(const struct reader *r, const json_t *object, const char *what, const char *names)
{
	const char *unknown;

	if (!json_is_object(object))
		return bad(r, what, object ? "is no object" : "is missing");
	unknown = members_unknown(object, names);
	if (unknown)
		return diag_error(r->diag, -EBADMSG,
				  "bad trusted root %s: %s has a member \"%s\" which is not understood",
				  r->name, what, unknown);
	return 0;
}

/* NULL in *ret_text when there is none. */
static int get_text(const struct reader *r, const json_t *object, const char *key, const char **ret_text)
{
	const json_t *value = members_get(object, key);

	*ret_text = NULL;
	if (!value)
		return 0;
	if (!json_is_string(value))
		return bad(r, key, "is no string");
	*ret_text = json_string_value(value);
	return 0;
}

static int get_base64(const struct reader *r, const json_t *object, const char *key, struct buf *out)
{
	const char *text;
	int error;

	error = get_text(r, object, key, &text);
	if (error < 0)
		return error;
	if (!text)
		return bad(r, key, "is missing");
	error = text_unbase64_append(out, str_of(text));
	if (error == -EINVAL)
		return bad(r, key, "is no padded standard base64");
	if (error == -E2BIG)
		return bad(r, key, "is too long");
	return error;
}

/* ---- times ---- */

static bool digits(const char *text, size_t from, size_t count, int *ret_value)
{
	int value = 0;

	for (size_t i = from; i < from + count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (text[i] - '0');
	}
	*ret_value = value;
	return true;
}

/* RFC 3339 in UTC as protobuf JSON writes it: "2024-01-01T00:00:00Z", with up to nine digits of a fraction. */
static bool parse_time(const char *text, int64_t *ret_seconds)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	struct tm tm = { 0 }, again;
	size_t len = strlen(text), at = sizeof(form) - 1;
	time_t time;

	if (len < sizeof(form) || len > sizeof(form) + 10)
		return false;
	for (size_t i = 0; i < at; i++)
		if (form[i] != 'd' && text[i] != form[i])
			return false;
	if (!digits(text, 0, 4, &tm.tm_year) || !digits(text, 5, 2, &tm.tm_mon) ||
	    !digits(text, 8, 2, &tm.tm_mday) || !digits(text, 11, 2, &tm.tm_hour) ||
	    !digits(text, 14, 2, &tm.tm_min) || !digits(text, 17, 2, &tm.tm_sec))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	again = tm;
	time = timegm(&again);
	/* timegm takes the 31st of February for a day in March. */
	if (again.tm_mon != tm.tm_mon || again.tm_mday != tm.tm_mday || again.tm_hour != tm.tm_hour ||
	    again.tm_min != tm.tm_min || again.tm_sec != tm.tm_sec)
		return false;
	if (text[at] == '.') {
		size_t fraction = strspn(text + at + 1, "0123456789");

		if (fraction == 0)
			return false;
		at += 1 + fraction;
	}
	if (strcmp(text + at, "Z") != 0)
		return false;
	*ret_seconds = time;
	return true;
}

static int get_time(const struct reader *r, const json_t *object, const char *key, int64_t *value)
{
	const char *text;
	int error = get_text(r, object, key, &text);

	if (error == 0 && text && !parse_time(text, value))
		return bad(r, key, "is no time in UTC of RFC 3339");
	return error;
}

/* A missing end is none. */
static int get_validity(const struct reader *r, const json_t *object, bool must_start,
			struct validity *ret_validity)
{
	const json_t *value = members_get(object, "validFor");
	struct validity validity = VALIDITY_ALWAYS;
	int error = 0;

	if (value)
		error = check_object(r, value, "validFor", "start end");
	if (error == 0)
		error = get_time(r, value, "start", &validity.from);
	if (error == 0)
		error = get_time(r, value, "end", &validity.until);
	if (error < 0)
		return error;
	if (must_start && validity.from == INT64_MIN)
		return bad(r, "validFor.start", "is missing");
	if (validity.from > validity.until)
		return bad(r, "validFor", "ends before it starts");
	*ret_validity = validity;
	return 0;
}

/* ---- logs ---- */

/* Kinds that Sigstore names and that are not used here. */
static const char other_kinds[] =
	"PKCS1_RSA_PKCS1V5 PKCS1_RSA_PSS PKIX_RSA_PKCS1V5 PKIX_RSA_PSS PKIX_RSA_PKCS1V15_2048_SHA256 "
	"PKIX_RSA_PKCS1V15_3072_SHA256 PKIX_RSA_PKCS1V15_4096_SHA256 PKIX_RSA_PSS_2048_SHA256 "
	"PKIX_RSA_PSS_3072_SHA256 "
	"PKIX_RSA_PSS_4096_SHA256 PKIX_ECDSA_P256_HMAC_SHA_256 PKIX_ECDSA_P384_SHA_384 PKIX_ECDSA_P384_SHA_256 "
	"PKIX_ECDSA_P521_SHA_512 PKIX_ECDSA_P521_SHA_256 PKIX_ED25519_PH LMS_SHA256 LMOTS_SHA256 ML_DSA_44 "
	"ML_DSA_65 "
	"ML_DSA_87";

/* NULL in *ret_key: of a kind that is not used here. */
static int parse_key(const struct reader *r, const json_t *object, struct public_key **ret_key)
{
	_cleanup_(public_key_freep) struct public_key *key = NULL;
	_cleanup_(buf_done) struct buf spki = BUF_MAX(4096);
	const char *kind = NULL;
	int error;

	error = get_base64(r, object, "rawBytes", &spki);
	if (error == 0)
		error = get_text(r, object, "keyDetails", &kind);
	if (error < 0)
		return error;
	*ret_key = NULL;
	if (kind && members_listed(other_kinds, kind))
		return 0;
	if (!kind || (strcmp(kind, TRUSTED_ROOT_P256) != 0 && strcmp(kind, TRUSTED_ROOT_ED25519) != 0))
		return bad(r, "keyDetails", "is no kind of key that is known here");
	error = public_key_parse_spki(buf_str(&spki), r->list, r->diag, &key);
	if (error == -EINVAL)
		return -EBADMSG;
	if (error < 0)
		return error;
	if ((strcmp(kind, TRUSTED_ROOT_ED25519) == 0) != (strcmp(public_key_type(key), "ed25519") == 0))
		return bad(r, "keyDetails", "is another kind than that of the key");
	*ret_key = TAKE(key);
	return 0;
}

static int parse_id(const struct reader *r, const json_t *object, struct digest *ret_id)
{
	_cleanup_(buf_done) struct buf id = BUF_MAX(DIGEST_LEN);
	const json_t *value = members_get(object, "logId");
	int error;

	error = check_object(r, value, "logId", "keyId");
	if (error == 0)
		error = get_base64(r, value, "keyId", &id);
	if (error < 0)
		return error;
	if (id.len != DIGEST_LEN)
		return bad(r, "keyId", "is not as long as a SHA-256");
	memcpy(ret_id->bytes, id.data, DIGEST_LEN);
	return 0;
}

struct str trusted_root_host(const char *url)
{
	const char *at = url ? strstr(url, "://") : NULL;

	if (!at)
		return (struct str) { "", 0 };
	return (struct str) { at + 3, strcspn(at + 3, ":/?#") };
}

/* The file has no member for the origin: it is the URL's host, if the id is that of this name and key. */
static int find_origin(struct log_key *log)
{
	struct str host = trusted_root_host(log->base_url);
	_cleanup_(freep) char *name = NULL;
	struct digest id;
	int r;

	if (host.len == 0 || host.len > NOTE_NAME_MAX || strcmp(public_key_type(log->key), "ed25519") != 0)
		return 0;
	name = str_copy(host);
	if (!name)
		return -ENOMEM;
	r = trusted_root_log_id(log->key, name, &id);
	if (r == 0 && memcmp(id.bytes, log->id.bytes, DIGEST_LEN) == 0)
		log->origin = TAKE(name);
	return r;
}

static void log_done(struct log_key *log)
{
	free(log->base_url);
	free(log->origin);
	public_key_free(log->key);
}

static int parse_log(const struct reader *r, const json_t *object, struct log_key **list, size_t *count)
{
	_cleanup_(log_done) struct log_key log = { 0 };
	const json_t *key = members_get(object, "publicKey");
	const char *url = NULL, *hash = NULL;
	int error;

	error = check_object(r, object, r->list,
			     "baseUrl hashAlgorithm publicKey logId checkpointKeyId operator");
	if (error == 0)
		error = get_text(r, object, "baseUrl", &url);
	if (error == 0)
		error = get_text(r, object, "hashAlgorithm", &hash);
	if (error == 0)
		error = check_object(r, key, "publicKey", "rawBytes keyDetails validFor");
	if (error < 0)
		return error;
	if (!hash || strcmp(hash, TRUSTED_ROOT_HASH) != 0)
		return bad(r, "hashAlgorithm", "is not " TRUSTED_ROOT_HASH);
	error = parse_id(r, object, &log.id);
	if (error == 0)
		error = parse_key(r, key, &log.key);
	if (error == 0)
		error = get_validity(r, key, true, &log.validity);
	if (error < 0 || !log.key)
		return error;
	log.base_url = url ? strdup(url) : NULL;
	if (url && !log.base_url)
		return -ENOMEM;
	error = find_origin(&log);
	if (error == 0)
		error = trusted_root_take_log(list, count, &log, r->diag);
	return error == -EINVAL ? -EBADMSG : error;
}

/* ---- authorities ---- */

static int parse_chain(const struct reader *r, const json_t *object, struct certificate_chain *chain)
{
	const json_t *list = members_get(object, "certificates"), *value;
	size_t at;
	int error;

	error = check_object(r, object, "certChain", "certificates");
	if (error < 0)
		return error;
	if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > CERTIFICATE_CHAIN_MAX)
		return bad(r, "certificates", "is no list of certificates");
	json_array_foreach (list, at, value) {
		_cleanup_(certificate_freep) struct certificate *certificate = NULL;
		_cleanup_(buf_done) struct buf der = BUF_MAX(CERTIFICATE_MAX);

		error = check_object(r, value, "certificates", "rawBytes");
		if (error == 0)
			error = get_base64(r, value, "rawBytes", &der);
		if (error == 0)
			error = certificate_parse(buf_str(&der), r->list, r->diag, &certificate);
		if (error == 0)
			error = certificate_chain_add(chain, &certificate);
		if (error < 0)
			return error == -EINVAL ? -EBADMSG : error;
	}
	return 0;
}

static int parse_authority(const struct reader *r, const json_t *object, bool timestamper,
			   struct trusted_root *root)
{
	_cleanup_(certificate_chain_done) struct certificate_chain chain = { 0 };
	struct validity validity;
	const char *url = NULL;
	int error;

	error = check_object(r, object, r->list, "subject uri certChain validFor operator");
	if (error == 0)
		error = get_text(r, object, "uri", &url);
	if (error == 0)
		error = get_validity(r, object, false, &validity);
	if (error == 0)
		error = parse_chain(r, members_get(object, "certChain"), &chain);
	if (error < 0)
		return error;
	error = timestamper ? trusted_root_add_timestamper(root, &chain, url, validity, r->diag)
			    : trusted_root_add_authority(root, &chain, url, validity, r->diag);
	return error == -EINVAL ? -EBADMSG : error;
}

/* ---- the file ---- */

static int parse_one(const struct reader *r, const json_t *value, struct trusted_root *root)
{
	if (strcmp(r->list, "tlogs") == 0)
		return parse_log(r, value, &root->logs, &root->n_logs);
	if (strcmp(r->list, "ctlogs") == 0) {
		root->names_ct_logs = true;
		return parse_log(r, value, &root->ct_logs, &root->n_ct_logs);
	}
	return parse_authority(r, value, strcmp(r->list, "timestampAuthorities") == 0, root);
}

static int parse_list(struct reader *r, const json_t *object, const char *key, struct trusted_root *root)
{
	const json_t *list = members_get(object, key), *value;
	int error = 0;

	if (!list)
		return 0;
	if (!json_is_array(list))
		return bad(r, key, "is no array");
	r->list = key;
	json_array_foreach (list, r->at, value) {
		error = parse_one(r, value, root);
		if (error < 0)
			break;
	}
	r->list = NULL;
	return error;
}

static bool is_type(const char *type)
{
	static const char *const types[] = {
		TRUSTED_ROOT_TYPE,
		"application/vnd.dev.sigstore.trustedroot+json;version=0.2",
		"application/vnd.dev.sigstore.trustedroot.v0.1+json",
		"application/vnd.dev.sigstore.trustedroot.v0.2+json",
	};

	for (size_t i = 0; type && i < ARRAY_LEN(types); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

static int parse_root(struct reader *r, const json_t *object, struct trusted_root *root)
{
	const char *type;
	int error;

	error = check_object(r, object, "the file",
			     "mediaType tlogs certificateAuthorities ctlogs timestampAuthorities");
	if (error == 0)
		error = get_text(r, object, "mediaType", &type);
	if (error < 0)
		return error;
	if (!is_type(type))
		return bad(r, "mediaType", "is not that of a trusted root");
	error = parse_list(r, object, "tlogs", root);
	if (error == 0)
		error = parse_list(r, object, "ctlogs", root);
	if (error == 0)
		error = parse_list(r, object, "certificateAuthorities", root);
	return error < 0 ? error : parse_list(r, object, "timestampAuthorities", root);
}

int trusted_root_parse(struct str text, const char *name, struct diag *diag, struct trusted_root *root)
{
	struct reader r = { .name = name, .diag = diag };
	json_error_t error;
	size_t parts = 0;
	json_t *object;
	int result;

	if (text.len > TRUSTED_ROOT_FILE_MAX)
		return bad(&r, "the file", "is too large");
	for (size_t i = 0; i < text.len; i++)
		parts += text.data[i] == ',' || text.data[i] == '[' || text.data[i] == '{';
	if (parts > PARTS_MAX)
		return bad(&r, "the file", "has too many members");
	object = json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES, &error);
	if (!object && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (!object)
		return diag_error(diag, -EBADMSG, "bad trusted root %s: line %d: %s", name, error.line,
				  error.text);
	result = parse_root(&r, object, root);
	json_decref(object);
	return result;
}
