// SPDX-License-Identifier: Apache-2.0

/*
 * The record schema as tables: which members each type has, in canonical order, and what no single member can say. The
 * walk that holds a line against them is in record_check.c. Owns nothing.
 */

#include "format/record_check.h"

#include "base/cleanup.h"
#include "format/event.h"
#include "format/record_forms.h"

#define ROW(text, kind, ...)                                                                            \
	{                                                                                               \
		.name = { text, sizeof(text) - 1 }, .form = FORM_##kind, .missing = text " is missing", \
		__VA_ARGS__                                                                             \
	}
#define REQUIRED .required = true
#define WRONG(sentence) .wrong = sentence
#define INTEGER(text, low, high, ...)                   \
	ROW(text, INTEGER, .min = (low), .max = (high), \
	    .wrong = text " is no integer from " #low " to " #high, ##__VA_ARGS__)
#define COUNT(text, ...)                                                                              \
	ROW(text, INTEGER, .max = UINT64_MAX, .wrong = text " is no integer of 64 bits without sign", \
	    ##__VA_ARGS__)
#define BOOL(text) ROW(text, BOOL, .wrong = text " is neither true nor false")
#define EXACT(text) \
	ROW(text, BASE64, .pattern = PATTERN_BASE64, .matches = form_base64, .wrong = text " is no base64")
#define PATTERN(text, NAME, function, sentence, ...)                                               \
	ROW(text, PATTERN, .pattern = PATTERN_##NAME, .matches = function, .wrong = text sentence, \
	    ##__VA_ARGS__)
#define ABSOLUTE(text, ...) PATTERN(text, ABSOLUTE, form_absolute, " is no absolute path", ##__VA_ARGS__)
#define NAME(text, ...) PATTERN(text, NOT_EMPTY, form_not_empty, " is no string, or empty", ##__VA_ARGS__)
#define DEV_AS(text, ...) PATTERN(text, DEV, form_dev, " is not MAJOR:MINOR", ##__VA_ARGS__)
#define DEV(...) DEV_AS("dev", ##__VA_ARGS__)
#define ADDRESS(text, ...) PATTERN(text, ADDRESS, form_address, " is no address", ##__VA_ARGS__)
#define BUILD_ID(...) PATTERN("build_id", BUILD_ID, form_build_id, " is no lower-case hex", ##__VA_ARGS__)
#define PORT(text, ...) INTEGER(text, 0, 65535, ##__VA_ARGS__)
#define KNOWN_WORDS(text, list, ...) \
	ROW(text, WORD, .words = list, .wrong = text " is none of the values of the schema", ##__VA_ARGS__)
#define WORDS(text, list) KNOWN_WORDS(text, list, REQUIRED)

static const char *const accesses[] = { "read", "write", "read_write", NULL };
static const char *const layers[] = { "lower", "upper", NULL };
static const char *const families[] = { "ipv4", "ipv6", NULL };
static const char *const connect_families[] = { "ipv4", "ipv6", "unix", "other", NULL };
static const char *const socket_types[] = {
	"stream", "dgram", "raw", "rdm", "seqpacket", "dccp", "packet", NULL
};
static const char *const connect_ops[] = { "connect", "accept", NULL };
static const char *const ssl_ops[] = { "read", "write", NULL };
static const char *const cgroup_ops[] = { "create", "remove", "attach", NULL };
static const char *const tcp_states[] = { "ESTABLISHED",    "SYN_SENT",	 "SYN_RECV", "FIN_WAIT1",
					  "FIN_WAIT2",	    "TIME_WAIT", "CLOSE",    "CLOSE_WAIT",
					  "LAST_ACK",	    "LISTEN",	 "CLOSING",  "NEW_SYN_RECV",
					  "BOUND_INACTIVE", NULL };

#define TYPE(name) \
	ROW("type", WORD, .words = (const char *const[]) { name, NULL }, WRONG("type is wrong"), REQUIRED)

static const struct record_member top[] = {
	COUNT("cgroup_id"),
	ROW("comm", SHORT, .max = WIRE_COMM, WRONG("comm is no string of at most 16 bytes"), REQUIRED),
	EXACT("comm_b64"),
	PATTERN("container_id", CONTAINER_ID, form_container_id,
		" is no ENGINE://ID of an engine of the schema"),
	ROW("count", INTEGER, .min = 1, .max = UINT64_MAX, WRONG("count is no integer from 1")),
	ROW("event", EVENT, WRONG("event is no object"), REQUIRED),
	PATTERN("image_digest", IMAGE_DIGEST, form_image_digest, " is no sha256:HEX"),
	COUNT("last_ts_ns"),
	PATTERN("nested_container_id", CONTAINER_ID, form_container_id,
		" is no ENGINE://ID of an engine of the schema"),
	INTEGER("ns_pid", 1, 4294967295),
	INTEGER("pid", 1, 4294967295, REQUIRED),
	NAME("src", REQUIRED),
	INTEGER("tid", 1, 4294967295),
	COUNT("ts_ns", REQUIRED),
};

static const struct record_member file_open[] = {
	WORDS("access", accesses),
	BOOL("deleted"),
	DEV(),
	PATTERN("error", ERRNO, form_errno, " is no errno name"),
	INTEGER("flags", 0, 4294967295, REQUIRED),
	COUNT("inode"),
	KNOWN_WORDS("layer", layers),
	INTEGER("mode", 0, 4294967295, REQUIRED),
	ABSOLUTE("path", REQUIRED),
	EXACT("path_b64"),
	COUNT("path_bytes"),
	BOOL("path_only"),
	BOOL("path_truncated"),
	ROW("requested", TEXT, WRONG("requested is no string")),
	EXACT("requested_b64"),
	TYPE("file_open"),
	BOOL("unreachable"),
};

static const struct record_member process_exec[] = {
	ROW("argv", TEXTS, WRONG("argv is no array of strings"), REQUIRED, .excuse = "argv_truncated"),
	ROW("argv_b64", BASE64S, .pattern = PATTERN_BASE64, .matches = form_base64,
	    WRONG("argv_b64 is no array of base64")),
	COUNT("argv_bytes"),
	BOOL("argv_truncated"),
	BOOL("at_start"),
	BOOL("deleted"),
	DEV(),
	NAME("filename", REQUIRED),
	EXACT("filename_b64"),
	COUNT("inode"),
	NAME("interpreter"),
	EXACT("interpreter_b64"),
	DEV_AS("interpreter_dev"),
	COUNT("interpreter_inode"),
	KNOWN_WORDS("interpreter_layer", layers),
	KNOWN_WORDS("layer", layers),
	COUNT("path_bytes"),
	BOOL("path_truncated"),
	INTEGER("ppid", 0, 4294967295, REQUIRED),
	ROW("requested", TEXT, WRONG("requested is no string")),
	EXACT("requested_b64"),
	TYPE("process_exec"),
	BOOL("unreachable"),
};

_Static_assert(ARRAY_LEN(process_exec) <= RECORD_ROWS_MAX, "the walk has a bit for each row");

static const struct record_member tcp_state[] = {
	BOOL("at_start"),	    ADDRESS("daddr", REQUIRED),	    PORT("dport", REQUIRED),
	WORDS("family", families),  WORDS("new_state", tcp_states), WORDS("old_state", tcp_states),
	ADDRESS("saddr", REQUIRED), PORT("sport", REQUIRED),	    TYPE("tcp_state"),
};

static const struct record_member process_exit[] = {
	INTEGER("exit_status", 0, 255), INTEGER("ppid", 0, 4294967295, REQUIRED),
	INTEGER("signal", 1, 127),	COUNT("started_ns"),
	TYPE("process_exit"),
};

static const struct record_member library_load[] = {
	BOOL("at_start"),
	BUILD_ID(),
	BOOL("deleted"),
	DEV(REQUIRED),
	COUNT("inode", REQUIRED),
	KNOWN_WORDS("layer", layers),
	ABSOLUTE("path", REQUIRED),
	EXACT("path_b64"),
	COUNT("path_bytes"),
	BOOL("path_truncated"),
	TYPE("library_load"),
	BOOL("unreachable"),
};

static const struct record_member net_connect[] = {
	BOOL("abstract"),
	ROW("addr", TEXT, WRONG("addr is no string")),
	EXACT("addr_b64"),
	WORDS("family", connect_families),
	INTEGER("family_number", 0, 65535),
	WORDS("op", connect_ops),
	PORT("port"),
	ROW("result", RESULT, .pattern = PATTERN_ERRNO, .matches = form_errno,
	    WRONG("result is neither 0 nor an errno name"), REQUIRED),
	KNOWN_WORDS("socket_type", socket_types),
	TYPE("net_connect"),
};

static const struct record_member ssl_op[] = {
	COUNT("bytes", REQUIRED), NAME("library", REQUIRED), EXACT("library_b64"), WORDS("op", ssl_ops),
	TYPE("ssl_op"),
};

static const struct record_member caller[] = {
	BUILD_ID(),	 DEV(REQUIRED),	       COUNT("inode", REQUIRED),
	NAME("library"), EXACT("library_b64"), COUNT("offset", REQUIRED),
	NAME("symbol"),	 EXACT("symbol_b64"),
};

const struct record_type record_caller = { { NULL, 0 }, caller, ARRAY_LEN(caller), NULL };

/* The contract names build_id among the required; a file that has none, or none that could be read, has none here. */
static const struct record_member function_call[] = {
	BUILD_ID(),
	ROW("callers", OBJECTS, .of = &record_caller, .max = WIRE_CALLERS,
	    WRONG("callers is no array of 1 or 2 places in files")),
	NAME("library", REQUIRED),
	EXACT("library_b64"),
	COUNT("offset"),
	NAME("purl"),
	EXACT("purl_b64"),
	NAME("symbol", REQUIRED),
	EXACT("symbol_b64"),
	TYPE("function_call"),
};

static const struct record_member cgroup[] = {
	BOOL("at_start"),  WORDS("op", cgroup_ops), ABSOLUTE("path", REQUIRED),
	EXACT("path_b64"), BOOL("path_truncated"),  TYPE("cgroup"),
};

/* ---- what no single member can say ---- */

static struct str inside(const struct canon_value *value)
{
	return (struct str) { value->raw.data + 1, value->raw.len - 2 };
}

static bool event_find(struct str object, struct str key, struct canon_value *ret_value)
{
	struct canon_member member;

	while (canon_member_next(&object, &member)) {
		if (str_equal(member.key, key)) {
			*ret_value = member.value;
			return true;
		}
	}
	return false;
}

static bool event_has(struct str object, const char *key)
{
	struct canon_value value;

	return event_find(object, str_of(key), &value);
}

static bool one_end(struct str object, const char **ret_why)
{
	if (event_has(object, "exit_status") != event_has(object, "signal"))
		return true;
	*ret_why = "a process ends by an exit_status or by a signal";
	return false;
}

/* An IP family has an address and a port, a Unix socket may have a name, of another family the number is known. */
static bool peer_fits(struct str object, const char **ret_why)
{
	struct canon_value family, addr;
	bool ip, has_addr = event_find(object, STR("addr"), &addr);

	event_find(object, STR("family"), &family);
	ip = memcmp(inside(&family).data, "ip", 2) == 0;
	if (ip && !has_addr)
		*ret_why = "addr is missing";
	else if (ip && !form_address(inside(&addr)))
		*ret_why = "addr is no address";
	else if (event_has(object, "port") != ip)
		*ret_why = ip ? "port is missing" : "port is there, but the family has none";
	else if (event_has(object, "family_number") != str_equal(inside(&family), STR("other")))
		*ret_why = "family_number does not go with family";
	else if (!str_equal(inside(&family), STR("unix")) &&
		 (event_has(object, "abstract") || (has_addr && !ip)))
		*ret_why = "only a Unix socket has a name";
	else
		return true;
	return false;
}

#define RECORD_TYPE_WITH(table, rule)                                         \
	{                                                                     \
		{ #table, sizeof(#table) - 1 }, table, ARRAY_LEN(table), rule \
	}
#define RECORD_TYPE(table) RECORD_TYPE_WITH(table, NULL)

const struct record_type record_top = { { NULL, 0 }, top, ARRAY_LEN(top), NULL };

/* The commonest first: they are looked for in this order. */
const struct record_type record_types[] = {
	RECORD_TYPE(file_open),	   RECORD_TYPE(process_exec),  RECORD_TYPE_WITH(process_exit, one_end),
	RECORD_TYPE(library_load), RECORD_TYPE(tcp_state),     RECORD_TYPE_WITH(net_connect, peer_fits),
	RECORD_TYPE(ssl_op),	   RECORD_TYPE(function_call), RECORD_TYPE(cgroup),
};
const size_t record_n_types = ARRAY_LEN(record_types);
