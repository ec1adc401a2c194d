/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Event -> canonical line, on the hottest road of the collector: the room for the longest outcome is reserved once,
 * then bytes go straight to their place, members in the order that RFC 8785 wants. Promises the same bytes for the
 * same event everywhere (no printf, no locale, no libc address formatter). What is not UTF-8 never gets into a
 * string: U+FFFD stands for each bad byte, and the exact bytes beside it in base64. Owns nothing.
 */

#include "format/record.h"

#include <assert.h>

#include "base/text.h"
#include "format/address.h"

#define ONES 0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

/* Braces, keys, numbers and addresses of the longest record; texts come on top. */
#define FIXED_MAX 1024

#define PUT(p, literal) ((char *)memcpy((p), (literal), sizeof(literal) - 1) + sizeof(literal) - 1)

/* The keys of a text and of its exact bytes. */
struct text_key {
	struct str text, base64;
};

#define TEXT_KEY(name) ((struct text_key) { STR(",\"" name "\":"), STR(",\"" name "_b64\":\"") })

static const char escapes[0x80] = {
	['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\',
};

#define SOURCE_AND_TID(ENUM, name, kind, number) [WIRE_SOURCE_##ENUM] = STR(",\"src\":\"" name "\",\"tid\":"),
static const struct str source_texts[] = { WIRE_SOURCES(SOURCE_AND_TID) };

static char *put_str(char *p, struct str text)
{
	return (char *)memcpy(p, text.data, text.len) + text.len;
}

static char *put_u64(char *p, uint64_t value)
{
	return p + text_put_u64(p, value);
}

/* One byte below 0x80 that must not stand as it is, or may. */
static char *put_ascii(char *p, unsigned char c)
{
	if (escapes[c]) {
		*p++ = '\\';
		*p++ = escapes[c];
		return p;
	}
	if (c >= 0x20) {
		*p++ = (char)c;
		return p;
	}
	p = PUT(p, "\\u00");
	*p++ = (char)('0' + (c >> 4));
	*p++ = "0123456789abcdef"[c & 15];
	return p;
}

/* Quotes, escapes, U+FFFD for each byte that belongs to no UTF-8 sequence: *ret_bad is then set. */
static char *put_quoted(char *p, struct str text, bool *ret_bad)
{
	const unsigned char *at = (const unsigned char *)text.data, *end = at + text.len;

	*p++ = '"';
	while (at < end) {
		uint64_t word, quote, slash;
		size_t sequence;

		if (end - at >= 8) {
			memcpy(&word, at, 8);
			quote = word ^ (ONES * '"');
			slash = word ^ (ONES * '\\');
			if (!((((word - ONES * 0x20) & ~word) | ((quote - ONES) & ~quote) |
			       ((slash - ONES) & ~slash) | word) &
			      HIGHS)) {
				memcpy(p, &word, 8);
				p += 8;
				at += 8;
				continue;
			}
		}
		if (*at < 0x80) {
			p = put_ascii(p, *at++);
			continue;
		}
		sequence = text_utf8_sequence(at, (size_t)(end - at));
		if (sequence == 0) {
			*ret_bad = true;
			p = PUT(p, "\xef\xbf\xbd");
			at++;
			continue;
		}
		p = (char *)memcpy(p, at, sequence) + sequence;
		at += sequence;
	}
	*p++ = '"';
	return p;
}

/* What put_quoted and put_base64 together can need for it, keys aside. */
static size_t text_max(struct str text)
{
	return 6 * text.len + (text.len + 2) / 3 * 4 + 8;
}

static char *put_base64(char *p, struct buf *out, struct str bytes)
{
	int r;

	out->len = (size_t)(p - out->data);
	r = text_base64_append(out, bytes.data, bytes.len);
	assert(r == 0); /* the room is there */
	(void)r;
	return out->data + out->len;
}

static char *put_member(char *p, struct buf *out, struct text_key key, struct str text)
{
	bool bad = false;

	p = put_quoted(put_str(p, key.text), text, &bad);
	if (bad) {
		p = put_base64(put_str(p, key.base64), out, text);
		*p++ = '"';
	}
	return p;
}

static char *put_known_member(char *p, struct buf *out, struct text_key key, struct str text)
{
	return text.data ? put_member(p, out, key, text) : p;
}

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

/* Device and inode are the loaded file's: of a script that is the interpreter, and is named so. */
static char *put_process_exec(char *p, struct buf *out, const struct event_exec *exec)
{
	bool script = exec->interpreter.data;

	p = put_arguments(p, out, exec);
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

static char *put_tcp_state(char *p, const struct event_tcp *tcp)
{
	assert(tcp->family == 4 || tcp->family == 6);
	assert(event_tcp_state_name(tcp->old_state) && event_tcp_state_name(tcp->new_state));
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

static size_t record_max(const struct event *event)
{
	size_t max = FIXED_MAX + text_max(event->comm) + text_max(event->container_id) +
		     text_max(event->image_digest);
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
	default:
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
		p = put_process_exec(p, out, &event->exec);
		break;
	case WIRE_KIND_TCP_STATE:
		p = put_tcp_state(p, &event->tcp);
		break;
	case WIRE_KIND_PROCESS_EXIT:
	case WIRE_KIND_LIBRARY_LOAD:
	case WIRE_KIND_NET_CONNECT:
	case WIRE_KIND_SSL_OP:
	case WIRE_KIND_FUNCTION_CALL:
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
	p = put_event(p, out, event);
	p = put_known_member(p, out, TEXT_KEY("image_digest"), event->image_digest);
	p = put_u64(PUT(p, ",\"pid\":"), event->pid);
	p = put_u64(put_str(p, source_texts[event->source]), event->tid);
	p = put_u64(PUT(p, ",\"ts_ns\":"), event->boot_ns);
	p = PUT(p, "}\n");
	out->len = (size_t)(p - out->data);
	return 0;
}
