/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trusted_root.json as Sigstore's tools read it, canonical JSON. They take the host of a log's URL for the origin of its
 * checkpoints, so a log with an origin is always written under it, whatever its address.
 */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "format/canon.h"
#include "sigstore/trusted_root_parts.h"

static void write_time(struct canon *w, const char *key, int64_t seconds)
{
	/* RFC 3339 has four digits for the year. */
	time_t time = seconds < 0 ? 0 : seconds > 253402300799 ? 253402300799 : seconds;
	char text[32];
	struct tm tm;

	gmtime_r(&time, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	canon_key_cstr(w, key, text);
}

static void write_validity(struct canon *w, struct validity validity)
{
	canon_key(w, "validFor");
	canon_object(w);
	if (validity.until != INT64_MAX)
		write_time(w, "end", validity.until);
	write_time(w, "start", validity.from);
	canon_object_end(w);
}

static void write_url(struct canon *w, const struct log_key *log)
{
	_cleanup_(buf_done) struct buf url = BUF_MAX(NOTE_NAME_MAX + 16);
	int r;

	if (log->origin &&
	    (!log->base_url || !str_equal(trusted_root_host(log->base_url), str_of(log->origin)))) {
		r = buf_printf(&url, "https://%s", log->origin);
		if (r < 0)
			canon_fail(w, r);
		else
			canon_key_string(w, "baseUrl", buf_str(&url));
	} else if (log->base_url) {
		canon_key_cstr(w, "baseUrl", log->base_url);
	}
}

static void write_log(struct canon *w, const struct log_key *log)
{
	bool ed25519 = strcmp(public_key_type(log->key), "ed25519") == 0;

	canon_object(w);
	write_url(w, log);
	canon_key_cstr(w, "hashAlgorithm", TRUSTED_ROOT_HASH);
	canon_key(w, "logId");
	canon_object(w);
	canon_key_base64(w, "keyId", (struct str) { (const char *)log->id.bytes, DIGEST_LEN });
	canon_object_end(w);
	canon_key(w, "publicKey");
	canon_object(w);
	canon_key_cstr(w, "keyDetails", ed25519 ? TRUSTED_ROOT_ED25519 : TRUSTED_ROOT_P256);
	canon_key_base64(w, "rawBytes", public_key_spki(log->key));
	write_validity(w, log->validity);
	canon_object_end(w);
	canon_object_end(w);
}

static void write_logs(struct canon *w, const char *key, const struct log_key *logs, size_t n_logs)
{
	canon_key(w, key);
	canon_array(w);
	for (size_t i = 0; i < n_logs; i++)
		write_log(w, &logs[i]);
	canon_array_end(w);
}

static void write_subject(struct canon *w, const struct certificate *root)
{
	_cleanup_(buf_done) struct buf organization = BUF_MAX(CERTIFICATE_MAX);
	_cleanup_(buf_done) struct buf name = BUF_MAX(CERTIFICATE_MAX);
	int r = certificate_subject(root, &organization, &name);

	if (r < 0)
		return canon_fail(w, r);
	canon_key(w, "subject");
	canon_object(w);
	if (name.len > 0)
		canon_key_string(w, "commonName", buf_str(&name));
	if (organization.len > 0)
		canon_key_string(w, "organization", buf_str(&organization));
	canon_object_end(w);
}

static void write_authority(struct canon *w, const struct authority *authority)
{
	canon_object(w);
	canon_key(w, "certChain");
	canon_object(w);
	canon_key(w, "certificates");
	canon_array(w);
	for (size_t i = 0; i < authority->chain.count; i++) {
		canon_object(w);
		canon_key_base64(w, "rawBytes", certificate_der(authority->chain.list[i]));
		canon_object_end(w);
	}
	canon_array_end(w);
	canon_object_end(w);
	write_subject(w, authority->chain.list[authority->chain.count - 1]);
	if (authority->url)
		canon_key_cstr(w, "uri", authority->url);
	write_validity(w, authority->validity);
	canon_object_end(w);
}

static void write_authorities(struct canon *w, const char *key, const struct authority *list, size_t count)
{
	canon_key(w, key);
	canon_array(w);
	for (size_t i = 0; i < count; i++)
		write_authority(w, &list[i]);
	canon_array_end(w);
}

int trusted_root_write(const struct trusted_root *root, struct buf *out)
{
	size_t before = out->len;
	struct canon w = CANON_INTO(out);
	int r;

	canon_object(&w);
	write_authorities(&w, "certificateAuthorities", root->authorities, root->n_authorities);
	write_logs(&w, "ctlogs", root->ct_logs, root->n_ct_logs);
	canon_key_cstr(&w, "mediaType", TRUSTED_ROOT_TYPE);
	write_authorities(&w, "timestampAuthorities", root->timestampers, root->n_timestampers);
	write_logs(&w, "tlogs", root->logs, root->n_logs);
	canon_object_end(&w);
	r = canon_done(&w);
	if (r == 0)
		r = buf_append_str(out, STR("\n"));
	if (r < 0)
		out->len = before;
	return r;
}
