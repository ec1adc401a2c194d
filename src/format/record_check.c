// SPDX-License-Identifier: Apache-2.0

/*
 * The walk that holds a line against the schema's tables (record_tables.c). Members arrive sorted and the tables are
 * sorted, so one merge finds for each member its row. Promises to look at every member, however many there are in
 * the event; refuses a known member with a wrong value and a required one that is not there. Owns nothing.
 */

#include "format/record_check.h"

#include "base/cleanup.h"
#include "format/event.h"

static struct str inside(const struct canon_value *value)
{
	return (struct str) { value->raw.data + 1, value->raw.len - 2 };
}

/* What was seen of a table, a bit a row. */
struct seen {
	uint32_t there;
	uint32_t true_;
};

/* Characters, or bytes, that a raw string stands for: an escape is one of either. */
static size_t decoded_length(struct str raw, bool characters)
{
	size_t length = 0, i;

	for (i = 0; i < raw.len; i++) {
		if (raw.data[i] == '\\') {
			i += raw.data[i + 1] == 'u' ? 5 : 1;
			length++;
		} else if (!characters || (raw.data[i] & 0xc0) != 0x80) {
			length++;
		}
	}
	return length;
}

static bool is_word(struct str raw, const char *const *words)
{
	for (; *words; words++)
		if (str_equal(raw, str_of(*words)))
			return true;
	return false;
}

static bool all_strings(const struct canon_value *array, bool (*matches)(struct str raw))
{
	struct str rest = array->raw;
	struct canon_value value;

	while (canon_element_next(&rest, &value))
		if (value.type != CANON_STRING || (matches && !matches(inside(&value))))
			return false;
	return true;
}

static bool in_range(const struct canon_value *value, uint64_t min, uint64_t max)
{
	uint64_t number;

	return canon_value_u64(value, &number) == 0 && number >= min && number <= max;
}

static bool object_fits(struct str object, const struct record_type *type);

static bool all_fit(const struct canon_value *array, const struct record_member *row)
{
	struct str rest = array->raw;
	struct canon_value value;
	uint64_t count = 0;

	while (canon_element_next(&rest, &value)) {
		if (value.type != CANON_OBJECT || ++count > row->max || !object_fits(value.raw, row->of))
			return false;
	}
	return count > 0;
}

static bool value_fits(const struct record_member *row, const struct canon_value *value)
{
	const bool is_string = value->type == CANON_STRING;

	switch (row->form) {
	case FORM_TEXT:
	case FORM_SHORT: /* its length needs its neighbour: check_short */
		return is_string;
	case FORM_WORD:
		return is_string && is_word(inside(value), row->words);
	case FORM_PATTERN:
	case FORM_BASE64:
		return is_string && row->matches(inside(value));
	case FORM_TEXTS:
	case FORM_BASE64S:
		return value->type == CANON_ARRAY && all_strings(value, row->matches);
	case FORM_INTEGER:
		return in_range(value, row->min, row->max);
	case FORM_BOOL:
		return value->type == CANON_TRUE || value->type == CANON_FALSE;
	case FORM_RESULT:
		return is_string ? row->matches(inside(value)) : in_range(value, 0, 0);
	case FORM_OBJECTS:
		return value->type == CANON_ARRAY && all_fit(value, row);
	case FORM_EVENT:
		return value->type == CANON_OBJECT;
	}
	return false;
}

/* Both are ASCII; the member's key may be anything, in canonical order among its like. */
static int compare_key(struct str key, struct str name)
{
	int order = memcmp(key.data, name.data, key.len < name.len ? key.len : name.len);

	return order ? order : (key.len > name.len) - (key.len < name.len);
}

/*
 * Holds one member against the table from row *at on; moves *at behind the rows that cannot come any more. Keys
 * with escapes or beyond ASCII may sort elsewhere by bytes, so they are set aside first: no row has such a name.
 */
static bool check_member(const struct record_type *type, const struct canon_member *member, size_t *at,
			 struct seen *seen, const char **ret_why)
{
	int order = 1;

	while (*at < type->n_members) {
		order = compare_key(member->key, type->members[*at].name);
		if (order <= 0)
			break;
		(*at)++;
	}
	if (order != 0 || *at >= type->n_members)
		return true;
	seen->there |= 1u << *at;
	if (member->value.type == CANON_TRUE)
		seen->true_ |= 1u << *at;
	if (!value_fits(&type->members[*at], &member->value)) {
		*ret_why = type->members[*at].wrong;
		return false;
	}
	(*at)++;
	return true;
}

static bool is_plain_key(struct str key)
{
	size_t i;

	for (i = 0; i < key.len; i++)
		if (key.data[i] == '\\' || (unsigned char)key.data[i] >= 0x80)
			return false;
	return true;
}

static size_t row_of(const struct record_type *type, const char *name)
{
	size_t i;

	for (i = 0; i < type->n_members; i++)
		if (str_equal(type->members[i].name, str_of(name)))
			break;
	return i;
}

static bool all_required(const struct record_type *type, const struct seen *seen, const char **ret_why)
{
	size_t i;

	for (i = 0; i < type->n_members; i++) {
		const struct record_member *row = &type->members[i];

		if (!row->required || seen->there >> i & 1)
			continue;
		if (row->excuse && seen->true_ >> row_of(type, row->excuse) & 1)
			continue;
		*ret_why = row->missing;
		return false;
	}
	return true;
}

/* An object within an event. */
static bool object_fits(struct str object, const struct record_type *type)
{
	struct canon_member member;
	struct str rest = object;
	struct seen seen = { 0 };
	const char *why;
	size_t at = 0;

	while (canon_member_next(&rest, &member)) {
		if (is_plain_key(member.key) && !check_member(type, &member, &at, &seen, &why))
			return false;
	}
	return all_required(type, &seen, &why);
}

static bool check_event(struct str object, enum wire_kind *ret_kind, const char **ret_why)
{
	const struct record_type *type = NULL;
	struct canon_member member = { .key = { NULL, 0 } };
	struct seen seen = { 0 };
	struct str rest = object;
	size_t at = 0, i;

	while (canon_member_next(&rest, &member) && !str_equal(member.key, STR("type")))
		;
	if (!str_equal(member.key, STR("type")) || member.value.type != CANON_STRING) {
		*ret_why = "event.type is missing, or no string";
		return false;
	}
	for (i = 0; i < record_n_types && !type; i++)
		if (str_equal(inside(&member.value), record_types[i].name))
			type = &record_types[i];
	if (!type) {
		*ret_why = "event.type is none of the types of the schema";
		return false;
	}
	for (rest = object; canon_member_next(&rest, &member);)
		if (is_plain_key(member.key) && !check_member(type, &member, &at, &seen, ret_why))
			return false;
	if (!all_required(type, &seen, ret_why) || (type->rule && !type->rule(object, ret_why)))
		return false;
	if (event_kind_find(type->name, ret_kind) < 0)
		*ret_kind = (enum wire_kind)0;
	return true;
}

/* U+FFFD takes three bytes, so a comm that was not UTF-8 is counted in characters. */
static bool check_comm(const struct canon_value *comm, bool exact_beside)
{
	return decoded_length(inside(comm), exact_beside) <= WIRE_COMM;
}

enum record_verdict record_check(const struct canon_member *members, size_t count, enum wire_kind *ret_kind,
				 uint64_t *ret_ts_ns, const char **ret_why)
{
	const struct canon_value *ts_ns = NULL, *event, *comm;
	struct seen seen = { 0 };
	size_t at = 0, i;

	*ret_kind = (enum wire_kind)0;
	*ret_ts_ns = 0;
	*ret_why = NULL;
	if (count > RECORD_MEMBERS_MAX) {
		*ret_why = "the record has too many members";
		return RECORD_VIOLATION;
	}
	ts_ns = canon_find(members, count, STR("ts_ns"));
	if (ts_ns)
		canon_value_u64(ts_ns, ret_ts_ns);
	for (i = 0; i < count; i++)
		if (is_plain_key(members[i].key) &&
		    !check_member(&record_top, &members[i], &at, &seen, ret_why))
			return RECORD_VIOLATION;
	if (!all_required(&record_top, &seen, ret_why))
		return RECORD_VIOLATION;
	comm = canon_find(members, count, STR("comm"));
	if (!check_comm(comm, canon_find(members, count, STR("comm_b64")))) {
		*ret_why = "comm is no string of at most 16 bytes";
		return RECORD_VIOLATION;
	}
	event = canon_find(members, count, STR("event"));
	return check_event(event->raw, ret_kind, ret_why) ? RECORD_OK : RECORD_VIOLATION;
}
