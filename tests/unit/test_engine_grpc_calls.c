// SPDX-License-Identifier: Apache-2.0
/* gRPC as we speak it, against an engine that answers well, and one that does whatever it can to harm. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "resolve/engine_reception.h"
#include "resolve/engines.h"

#include "grpc_engine.h"

#define METHOD "/test.Service/Ask"
#define PATIENCE_MS 5000
#define IMPATIENCE_MS 150

struct world {
	struct grpc_engine engine;
	struct grpc_client *client;
	struct buf answer, body;
	struct diag diag;
	size_t heard, heard_bytes;
	int then; /* what the taker of a stream's messages returns */
	size_t after; /* that many */
	atomic_bool stop;
};

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	world->answer = BUF_MAX(ENGINE_ANSWER_MAX);
	world->body = BUF_MAX(16u << 20);
	*state = world;
	if (engine_start(&world->engine) != 0)
		return -1;
	return grpc_open(world->engine.path, 0, &world->diag, &world->client);
}

static int teardown(void **state)
{
	struct world *world = *state;

	grpc_close(world->client);
	engine_stop(&world->engine);
	buf_done(&world->answer);
	buf_done(&world->body);
	free(world);
	return 0;
}

static int ask_for(struct world *world, unsigned int ms)
{
	struct grpc_call call = { .method = METHOD,
				  .request = STR("question"),
				  .deadline_ns = grpc_deadline(ms) };

	world->diag.text[0] = '\0';
	return grpc_unary(world->client, &call, &world->diag, &world->answer);
}

static int ask(struct world *world)
{
	return ask_for(world, PATIENCE_MS);
}

static struct row *says(struct world *world, enum manner manner, const char *message)
{
	buf_clear(&world->body);
	if (message)
		frame_append(&world->body, message, strlen(message));
	return engine_says(&world->engine, METHOD, manner, world->body.data, world->body.len);
}

static int take(void *user, struct str message)
{
	struct world *world = user;

	world->heard++;
	world->heard_bytes += message.len;
	return world->after > 0 && world->heard >= world->after ? world->then : 0;
}

/* ---- as it should be ---- */

static void test_question_and_answer(void **state)
{
	static const uint8_t sent[] = { 0, 0, 0, 0, 8, 'q', 'u', 'e', 's', 't', 'i', 'o', 'n' };
	struct world *world = *state;

	says(world, WELL, "the answer");
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(ask(world), GRPC_ANSWERED);
		assert_int_equal(world->answer.len, 10);
		assert_memory_equal(world->answer.data, "the answer", 10);
	}
	assert_int_equal(world->engine.asked, 3);
	assert_string_equal(world->engine.asked_type, "application/grpc");
	assert_string_equal(world->engine.asked_te, "trailers");
	assert_int_equal(world->engine.asked_len, sizeof(sent));
	assert_memory_equal(world->engine.asked_body, sent, sizeof(sent));
	says(world, WELL, "");
	assert_int_equal(ask(world), GRPC_ANSWERED);
	assert_int_equal(world->answer.len, 0);
}

static void test_metadata(void **state)
{
	struct world *world = *state;
	struct grpc_call call = {
		.method = METHOD,
		.metadata = "containerd-namespace: k8s.io",
		.deadline_ns = grpc_deadline(PATIENCE_MS),
	};

	says(world, WELL, "x");
	assert_int_equal(grpc_unary(world->client, &call, &world->diag, &world->answer), GRPC_ANSWERED);
	assert_string_equal(world->engine.asked_namespace, "k8s.io");
}

static void test_stream(void **state)
{
	struct world *world = *state;
	struct grpc_call call = { .method = METHOD };

	buf_clear(&world->body);
	for (size_t i = 0; i < 1000; i++)
		frame_append(&world->body, "0123456789", i % 11);
	engine_says(&world->engine, METHOD, WELL, world->body.data, world->body.len);
	assert_int_equal(grpc_stream(world->client, &call, take, world, &world->diag), GRPC_ANSWERED);
	assert_int_equal(world->heard, 1000);
	/* 90 rounds of 0..10, and 0..9 */
	assert_int_equal(world->heard_bytes, 90 * 55 + 45);
}

static void test_stream_that_is_enough(void **state)
{
	struct world *world = *state;
	struct grpc_call call = { .method = METHOD, .deadline_ns = grpc_deadline(PATIENCE_MS) };

	says(world, ENDLESS, "again");
	world->after = 5;
	world->then = 1;
	assert_int_equal(grpc_stream(world->client, &call, take, world, &world->diag), GRPC_ANSWERED);
	assert_int_equal(world->heard, 5);
	world->then = -EPROTO;
	assert_int_equal(grpc_stream(world->client, &call, take, world, &world->diag), -EPROTO);
	assert_int_equal(world->heard, 6);
}

static void test_large_message(void **state)
{
	struct world *world = *state;
	char *large = malloc(ENGINE_ANSWER_MAX);

	memset(large, 'x', ENGINE_ANSWER_MAX);
	buf_clear(&world->body);
	frame_append(&world->body, large, ENGINE_ANSWER_MAX);
	engine_says(&world->engine, METHOD, WELL, world->body.data, world->body.len);
	assert_int_equal(ask(world), GRPC_ANSWERED);
	assert_int_equal(world->answer.len, ENGINE_ANSWER_MAX);
	free(large);
}

/* ---- what else it may rightly say ---- */

static void test_statuses(void **state)
{
	static const struct {
		const char *status;
		int result;
	} rows[] = {
		{ "5", GRPC_NOT_FOUND }, { "12", GRPC_UNIMPLEMENTED },
		{ "14", -ECONNREFUSED }, { "4", -ETIMEDOUT },
		{ "7", -EACCES },	 { "16", -EACCES },
		{ "13", -EPROTO },	 { "2", -EPROTO },
		{ "99", -EPROTO },	 { "4294967296", -EPROTO },
		{ "05", -EPROTO },	 { "-1", -EPROTO },
		{ "zero", -EPROTO },
	};
	struct world *world = *state;
	struct row *row;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		row = says(world, AT_ONCE, NULL);
		row->status = rows[i].status;
		row->message = "so it is";
		if (ask(world) != rows[i].result)
			fail_msg("status %s: %s", rows[i].status, world->diag.text);
		row->manner = WELL;
		if (ask(world) != rows[i].result)
			fail_msg("status %s in trailers: %s", rows[i].status, world->diag.text);
		engine_forgets(&world->engine);
	}
	says(world, AT_ONCE, NULL)->status = "9";
	assert_int_equal(ask(world), -EPROTO);
	world->diag.text[0] = '\0';
	engine_forgets(&world->engine);
	row = says(world, AT_ONCE, NULL);
	row->status = "9";
	row->message = "no precondition";
	assert_int_equal(ask(world), -EPROTO);
	assert_non_null(strstr(world->diag.text, "status 9: no precondition"));
}

/* ---- what does not hold ---- */

static void test_bad_manners(void **state)
{
	static const struct {
		enum manner manner;
		int result; /* 0: any but -EPROTO; the connection is at fault */
	} rows[] = {
		{ WITHOUT_TRAILERS, -EPROTO }, { HTTP_ERROR, -EPROTO }, { HTML, -EPROTO },
		{ TWO_STATUSES, -EPROTO },     { HANGS_UP, 0 },		{ NOT_HTTP2, 0 },
	};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int r;

		says(world, rows[i].manner, "x");
		r = ask(world);
		if (rows[i].result < 0 ? r != rows[i].result : r >= 0 || r == -EPROTO)
			fail_msg("manner %d: %d %s", (int)rows[i].manner, r, world->diag.text);
		assert_string_not_equal(world->diag.text, "");
		engine_forgets(&world->engine);
	}
	says(world, WELL, "x");
	assert_int_equal(ask(world), GRPC_ANSWERED);
}

static void test_too_many_headers(void **state)
{
	struct world *world = *state;

	says(world, TALKATIVE, "x");
	assert_int_equal(ask(world), -EPROTO);
	assert_non_null(strstr(world->diag.text, "headers"));
}

static void test_two_answers(void **state)
{
	struct world *world = *state;

	buf_clear(&world->body);
	frame_append(&world->body, "one", 3);
	frame_append(&world->body, "two", 3);
	engine_says(&world->engine, METHOD, WELL, world->body.data, world->body.len);
	assert_int_equal(ask(world), -EPROTO);
	engine_says(&world->engine, METHOD, WELL, "", 0);
	assert_int_equal(ask(world), -EPROTO);
	says(world, ENDLESS, "x");
	assert_int_equal(ask(world), -EPROTO);
}

/* Refused by its prefix: a gigabyte is announced, and would come. */
static void test_long_message(void **state)
{
	static const uint8_t prefixes[][5] = { { 0, 0x40, 0, 0, 0 },
					       { 0, 0xff, 0xff, 0xff, 0xff },
					       { 0, 0, 0x40, 0, 1 } };
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		buf_clear(&world->body);
		buf_append(&world->body, prefixes[i], 5);
		buf_append(&world->body, "xxxxx", 5);
		engine_says(&world->engine, METHOD, ENDLESS, world->body.data, world->body.len);
		assert_int_equal(ask(world), -EPROTO);
		assert_non_null(strstr(world->diag.text, "at most 4194304"));
	}
	/* Nothing of it was kept: at most what fits in socket buffers left the engine. */
	assert_true(world->engine.sent < (4u << 20));
}

static void test_compressed(void **state)
{
	struct world *world = *state;

	engine_says(&world->engine, METHOD, WELL, "\1\0\0\0\1x", 6);
	assert_int_equal(ask(world), -EPROTO);
	assert_non_null(strstr(world->diag.text, "compressed"));
}

static void test_cut_message(void **state)
{
	static const char whole[] = "\0\0\0\0\4text";
	struct world *world = *state;

	for (size_t len = 1; len < 9; len++) {
		engine_says(&world->engine, METHOD, WELL, whole, len);
		assert_int_equal(ask(world), -EPROTO);
		engine_forgets(&world->engine);
	}
}

/* ---- time ---- */

static void test_silence(void **state)
{
	static const enum manner manners[] = { SILENT, STUCK };
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_LEN(manners); i++) {
		uint64_t before = grpc_now_ns();

		says(world, manners[i], "x");
		assert_int_equal(ask_for(world, IMPATIENCE_MS), -ETIMEDOUT);
		assert_true(grpc_now_ns() - before >= IMPATIENCE_MS * 1000000ull);
		assert_non_null(strstr(world->diag.text, "in time"));
	}
	says(world, WELL, "x");
	assert_int_equal(ask(world), GRPC_ANSWERED);
}

static void test_endless_list(void **state)
{
	struct world *world = *state;
	struct grpc_call call = { .method = METHOD, .deadline_ns = grpc_deadline(IMPATIENCE_MS) };

	says(world, ENDLESS, "");
	assert_int_equal(grpc_stream(world->client, &call, take, world, &world->diag), -ETIMEDOUT);
	assert_true(world->heard > 0);
}

static void *stop_soon(void *user)
{
	static const struct timespec soon = { .tv_nsec = 300 * 1000000 };
	struct world *world = user;

	nanosleep(&soon, NULL);
	atomic_store(&world->stop, true);
	return NULL;
}

/* A stream without a deadline: ended by `stop` while nothing comes, and while too much does, read at its pace. */
static void test_stop(void **state)
{
	static const enum manner manners[] = { SILENT, STUCK, ENDLESS };
	struct world *world = *state;
	struct grpc_call call = { .method = METHOD, .stop = &world->stop };
	pthread_t thread;

	for (size_t i = 0; i < ARRAY_LEN(manners); i++) {
		world->heard = 0;
		world->stop = false;
		says(world, manners[i], "tick");
		assert_int_equal(pthread_create(&thread, NULL, stop_soon, world), 0);
		assert_int_equal(grpc_stream(world->client, &call, take, world, &world->diag), -ECANCELED);
		pthread_join(thread, NULL);
		assert_true(world->heard <= GRPC_PACE);
	}
	assert_true(world->heard > 0);
}

static void test_nobody_there(void **state)
{
	struct world *world = *state;
	_cleanup_(grpc_closep) struct grpc_client *client = NULL;
	char path[200];

	assert_int_equal(grpc_open("/tmp/no/such/engine.sock", 0, &world->diag, &client), -ENOENT);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	world->diag.text[0] = '\0';
	assert_int_equal(grpc_open(path, 0, &world->diag, &client), -ENAMETOOLONG);
	world->diag.text[0] = '\0';
	assert_int_equal(grpc_open("/dev/null", 0, &world->diag, &client), -ENOTSOCK);
	world->diag.text[0] = '\0';
	assert_int_equal(grpc_open(world->engine.path, 12345, &world->diag, &client), -ESTALE);
	/* The engine has gone, its socket's file stayed. A close alone would leave it to the thread that waits in accept. */
	shutdown(world->engine.listener, SHUT_RDWR);
	close(world->engine.listener);
	world->engine.listener = -1;
	assert_int_equal(ask(world), -ECONNREFUSED);
	assert_non_null(strstr(world->diag.text, "refused"));
}

#define USER_A 54321
#define USER_B 54322

/* Listens as USER_B until it is killed; tells through `ready` that it does. */
static void listen_as_another(const char *path, int ready)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = setuid(USER_B) == 0 ? socket(AF_UNIX, SOCK_STREAM, 0) : -1;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0 ||
	    write(ready, "x", 1) != 1)
		_exit(1);
	pause();
	_exit(0);
}

/* The file says whose the engine is; another who listens there is asked nothing. */
static void test_another_listens(void **state)
{
	struct world *world = *state;
	_cleanup_(grpc_closep) struct grpc_client *client = NULL;
	struct grpc_call call = { .method = METHOD, .deadline_ns = grpc_deadline(PATIENCE_MS) };
	int ready[2];
	char path[96], byte;
	pid_t child;

	if (geteuid() != 0) {
		print_message("# skip: needs root, to be two other users\n");
		skip();
	}
	snprintf(path, sizeof(path), "%s/b.sock", world->engine.directory);
	assert_int_equal(chmod(world->engine.directory, 0777), 0);
	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0)
		listen_as_another(path, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	assert_int_equal(chown(path, USER_A, USER_A), 0);
	assert_int_equal(grpc_open(path, USER_A, &world->diag, &client), 0);
	assert_int_equal(grpc_unary(client, &call, &world->diag, &world->answer), -EPERM);
	assert_non_null(strstr(world->diag.text, "54322"));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	unlink(path);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_question_and_answer),
		CASE(test_metadata),
		CASE(test_stream),
		CASE(test_stream_that_is_enough),
		CASE(test_large_message),
		CASE(test_statuses),
		CASE(test_bad_manners),
		CASE(test_too_many_headers),
		CASE(test_two_answers),
		CASE(test_long_message),
		CASE(test_compressed),
		CASE(test_cut_message),
		CASE(test_silence),
		CASE(test_endless_list),
		CASE(test_stop),
		CASE(test_nobody_there),
		CASE(test_another_listens),
	};

	return cmocka_run_group_tests_name("engine_grpc", tests, NULL, NULL);
}
