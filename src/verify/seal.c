/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads a seal: bundle, envelope, who signed it, what anchors it, statement. Promises: the signature is checked over the
 * decoded bytes that are then parsed, with a key that came from outside the directory, that a trusted seal before it
 * announced, or that a trusted certificate names; the hint in the seal only chooses which. Goes on after a bad
 * signature, so that all that is wrong with a chain is told at once; who uses the result looks at `authentic`.
 */

#include "verify/seal.h"

#include <inttypes.h>

#include "base/file.h"
#include "format/canon.h"

void seal_done(struct seal *seal)
{
	if (seal->parsed)
		statement_done(&seal->statement);
	if (seal->judged)
		judgement_done(&seal->judgement);
	bundle_done(&seal->bundle);
	*seal = (struct seal) { 0 };
}

bool evidence_error(int error)
{
	return error == -ENOENT || error == -EINVAL || error == -ELOOP || error == -E2BIG || error == -ENXIO;
}

/* *ret_read false: it cannot be read, which is a finding. */
static int seal_file(int dir, const struct place *place, struct findings *findings, struct diag *diag,
		     struct buf *text, bool *ret_read)
{
	struct diag own = { 0 };
	int r;

	*ret_read = false;
	r = file_read_nofollow_at(dir, place->file, text, &own);
	if (r == -ENOENT)
		findings_add(findings, STELLA_FINDING_MISSING_CHUNK, place, "the seal %s went away",
			     place->file);
	else if (r == -E2BIG)
		findings_add(findings, STELLA_FINDING_MALFORMED, place, "the seal is larger than %u bytes",
			     BUNDLE_FILE_MAX);
	else if (evidence_error(r))
		findings_add(findings, STELLA_FINDING_FOREIGN_FILE, place, "%s is no regular file",
			     place->file);
	else if (r < 0)
		return diag_error(diag, r, "%s", own.text);
	*ret_read = r >= 0;
	return 0;
}

struct telling {
	struct findings *findings;
	const struct place *place;
	struct seal *seal;
};

static const enum stella_finding_code codes[JUDGE_KINDS] = {
	[JUDGE_SIGNATURE] = STELLA_FINDING_BAD_SIGNATURE,
	[JUDGE_IDENTITY] = STELLA_FINDING_UNTRUSTED_SIGNER,
	[JUDGE_ISSUER] = STELLA_FINDING_UNTRUSTED_SIGNER,
	[JUDGE_CERTIFICATE] = STELLA_FINDING_UNTRUSTED_SIGNER,
	[JUDGE_TIME] = STELLA_FINDING_UNTRUSTED_SIGNER,
	[JUDGE_SCT] = STELLA_FINDING_UNTRUSTED_SIGNER,
	[JUDGE_ENTRY] = STELLA_FINDING_LOG_PROOF_INVALID,
	[JUDGE_PROMISE] = STELLA_FINDING_LOG_PROOF_INVALID,
	[JUDGE_INCLUSION] = STELLA_FINDING_LOG_PROOF_INVALID,
	[JUDGE_CHECKPOINT] = STELLA_FINDING_LOG_PROOF_INVALID,
	[JUDGE_TIMESTAMP] = STELLA_FINDING_LOG_PROOF_INVALID,
};

static void tell(void *user, enum judge_kind kind, const char *sentence)
{
	const struct telling *telling = user;

	if (codes[kind] == STELLA_FINDING_LOG_PROOF_INVALID)
		telling->seal->wrong_anchor = true;
	if (kind == JUDGE_IDENTITY || kind == JUDGE_ISSUER) {
		const struct judgement *judgement = &telling->seal->judgement;

		findings_add(telling->findings, codes[kind], telling->place, "%s: it is for %.*s, by %.*s",
			     sentence, (int)judgement->san.len, judgement->san.data ? judgement->san.data : "",
			     judgement->issuer.len > 0 ? (int)judgement->issuer.len : 6,
			     judgement->issuer.len > 0 ? judgement->issuer.data : "nobody");
		return;
	}
	findings_add(telling->findings, codes[kind], telling->place, "%s", sentence);
}

/* Who signed it, of those who may; the key is chosen before, the identity found after its certificate was judged. */
static void seal_signer(const struct signers *signers, ssize_t by_key, struct seal *seal)
{
	const struct judgement *judgement = &seal->judgement;
	ssize_t signer = by_key;

	if (seal->bundle.identity == BUNDLE_CERTIFICATE)
		signer = signers_find_identity(signers, buf_str(&judgement->san), buf_str(&judgement->issuer));
	seal->authentic = judgement->authentic && signer >= 0;
	seal->signer = signer >= 0 ? (size_t)signer : 0;
}

static int seal_signature(const struct trust *trust, const struct signers *signers, const struct place *place,
			  struct findings *findings, struct seal *seal)
{
	struct telling telling = { .findings = findings, .place = place, .seal = seal };
	struct judge_request request = { .bundle = &seal->bundle,
					 .root = &trust->root,
					 .identities = trust->identities,
					 .n_identities = trust->n_identities };
	ssize_t signer = -1;
	char id[DIGEST_TEXT_LEN + 1];
	int r;

	if (seal->bundle.identity == BUNDLE_PUBLIC_KEY) {
		signer = signers_find_key(signers, &seal->bundle.key_id, place->sequence);
		digest_hex(&seal->bundle.key_id, id);
		if (signer < 0)
			findings_add(findings, STELLA_FINDING_UNTRUSTED_SIGNER, place,
				     "the seal names the key %s, which is not trusted", id);
		else
			request.key = signers->list[signer].key;
	}
	seal->judged = true;
	r = judge(&request, tell, &telling, &seal->judgement);
	if (r == 0)
		seal_signer(signers, signer, seal);
	return r;
}

static int seal_statement(struct str payload, const struct place *place, struct findings *findings,
			  struct seal *seal)
{
	struct place inside = *place;
	struct diag why = { 0 };
	enum canon_result result;
	size_t count, offset = 0;
	int r;

	if (payload.len > STATEMENT_MAX) {
		findings_add(findings, STELLA_FINDING_MALFORMED, place, "the statement is larger than %u bytes",
			     STATEMENT_MAX);
		return 0;
	}
	result = canon_scan_object(payload, NULL, 0, &count, &offset);
	if (result != CANON_OK) {
		inside.offset = offset;
		inside.has_offset = true;
		findings_add(findings,
			     result == CANON_NOT_JSON ? STELLA_FINDING_MALFORMED : STELLA_FINDING_NOT_CANONICAL,
			     &inside, "the statement in the seal is %s at its byte %zu",
			     result == CANON_NOT_JSON ? "no JSON object" : "not canonical JSON", offset);
		return 0;
	}
	r = statement_parse(payload, &why, &seal->statement);
	if (r == -ENOMEM)
		return r;
	seal->parsed = r >= 0;
	if (r < 0)
		findings_add(findings, STELLA_FINDING_SCHEMA_VIOLATION, place, "the statement in the seal: %s",
			     why.text);
	return 0;
}

static int seal_judge(struct str text, const struct trust *trust, const struct signers *signers,
		      const struct place *place, struct findings *findings, struct seal *seal)
{
	struct diag why = { 0 };
	int r;

	r = bundle_parse(text, &why, &seal->bundle);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		findings_add(findings, STELLA_FINDING_MALFORMED, place, "no seal of ours: %s", why.text);
		return 0;
	}
	r = digest_of(seal->bundle.payload.data, seal->bundle.payload.len, &seal->digest);
	if (r < 0)
		return r;
	seal->has_digest = true;
	r = seal_signature(trust, signers, place, findings, seal);
	if (r < 0)
		return r;
	if (!str_equal(buf_str(&seal->bundle.payload_type), STR(STATEMENT_PAYLOAD_TYPE))) {
		findings_add(findings, STELLA_FINDING_SCHEMA_VIOLATION, place,
			     "the seal's payload type is not " STATEMENT_PAYLOAD_TYPE);
		return 0;
	}
	return seal_statement(buf_str(&seal->bundle.payload), place, findings, seal);
}

int seal_read(int dir, uint64_t sequence, const struct trust *trust, const struct signers *signers,
	      struct findings *findings, struct diag *diag, struct seal *ret_seal)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(BUNDLE_FILE_MAX);
	char name[CHUNK_NAME_MAX];
	struct place place = { .sequence = sequence, .file = name };
	bool read;
	int r;

	*ret_seal = (struct seal) { .bundle = BUNDLE_EMPTY };
	r = chunk_name(CHUNK_SEAL, sequence, name);
	if (r < 0)
		return r;
	r = seal_file(dir, &place, findings, diag, &text, &read);
	if (r < 0 || !read)
		return r;
	r = seal_judge(buf_str(&text), trust, signers, &place, findings, ret_seal);
	if (r < 0)
		return diag_error(diag, r, "%s: %s", name, strerror(-r));
	return 0;
}

bool seal_is_logged(const struct seal *seal)
{
	for (size_t i = 0; seal->judged && i < seal->judgement.n_entries; i++)
		if (seal->judgement.entries[i].proved && seal->judgement.entries[i].facts.included)
			return true;
	return false;
}
