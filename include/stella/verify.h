/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STELLA_VERIFY_H
#define STELLA_VERIFY_H

/*
 * The road back: is this directory of evidence sound, what does it cover, and what is missing from it?
 *
 * Nothing in the directory is trusted; trust comes from what the caller brings: keys, identities for certificates, the
 * keys of logs and authorities. Verification goes on
 * after the first finding and reports all. It needs no root, no network, and memory that does not grow with
 * the evidence. All functions return 0 or a negative errno when the answer could not be found (the disk
 * failed, no memory); that evidence is bad is not an error but a finding.
 *
 * No type here is thread-safe; use one per thread. Strings handed out live as long as their owner.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* finding(ENUM, code): contract, section 4. Append only. */
/* clang-format off */
#define STELLA_FINDINGS(finding)                         \
	finding(BAD_SIGNATURE, bad_signature)            \
	finding(UNTRUSTED_SIGNER, untrusted_signer)      \
	finding(CONTENT_MISMATCH, content_mismatch)      \
	finding(BROKEN_LINK, broken_link)                \
	finding(MISSING_CHUNK, missing_chunk)            \
	finding(DUPLICATE_SEQUENCE, duplicate_sequence)  \
	finding(CLOCK_REGRESSION, clock_regression)      \
	finding(COUNT_MISMATCH, count_mismatch)          \
	finding(NOT_CANONICAL, not_canonical)            \
	finding(SCHEMA_VIOLATION, schema_violation)      \
	finding(MALFORMED, malformed)                    \
	finding(UNSIGNED_CHUNK, unsigned_chunk)          \
	finding(FOREIGN_FILE, foreign_file)              \
	finding(LOG_PROOF_INVALID, log_proof_invalid)    \
	finding(LOG_PROOF_MISSING, log_proof_missing)    \
	finding(TAIL_CUT, tail_cut)
/* clang-format on */

enum stella_finding_code {
#define STELLA_FINDING_ENUM(ENUM, code) STELLA_FINDING_##ENUM,
	STELLA_FINDINGS(STELLA_FINDING_ENUM)
#undef STELLA_FINDING_ENUM
		STELLA_FINDING_END
};

const char *stella_finding_name(enum stella_finding_code code);

struct stella_finding {
	enum stella_finding_code code;
	uint64_t sequence; /* chunk, 0 = none */
	const char *file; /* name inside the directory, or NULL */
	uint64_t line; /* 1-based, 0 = none */
	uint64_t offset; /* byte in the file, when has_offset */
	bool has_offset;
	const char *sentence; /* printable UTF-8 */
};

struct stella_verifier;
struct stella_report;

int stella_verifier_new(struct stella_verifier **ret_verifier);
void stella_verifier_free(struct stella_verifier *verifier);

/* The last error's line, for a person; "" when there was none. */
const char *stella_verifier_error(const struct stella_verifier *verifier);

/*
 * Adds a trusted public key (SPKI PEM file), or a directory: every *.pem and *.pub (keys that sign seals), *.vkey (C2SP
 * verifier keys of logs and witnesses) and trusted_root.json. -EINVAL: one is no such thing.
 */
int stella_verifier_trust_key(struct stella_verifier *verifier, const char *path);
int stella_verifier_trust_directory(struct stella_verifier *verifier, const char *path);

/*
 * Adds the logs, certificate authorities and timestamp authorities of a Sigstore trusted_root.json (v0.1). Entries and
 * timestamps of others are neither right nor wrong; of these, what is wrong is a finding.
 */
int stella_verifier_trusted_root(struct stella_verifier *verifier, const char *path);
/*
 * Adds whom certificates may be for: the subject alternative name and the issuer that vouched for it, both exact. Seals
 * with certificates are trusted for these only, by an authority of a trusted root, at a proven time. May be repeated.
 */
int stella_verifier_identity(struct stella_verifier *verifier, const char *san, const char *issuer);
/*
 * Adds a directory of tiles (C2SP tlog-tiles) of a trusted log: by it the log's checkpoints in the seals are shown to be
 * of one tree. Read when the verification begins, which fails with -EINVAL or -EBADMSG when it is none of a trusted log,
 * or damaged. May be repeated.
 */
int stella_verifier_log_directory(struct stella_verifier *verifier, const char *path);

/* The head (64 hex digits, of either case) that someone else kept: finds a cut tail. -EINVAL. */
int stella_verifier_expect_head(struct stella_verifier *verifier, const char *hex);
/* Losses and gaps make the evidence unsound. */
void stella_verifier_require_complete(struct stella_verifier *verifier, bool required);
/* Each seal must have an entry of a trusted log, proved. */
void stella_verifier_require_log(struct stella_verifier *verifier, bool required);
/* Only seals, digests and links; lines are not parsed (counts, canonical form and schema stay unchecked). */
void stella_verifier_seals_only(struct stella_verifier *verifier, bool seals_only);
/* Called now and then with the bytes read so far and in all. May be NULL. */
void stella_verifier_on_progress(struct stella_verifier *verifier,
				 void (*progress)(void *user, uint64_t done_bytes, uint64_t total_bytes),
				 void *user);

/* Verifies the directory. 0 also when the evidence is not sound: the report says. */
int stella_verify_directory(struct stella_verifier *verifier, const char *directory,
			    struct stella_report **ret_report);
void stella_report_free(struct stella_report *report);

bool stella_report_sound(const struct stella_report *report);
/* No finding, no record was lost, no gap interrupts the chain, nothing was recovered, no chunk is a replay. */
bool stella_report_complete(const struct stella_report *report);
uint64_t stella_report_chunks(const struct stella_report *report);
uint64_t stella_report_records(const struct stella_report *report);
size_t stella_report_n_findings(const struct stella_report *report); /* kept, at most 10,000 */
uint64_t stella_report_findings_total(const struct stella_report *report);
const struct stella_finding *stella_report_finding(const struct stella_report *report, size_t index);
/* Why it is not complete, one printable line each; at most 1,000 are kept, the JSON has the total. */
size_t stella_report_n_reasons(const struct stella_report *report);
const char *stella_report_reason(const struct stella_report *report, size_t index);
uint64_t stella_report_head_sequence(const struct stella_report *report); /* 0 = none */
const char *stella_report_head_sha256(const struct stella_report *report); /* "" = none */
/* The whole report as canonical JSON text (contract, section 4), NUL-terminated; lives with the report. */
const char *stella_report_json(const struct stella_report *report);

#ifdef __cplusplus
}
#endif

#endif
