/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Selects records. Promises: a path means the file itself or what lies below it, never what merely begins alike; a
 * container or image may be given by the beginning of its id (six digits at least), and only by hex digits. A name or a
 * pod must be given whole; of an image's reference the tag or digest and the registry may be left out, no part of a part.
 */

#include "cli/inspect_match.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "format/event.h"
#include "format/statement.h"

#define ID_DIGITS_MIN 6
#define NS_PER_S UINT64_C(1000000000)

static bool begins(struct str text, struct str prefix)
{
	return text.len >= prefix.len && memcmp(text.data, prefix.data, prefix.len) == 0;
}

static bool is_hex(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!strchr("0123456789abcdef", text.data[i]) || text.data[i] == '\0')
			return false;
	}
	return text.len >= ID_DIGITS_MIN && text.len <= 64;
}

static struct str behind(struct str text, size_t skip)
{
	return (struct str) { text.data + skip, text.len - skip };
}

static int match_number(struct str digits, enum want want, struct diag *diag, struct match *match)
{
	uint64_t max = want == WANT_CHUNK ? STATEMENT_SEQUENCE_MAX : INT32_MAX;

	match->want = want;
	if (text_parse_u64(digits, 1, max, &match->number) < 0)
		return diag_exit(diag, EXIT_UNSOUND, -EINVAL, "%.*s: no number of a %s", (int)digits.len,
				 digits.data, want == WANT_CHUNK ? "chunk" : "process");
	return 0;
}

/* "docker://0123ab" or just "0123ab" */
static bool match_container(struct str what, struct match *match)
{
	static const char *const runtimes[] = { "containerd://", "docker://", "cri-o://", "podman://" };
	struct str digits = what;

	for (size_t i = 0; i < ARRAY_LEN(runtimes); i++) {
		if (begins(what, str_of(runtimes[i])))
			digits = behind(what, strlen(runtimes[i]));
	}
	if (!is_hex(digits))
		return false;
	match->want = WANT_CONTAINER;
	match->text = what;
	return true;
}

/* As engines allow a container to be called. Whatever else one has for a name can be given as name:NAME. */
static bool is_name(struct str text)
{
	static const char inside[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

	return text.len > 0 && text.len <= STATEMENT_STRING_MAX && strspn(text.data, inside) == text.len &&
	       text.data[0] != '.' && text.data[0] != '-';
}

static struct match wanted(enum want want, struct str text)
{
	return (struct match) { .want = want, .text = text };
}

/* "pod:NS/NAME": neither may hold a slash. */
static bool match_pod_name(struct str text, struct match *match)
{
	const char *slash = strchr(text.data, '/');

	*match = wanted(WANT_POD, text);
	if (slash) {
		match->pod_namespace = (struct str) { text.data, (size_t)(slash - text.data) };
		match->text = behind(text, match->pod_namespace.len + 1);
	}
	return match->text.len > 0 && !strchr(match->text.data, '/') &&
	       (!slash || match->pod_namespace.len > 0);
}

/* The forms that a prefix tells; *ret_known false: none of them. */
static int match_prefixed(struct str text, struct diag *diag, struct match *match, bool *ret_known)
{
	*ret_known = true;
	if (begins(text, STR("chunk:")))
		return match_number(behind(text, 6), WANT_CHUNK, diag, match);
	if (begins(text, STR("pid:")))
		return match_number(behind(text, 4), WANT_PID, diag, match);
	if (begins(text, STR("name:")) && text.len > 5)
		*match = wanted(WANT_NAME, behind(text, 5));
	else if (begins(text, STR("image:")) && text.len > 6)
		*match = wanted(WANT_REFERENCE, behind(text, 6));
	else if (begins(text, STR("sha256:")) && is_hex(behind(text, 7)))
		*match = wanted(WANT_IMAGE, text);
	else if (begins(text, STR("sha256:")))
		return diag_exit(diag, EXIT_UNSOUND, -EINVAL,
				 "%s: an image's digest or its beginning is wanted, 6 to 64 hex digits in "
				 "lower case",
				 text.data);
	else if (!begins(text, STR("pod:")) || !match_pod_name(behind(text, 4), match))
		*ret_known = false;
	return 0;
}

int match_parse(const char *what, struct diag *diag, struct match *ret_match)
{
	struct str text = str_of(what);
	bool known;
	int r;

	*ret_match = (struct match) { .want = WANT_ALL };
	if (!what)
		return 0;
	if (text.len == 0)
		return diag_exit(diag, EXIT_UNSOUND, -EINVAL,
				 "what to look for is empty; leave it out to see all records");
	r = match_prefixed(text, diag, ret_match, &known);
	if (r < 0 || known)
		return r;
	*ret_match = (struct match) { .want = WANT_ALL };
	if (what[0] == '/' || strpbrk(what, "*?[")) {
		*ret_match = wanted(WANT_PATH, text);
		return 0;
	}
	if (text.len <= 10 && strspn(what, "0123456789") == text.len && text.len > 0) {
		ret_match->maybe_chunk = true;
		return match_number(text, WANT_PID, diag, ret_match);
	}
	if (match_container(text, ret_match))
		return 0;
	if (is_name(text)) {
		*ret_match = wanted(WANT_NAME, text);
		ret_match->maybe_name = true;
		return 0;
	}
	return diag_exit(
		diag, EXIT_UNSOUND, -EINVAL,
		"%s: neither a chunk (file, number, chunk:N), a pid (pid:N), an absolute path or pattern, a "
		"container (its name, name:NAME, or 6 hex digits of its id at least), a pod (pod:NAME, "
		"pod:NAMESPACE/NAME), nor an image (image:REFERENCE, sha256:IMAGE)",
		what);
}

int match_type(const char *type, struct diag *diag, struct match *match)
{
	_cleanup_(buf_done) struct buf known = BUF_MAX(4096);

	match->type = str_of(type);
	for (int kind = 1; kind < WIRE_KIND_END; kind++) {
		const char *name = event_kind_name((enum wire_kind)kind);

		if (name && str_equal(str_of(name), match->type))
			return 0;
		if (name)
			buf_printf(&known, "%s%s", known.len ? ", " : "", name);
	}
	return diag_exit(diag, EXIT_UNSOUND, -EINVAL, "--type %s: this version records %s", type,
			 buf_cstr(&known));
}

int match_since(const char *since, uint64_t now_wall_ns, struct diag *diag, struct match *match)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	char full[CLOCK_TEXT_MAX];
	size_t len = strlen(since);
	uint64_t count;

	if (clock_parse(since, &match->since_wall_ns) == 0)
		return 0;
	if (len == sizeof("2026-11-22") - 1) {
		snprintf(full, sizeof(full), "%sT00:00:00.000000000Z", since);
		if (clock_parse(full, &match->since_wall_ns) == 0)
			return 0;
	}
	/* Whole seconds may be given without their zeros. */
	if (len == sizeof("2026-11-22T23:51:40Z") - 1 && since[len - 1] == 'Z') {
		snprintf(full, sizeof(full), "%.*s.000000000Z", (int)len - 1, since);
		if (clock_parse(full, &match->since_wall_ns) == 0)
			return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(units) && len > 1; i++) {
		if (since[len - 1] != units[i].unit ||
		    text_parse_u64((struct str) { since, len - 1 }, 0,
				   now_wall_ns / NS_PER_S / units[i].seconds, &count) < 0)
			continue;
		match->since_wall_ns = now_wall_ns - count * units[i].seconds * NS_PER_S;
		return 0;
	}
	return diag_exit(diag, EXIT_UNSOUND, -EINVAL,
			 "--since %s: give 30s, 10m, 2h, 7d, a time like 2026-11-22T23:51:40Z, or a day (UTC)",
			 since);
}

bool record_view(struct str line, struct record_view *ret_view)
{
	const struct canon_value *event, *ts_ns;
	size_t offset;

	if (canon_scan_object(line, ret_view->members, RECORD_MEMBERS_MAX, &ret_view->count, &offset) !=
		    CANON_OK ||
	    ret_view->count > RECORD_MEMBERS_MAX)
		return false;
	event = canon_find(ret_view->members, ret_view->count, STR("event"));
	ts_ns = canon_find(ret_view->members, ret_view->count, STR("ts_ns"));
	if (!event || event->type != CANON_OBJECT || !ts_ns || canon_value_u64(ts_ns, &ret_view->ts_ns) < 0)
		return false;
	ret_view->container = NULL;
	ret_view->event_count = canon_members(event->raw, ret_view->event, RECORD_MEMBERS_MAX);
	return ret_view->event_count <= RECORD_MEMBERS_MAX;
}

const char *record_text(const struct canon_member *members, size_t count, const char *key, struct buf *out)
{
	const struct canon_value *value = canon_find(members, count, str_of(key));
	const char *text;

	buf_clear(out);
	if (value && value->type == CANON_STRING && canon_value_string(value, out) < 0)
		buf_clear(out);
	text = buf_cstr(out);
	return text ? text : "";
}

static bool path_matches(struct str want, const char *path)
{
	size_t len = want.len;

	if (strpbrk(want.data, "*?["))
		return fnmatch(want.data, path, 0) == 0;
	while (len > 1 && want.data[len - 1] == '/')
		len--;
	if (strncmp(path, want.data, len) != 0)
		return false;
	return path[len] == '\0' || path[len] == '/' || len == 1;
}

static bool match_path(const struct match *match, const struct record_view *view)
{
	static const char *const keys[] = { "path", "filename", "requested", "interpreter", "library", "addr" };
	_cleanup_(buf_done) struct buf text = BUF_MAX(65536);

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *path = record_text(view->event, view->event_count, keys[i], &text);

		if (*path && path_matches(match->text, path))
			return true;
	}
	return false;
}

static bool match_id(const struct match *match, const struct record_view *view, const char *key)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(4096);
	struct str id = str_of(record_text(view->members, view->count, key, &text));
	const char *scheme = id.len > 0 ? strstr(id.data, "://") : NULL;

	if (id.len == 0)
		return false;
	return begins(id, match->text) || (scheme && begins(str_of(scheme + 3), match->text));
}

static bool match_name(struct str want, const struct statement_container *container)
{
	for (size_t i = 0; container && i < container->n_names; i++) {
		if (str_equal(want, str_of(container->names[i])))
			return true;
	}
	return false;
}

static bool match_pod(const struct match *match, const struct statement_container *container)
{
	if (!container || !container->pod || !str_equal(match->text, str_of(container->pod)))
		return false;
	return match->pod_namespace.len == 0 ||
	       (container->pod_namespace && str_equal(match->pod_namespace, str_of(container->pod_namespace)));
}

/*
 * "nginx" and "nginx:1.25" are "docker.io/library/nginx:1.25": whole parts from the end, and behind the last one given
 * only the tag or the digest.
 */
static bool match_reference(struct str want, const char *image)
{
	const char *at = image;

	for (; at; at = strchr(at, '/')) {
		at += *at == '/';
		if (strncmp(at, want.data, want.len) == 0 &&
		    (at[want.len] == '\0' || at[want.len] == '@' ||
		     (at[want.len] == ':' && !strchr(at + want.len, '/'))))
			return true;
	}
	return false;
}

const char *record_learned_digest(const struct record_view *view)
{
	if (!view->container || canon_find(view->members, view->count, STR("image_digest")))
		return NULL;
	return view->container->image_digest;
}

bool match_needs_container(const struct match *match)
{
	return match->want == WANT_CONTAINER || match->want == WANT_NAME || match->want == WANT_POD ||
	       match->want == WANT_IMAGE || match->want == WANT_REFERENCE;
}

static bool match_pid(const struct match *match, const struct record_view *view)
{
	static const char *const keys[] = { "pid", "tid" };
	uint64_t number;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct canon_value *value = canon_find(view->members, view->count, str_of(keys[i]));

		if (value && canon_value_u64(value, &number) == 0 && number == match->number)
			return true;
	}
	return false;
}

static bool match_of_container(const struct match *match, const struct record_view *view)
{
	const char *learned = record_learned_digest(view);

	switch (match->want) {
	case WANT_CONTAINER:
		return match_id(match, view, "container_id") || match_name(match->text, view->container);
	case WANT_NAME:
		return match_name(match->text, view->container);
	case WANT_POD:
		return match_pod(match, view->container);
	case WANT_IMAGE:
		return learned ? begins(str_of(learned), match->text) : match_id(match, view, "image_digest");
	case WANT_REFERENCE:
		return view->container && view->container->image &&
		       match_reference(match->text, view->container->image);
	default:
		return false;
	}
}

bool match_record(const struct match *match, const struct record_view *view, int64_t wall_minus_boot_ns)
{
	_cleanup_(buf_done) struct buf type = BUF_MAX(4096);

	if (match->type.len > 0 &&
	    !str_equal(match->type, str_of(record_text(view->event, view->event_count, "type", &type))))
		return false;
	if (match->since_wall_ns > 0 && view->ts_ns + (uint64_t)wall_minus_boot_ns < match->since_wall_ns)
		return false;
	switch (match->want) {
	case WANT_ALL:
	case WANT_CHUNK:
		return true;
	case WANT_PID:
		return match_pid(match, view);
	case WANT_PATH:
		return match_path(match, view);
	default:
		return match_of_container(match, view);
	}
}
