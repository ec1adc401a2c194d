/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Text -> struct statement. Promises that what it accepts, statement_write writes again byte for byte (members of
 * later minor versions aside); refuses duplicates, missing or mistyped members, values out of range, numbers beyond
 * 63 bits, strings and lists beyond their limits, each with one line that names the member. The values are copies;
 * on failure nothing is handed out. One sticky error per reader: after the first failure every step does nothing.
 */

#include "format/statement_parts.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"

static void read_constant(struct reader *r, json_t *object, const char *key, const char *constant)
{
	const char *const words[] = { constant, NULL };

	reader_word(r, object, key, words);
}

static struct moment read_moment(struct reader *r, json_t *parent, const char *key, const char *where,
				 char **field_boot_id)
{
	const char *outer = r->where, *time;
	struct moment moment = { 0 };
	json_t *object = reader_object(r, parent, key, where);

	moment.boot_ns = reader_u64(r, object, "boot_ns");
	time = json_string_value(json_object_get(object, "time"));
	if (!time || clock_parse(time, &moment.wall_ns) < 0)
		reader_refuse(r, "time", "must be RFC 3339 in UTC with nanoseconds");
	if (field_boot_id)
		reader_known_string(r, object, "boot_id", field_boot_id);
	r->where = outer;
	return moment;
}

static void read_subject(struct reader *r, json_t *root, struct statement *s)
{
	json_t *list = reader_list(r, root, "subject", 1), *subject = json_array_get(list, 0), *digest;
	enum chunk_file file;
	uint64_t sequence;

	if (r->error == 0 && !json_is_object(subject))
		reader_refuse(r, "subject", "must hold one object");
	if (r->error != 0)
		return;
	r->where = "subject[0]";
	reader_string(r, subject, "name", &s->chunk_name);
	if (r->error == 0) {
		file = chunk_name_parse(s->chunk_name, &sequence);
		if (file != CHUNK_PLAIN && file != CHUNK_ZSTD)
			reader_refuse(r, "name", "is not the name of a chunk");
	}
	digest = reader_object(r, subject, "digest", "subject[0].digest");
	reader_digest(r, digest, "sha256", "", &s->chunk_digest);
}

static void read_chain(struct reader *r, json_t *predicate, struct statement *s)
{
	json_t *chain = reader_object(r, predicate, "chain", "predicate.chain");
	uint8_t id[16];

	s->final = reader_bool(r, chain, "final");
	reader_string(r, chain, "id", &s->chain_id);
	if (r->error == 0 && text_unhex(str_of(s->chain_id), id, sizeof(id)) < 0)
		reader_refuse(r, "id", "must be 32 lower-case hex digits");
	s->has_previous = !json_is_null(json_object_get(chain, "previous"));
	if (s->has_previous)
		reader_digest(r, chain, "previous", "", &s->previous);
	s->sequence = reader_number(r, chain, "sequence", 1, STATEMENT_SEQUENCE_MAX);
}

static void read_collector(struct reader *r, json_t *predicate, struct statement *s)
{
	json_t *collector = reader_object(r, predicate, "collector", "predicate.collector");

	reader_digest(r, collector, "config_digest", "sha256:", &s->config_digest);
	reader_string(r, collector, "name", &s->collector_name);
	reader_known_string(r, collector, "replay_of", &s->replay_of);
	reader_string(r, collector, "version", &s->collector_version);
}

static void read_content(struct reader *r, json_t *predicate, struct statement *s)
{
	static const char *const encodings[] = { "identity", "zstd", NULL };
	json_t *content = reader_object(r, predicate, "content", "predicate.content");

	s->bytes = reader_u64(r, content, "bytes");
	reader_word(r, content, "encoding", encodings);
	reader_string(r, content, "encoding", &s->encoding);
	s->records = reader_u64(r, content, "records");
	/* Written only when it is so: false would be a second spelling of the same. */
	if (json_object_get(content, "recovered")) {
		s->recovered = reader_bool(r, content, "recovered");
		if (!s->recovered)
			reader_refuse(r, "recovered", "must be true or left out");
	}
	reader_digest(r, content, "sha256", "", &s->plain_digest);
}

/* The kinds of the first version stand in every seal; the others in those of collectors that knew them. */
static void read_events(struct reader *r, json_t *predicate, struct statement *s)
{
	json_t *events = json_object_get(predicate, "events");
	unsigned int kind;

	reader_counts(r, predicate, "events", "predicate.events", s->events);
	r->where = "predicate.events";
	for (kind = WIRE_KIND_FILE_OPEN; kind <= WIRE_KIND_TCP_STATE; kind++)
		reader_u64(r, events, event_kind_name((enum wire_kind)kind));
}

static void read_gap(struct reader *r, json_t *predicate, struct statement *s)
{
	json_t *gap = reader_object(r, predicate, "gap", "predicate.gap");

	s->gap = (enum statement_gap_kind)reader_word(r, gap, "kind", statement_gap_names);
	if (r->error == 0 && s->gap == GAP_NONE) {
		if (json_object_get(gap, "from") || json_object_get(gap, "to"))
			reader_refuse(r, "kind", "is none, yet the gap has an interval");
		return;
	}
	s->gap_from = read_moment(r, gap, "from", "predicate.gap.from", &s->gap_from_boot_id);
	s->gap_to = read_moment(r, gap, "to", "predicate.gap.to", NULL);
}

static void read_host(struct reader *r, json_t *predicate, struct statement *s)
{
	static const char *const source_kinds[] = { "kernel", "external-vmlinux", "split-btf", NULL };
	json_t *host = reader_object(r, predicate, "host", "predicate.host"), *btf;

	reader_known_string(r, host, "arch", &s->arch);
	reader_known_string(r, host, "boot_id", &s->boot_id);
	reader_known_string(r, host, "id", &s->host_id);
	reader_known_string(r, host, "kernel_release", &s->kernel_release);
	if (!json_object_get(host, "btf"))
		return;
	btf = reader_object(r, host, "btf", "predicate.host.btf");
	reader_known_string(r, btf, "selection_reason", &s->btf_selection_reason);
	reader_digest(r, btf, "source_digest", "sha256:", &s->btf_source_digest);
	reader_word(r, btf, "source_kind", source_kinds);
	reader_string(r, btf, "source_kind", &s->btf_source_kind);
	reader_known_string(r, btf, "source_path", &s->btf_source_path);
}

/* The id says which key will be named; it must be that of the key that is given, or the two could be taken apart. */
static void read_next_key(struct reader *r, json_t *predicate, struct statement *s)
{
	_cleanup_(buf_done) struct buf spki = BUF_MAX(STATEMENT_NEXT_KEY_MAX);
	struct digest named = { 0 }, found;
	json_t *object;
	struct str text;
	int error;

	if (!json_object_get(predicate, "next_key"))
		return;
	object = reader_object(r, predicate, "next_key", "predicate.next_key");
	reader_digest(r, object, "id", "", &named);
	text = str_of(json_string_value(json_object_get(object, "spki")));
	if (r->error == 0 && (text.len == 0 || text_unbase64_append(&spki, text) < 0))
		reader_refuse(r, "spki", "must be a public key in padded standard base64");
	if (r->error != 0)
		return;
	error = digest_of(spki.data, spki.len, &found);
	if (error == 0)
		error = statement_set_next_key(s, buf_str(&spki));
	if (error < 0)
		r->error = error;
	else if (memcmp(named.bytes, found.bytes, DIGEST_LEN) != 0)
		reader_refuse(r, "id", "is not the SHA-256 of spki");
}

static void read_predicate(struct reader *r, json_t *predicate, struct statement *s)
{
	static void (*const parts[])(struct reader *, json_t *, struct statement *) = {
		read_chain,
		read_collector,
		statement_read_containers,
		read_content,
		statement_read_coverage,
		read_events,
		read_gap,
		read_host,
		statement_read_losses,
		read_next_key,
	};
	json_t *window;
	size_t i;

	for (i = 0; i < ARRAY_LEN(parts) && r->error == 0; i++) {
		r->where = "predicate";
		parts[i](r, predicate, s);
	}
	r->where = "predicate";
	window = reader_object(r, predicate, "window", "predicate.window");
	s->opened = read_moment(r, window, "opened", "predicate.window.opened", NULL);
	s->closed = read_moment(r, window, "closed", "predicate.window.closed", NULL);
}

static int read_root(struct reader *r, json_t *root, struct statement *s)
{
	json_t *predicate;

	read_constant(r, root, "_type", STATEMENT_TYPE);
	read_constant(r, root, "predicateType", STATEMENT_PREDICATE_TYPE);
	predicate = reader_object(r, root, "predicate", "predicate");
	if (r->error == 0)
		read_predicate(r, predicate, s);
	r->where = "statement";
	read_subject(r, root, s);
	return r->error;
}

int statement_parse(struct str text, struct diag *diag, struct statement *ret_statement)
{
	_cleanup_(json_decrefp) json_t *root = NULL;
	_cleanup_(statement_done) struct statement statement = { 0 };
	struct reader r = { .diag = diag, .where = "statement" };
	json_error_t error;
	int result;

	if (text.len == 0 || text.len > STATEMENT_MAX)
		return diag_error(diag, -EBADMSG, "statement: its text is %s",
				  text.len ? "too large" : "empty");
	root = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(root))
		return diag_error(diag, -EBADMSG, "statement: %s at byte %d",
				  root ? "is no JSON object" : error.text, root ? 0 : error.position);
	result = read_root(&r, root, &statement);
	if (result < 0)
		return result;
	*ret_statement = statement;
	statement = (struct statement) { 0 };
	return 0;
}
