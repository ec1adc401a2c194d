/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The scanner against an independent witness: what it takes must come out of jansson's own parser and sorted dump
 * byte for byte, and what it calls no JSON jansson must refuse as well. Where the two differ by design (key order
 * beyond ASCII, integers beyond 63 bits, \u0000, depth) the comparison stops; so it does at a NUL byte, which jansson
 * 2.14 overlooks behind a number. What passes goes on to record_check.
 */

#include <jansson.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "format/record_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has(struct str text, const char *part)
{
	return memmem(text.data, text.len, part, strlen(part));
}

static bool is_ascii(struct str text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] >= 0x80)
			return false;
	return true;
}

/* jansson sorts by bytes and spells DEL and others as we do; escapes in lower case only from our side. */
static void compare_accepted(struct str text)
{
	json_error_t error;
	json_t *json;
	char *dump;

	json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (!json) {
		/* Too big integers, and NUL in keys, are JSON that jansson does not hold. */
		if (json_error_code(&error) != json_error_numeric_overflow &&
		    json_error_code(&error) != json_error_null_byte_in_key && !has(text, "\\u0000"))
			abort();
		return;
	}
	dump = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	if (dump && is_ascii(text) && !has(text, "\\u")) {
		/* Keys with escapes may sort differently as text; ours are compared by value, as jansson's are. */
		if (strlen(dump) != text.len || memcmp(dump, text.data, text.len) != 0)
			abort();
	}
	free(dump);
	json_decref(json);
}

static void compare_refused(struct str text)
{
	json_error_t error;
	json_t *json = json_loadb(text.data, text.len, JSON_ALLOW_NUL, &error);
	size_t depth = 0, deepest = 0, i;

	for (i = 0; i < text.len; i++) {
		if (text.data[i] == '{' || text.data[i] == '[')
			deepest = ++depth > deepest ? depth : deepest;
		else if ((text.data[i] == '}' || text.data[i] == ']') && depth > 0)
			depth--;
	}
	if (json_is_object(json) && deepest < CANON_DEPTH_MAX && !memchr(text.data, '\0', text.len))
		abort();
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct canon_member members[RECORD_MEMBERS_MAX];
	_cleanup_(buf_done) struct buf out = BUF_MAX(1u << 20);
	size_t count, offset, i;
	enum wire_kind kind;
	const char *why;
	uint64_t ts_ns;

	switch (canon_scan_object(text, members, RECORD_MEMBERS_MAX, &count, &offset)) {
	case CANON_OK:
		compare_accepted(text);
		if (record_check(members, count, &kind, &ts_ns, &why) == RECORD_OK &&
		    (kind >= WIRE_KIND_END || why))
			abort();
		for (i = 0; i < count && i < RECORD_MEMBERS_MAX; i++)
			if (members[i].value.type == CANON_STRING &&
			    canon_value_string(&members[i].value, &out) < 0)
				abort();
		break;
	case CANON_NOT_JSON:
		compare_refused(text);
		break;
	case CANON_NOT_CANONICAL:
		if (offset > size)
			abort();
		break;
	}
	return 0;
}
