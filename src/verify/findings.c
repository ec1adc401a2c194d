/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The list of findings. Promises: everything handed out is printable UTF-8, memory is bounded however bad the
 * evidence is, and the total is exact. Owns copies of all text.
 */

#include "verify/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"

const char *stella_finding_name(enum stella_finding_code code)
{
#define FINDING_NAME(ENUM, name) [STELLA_FINDING_##ENUM] = #name,
	static const char *const names[] = { STELLA_FINDINGS(FINDING_NAME) };
#undef FINDING_NAME

	if ((unsigned int)code >= ARRAY_LEN(names))
		return NULL;
	return names[code];
}

void findings_done(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		free((char *)findings->list[i].file);
		free((char *)findings->list[i].sentence);
	}
	free(findings->list);
	*findings = (struct findings) { 0 };
}

static char *printable_copy(const char *text)
{
	_cleanup_(buf_done) struct buf out = BUF_MAX(65536);
	const char *done;

	if (text_printable_append(&out, str_of(text)) < 0)
		return NULL;
	done = buf_cstr(&out);
	return done ? strdup(done) : NULL;
}

static int findings_room(struct findings *findings)
{
	size_t capacity = findings->capacity ? findings->capacity * 2 : 16;
	struct stella_finding *list;

	if (findings->count < findings->capacity)
		return 0;
	list = realloc(findings->list, capacity * sizeof(*list));
	if (!list)
		return -ENOMEM;
	findings->list = list;
	findings->capacity = capacity;
	return 0;
}

static int findings_keep(struct findings *findings, enum stella_finding_code code, const struct place *place,
			 const char *sentence)
{
	_cleanup_(freep) char *file = NULL, *text = NULL;
	int r;

	r = findings_room(findings);
	if (r < 0)
		return r;
	text = printable_copy(sentence);
	if (!text)
		return -ENOMEM;
	if (place->file) {
		file = printable_copy(place->file);
		if (!file)
			return -ENOMEM;
	}
	findings->list[findings->count++] = (struct stella_finding) {
		.code = code,
		.sequence = place->sequence,
		.line = place->line,
		.offset = place->offset,
		.has_offset = place->has_offset,
		.file = TAKE(file),
		.sentence = TAKE(text),
	};
	return 0;
}

/* The chunk's lines have had their share of the list. */
static bool flooded(struct findings *findings, const struct place *place)
{
	if (place->line == 0)
		return false;
	if (findings->line_sequence != place->sequence) {
		findings->line_sequence = place->sequence;
		findings->lines_kept = 0;
	}
	return findings->lines_kept++ >= FINDINGS_FLOOD_MAX;
}

void findings_add(struct findings *findings, enum stella_finding_code code, const struct place *place,
		  const char *format, ...)
{
	char sentence[FINDING_SENTENCE_MAX];
	va_list args;
	int r;

	findings->total++;
	if (findings->error < 0 || findings->count >= FINDINGS_MAX || flooded(findings, place))
		return;
	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	r = findings_keep(findings, code, place, sentence);
	if (r < 0)
		findings->error = r;
}
