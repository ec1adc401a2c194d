// SPDX-License-Identifier: Apache-2.0
/*
 * libcurl speaks HTTP/2, engine_reception.c gRPC in it. Only what was asked for goes out: no proxy, no redirection, no file
 * of the user's is looked at.
 *
 * A connection for each call: libcurl 7.88, which Debian 12 has, cannot use one again that began with prior knowledge of
 * HTTP/2 (curl#10634, mended in 8.0). On a Unix socket that costs little, and the rest of a bad answer is never taken for
 * the next one.
 *
 * The multi interface is used for one transfer at a time: it lets us look at `stop` and the clock every GRPC_TICK_MS, where
 * curl_easy_perform calls its progress function once a second while nothing comes.
 */

#include "resolve/engine_reception.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>

#include "resolve/engine_socket.h"
#include "resolve/engines.h"

struct grpc_client {
	char socket[ENGINE_PATH_MAX];
	struct engine_socket_file file;
	curl_socket_t connection; /* one that was not looked at yet; -1 = none */
	struct reception *in; /* of the call under way */
	CURLM *multi;
	CURL *easy;
	struct buf body; /* of the request */
	struct buf message; /* the one that is coming in */
};

uint64_t grpc_deadline(unsigned int ms)
{
	return grpc_now_ns() + ms * 1000000ull;
}

/* ---- the connection ---- */

/* A short count makes libcurl end the transfer. */
static size_t on_body(char *data, size_t size, size_t n, void *user)
{
	return reception_body(user, (struct str) { data, size * n }) ? size * n : 0;
}

static size_t on_header(char *data, size_t size, size_t n, void *user)
{
	return reception_header(user, (struct str) { data, size * n }) ? size * n : 0;
}

static curl_socket_t on_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct grpc_client *client = user;

	(void)purpose;
	client->connection = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	return client->connection;
}

/* Connected, and nothing said yet: is he who listens the one who may? */
static int on_request(void *user, char *peer, char *own, int peer_port, int own_port)
{
	struct grpc_client *client = user;
	int r;

	(void)peer;
	(void)own;
	(void)peer_port;
	(void)own_port;
	r = engine_socket_check(&client->file, client->connection, client->socket, client->in->diag);
	client->connection = -1; /* libcurl's alone from here on */
	client->in->error = r;
	return r < 0 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* Without the last four, what the environment or the engine says would lead elsewhere, or unfold. */
static CURLcode options_set(CURL *easy, struct grpc_client *client)
{
	char held[sizeof(ENGINE_SOCKET_HELD) + 16];
	CURLcode r;

	snprintf(held, sizeof(held), ENGINE_SOCKET_HELD, client->file.fd);
	r = curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, held);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, client);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_PREREQDATA, client);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_POST, 1L);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_USERAGENT, "grpc-c-stella/" STELLA_VERSION);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_PROXY, "");
	r = r ? r : curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
	r = r ? r : curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
	return r;
}

static void curl_init(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

int grpc_open(const char *socket, uid_t owner, struct diag *diag, struct grpc_client **ret_client)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	_cleanup_(grpc_closep) struct grpc_client *client = calloc(1, sizeof(*client));
	int r;

	if (!client)
		return -ENOMEM;
	client->file.fd = client->connection = -1;
	pthread_once(&once, curl_init);
	r = engine_socket_hold(socket, owner, diag, &client->file);
	if (r < 0)
		return r;
	snprintf(client->socket, sizeof(client->socket), "%s", socket);
	client->body = BUF_MAX(ENGINE_ANSWER_MAX);
	client->message = BUF_MAX(ENGINE_ANSWER_MAX);
	client->multi = curl_multi_init();
	client->easy = curl_easy_init();
	if (!client->multi || !client->easy)
		return -ENOMEM;
	if (options_set(client->easy, client) != CURLE_OK)
		return diag_error(diag, -ENOSYS, "libcurl %s cannot speak HTTP/2 on a Unix socket",
				  curl_version());
	*ret_client = TAKE(client);
	return 0;
}

void grpc_close(struct grpc_client *client)
{
	if (!client)
		return;
	if (client->easy)
		curl_easy_cleanup(client->easy);
	if (client->multi)
		curl_multi_cleanup(client->multi);
	closep(&client->file.fd);
	buf_done(&client->body);
	buf_done(&client->message);
	free(client);
}

/* ---- a call ---- */

static int body_make(struct grpc_client *client, struct str request)
{
	const uint8_t prefix[GRPC_PREFIX_LEN] = { 0, (uint8_t)(request.len >> 24), (uint8_t)(request.len >> 16),
						  (uint8_t)(request.len >> 8), (uint8_t)request.len };
	int r;

	buf_clear(&client->body);
	r = buf_append(&client->body, prefix, sizeof(prefix));
	return r < 0 ? r : buf_append_str(&client->body, request);
}

static bool header_add(struct curl_slist **headers, const char *line)
{
	struct curl_slist *longer = line ? curl_slist_append(*headers, line) : *headers;

	if (!longer)
		return false;
	*headers = longer;
	return true;
}

static int headers_make(const struct grpc_call *call, struct curl_slist **ret_headers)
{
	static const char *const always[] = { "content-type: application/grpc", "te: trailers",
					      "grpc-accept-encoding: identity", "accept:", "expect:" };
	struct curl_slist *headers = NULL;
	bool ok = true;

	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		ok = ok && header_add(&headers, always[i]);
	ok = ok && header_add(&headers, call->metadata);
	if (!ok) {
		curl_slist_free_all(headers);
		return -ENOMEM;
	}
	*ret_headers = headers;
	return 0;
}

/* Until the next look at `stop`, or the deadline if that is nearer. */
static int wait_ms(const struct grpc_call *call)
{
	uint64_t now = grpc_now_ns(), left_ms;

	if (call->deadline_ns == 0)
		return GRPC_TICK_MS;
	left_ms = call->deadline_ns > now ? (call->deadline_ns - now) / 1000000 + 1 : 0;
	return left_ms < GRPC_TICK_MS ? (int)left_ms : GRPC_TICK_MS;
}

/* Runs the transfer to its end, or ours. */
static int run(struct grpc_client *client, struct reception *in, CURLcode *ret_result)
{
	int running = 1, left;
	CURLMsg *message;
	CURLMcode code = curl_multi_add_handle(client->multi, client->easy);

	while (code == CURLM_OK && running) {
		int r = grpc_call_is_over(in->call);

		if (r < 0)
			return r;
		code = curl_multi_perform(client->multi, &running);
		if (code == CURLM_OK && running)
			code = curl_multi_poll(client->multi, NULL, 0, wait_ms(in->call), NULL);
	}
	if (code != CURLM_OK)
		return diag_error(in->diag, -EIO, "%s: %s", client->socket, curl_multi_strerror(code));
	message = curl_multi_info_read(client->multi, &left);
	*ret_result = message ? message->data.result : CURLE_FAILED_INIT;
	return 0;
}

static int connection_failed(const struct reception *in, CURL *easy, CURLcode result)
{
	long os_error = 0;
	int error = -ECONNRESET;

	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
	if (result == CURLE_COULDNT_CONNECT)
		error = os_error > 0 ? (int)-os_error : -ECONNREFUSED;
	else if (result == CURLE_OUT_OF_MEMORY)
		error = -ENOMEM;
	return diag_error(in->diag, error, "%s of %s: %s%s%s", in->call->method, in->socket,
			  curl_easy_strerror(result), result == CURLE_COULDNT_CONNECT ? ": " : "",
			  result == CURLE_COULDNT_CONNECT ? strerror(-error) : "");
}

static int received(const struct reception *in, CURL *easy, int r, CURLcode result)
{
	if (r == 0)
		r = in->error;
	if (r == -ETIMEDOUT)
		return diag_error(in->diag, r, "%s of %s: no answer in time", in->call->method, in->socket);
	if (r == -ECANCELED)
		return diag_error(in->diag, r, "%s of %s: stopped", in->call->method, in->socket);
	if (r < 0)
		return r;
	if (in->enough)
		return GRPC_ANSWERED;
	return result == CURLE_OK ? reception_judge(in) : connection_failed(in, easy, result);
}

static int call_run(struct grpc_client *client, struct reception *in)
{
	struct curl_slist *headers = NULL;
	CURLcode result = CURLE_OK, set;
	char url[256];
	int r = body_make(client, in->call->request);

	if (r == 0)
		r = headers_make(in->call, &headers);
	if (r < 0)
		return r;
	client->in = in;
	snprintf(url, sizeof(url), "http://localhost%s", in->call->method);
	set = curl_easy_setopt(client->easy, CURLOPT_URL, url);
	set = set ? set : curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, headers);
	set = set ? set : curl_easy_setopt(client->easy, CURLOPT_POSTFIELDS, client->body.data);
	set = set ? set : curl_easy_setopt(client->easy, CURLOPT_POSTFIELDSIZE, (long)client->body.len);
	set = set ? set : curl_easy_setopt(client->easy, CURLOPT_WRITEDATA, in);
	set = set ? set : curl_easy_setopt(client->easy, CURLOPT_HEADERDATA, in);
	r = set == CURLE_OK ? run(client, in, &result) : -ENOMEM;
	r = received(in, client->easy, r, result);
	curl_multi_remove_handle(client->multi, client->easy);
	client->in = NULL;
	curl_slist_free_all(headers);
	return r;
}

int grpc_stream(struct grpc_client *client, const struct grpc_call *call, grpc_message_fn each, void *user,
		struct diag *diag)
{
	struct reception in = {
		.call = call,
		.socket = client->socket,
		.message = &client->message,
		.each = each,
		.user = user,
		.diag = diag,
		.pace_from_ns = grpc_now_ns(),
	};

	return call_run(client, &in);
}

struct one {
	struct buf *answer;
	bool there;
};

static int take_one(void *user, struct str message)
{
	struct one *one = user;

	if (one->there)
		return -EPROTO;
	one->there = true;
	buf_clear(one->answer);
	return buf_append_str(one->answer, message);
}

int grpc_unary(struct grpc_client *client, const struct grpc_call *call, struct diag *diag,
	       struct buf *ret_answer)
{
	struct one one = { .answer = ret_answer };
	int r = grpc_stream(client, call, take_one, &one, diag);

	if (r == -EPROTO)
		return diag_error(diag, r, "%s of %s: two answers to one question", call->method,
				  client->socket);
	if (r == GRPC_ANSWERED && !one.there)
		return diag_error(diag, -EPROTO, "%s of %s: no answer, and status 0", call->method,
				  client->socket);
	return r;
}
