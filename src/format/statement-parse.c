/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Text -> struct statement. Promises that what it accepts, statement_write writes again byte for byte (members of
 * later minor versions aside); refuses duplicates, missing or mistyped members, values out of range, numbers beyond
 * 63 bits, strings and lists beyond their limits, each with one line that names the member. The values are copies;
 * on failure nothing is handed out. One sticky error per reader: after the first failure every step does nothing.
 */

#include "format/statement.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"

struct reader {
	struct diag *diag;
	const char *where; /* the object being read, for the line */
	int error;
};

static void refuse(struct reader *r, const char *key, const char *why)
{
	if (r->error == 0)
		r->error = diag_error(r->diag, -EBADMSG, "statement: %s.%s %s", r->where, key, why);
}

/* Enters an object: `where` is its name in later lines. NULL after a failure. */
static json_t *object_in(struct reader *r, json_t *parent, const char *key, const char *where)
{
	json_t *object = json_object_get(parent, key);

	if (r->error == 0 && !json_is_object(object))
		refuse(r, key, "must be an object");
	if (r->error != 0)
		return NULL;
	r->where = where;
	return object;
}

static json_t *list_in(struct reader *r, json_t *parent, const char *key, size_t max)
{
	json_t *list = json_object_get(parent, key);

	if (r->error == 0 && !json_is_array(list))
		refuse(r, key, "must be an array");
	if (r->error == 0 && json_array_size(list) > max)
		refuse(r, key, "has too many elements");
	return r->error == 0 ? list : NULL;
}

static void copy_string(struct reader *r, json_t *value, const char *key, char **field)
{
	if (r->error != 0)
		return;
	if (!json_is_string(value))
		refuse(r, key, "must be a string");
	else if (json_string_length(value) > STATEMENT_STRING_MAX)
		refuse(r, key, "is too long");
	else if (statement_set(field, json_string_value(value)) < 0)
		r->error = -ENOMEM;
}

static void read_string(struct reader *r, json_t *object, const char *key, char **field)
{
	copy_string(r, json_object_get(object, key), key, field);
	if (r->error == 0 && **field == '\0')
		refuse(r, key, "must not be empty");
}

/* Left out means unknown; null does not. */
static void read_known_string(struct reader *r, json_t *object, const char *key, char **field)
{
	json_t *value = json_object_get(object, key);

	if (value)
		copy_string(r, value, key, field);
}

/* One of `words`, a list ended by NULL; its index. */
static size_t read_word(struct reader *r, json_t *object, const char *key, const char *const *words)
{
	const char *text = json_string_value(json_object_get(object, key));
	size_t i;

	for (i = 0; text && words[i]; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	refuse(r, key, "is not one of the values that this version knows");
	return 0;
}

static void read_constant(struct reader *r, json_t *object, const char *key, const char *constant)
{
	const char *const words[] = { constant, NULL };

	read_word(r, object, key, words);
}

static uint64_t read_number(struct reader *r, json_t *object, const char *key, uint64_t min, uint64_t max)
{
	json_t *value = json_object_get(object, key);
	json_int_t number;

	if (!json_is_integer(value)) {
		refuse(r, key, "must be an integer");
		return 0;
	}
	number = json_integer_value(value);
	if (number < 0 || (uint64_t)number < min || (uint64_t)number > max) {
		refuse(r, key, "is out of range");
		return 0;
	}
	return (uint64_t)number;
}

static uint64_t read_u64(struct reader *r, json_t *object, const char *key)
{
	return read_number(r, object, key, 0, (uint64_t)STATEMENT_NUMBER_MAX);
}

static bool read_bool(struct reader *r, json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	if (!json_is_boolean(value))
		refuse(r, key, "must be true or false");
	return json_is_true(value);
}

static void read_digest(struct reader *r, json_t *object, const char *key, const char *prefix,
			struct digest *ret_digest)
{
	struct str text = str_of(json_string_value(json_object_get(object, key)));
	size_t skip = strlen(prefix);

	if (!text.data || text.len < skip || memcmp(text.data, prefix, skip) != 0 ||
	    text_unhex((struct str) { text.data + skip, text.len - skip }, ret_digest->bytes, DIGEST_LEN) < 0)
		refuse(r, key, "must be a SHA-256 digest in lower-case hex");
}

static void read_strings(struct reader *r, json_t *object, const char *key, char ***ret_strings,
			 size_t *ret_count)
{
	json_t *list = list_in(r, object, key, STATEMENT_LIST_MAX);
	size_t size = json_array_size(list), i;

	if (r->error != 0 || size == 0)
		return;
	*ret_strings = calloc(size, sizeof(**ret_strings));
	if (!*ret_strings) {
		r->error = -ENOMEM;
		return;
	}
	*ret_count = size;
	for (i = 0; i < size; i++)
		copy_string(r, json_array_get(list, i), key, &(*ret_strings)[i]);
}

static struct moment read_moment(struct reader *r, json_t *parent, const char *key, const char *where,
				 char **field_boot_id)
{
	const char *outer = r->where, *time;
	struct moment moment = { 0 };
	json_t *object = object_in(r, parent, key, where);

	moment.boot_ns = read_u64(r, object, "boot_ns");
	time = json_string_value(json_object_get(object, "time"));
	if (!time || clock_parse(time, &moment.wall_ns) < 0)
		refuse(r, "time", "must be RFC 3339 in UTC with nanoseconds");
	if (field_boot_id)
		read_known_string(r, object, "boot_id", field_boot_id);
	r->where = outer;
	return moment;
}

static void read_subject(struct reader *r, json_t *root, struct statement *s)
{
	json_t *list = list_in(r, root, "subject", 1), *subject = json_array_get(list, 0), *digest;
	enum chunk_file file;
	uint64_t sequence;

	if (r->error == 0 && !json_is_object(subject))
		refuse(r, "subject", "must hold one object");
	if (r->error != 0)
		return;
	r->where = "subject[0]";
	read_string(r, subject, "name", &s->chunk_name);
	if (r->error == 0) {
		file = chunk_name_parse(s->chunk_name, &sequence);
		if (file != CHUNK_PLAIN && file != CHUNK_ZSTD)
			refuse(r, "name", "is not the name of a chunk");
	}
	digest = object_in(r, subject, "digest", "subject[0].digest");
	read_digest(r, digest, "sha256", "", &s->chunk_digest);
}

static void read_chain(struct reader *r, json_t *predicate, struct statement *s)
{
	json_t *chain = object_in(r, predicate, "chain", "predicate.chain");
	uint8_t id[16];

	s->final = read_bool(r, chain, "final");
	read_string(r, chain, "id", &s->chain_id);
	if (r->error == 0 && text_unhex(str_of(s->chain_id), id, sizeof(id)) < 0)
		refuse(r, "id", "must be 32 lower-case hex digits");
	s->has_previous = !json_is_null(json_object_get(chain, "previous"));
	if (s->has_previous)
		read_digest(r, chain, "previous", "", &s->previous);
	s->sequence = read_number(r, chain, "sequence", 1, STATEMENT_SEQUENCE_MAX);
}

static void read_collector(struct reader *r, json_t *predicate, struct statement *s)
{
	json_t *collector = object_in(r, predicate, "collector", "predicate.collector");

	read_digest(r, collector, "config_digest", "sha256:", &s->config_digest);
	read_string(r, collector, "name", &s->collector_name);
	read_known_string(r, collector, "replay_of", &s->replay_of);
	read_string(r, collector, "version", &s->collector_version);
}

static void read_containers(struct reader *r, json_t *predicate, struct statement *s)
{
	json_t *list = list_in(r, predicate, "containers", STATEMENT_CONTAINERS_MAX);
	size_t size = json_array_size(list), i;

	if (r->error != 0 || size == 0)
		return;
	s->containers = calloc(size, sizeof(*s->containers));
	if (!s->containers) {
		r->error = -ENOMEM;
		return;
	}
	s->n_containers = size;
	r->where = "predicate.containers[]";
	for (i = 0; i < size; i++) {
		json_t *container = json_array_get(list, i);

		s->containers[i].cgroup_id = read_u64(r, container, "cgroup_id");
		s->containers[i].generation = read_u64(r, container, "generation");
		read_string(r, container, "id", &s->containers[i].id);
		read_known_string(r, container, "image_digest", &s->containers[i].image_digest);
	}
}

static void read_content(struct reader *r, json_t *predicate, struct statement *s)
{
	static const char *const encodings[] = { "identity", "zstd", NULL };
	json_t *content = object_in(r, predicate, "content", "predicate.content");

	s->bytes = read_u64(r, content, "bytes");
	read_word(r, content, "encoding", encodings);
	read_string(r, content, "encoding", &s->encoding);
	s->records = read_u64(r, content, "records");
	/* Written only when it is so: false would be a second spelling of the same. */
	if (json_object_get(content, "recovered")) {
		s->recovered = read_bool(r, content, "recovered");
		if (!s->recovered)
			refuse(r, "recovered", "must be true or left out");
	}
	read_digest(r, content, "sha256", "", &s->plain_digest);
}

static void read_probes(struct reader *r, json_t *coverage, struct statement *s)
{
	json_t *list = list_in(r, coverage, "probes", STATEMENT_LIST_MAX);
	size_t size = json_array_size(list), i;

	if (r->error != 0 || size == 0)
		return;
	s->probes = calloc(size, sizeof(*s->probes));
	if (!s->probes) {
		r->error = -ENOMEM;
		return;
	}
	s->n_probes = size;
	r->where = "predicate.coverage.probes[]";
	for (i = 0; i < size; i++) {
		json_t *probe = json_array_get(list, i);

		read_strings(r, probe, "blind_spots", &s->probes[i].blind_spots, &s->probes[i].n_blind_spots);
		s->probes[i].from_boot_ns = read_u64(r, probe, "from_boot_ns");
		read_string(r, probe, "hook", &s->probes[i].hook);
		read_string(r, probe, "kind", &s->probes[i].kind);
		s->probes[i].to_boot_ns = read_u64(r, probe, "to_boot_ns");
	}
}

static void read_coverage(struct reader *r, json_t *predicate, struct statement *s)
{
	json_t *coverage = object_in(r, predicate, "coverage", "predicate.coverage"), *filters;

	list_in(r, coverage, "containers", STATEMENT_CONTAINERS_MAX);
	s->filtered = read_u64(r, coverage, "filtered");
	filters = object_in(r, coverage, "filters", "predicate.coverage.filters");
	read_strings(r, filters, "path_allowlist", &s->path_allowlist, &s->n_path_allowlist);
	read_strings(r, filters, "path_denylist", &s->path_denylist, &s->n_path_denylist);
	r->where = "predicate.coverage";
	read_probes(r, coverage, s);
}

static void read_events(struct reader *r, json_t *predicate, struct statement *s)
{
	json_t *events = object_in(r, predicate, "events", "predicate.events");
	unsigned int kind;

	for (kind = 1; kind < WIRE_KIND_END; kind++)
		s->events[kind] = read_u64(r, events, event_kind_name((enum wire_kind)kind));
}

static void read_gap(struct reader *r, json_t *predicate, struct statement *s)
{
	json_t *gap = object_in(r, predicate, "gap", "predicate.gap");

	s->gap = (enum statement_gap_kind)read_word(r, gap, "kind", statement_gap_names);
	if (r->error == 0 && s->gap == GAP_NONE) {
		if (json_object_get(gap, "from") || json_object_get(gap, "to"))
			refuse(r, "kind", "is none, yet the gap has an interval");
		return;
	}
	s->gap_from = read_moment(r, gap, "from", "predicate.gap.from", &s->gap_from_boot_id);
	s->gap_to = read_moment(r, gap, "to", "predicate.gap.to", NULL);
}

static void read_host(struct reader *r, json_t *predicate, struct statement *s)
{
	static const char *const source_kinds[] = { "kernel", "external-vmlinux", "split-btf", NULL };
	json_t *host = object_in(r, predicate, "host", "predicate.host"), *btf;

	read_known_string(r, host, "arch", &s->arch);
	read_known_string(r, host, "boot_id", &s->boot_id);
	read_known_string(r, host, "id", &s->host_id);
	read_known_string(r, host, "kernel_release", &s->kernel_release);
	if (!json_object_get(host, "btf"))
		return;
	btf = object_in(r, host, "btf", "predicate.host.btf");
	read_known_string(r, btf, "selection_reason", &s->btf_selection_reason);
	read_digest(r, btf, "source_digest", "sha256:", &s->btf_source_digest);
	read_word(r, btf, "source_kind", source_kinds);
	read_string(r, btf, "source_kind", &s->btf_source_kind);
	read_known_string(r, btf, "source_path", &s->btf_source_path);
}

static void read_loss(struct reader *r, json_t *object, struct statement_loss *loss)
{
	static const char *const effects[] = { "record", "member", NULL };

	read_string(r, object, "cause", &loss->cause);
	loss->count = read_u64(r, object, "count");
	read_word(r, object, "effect", effects);
	read_string(r, object, "effect", &loss->effect);
	read_known_string(r, object, "kind", &loss->kind);
	read_string(r, object, "layer", &loss->layer);
	if (loss->count > 0) {
		loss->first_boot_ns = read_u64(r, object, "first_boot_ns");
		loss->last_boot_ns = read_u64(r, object, "last_boot_ns");
	} else if (json_object_get(object, "first_boot_ns") || json_object_get(object, "last_boot_ns")) {
		refuse(r, "count", "is 0, yet the loss has a time");
	}
}

static void read_losses(struct reader *r, json_t *predicate, struct statement *s)
{
	json_t *list;
	size_t size, i;

	s->losses_known = !json_is_null(json_object_get(predicate, "losses"));
	if (!s->losses_known)
		return;
	list = list_in(r, predicate, "losses", STATEMENT_LIST_MAX);
	size = json_array_size(list);
	if (r->error != 0 || size == 0)
		return;
	s->losses = calloc(size, sizeof(*s->losses));
	if (!s->losses) {
		r->error = -ENOMEM;
		return;
	}
	s->n_losses = size;
	r->where = "predicate.losses[]";
	for (i = 0; i < size; i++)
		read_loss(r, json_array_get(list, i), &s->losses[i]);
}

static void read_predicate(struct reader *r, json_t *predicate, struct statement *s)
{
	static void (*const parts[])(struct reader *, json_t *, struct statement *) = {
		read_chain,  read_collector, read_containers, read_content, read_coverage,
		read_events, read_gap,	     read_host,	      read_losses,
	};
	json_t *window;
	size_t i;

	for (i = 0; i < ARRAY_LEN(parts) && r->error == 0; i++) {
		r->where = "predicate";
		parts[i](r, predicate, s);
	}
	r->where = "predicate";
	window = object_in(r, predicate, "window", "predicate.window");
	s->opened = read_moment(r, window, "opened", "predicate.window.opened", NULL);
	s->closed = read_moment(r, window, "closed", "predicate.window.closed", NULL);
}

static int read_root(struct reader *r, json_t *root, struct statement *s)
{
	json_t *predicate;

	read_constant(r, root, "_type", STATEMENT_TYPE);
	read_constant(r, root, "predicateType", STATEMENT_PREDICATE_TYPE);
	predicate = object_in(r, root, "predicate", "predicate");
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
