/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Signers of a chain. Promises: an announced key is trusted only behind the seal that announced it, so that it cannot
 * vouch for itself, and a key that the caller trusts stays so whatever is announced. Refuses to remember more keys than
 * its ceiling: memory does not grow with the chain.
 */

#include "verify/signers.h"

#include <errno.h>
#include <stdlib.h>

void signers_done(struct signers *signers)
{
	for (size_t i = 0; i < signers->count; i++) {
		public_key_free(signers->list[i].announced);
		free(signers->list[i].announced_by);
	}
	free(signers->list);
	*signers = (struct signers) { 0 };
}

int signers_init(struct signers *signers, const struct trust *trust)
{
	size_t count = trust->count + trust->n_identities;

	*signers = (struct signers) { .list = calloc(count + 1, sizeof(*signers->list)) };
	if (!signers->list)
		return -ENOMEM;
	for (size_t i = 0; i < trust->count; i++)
		signers->list[i] =
			(struct signer) { .key = trust->keys[i], .key_id = *public_key_id(trust->keys[i]) };
	for (size_t i = 0; i < trust->n_identities; i++)
		signers->list[trust->count + i] = (struct signer) { .san = trust->identities[i].san,
								    .issuer = trust->identities[i].issuer };
	signers->count = count;
	return 0;
}

ssize_t signers_find_key(const struct signers *signers, const struct digest *key_id, uint64_t sequence)
{
	for (size_t i = 0; i < signers->count; i++) {
		const struct signer *signer = &signers->list[i];

		if (signer->key && signer->since < sequence &&
		    memcmp(signer->key_id.bytes, key_id->bytes, DIGEST_LEN) == 0)
			return (ssize_t)i;
	}
	return -1;
}

ssize_t signers_find_identity(const struct signers *signers, struct str san, struct str issuer)
{
	for (size_t i = 0; i < signers->count; i++) {
		const struct signer *signer = &signers->list[i];

		if (!signer->key && str_equal(signer->san, san) && str_equal(signer->issuer, issuer))
			return (ssize_t)i;
	}
	return -1;
}

static char *signer_name(const struct signer *signer)
{
	char hex[DIGEST_TEXT_LEN + 1];

	if (!signer->key)
		return str_copy(signer->san);
	digest_hex(&signer->key_id, hex);
	return strdup(hex);
}

int signers_announce(struct signers *signers, struct str spki, uint64_t sequence, size_t by)
{
	_cleanup_(public_key_freep) struct public_key *key = NULL;
	_cleanup_(freep) char *name = NULL;
	struct signer *list;
	int r;

	r = public_key_parse_spki(spki, "the next key", NULL, &key);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return SIGNERS_NO_KEY;
	if (signers_find_key(signers, public_key_id(key), sequence + 1) >= 0)
		return SIGNERS_ADDED;
	if (signers->n_announced >= SIGNERS_ANNOUNCED_MAX)
		return SIGNERS_FULL;
	name = signer_name(&signers->list[by]);
	list = realloc(signers->list, (signers->count + 1) * sizeof(*list));
	if (list)
		signers->list = list;
	if (!list || !name)
		return -ENOMEM;
	list[signers->count++] = (struct signer) { .key = key,
						   .key_id = *public_key_id(key),
						   .announced = key,
						   .since = sequence,
						   .announced_by = TAKE(name) };
	key = NULL;
	signers->n_announced++;
	return SIGNERS_ADDED;
}
