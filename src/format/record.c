/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Event -> canonical line, on the hottest road of the collector: the room for the longest outcome is reserved once,
 * then bytes go straight to their place, members in the order that RFC 8785 wants. Promises the same bytes for the
 * same event everywhere (no printf, no locale, no libc address formatter). What is not UTF-8 never gets into a
 * string: U+FFFD stands for each bad byte, and the exact bytes beside it in base64. Owns nothing.
 */

#include "format/record.h"

#include <assert.h>

#include "format/address.h"
#include "format/record_text.h"

/* Braces, keys, numbers and addresses of the longest record; texts come on top. */
#define FIXED_MAX 1024
/* Of each caller the same. */
#define CALLER_FIXED_MAX 256

#define SOURCE_AND_TID(ENUM, name, kind, number) [WIRE_SOURCE_##ENUM] = STR(",\"src\":\"" name "\",\"tid\":"),
static const struct str source_texts[] = { WIRE_SOURCES(SOURCE_AND_TID) };

/* MAJOR:MINOR and the quote behind it; the member's name is already there. */
static char *put_dev(char *p, uint32_t major, uint32_t minor)
{
	p = put_u64(p, major);
	*p++ = ':';
	p = put_u64(p, minor);
	*p++ = '"';
	return p;
}

/* How long a path is whose beginning is missing, where that is known. */
static char *put_path_bytes(char *p, bool truncated, uint32_t bytes)
{
	return truncated && bytes > 0 ? put_u64(PUT(p, ",\"path_bytes\":"), bytes) : p;
}

#define LOWER_OR_UPPER(layer) ((layer) == LAYER_UPPER ? STR("\"upper\"") : STR("\"lower\""))

static char *put_layer(char *p, enum event_layer layer)
{
	return layer == LAYER_UNKNOWN ? p : put_str(PUT(p, ",\"layer\":"), LOWER_OR_UPPER(layer));
}

static char *put_file_open(char *p, struct buf *out, const struct event_file_open *open)
{
	switch (open->access) {
	case ACCESS_READ:
		p = PUT(p, "\"access\":\"read\"");
		break;
	case ACCESS_WRITE:
		p = PUT(p, "\"access\":\"write\"");
		break;
	case ACCESS_READ_WRITE:
		p = PUT(p, "\"access\":\"read_write\"");
		break;
	}
	if (open->deleted)
		p = PUT(p, ",\"deleted\":true");
	p = put_dev(PUT(p, ",\"dev\":\""), open->dev_major, open->dev_minor);
	p = put_u64(PUT(p, ",\"flags\":"), open->flags);
	p = put_u64(PUT(p, ",\"inode\":"), open->inode);
	p = put_layer(p, open->layer);
	p = put_u64(PUT(p, ",\"mode\":"), open->mode);
	p = put_member(p, out, TEXT_KEY("path"), open->path);
	p = put_path_bytes(p, open->path_truncated, open->path_bytes);
	if (open->path_only)
		p = PUT(p, ",\"path_only\":true");
	if (open->path_truncated)
		p = PUT(p, ",\"path_truncated\":true");
	p = put_known_member(p, out, TEXT_KEY("requested"), open->requested);
	p = PUT(p, ",\"type\":\"file_open\"");
	if (open->unreachable)
		p = PUT(p, ",\"unreachable\":true");
	return p;
}

/* The boundaries are evidence: when one argument is not UTF-8, argv_b64 holds all of them, index by index. */
static char *put_argv(char *p, struct buf *out, const struct event_exec *exec)
{
	bool bad = false;
	size_t i;

	p = PUT(p, "\"argv\":[");
	for (i = 0; i < exec->argc; i++) {
		if (i > 0)
			*p++ = ',';
		p = put_quoted(p, exec->argv[i], &bad);
	}
	*p++ = ']';
	if (!bad)
		return p;
	p = PUT(p, ",\"argv_b64\":[");
	for (i = 0; i < exec->argc; i++) {
		if (i > 0)
			*p++ = ',';
		*p++ = '"';
		p = put_base64(p, out, exec->argv[i]);
		*p++ = '"';
	}
	*p++ = ']';
	return p;
}

/* Unknown arguments are not empty ones: argv is left out, argv_truncated says so, argv_bytes when it is known. */
static char *put_arguments(char *p, struct buf *out, const struct event_exec *exec)
{
	if (exec->argv_known) {
		p = put_argv(p, out, exec);
		if (exec->argv_truncated) {
			p = put_u64(PUT(p, ",\"argv_bytes\":"), exec->argv_bytes);
			p = PUT(p, ",\"argv_truncated\":true");
		}
		return p;
	}
	if (exec->argv_bytes > 0) {
		p = put_u64(PUT(p, "\"argv_bytes\":"), exec->argv_bytes);
		*p++ = ',';
	}
	return PUT(p, "\"argv_truncated\":true");
}

/* Device, inode and layer are the loaded file's: of a script that is the interpreter, and is named so. */
static char *put_process_exec(char *p, struct buf *out, const struct event *event)
{
	const struct event_exec *exec = &event->exec;
	bool script = exec->interpreter.data;

	p = put_arguments(p, out, exec);
	if (event->at_start)
		p = PUT(p, ",\"at_start\":true");
	if (exec->deleted)
		p = PUT(p, ",\"deleted\":true");
	if (!script)
		p = put_dev(PUT(p, ",\"dev\":\""), exec->dev_major, exec->dev_minor);
	p = put_member(p, out, TEXT_KEY("filename"), exec->filename);
	if (!script)
		p = put_u64(PUT(p, ",\"inode\":"), exec->inode);
	p = put_known_member(p, out, TEXT_KEY("interpreter"), exec->interpreter);
	if (script) {
		p = put_dev(PUT(p, ",\"interpreter_dev\":\""), exec->dev_major, exec->dev_minor);
		p = put_u64(PUT(p, ",\"interpreter_inode\":"), exec->inode);
		if (exec->layer != LAYER_UNKNOWN)
			p = put_str(PUT(p, ",\"interpreter_layer\":"), LOWER_OR_UPPER(exec->layer));
	} else {
		p = put_layer(p, exec->layer);
	}
	p = put_path_bytes(p, exec->path_truncated, exec->path_bytes);
	if (exec->path_truncated)
		p = PUT(p, ",\"path_truncated\":true");
	p = put_u64(PUT(p, ",\"ppid\":"), exec->ppid);
	p = put_known_member(p, out, TEXT_KEY("requested"), exec->requested);
	p = PUT(p, ",\"type\":\"process_exec\"");
	if (exec->unreachable)
		p = PUT(p, ",\"unreachable\":true");
	return p;
}

static char *put_address(char *p, uint8_t family, const uint8_t bytes[16])
{
	return family == 4 ? address_put_ipv4(p, bytes) : address_put_ipv6(p, bytes);
}

static char *put_tcp_state(char *p, const struct event *event)
{
	const struct event_tcp *tcp = &event->tcp;

	assert(tcp->family == 4 || tcp->family == 6);
	assert(event_tcp_state_name(tcp->old_state) && event_tcp_state_name(tcp->new_state));
	if (event->at_start)
		p = PUT(p, "\"at_start\":true,");
	p = put_address(PUT(p, "\"daddr\":\""), tcp->family, tcp->daddr);
	p = put_u64(PUT(p, "\",\"dport\":"), tcp->dport);
	p = PUT(p, ",\"family\":\"ipv");
	*p++ = (char)('0' + tcp->family);
	p = put_str(PUT(p, "\",\"new_state\":\""), str_of(event_tcp_state_name(tcp->new_state)));
	p = put_str(PUT(p, "\",\"old_state\":\""), str_of(event_tcp_state_name(tcp->old_state)));
	p = put_address(PUT(p, "\",\"saddr\":\""), tcp->family, tcp->saddr);
	p = put_u64(PUT(p, "\",\"sport\":"), tcp->sport);
	return PUT(p, ",\"type\":\"tcp_state\"");
}

/* A status or a signal, never both: the one that is not there did not end it. */
static char *put_process_exit(char *p, const struct event_exit *exit)
{
	if (exit->signal == 0)
		p = PUT(put_u64(PUT(p, "\"exit_status\":"), exit->exit_status), ",");
	p = put_u64(PUT(p, "\"ppid\":"), exit->ppid);
	if (exit->signal > 0)
		p = put_u64(PUT(p, ",\"signal\":"), exit->signal);
	if (exit->started_boot_ns > 0)
		p = put_u64(PUT(p, ",\"started_ns\":"), exit->started_boot_ns);
	return PUT(p, ",\"type\":\"process_exit\"");
}

static char *put_hex(char *p, struct str bytes)
{
	assert(bytes.len <= WIRE_BUILD_ID_MAX);
	text_hex((const uint8_t *)bytes.data, bytes.len, p);
	return p + 2 * bytes.len;
}

static char *put_library_load(char *p, struct buf *out, const struct event *event)
{
	const struct event_library *library = &event->library;

	if (event->at_start)
		p = PUT(p, "\"at_start\":true,");
	if (library->build_id.data)
		p = PUT(put_hex(PUT(p, "\"build_id\":\""), library->build_id), "\",");
	if (library->deleted)
		p = PUT(p, "\"deleted\":true,");
	p = put_dev(PUT(p, "\"dev\":\""), library->dev_major, library->dev_minor);
	p = put_u64(PUT(p, ",\"inode\":"), library->inode);
	p = put_layer(p, library->layer);
	p = put_member(p, out, TEXT_KEY("path"), library->path);
	p = put_path_bytes(p, library->path_truncated, library->path_bytes);
	if (library->path_truncated)
		p = PUT(p, ",\"path_truncated\":true");
	p = PUT(p, ",\"type\":\"library_load\"");
	if (library->unreachable)
		p = PUT(p, ",\"unreachable\":true");
	return p;
}

/* The address and the family that gives it its form. */
static char *put_peer(char *p, struct buf *out, const struct event_connect *connect)
{
	switch (connect->family) {
	case EVENT_AF_INET:
		p = address_put_ipv4(PUT(p, "\"addr\":\""), connect->addr);
		return PUT(p, "\",\"family\":\"ipv4\"");
	case EVENT_AF_INET6:
		p = address_put_ipv6(PUT(p, "\"addr\":\""), connect->addr);
		return PUT(p, "\",\"family\":\"ipv6\"");
	case EVENT_AF_UNIX:
		if (connect->abstract)
			p = PUT(p, "\"abstract\":true,");
		if (connect->path.data)
			p = PUT(put_member(p, out, TEXT_KEY_FIRST("addr"), connect->path), ",");
		return PUT(p, "\"family\":\"unix\"");
	default:
		return put_u64(PUT(p, "\"family\":\"other\",\"family_number\":"), connect->family);
	}
}

/* 0, or the errno's name; a number without one is named by itself. */
static char *put_result(char *p, int32_t result)
{
	const uint32_t number = (uint32_t)-result;
	const char *name = event_errno_name(number);

	assert(result <= 0);
	if (result == 0)
		return PUT(p, "0");
	*p++ = '"';
	p = name ? put_str(p, str_of(name)) : put_u64(PUT(p, "E"), number);
	*p++ = '"';
	return p;
}

static char *put_net_connect(char *p, struct buf *out, const struct event_connect *connect)
{
	p = put_peer(p, out, connect);
	p = connect->accept ? PUT(p, ",\"op\":\"accept\"") : PUT(p, ",\"op\":\"connect\"");
	if (event_family_is_ip(connect->family))
		p = put_u64(PUT(p, ",\"port\":"), connect->port);
	p = put_result(PUT(p, ",\"result\":"), connect->result);
	if (connect->socket_type != 0) {
		assert(event_socket_type_name(connect->socket_type));
		p = put_str(PUT(p, ",\"socket_type\":\""),
			    str_of(event_socket_type_name(connect->socket_type)));
		*p++ = '"';
	}
	return PUT(p, ",\"type\":\"net_connect\"");
}

static char *put_ssl_op(char *p, struct buf *out, const struct event_ssl *ssl)
{
	p = put_u64(PUT(p, "\"bytes\":"), ssl->bytes);
	p = put_member(p, out, TEXT_KEY("library"), ssl->library);
	p = ssl->write ? PUT(p, ",\"op\":\"write\"") : PUT(p, ",\"op\":\"read\"");
	return PUT(p, ",\"type\":\"ssl_op\"");
}

static char *put_caller(char *p, struct buf *out, const struct event_caller *caller)
{
	*p++ = '{';
	if (caller->build_id.data)
		p = PUT(put_hex(PUT(p, "\"build_id\":\""), caller->build_id), "\",");
	p = put_dev(PUT(p, "\"dev\":\""), caller->dev_major, caller->dev_minor);
	p = put_u64(PUT(p, ",\"inode\":"), caller->inode);
	p = put_known_member(p, out, TEXT_KEY("library"), caller->library);
	p = put_u64(PUT(p, ",\"offset\":"), caller->offset);
	p = put_known_member(p, out, TEXT_KEY("symbol"), caller->symbol);
	*p++ = '}';
	return p;
}

/* Those that are known; where none is, nothing. */
static char *put_callers(char *p, struct buf *out, const struct event_function *function)
{
	if (function->n_callers == 0)
		return p;
	p = PUT(p, "\"callers\":[");
	for (size_t i = 0; i < function->n_callers; i++) {
		if (i > 0)
			*p++ = ',';
		p = put_caller(p, out, &function->callers[i]);
	}
	return PUT(p, "],");
}

static char *put_function_call(char *p, struct buf *out, const struct event_function *function)
{
	if (function->build_id.data)
		p = PUT(put_hex(PUT(p, "\"build_id\":\""), function->build_id), "\",");
	p = put_callers(p, out, function);
	p = put_member(p, out, TEXT_KEY_FIRST("library"), function->library);
	p = put_u64(PUT(p, ",\"offset\":"), function->offset);
	p = put_known_member(p, out, TEXT_KEY("purl"), function->purl);
	p = put_member(p, out, TEXT_KEY("symbol"), function->symbol);
	return PUT(p, ",\"type\":\"function_call\"");
}

static char *put_cgroup(char *p, struct buf *out, const struct event *event)
{
	const struct event_cgroup *cgroup = &event->cgroup;

	if (event->at_start)
		p = PUT(p, "\"at_start\":true,");
	switch (cgroup->op) {
	case EVENT_CGROUP_CREATE:
		p = PUT(p, "\"op\":\"create\"");
		break;
	case EVENT_CGROUP_REMOVE:
		p = PUT(p, "\"op\":\"remove\"");
		break;
	case EVENT_CGROUP_ATTACH:
		p = PUT(p, "\"op\":\"attach\"");
		break;
	}
	p = put_member(p, out, TEXT_KEY("path"), cgroup->path);
	if (cgroup->path_truncated)
		p = PUT(p, ",\"path_truncated\":true");
	return PUT(p, ",\"type\":\"cgroup\"");
}

static size_t record_max(const struct event *event)
{
	size_t max = FIXED_MAX + text_max(event->comm) + text_max(event->container_id) +
		     text_max(event->image_digest) + text_max(event->nested_container_id);
	size_t i;

	switch (event->kind) {
	case WIRE_KIND_FILE_OPEN:
		max += text_max(event->open.path) + text_max(event->open.requested);
		break;
	case WIRE_KIND_PROCESS_EXEC:
		max += text_max(event->exec.filename) + text_max(event->exec.requested) +
		       text_max(event->exec.interpreter);
		for (i = 0; event->exec.argv_known && i < event->exec.argc; i++)
			max += text_max(event->exec.argv[i]);
		break;
	case WIRE_KIND_LIBRARY_LOAD:
		max += text_max(event->library.path);
		break;
	case WIRE_KIND_NET_CONNECT:
		max += text_max(event->connect.path);
		break;
	case WIRE_KIND_SSL_OP:
		max += text_max(event->ssl.library);
		break;
	case WIRE_KIND_FUNCTION_CALL:
		max += text_max(event->function.symbol) + text_max(event->function.library) +
		       text_max(event->function.purl);
		for (i = 0; i < event->function.n_callers; i++)
			max += CALLER_FIXED_MAX + text_max(event->function.callers[i].symbol) +
			       text_max(event->function.callers[i].library);
		break;
	case WIRE_KIND_CGROUP:
		max += text_max(event->cgroup.path);
		break;
	case WIRE_KIND_TCP_STATE:
	case WIRE_KIND_PROCESS_EXIT:
	case WIRE_KIND_END:
		break;
	}
	return max;
}

static char *put_event(char *p, struct buf *out, const struct event *event)
{
	p = PUT(p, ",\"event\":{");
	switch (event->kind) {
	case WIRE_KIND_FILE_OPEN:
		p = put_file_open(p, out, &event->open);
		break;
	case WIRE_KIND_PROCESS_EXEC:
		p = put_process_exec(p, out, event);
		break;
	case WIRE_KIND_TCP_STATE:
		p = put_tcp_state(p, event);
		break;
	case WIRE_KIND_PROCESS_EXIT:
		p = put_process_exit(p, &event->exit);
		break;
	case WIRE_KIND_LIBRARY_LOAD:
		p = put_library_load(p, out, event);
		break;
	case WIRE_KIND_NET_CONNECT:
		p = put_net_connect(p, out, &event->connect);
		break;
	case WIRE_KIND_SSL_OP:
		p = put_ssl_op(p, out, &event->ssl);
		break;
	case WIRE_KIND_FUNCTION_CALL:
		p = put_function_call(p, out, &event->function);
		break;
	case WIRE_KIND_CGROUP:
		p = put_cgroup(p, out, event);
		break;
	case WIRE_KIND_END:
		assert(false);
	}
	*p++ = '}';
	return p;
}

int record_append(struct buf *out, const struct event *event)
{
	static const struct text_key comm = { STR("\"comm\":"), STR(",\"comm_b64\":\"") };
	const size_t before = out->len;
	char *p;
	int r;

	assert(event_source_name(event->source));
	r = buf_reserve(out, record_max(event));
	if (r < 0)
		return r;
	p = out->data + before;
	*p++ = '{';
	if (event->cgroup_id != 0) {
		p = put_u64(PUT(p, "\"cgroup_id\":"), event->cgroup_id);
		*p++ = ',';
	}
	p = put_member(p, out, comm, event->comm);
	p = put_known_member(p, out, TEXT_KEY("container_id"), event->container_id);
	if (event->count > 1)
		p = put_u64(PUT(p, ",\"count\":"), event->count);
	p = put_event(p, out, event);
	p = put_known_member(p, out, TEXT_KEY("image_digest"), event->image_digest);
	if (event->count > 1)
		p = put_u64(PUT(p, ",\"last_ts_ns\":"), event->last_boot_ns);
	p = put_known_member(p, out, TEXT_KEY("nested_container_id"), event->nested_container_id);
	if (event->ns_pid != 0)
		p = put_u64(PUT(p, ",\"ns_pid\":"), event->ns_pid);
	p = put_u64(PUT(p, ",\"pid\":"), event->pid);
	p = put_u64(put_str(p, source_texts[event->source]), event->tid);
	p = put_u64(PUT(p, ",\"ts_ns\":"), event->boot_ns);
	p = PUT(p, "}\n");
	out->len = (size_t)(p - out->data);
	return 0;
}
