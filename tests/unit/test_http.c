// SPDX-License-Identifier: Apache-2.0
/* Requests to a server that answers well, badly, too much, half, late or never. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "http_server.h"
#include "net/http.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define NEVER_MS 20000 /* what has not come by then does not come */

static struct server server;
static struct http *http;
static struct http_request request;
static struct http_answer answer;
static struct diag diag;

static int teardown(void **state)
{
	(void)state;
	unsetenv("STELLA_OFFLINE");
	http_answer_done(&answer);
	http_free(http);
	server_stop(&server);
	return 0;
}

static void start(const char *says, uint32_t timeout_ms)
{
	struct http_settings settings = { .timeout_ms = timeout_ms, .proxy = "" };

	server_start(&server, says);
	memset(&answer, 0, sizeof(answer));
	memset(&diag, 0, sizeof(diag));
	request = (struct http_request) { .method = "GET", .url = server.url };
	assert_int_equal(http_new(&settings, &diag, &http), 0);
}

static int ask(void)
{
	return http_send(http, &request, &diag, &answer);
}

static void status_and_body(void **state)
{
	(void)state;
	start("HTTP/1.1 404 No\r\nContent-Length: 5\r\n\r\nhello", NEVER_MS);
	assert_int_equal(ask(), 0);
	assert_int_equal(answer.status, 404);
	assert_true(str_equal(buf_str(&answer.body), STR("hello")));
	assert_int_equal(answer.retry_after_s, -1);
	assert_string_equal(answer.location, "");
	assert_string_equal(answer.log_index, "");
}

static void what_is_sent(void **state)
{
	(void)state;
	start(OK_HEAD "Content-Length: 0\r\n\r\n", NEVER_MS);
	request.method = "POST";
	request.body = STR("a\0b");
	http_request_header(&request, "Content-Type", "application/json");
	http_request_header(&request, "X-Empty", "");
	assert_int_equal(ask(), 0);
	assert_non_null(strstr(server.request, "POST /log HTTP/1.1\r\n"));
	assert_non_null(strstr(server.request, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(server.request, "\r\nX-Empty:\r\n"));
	assert_non_null(strstr(server.request, "\r\nContent-Length: 3\r\n"));
	assert_non_null(strstr(server.request, "\r\nUser-Agent: stella-signals/"));
	assert_null(strstr(server.request, "Expect"));
	assert_memory_equal(strstr(server.request, "\r\n\r\n") + 4, "a\0b", 3);
}

static void one_handle_many_requests(void **state)
{
	(void)state;
	start(OK_HEAD "Content-Length: 1\r\n\r\n1", NEVER_MS);
	request.method = "PUT";
	request.body = STR("x");
	assert_int_equal(ask(), 0);
	assert_non_null(strstr(server.request, "PUT /log HTTP/1.1\r\n"));
	http_answer_done(&answer);
	request = (struct http_request) { .method = "GET", .url = server.url };
	assert_int_equal(ask(), 0);
	assert_non_null(strstr(server.request, "GET /log HTTP/1.1\r\n"));
	assert_null(strstr(server.request, "Content-Length"));
	assert_int_equal(answer.body.len, 1);
}

static void headers_that_a_log_sends(void **state)
{
	(void)state;
	start("HTTP/1.1 100 Continue\r\nRetry-After: 9\r\n\r\n"
	      "HTTP/1.1 409 Conflict\r\nlocation:  /api/v1/log/entries/24296fb2 \r\nX-LOG-INDEX: 17\r\n"
	      "Content-Length: 0\r\n\r\n",
	      NEVER_MS);
	request.method = "POST";
	assert_int_equal(ask(), 0);
	assert_int_equal(answer.status, 409);
	assert_string_equal(answer.location, "/api/v1/log/entries/24296fb2");
	assert_string_equal(answer.log_index, "17");
	assert_int_equal(answer.retry_after_s, -1);
}

static void header_too_long_is_left_out(void **state)
{
	_cleanup_(buf_done) struct buf says = BUF_MAX(65536);

	(void)state;
	assert_int_equal(buf_printf(&says, "%s", OK_HEAD "Content-Length: 0\r\nX-Log-Index: 1234567"), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(buf_append(&says, "0", 1), 0);
	assert_int_equal(buf_append(&says, "\r\n\r\n", 4), 0);
	start(buf_cstr(&says), NEVER_MS);
	assert_int_equal(ask(), 0);
	assert_string_equal(answer.log_index, "");
}

static void retry_after_in_seconds(void **state)
{
	(void)state;
	start("HTTP/1.1 429 Slow\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n", NEVER_MS);
	assert_int_equal(ask(), 0);
	assert_int_equal(answer.status, 429);
	assert_int_equal(answer.retry_after_s, 30);
}

static void retry_after_is_bounded(void **state)
{
	(void)state;
	start("HTTP/1.1 503 No\r\nRetry-After: 18446744073709551615\r\nContent-Length: 0\r\n\r\n", NEVER_MS);
	assert_int_equal(ask(), 0);
	assert_int_equal(answer.retry_after_s, 86400);
}

static void retry_after_as_dates(void **state)
{
	(void)state;
	start("HTTP/1.1 503 No\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n",
	      NEVER_MS);
	assert_int_equal(ask(), 0);
	assert_int_equal(answer.retry_after_s, 0);
	server.answer =
		"HTTP/1.1 503 No\r\nRetry-After: Fri, 31 Dec 2399 23:59:59 GMT\r\nContent-Length: 0\r\n\r\n";
	http_answer_done(&answer);
	assert_int_equal(ask(), 0);
	assert_int_equal(answer.retry_after_s, 86400);
	server.answer = "HTTP/1.1 503 No\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n";
	http_answer_done(&answer);
	assert_int_equal(ask(), 0);
	assert_int_equal(answer.retry_after_s, -1);
}

static void redirect_is_an_answer(void **state)
{
	char says[256];

	(void)state;
	start("", NEVER_MS);
	snprintf(says, sizeof(says), "HTTP/1.1 302 There\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
		 server.url);
	server.answer = says;
	assert_int_equal(ask(), 0);
	assert_int_equal(answer.status, 302);
	assert_string_equal(answer.location, server.url);
	assert_int_equal(atomic_load(&server.asked), 1);
}

static void too_large_is_refused(void **state)
{
	(void)state;
	start(OK_HEAD "Content-Length: 11\r\n\r\nhello world", NEVER_MS);
	request.answer_max = 11;
	assert_int_equal(ask(), 0);
	assert_int_equal(answer.body.len, 11);
	http_answer_done(&answer);
	request.answer_max = 10;
	assert_int_equal(ask(), -EFBIG);
	assert_non_null(strstr(diag.text, "larger than the 10 bytes"));
}

static void endless_answer_is_refused(void **state)
{
	(void)state;
	start(OK_HEAD "\r\n", NEVER_MS);
	server.zeros = 1u << 30;
	assert_int_equal(ask(), -EFBIG);
	assert_true(answer.body.len <= HTTP_ANSWER_MAX);
}

static void gigabyte_announced_is_refused(void **state)
{
	(void)state;
	start(OK_HEAD "Content-Length: 1073741824\r\n\r\n", NEVER_MS);
	server.zeros = 1u << 30;
	assert_int_equal(ask(), -EFBIG);
	assert_int_equal(answer.body.len, 0);
}

static void endless_headers_are_refused(void **state)
{
	size_t len = 200000;
	char *says = malloc(len + 1);

	(void)state;
	assert_non_null(says);
	for (size_t i = 0; i < len; i++)
		says[i] = "X-A: 0123456789\r\n"[i % 17];
	says[len] = 0;
	memcpy(says, OK_HEAD, strlen(OK_HEAD));
	start(says, NEVER_MS);
	assert_int_equal(ask(), -EFBIG);
	http_free(http);
	http = NULL;
	server_stop(&server);
	free(says);
	server_start(&server, "");
}

static void half_a_body_is_refused(void **state)
{
	(void)state;
	start(OK_HEAD "Content-Length: 100\r\n\r\nhalf", NEVER_MS);
	assert_int_equal(ask(), -EPROTO);
	assert_non_null(strstr(diag.text, "cut off"));
}

static void no_answer_at_all_is_refused(void **state)
{
	(void)state;
	start("", NEVER_MS);
	assert_int_equal(ask(), -EPROTO);
}

static void something_else_is_refused(void **state)
{
	(void)state;
	start("SSH-2.0-OpenSSH_9.2\r\n", NEVER_MS);
	assert_int_equal(ask(), -EPROTO);
}

static void silence_ends_at_the_deadline(void **state)
{
	(void)state;
	start("", 50);
	server.hold = true;
	assert_int_equal(ask(), -ETIMEDOUT);
	assert_int_equal(diag.code, 0);
}

static void request_has_a_deadline_of_its_own(void **state)
{
	(void)state;
	start(OK_HEAD "Content-Length: 100\r\n\r\nhalf", NEVER_MS);
	server.hold = true;
	request.timeout_ms = 50;
	assert_int_equal(ask(), -ETIMEDOUT);
}

static void cancelled_while_it_waits(void **state)
{
	atomic_bool cancel = false;

	(void)state;
	start("", 3600000);
	server.hold = true;
	server.on_asked = &cancel;
	request.cancel = &cancel;
	assert_int_equal(ask(), -ECANCELED);
	assert_int_equal(atomic_load(&server.asked), 1);
}

/* libcurl asks in a thread of its own; a name server that does not answer holds that one up, and nobody else. */
static sem_t name_asked, name_server;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret_list)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (!node || strcmp(node, "silent.example") != 0) {
		*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
		return real(node, service, hints, ret_list);
	}
	sem_post(&name_asked);
	while (sem_wait(&name_server) < 0)
		;
	return EAI_FAIL;
}

static void *cancel_when_asked(void *user)
{
	while (sem_wait(&name_asked) < 0)
		;
	atomic_store((atomic_bool *)user, true);
	return NULL;
}

static void cancelled_while_a_name_is_looked_up(void **state)
{
	atomic_bool cancel = false;
	pthread_t thread;

	(void)state;
	sem_init(&name_asked, 0, 0);
	sem_init(&name_server, 0, 0);
	start("", 3600000);
	request.url = "http://silent.example/";
	request.cancel = &cancel;
	assert_int_equal(pthread_create(&thread, NULL, cancel_when_asked, &cancel), 0);
	alarm(60);
	assert_int_equal(ask(), -ECANCELED);
	http_free(TAKE(http));
	alarm(0);
	pthread_join(thread, NULL);
	sem_post(&name_server);
}

static void cancelled_before_it_begins(void **state)
{
	atomic_bool cancel = true;

	(void)state;
	start(OK_HEAD "Content-Length: 0\r\n\r\n", NEVER_MS);
	request.cancel = &cancel;
	assert_int_equal(ask(), -ECANCELED);
	assert_int_equal(atomic_load(&server.asked), 0);
}

static void offline_connects_to_nothing(void **state)
{
	(void)state;
	start(OK_HEAD "Content-Length: 0\r\n\r\n", NEVER_MS);
	setenv("STELLA_OFFLINE", "1", 1);
	assert_int_equal(ask(), -ENETUNREACH);
	assert_int_equal(diag.code, EXIT_NEEDS_NETWORK);
	assert_int_equal(atomic_load(&server.asked), 0);
	setenv("STELLA_OFFLINE", "", 1);
	assert_int_equal(ask(), 0);
}

static void refused_connection_is_told(void **state)
{
	char url[64];

	(void)state;
	start("", NEVER_MS);
	/* The port of a server that has gone. */
	strcpy(url, server.url);
	server_stop(&server);
	request.url = url;
	assert_int_equal(ask(), -ECONNREFUSED);
	assert_non_null(strstr(diag.text, "127.0.0.1:"));
	server_start(&server, "");
}

static void secrets_are_not_told(void **state)
{
	char url[128];

	(void)state;
	start("", NEVER_MS);
	snprintf(url, sizeof(url), "http://user:hunter2@127.0.0.1:%d/hunter2?token=hunter2", server.port);
	request.url = url;
	http_request_header(&request, "Authorization", "Bearer hunter2");
	assert_int_equal(ask(), -EPROTO);
	assert_null(strstr(diag.text, "hunter2"));
	diag.text[0] = 0;
	request.headers[0].value = "hunter2\r\nX: y";
	assert_int_equal(ask(), -EINVAL);
	assert_null(strstr(diag.text, "hunter2"));
	assert_int_equal(atomic_load(&server.asked), 1);
}

/* Names that only look like this host are refused before anything is looked up. */
static void secrets_go_by_tls_or_not_out_of_the_host(void **state)
{
	static const char *const refused[] = { "http://vault.test/",	      "http://127.0.0.1.test/",
					       "http://localhost.test:8200/", "http://10.0.0.1/",
					       "http://user@198.51.100.1/",   "http://[::2]/" };
	static const char *const good[] = { "https://vault.test/", "http://localhost:1/", "http://127.1.2.3/",
					    "http://[::1]:8200/x" };
	char url[64];

	(void)state;
	start(OK_HEAD "Content-Length: 0\r\n\r\n", NEVER_MS);
	request.secret = true;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		assert_false(http_is_private(refused[i]));
		request.url = refused[i];
		http_answer_done(&answer);
		diag = (struct diag) { .code = 0 };
		assert_int_equal(ask(), -EINVAL);
		assert_non_null(strstr(diag.text, "in clear"));
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(http_is_private(good[i]));
	assert_false(http_is_private("file:///x"));
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", server.port);
	request.url = url;
	assert_int_equal(ask(), 0);
	assert_int_equal(atomic_load(&server.asked), 1);
}

static void urls_of_other_kinds_are_refused(void **state)
{
	static const char *const urls[] = {
		"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "", "http://",
		"127.0.0.1/log",      "unix:///run/x",	  "http://a b/"
	};

	(void)state;
	start(OK_HEAD "Content-Length: 0\r\n\r\n", NEVER_MS);
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		request.url = urls[i];
		http_answer_done(&answer);
		assert_int_equal(ask(), -EINVAL);
	}
	assert_int_equal(atomic_load(&server.asked), 0);
}

static void too_many_headers_are_refused(void **state)
{
	(void)state;
	start(OK_HEAD "Content-Length: 0\r\n\r\n", NEVER_MS);
	for (int i = 0; i < HTTP_HEADERS_MAX; i++)
		http_request_header(&request, "X-A", "b");
	assert_int_equal(ask(), 0);
	http_answer_done(&answer);
	http_request_header(&request, "X-A", "b");
	assert_int_equal(ask(), -EINVAL);
}

#define TEST(function) cmocka_unit_test_teardown(function, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(status_and_body),
		TEST(what_is_sent),
		TEST(one_handle_many_requests),
		TEST(headers_that_a_log_sends),
		TEST(header_too_long_is_left_out),
		TEST(retry_after_in_seconds),
		TEST(retry_after_is_bounded),
		TEST(retry_after_as_dates),
		TEST(redirect_is_an_answer),
		TEST(too_large_is_refused),
		TEST(endless_answer_is_refused),
		TEST(gigabyte_announced_is_refused),
		TEST(endless_headers_are_refused),
		TEST(half_a_body_is_refused),
		TEST(no_answer_at_all_is_refused),
		TEST(something_else_is_refused),
		TEST(silence_ends_at_the_deadline),
		TEST(request_has_a_deadline_of_its_own),
		TEST(cancelled_while_it_waits),
		TEST(cancelled_before_it_begins),
		TEST(cancelled_while_a_name_is_looked_up),
		TEST(offline_connects_to_nothing),
		TEST(refused_connection_is_told),
		TEST(secrets_are_not_told),
		TEST(secrets_go_by_tls_or_not_out_of_the_host),
		TEST(urls_of_other_kinds_are_refused),
		TEST(too_many_headers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
