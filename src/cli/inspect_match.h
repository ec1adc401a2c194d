/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a person asked to see -> does this record belong to it? */

#include "base/diag.h"
#include "format/canon.h"
#include "format/record_check.h"
#include "format/statement.h"

enum want {
	WANT_ALL,
	WANT_CHUNK,
	WANT_PID,
	WANT_PATH,
	WANT_CONTAINER, /* an id or its beginning; without a scheme a name too */
	WANT_NAME,
	WANT_POD,
	WANT_IMAGE, /* a digest */
	WANT_REFERENCE
};

struct match {
	enum want want;
	uint64_t number; /* chunk, pid */
	bool maybe_chunk; /* a bare number: the chunk if there is one, else the pid */
	bool maybe_name; /* a bare word that may name a container, and nothing else */
	struct str
		text; /* path, container id or its beginning, name, pod, image digest or reference; borrowed */
	struct str pod_namespace; /* empty = of any */
	struct str type; /* only this record type; empty = all */
	uint64_t since_wall_ns; /* 0 = no limit */
};

/* A record's line taken apart. */
struct record_view {
	struct canon_member members[RECORD_MEMBERS_MAX];
	size_t count;
	struct canon_member event[RECORD_MEMBERS_MAX];
	size_t event_count;
	uint64_t ts_ns;
	const struct statement_container
		*container; /* what its chunk's seal or draft says of it; NULL = nothing */
};

/* Understands WHAT (NULL = all). Exit 2 with a line: it is none of the forms. */
int match_parse(const char *what, struct diag *diag, struct match *ret_match);
/* A record type that this version can record, or exit 2. */
int match_type(const char *type, struct diag *diag, struct match *match);
/* RFC 3339 UTC, a date (its beginning in UTC), or "30s", "10m", "2h", "7d" ago; else exit 2. */
int match_since(const char *since, uint64_t now_wall_ns, struct diag *diag, struct match *match);

/* Can it be told only with what the seal says of containers? */
bool match_needs_container(const struct match *match);

/* The image that only the seal knows: the record has none of its own. NULL = neither, or the record has. */
const char *record_learned_digest(const struct record_view *view);

/* False: no canonical record. Views point into `line`; `container` is the caller's to fill in. */
bool record_view(struct str line, struct record_view *ret_view);
/* wall_minus_boot_ns turns the record's time since boot into a time of day. */
bool match_record(const struct match *match, const struct record_view *view, int64_t wall_minus_boot_ns);

/* A text member, unescaped, appended to `out` (cleared first); "" when it is not there. */
const char *record_text(const struct canon_member *members, size_t count, const char *key, struct buf *out);
