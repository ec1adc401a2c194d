/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The seal's statement, as text. Promises RFC 8785 bytes that statement_parse takes back into the same values, and
 * refuses what it could not take back: strings that are not UTF-8, numbers and lists beyond their limits. A struct
 * statement owns everything it points to; the buffer is the caller's.
 */

#include "format/statement.h"

#include <assert.h>
#include <stdlib.h>

#include "base/text.h"
#include "format/canon.h"

const char *const statement_gap_names[] = {
	[GAP_NONE] = "none", [GAP_RESTART] = "restart", [GAP_CRASH] = "crash", [GAP_SUSPEND] = "suspend", NULL
};

static void free_strings(char **strings, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		free(strings[i]);
	free(strings);
}

void statement_forget_losses(struct statement *statement)
{
	for (size_t i = 0; i < statement->n_losses; i++) {
		free(statement->losses[i].kind);
		free(statement->losses[i].layer);
		free(statement->losses[i].cause);
		free(statement->losses[i].effect);
		free(statement->losses[i].cgroups);
	}
	free(statement->losses);
	statement->losses = NULL;
	statement->n_losses = 0;
	statement->losses_known = false;
}

static void free_targets(struct statement *statement)
{
	for (size_t i = 0; i < statement->n_targets; i++) {
		free(statement->targets[i].kind);
		free(statement->targets[i].library);
		free(statement->targets[i].build_id);
		free(statement->targets[i].purl);
		free_strings(statement->targets[i].missing, statement->targets[i].n_missing);
	}
	free(statement->targets);
}

static void free_arrays(struct statement *statement)
{
	size_t i;

	for (i = 0; i < statement->n_probes; i++) {
		free(statement->probes[i].kind);
		free(statement->probes[i].hook);
		free_strings(statement->probes[i].blind_spots, statement->probes[i].n_blind_spots);
	}
	free(statement->probes);
	statement_forget_losses(statement);
	for (i = 0; i < statement->n_containers; i++) {
		free(statement->containers[i].id);
		free(statement->containers[i].image_digest);
	}
	free(statement->containers);
	free_strings(statement->path_allowlist, statement->n_path_allowlist);
	free_strings(statement->path_denylist, statement->n_path_denylist);
	free_strings(statement->comm_allowlist, statement->n_comm_allowlist);
	free_strings(statement->comm_denylist, statement->n_comm_denylist);
	free_strings(statement->cgroups, statement->n_cgroups);
	free_strings(statement->pid_namespaces, statement->n_pid_namespaces);
	free_targets(statement);
	for (i = 0; i < statement->n_incidents; i++) {
		free(statement->incidents[i].what);
		free(statement->incidents[i].detail);
	}
	free(statement->incidents);
}

void statement_done(struct statement *statement)
{
	char *const strings[] = {
		statement->chunk_name,	      statement->chain_id,	   statement->collector_name,
		statement->collector_version, statement->replay_of,	   statement->host_id,
		statement->boot_id,	      statement->kernel_release,   statement->arch,
		statement->btf_source_kind,   statement->btf_source_path,  statement->btf_selection_reason,
		statement->encoding,	      statement->gap_from_boot_id, statement->dedup_scope,
		statement->transport,
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(strings); i++)
		free(strings[i]);
	free_arrays(statement);
	*statement = (struct statement) { 0 };
}

int statement_set(char **field, const char *text)
{
	char *copy = NULL;

	if (text) {
		copy = strdup(text);
		if (!copy)
			return -ENOMEM;
	}
	free(*field);
	*field = copy;
	return 0;
}

/* ---- writing: one function an object, members in canonical order ---- */

static void fail(struct canon *w, int error)
{
	if (w->error == 0)
		w->error = error;
}

static void put_text(struct canon *w, const char *text)
{
	assert(text);
	if (strlen(text) > STATEMENT_STRING_MAX)
		fail(w, -E2BIG);
	canon_string(w, str_of(text));
}

static void put_string(struct canon *w, const char *key, const char *text)
{
	canon_key(w, key);
	put_text(w, text);
}

static void put_known_string(struct canon *w, const char *key, const char *text)
{
	if (text)
		put_string(w, key, text);
}

static void put_number(struct canon *w, const char *key, uint64_t value)
{
	if (value > (uint64_t)STATEMENT_NUMBER_MAX)
		fail(w, -ERANGE);
	canon_key_u64(w, key, value);
}

static void put_digest(struct canon *w, const char *key, const char *prefix, const struct digest *digest)
{
	char text[sizeof("sha256:") + DIGEST_TEXT_LEN];
	size_t len = strlen(prefix);

	assert(len < sizeof("sha256:"));
	memcpy(text, prefix, len);
	text_hex(digest->bytes, DIGEST_LEN, text + len);
	put_string(w, key, text);
}

static void put_strings(struct canon *w, const char *key, char *const *strings, size_t count)
{
	size_t i;

	if (count > STATEMENT_LIST_MAX)
		fail(w, -E2BIG);
	canon_key(w, key);
	canon_array(w);
	for (i = 0; i < count && w->error == 0; i++)
		put_text(w, strings[i]);
	canon_array_end(w);
}

static void put_moment(struct canon *w, const char *key, const struct moment *moment, const char *boot_id)
{
	char time[CLOCK_TEXT_MAX];

	clock_format(moment->wall_ns, time);
	canon_key(w, key);
	canon_object(w);
	put_known_string(w, "boot_id", boot_id);
	put_number(w, "boot_ns", moment->boot_ns);
	put_string(w, "time", time);
	canon_object_end(w);
}

static void put_chain(struct canon *w, const struct statement *s)
{
	canon_key(w, "chain");
	canon_object(w);
	canon_key_bool(w, "final", s->final);
	put_string(w, "id", s->chain_id);
	if (s->has_previous) {
		put_digest(w, "previous", "", &s->previous);
	} else {
		canon_key(w, "previous");
		canon_null(w);
	}
	put_number(w, "sequence", s->sequence);
	if (s->sequence < 1 || s->sequence > STATEMENT_SEQUENCE_MAX)
		fail(w, -ERANGE);
	canon_object_end(w);
}

static void put_collector(struct canon *w, const struct statement *s)
{
	canon_key(w, "collector");
	canon_object(w);
	put_digest(w, "config_digest", "sha256:", &s->config_digest);
	put_string(w, "name", s->collector_name);
	put_known_string(w, "replay_of", s->replay_of);
	put_string(w, "version", s->collector_version);
	canon_object_end(w);
}

static void put_containers(struct canon *w, const struct statement *s)
{
	size_t i;

	if (s->n_containers > STATEMENT_CONTAINERS_MAX)
		fail(w, -E2BIG);
	canon_key(w, "containers");
	canon_array(w);
	for (i = 0; i < s->n_containers && w->error == 0; i++) {
		canon_object(w);
		put_number(w, "cgroup_id", s->containers[i].cgroup_id);
		put_number(w, "generation", s->containers[i].generation);
		put_string(w, "id", s->containers[i].id);
		put_known_string(w, "image_digest", s->containers[i].image_digest);
		canon_object_end(w);
	}
	canon_array_end(w);
}

static void put_content(struct canon *w, const struct statement *s)
{
	canon_key(w, "content");
	canon_object(w);
	put_number(w, "bytes", s->bytes);
	put_string(w, "encoding", s->encoding);
	put_number(w, "records", s->records);
	if (s->recovered)
		canon_key_bool(w, "recovered", true);
	put_digest(w, "sha256", "", &s->plain_digest);
	canon_object_end(w);
}

static void put_probes(struct canon *w, const struct statement *s)
{
	size_t i;

	if (s->n_probes > STATEMENT_LIST_MAX)
		fail(w, -E2BIG);
	canon_key(w, "probes");
	canon_array(w);
	for (i = 0; i < s->n_probes && w->error == 0; i++) {
		canon_object(w);
		put_strings(w, "blind_spots", s->probes[i].blind_spots, s->probes[i].n_blind_spots);
		put_number(w, "from_boot_ns", s->probes[i].from_boot_ns);
		put_string(w, "hook", s->probes[i].hook);
		put_string(w, "kind", s->probes[i].kind);
		put_number(w, "to_boot_ns", s->probes[i].to_boot_ns);
		canon_object_end(w);
	}
	canon_array_end(w);
}

static void put_coverage(struct canon *w, const struct statement *s)
{
	canon_key(w, "coverage");
	canon_object(w);
	/* Coverage per container begins with the container resolver; until then none is claimed. */
	put_strings(w, "containers", NULL, 0);
	put_number(w, "filtered", s->filtered);
	canon_key(w, "filters");
	canon_object(w);
	put_strings(w, "path_allowlist", s->path_allowlist, s->n_path_allowlist);
	put_strings(w, "path_denylist", s->path_denylist, s->n_path_denylist);
	canon_object_end(w);
	put_probes(w, s);
	canon_object_end(w);
}

/* The kind whose name comes next after `name` in canonical order: numbers are in order of invention. */
static enum wire_kind next_kind(const char *name)
{
	enum wire_kind best = WIRE_KIND_END;
	unsigned int i;

	for (i = 1; i < WIRE_KIND_END; i++) {
		const char *candidate = event_kind_name((enum wire_kind)i);

		if (candidate && (!name || strcmp(candidate, name) > 0) &&
		    (best == WIRE_KIND_END || strcmp(candidate, event_kind_name(best)) < 0))
			best = (enum wire_kind)i;
	}
	return best;
}

static void put_events(struct canon *w, const struct statement *s)
{
	enum wire_kind kind;

	canon_key(w, "events");
	canon_object(w);
	for (kind = next_kind(NULL); kind != WIRE_KIND_END; kind = next_kind(event_kind_name(kind)))
		put_number(w, event_kind_name(kind), s->events[kind]);
	canon_object_end(w);
}

static void put_gap(struct canon *w, const struct statement *s)
{
	canon_key(w, "gap");
	canon_object(w);
	if (s->gap != GAP_NONE)
		put_moment(w, "from", &s->gap_from, s->gap_from_boot_id);
	put_string(w, "kind", statement_gap_names[s->gap]);
	if (s->gap != GAP_NONE)
		put_moment(w, "to", &s->gap_to, NULL);
	canon_object_end(w);
}

static void put_host(struct canon *w, const struct statement *s)
{
	canon_key(w, "host");
	canon_object(w);
	put_known_string(w, "arch", s->arch);
	put_known_string(w, "boot_id", s->boot_id);
	if (s->btf_source_kind) {
		canon_key(w, "btf");
		canon_object(w);
		put_known_string(w, "selection_reason", s->btf_selection_reason);
		put_digest(w, "source_digest", "sha256:", &s->btf_source_digest);
		put_string(w, "source_kind", s->btf_source_kind);
		put_known_string(w, "source_path", s->btf_source_path);
		canon_object_end(w);
	}
	put_known_string(w, "id", s->host_id);
	put_known_string(w, "kernel_release", s->kernel_release);
	canon_object_end(w);
}

static void put_loss(struct canon *w, const struct statement_loss *loss)
{
	canon_object(w);
	put_string(w, "cause", loss->cause);
	put_number(w, "count", loss->count);
	put_string(w, "effect", loss->effect);
	if (loss->count > 0)
		put_number(w, "first_boot_ns", loss->first_boot_ns);
	put_known_string(w, "kind", loss->kind);
	if (loss->count > 0)
		put_number(w, "last_boot_ns", loss->last_boot_ns);
	put_string(w, "layer", loss->layer);
	canon_object_end(w);
}

static void put_losses(struct canon *w, const struct statement *s)
{
	size_t i;

	canon_key(w, "losses");
	if (!s->losses_known) {
		canon_null(w);
		return;
	}
	if (s->n_losses > STATEMENT_LIST_MAX)
		fail(w, -E2BIG);
	canon_array(w);
	for (i = 0; i < s->n_losses && w->error == 0; i++)
		put_loss(w, &s->losses[i]);
	canon_array_end(w);
}

static void put_predicate(struct canon *w, const struct statement *s)
{
	canon_key(w, "predicate");
	canon_object(w);
	put_chain(w, s);
	put_collector(w, s);
	put_containers(w, s);
	put_content(w, s);
	put_coverage(w, s);
	put_events(w, s);
	put_gap(w, s);
	put_host(w, s);
	put_losses(w, s);
	canon_key(w, "window");
	canon_object(w);
	put_moment(w, "closed", &s->closed, NULL);
	put_moment(w, "opened", &s->opened, NULL);
	canon_object_end(w);
	canon_object_end(w);
}

static void put_subject(struct canon *w, const struct statement *s)
{
	canon_key(w, "subject");
	canon_array(w);
	canon_object(w);
	canon_key(w, "digest");
	canon_object(w);
	put_digest(w, "sha256", "", &s->chunk_digest);
	canon_object_end(w);
	put_string(w, "name", s->chunk_name);
	canon_object_end(w);
	canon_array_end(w);
}

int statement_write(struct buf *out, const struct statement *statement)
{
	struct canon w = CANON_INTO(out);
	const size_t before = out->len;
	int r;

	canon_object(&w);
	put_string(&w, "_type", STATEMENT_TYPE);
	put_predicate(&w, statement);
	put_string(&w, "predicateType", STATEMENT_PREDICATE_TYPE);
	put_subject(&w, statement);
	canon_object_end(&w);
	r = canon_done(&w);
	if (r == 0 && out->len - before > STATEMENT_MAX)
		r = -E2BIG;
	if (r < 0)
		out->len = before;
	return r;
}
