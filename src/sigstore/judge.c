/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One seal, judged by what it proves. The order is: who signs (key or certificate), the signature, the entries and
 * timestamps, which give proven times, and only then the certificate, at those times. Promises that every wrong part is
 * told, and that one wrong part never makes another right. Owns the lists in the judgement.
 */

#include "sigstore/judge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/timestamp.h"
#include "sigstore/judge_parts.h"

void judgement_done(struct judgement *judgement)
{
	buf_done(&judgement->san);
	buf_done(&judgement->issuer);
	free(judgement->times);
	*judgement = (struct judgement) { 0 };
}

void court_wrong(struct court *court, enum judge_kind kind, const char *sentence)
{
	court->judgement->n_wrong++;
	if (court->wrong)
		court->wrong(court->user, kind, sentence);
}

int court_fault(struct court *court, enum judge_kind kind, int error, const struct diag *diag)
{
	if (error == -ENOMEM)
		return error;
	court_wrong(court, kind, diag->text);
	return 0;
}

static int add_time(struct judgement *judgement, enum judge_prover by, int64_t time, const char *name)
{
	struct judge_time *times = reallocarray(judgement->times, judgement->n_times + 1, sizeof(*times));

	if (!times)
		return -ENOMEM;
	times[judgement->n_times++] = (struct judge_time) { time, by, name };
	judgement->times = times;
	return 0;
}

/* ---- who signs ---- */

static int set_signer(struct court *court, struct str verifier, const struct public_key *key)
{
	court->verifier = verifier;
	court->judgement->key_id = *public_key_id(key);
	return public_key_copy(key, &court->key);
}

static int find_key(struct court *court)
{
	const struct public_key *key = court->request->key;

	if (!key)
		return 0;
	if (memcmp(public_key_id(key)->bytes, court->request->bundle->key_id.bytes, DIGEST_LEN) != 0) {
		court_wrong(court, JUDGE_SIGNATURE,
			    "the seal names another key than the one it is checked with");
		return 0;
	}
	return set_signer(court, public_key_spki(key), key);
}

static int find_certificate_key(struct court *court)
{
	_cleanup_(public_key_freep) struct public_key *key = NULL;
	struct diag diag = { 0 };
	int r;

	r = certificate_parse(buf_str(&court->request->bundle->certificate), "of the seal", &diag,
			      &court->leaf);
	if (r == 0)
		r = certificate_public_key(court->leaf, &diag, &key);
	if (r < 0)
		return court_fault(court, JUDGE_CERTIFICATE, r, &diag);
	return set_signer(court, certificate_der(court->leaf), key);
}

static int check_signature(struct court *court)
{
	const struct bundle *bundle = court->request->bundle;
	_cleanup_(buf_done) struct buf pae = BUF_MAX(2 * BUNDLE_FILE_MAX);
	int r = dsse_pae(&pae, buf_str(&bundle->payload_type), buf_str(&bundle->payload));

	if (r < 0)
		return r;
	court->judgement->signature_ok =
		public_key_verify(court->key, buf_str(&pae), buf_str(&bundle->signature));
	if (!court->judgement->signature_ok)
		court_wrong(court, JUDGE_SIGNATURE,
			    bundle->identity == BUNDLE_CERTIFICATE
				    ? "the statement is not signed by the certificate's key"
				    : "the statement is not signed by the key that the seal names");
	return 0;
}

/* ---- entries and timestamps ---- */

static enum judge_kind kind_of_part(enum entry_part part)
{
	switch (part) {
	case ENTRY_PROMISE:
		return JUDGE_PROMISE;
	case ENTRY_INCLUSION:
		return JUDGE_INCLUSION;
	case ENTRY_CHECKPOINT:
		return JUDGE_CHECKPOINT;
	case ENTRY_BODY:
	default:
		return JUDGE_ENTRY;
	}
}

static const char *name_of_log(const struct log_key *log)
{
	if (log->base_url)
		return log->base_url;
	return log->origin ? log->origin : "a log without a name";
}

static int add_entry_times(struct judgement *judgement, const struct entry_facts *facts)
{
	int r = 0;

	if (facts->has_time)
		r = add_time(judgement, JUDGE_BY_PROMISE, facts->time, name_of_log(facts->log));
	/* A witness that signs time 0 says nothing of time (c2sp.org/tlog-cosignature). */
	for (size_t i = 0; r == 0 && i < facts->n_cosignatures; i++)
		r = facts->cosignatures[i].time == 0
			    ? 0
			    : add_time(judgement, JUDGE_BY_WITNESS, facts->cosignatures[i].time,
				       facts->cosignatures[i].witness->name);
	return r;
}

static int judge_entry(struct court *court, struct judge_entry *judged)
{
	const struct bundle *bundle = court->request->bundle;
	enum entry_part part = ENTRY_BODY;
	struct diag diag = { 0 };
	int r;

	judged->known = trusted_root_find_log(court->root, &judged->entry->log_id) != NULL;
	if (!judged->known)
		court->judgement->n_unknown_logs++;
	if (!judged->known || !court->key)
		return 0;
	r = entry_verify_part(bundle, court->verifier, judged->entry, court->root, &diag, &judged->facts,
			      &part);
	if (r < 0)
		return court_fault(court, kind_of_part(part), r, &diag);
	/* A dsse 0.0.1 body does not hold the payload's type: only the signature tells that the entry is of this statement. */
	judged->proved = court->judgement->signature_ok;
	return add_entry_times(court->judgement, &judged->facts);
}

static int judge_entries(struct court *court)
{
	const struct bundle *bundle = court->request->bundle;
	struct judgement *judgement = court->judgement;
	int r = 0;

	for (size_t i = 0; r == 0 && i < bundle->n_entries && i < BUNDLE_ENTRIES_MAX; i++) {
		judgement->entries[i].entry = &bundle->entries[i];
		judgement->n_entries++;
		r = judge_entry(court, &judgement->entries[i]);
	}
	return r;
}

/*
 * A log's key may have an end, and a proof tells no time: then it counts when something else proves that the signature was
 * there while the key counted. Else the log is as one that is not known.
 */
static void judge_log_times(struct judgement *judgement)
{
	for (size_t i = 0; i < judgement->n_entries; i++) {
		struct judge_entry *judged = &judgement->entries[i];
		const struct validity *validity = judged->proved ? &judged->facts.log->validity : NULL;
		bool covered = false;

		if (!validity || validity->until == INT64_MAX || judged->facts.has_time)
			continue;
		for (size_t k = 0; k < judgement->n_times && !covered; k++)
			covered = validity_covers(*validity, judgement->times[k].time);
		if (covered)
			continue;
		judged->known = judged->proved = false;
		judgement->n_unknown_logs++;
	}
}

/* By the one authority, at a time at which that was to be believed. */
static int timestamp_of(struct str token, struct str signature, const struct authority *authority,
			struct diag *diag, int64_t *ret_time)
{
	int r = timestamp_verify(token, signature, 0, &authority->chain, diag, ret_time);

	if (r == 0 && !validity_covers(authority->validity, *ret_time))
		r = diag_error(diag, -EBADMSG,
			       "bad timestamp: it is of a time at which its authority was not to be believed");
	return r;
}

/* By any timestamper; else why the one that it names did not make it. A token of a stranger is neither right nor wrong. */
static int judge_timestamp(struct court *court, struct str token)
{
	struct str signature = buf_str(&court->request->bundle->signature);
	struct diag why = { 0 };
	bool wrong = false;
	int64_t time;

	for (size_t i = 0; i < court->root->n_timestampers; i++) {
		const struct authority *authority = &court->root->timestampers[i];
		struct diag diag = { 0 };
		int r = timestamp_of(token, signature, authority, &diag, &time);

		if (r == 0)
			return add_time(court->judgement, JUDGE_BY_TIMESTAMP, time,
					authority->url ? authority->url : "an authority without a name");
		if (r == -ENOMEM)
			return r;
		if (r != -ENOKEY) {
			wrong = true;
			why = diag;
		}
	}
	if (wrong)
		return court_fault(court, JUDGE_TIMESTAMP, -EBADMSG, &why);
	court->judgement->n_unknown_timestamps++;
	return 0;
}

static int judge_timestamps(struct court *court)
{
	const struct bundle *bundle = court->request->bundle;
	int r = 0;

	for (size_t i = 0; r == 0 && i < bundle->n_timestamps; i++)
		r = judge_timestamp(court, buf_str(&bundle->timestamps[i]));
	return r;
}

/* ---- all of it ---- */

static int judge_all(struct court *court)
{
	bool by_certificate = court->request->bundle->identity == BUNDLE_CERTIFICATE;
	bool trusted = true;
	int r;

	r = by_certificate ? find_certificate_key(court) : find_key(court);
	if (r == 0 && court->key)
		r = check_signature(court);
	if (r == 0)
		r = judge_timestamps(court);
	if (r == 0)
		r = judge_entries(court);
	judge_log_times(court->judgement);
	if (r == 0 && by_certificate)
		r = court_judge_certificate(court, &trusted);
	court->judgement->authentic = r == 0 && trusted && court->judgement->signature_ok;
	return r;
}

int judge(const struct judge_request *request, judge_wrong_fn *wrong, void *user, struct judgement *judgement)
{
	static const struct trusted_root nobody;
	struct court court = { .request = request,
			       .root = request->root ? request->root : &nobody,
			       .wrong = wrong,
			       .user = user,
			       .judgement = judgement };
	int r;

	*judgement = (struct judgement) { .san = BUF_MAX(CERTIFICATE_MAX), .issuer = BUF_MAX(CERTIFICATE_MAX) };
	r = judge_all(&court);
	public_key_free(court.key);
	certificate_free(court.leaf);
	return r;
}
