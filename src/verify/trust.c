/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whom the caller trusts. Promises: a file that is given as a key and is none is an error, never ignored, also inside a
 * trust directory: a verifier that silently trusts less than it was told gives wrong verdicts. Owns all of it.
 */

#include "verify/trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"

#define ROOT_NAME "trusted_root.json"

void trust_done(struct trust *trust)
{
	for (size_t i = 0; i < trust->count; i++)
		public_key_free(trust->keys[i]);
	for (size_t i = 0; i < trust->n_identities; i++) {
		free((char *)trust->identities[i].san.data);
		free((char *)trust->identities[i].issuer.data);
	}
	free(trust->keys);
	free(trust->identities);
	trusted_root_done(&trust->root);
	*trust = (struct trust) { 0 };
}

ssize_t trust_find(const struct trust *trust, const struct digest *id)
{
	for (size_t i = 0; i < trust->count; i++) {
		if (memcmp(public_key_id(trust->keys[i])->bytes, id->bytes, DIGEST_LEN) == 0)
			return (ssize_t)i;
	}
	return -1;
}

int trust_add_file(struct trust *trust, const char *path, struct diag *diag)
{
	_cleanup_(public_key_freep) struct public_key *key = NULL;
	struct public_key **keys;
	int r;

	r = public_key_load(path, diag, &key);
	if (r < 0)
		return r;
	if (trust_find(trust, public_key_id(key)) >= 0)
		return 0;
	if (trust->count >= TRUST_KEYS_MAX)
		return diag_error(diag, -E2BIG, "%s: more than %d trusted keys", path, TRUST_KEYS_MAX);
	keys = realloc(trust->keys, (trust->count + 1) * sizeof(*keys));
	if (!keys)
		return diag_error(diag, -ENOMEM, "%s: no memory for the key", path);
	trust->keys = keys;
	trust->keys[trust->count++] = TAKE(key);
	return 0;
}

int trust_add_root(struct trust *trust, const char *path, struct diag *diag)
{
	return trusted_root_load(path, diag, &trust->root);
}

static bool identity_known(const struct trust *trust, struct str san, struct str issuer)
{
	for (size_t i = 0; i < trust->n_identities; i++)
		if (str_equal(trust->identities[i].san, san) && str_equal(trust->identities[i].issuer, issuer))
			return true;
	return false;
}

int trust_add_identity(struct trust *trust, const char *san, const char *issuer, struct diag *diag)
{
	_cleanup_(freep) char *own_san = NULL, *own_issuer = NULL;
	struct judge_identity *identities;

	if (!*san || strlen(san) > TRUST_IDENTITY_MAX)
		return diag_error(diag, -EINVAL, "a certificate identity must be a name of 1 to %d bytes",
				  TRUST_IDENTITY_MAX);
	if (!*issuer || strlen(issuer) > TRUST_IDENTITY_MAX)
		return diag_error(diag, -EINVAL,
				  "the identity %s needs the issuer that vouches for it, 1 to %d bytes", san,
				  TRUST_IDENTITY_MAX);
	if (identity_known(trust, str_of(san), str_of(issuer)))
		return 0;
	if (trust->n_identities >= TRUST_IDENTITIES_MAX)
		return diag_error(diag, -E2BIG, "more than %d trusted identities", TRUST_IDENTITIES_MAX);
	identities = realloc(trust->identities, (trust->n_identities + 1) * sizeof(*identities));
	if (!identities)
		return diag_error(diag, -ENOMEM, "no memory for the identity %s", san);
	trust->identities = identities;
	own_san = strdup(san);
	own_issuer = strdup(issuer);
	if (!own_san || !own_issuer)
		return diag_error(diag, -ENOMEM, "no memory for the identity %s", san);
	identities[trust->n_identities++] =
		(struct judge_identity) { .san = str_of(TAKE(own_san)), .issuer = str_of(TAKE(own_issuer)) };
	return 0;
}

static struct str trim(struct str line)
{
	while (line.len > 0 && strchr(" \t\r", line.data[0])) {
		line.data++;
		line.len--;
	}
	while (line.len > 0 && strchr(" \t\r", line.data[line.len - 1]))
		line.len--;
	return line;
}

static int trust_add_vkeys(struct trust *trust, const char *path, struct diag *diag)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(TRUST_VKEYS_FILE_MAX);
	struct str rest;
	size_t keys = 0;
	int r;

	r = file_read_at(AT_FDCWD, path, &text, diag);
	if (r < 0)
		return r;
	for (rest = buf_str(&text); rest.len > 0;) {
		const char *end = memchr(rest.data, '\n', rest.len);
		struct str line = { rest.data, end ? (size_t)(end - rest.data) : rest.len };
		struct diag why = { 0 };

		rest.data += line.len + (end ? 1 : 0);
		rest.len -= line.len + (end ? 1 : 0);
		line = trim(line);
		if (line.len == 0 || line.data[0] == '#')
			continue;
		r = trusted_root_add_vkey(&trust->root, line, &why);
		if (r < 0)
			return diag_error(diag, r, "%s: %s", path, *why.text ? why.text : strerror(-r));
		keys++;
	}
	return keys > 0 ? 0 : diag_error(diag, -EINVAL, "%s: no verifier key in it", path);
}

static bool name_ends(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len > end_len && strcmp(name + len - end_len, end) == 0;
}

static int trust_name(const struct dirent *entry)
{
	const char *name = entry->d_name;

	return name[0] != '.' && (name_ends(name, ".pem") || name_ends(name, ".pub") ||
				  name_ends(name, ".vkey") || strcmp(name, ROOT_NAME) == 0);
}

static int trust_add_entry(struct trust *trust, const char *directory, const char *name, struct diag *diag)
{
	_cleanup_(freep) char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		return diag_error(diag, -ENOMEM, "%s: no memory", directory);
	}
	if (stat(path, &st) < 0)
		return diag_error(diag, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return 0;
	if (strcmp(name, ROOT_NAME) == 0)
		return trust_add_root(trust, path, diag);
	return name_ends(name, ".vkey") ? trust_add_vkeys(trust, path, diag)
					: trust_add_file(trust, path, diag);
}

int trust_add_directory(struct trust *trust, const char *path, struct diag *diag)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, trust_name, alphasort);
	int r = 0;

	if (count < 0)
		return diag_error(diag, -errno, "%s: cannot read the trust directory: %s", path,
				  strerror(errno));
	for (int i = 0; i < count; i++) {
		if (r == 0)
			r = trust_add_entry(trust, path, entries[i]->d_name, diag);
		free(entries[i]);
	}
	free(entries);
	return r;
}
