/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is trusted, in memory. Promises: no two logs have one id; a chain is in order; everything is copied or taken, so
 * that nothing lives longer than the root that holds it. Refuses more than TRUSTED_ROOT_LIST_MAX of a kind.
 */

#include "sigstore/trusted_root.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sigstore/trusted_root_parts.h"

static void log_key_done(struct log_key *log)
{
	free(log->base_url);
	free(log->origin);
	public_key_free(log->key);
	*log = (struct log_key) { 0 };
}

static void authority_done(struct authority *authority)
{
	free(authority->url);
	certificate_chain_done(&authority->chain);
	*authority = (struct authority) { 0 };
}

void trusted_root_done(struct trusted_root *root)
{
	for (size_t i = 0; i < root->n_logs; i++)
		log_key_done(&root->logs[i]);
	for (size_t i = 0; i < root->n_ct_logs; i++)
		log_key_done(&root->ct_logs[i]);
	for (size_t i = 0; i < root->n_authorities; i++)
		authority_done(&root->authorities[i]);
	for (size_t i = 0; i < root->n_timestampers; i++)
		authority_done(&root->timestampers[i]);
	for (size_t i = 0; i < root->n_witnesses; i++)
		note_key_done(&root->witnesses[i]);
	free(root->logs);
	free(root->ct_logs);
	free(root->authorities);
	free(root->timestampers);
	free(root->witnesses);
	*root = TRUSTED_ROOT_EMPTY;
}

/* Makes room for one more of a list. */
static int grow(void **list, size_t count, size_t size, struct diag *diag)
{
	void *more;

	if (count >= TRUSTED_ROOT_LIST_MAX)
		return diag_error(diag, -EINVAL, "cannot trust more than %d logs or authorities of a kind",
				  TRUSTED_ROOT_LIST_MAX);
	more = reallocarray(*list, count + 1, size);
	if (!more)
		return -ENOMEM;
	*list = more;
	return 0;
}

static int copy_text(const char *text, char **ret_copy)
{
	*ret_copy = text ? strdup(text) : NULL;
	return text && !*ret_copy ? -ENOMEM : 0;
}

/* ---- logs ---- */

int trusted_root_log_id(const struct public_key *key, const char *origin, struct digest *ret_id)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(NOTE_NAME_MAX + 64);
	struct str spki = public_key_spki(key);
	int r;

	if (!origin || strcmp(public_key_type(key), "ed25519") != 0) {
		*ret_id = *public_key_id(key);
		return 0;
	}
	/* What the key id of a signed note is the beginning of. */
	r = buf_printf(&text, "%s\n%c", origin, NOTE_ED25519);
	if (r == 0)
		r = buf_append(&text, spki.data + spki.len - 32, 32);
	return r < 0 ? r : digest_of(text.data, text.len, ret_id);
}

static const struct log_key *find(const struct log_key *logs, size_t n_logs, const struct digest *id)
{
	for (size_t i = 0; i < n_logs; i++)
		if (memcmp(logs[i].id.bytes, id->bytes, DIGEST_LEN) == 0)
			return &logs[i];
	return NULL;
}

const struct log_key *trusted_root_find_log(const struct trusted_root *root, const struct digest *id)
{
	return find(root->logs, root->n_logs, id);
}

static bool same_times(struct validity a, struct validity b)
{
	return a.from == b.from && a.until == b.until;
}

/*
 * The same log named by two files is one log; with other times it would not be clear which count. A verifier key alone says
 * nothing of times: then those of the other file count.
 */
static int take_again(struct log_key *known, struct log_key *log, struct diag *diag)
{
	if (!str_equal(public_key_spki(known->key), public_key_spki(log->key)) ||
	    (!same_times(known->validity, log->validity) && !same_times(known->validity, VALIDITY_ALWAYS)))
		return diag_error(diag, -EINVAL, "a log is named twice with different keys or validity times");
	known->validity = log->validity;
	if (!known->base_url)
		known->base_url = TAKE(log->base_url);
	log_key_done(log);
	return 0;
}

/* Taken on success. */
int trusted_root_take_log(struct log_key **list, size_t *count, struct log_key *log, struct diag *diag)
{
	struct log_key *known = (struct log_key *)find(*list, *count, &log->id);
	int r;

	if (known)
		return take_again(known, log, diag);
	r = grow((void **)list, *count, sizeof(**list), diag);
	if (r < 0)
		return r;
	(*list)[(*count)++] = *log;
	*log = (struct log_key) { 0 };
	return 0;
}

static int add_log(struct log_key **list, size_t *count, const struct public_key *key, const char *origin,
		   const char *url, struct validity validity, struct diag *diag)
{
	_cleanup_(log_key_done) struct log_key log = { .validity = validity };
	int r;

	r = trusted_root_log_id(key, origin, &log.id);
	if (r == 0)
		r = public_key_copy(key, &log.key);
	if (r == 0)
		r = copy_text(origin, &log.origin);
	if (r == 0)
		r = copy_text(url, &log.base_url);
	return r < 0 ? r : trusted_root_take_log(list, count, &log, diag);
}

int trusted_root_add_log(struct trusted_root *root, const struct public_key *key, const char *origin,
			 const char *url, struct validity validity, struct diag *diag)
{
	return add_log(&root->logs, &root->n_logs, key, origin, url, validity, diag);
}

int trusted_root_add_ct_log(struct trusted_root *root, const struct public_key *key, const char *url,
			    struct validity validity, struct diag *diag)
{
	root->names_ct_logs = true;
	return add_log(&root->ct_logs, &root->n_ct_logs, key, NULL, url, validity, diag);
}

static int add_witness(struct trusted_root *root, struct note_key *key, struct diag *diag)
{
	int r;

	for (size_t i = 0; i < root->n_witnesses; i++)
		if (strcmp(root->witnesses[i].name, key->name) == 0 &&
		    str_equal(public_key_spki(root->witnesses[i].key), public_key_spki(key->key)))
			return 0;
	r = grow((void **)&root->witnesses, root->n_witnesses, sizeof(*root->witnesses), diag);
	if (r < 0)
		return r;
	root->witnesses[root->n_witnesses++] = *key;
	*key = (struct note_key) { 0 };
	return 0;
}

int trusted_root_add_vkey(struct trusted_root *root, struct str vkey, struct diag *diag)
{
	_cleanup_(note_key_done) struct note_key key = { 0 };
	struct digest id;
	int r;

	r = note_key_parse(vkey, diag, &key);
	if (r < 0)
		return r;
	if (key.algorithm == NOTE_COSIGNATURE)
		return add_witness(root, &key, diag);
	r = trusted_root_log_id(key.key, key.name, &id);
	if (r < 0)
		return r;
	/* A trusted root that names it, too, says more: since when it counts. */
	if (trusted_root_find_log(root, &id))
		return 0;
	return trusted_root_add_log(root, key.key, key.name, NULL, VALIDITY_ALWAYS, diag);
}

/* ---- authorities ---- */

static int check_chain(const struct certificate_chain *chain, struct diag *diag)
{
	if (chain->count == 0)
		return diag_error(diag, -EINVAL, "an authority has no certificate");
	if (!certificate_is_authority(chain->list[chain->count - 1]))
		return diag_error(diag, -EINVAL,
				  "the last certificate of an authority's chain may not issue any");
	for (size_t i = 0; i + 1 < chain->count; i++)
		if (!certificate_issued_by(chain->list[i], chain->list[i + 1]))
			return diag_error(
				diag, -EINVAL,
				"certificate %zu of an authority's chain is not issued by the next one; the "
				"order is leaf first, root last",
				i + 1);
	return 0;
}

static int add_authority(struct authority **list, size_t *count, struct certificate_chain *chain,
			 const char *url, struct validity validity, struct diag *diag)
{
	struct authority made = { .validity = validity };
	int r;

	r = check_chain(chain, diag);
	if (r == 0)
		r = grow((void **)list, *count, sizeof(**list), diag);
	if (r == 0)
		r = copy_text(url, &made.url);
	if (r < 0)
		return r;
	made.chain = *chain;
	*chain = (struct certificate_chain) { 0 };
	(*list)[(*count)++] = made;
	return 0;
}

int trusted_root_add_authority(struct trusted_root *root, struct certificate_chain *chain, const char *url,
			       struct validity validity, struct diag *diag)
{
	for (size_t i = 0; i < chain->count; i++)
		if (!certificate_is_authority(chain->list[i]))
			return diag_error(diag, -EINVAL,
					  "a certificate of a certificate authority's chain may not issue any");
	return add_authority(&root->authorities, &root->n_authorities, chain, url, validity, diag);
}

int trusted_root_add_timestamper(struct trusted_root *root, struct certificate_chain *chain, const char *url,
				 struct validity validity, struct diag *diag)
{
	return add_authority(&root->timestampers, &root->n_timestampers, chain, url, validity, diag);
}

int trusted_root_load(const char *path, struct diag *diag, struct trusted_root *root)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(TRUSTED_ROOT_FILE_MAX);
	int r = file_read_at(AT_FDCWD, path, &text, diag);

	return r < 0 ? r : trusted_root_parse(buf_str(&text), path, diag, root);
}
