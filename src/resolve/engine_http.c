// SPDX-License-Identifier: Apache-2.0
/*
 * libcurl's multi interface around one transfer, so that a wait can be ended from outside. The socket is named by the
 * descriptor that holds its file, and before anything is said the listener is looked at. (A socket that is connected
 * already, CURL_SOCKOPT_ALREADY_CONNECTED, is connected once more by libcurl 7.88, in vain.) Owns both handles.
 */

#include "resolve/engine_http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "resolve/engine_socket.h"

#define HOST "http://localhost"
#define PATH_MAX_LEN 512
#define LOOK_MS 250 /* between two looks at `stop` */

struct engine_http {
	CURL *easy;
	CURLM *multi;
	char socket[ENGINE_PATH_MAX];
	struct engine_socket_file file;
	const atomic_bool *stop;
	curl_socket_t connection; /* one that was not looked at yet; -1 = none */
	/* of the transfer under way */
	engine_http_fn take;
	void *user;
	struct diag *diag;
	size_t header_bytes;
	int error; /* why one of our own functions ended it */
};

/* ---- what libcurl calls ---- */

static curl_socket_t on_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct engine_http *http = user;

	(void)purpose;
	http->connection = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	return http->connection;
}

/* Connected, and nothing said yet. A connection that was kept was looked at when it was new. */
static int on_request(void *user, char *peer, char *own, int peer_port, int own_port)
{
	struct engine_http *http = user;

	(void)peer;
	(void)own;
	(void)peer_port;
	(void)own_port;
	if (http->connection < 0)
		return CURL_PREREQFUNC_OK;
	http->error = engine_socket_check(&http->file, http->connection, http->socket, http->diag);
	http->connection = -1; /* libcurl's alone from here on */
	return http->error < 0 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static size_t on_header(char *data, size_t size, size_t count, void *user)
{
	struct engine_http *http = user;

	(void)data;
	http->header_bytes += size * count;
	if (http->header_bytes <= ENGINE_HEADERS_MAX)
		return size * count;
	http->error = diag_error(http->diag, -EPROTO, "%s: headers of more than %u bytes", http->socket,
				 ENGINE_HEADERS_MAX);
	return 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
	struct engine_http *http = user;

	http->error = http->take(http->user, (struct str) { data, size * count });
	return http->error < 0 ? 0 : size * count;
}

/* ---- life ---- */

static int global_result;

static void global_start(void)
{
	global_result = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -ENOMEM;
}

static bool options_set(struct engine_http *http)
{
	char held[sizeof(ENGINE_SOCKET_HELD) + 16];
	CURL *easy = http->easy;
	bool failed = false;

	snprintf(held, sizeof(held), ENGINE_SOCKET_HELD, http->file.fd);

#define SET(option, value) failed |= curl_easy_setopt(easy, option, value) != CURLE_OK
	SET(CURLOPT_PROTOCOLS_STR, "http");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, "http");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_HTTP09_ALLOWED, 0L);
	SET(CURLOPT_HTTP_CONTENT_DECODING, 0L); /* nothing unfolds into more than what was counted */
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_USERAGENT, "stella-signals/" STELLA_VERSION);
	SET(CURLOPT_UNIX_SOCKET_PATH, held);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_socket);
	SET(CURLOPT_OPENSOCKETDATA, http);
	SET(CURLOPT_PREREQFUNCTION, on_request);
	SET(CURLOPT_PREREQDATA, http);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, http);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, http);
#undef SET
	return !failed;
}

int engine_http_open(const char *socket, uid_t owner, const atomic_bool *stop, struct diag *diag,
		     struct engine_http **ret_http)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	_cleanup_(engine_http_closep) struct engine_http *http = NULL;
	int r;

	pthread_once(&once, global_start);
	if (global_result < 0)
		return diag_error(diag, global_result, "libcurl cannot start");
	http = calloc(1, sizeof(*http));
	if (!http)
		return diag_error(diag, -ENOMEM, "out of memory");
	http->stop = stop;
	http->connection = http->file.fd = -1;
	snprintf(http->socket, sizeof(http->socket), "%s", socket);
	r = engine_socket_hold(socket, owner, diag, &http->file);
	if (r < 0)
		return r;
	http->easy = curl_easy_init();
	http->multi = curl_multi_init();
	if (!http->easy || !http->multi || !options_set(http) ||
	    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, 1L) != CURLM_OK)
		return diag_error(diag, -ENOMEM, "%s: libcurl cannot speak HTTP to a Unix socket", socket);
	*ret_http = TAKE(http);
	return 0;
}

void engine_http_close(struct engine_http *http)
{
	if (!http)
		return;
	if (http->easy)
		curl_easy_cleanup(http->easy);
	if (http->multi)
		curl_multi_cleanup(http->multi);
	closep(&http->file.fd);
	free(http);
}

/* ---- one transfer ---- */

static int error_of(struct engine_http *http, CURLcode code)
{
	int error;

	if (http->error < 0)
		return http->error; /* who made it wrote the line */
	switch (code) {
	case CURLE_OUT_OF_MEMORY:
		error = -ENOMEM;
		break;
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_COULDNT_CONNECT:
		error = -ECONNRESET;
		break;
	default:
		error = -EPROTO;
		break;
	}
	return diag_error(http->diag, error, "%s: %s", http->socket, curl_easy_strerror(code));
}

/* Milliseconds to wait at most: 0 = the deadline has passed. */
static int left_ms(uint64_t deadline_ns)
{
	uint64_t now = clock_now().boot_ns;

	if (deadline_ns == 0)
		return LOOK_MS;
	if (now >= deadline_ns)
		return 0;
	return (deadline_ns - now) / 1000000 < LOOK_MS ? (int)((deadline_ns - now) / 1000000) + 1 : LOOK_MS;
}

static int run(struct engine_http *http, uint64_t deadline_ns, CURLcode *ret_code)
{
	CURLMsg *message;
	int running, left;

	for (;;) {
		if (curl_multi_perform(http->multi, &running) != CURLM_OK)
			return diag_error(http->diag, -EIO, "%s: libcurl gave up", http->socket);
		if (running == 0)
			break;
		if (http->stop && atomic_load(http->stop))
			return diag_error(http->diag, -ECANCELED, "%s: stopped", http->socket);
		left = left_ms(deadline_ns);
		if (left == 0)
			return diag_error(http->diag, -ETIMEDOUT, "%s: no answer within %d ms", http->socket,
					  ENGINE_TIMEOUT_MS);
		if (curl_multi_poll(http->multi, NULL, 0, left, NULL) != CURLM_OK)
			return diag_error(http->diag, -EIO, "%s: libcurl gave up", http->socket);
	}
	message = curl_multi_info_read(http->multi, &running);
	if (!message || message->msg != CURLMSG_DONE)
		return diag_error(http->diag, -EIO, "%s: libcurl gave up", http->socket);
	*ret_code = message->data.result;
	return 0;
}

int engine_http_get(struct engine_http *http, const char *path, uint64_t deadline_ns, engine_http_fn take,
		    void *user, struct diag *diag)
{
	curl_off_t speed = deadline_ns == 0 ? ENGINE_STREAM_BYTES_S : 0;
	char url[sizeof(HOST) + PATH_MAX_LEN];
	CURLcode code = CURLE_OK;
	long status = 0;
	int r, len;

	http->take = take;
	http->user = user;
	http->diag = diag;
	http->header_bytes = 0;
	http->error = 0;
	len = snprintf(url, sizeof(url), HOST "%s", path);
	if (len < 0 || (size_t)len >= sizeof(url))
		return diag_error(diag, -ENAMETOOLONG, "%s: the question is too long", http->socket);
	if (curl_easy_setopt(http->easy, CURLOPT_URL, url) != CURLE_OK ||
	    curl_easy_setopt(http->easy, CURLOPT_MAX_RECV_SPEED_LARGE, speed) != CURLE_OK ||
	    curl_multi_add_handle(http->multi, http->easy) != CURLM_OK)
		return diag_error(diag, -ENOMEM, "%s: out of memory", http->socket);
	r = run(http, deadline_ns, &code);
	curl_multi_remove_handle(http->multi, http->easy);
	if (r < 0)
		return r;
	if (code != CURLE_OK)
		return error_of(http, code);
	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

struct collecting {
	struct buf *body;
	const char *socket;
	struct diag *diag;
};

static int collect(void *user, struct str piece)
{
	struct collecting *collecting = user;
	int r = buf_append_str(collecting->body, piece);

	if (r == -E2BIG)
		return diag_error(collecting->diag, -EPROTO, "%s: an answer of more than %zu bytes",
				  collecting->socket, collecting->body->max);
	return r < 0 ? diag_error(collecting->diag, r, "out of memory") : 0;
}

int engine_http_get_all(struct engine_http *http, const char *path, uint64_t deadline_ns, struct buf *body,
			struct diag *diag)
{
	struct collecting collecting = { body, http->socket, diag };

	return engine_http_get(http, path, deadline_ns, collect, &collecting, diag);
}
