/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Line by line through a file that may be the work of a killed collector, of a power cut, or of an attacker.
 * Refuses any whole line that is no canonical record of the schema, of a kind that we write: to sign what we did not
 * write would be a lie, and to drop it silently would be one too. Holds one line at a time; owns nothing afterwards.
 */

#include "collect/reopen.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "format/canon.h"
#include "format/record.h"
#include "format/record_check.h"

#define BOOT_NS_MAX (1ull << 62) /* 146 years of uptime: no clock of ours, and no sum below it overflows */
#define WINDOW_BYTES (2 * RECORD_LINE_MAX)

struct scan {
	struct digest_stream *digest;
	uint64_t mark_bytes;
	const struct digest *mark_digest;
	struct reopened found;
};

/* `line` without its LF. */
static int scan_record(struct scan *scan, struct str line)
{
	struct canon_member members[RECORD_MEMBERS_MAX];
	enum wire_kind kind;
	size_t count, offset;
	uint64_t boot_ns;
	const char *why;

	if (canon_scan_object(line, members, RECORD_MEMBERS_MAX, &count, &offset) != CANON_OK)
		return -EBADMSG;
	if (record_check(members, count, &kind, &boot_ns, &why) != RECORD_OK || kind == 0 ||
	    boot_ns > BOOT_NS_MAX)
		return -EBADMSG;
	if (scan->found.records == 0 || boot_ns < scan->found.first_boot_ns)
		scan->found.first_boot_ns = boot_ns;
	if (scan->found.records == 0 || boot_ns > scan->found.last_boot_ns)
		scan->found.last_boot_ns = boot_ns;
	scan->found.records++;
	scan->found.events[kind]++;
	return 0;
}

static int scan_mark(struct scan *scan)
{
	struct digest digest;
	int r;

	if (scan->found.bytes != scan->mark_bytes)
		return 0;
	r = digest_stream_value(scan->digest, &digest);
	if (r < 0)
		return r;
	scan->found.mark_seen = memcmp(&digest, scan->mark_digest, sizeof(digest)) == 0;
	return 0;
}

/* Takes the whole lines of `window`; *ret_used is how many bytes those were. */
static int scan_lines(struct scan *scan, struct str window, const char *name, struct diag *diag,
		      size_t *ret_used)
{
	size_t used = 0;
	int r;

	while (used < window.len) {
		const char *line = window.data + used;
		const char *end = memchr(line, '\n', window.len - used);

		if (!end)
			break;
		if (scan_record(scan, (struct str) { line, (size_t)(end - line) }) < 0)
			return diag_error(
				diag, -EBADMSG,
				"line %" PRIu64 " of %s is no record of ours (at byte %" PRIu64
				"); it will not "
				"be signed: move the file out of the evidence directory and start again",
				scan->found.records + 1, name, scan->found.bytes);
		r = digest_stream_add(scan->digest, line, (size_t)(end - line) + 1);
		if (r < 0)
			return r;
		used += (size_t)(end - line) + 1;
		scan->found.bytes += (uint64_t)(end - line) + 1;
		r = scan_mark(scan);
		if (r < 0)
			return r;
	}
	*ret_used = used;
	return 0;
}

static int scan_file(struct scan *scan, int fd, const char *name, struct diag *diag)
{
	_cleanup_(freep) char *window = malloc(WINDOW_BYTES);
	size_t held = 0, used = 0;
	uint64_t offset = 0;
	int r;

	if (!window)
		return -ENOMEM;
	for (;;) {
		ssize_t got = pread(fd, window + held, WINDOW_BYTES - held, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		offset += (uint64_t)got;
		held += (size_t)got;
		r = scan_lines(scan, (struct str) { window, held }, name, diag, &used);
		if (r < 0)
			return r;
		held -= used;
		memmove(window, window + used, held);
		if (held > RECORD_LINE_MAX)
			return diag_error(
				diag, -EBADMSG,
				"the end of %s is longer than any record: it is not ours; move the file out of "
				"the evidence directory and start again",
				name);
	}
	scan->found.torn_bytes = held;
	return 0;
}

int reopen_scan(int fd, const char *name, uint64_t mark_bytes, const struct digest *mark_digest,
		struct diag *diag, struct reopened *ret_reopened)
{
	_cleanup_(digest_stream_freep) struct digest_stream *digest = NULL;
	struct scan scan = { .mark_bytes = mark_bytes, .mark_digest = mark_digest };
	int r;

	r = digest_stream_new(&digest);
	if (r == 0) {
		scan.digest = digest;
		r = scan_mark(&scan);
	}
	if (r == 0)
		r = scan_file(&scan, fd, name, diag);
	if (r == 0)
		r = digest_stream_value(digest, &scan.found.digest);
	if (r < 0)
		return diag_error(diag, r, "cannot read %s: %s", name, strerror(-r));
	*ret_reopened = scan.found;
	return 0;
}
