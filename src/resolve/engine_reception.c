// SPDX-License-Identifier: Apache-2.0
/*
 * Nothing that an engine sends is believed before it was looked at: the HTTP status and the content type before the body,
 * the flag and the length of a message before its bytes, and an answer counts only when the trailers gave it status 0.
 */

#include "resolve/engine_reception.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>

#include "base/text.h"
#include "resolve/engines.h"

#define HTTP_OK 200
#define NS_PER_S 1000000000u

/* https://github.com/grpc/grpc, doc/statuscodes.md */
enum grpc_status {
	STATUS_OK = 0,
	STATUS_DEADLINE_EXCEEDED = 4,
	STATUS_NOT_FOUND = 5,
	STATUS_PERMISSION_DENIED = 7,
	STATUS_UNIMPLEMENTED = 12,
	STATUS_UNAVAILABLE = 14,
	STATUS_UNAUTHENTICATED = 16,
};

uint64_t grpc_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

int grpc_call_is_over(const struct grpc_call *call)
{
	if (call->stop && atomic_load(call->stop))
		return -ECANCELED;
	if (call->deadline_ns != 0 && grpc_now_ns() >= call->deadline_ns)
		return -ETIMEDOUT;
	return 0;
}

/* Without a deadline an engine could keep us busy for ever: then it waits, by HTTP/2's own window. */
static int keep_pace(struct reception *in)
{
	static const struct timespec nap = { .tv_nsec = 20 * 1000000 };
	int r = 0;

	if (in->call->deadline_ns != 0)
		return 0;
	in->paced += 1 + (in->length >> 10);
	while (r == 0 && in->paced >= GRPC_PACE) {
		if (grpc_now_ns() - in->pace_from_ns >= NS_PER_S) {
			in->pace_from_ns = grpc_now_ns();
			in->paced = 0;
			break;
		}
		nanosleep(&nap, NULL);
		r = grpc_call_is_over(in->call);
	}
	return r;
}

static int not_grpc(const struct reception *in)
{
	return diag_error(in->diag, -EPROTO, "%s of %s: HTTP status %u%s, that is no gRPC", in->call->method,
			  in->socket, (unsigned int)in->http, in->is_grpc ? "" : " and another content type");
}

static int prefix_read(struct reception *in)
{
	const uint8_t *p = in->prefix;

	in->length = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
	if (p[0] != 0)
		return diag_error(in->diag, -EPROTO,
				  "%s of %s: a compressed message, though none was asked for", in->call->method,
				  in->socket);
	if (in->length > ENGINE_ANSWER_MAX)
		return diag_error(in->diag, -EPROTO, "%s of %s: a message of %zu bytes, at most %u are read",
				  in->call->method, in->socket, in->length, ENGINE_ANSWER_MAX);
	buf_clear(in->message);
	return 0;
}

static int message_done(struct reception *in)
{
	int r = in->each(in->user, buf_str(in->message));

	if (r > 0)
		in->enough = true;
	in->prefix_len = 0;
	return r != 0 ? r : keep_pace(in);
}

/* 0: all of it was taken in; else the reception ends. */
static int body_read(struct reception *in, struct str bytes)
{
	struct buf *message = in->message;
	int r;

	while (bytes.len > 0) {
		if (in->prefix_len < GRPC_PREFIX_LEN) {
			in->prefix[in->prefix_len++] = (uint8_t)*bytes.data;
			bytes = (struct str) { bytes.data + 1, bytes.len - 1 };
			r = in->prefix_len == GRPC_PREFIX_LEN ? prefix_read(in) : 0;
			if (r < 0)
				return r;
		}
		if (in->prefix_len == GRPC_PREFIX_LEN) {
			size_t n = in->length - message->len;

			n = n < bytes.len ? n : bytes.len;
			r = buf_append(message, bytes.data, n);
			bytes = (struct str) { bytes.data + n, bytes.len - n };
			if (r == 0 && message->len == in->length)
				r = message_done(in);
			if (r != 0)
				return r;
		}
	}
	return 0;
}

bool reception_body(struct reception *in, struct str bytes)
{
	int r = grpc_call_is_over(in->call);

	if (r == 0 && (in->http != HTTP_OK || !in->is_grpc))
		r = not_grpc(in);
	if (r == 0)
		r = body_read(in, bytes);
	in->error = r < 0 ? r : 0;
	return r == 0;
}

static bool header_is(struct str line, const char *name, struct str *ret_value)
{
	size_t len = strlen(name);

	if (line.len <= len || strncasecmp(line.data, name, len) != 0 || line.data[len] != ':')
		return false;
	line = (struct str) { line.data + len + 1, line.len - len - 1 };
	while (line.len > 0 && (*line.data == ' ' || *line.data == '\t'))
		line = (struct str) { line.data + 1, line.len - 1 };
	while (line.len > 0 && strchr(" \t\r\n", line.data[line.len - 1]))
		line.len--;
	*ret_value = line;
	return true;
}

/* "HTTP/2 200": of the answer itself, or of an interim one before it. */
static void status_line(struct reception *in, struct str line)
{
	const char *space = memchr(line.data, ' ', line.len), *end = line.data + line.len, *stop = space;

	while (stop && ++stop < end && *stop >= '0' && *stop <= '9')
		;
	in->is_grpc = false;
	if (!space ||
	    text_parse_u64((struct str) { space + 1, (size_t)(stop - space) - 1 }, 100, 999, &in->http) < 0)
		in->http = 0;
}

static int status_read(struct reception *in, struct str value)
{
	uint64_t status;

	if (text_parse_u64(value, 0, UINT32_MAX, &status) < 0 || (in->has_status && status != in->status))
		return diag_error(in->diag, -EPROTO, "%s of %s: a grpc-status that is none, or two of them",
				  in->call->method, in->socket);
	in->has_status = true;
	in->status = status;
	return 0;
}

static bool is_grpc_type(struct str value)
{
	static const struct str type = STR("application/grpc");

	return value.len >= type.len && memcmp(value.data, type.data, type.len) == 0 &&
	       (value.len == type.len || value.data[type.len] == '+' || value.data[type.len] == ';');
}

bool reception_header(struct reception *in, struct str line)
{
	struct str value;
	int r = grpc_call_is_over(in->call);

	in->header_bytes += line.len;
	if (r == 0 && in->header_bytes > GRPC_HEADERS_MAX)
		r = diag_error(in->diag, -EPROTO, "%s of %s: more than %u KB of headers", in->call->method,
			       in->socket, GRPC_HEADERS_MAX >> 10);
	if (r == 0 && line.len > 5 && memcmp(line.data, "HTTP/", 5) == 0)
		status_line(in, line);
	else if (r == 0 && header_is(line, "content-type", &value))
		in->is_grpc = is_grpc_type(value);
	else if (r == 0 && header_is(line, "grpc-status", &value))
		r = status_read(in, value);
	else if (r == 0 && header_is(line, "grpc-message", &value))
		snprintf(in->status_text, sizeof(in->status_text), "%.*s", (int)value.len, value.data);
	in->error = r;
	return r == 0;
}

int reception_judge(const struct reception *in)
{
	const char *method = in->call->method, *socket = in->socket;

	if (in->http != HTTP_OK || !in->is_grpc)
		return not_grpc(in);
	if (!in->has_status)
		return diag_error(in->diag, -EPROTO, "%s of %s: the answer ends without a status", method,
				  socket);
	switch (in->status) {
	case STATUS_OK:
		if (in->prefix_len > 0)
			return diag_error(in->diag, -EPROTO, "%s of %s: the answer ends inside a message",
					  method, socket);
		return GRPC_ANSWERED;
	case STATUS_NOT_FOUND:
		return GRPC_NOT_FOUND;
	case STATUS_UNIMPLEMENTED:
		return GRPC_UNIMPLEMENTED;
	case STATUS_DEADLINE_EXCEEDED:
		return diag_error(in->diag, -ETIMEDOUT, "%s of %s: %s", method, socket, in->status_text);
	case STATUS_PERMISSION_DENIED:
	case STATUS_UNAUTHENTICATED:
		return diag_error(in->diag, -EACCES, "%s of %s: %s", method, socket, in->status_text);
	case STATUS_UNAVAILABLE:
		return diag_error(in->diag, -ECONNREFUSED, "%s of %s: %s", method, socket, in->status_text);
	default:
		return diag_error(in->diag, -EPROTO, "%s of %s: refused with status %u: %s", method, socket,
				  (unsigned int)in->status, in->status_text);
	}
}
