/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An engine of the test's own: gRPC over HTTP/2 on a Unix socket, made of nghttp2, in a thread. It answers each method as
 * its row says, well or badly. Rows are changed only while nobody asks.
 */

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"

enum manner {
	WELL, /* headers, body, trailers with the row's status */
	AT_ONCE, /* the status in the headers, no body ("trailers-only") */
	WITHOUT_TRAILERS,
	SILENT, /* takes the question, says nothing */
	STUCK, /* the body, then nothing more */
	ENDLESS, /* the body again and again */
	NOT_HTTP2, /* bytes that are none */
	HANGS_UP,
	HTTP_ERROR, /* status 503 */
	HTML, /* content type text/html */
	TALKATIVE, /* 50 KB of headers, and again of trailers: as much as nghttp2 lets us */
	TWO_STATUSES,
};

#define ROWS_MAX 16
#define TALK 50000

struct row {
	const char *method;
	const char *name_space; /* of containerd; NULL = any */
	enum manner manner;
	const char *status; /* "0" when NULL */
	const char *message; /* grpc-message */
	char *body; /* whole messages, prefixes included; the row's */
	size_t len;
};

struct grpc_engine {
	char directory[64], path[96];
	int listener;
	pthread_t thread;
	atomic_bool quit;
	struct row rows[ROWS_MAX];
	size_t n_rows;
	atomic_size_t asked; /* questions */
	atomic_size_t sent; /* bytes of bodies */
	/* The last question. */
	char asked_path[128], asked_namespace[128], asked_type[64], asked_te[64];
	uint8_t asked_body[4096];
	size_t asked_len;
};

struct exchange {
	struct grpc_engine *engine;
	const struct row *row;
	size_t at; /* in the body */
	bool answered;
};

static const struct row *row_find(const struct grpc_engine *engine)
{
	for (size_t i = engine->n_rows; i-- > 0;) {
		const struct row *row = &engine->rows[i];

		if (strcmp(row->method, engine->asked_path) == 0 &&
		    (!row->name_space || strcmp(row->name_space, engine->asked_namespace) == 0))
			return row;
	}
	return NULL;
}

/* Takes a whole answer; `body` is copied. Several rows for one method: the last one counts. */
static inline struct row *engine_says(struct grpc_engine *engine, const char *method, enum manner manner,
				      const void *body, size_t len)
{
	struct row *row = &engine->rows[engine->n_rows++];

	assert_true(engine->n_rows <= ROWS_MAX);
	*row = (struct row) { .method = method, .manner = manner, .body = malloc(len + 1), .len = len };
	if (len > 0)
		memcpy(row->body, body, len);
	return row;
}

static inline void engine_forgets(struct grpc_engine *engine)
{
	while (engine->n_rows > 0)
		free(engine->rows[--engine->n_rows].body);
}

/* A message with its prefix, appended. */
static inline void frame_append(struct buf *out, const void *message, size_t len)
{
	const uint8_t prefix[5] = { 0, (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
				    (uint8_t)len };

	assert_int_equal(buf_append(out, prefix, sizeof(prefix)), 0);
	assert_int_equal(buf_append(out, message, len), 0);
}

#define HEADER(name, value)                                                                               \
	{                                                                                                 \
		(uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value), strlen(name), strlen(value), \
			NGHTTP2_NV_FLAG_NONE                                                              \
	}

static inline nghttp2_nv talk(void)
{
	static char much[TALK + 1];

	memset(much, 'x', TALK);
	return (nghttp2_nv)HEADER("x-much", much);
}

static inline ssize_t body_next(nghttp2_session *session, int32_t stream, uint8_t *out, size_t size,
				uint32_t *flags, nghttp2_data_source *source, void *user)
{
	struct exchange *exchange = source->ptr;
	const struct row *row = exchange->row;
	size_t n = row->len - exchange->at;

	(void)user;
	if (row->manner == ENDLESS && n == 0) {
		exchange->at = 0;
		n = row->len;
	}
	if (row->manner == STUCK && n == 0)
		return NGHTTP2_ERR_DEFERRED;
	n = n < size ? n : size;
	memcpy(out, row->body + exchange->at, n);
	exchange->at += n;
	atomic_fetch_add(&exchange->engine->sent, n);
	if (exchange->at < row->len || row->manner == ENDLESS || row->manner == STUCK)
		return (ssize_t)n;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (row->manner != WITHOUT_TRAILERS) {
		const char *status = row->status ? row->status : "0";
		nghttp2_nv trailers[] = { HEADER("grpc-status", status),
					  HEADER("grpc-message", row->message ? row->message : ""),
					  HEADER("grpc-status", "13") };

		if (row->manner == TALKATIVE)
			trailers[2] = talk();
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		nghttp2_submit_trailer(session, stream, trailers,
				       row->manner == TWO_STATUSES || row->manner == TALKATIVE ? 3 : 2);
	}
	return (ssize_t)n;
}

static inline void answer(nghttp2_session *session, int32_t stream, struct exchange *exchange)
{
	const struct row *row = exchange->row;
	const char *http = row->manner == HTTP_ERROR ? "503" : "200";
	const char *type = row->manner == HTML ? "text/html" : "application/grpc";
	nghttp2_data_provider body = { .source.ptr = exchange, .read_callback = body_next };
	nghttp2_nv headers[] = { HEADER(":status", http), HEADER("content-type", type),
				 HEADER("grpc-status", row->status ? row->status : "0"),
				 HEADER("grpc-message", row->message ? row->message : "") };

	if (row->manner == TALKATIVE)
		headers[2] = talk();
	if (row->manner == AT_ONCE)
		nghttp2_submit_response(session, stream, headers, 4, NULL);
	else
		nghttp2_submit_response(session, stream, headers, row->manner == TALKATIVE ? 3 : 2, &body);
}

static inline int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
			    size_t name_len, const uint8_t *value, size_t len, uint8_t flags, void *user)
{
	struct grpc_engine *engine = ((struct exchange *)user)->engine;
	const struct {
		const char *name;
		char *to;
		size_t size;
	} rows[] = {
		{ ":path", engine->asked_path, sizeof(engine->asked_path) },
		{ "containerd-namespace", engine->asked_namespace, sizeof(engine->asked_namespace) },
		{ "content-type", engine->asked_type, sizeof(engine->asked_type) },
		{ "te", engine->asked_te, sizeof(engine->asked_te) },
	};

	(void)session, (void)frame, (void)flags;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strlen(rows[i].name) == name_len && memcmp(rows[i].name, name, name_len) == 0)
			snprintf(rows[i].to, rows[i].size, "%.*s", (int)len, value);
	}
	return 0;
}

static inline int on_chunk(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
			   size_t len, void *user)
{
	struct grpc_engine *engine = ((struct exchange *)user)->engine;

	(void)session, (void)flags, (void)stream;
	if (engine->asked_len + len <= sizeof(engine->asked_body))
		memcpy(engine->asked_body + engine->asked_len, data, len);
	engine->asked_len += len;
	return 0;
}

static inline int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	static const struct row unknown = { .manner = AT_ONCE, .status = "12" };
	struct exchange *exchange = user;

	if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) ||
	    !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM) || exchange->answered)
		return 0;
	exchange->answered = true;
	exchange->row = row_find(exchange->engine);
	exchange->row = exchange->row ? exchange->row : &unknown;
	atomic_fetch_add(&exchange->engine->asked, 1);
	if (exchange->row->manner == HANGS_UP)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	if (exchange->row->manner != SILENT)
		answer(session, frame->hd.stream_id, exchange);
	return 0;
}

/* Both ways until the other side has gone, the session is over, or the test. */
static inline void converse(struct grpc_engine *engine, nghttp2_session *session, int fd)
{
	uint8_t in[16384];
	const uint8_t *out;
	ssize_t n;

	while (!atomic_load(&engine->quit) &&
	       (nghttp2_session_want_read(session) || nghttp2_session_want_write(session))) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };

		while ((n = nghttp2_session_mem_send(session, &out)) > 0) {
			if (send(fd, out, (size_t)n, MSG_NOSIGNAL) != n)
				return;
		}
		/* Blocked by the window of the other side, or nothing to say: only what comes in changes that. */
		if (n < 0 || poll(&wait, 1, 20) < 0)
			return;
		if (!(wait.revents & (POLLIN | POLLHUP)))
			continue;
		n = recv(fd, in, sizeof(in), 0);
		if (n <= 0 || nghttp2_session_mem_recv(session, in, (size_t)n) < 0)
			return;
	}
}

static inline void serve(struct grpc_engine *engine, int fd)
{
	struct exchange exchange = { .engine = engine };
	const struct timeval patience = { .tv_usec = 200000 };
	nghttp2_session_callbacks *callbacks;
	nghttp2_session *session;

	engine->asked_path[0] = engine->asked_namespace[0] = '\0';
	engine->asked_len = 0;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (engine->n_rows > 0 && engine->rows[engine->n_rows - 1].manner == NOT_HTTP2) {
		atomic_fetch_add(&engine->asked, 1);
		send(fd, "HTTP/1.1 200 OK\r\n\r\nhello", 24, MSG_NOSIGNAL);
		return;
	}
	nghttp2_session_callbacks_new(&callbacks);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_chunk);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_server_new(&session, callbacks, &exchange);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, NULL, 0);
	converse(engine, session, fd);
	nghttp2_session_del(session);
}

static inline void *engine_run(void *user)
{
	struct grpc_engine *engine = user;

	while (!atomic_load(&engine->quit)) {
		struct pollfd wait = { .fd = engine->listener, .events = POLLIN };
		int fd = poll(&wait, 1, 20) > 0 ? accept4(engine->listener, NULL, NULL, SOCK_CLOEXEC) : -1;

		if (fd < 0)
			continue;
		serve(engine, fd);
		close(fd);
	}
	return NULL;
}

static inline int engine_start(struct grpc_engine *engine)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memset(engine, 0, sizeof(*engine));
	strcpy(engine->directory, "/tmp/test-engine-XXXXXX");
	if (!mkdtemp(engine->directory))
		return -1;
	snprintf(engine->path, sizeof(engine->path), "%s/engine.sock", engine->directory);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", engine->path);
	engine->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(engine->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(engine->listener, 8) < 0)
		return -1;
	return pthread_create(&engine->thread, NULL, engine_run, engine);
}

static inline void engine_stop(struct grpc_engine *engine)
{
	atomic_store(&engine->quit, true);
	pthread_join(engine->thread, NULL);
	close(engine->listener);
	unlink(engine->path);
	rmdir(engine->directory);
	engine_forgets(engine);
}
