/* SPDX-License-Identifier: Apache-2.0 */
/* The record schema in C: what it lets through, what it refuses, and that the JSON Schema says the same. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "format/event.h"
#include "format/record_check.h"
#include "format/record_forms.h"

#define SCHEMA "docs/schemas/runtime-evidence-v1.json"

#define TOP(comm, event) "{\"comm\":" comm ",\"event\":" event ",\"pid\":1,\"src\":\"s\",\"ts_ns\":5}"
#define EVENT(event) TOP("\"c\"", event)
#define OPEN(more, type)                                                                                       \
	EVENT("{\"access\":\"read\"," more "\"flags\":0,\"mode\":0,\"path\":\"/\",\"type\":\"file_open\"" type \
	      "}")
#define EXEC(first, more) EVENT("{" first "\"filename\":\"f\",\"ppid\":0," more "\"type\":\"process_exec\"}")
#define TCP(daddr, dport, family, state)                                                                      \
	EVENT("{\"daddr\":\"" daddr "\",\"dport\":" dport ",\"family\":\"" family "\",\"new_state\":\"" state \
	      "\","                                                                                           \
	      "\"old_state\":\"CLOSE\",\"saddr\":\"::\",\"sport\":0,\"type\":\"tcp_state\"}")
#define CONNECT(result)                                                                               \
	EVENT("{\"addr\":\"::1\",\"family\":\"ipv6\",\"op\":\"accept\",\"port\":1,\"result\":" result \
	      ",\"type\":\"net_connect\"}")
#define PEER(first, family, more) \
	EVENT("{" first "\"family\":\"" family "\"," more "\"result\":0,\"type\":\"net_connect\"}")
#define CALLERS(list) \
	EVENT("{\"callers\":" list ",\"library\":\"l\",\"symbol\":\"s\",\"type\":\"function_call\"}")
#define EXIT(first, more) EVENT("{" first "\"ppid\":0," more "\"type\":\"process_exit\"}")
#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CONTAINER(id)                                                                                        \
	"{\"comm\":\"c\",\"container_id\":\"" id "\",\"event\":{\"access\":\"read\",\"flags\":0,\"mode\":0," \
	"\"path\":\"/\",\"type\":\"file_open\"},\"pid\":1,\"src\":\"s\",\"ts_ns\":5}"

static enum record_verdict check(const char *line, enum wire_kind *ret_kind, const char **ret_why)
{
	struct canon_member members[RECORD_MEMBERS_MAX];
	size_t count, offset;
	uint64_t ts_ns;

	if (canon_scan_object(str_of(line), members, ARRAY_LEN(members), &count, &offset) != CANON_OK)
		fail_msg("the sample is not canonical at %zu: %s", offset, line);
	return record_check(members, count, ret_kind, &ts_ns, ret_why);
}

static void good_records_pass(void **state)
{
	static const struct {
		const char *line;
		int kind;
	} samples[] = {
		{ OPEN("", ""), WIRE_KIND_FILE_OPEN },
		{ OPEN("\"b_new_member\":{\"x\":[1]},", ",\"zeta\":null"), WIRE_KIND_FILE_OPEN },
		{ OPEN("\"error\":\"EACCES\",", ""), WIRE_KIND_FILE_OPEN },
		{ EXEC("\"argv\":[],", ""), WIRE_KIND_PROCESS_EXEC },
		{ EXEC("\"argv_bytes\":9,\"argv_truncated\":true,", ""), WIRE_KIND_PROCESS_EXEC },
		{ TCP("10.0.0.1", "65535", "ipv4", "BOUND_INACTIVE"), WIRE_KIND_TCP_STATE },
		{ CONNECT("0"), WIRE_KIND_NET_CONNECT },
		{ CONNECT("\"ECONNREFUSED\""), WIRE_KIND_NET_CONNECT },
		{ CONNECT("\"E4095\""), WIRE_KIND_NET_CONNECT },
		{ PEER("", "unix", "\"op\":\"connect\","), WIRE_KIND_NET_CONNECT },
		{ PEER("\"abstract\":true,\"addr\":\"@\",", "unix", "\"op\":\"connect\","),
		  WIRE_KIND_NET_CONNECT },
		{ PEER("\"addr\":\"run/x\",\"addr_b64\":\"AA==\",", "unix", "\"op\":\"accept\","),
		  WIRE_KIND_NET_CONNECT },
		{ PEER("", "other", "\"family_number\":40,\"op\":\"connect\","), WIRE_KIND_NET_CONNECT },
		{ EXIT("\"exit_status\":255,", "\"started_ns\":1,"), WIRE_KIND_PROCESS_EXIT },
		{ EXIT("", "\"signal\":9,"), WIRE_KIND_PROCESS_EXIT },
		{ EVENT("{\"dev\":\"8:1\",\"inode\":1,\"path\":\"/l\",\"type\":\"library_load\"}"),
		  WIRE_KIND_LIBRARY_LOAD },
		{ EVENT("{\"dev\":\"8:1\",\"inode\":1,\"layer\":\"upper\",\"path\":\"/"
			"l\",\"type\":\"library_load\"}"),
		  WIRE_KIND_LIBRARY_LOAD },
		{ EVENT("{\"argv\":[],\"filename\":\"f\",\"interpreter_layer\":\"upper\",\"layer\":\"lower\","
			"\"ppid\":0,\"type\":\"process_exec\"}"),
		  WIRE_KIND_PROCESS_EXEC },
		{ EVENT("{\"bytes\":0,\"library\":\"l\",\"op\":\"write\",\"type\":\"ssl_op\"}"),
		  WIRE_KIND_SSL_OP },
		{ EVENT("{\"build_id\":\"0a\",\"library\":\"l\",\"symbol\":\"s\",\"type\":\"function_call\"}"),
		  WIRE_KIND_FUNCTION_CALL },
		{ CALLERS("[{\"dev\":\"8:1\",\"inode\":1,\"offset\":2}]"), WIRE_KIND_FUNCTION_CALL },
		{ CALLERS("[{\"build_id\":\"0a\",\"dev\":\"8:1\",\"inode\":1,\"library\":\"/"
			  "l\",\"new\":[],\"offset\":2,"
			  "\"symbol\":\"f\"},{\"dev\":\"0:1\",\"inode\":9,\"offset\":0}]"),
		  WIRE_KIND_FUNCTION_CALL },
		{ EVENT("{\"library\":\"l\",\"symbol\":\"s\",\"type\":\"function_call\"}"),
		  WIRE_KIND_FUNCTION_CALL },
		{ EVENT("{\"op\":\"create\",\"path\":\"/a\",\"type\":\"cgroup\"}"), WIRE_KIND_CGROUP },
		{ EVENT("{\"at_start\":true,\"op\":\"attach\",\"path\":\"/\",\"path_b64\":\"Lw==\","
			"\"path_truncated\":true,\"type\":\"cgroup\"}"),
		  WIRE_KIND_CGROUP },
		{ CONTAINER("cri-o://" HEX64), WIRE_KIND_FILE_OPEN },
		{ TOP("\"\\\"\\\\\\u0001\\n456789abcdef\"",
		      "{\"access\":\"read\",\"flags\":0,\"mode\":0,\"path\":\"/\","
		      "\"type\":\"file_open\"}"),
		  WIRE_KIND_FILE_OPEN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		enum wire_kind kind = WIRE_KIND_END;
		const char *why;

		if (check(samples[i].line, &kind, &why) != RECORD_OK)
			fail_msg("%s: %s", why, samples[i].line);
		assert_null(why);
		assert_int_equal(kind, samples[i].kind);
	}
}

static const struct {
	const char *line, *why; /* how the sentence begins */
} bad[] = {
	{ "{}", "comm is missing" },
	{ "{\"comm\":\"c\",\"event\":{},\"pid\":1,\"src\":\"s\"}", "ts_ns is missing" },
	{ "{\"comm\":\"c\",\"event\":{},\"pid\":1,\"ts_ns\":1}", "src is missing" },
	{ EVENT("{}"), "event.type" },
	{ EVENT("{\"type\":1}"), "event.type" },
	{ EVENT("{\"type\":\"file_opens\"}"), "event.type" },
	{ EVENT("[]"), "event" },
	{ EVENT("\"file_open\""), "event" },
	{ "{\"comm\":\"c\",\"event\":{},\"pid\":0,\"src\":\"s\",\"ts_ns\":1}", "pid is no" },
	{ "{\"comm\":\"c\",\"event\":{},\"pid\":-1,\"src\":\"s\",\"ts_ns\":1}", "pid is no" },
	{ "{\"comm\":\"c\",\"event\":{},\"pid\":4294967296,\"src\":\"s\",\"ts_ns\":1}", "pid is no" },
	{ "{\"comm\":\"c\",\"event\":{},\"pid\":\"1\",\"src\":\"s\",\"ts_ns\":1}", "pid is no" },
	{ "{\"comm\":\"c\",\"event\":{},\"pid\":1,\"src\":\"\",\"ts_ns\":1}", "src" },
	{ "{\"comm\":\"c\",\"event\":{},\"pid\":1,\"src\":\"s\",\"ts_ns\":18446744073709551616}", "ts_ns" },
	{ "{\"comm\":\"c\",\"count\":0,\"event\":{},\"pid\":1,\"src\":\"s\",\"ts_ns\":1}", "count" },
	{ "{\"comm\":\"c\",\"event\":{},\"pid\":1,\"src\":\"s\",\"tid\":null,\"ts_ns\":1}", "tid" },
	{ TOP("null", "{}"), "comm" },
	{ TOP("\"seventeen bytes..\"", "{}"), "comm" },
	{ TOP("\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9.\"", "{}"), "comm" },
	{ OPEN("\"deleted\":1,", ""), "deleted" },
	{ OPEN("\"dev\":\"8\",", ""), "dev" },
	{ OPEN("\"dev\":\"8:\",", ""), "dev" },
	{ OPEN("\"dev\":\":1\",", ""), "dev" },
	{ OPEN("\"dev\":\"8:1:1\",", ""), "dev" },
	{ OPEN("\"error\":\"13\",", ""), "error" },
	{ OPEN("", ",\"unreachable\":\"true\""), "unreachable" },
	{ EVENT("{\"access\":\"append\",\"flags\":0,\"mode\":0,\"path\":\"/\",\"type\":\"file_open\"}"),
	  "access" },
	{ EVENT("{\"flags\":0,\"mode\":0,\"path\":\"/\",\"type\":\"file_open\"}"), "access is missing" },
	{ EVENT("{\"access\":\"read\",\"flags\":0,\"mode\":0,\"path\":\"etc\",\"type\":\"file_open\"}"),
	  "path" },
	{ EVENT("{\"access\":\"read\",\"flags\":0,\"mode\":0,\"path\":\"\",\"type\":\"file_open\"}"), "path" },
	{ EVENT("{\"access\":\"read\",\"flags\":-1,\"mode\":0,\"path\":\"/\",\"type\":\"file_open\"}"),
	  "flags" },
	{ EVENT("{\"access\":\"read\",\"flags\":0,\"mode\":0,\"path\":\"/\",\"path_b64\":\"L/"
		"8\",\"type\":\"file_open\"}"),
	  "path_b64" },
	{ EVENT("{\"access\":\"read\",\"flags\":0,\"mode\":0,\"path\":\"/"
		"\",\"path_b64\":\"=AAA\",\"type\":\"file_open\"}"),
	  "path_b64" },
	{ EXEC("", ""), "argv is missing" },
	{ EXEC("\"argv_truncated\":false,", ""), "argv is missing" },
	{ EXEC("\"argv\":[1],", ""), "argv" },
	{ EXEC("\"argv\":[\"a\",[\"b\"]],", ""), "argv" },
	{ EXEC("\"argv\":{},", ""), "argv" },
	{ EXEC("\"argv\":[],\"argv_b64\":[\"*\"],", ""), "argv_b64" },
	{ EXEC("\"argv\":[],\"argv_bytes\":\"1\",", ""), "argv_bytes" },
	{ TCP("10.0.0.1", "65536", "ipv4", "CLOSE"), "dport" },
	{ TCP("10.0.0.1", "1", "ipv5", "CLOSE"), "family" },
	{ TCP("10.0.0.1", "1", "ipv4", "close"), "new_state" },
	{ TCP("", "1", "ipv4", "CLOSE"), "daddr" },
	{ TCP("FE80::1", "1", "ipv6", "CLOSE"), "daddr" },
	{ CONNECT("1"), "result" },
	{ CONNECT("\"refused\""), "result" },
	{ CONNECT("null"), "result" },
	{ PEER("", "ipv4", "\"op\":\"connect\",\"port\":1,"), "addr is missing" },
	{ PEER("\"addr\":\"/run/x\",", "ipv4", "\"op\":\"connect\",\"port\":1,"), "addr is no address" },
	{ PEER("\"addr\":\"::1\",", "ipv6", "\"op\":\"connect\","), "port is missing" },
	{ PEER("\"addr\":\"/x\",", "unix", "\"op\":\"connect\",\"port\":0,"), "port is there" },
	{ PEER("", "unix", "\"family_number\":1,\"op\":\"connect\","), "family_number" },
	{ PEER("", "other", "\"op\":\"connect\","), "family_number" },
	{ PEER("\"addr\":\"x\",", "other", "\"family_number\":40,\"op\":\"connect\","), "only a Unix socket" },
	{ PEER("\"abstract\":true,\"addr\":\"::1\",", "ipv6", "\"op\":\"connect\",\"port\":0,"),
	  "only a Unix socket" },
	{ PEER("", "netlink", "\"op\":\"connect\","), "family" },
	{ PEER("", "unix", ""), "op is missing" },
	{ EVENT("{\"family\":\"unix\",\"op\":\"connect\",\"result\":0,\"socket_type\":\"tcp\",\"type\":"
		"\"net_connect\"}"),
	  "socket_type" },
	{ EXIT("", ""), "a process ends by" },
	{ EXIT("\"exit_status\":0,", "\"signal\":9,"), "a process ends by" },
	{ EXIT("\"exit_status\":256,", ""), "exit_status" },
	{ EXIT("", "\"signal\":0,"), "signal" },
	{ EVENT("{\"exit_status\":0,\"type\":\"process_exit\"}"), "ppid is missing" },
	{ EVENT("{\"at_start\":1,\"dev\":\"8:1\",\"inode\":1,\"path\":\"/l\",\"type\":\"library_load\"}"),
	  "at_start" },
	{ EVENT("{\"dev\":\"8:1\",\"inode\":1,\"layer\":\"middle\",\"path\":\"/l\",\"type\":\"library_load\"}"),
	  "layer" },
	{ EVENT("{\"access\":\"read\",\"flags\":0,\"layer\":true,\"mode\":0,\"path\":\"/"
		"\",\"type\":\"file_open\"}"),
	  "layer" },
	{ EVENT("{\"argv\":[],\"filename\":\"f\",\"interpreter_layer\":\"\",\"ppid\":0,\"type\":\"process_"
		"exec\"}"),
	  "interpreter_layer" },
	{ CALLERS("[]"), "callers" },
	{ CALLERS("{}"), "callers" },
	{ CALLERS("1"), "callers" },
	{ CALLERS("[1]"), "callers" },
	{ CALLERS("[{}]"), "callers" },
	{ CALLERS("[{\"dev\":\"8:1\",\"inode\":1}]"), "callers" },
	{ CALLERS("[{\"dev\":\"8\",\"inode\":1,\"offset\":2}]"), "callers" },
	{ CALLERS("[{\"dev\":\"8:1\",\"inode\":-1,\"offset\":2}]"), "callers" },
	{ CALLERS("[{\"dev\":\"8:1\",\"inode\":1,\"offset\":2,\"symbol\":\"\"}]"), "callers" },
	{ CALLERS("[{\"build_id\":\"0A\",\"dev\":\"8:1\",\"inode\":1,\"offset\":2}]"), "callers" },
	{ CALLERS("[{\"dev\":\"8:1\",\"inode\":1,\"library\":1,\"offset\":2}]"), "callers" },
	{ CALLERS("[{\"dev\":\"8:1\",\"inode\":1,\"offset\":2},[]]"), "callers" },
	{ CALLERS("[{\"dev\":\"8:1\",\"inode\":1,\"offset\":2},{\"dev\":\"8:1\",\"inode\":1,\"offset\":2},{"
		  "\"dev\":\"8:1\",\"inode\":1,\"offset\":2}]"),
	  "callers" },
	{ CONTAINER("docker://" HEX64 "0"), "container_id" },
	{ CONTAINER("rkt://" HEX64), "container_id" },
	{ CONTAINER("docker://0123456789ABCDEF"), "container_id" },
};

static void bad_records_are_refused_each_for_its_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		enum wire_kind kind = WIRE_KIND_END;
		const char *why = NULL;

		if (check(bad[i].line, &kind, &why) != RECORD_VIOLATION)
			fail_msg("passed: %s", bad[i].line);
		if (!why || strncmp(why, bad[i].why, strlen(bad[i].why)) != 0)
			fail_msg("\"%s\", not \"%s\": %s", why ? why : "NULL", bad[i].why, bad[i].line);
		assert_int_equal(kind, 0);
	}
}

/* A known member cannot hide behind any number of unknown ones, nor behind one that sorts oddly. */
static void known_members_cannot_hide(void **state)
{
	_cleanup_(buf_done) struct buf line = BUF_MAX(1u << 20);
	enum wire_kind kind;
	const char *why;

	(void)state;
	assert_int_equal(
		buf_printf(
			&line,
			"{\"comm\":\"c\",\"event\":{\"access\":\"read\",\"flags\":0,\"mode\":0,\"path\":\"/\""),
		0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf_printf(&line, ",\"q%04d\":0", i), 0);
	assert_int_equal(
		buf_printf(&line,
			   ",\"type\":\"file_open\",\"unreachable\":0},\"pid\":1,\"src\":\"s\",\"ts_ns\":1}"),
		0);
	assert_int_equal(check(buf_cstr(&line), &kind, &why), RECORD_VIOLATION);
	assert_string_equal(why, "unreachable is neither true nor false");
	/* "\r" sorts first by value, as text its backslash sorts behind "Z". */
	assert_int_equal(check(OPEN("", ""), &kind, &why), RECORD_OK);
	assert_int_equal(
		check("{\"\\r\":1,\"comm\":1,\"event\":{},\"pid\":1,\"src\":\"s\",\"ts_ns\":1}", &kind, &why),
		RECORD_VIOLATION);
	assert_string_equal(why, "comm is no string of at most 16 bytes");
}

static void too_many_members_are_refused(void **state)
{
	struct canon_member members[RECORD_MEMBERS_MAX] = { 0 };
	enum wire_kind kind;
	const char *why;
	uint64_t ts_ns;

	(void)state;
	assert_int_equal(record_check(members, RECORD_MEMBERS_MAX + 1, &kind, &ts_ns, &why), RECORD_VIOLATION);
	assert_int_equal(record_check(members, 0, &kind, &ts_ns, &why), RECORD_VIOLATION);
}

/* ---- the JSON Schema says the same ---- */

static json_t *schema_load(void)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(1u << 20);
	struct diag diag = { 0 };
	json_error_t error;
	json_t *schema;

	assert_int_equal(file_read_at(AT_FDCWD, SCHEMA, &text, &diag), 0);
	schema = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
	if (!schema)
		fail_msg("%s: %s", SCHEMA, error.text);
	return schema;
}

static const char *text_at(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void same_words(json_t *property, const char *const *words)
{
	json_t *list = json_object_get(property, "enum");
	size_t n = 0;

	if (!list) {
		assert_string_equal(text_at(property, "const"), words[0]);
		assert_null(words[1]);
		return;
	}
	for (; words[n]; n++)
		assert_string_equal(json_string_value(json_array_get(list, n)), words[n]);
	assert_int_equal(json_array_size(list), n);
}

static void same_range(json_t *property, const struct record_member *row)
{
	json_t *max = json_object_get(property, "maximum");

	assert_string_equal(text_at(property, "type"), "integer");
	assert_int_equal(json_integer_value(json_object_get(property, "minimum")), row->min);
	assert_int_equal(max != NULL, row->max != UINT64_MAX);
	if (max)
		assert_int_equal(json_integer_value(max), row->max);
}

static void same_member(json_t *property, const struct record_member *row)
{
	switch (row->form) {
	case FORM_TEXT:
		break;
	case FORM_WORD:
		same_words(property, row->words);
		return;
	case FORM_INTEGER:
		same_range(property, row);
		return;
	case FORM_BOOL:
		assert_string_equal(text_at(property, "type"), "boolean");
		return;
	case FORM_SHORT:
		assert_int_equal(json_integer_value(json_object_get(property, "maxLength")), row->max);
		break;
	case FORM_PATTERN:
		if (strcmp(row->pattern, PATTERN_NOT_EMPTY) == 0)
			assert_int_equal(json_integer_value(json_object_get(property, "minLength")), 1);
		else
			assert_string_equal(text_at(property, "pattern"), row->pattern);
		break;
	case FORM_BASE64:
		assert_string_equal(text_at(property, "$ref"), "#/$defs/base64");
		return;
	case FORM_TEXTS:
		assert_string_equal(text_at(property, "type"), "array");
		assert_string_equal(text_at(json_object_get(property, "items"), "type"), "string");
		return;
	case FORM_BASE64S:
		assert_string_equal(text_at(json_object_get(property, "items"), "$ref"), "#/$defs/base64");
		return;
	case FORM_RESULT:
		property = json_array_get(json_object_get(property, "oneOf"), 1);
		assert_string_equal(text_at(property, "pattern"), row->pattern);
		break;
	case FORM_OBJECTS:
		assert_string_equal(text_at(property, "type"), "array");
		assert_int_equal(json_integer_value(json_object_get(property, "minItems")), 1);
		assert_int_equal(json_integer_value(json_object_get(property, "maxItems")), row->max);
		assert_string_equal(text_at(json_object_get(property, "items"), "$ref"), "#/$defs/caller");
		assert_ptr_equal(row->of, &record_caller);
		return;
	case FORM_EVENT:
		assert_string_equal(text_at(property, "type"), "object");
		assert_int_equal(json_array_size(json_object_get(property, "oneOf")), record_n_types);
		return;
	}
	assert_string_equal(text_at(property, "type"), "string");
}

static bool is_required(json_t *schema, struct str name)
{
	json_t *required = json_object_get(schema, "required"), *value;
	size_t i;

	json_array_foreach (required, i, value)
		if (str_equal(str_of(json_string_value(value)), name))
			return true;
	return false;
}

static void same_type(json_t *schema, const struct record_type *type)
{
	json_t *properties = json_object_get(schema, "properties");
	size_t required = 0, excused = 0;

	assert_string_equal(text_at(schema, "type"), "object");
	assert_int_equal(json_object_size(properties), type->n_members);
	for (size_t i = 0; i < type->n_members; i++) {
		const struct record_member *row = &type->members[i];
		json_t *property = json_object_get(properties, row->name.data);

		if (!property)
			fail_msg("%s is not in the schema", row->name.data);
		assert_true(i == 0 || strcmp(type->members[i - 1].name.data, row->name.data) < 0);
		same_member(property, row);
		assert_int_equal(is_required(schema, row->name), row->required && !row->excuse);
		required += row->required && !row->excuse;
		excused += row->excuse != NULL;
	}
	assert_int_equal(json_array_size(json_object_get(schema, "required")), required);
	assert_int_equal(json_object_get(schema, "anyOf") != NULL, excused);
	assert_int_equal(json_object_get(schema, "oneOf") || json_object_get(schema, "allOf"),
			 type->rule != NULL);
}

static void the_schema_says_the_same(void **state)
{
	json_t *schema = schema_load(), *defs = json_object_get(schema, "$defs");

	(void)state;
	assert_string_equal(text_at(schema, "$id"), "https://stella-ops.io/schemas/runtime-evidence/v1.json");
	assert_string_equal(text_at(schema, "$schema"), "https://json-schema.org/draft/2020-12/schema");
	assert_string_equal(text_at(json_object_get(defs, "base64"), "pattern"), PATTERN_BASE64);
	assert_int_equal(json_object_size(defs), record_n_types + 2);
	same_type(json_object_get(defs, "caller"), &record_caller);
	same_type(schema, &record_top);
	for (size_t i = 0; i < record_n_types; i++)
		same_type(json_object_get(defs, record_types[i].name.data), &record_types[i]);
	json_decref(schema);
}

/* The border's kinds and the kernel's state names stand in the tables too. */
static void the_tables_know_what_we_produce(void **state)
{
	const struct record_type *tcp = record_types;

	(void)state;
	while (!str_equal(tcp->name, STR("tcp_state")))
		tcp++;
	for (unsigned int kind = 1; kind < WIRE_KIND_END; kind++) {
		size_t found = 0;

		for (size_t i = 0; i < record_n_types; i++)
			found += str_equal(record_types[i].name, str_of(event_kind_name((enum wire_kind)kind)));
		assert_int_equal(found, 1);
	}
	assert_int_equal(record_n_types, WIRE_KIND_END - 1);
	for (size_t i = 0; i < tcp->n_members; i++) {
		const struct record_member *row = &tcp->members[i];
		uint8_t number = 1;

		if (!str_equal(row->name, STR("new_state")) && !str_equal(row->name, STR("old_state")))
			continue;
		for (; row->words[number - 1]; number++)
			assert_string_equal(row->words[number - 1], event_tcp_state_name(number));
		assert_null(event_tcp_state_name(number));
		assert_int_equal(number, 14);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_records_pass),
		cmocka_unit_test(bad_records_are_refused_each_for_its_reason),
		cmocka_unit_test(known_members_cannot_hide),
		cmocka_unit_test(too_many_members_are_refused),
		cmocka_unit_test(the_schema_says_the_same),
		cmocka_unit_test(the_tables_know_what_we_produce),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
