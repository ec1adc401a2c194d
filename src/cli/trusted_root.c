/* SPDX-License-Identifier: Apache-2.0 */

/*
 * trusted-root: makes Sigstore's trusted_root.json from files that are here. Promises: what it writes it has read back as
 * verify-chain would; a file that is no key or no chain is refused, never left out; no connection is made. Owns the
 * root that it puts together.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "sigstore/trusted_root.h"

#define SPEC_MAX 4096

/* key=FILE,origin=HOST,url=URL,from=TIME,until=TIME; the texts are parts of `copy`. */
struct spec {
	char copy[SPEC_MAX];
	const char *file, *origin, *url;
	struct validity validity;
	bool has_from;
};

/* RFC 3339 in UTC, whole seconds: 2026-01-31T00:00:00Z, and nothing else. */
static bool time_parse(const char *text, int64_t *ret_time)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	char back[32];
	time_t time;

	if (!end || *end)
		return false;
	time = timegm(&tm);
	if (time < 0 || !gmtime_r(&time, &tm) || strftime(back, sizeof(back), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return false;
	*ret_time = time;
	return strcmp(back, text) == 0;
}

static int spec_member(struct spec *spec, const char *option, const char *name, const char *value, bool is_log,
		       struct diag *diag)
{
	const char **texts[] = { &spec->file, &spec->origin, &spec->url };
	const char *const names[] = { is_log ? "key" : "chain", is_log ? "origin" : "", "url" };

	if (!*value)
		return diag_error(diag, -EINVAL, "--%s: %s= has no value", option, name);
	if (strcmp(name, "from") == 0 || strcmp(name, "until") == 0) {
		spec->has_from |= name[0] == 'f';
		if (time_parse(value, name[0] == 'f' ? &spec->validity.from : &spec->validity.until))
			return 0;
		return diag_error(diag, -EINVAL,
				  "--%s: %s=%s: must be a time in UTC, as in 2026-01-31T00:00:00Z", option,
				  name, value);
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		if (*texts[i])
			return diag_error(diag, -EINVAL, "--%s: %s= is given twice", option, name);
		*texts[i] = value;
		return 0;
	}
	return diag_error(diag, -EINVAL, "--%s: %s= is not known; there are %s=, %surl=, from=, until=", option,
			  name, names[0], is_log ? "origin=, " : "");
}

/* A file alone is short for key=FILE or chain=FILE. */
static int spec_parse(const char *option, const char *text, bool is_log, struct diag *diag, struct spec *spec)
{
	char *rest, *part, *equals;
	int r = 0;

	*spec = (struct spec) { .validity = { 0, INT64_MAX } };
	if (strlen(text) >= sizeof(spec->copy))
		return diag_error(diag, -EINVAL, "--%s: too long", option);
	memcpy(spec->copy, text, strlen(text) + 1);
	if (!strchr(text, '=')) {
		spec->file = spec->copy;
		return 0;
	}
	for (part = strtok_r(spec->copy, ",", &rest); part && r == 0; part = strtok_r(NULL, ",", &rest)) {
		equals = strchr(part, '=');
		if (!equals)
			return diag_error(diag, -EINVAL, "--%s: \"%s\" is no NAME=VALUE", option, part);
		*equals = '\0';
		r = spec_member(spec, option, part, equals + 1, is_log, diag);
	}
	if (r == 0 && !spec->file)
		r = diag_error(diag, -EINVAL, "--%s: %s=FILE is missing", option, is_log ? "key" : "chain");
	if (r == 0 && spec->validity.until < spec->validity.from)
		r = diag_error(diag, -EINVAL, "--%s: it ends before it begins", option);
	return r;
}

/* ---- logs ---- */

/*
 * Readers take the origin of a log's checkpoints from the host of its URL: the file has no other place for it. So a URL
 * of another host cannot be written.
 */
static int log_url(const char *option, const struct spec *spec, const char *origin, struct buf *out,
		   struct diag *diag)
{
	const char *host = spec->url ? strstr(spec->url, "://") : NULL;
	size_t len = origin ? strlen(origin) : 0;

	if (spec->url && !host)
		return diag_error(diag, -EINVAL, "--%s: url=%s: must begin with https:// or http://", option,
				  spec->url);
	if (spec->url && origin && (strncmp(host + 3, origin, len) != 0 || !strchr(":/", host[3 + len])))
		return diag_error(
			diag, -EINVAL,
			"--%s: the host of url=%s is not the origin %s, which readers take it for: leave "
			"url= out",
			option, spec->url, origin);
	if (!spec->url && !origin)
		return diag_error(diag, -EINVAL, "--%s: %s: url= or origin= is missing", option, spec->file);
	return spec->url ? buf_printf(out, "%s", spec->url) : buf_printf(out, "https://%s", origin);
}

/* PEM, or a C2SP verifier key, which brings its origin along. */
static int log_key(const char *option, const struct spec *spec, struct diag *diag, struct note_key *ret_key)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(KEY_FILE_MAX);
	_cleanup_(public_key_freep) struct public_key *key = NULL;
	struct diag why = { 0 };
	struct str line;
	int r;

	r = file_read_at(AT_FDCWD, spec->file, &text, diag);
	if (r < 0)
		return r;
	line = buf_str(&text);
	if (memmem(line.data, line.len, "-----BEGIN", 10)) {
		r = public_key_parse(line, spec->file, diag, &key);
		ret_key->key = TAKE(key);
		return r;
	}
	while (line.len > 0 && strchr(" \t\r\n", line.data[line.len - 1]))
		line.len--;
	r = note_key_parse(line, &why, ret_key);
	if (r < 0)
		return diag_error(diag, r, "--%s: %s: neither a public key in PEM nor a verifier key: %s",
				  option, spec->file, why.text);
	if (ret_key->algorithm == NOTE_COSIGNATURE)
		r = diag_error(
			diag, -EINVAL,
			"--%s: %s is a witness's key: this file has no place for witnesses; put it into a "
			"trust directory",
			option, spec->file);
	if (r == 0 && spec->origin && strcmp(spec->origin, ret_key->name) != 0)
		r = diag_error(diag, -EINVAL, "--%s: origin=%s, but the key in %s is of %s", option,
			       spec->origin, spec->file, ret_key->name);
	return r;
}

static int add_log(struct trusted_root *root, const char *option, const char *text, struct diag *diag)
{
	_cleanup_(note_key_done) struct note_key key = { 0 };
	_cleanup_(buf_done) struct buf url = BUF_MAX(SPEC_MAX);
	const char *origin;
	struct spec spec;
	int r;

	r = spec_parse(option, text, true, diag, &spec);
	if (r == 0)
		r = log_key(option, &spec, diag, &key);
	if (r < 0)
		return r;
	origin = spec.origin ? spec.origin : key.name;
	r = log_url(option, &spec, origin, &url, diag);
	if (r < 0)
		return r;
	if (!buf_cstr(&url))
		return -ENOMEM;
	return trusted_root_add_log(root, key.key, origin, url.data, spec.validity, diag);
}

static int add_ct_log(struct trusted_root *root, const char *option, const char *text, struct diag *diag)
{
	_cleanup_(public_key_freep) struct public_key *key = NULL;
	struct spec spec;
	int r;

	r = spec_parse(option, text, true, diag, &spec);
	if (r == 0)
		r = public_key_load(spec.file, diag, &key);
	if (r < 0)
		return r;
	return trusted_root_add_ct_log(root, key, spec.url, spec.validity, diag);
}

/* ---- authorities ---- */

static int read_chain(const struct spec *spec, const char *option, struct diag *diag,
		      struct certificate_chain *chain)
{
	_cleanup_(buf_done) struct buf pem = BUF_MAX(CERTIFICATE_MAX * CERTIFICATE_CHAIN_MAX);
	int r;

	r = file_read_at(AT_FDCWD, spec->file, &pem, diag);
	if (r == 0)
		r = certificate_chain_parse_pem(buf_str(&pem), spec->file, diag, chain);
	if (r == 0 && chain->count == 0)
		r = diag_error(diag, -EINVAL, "--%s: %s: no certificate in it", option, spec->file);
	return r;
}

typedef int add_chain_fn(struct trusted_root *root, struct certificate_chain *chain, const char *url,
			 struct validity validity, struct diag *diag);

static int add_authority(struct trusted_root *root, add_chain_fn *add, const char *option, const char *text,
			 struct diag *diag)
{
	_cleanup_(certificate_chain_done) struct certificate_chain chain = { 0 };
	struct diag why = { 0 };
	struct spec spec;
	int r;

	r = spec_parse(option, text, false, diag, &spec);
	if (r == 0)
		r = read_chain(&spec, option, diag, &chain);
	if (r < 0)
		return r;
	if (!spec.has_from)
		spec.validity.from = certificate_not_before(chain.list[0]);
	r = add(root, &chain, spec.url, spec.validity, &why);
	return r < 0 ? diag_error(diag, r, "--%s: %s: %s", option, spec.file,
				  *why.text ? why.text : strerror(-r))
		     : 0;
}

/* ---- the verb ---- */

struct wanted {
	struct option_list logs, authorities, timestampers, ct_logs;
	const char *output;
};

static int collect(const struct wanted *wanted, struct trusted_root *root, struct diag *diag)
{
	int r = 0;

	for (size_t i = 0; i < wanted->logs.count && r == 0; i++)
		r = add_log(root, "log", wanted->logs.items[i], diag);
	for (size_t i = 0; i < wanted->authorities.count && r == 0; i++)
		r = add_authority(root, trusted_root_add_authority, "ca", wanted->authorities.items[i], diag);
	for (size_t i = 0; i < wanted->timestampers.count && r == 0; i++)
		r = add_authority(root, trusted_root_add_timestamper, "timestamper",
				  wanted->timestampers.items[i], diag);
	for (size_t i = 0; i < wanted->ct_logs.count && r == 0; i++)
		r = add_ct_log(root, "ct-log", wanted->ct_logs.items[i], diag);
	return r;
}

static int make(const struct wanted *wanted, struct diag *diag)
{
	_cleanup_(trusted_root_done) struct trusted_root root = { 0 }, back = { 0 };
	_cleanup_(buf_done) struct buf text = BUF_MAX(TRUSTED_ROOT_FILE_MAX);
	int r;

	r = collect(wanted, &root, diag);
	if (r == 0)
		r = trusted_root_write(&root, &text);
	if (r == 0)
		r = trusted_root_parse(buf_str(&text), "what was made of it", diag, &back);
	if (r == 0 && (text.len == 0 || text.data[text.len - 1] != '\n'))
		r = buf_append(&text, "\n", 1);
	if (r < 0)
		return diag_error(diag, r, "cannot make the trusted root: %s", strerror(-r));
	if (wanted->output)
		return file_publish_at(AT_FDCWD, wanted->output, 0644, text.data, text.len, true, diag);
	return fwrite(text.data, 1, text.len, stdout) == text.len
		       ? 0
		       : diag_error(diag, -EIO, "cannot write the trusted root");
}

static int status_of(const struct diag *diag, int error)
{
	if (error == -ENOENT)
		return EXIT_NOT_FOUND;
	if (error == -EINVAL || error == -EBADMSG || error == -E2BIG)
		return EXIT_UNSOUND;
	return diag_exit_status(diag, error);
}

int verb_trusted_root(int argc, char **argv)
{
	struct wanted wanted = { 0 };
	const struct option_row rows[] = {
		OPTION_IS_LIST("log", 0, "SPEC",
			       "a transparency log: key=FILE (PEM or C2SP verifier key), origin=HOST, url=URL, "
			       "from=TIME, until=TIME, joined by commas",
			       &wanted.logs),
		OPTION_IS_LIST(
			"ca", 0, "SPEC",
			"an authority for signers' certificates: chain=FILE (PEM, intermediates first, root "
			"last), url=, from=, until=; or FILE alone",
			&wanted.authorities),
		OPTION_IS_LIST("timestamper", 0, "SPEC",
			       "a timestamp authority: as --ca, its own certificate first",
			       &wanted.timestampers),
		OPTION_IS_LIST(
			"ct-log", 0, "SPEC",
			"a certificate transparency log: key=FILE (PEM), url=, from=, until=; or FILE alone",
			&wanted.ct_logs),
		OPTION_IS_TEXT("output", 'o', "FILE", "where it goes (default: stdout)", &wanted.output),
	};
	const struct option_spec spec = {
		.usage = "stella signals trusted-root [OPTION...]",
		.summary = "Makes a Sigstore trusted_root.json (v0.1) from local files, for verify-chain and "
			   "cosign.",
		.rows = rows,
		.n_rows = ARRAY_LEN(rows),
		.details =
			"Each option but --output may be repeated. TIME is as in 2026-01-31T00:00:00Z. An "
			"origin is\nwritten as the host of the log's URL, from where Sigstore's readers take "
			"it.\n"
			"Exit status: 0 done, 1 failed, 2 bad arguments or files, 3 not permitted, 4 no such "
			"file.",
	};
	struct diag diag = { 0 };
	char **arguments;
	int status, r;

	if (!options_parse(&spec, argc, argv, &arguments, &status))
		return status;
	if (wanted.logs.count + wanted.authorities.count + wanted.timestampers.count + wanted.ct_logs.count ==
	    0) {
		talk("whom to trust? give --log, --ca, --timestamper or --ct-log; --help says how");
		return EXIT_UNSOUND;
	}
	r = make(&wanted, &diag);
	if (r == 0)
		return EXIT_DONE;
	talk("%s", diag.text);
	return status_of(&diag, r);
}
