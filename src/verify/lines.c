/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checks each line of a chunk. Promises: a line is looked at in place where it lies whole in the caller's piece and
 * is copied only across pieces; one that is longer than any record can be is refused without being kept. Times may
 * stand a little outside the chunk's window: before it by RECORD_EARLY_NS, because hook and window are read on
 * different CPUs; behind it by RECORD_LATE_NS, because a window ends before its last drain begins. What was found at
 * start may be older by RECORD_SNAPSHOT_NS: the window opens when the snapshot is done.
 */

#include "verify/lines.h"

#include <inttypes.h>

#include "base/cleanup.h"
#include "format/canon.h"
#include "format/record.h"
#include "format/record_check.h"

#define RECORD_EARLY_NS UINT64_C(1000000000)
#define RECORD_LATE_NS UINT64_C(10000000000)
#define RECORD_SNAPSHOT_NS UINT64_C(60000000000)

int lines_init(struct lines *lines)
{
	*lines = (struct lines) { .carry = BUF_MAX(RECORD_LINE_MAX) };
	/* All at once: a line that does not fit is then the data's fault, never memory's. */
	return buf_reserve(&lines->carry, RECORD_LINE_MAX);
}

void lines_done(struct lines *lines)
{
	buf_done(&lines->carry);
}

void lines_start(struct lines *lines, const struct place *place, const struct statement *statement,
		 struct findings *findings)
{
	struct buf carry = lines->carry;

	*lines = (struct lines) {
		.carry = carry, .place = *place, .statement = statement, .findings = findings
	};
	buf_clear(&lines->carry);
	lines->place.line = 1;
	lines->place.has_offset = true;
}

static void too_long(struct lines *lines)
{
	findings_add(lines->findings, STELLA_FINDING_MALFORMED, &lines->place,
		     "line %" PRIu64 " is longer than the %d bytes that a record can have", lines->place.line,
		     RECORD_LINE_MAX);
}

static bool found_at_start(const struct canon_value *event)
{
	struct str rest = event->raw;
	struct canon_member member;

	while (canon_member_next(&rest, &member))
		if (str_equal(member.key, STR("at_start")))
			return member.value.type == CANON_TRUE;
	return false;
}

/* A folded record ends with the last of its like. */
static void fold_check(struct lines *lines, uint64_t ts_ns, const struct canon_value *last_ts_ns)
{
	uint64_t last = 0, closed = lines->statement->closed.boot_ns;

	if (!last_ts_ns || canon_value_u64(last_ts_ns, &last) < 0)
		return;
	if (last < ts_ns)
		findings_add(lines->findings, STELLA_FINDING_CLOCK_REGRESSION, &lines->place,
			     "line %" PRIu64 " ends at boot time %" PRIu64 " ns, before it begins at %" PRIu64
			     " ns",
			     lines->place.line, last, ts_ns);
	else if (last > closed && last - closed > RECORD_LATE_NS)
		findings_add(lines->findings, STELLA_FINDING_CLOCK_REGRESSION, &lines->place,
			     "line %" PRIu64 " ends at boot time %" PRIu64
			     " ns, after its chunk was closed at %" PRIu64 " ns",
			     lines->place.line, last, closed);
}

static void time_check(struct lines *lines, uint64_t ts_ns, const struct canon_value *event)
{
	const struct statement *statement = lines->statement;
	uint64_t opened = statement->opened.boot_ns, closed = statement->closed.boot_ns;

	if (ts_ns < opened && opened - ts_ns > RECORD_EARLY_NS &&
	    (opened - ts_ns > RECORD_SNAPSHOT_NS || !found_at_start(event)))
		findings_add(lines->findings, STELLA_FINDING_CLOCK_REGRESSION, &lines->place,
			     "line %" PRIu64 " is of boot time %" PRIu64
			     " ns, before its chunk was opened at %" PRIu64 " ns",
			     lines->place.line, ts_ns, opened);
	else if (ts_ns > closed && ts_ns - closed > RECORD_LATE_NS)
		findings_add(lines->findings, STELLA_FINDING_CLOCK_REGRESSION, &lines->place,
			     "line %" PRIu64 " is of boot time %" PRIu64
			     " ns, after its chunk was closed at %" PRIu64 " ns",
			     lines->place.line, ts_ns, closed);
}

static void line_schema(struct lines *lines, struct str line, const struct canon_member *members, size_t count)
{
	enum wire_kind kind = 0;
	uint64_t ts_ns = 0;
	const char *why = NULL;

	if (record_check(members, count, &kind, &ts_ns, &why) != RECORD_OK) {
		lines->unknown++;
		findings_add(lines->findings, STELLA_FINDING_SCHEMA_VIOLATION, &lines->place,
			     "line %" PRIu64 " does not keep to the schema of records: %s", lines->place.line,
			     why ? why : "it does not say why");
		return;
	}
	lines->events[kind < WIRE_KIND_END ? kind : 0]++;
	time_check(lines, ts_ns, canon_find(members, count, STR("event")));
	fold_check(lines, ts_ns, canon_find(members, count, STR("last_ts_ns")));
	if (lines->listener && lines->error == 0)
		lines->error =
			lines->listener->line(lines->listener->user, lines->place.line, line, members, count);
}

static void line_check(struct lines *lines, struct str line)
{
	struct canon_member members[RECORD_MEMBERS_MAX];
	struct place place = lines->place;
	size_t count = 0, offset = 0;
	enum canon_result result;

	lines->records++;
	if (line.len > RECORD_LINE_MAX) {
		lines->unknown++;
		too_long(lines);
		return;
	}
	result = canon_scan_object(line, members, ARRAY_LEN(members), &count, &offset);
	if (result == CANON_OK) {
		line_schema(lines, line, members, count);
		return;
	}
	lines->unknown++;
	place.offset += offset;
	findings_add(lines->findings,
		     result == CANON_NOT_JSON ? STELLA_FINDING_MALFORMED : STELLA_FINDING_NOT_CANONICAL, &place,
		     "line %" PRIu64 " is %s at its byte %zu", lines->place.line,
		     result == CANON_NOT_JSON ? "no JSON object" : "JSON, but not canonical", offset);
}

static void line_next(struct lines *lines, uint64_t bytes)
{
	lines->place.line++;
	lines->place.offset += bytes;
}

/* A piece of a line whose end has not come. */
static void line_keep(struct lines *lines, const char *data, size_t len)
{
	if (lines->skipping) {
		lines->place.offset += len;
		return;
	}
	if (buf_append(&lines->carry, data, len) == 0)
		return;
	lines->records++;
	lines->unknown++;
	lines->skipping = true;
	too_long(lines);
	lines->place.offset += lines->carry.len + len;
	buf_clear(&lines->carry);
}

/* The end of a line whose beginning came before. */
static void line_finish(struct lines *lines, const char *data, size_t len)
{
	line_keep(lines, data, len);
	if (lines->skipping) {
		lines->skipping = false;
		line_next(lines, 1);
		return;
	}
	line_check(lines, buf_str(&lines->carry));
	line_next(lines, lines->carry.len + 1);
	buf_clear(&lines->carry);
}

int lines_feed(struct lines *lines, const char *data, size_t len)
{
	const char *at = data, *end = data + len;

	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));

		if (!lf) {
			line_keep(lines, at, (size_t)(end - at));
			break;
		}
		if (lines->carry.len > 0 || lines->skipping) {
			line_finish(lines, at, (size_t)(lf - at));
		} else {
			line_check(lines, (struct str) { at, (size_t)(lf - at) });
			line_next(lines, (uint64_t)(lf - at) + 1);
		}
		at = lf + 1;
	}
	return lines->error < 0 ? lines->error : lines->findings->error;
}

static void counts_check(struct lines *lines)
{
	const struct statement *statement = lines->statement;
	struct place place = { .sequence = lines->place.sequence, .file = lines->place.file };

	if (lines->records != statement->records)
		findings_add(lines->findings, STELLA_FINDING_COUNT_MISMATCH, &place,
			     "the chunk holds %" PRIu64 " records, its seal names %" PRIu64, lines->records,
			     statement->records);
	/* A line that could not be told by its type is reported; it would be unfair to count it again as missing. */
	for (unsigned int kind = 1; lines->unknown == 0 && kind < WIRE_KIND_END; kind++) {
		if (lines->events[kind] != statement->events[kind])
			findings_add(lines->findings, STELLA_FINDING_COUNT_MISMATCH, &place,
				     "the chunk holds %" PRIu64 " records of type %s, its seal names %" PRIu64,
				     lines->events[kind], event_kind_name(kind), statement->events[kind]);
	}
}

void lines_end(struct lines *lines, bool whole)
{
	if (!whole)
		return;
	if (lines->carry.len > 0 || lines->skipping) {
		findings_add(lines->findings, STELLA_FINDING_MALFORMED, &lines->place,
			     "line %" PRIu64 " does not end: the chunk was cut inside it", lines->place.line);
		lines->records += !lines->skipping;
		lines->unknown++;
	}
	counts_check(lines);
}
