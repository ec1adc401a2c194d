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
#include "format/statement_parts.h"

const char *const statement_gap_names[] = {
	[GAP_NONE] = "none", [GAP_RESTART] = "restart", [GAP_CRASH] = "crash", [GAP_SUSPEND] = "suspend", NULL
};

void statement_free_strings(char **strings, size_t count)
{
	size_t i;

	for (i = 0; strings && i < count; i++)
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
		statement_free_strings(statement->targets[i].missing, statement->targets[i].n_missing);
	}
	free(statement->targets);
}

static void free_arrays(struct statement *statement)
{
	size_t i;

	for (i = 0; i < statement->n_probes; i++) {
		free(statement->probes[i].kind);
		free(statement->probes[i].hook);
		statement_free_strings(statement->probes[i].blind_spots, statement->probes[i].n_blind_spots);
	}
	free(statement->probes);
	statement_forget_losses(statement);
	statement_forget_containers(statement);
	statement_free_strings(statement->path_allowlist, statement->n_path_allowlist);
	statement_free_strings(statement->path_denylist, statement->n_path_denylist);
	statement_free_strings(statement->comm_allowlist, statement->n_comm_allowlist);
	statement_free_strings(statement->comm_denylist, statement->n_comm_denylist);
	statement_free_strings(statement->cgroups, statement->n_cgroups);
	statement_free_strings(statement->pid_namespaces, statement->n_pid_namespaces);
	statement_free_strings(statement->target_containers, statement->n_target_containers);
	free_targets(statement);
	statement_forget_incidents(statement);
}

void statement_forget_incidents(struct statement *statement)
{
	for (size_t i = 0; i < statement->n_incidents; i++) {
		free(statement->incidents[i].what);
		free(statement->incidents[i].detail);
	}
	free(statement->incidents);
	statement->incidents = NULL;
	statement->n_incidents = 0;
}

void statement_done(struct statement *statement)
{
	char *const strings[] = {
		statement->chunk_name,	      statement->chain_id,	   statement->collector_name,
		statement->collector_version, statement->replay_of,	   statement->host_id,
		statement->boot_id,	      statement->kernel_release,   statement->arch,
		statement->btf_source_kind,   statement->btf_source_path,  statement->btf_selection_reason,
		statement->encoding,	      statement->gap_from_boot_id, statement->dedup_scope,
		statement->transport,	      statement->cgroup_hierarchy,
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(strings); i++)
		free(strings[i]);
	free_arrays(statement);
	free(statement->next_key);
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

int statement_set_next_key(struct statement *statement, struct str spki)
{
	uint8_t *copy = NULL;

	if (spki.len > STATEMENT_NEXT_KEY_MAX)
		return -E2BIG;
	if (spki.len > 0) {
		copy = malloc(spki.len);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, spki.data, spki.len);
	}
	free(statement->next_key);
	statement->next_key = copy;
	statement->next_key_len = spki.len;
	return 0;
}

/* ---- writing: one function an object, members in canonical order ---- */

static void put_moment(struct canon *w, const char *key, const struct moment *moment, const char *boot_id)
{
	char time[CLOCK_TEXT_MAX];

	clock_format(moment->wall_ns, time);
	canon_key(w, key);
	canon_object(w);
	member_known_string(w, "boot_id", boot_id);
	member_number(w, "boot_ns", moment->boot_ns);
	member_string(w, "time", time);
	canon_object_end(w);
}

static void put_chain(struct canon *w, const struct statement *s)
{
	canon_key(w, "chain");
	canon_object(w);
	canon_key_bool(w, "final", s->final);
	member_string(w, "id", s->chain_id);
	if (s->has_previous) {
		member_digest(w, "previous", "", &s->previous);
	} else {
		canon_key(w, "previous");
		canon_null(w);
	}
	member_number(w, "sequence", s->sequence);
	if (s->sequence < 1 || s->sequence > STATEMENT_SEQUENCE_MAX)
		member_fail(w, -ERANGE);
	canon_object_end(w);
}

static void put_collector(struct canon *w, const struct statement *s)
{
	canon_key(w, "collector");
	canon_object(w);
	member_digest(w, "config_digest", "sha256:", &s->config_digest);
	member_string(w, "name", s->collector_name);
	member_known_string(w, "replay_of", s->replay_of);
	member_string(w, "version", s->collector_version);
	canon_object_end(w);
}

static void put_content(struct canon *w, const struct statement *s)
{
	canon_key(w, "content");
	canon_object(w);
	member_number(w, "bytes", s->bytes);
	member_string(w, "encoding", s->encoding);
	member_number(w, "records", s->records);
	if (s->recovered)
		canon_key_bool(w, "recovered", true);
	member_digest(w, "sha256", "", &s->plain_digest);
	canon_object_end(w);
}

static void put_gap(struct canon *w, const struct statement *s)
{
	canon_key(w, "gap");
	canon_object(w);
	if (s->gap != GAP_NONE)
		put_moment(w, "from", &s->gap_from, s->gap_from_boot_id);
	member_string(w, "kind", statement_gap_names[s->gap]);
	if (s->gap != GAP_NONE)
		put_moment(w, "to", &s->gap_to, NULL);
	canon_object_end(w);
}

static void put_host(struct canon *w, const struct statement *s)
{
	canon_key(w, "host");
	canon_object(w);
	member_known_string(w, "arch", s->arch);
	member_known_string(w, "boot_id", s->boot_id);
	if (s->btf_source_kind) {
		canon_key(w, "btf");
		canon_object(w);
		member_known_string(w, "selection_reason", s->btf_selection_reason);
		member_digest(w, "source_digest", "sha256:", &s->btf_source_digest);
		member_string(w, "source_kind", s->btf_source_kind);
		member_known_string(w, "source_path", s->btf_source_path);
		canon_object_end(w);
	}
	member_known_string(w, "id", s->host_id);
	member_known_string(w, "kernel_release", s->kernel_release);
	canon_object_end(w);
}

static void put_next_key(struct canon *w, const struct statement *s)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(STATEMENT_NEXT_KEY_MAX * 2);
	struct digest id;
	int r;

	if (!s->next_key)
		return;
	r = digest_of(s->next_key, s->next_key_len, &id);
	if (r == 0)
		r = text_base64_append(&text, s->next_key, s->next_key_len);
	if (r < 0) {
		member_fail(w, r);
		return;
	}
	canon_key(w, "next_key");
	canon_object(w);
	member_digest(w, "id", "", &id);
	canon_key_string(w, "spki", buf_str(&text));
	canon_object_end(w);
}

static void put_predicate(struct canon *w, const struct statement *s)
{
	canon_key(w, "predicate");
	canon_object(w);
	put_chain(w, s);
	put_collector(w, s);
	statement_put_containers(w, s);
	put_content(w, s);
	statement_put_coverage(w, s);
	member_counts(w, "events", s->events);
	put_gap(w, s);
	put_host(w, s);
	statement_put_losses(w, s);
	put_next_key(w, s);
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
	member_digest(w, "sha256", "", &s->chunk_digest);
	canon_object_end(w);
	member_string(w, "name", s->chunk_name);
	canon_object_end(w);
	canon_array_end(w);
}

int statement_write(struct buf *out, const struct statement *statement)
{
	struct canon w = CANON_INTO(out);
	const size_t before = out->len;
	int r;

	canon_object(&w);
	member_string(&w, "_type", STATEMENT_TYPE);
	put_predicate(&w, statement);
	member_string(&w, "predicateType", STATEMENT_PREDICATE_TYPE);
	put_subject(&w, statement);
	canon_object_end(&w);
	r = canon_done(&w);
	if (r == 0 && out->len - before > STATEMENT_MAX)
		r = -E2BIG;
	if (r < 0)
		out->len = before;
	return r;
}
