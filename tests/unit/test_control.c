// SPDX-License-Identifier: Apache-2.0
/* The control socket: both its ends against each other, and the server against clients that mean no good. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/control.h"
#include "daemon/control.h"

struct server {
	char directory[64], path[96];
	struct control *control;
	size_t served;
	size_t large; /* bytes of the answer to "large" */
};

static enum control_reply serve(void *user, const char *verb, struct buf *answer)
{
	struct server *server = user;

	server->served++;
	if (strcmp(verb, "wait") == 0)
		return CONTROL_WAITS;
	if (strcmp(verb, "large") == 0) {
		buf_printf(answer, "{\"ok\":true,\"text\":\"%0*d\"}", (int)server->large, 0);
		return CONTROL_ANSWERED;
	}
	if (strcmp(verb, "ping") != 0)
		return CONTROL_UNKNOWN;
	buf_printf(answer, "{\"ok\":true,\"pong\":1}");
	return CONTROL_ANSWERED;
}

static int setup(void **state)
{
	struct server *server = calloc(1, sizeof(*server));
	struct control_handler handler = { .serve = serve, .user = server };
	struct diag diag = { .text = "" };

	strcpy(server->directory, "/tmp/test-control-XXXXXX");
	if (!mkdtemp(server->directory))
		return -1;
	snprintf(server->path, sizeof(server->path), "%s/deep/sock", server->directory);
	server->large = 100;
	*state = server;
	return control_open(server->path, &handler, &diag, &server->control);
}

static int teardown(void **state)
{
	struct server *server = *state;
	char deep[96];

	control_close(server->control);
	unlink(server->path);
	snprintf(deep, sizeof(deep), "%s/deep", server->directory);
	rmdir(deep);
	rmdir(server->directory);
	free(server);
	return 0;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void say(int fd, const char *text, size_t len)
{
	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
}

/* Connected, accepted and said its piece; then the server looks. */
static int ask_raw(struct server *server, const char *text, size_t len)
{
	int fd = connect_to(server->path);

	control_dispatch(server->control, 0);
	say(fd, text, len);
	control_dispatch(server->control, 0);
	return fd;
}

/* What is there without waiting: >= 0 bytes, or -1 when nothing is (and the connection stands). */
static ssize_t hear(int fd, char *text, size_t size)
{
	ssize_t n = recv(fd, text, size - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return n;
}

#define REQUEST(text) (text), sizeof(text) - 1

static void test_answer_and_close(void **state)
{
	char text[128];
	int fd = ask_raw(*state, REQUEST("{\"verb\":\"ping\"}\n"));

	assert_true(hear(fd, text, sizeof(text)) > 0);
	assert_string_equal(text, "{\"ok\":true,\"pong\":1}\n");
	assert_int_equal(hear(fd, text, sizeof(text)), 0);
	close(fd);
}

static void test_refused_requests(void **state)
{
	static const char *const requests[] = {
		"\n",
		"ping\n",
		"[]\n",
		"{}\n",
		"{\"verb\":1}\n",
		"{\"verb\":\"ping\",\"verb\":\"ping\"}\n",
		"{\"verb\":\"ping\",\"more\":1}\n",
		"{\"verb\":\"ping\"} x\n",
		"{\"verb\":\"ping\\u0000\"}\n",
		"\xff\xff\n",
		"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n",
		"{\"verb\":\"exec\"}\n",
		"{\"verb\":\"\"}\n",
	};
	struct server *server = *state;
	char text[256];

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		int fd = ask_raw(server, requests[i], strlen(requests[i]));

		if (hear(fd, text, sizeof(text)) <= 0)
			fail_msg("no answer to: %s", requests[i]);
		assert_non_null(strstr(text, "\"ok\":false"));
		assert_int_equal(hear(fd, text, sizeof(text)), 0);
		close(fd);
	}
	assert_int_equal(server->served, 2); /* the two whose form is right */
}

static void test_byte_by_byte(void **state)
{
	static const char request[] = "{\"verb\":\"ping\"}\n";
	struct server *server = *state;
	char text[128];
	int fd = connect_to(server->path);

	for (size_t i = 0; i < sizeof(request) - 1; i++) {
		control_dispatch(server->control, 0);
		assert_int_equal(hear(fd, text, sizeof(text)), -1);
		say(fd, request + i, 1);
	}
	control_dispatch(server->control, 0);
	assert_true(hear(fd, text, sizeof(text)) > 0);
	close(fd);
}

static void test_too_long(void **state)
{
	char request[CONTROL_REQUEST_MAX + 100], text[128];
	int fd;

	memset(request, ' ', sizeof(request));
	fd = ask_raw(*state, request, sizeof(request));
	assert_true(hear(fd, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "too long"));
	close(fd);
}

static void test_slow_client_is_dropped(void **state)
{
	struct server *server = *state;
	char text[128];
	int fd = ask_raw(server, REQUEST("{\"verb\":"));

	control_dispatch(server->control, CONTROL_DEADLINE_MS);
	assert_int_equal(hear(fd, text, sizeof(text)), -1);
	control_dispatch(server->control, CONTROL_DEADLINE_MS + 1);
	assert_true(hear(fd, text, sizeof(text)) == 0 || errno == ECONNRESET);
	assert_int_equal(server->served, 0);
	close(fd);
}

/* One that does not read its answer cannot hold us: the rest waits in our buffer, then it is dropped. */
static void test_client_that_does_not_read(void **state)
{
	struct server *server = *state;
	char text[128];
	int deaf, fd;

	server->large = 3000000;
	deaf = ask_raw(server, REQUEST("{\"verb\":\"large\"}\n"));
	fd = ask_raw(server, REQUEST("{\"verb\":\"ping\"}\n"));
	assert_true(hear(fd, text, sizeof(text)) > 0);
	control_dispatch(server->control, CONTROL_DEADLINE_MS + 1);
	close(fd);
	close(deaf);
}

static void test_many_clients(void **state)
{
	struct server *server = *state;
	int fds[3 * CONTROL_CLIENTS_MAX], fd;
	char text[128];

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = connect_to(server->path);
		control_dispatch(server->control, i); /* the first comers are the oldest: pushed out */
	}
	assert_int_equal(hear(fds[0], text, sizeof(text)), 0);
	fd = connect_to(server->path);
	control_dispatch(server->control, ARRAY_LEN(fds));
	say(fd, REQUEST("{\"verb\":\"ping\"}\n"));
	control_dispatch(server->control, ARRAY_LEN(fds));
	assert_true(hear(fd, text, sizeof(text)) > 0);
	close(fd);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

static void test_waiting_outlives_the_deadline(void **state)
{
	struct server *server = *state;
	char text[128];
	int gone = ask_raw(server, REQUEST("{\"verb\":\"wait\"}\n"));
	int fd = ask_raw(server, REQUEST("{\"verb\":\"wait\"}\n{\"verb\":\"ping\"}\n"));

	close(gone); /* asked and went away: nothing may break */
	control_dispatch(server->control, 100 * CONTROL_DEADLINE_MS);
	assert_int_equal(hear(fd, text, sizeof(text)), -1);
	control_answer_waiting(server->control, STR("{\"ok\":true}"));
	assert_true(hear(fd, text, sizeof(text)) > 0);
	assert_string_equal(text, "{\"ok\":true}\n");
	assert_int_equal(server->served, 2); /* a second line is not a second request */
	close(fd);
}

/* ---- the socket file ---- */

static void test_mode_and_second_server(void **state)
{
	struct server *server = *state;
	struct control_handler handler = { .serve = serve, .user = server };
	struct diag diag = { .text = "" };
	struct control *second = NULL;
	struct stat st;

	assert_int_equal(stat(server->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(control_open(server->path, &handler, &diag, &second), -EBUSY);
	assert_int_equal(diag.code, EXIT_TRY_AGAIN);
	assert_int_equal(stat(server->path, &st), 0);
}

static void test_stale_socket_is_replaced(void **state)
{
	struct server *server = *state;
	struct control_handler handler = { .serve = serve, .user = server };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct diag diag = { .text = "" };
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	control_close(server->control);
	server->control = NULL;
	assert_int_equal(stat(server->path, &st), -1);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", server->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd); /* its file stays, nobody answers */
	assert_int_equal(control_open(server->path, &handler, &diag, &server->control), 0);
}

static void test_other_file_is_left_alone(void **state)
{
	struct server *server = *state;
	struct control_handler handler = { .serve = serve, .user = server };
	struct diag diag = { .text = "" };
	struct stat st;

	control_close(server->control);
	server->control = NULL;
	close(open(server->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_int_equal(control_open(server->path, &handler, &diag, &server->control), -EEXIST);
	assert_int_equal(stat(server->path, &st), 0);
	unlink(server->path);
	assert_int_equal(symlink("/nowhere", server->path), 0);
	diag = (struct diag) { .text = "" };
	assert_int_equal(control_open(server->path, &handler, &diag, &server->control), -EEXIST);
}

/* ---- the command's end ---- */

struct loop {
	struct server *server;
	atomic_bool over;
};

static void *run_server(void *user)
{
	struct loop *loop = user;

	while (!atomic_load(&loop->over))
		control_dispatch(loop->server->control, 0);
	return NULL;
}

static int ask(struct server *server, const char *verb, struct diag *diag, json_t **ret_answer)
{
	struct loop loop = { .server = server };
	pthread_t thread;
	int r;

	*diag = (struct diag) { .text = "" };
	assert_int_equal(pthread_create(&thread, NULL, run_server, &loop), 0);
	r = control_ask(server->path, verb, 10000, diag, ret_answer);
	atomic_store(&loop.over, true);
	pthread_join(thread, NULL);
	return r;
}

static void test_ask(void **state)
{
	struct server *server = *state;
	json_t *answer = NULL;
	struct diag diag;

	assert_int_equal(ask(server, "ping", &diag, &answer), 0);
	assert_int_equal(json_integer_value(json_object_get(answer, "pong")), 1);
	json_decref(answer);
	server->large = 3000000; /* many times a socket's buffer */
	assert_int_equal(ask(server, "large", &diag, &answer), 0);
	assert_int_equal(json_string_length(json_object_get(answer, "text")), 3000000);
	json_decref(answer);
	answer = NULL;
	assert_int_equal(ask(server, "nonsense", &diag, &answer), -EREMOTEIO);
	assert_non_null(strstr(diag.text, "unknown verb"));
	assert_null(answer);
}

static void test_ask_nobody(void **state)
{
	struct server *server = *state;
	json_t *answer = NULL;
	struct diag diag = { .text = "" };

	control_close(server->control);
	server->control = NULL;
	assert_int_equal(control_ask(server->path, "ping", 1000, &diag, &answer), -ENOENT);
	assert_int_equal(diag.code, EXIT_NOT_FOUND);
}

/* Connected, but nobody ever answers: the command gives up. */
static void test_ask_silence(void **state)
{
	struct server *server = *state;
	json_t *answer = NULL;
	struct diag diag = { .text = "" };

	assert_int_equal(control_ask(server->path, "ping", 20, &diag, &answer), -ETIMEDOUT);
	assert_null(answer);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		EACH(test_answer_and_close),
		EACH(test_refused_requests),
		EACH(test_byte_by_byte),
		EACH(test_too_long),
		EACH(test_slow_client_is_dropped),
		EACH(test_client_that_does_not_read),
		EACH(test_many_clients),
		EACH(test_waiting_outlives_the_deadline),
		EACH(test_mode_and_second_server),
		EACH(test_stale_socket_is_replaced),
		EACH(test_other_file_is_left_alone),
		EACH(test_ask),
		EACH(test_ask_nobody),
		EACH(test_ask_silence),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
