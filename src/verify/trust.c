/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Trusted keys. Promises: a file that is given as a key and is none is an error, never ignored, also inside a
 * trust directory: a verifier that silently trusts less than it was told gives wrong verdicts. Owns the keys.
 */

#include "verify/trust.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

void trust_done(struct trust *trust)
{
	for (size_t i = 0; i < trust->count; i++)
		public_key_free(trust->keys[i]);
	free(trust->keys);
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

static int key_file_name(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 4 && entry->d_name[0] != '.' &&
	       (strcmp(entry->d_name + len - 4, ".pem") == 0 || strcmp(entry->d_name + len - 4, ".pub") == 0);
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
	return trust_add_file(trust, path, diag);
}

int trust_add_directory(struct trust *trust, const char *path, struct diag *diag)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, key_file_name, alphasort);
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
