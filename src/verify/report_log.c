/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the report says of signers and of anchors outside of the directory. Promises: each sentence of `rewriting` says
 * what would be needed to show an anchor as good for other evidence, and follows from anchors that were verified, in a
 * chain without findings; nothing is said of how well anybody guards a key.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "verify/report.h"

static void json_text(struct canon *w, const char *key, const char *text)
{
	canon_key(w, key);
	report_json_word(w, text);
}

static void json_str(struct canon *w, const char *key, struct str text)
{
	_cleanup_(freep) char *copy = str_copy(text);

	canon_key(w, key);
	if (copy)
		report_json_word(w, copy);
	else if (w->error == 0)
		w->error = -ENOMEM;
}

static void json_digest(struct canon *w, const char *key, const struct digest *digest)
{
	char hex[DIGEST_TEXT_LEN + 1];

	digest_hex(digest, hex);
	canon_key_cstr(w, key, hex);
}

/* Seconds since 1970 as people write them. */
static const char *time_text(int64_t time, char out[CLOCK_TEXT_MAX])
{
	if (time < 0 || time > INT64_MAX / 1000000000)
		return "a time out of range";
	clock_format((uint64_t)time * 1000000000u, out);
	memcpy(out + sizeof("2026-01-31T00:00:00") - 1, "Z", 2);
	return out;
}

void report_json_signers(struct canon *w, const struct stella_report *report)
{
	canon_key(w, "signers");
	canon_array(w);
	for (size_t i = 0; i < report->signers.count; i++) {
		const struct signer *signer = &report->signers.list[i];

		if (signer->chunks == 0)
			continue;
		canon_object(w);
		if (signer->announced_by) {
			json_text(w, "announced_by", signer->announced_by);
			canon_key_u64(w, "announced_in", signer->since);
		}
		canon_key_u64(w, "chunks", signer->chunks);
		if (signer->key) {
			json_digest(w, "key_id", &signer->key_id);
		} else {
			json_str(w, "identity", signer->san);
			json_str(w, "issuer", signer->issuer);
		}
		canon_object_end(w);
	}
	canon_array_end(w);
}

static void json_anchors(struct canon *w, const struct anchors *anchors)
{
	canon_key(w, "anchors");
	canon_array(w);
	for (size_t i = 0; i < anchors->n_logs; i++) {
		const struct anchor_log *log = &anchors->logs[i];

		canon_object(w);
		canon_key(w, "consistency");
		canon_object(w);
		canon_key_u64(w, "proved", log->proved);
		canon_key_u64(w, "unproved", log->unproved);
		canon_object_end(w);
		canon_key_u64(w, "cosignatures", log->cosignatures);
		canon_key_u64(w, "entries", log->entries);
		canon_key_u64(w, "first_sequence", log->first);
		canon_key_u64(w, "last_sequence", log->last);
		json_digest(w, "log_id", &log->key->id);
		json_text(w, "name", log->name);
		canon_key_u64(w, "promises", log->promises);
		json_digest(w, "root", &log->root);
		canon_key_u64(w, "tree_size", log->size);
		canon_object_end(w);
	}
	canon_array_end(w);
}

static void json_online(struct canon *w, const struct anchors *anchors)
{
	uint64_t present = 0, absent = 0, unknown = 0, unasked = 0;

	canon_key(w, "online");
	if (!anchors->ask) {
		canon_null(w);
		return;
	}
	for (size_t i = 0; i < anchors->n_logs; i++) {
		present += anchors->logs[i].present;
		absent += anchors->logs[i].absent;
		unknown += anchors->logs[i].unknown;
		unasked += anchors->logs[i].unasked;
	}
	canon_object(w);
	canon_key_u64(w, "absent", absent);
	canon_key_u64(w, "not_asked", unasked);
	canon_key_u64(w, "present", present);
	canon_key_u64(w, "unknown", unknown);
	canon_object_end(w);
}

static void json_times(struct canon *w, const char *key, const struct anchors *anchors, enum judge_prover by)
{
	char text[CLOCK_TEXT_MAX];

	canon_key(w, key);
	canon_array(w);
	for (size_t i = 0; i < anchors->n_times; i++) {
		const struct anchor_time *time = &anchors->times[i];

		if (time->by != by)
			continue;
		canon_object(w);
		canon_key_u64(w, "count", time->count);
		canon_key_u64(w, "first_sequence", time->first);
		canon_key_u64(w, "last_sequence", time->last);
		json_text(w, "last_time", time_text(time->time, text));
		json_text(w, "name", time->name);
		canon_object_end(w);
	}
	canon_array_end(w);
}

/* ---- what would be needed to write the past anew ---- */

/* What stands for a signature of this chain: whoever may sign, not only who did. */
static const char *signing(const struct stella_report *report)
{
	size_t keys = 0, identities = 0;

	for (size_t i = 0; i < report->signers.count; i++) {
		keys += report->signers.list[i].key != NULL;
		identities += report->signers.list[i].key == NULL;
	}
	if (identities > 0)
		return keys > 1	   ? "one of the trusted keys or a certificate of a trusted identity"
		       : keys == 1 ? "the trusted key or a certificate of a trusted identity"
				   : "a certificate of a trusted identity";
	return keys > 1 ? "one of the trusted keys" : "the signing key";
}

static void write_sentence(struct canon *w, size_t *count, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void write_sentence(struct canon *w, size_t *count, const char *format, ...)
{
	char text[2048];
	va_list args;

	if ((*count)++ >= REPORT_REWRITING_MAX)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	report_json_word(w, text);
}

static void rewriting_time(struct canon *w, size_t *count, const struct stella_report *report,
			   const struct anchor_time *time)
{
	static const char *const who[] = {
		[JUDGE_BY_TIMESTAMP] = "timestamp authority",
		[JUDGE_BY_PROMISE] = "log",
		[JUDGE_BY_WITNESS] = "witness",
	};
	static const char *const keys[] = {
		[JUDGE_BY_TIMESTAMP] = "the key of that authority",
		[JUDGE_BY_PROMISE] = "the key of that log",
		[JUDGE_BY_WITNESS] = "the keys of that witness and of the log",
	};
	char text[CLOCK_TEXT_MAX];

	/* Of that one: others who are trusted may say a time of their own. */
	write_sentence(w, count,
		       "rewriting before chunk %" PRIu64
		       " with a time as early (%s) of the %s %s would need %s, and %s",
		       time->last + 1, time_text(time->time, text), who[time->by], time->name, signing(report),
		       keys[time->by]);
}

static void rewriting_log(struct canon *w, size_t *count, const struct stella_report *report,
			  const struct anchor_log *log)
{
	write_sentence(
		w, count,
		"rewriting before chunk %" PRIu64
		" with an entry as good in the log %s would need %s, and either the key of that log, or new "
		"entries in it beside the old ones that it has",
		log->last + 1, log->name, signing(report));
}

/* One seal anchors those before it by the links between them: not when any of these is in doubt. */
static void json_rewriting(struct canon *w, const struct stella_report *report)
{
	const struct anchors *anchors = &report->anchors;
	const bool whole = report->findings.total == 0;
	uint64_t last = 0;
	size_t count = 0;

	canon_key(w, "rewriting");
	canon_array(w);
	for (size_t i = 0; i < anchors->n_logs && whole; i++) {
		rewriting_log(w, &count, report, &anchors->logs[i]);
		last = anchors->logs[i].last > last ? anchors->logs[i].last : last;
	}
	for (size_t i = 0; i < anchors->n_times && whole; i++) {
		rewriting_time(w, &count, report, &anchors->times[i]);
		last = anchors->times[i].last > last ? anchors->times[i].last : last;
	}
	count = 0; /* what nothing anchors is told, however many anchors there are */
	if (whole && report->head_sequence > last)
		write_sentence(w, &count, "rewriting %s %" PRIu64 " would need %s and nothing else",
			       last > 0 ? "after chunk" : "any chunk up to",
			       last > 0 ? last : report->head_sequence, signing(report));
	canon_array_end(w);
}

void report_json_log(struct canon *w, const struct stella_report *report)
{
	const struct anchors *anchors = &report->anchors;
	uint64_t proofs = 0;

	for (size_t i = 0; i < anchors->n_logs; i++)
		proofs += anchors->logs[i].entries;
	canon_key(w, "log");
	canon_object(w);
	json_anchors(w, anchors);
	canon_key_u64(w, "chunks", report->logged);
	json_times(w, "cosignatures", anchors, JUDGE_BY_WITNESS);
	json_online(w, anchors);
	json_times(w, "promises", anchors, JUDGE_BY_PROMISE);
	canon_key_u64(w, "proofs_verified", proofs);
	canon_key_bool(w, "required", report->require_log);
	json_rewriting(w, report);
	canon_key_bool(w, "supported", true);
	json_times(w, "timestamps", anchors, JUDGE_BY_TIMESTAMP);
	canon_key_u64(w, "unknown_logs", anchors->unknown_logs);
	canon_key_u64(w, "unknown_timestamps", anchors->unknown_timestamps);
	canon_object_end(w);
}
