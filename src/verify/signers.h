/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who may sign in this chain, and what each signed: the keys and identities that the caller trusts, and the keys that
 * authentic seals announced for the seals behind them (predicate member next_key).
 */

#include "verify/trust.h"

#define SIGNERS_ANNOUNCED_MAX 1024

struct signer {
	const struct public_key *key; /* NULL: an identity */
	struct digest key_id;
	struct str san, issuer; /* of an identity; the trust's */
	struct public_key *announced; /* owned: `key`, when it was announced */
	uint64_t since; /* the seal that announced it: trusted behind it only; 0 = the caller's */
	char *announced_by; /* who signed that seal: a key's id in hex, or an identity's name */
	uint64_t chunks;
};

struct signers {
	struct signer *list;
	size_t count, n_announced;
};

/* `trust` must outlive it. -ENOMEM. */
int signers_init(struct signers *signers, const struct trust *trust);
void signers_done(struct signers *signers);

/* Who may sign seal number `sequence` with this key, or for this identity; -1. */
ssize_t signers_find_key(const struct signers *signers, const struct digest *key_id, uint64_t sequence);
ssize_t signers_find_identity(const struct signers *signers, struct str san, struct str issuer);

enum signers_result {
	SIGNERS_ADDED, /* or known already */
	SIGNERS_NO_KEY, /* what was announced is no key of a kind that is known here */
	SIGNERS_FULL, /* SIGNERS_ANNOUNCED_MAX were announced before */
};

/* The authentic seal number `sequence` by signer `by` announces the key with this SPKI. A result, or -ENOMEM. */
int signers_announce(struct signers *signers, struct str spki, uint64_t sequence, size_t by);
