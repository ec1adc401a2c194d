/* SPDX-License-Identifier: Apache-2.0 */

/* Members that stand in more than one output. Promises: whatever a name holds, what is written is valid JSON and UTF-8. */

#include "merge/output_parts.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/text.h"

void output_begin(struct output_writer *writer, const struct output_sink *sink)
{
	*writer = (struct output_writer) { .piece = BUF_MAX(OUTPUT_PIECE_MAX), .sink = sink };
	writer->canon = CANON_INTO(&writer->piece);
}

int output_all(struct output_writer *writer)
{
	int r = writer->canon.error;

	if (r == 0 && writer->piece.len > 0)
		r = writer->sink->write(writer->sink->user, buf_str(&writer->piece));
	buf_clear(&writer->piece);
	return r;
}

int output_some(struct output_writer *writer)
{
	return writer->canon.error < 0 || writer->piece.len > OUTPUT_PIECE ? output_all(writer) : 0;
}

void output_done(struct output_writer *writer)
{
	buf_done(&writer->piece);
}

static void output_text(struct canon *canon, const char *text)
{
	_cleanup_(buf_done) struct buf shown = BUF_MAX(4u << 20);

	if (text_is_utf8(str_of(text))) {
		canon_string(canon, str_of(text));
		return;
	}
	if (text_printable_append(&shown, str_of(text)) < 0 && canon->error == 0)
		canon->error = -ENOMEM;
	canon_string(canon, buf_str(&shown));
}

void output_key_text(struct canon *canon, const char *key, const char *text)
{
	if (!text)
		return;
	canon_key(canon, key);
	output_text(canon, text);
}

void output_key_texts(struct canon *canon, const char *key, char *const *texts, size_t count)
{
	canon_key(canon, key);
	canon_array(canon);
	for (size_t i = 0; i < count; i++)
		output_text(canon, texts[i]);
	canon_array_end(canon);
}

void output_key_moment(struct canon *canon, const char *key, struct moment moment)
{
	char time[CLOCK_TEXT_MAX];

	canon_key(canon, key);
	if (moment.wall_ns == 0) {
		canon_null(canon);
		return;
	}
	clock_format(moment.wall_ns, time);
	canon_object(canon);
	canon_key_u64(canon, "boot_ns", moment.boot_ns);
	canon_key_cstr(canon, "time", time);
	canon_object_end(canon);
}

void output_key_line(struct canon *canon, const char *key, const struct evidence_line *line)
{
	char hex[DIGEST_TEXT_LEN + 1];

	digest_hex(&line->digest, hex);
	canon_key(canon, key);
	canon_object(canon);
	canon_key_u64(canon, "line", line->line);
	canon_key_u64(canon, "sequence", line->sequence);
	canon_key_cstr(canon, "sha256", hex);
	canon_object_end(canon);
}

void output_key_sighting(struct canon *canon, const char *key, const struct sighting *sighting)
{
	canon_key(canon, key);
	canon_object(canon);
	canon_key_u64(canon, "count", sighting->count);
	output_key_moment(canon, "first", sighting->first);
	output_key_line(canon, "first_line", &sighting->first_line);
	output_key_moment(canon, "last", sighting->last);
	output_key_line(canon, "last_line", &sighting->last_line);
	canon_object_end(canon);
}

static void put_blind(struct canon *canon, const struct merge_result *result)
{
	canon_key(canon, "blind_spots");
	canon_array(canon);
	for (size_t i = 0; i < result->n_blind; i++) {
		canon_object(canon);
		output_key_text(canon, "hook", result->blind[i].hook);
		output_key_text(canon, "kind", result->blind[i].kind);
		output_key_text(canon, "spot", result->blind[i].spot);
		canon_object_end(canon);
	}
	canon_array_end(canon);
}

static int put_gaps(struct output_writer *writer, const struct merge_result *result)
{
	struct canon *canon = &writer->canon;

	canon_key(canon, "gaps");
	canon_array(canon);
	for (size_t i = 0; i < result->n_gaps; i++) {
		int r;

		canon_object(canon);
		output_key_moment(canon, "from", result->gaps[i].from);
		output_key_moment(canon, "to", result->gaps[i].to);
		output_key_text(canon, "why", result->gaps[i].why);
		canon_object_end(canon);
		r = output_some(writer);
		if (r < 0)
			return r;
	}
	canon_array_end(canon);
	return 0;
}

static void put_losses(struct canon *canon, const struct merge_result *result)
{
	canon_key(canon, "losses");
	canon_array(canon);
	for (size_t i = 0; i < result->n_losses; i++) {
		const struct merge_loss *loss = &result->losses[i];

		canon_object(canon);
		output_key_text(canon, "cause", loss->cause);
		canon_key_u64(canon, "count", loss->count);
		output_key_text(canon, "effect", loss->effect);
		output_key_moment(canon, "first", loss->first);
		output_key_text(canon, "kind", loss->kind);
		output_key_moment(canon, "last", loss->last);
		output_key_text(canon, "layer", loss->layer);
		canon_object_end(canon);
	}
	canon_array_end(canon);
}

int output_coverage(struct output_writer *writer, const struct merge_result *result)
{
	struct canon *canon = &writer->canon;
	int r;

	put_blind(canon, result);
	canon_key_bool(canon, "complete", result->complete);
	r = put_gaps(writer, result);
	if (r < 0)
		return r;
	put_losses(canon, result);
	output_key_texts(canon, "reasons", result->reasons, result->n_reasons);
	canon_key(canon, "watched");
	canon_array(canon);
	for (size_t i = 0; i < result->n_spans && r == 0; i++) {
		canon_object(canon);
		output_key_moment(canon, "from", result->spans[i].from);
		canon_key_cstr(canon, "kind", result->spans[i].kind);
		output_key_moment(canon, "to", result->spans[i].to);
		canon_object_end(canon);
		r = output_some(writer);
	}
	canon_array_end(canon);
	return r < 0 ? r : output_some(writer);
}

void output_key_evidence(struct canon *canon, const char *key, const struct merge_result *result)
{
	canon_key(canon, key);
	canon_object(canon);
	output_key_text(canon, "chain", result->chain_id);
	canon_key_u64(canon, "chunks", result->chunks);
	canon_key_u64(canon, "chunks_left_out", result->chunks_left_out);
	canon_key(canon, "head");
	canon_object(canon);
	canon_key_u64(canon, "sequence", result->head_sequence);
	canon_key_cstr(canon, "sha256", result->head_sha256);
	canon_object_end(canon);
	output_key_text(canon, "image", result->image);
	canon_key_u64(canon, "records", result->records);
	canon_key(canon, "window");
	canon_object(canon);
	output_key_moment(canon, "from", result->from);
	output_key_moment(canon, "to", result->to);
	canon_object_end(canon);
	canon_object_end(canon);
}
