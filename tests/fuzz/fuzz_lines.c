/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile chunk text, cut into pieces where it hurts: what is found must not depend on where the reads ended. The
 * first byte is the size of the pieces. Also as a compressed file: whatever it holds, it is judged, not obeyed.
 */

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "verify/content.h"
#include "verify/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct place place = { .sequence = 1, .file = "chunk-000001.ndjson" };

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void judge(const struct statement *statement, const char *text, size_t len, size_t piece,
		  struct findings *findings, uint64_t *ret_records)
{
	struct lines lines;

	must(lines_init(&lines) == 0);
	lines_start(&lines, &place, statement, findings);
	for (size_t at = 0; at < len; at += piece)
		must(lines_feed(&lines, text + at, piece < len - at ? piece : len - at) == 0);
	lines_end(&lines, true);
	*ret_records = lines.records;
	lines_done(&lines);
}

static void compare(const struct findings *a, const struct findings *b)
{
	must(a->total == b->total && a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		must(a->list[i].code == b->list[i].code && a->list[i].line == b->list[i].line);
		must(a->list[i].offset == b->list[i].offset);
		must(strcmp(a->list[i].sentence, b->list[i].sentence) == 0);
	}
}

static void judge_compressed(const char *text, size_t len)
{
	struct statement statement = { .encoding = (char *)"zstd", .bytes = 4 * len };
	struct findings findings = { 0 };
	struct content *content = NULL;
	uint64_t records;
	int fd = memfd_create("chunk", MFD_CLOEXEC);

	must(fd >= 0 && file_write_all(fd, text, len, NULL) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	must(content_new(&(struct content_options) { 0 }, &content) == 0);
	must(content_check(content, fd, &place, &statement, &findings, NULL, &records) == 0);
	must(findings.total > 0); /* its digest is not zero */
	must(records <= statement.bytes + 1);
	content_free(content);
	findings_done(&findings);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct statement statement = { .records = 1, .closed.boot_ns = 1000000 };
	struct findings whole = { 0 }, cut = { 0 };
	uint64_t whole_records, cut_records;

	if (size < 2)
		return 0;
	judge(&statement, (const char *)data + 1, size - 1, size, &whole, &whole_records);
	judge(&statement, (const char *)data + 1, size - 1, (size_t)data[0] + 1, &cut, &cut_records);
	must(whole_records == cut_records);
	compare(&whole, &cut);
	judge_compressed((const char *)data + 1, size - 1);
	findings_done(&whole);
	findings_done(&cut);
	return 0;
}
