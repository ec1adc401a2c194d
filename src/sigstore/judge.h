/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Everything that one seal claims, judged at once: its signature, the certificate at a proven time, the promise of the
 * certificate transparency log, entries of transparency logs, timestamps. No network, no clock: times come from
 * what is proved. Nothing is believed because the bundle says it.
 */

#include "base/buf.h"
#include "base/diag.h"
#include "crypto/key.h"
#include "format/bundle.h"
#include "sigstore/entry.h"
#include "sigstore/trusted_root.h"

/* What can be wrong with a seal. */
enum judge_kind {
	JUDGE_SIGNATURE, /* not this key's, or not over this statement */
	JUDGE_IDENTITY, /* the certificate is for somebody who is not trusted */
	JUDGE_ISSUER, /* the right name, vouched for by another issuer of identities */
	JUDGE_CERTIFICATE, /* cannot be read, or does not chain up to a trusted authority at any proven time */
	JUDGE_TIME, /* no proven time lies in the certificate's validity */
	JUDGE_SCT, /* certificate transparency is required, and there is no good promise of a known log */
	JUDGE_ENTRY, /* an entry is for something else, or is not of the form its log writes */
	JUDGE_PROMISE, /* a log's signed promise (SET), or the time in it */
	JUDGE_INCLUSION, /* index, size, root or hashes */
	JUDGE_CHECKPOINT, /* not this log's, not this tree's, or badly signed */
	JUDGE_TIMESTAMP, /* an RFC 3161 token is for something else, or badly signed */
	JUDGE_KINDS
};

/* Who is trusted to sign with a certificate: both compared byte for byte. */
struct judge_identity {
	struct str san, issuer;
};

struct judge_request {
	const struct bundle *bundle;
	const struct trusted_root *root; /* NULL: no logs, no authorities, no timestampers are known */
	/* For BUNDLE_PUBLIC_KEY: the trusted key with this hint. NULL: not known; then nothing but its timestamps is judged. */
	const struct public_key *key;
	/* For BUNDLE_CERTIFICATE: any of these will do; none given: nobody is trusted. */
	const struct judge_identity *identities;
	size_t n_identities;
};

/* What proves that the signature was there no later than a time. */
enum judge_prover {
	JUDGE_BY_TIMESTAMP, /* RFC 3161 authority: name is its URL */
	JUDGE_BY_PROMISE, /* a log's SET: name is the log's URL or origin */
	JUDGE_BY_WITNESS, /* cosignature of the checkpoint that includes the entry: name is the witness's */
};

struct judge_time {
	int64_t time; /* seconds since 1970 */
	enum judge_prover by;
	const char *name; /* lives with the trusted root; never NULL */
};

/* One entry of the bundle. */
struct judge_entry {
	const struct bundle_entry *entry;
	bool known; /* its log is in the trusted root, and may be believed at the time */
	bool proved; /* and all that it holds is right, and the signature is: `facts` is filled */
	struct entry_facts facts;
};

/* Views live with the request's parts. */
struct judgement {
	bool signature_ok; /* the statement is signed by the key, or by the certificate's key */
	/*
	 * signature_ok, and who signed may be trusted: the given key; or a certificate of a trusted authority, with a
	 * trusted identity, good at a proven time. Wrong entries and timestamps do not take it away: they are told.
	 */
	bool authentic;
	struct digest key_id; /* SHA-256 of the signer's SPKI; all zero when unknown */
	struct buf san, issuer; /* of the certificate; empty when there is none */
	int64_t not_before, not_after; /* of the certificate */
	bool sct; /* a known certificate transparency log promised to show it */
	struct judge_time *times; /* owned; in the order found */
	size_t n_times;
	struct judge_entry entries[BUNDLE_ENTRIES_MAX];
	size_t n_entries;
	size_t n_unknown_logs; /* entries that are not `known`: neither right nor wrong */
	size_t n_unknown_timestamps; /* tokens of authorities that the trusted root does not name: the same */
	size_t n_wrong; /* how often `wrong` was called */
};

/* Called for each thing wrong, in no promised order. One sentence, no full stop; it may hold hostile bytes. */
typedef void judge_wrong_fn(void *user, enum judge_kind kind, const char *sentence);

/*
 * 0: judged, whatever came of it (see n_wrong and authentic); else the world's failure (-ENOMEM). `judgement` is always
 * to be judgement_done.
 */
int judge(const struct judge_request *request, judge_wrong_fn *wrong, void *user, struct judgement *judgement);
void judgement_done(struct judgement *judgement);
