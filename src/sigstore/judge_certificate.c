/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seal's certificate. It counts only when a proven time lies in its validity: then the signature was made while the
 * identity that it names held the key. A later time proves nothing of it, and is no lie either: a log that was down
 * for an hour says when it took the entry. Identity and issuer are compared byte for byte.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sigstore/judge_parts.h"

static int read_names(struct court *court)
{
	struct judgement *judgement = court->judgement;
	struct diag diag = { 0 };
	int r;

	judgement->not_before = certificate_not_before(court->leaf);
	judgement->not_after = certificate_not_after(court->leaf);
	r = certificate_san(court->leaf, &judgement->san, &diag);
	if (r < 0) {
		buf_clear(&judgement->san);
		return court_fault(court, JUDGE_CERTIFICATE, r, &diag);
	}
	r = certificate_issuer(court->leaf, &judgement->issuer, &diag);
	if (r < 0) {
		buf_clear(&judgement->issuer);
		return r == -ENOENT ? 0 : court_fault(court, JUDGE_CERTIFICATE, r, &diag);
	}
	return 0;
}

static bool check_identity(struct court *court)
{
	const struct judge_request *request = court->request;
	struct str san = buf_str(&court->judgement->san), issuer = buf_str(&court->judgement->issuer);
	bool named = false;

	if (san.len == 0)
		return false; /* said already: it could not be read */
	for (size_t i = 0; i < request->n_identities; i++) {
		if (!str_equal(request->identities[i].san, san))
			continue;
		if (issuer.len > 0 && str_equal(request->identities[i].issuer, issuer))
			return true;
		named = true;
	}
	if (named)
		court_wrong(court, JUDGE_ISSUER,
			    "the certificate's identity was vouched for by another issuer");
	else
		court_wrong(court, JUDGE_IDENTITY, "the certificate is for an identity that is not trusted");
	return false;
}

/* The authority that the leaf chains up to at this time, or NULL and why. */
static const struct authority *find_authority(const struct court *court, int64_t time, struct diag *diag,
					      int *ret_error)
{
	*ret_error = diag_error(diag, -EBADMSG,
				"no certificate authority is trusted for the time of the certificate");
	for (size_t i = 0; i < court->root->n_authorities; i++) {
		const struct authority *authority = &court->root->authorities[i];

		if (!validity_covers(authority->validity, time))
			continue;
		*diag = (struct diag) { 0 };
		*ret_error = certificate_verify(court->leaf, &authority->chain, time, diag);
		if (*ret_error == 0)
			return authority;
		if (*ret_error == -ENOMEM)
			break;
	}
	return NULL;
}

/* NULL, and it is said why. */
static int check_chain(struct court *court, const struct authority **ret_authority)
{
	const struct judgement *judgement = court->judgement;
	struct diag diag = { 0 };
	bool in_time = false;
	int error = 0;

	*ret_authority = NULL;
	for (size_t i = 0; i < judgement->n_times; i++) {
		int64_t time = judgement->times[i].time;

		if (time < judgement->not_before || time >= judgement->not_after)
			continue;
		in_time = true;
		diag = (struct diag) { 0 };
		*ret_authority = find_authority(court, time, &diag, &error);
		if (*ret_authority)
			return 0;
		if (error == -ENOMEM)
			return error;
	}
	if (in_time)
		return court_fault(court, JUDGE_CERTIFICATE, error, &diag);
	court_wrong(court, JUDGE_TIME,
		    judgement->n_times > 0 ? "no proven time lies in the certificate's validity"
					   : "nothing proves that the certificate was valid when it was used: "
					     "no log's promise, timestamp "
					     "or witness is known");
	return 0;
}

static int list_ct_logs(const struct trusted_root *root, struct certificate_log **ret_logs)
{
	struct certificate_log *logs = calloc(root->n_ct_logs + 1, sizeof(*logs));

	if (!logs)
		return -ENOMEM;
	for (size_t i = 0; i < root->n_ct_logs; i++)
		logs[i] = (struct certificate_log) { root->ct_logs[i].id, root->ct_logs[i].key,
						     root->ct_logs[i].validity.from,
						     root->ct_logs[i].validity.until };
	*ret_logs = logs;
	return 0;
}

/* A root that names no certificate transparency logs asks for no promise of one. */
static int check_sct(struct court *court, const struct authority *authority, bool *ret_ok)
{
	_cleanup_(freep) struct certificate_log *logs = NULL;
	struct diag diag = { 0 };
	int r;

	*ret_ok = true;
	if (!court->root->names_ct_logs)
		return 0;
	r = list_ct_logs(court->root, &logs);
	if (r == 0)
		r = certificate_check_sct(court->leaf, &authority->chain, logs, court->root->n_ct_logs, &diag);
	*ret_ok = court->judgement->sct = r == 0;
	return r == 0 ? 0 : court_fault(court, JUDGE_SCT, r, &diag);
}

int court_judge_certificate(struct court *court, bool *ret_trusted)
{
	const struct authority *authority;
	bool named, promised = true;
	int r;

	*ret_trusted = false;
	if (!court->leaf)
		return 0;
	r = read_names(court);
	if (r < 0)
		return r;
	named = check_identity(court);
	r = check_chain(court, &authority);
	if (r == 0 && authority)
		r = check_sct(court, authority, &promised);
	if (r < 0)
		return r;
	*ret_trusted = named && authority && promised;
	return 0;
}
