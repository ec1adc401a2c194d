// SPDX-License-Identifier: Apache-2.0
/* The threads that ask: against an engine that answers well, badly, late, never, or as somebody else. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <poll.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "resolve/engines.h"
#include "fake_engine.h"

#define ID "f74c8a0d34d90b3c6862cd7bdab3589459d27e6c072795604e99b4accfc4f9ee"
#define OTHER_ID "c9c3fef1acd0c6546f8d307ff84713545e8058c9b59a925d3ed1ce689eb87154"
#define DIGEST_A "sha256:8297a06dc33e43353deb73b20d0c66773bdbc29e359efcd9613c05ff44c3db0a"
#define DIGEST_B "sha256:1297a06dc33e43353deb73b20d0c66773bdbc29e359efcd9613c05ff44c3db0b"
#define LATE_MS 20000 /* what has not come by then does not come */
#define USER 4321

struct world {
	char directory[32], sockets[2][64];
	struct fake *fakes[2];
	struct engines *engines;
};

static char label[] = "tier";
static char *labels[] = { label };

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	strcpy(world->directory, "/tmp/test-engines-XXXXXX");
	if (!mkdtemp(world->directory))
		return -1;
	/* A user's engine has to be reached through it. */
	if (chmod(world->directory, 0755) < 0)
		return -1;
	for (size_t i = 0; i < 2; i++)
		snprintf(world->sockets[i], sizeof(world->sockets[i]), "%s/%zu.sock", world->directory, i);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;
	char line[64];

	engines_stop(world->engines);
	fake_stop(world->fakes[0]);
	fake_stop(world->fakes[1]);
	snprintf(line, sizeof(line), "rm -rf %s", world->directory);
	if (system(line) != 0)
		return -1;
	free(world);
	return 0;
}

static void start(struct world *world, size_t n)
{
	struct engine_socket sockets[2] = { { ENGINE_DOCKER, world->sockets[0] },
					    { ENGINE_PODMAN, world->sockets[1] } };
	struct engines_options options = {
		.sockets = sockets, .n_sockets = n, .labels = labels, .n_labels = 1
	};
	struct diag diag = { .text = "" };

	assert_int_equal(engines_start(&options, &diag, &world->engines), 0);
}

static struct fake *fake(struct world *world, size_t n)
{
	world->fakes[n] = fake_start(world->sockets[n], geteuid());
	return world->fakes[n];
}

/* Waits for a fact; false: none came. */
static bool fact(struct world *world, int wait_ms, struct container_facts *ret_facts)
{
	struct pollfd readable = { .fd = engines_fd(world->engines), .events = POLLIN };

	return poll(&readable, 1, wait_ms) > 0 && engines_next(world->engines, ret_facts) > 0;
}

static struct engine_state state_of(struct world *world, size_t n)
{
	struct engine_state states[ENGINE_SOCKETS_MAX];

	assert_true(engines_state(world->engines, states, ENGINE_SOCKETS_MAX) > n);
	return states[n];
}

/* There is no descriptor for a state: looked at until it is so. */
#define UNTIL(condition)                                                                   \
	do {                                                                               \
		uint64_t late_ = clock_now().boot_ns + LATE_MS * UINT64_C(1000000);        \
		while (!(condition)) {                                                     \
			if (clock_now().boot_ns > late_)                                   \
				fail_msg("never: %s (%s)", #condition,                     \
					 world->engines ? state_of(world, 0).error : "-"); \
			poll(NULL, 0, 2);                                                  \
		}                                                                          \
	} while (0)

static void test_right_answer(void **state)
{
	struct world *world = *state;
	struct container_facts facts;

	fake(world, 0)->digest = DIGEST_A;
	start(world, 1);
	assert_true(engines_may_answer(world->engines, "docker"));
	assert_true(engines_may_answer(world->engines, NULL));
	assert_false(engines_may_answer(world->engines, "containerd"));
	engines_ask(world->engines, "docker", ID);
	assert_true(engines_may_answer_about(world->engines, ID, 0));
	assert_true(fact(world, LATE_MS, &facts));
	assert_string_equal(facts.id, ID);
	assert_string_equal(facts.runtime, "docker");
	assert_string_equal(facts.image_digest, DIGEST_A);
	assert_false(facts.image_digest_is_config);
	assert_string_equal(facts.image_reference, "nginx:1");
	assert_string_equal(facts.name, "web");
	assert_int_equal(facts.n_labels, 1);
	assert_int_equal(facts.owner, 0);
	container_facts_done(&facts);
	assert_int_equal(engines_next(world->engines, &facts), 0);
	assert_false(engines_may_answer_about(world->engines, ID, 0));
	assert_false(fact(world, 0, &facts)); /* the descriptor is quiet again */
	engines_ask(world->engines, "docker", "../../etc/passwd");
	engines_ask(world->engines, "docker", ID); /* asked anew: told anew */
	assert_true(fact(world, LATE_MS, &facts));
	container_facts_done(&facts);
	assert_int_equal(atomic_load(&world->fakes[0]->asked), 2);
}

/* Never in a repository: the image's own digest, and it is said. */
static void test_config_digest(void **state)
{
	struct world *world = *state;
	struct container_facts facts;

	fake(world, 0)->runtime = "Podman Engine";
	start(world, 1);
	engines_ask(world->engines, NULL, ID);
	assert_true(fact(world, LATE_MS, &facts));
	assert_string_equal(facts.runtime, "podman");
	assert_string_equal(facts.image_digest, FAKE_IMAGE);
	assert_true(facts.image_digest_is_config);
	container_facts_done(&facts);
}

/* What an engine brings up by itself: what it has, and what comes. */
static void test_list_and_watch(void **state)
{
	struct world *world = *state;
	struct container_facts facts;

	strcpy(fake(world, 0)->listed, ID);
	start(world, 1);
	assert_true(fact(world, LATE_MS, &facts));
	assert_string_equal(facts.id, ID);
	container_facts_done(&facts);
	UNTIL(atomic_load(&world->fakes[0]->watchers) > 0);
	fake_event(world->fakes[0], "{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"ID\":\"" OTHER_ID
				    "\",\"Attributes\":{}}}\n");
	assert_true(fact(world, LATE_MS, &facts));
	assert_string_equal(facts.id, OTHER_ID);
	container_facts_done(&facts);
	assert_true(state_of(world, 0).watching);
}

/* A stream of nonsense ends; asking goes on. */
static void test_bad_event(void **state)
{
	struct world *world = *state;
	struct container_facts facts;

	fake(world, 0);
	start(world, 1);
	UNTIL(atomic_load(&world->fakes[0]->watchers) > 0);
	fake_event(world->fakes[0], "]]]");
	UNTIL(state_of(world, 0).refused > 0);
	engines_ask(world->engines, NULL, ID);
	assert_true(fact(world, LATE_MS, &facts));
	container_facts_done(&facts);
}

/* Each of them is refused, nothing is told, and the next right answer is. */
static void refused(struct world *world, enum fake_way way)
{
	struct container_facts facts;

	atomic_store(&fake(world, 0)->way, (int)way);
	start(world, 1);
	engines_ask(world->engines, "docker", ID);
	UNTIL(state_of(world, 0).refused > 0);
	assert_int_equal(state_of(world, 0).answered, 0);
	assert_int_equal(engines_next(world->engines, &facts), 0);
	assert_false(engines_may_answer_about(world->engines, ID, 0)); /* until it is asked again */
	atomic_store(&world->fakes[0]->way, FAKE_RIGHT);
	assert_true(fact(world, LATE_MS, &facts));
	assert_string_equal(facts.id, ID);
	container_facts_done(&facts);
}

#define REFUSED(name, way)                        \
	static void test_refused_##name(void **s) \
	{                                         \
		refused(*s, way);                 \
	}

REFUSED(other_id, FAKE_OTHER_ID)
REFUSED(garbage, FAKE_GARBAGE)
REFUSED(not_http, FAKE_NOT_HTTP)
REFUSED(endless, FAKE_ENDLESS)
REFUSED(endless_headers, FAKE_ENDLESS_HEADERS)
REFUSED(labels, FAKE_LABELS)
REFUSED(capitals, FAKE_CAPITALS)
REFUSED(short, FAKE_SHORT)
REFUSED(error, FAKE_ERROR)
REFUSED(redirect, FAKE_REDIRECTS)

static void test_knows_nothing(void **state)
{
	struct world *world = *state;
	struct container_facts facts;

	atomic_store(&fake(world, 0)->way, FAKE_KNOWS_NOTHING);
	start(world, 1);
	engines_ask(world->engines, "docker", ID);
	UNTIL(atomic_load(&world->fakes[0]->asked) > 2);
	assert_false(engines_may_answer_about(world->engines, ID, 0));
	assert_int_equal(state_of(world, 0).refused, 0);
	atomic_store(&world->fakes[0]->way, FAKE_RIGHT);
	assert_true(fact(world, LATE_MS, &facts));
	container_facts_done(&facts);
	/* Forgotten: not asked any more. */
	atomic_store(&world->fakes[0]->way, FAKE_KNOWS_NOTHING);
	engines_ask(world->engines, "docker", OTHER_ID);
	engines_forget(world->engines, OTHER_ID);
	assert_false(fact(world, 0, &facts));
}

/* ---- connections ---- */

static void test_connection_closed(void **state)
{
	struct world *world = *state;
	struct container_facts facts;

	atomic_store(&fake(world, 0)->way, FAKE_CLOSES);
	start(world, 1);
	engines_ask(world->engines, NULL, ID);
	UNTIL(state_of(world, 0).reconnects > 0);
	atomic_store(&world->fakes[0]->way, FAKE_RIGHT);
	assert_true(fact(world, LATE_MS, &facts));
	container_facts_done(&facts);
	assert_int_equal(state_of(world, 0).refused, 0);
}

static void test_engine_restarted(void **state)
{
	struct world *world = *state;
	struct container_facts facts;

	fake(world, 0);
	start(world, 1);
	UNTIL(atomic_load(&world->fakes[0]->watchers) > 0);
	fake_stop(TAKE(world->fakes[0]));
	UNTIL(!state_of(world, 0).connected); /* without being asked anything */
	engines_ask(world->engines, NULL, ID);
	UNTIL(!engines_may_answer(world->engines, "docker")); /* given up: nobody waits for it */
	assert_false(engines_may_answer_about(world->engines, ID, 0));
	assert_non_null(strstr(state_of(world, 0).error, "No such file"));
	fake(world, 0);
	assert_true(fact(world, LATE_MS, &facts));
	container_facts_done(&facts);
	assert_true(state_of(world, 0).connected);
	assert_true(state_of(world, 0).reconnects > 0);
	assert_string_equal(state_of(world, 0).error, "");
}

static uint64_t stop_ms(struct world *world)
{
	uint64_t from = clock_now().boot_ns;

	engines_stop(TAKE(world->engines));
	return (clock_now().boot_ns - from) / 1000000;
}

/* Half an answer and then silence: the time is up, and the end is not held up by it. */
static void test_half_and_silence(void **state)
{
	struct world *world = *state;
	struct container_facts facts;

	atomic_store(&fake(world, 0)->way, FAKE_HALF);
	start(world, 1);
	engines_ask(world->engines, NULL, ID);
	UNTIL(state_of(world, 0).error[0] != '\0');
	assert_non_null(strstr(state_of(world, 0).error, "no answer within"));
	assert_int_equal(engines_next(world->engines, &facts), 0);
	UNTIL(atomic_load(&world->fakes[0]->asked) > 1);
	assert_true(stop_ms(world) < ENGINE_TIMEOUT_MS);
}

static void test_hung_engine_and_another(void **state)
{
	struct world *world = *state;
	struct container_facts facts;

	atomic_store(&fake(world, 0)->way, FAKE_SILENT);
	fake(world, 1)->digest = DIGEST_A;
	start(world, 2);
	UNTIL(state_of(world, 0).connected && state_of(world, 1).connected);
	engines_ask(world->engines, NULL, ID);
	assert_true(fact(world, LATE_MS, &facts));
	assert_int_equal(facts.socket, 1);
	container_facts_done(&facts);
	UNTIL(atomic_load(&world->fakes[0]->asked) > 0);
	assert_true(stop_ms(world) < ENGINE_TIMEOUT_MS);
}

/* Nobody takes the connection, and its queue is full. */
static void test_nobody_accepts(void **state)
{
	struct world *world = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fds[8];

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", world->sockets[0]);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(fds[i], (struct sockaddr *)&address, sizeof(address));
	}
	start(world, 1);
	UNTIL(state_of(world, 0).error[0] != '\0');
	assert_true(stop_ms(world) < ENGINE_TIMEOUT_MS);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	close(listener);
}

/* ---- two engines ---- */

static void test_two_that_disagree(void **state)
{
	struct world *world = *state;
	struct container_facts facts;
	struct engines_totals totals;

	fake(world, 0)->digest = DIGEST_A;
	fake(world, 1)->digest = DIGEST_B;
	start(world, 2);
	UNTIL(state_of(world, 0).connected && state_of(world, 1).connected);
	engines_ask(world->engines, NULL, ID);
	assert_true(fact(world, LATE_MS, &facts));
	assert_non_null(facts.image_digest);
	container_facts_done(&facts);
	assert_true(fact(world, LATE_MS, &facts));
	assert_string_equal(facts.id, ID);
	assert_true(facts.digest_conflict);
	assert_null(facts.image_digest);
	container_facts_done(&facts);
	engines_totals(world->engines, &totals);
	assert_int_equal(totals.conflicts, 1);
}

/* ---- the queue of facts ---- */

static void test_full_queue(void **state)
{
	struct world *world = *state;
	struct container_facts facts;
	struct engines_totals totals;
	size_t told = 0;
	char id[ENGINE_ID_LEN + 1];

	fake(world, 0);
	start(world, 1);
	/* More than fit, in as many goes as the list of questions takes. */
	for (unsigned int i = 0; i < ENGINE_QUEUE_MAX + 8; i++) {
		snprintf(id, sizeof(id), "%064x", i);
		engines_ask(world->engines, "docker", id);
		if (i == ENGINE_QUEUE_MAX / 2 || i == ENGINE_QUEUE_MAX - 1)
			UNTIL(state_of(world, 0).answered > i);
	}
	do {
		engines_totals(world->engines, &totals);
		poll(NULL, 0, 2);
	} while (totals.facts_put_back == 0);
	for (; fact(world, LATE_MS, &facts); told++) {
		container_facts_done(&facts);
		if (told + 1 == ENGINE_QUEUE_MAX + 8)
			break;
	}
	assert_int_equal(told, ENGINE_QUEUE_MAX + 7); /* and the one that broke: none was lost */
	engines_totals(world->engines, &totals);
	assert_int_equal(totals.questions_dropped, 0);
}

/* ---- whose socket it is ---- */

static void user_directory(struct world *world, char *path, size_t size)
{
	char folder[80];
	struct diag diag = { .text = "" };

	snprintf(folder, sizeof(folder), "%s/run/user/%d/podman", world->directory, USER);
	assert_int_equal(directory_make(folder, 0755, &diag), 0);
	assert_int_equal(chown(folder, USER, USER), 0);
	snprintf(path, size, "%s/podman.sock", folder);
}

static void start_in(struct world *world)
{
	struct engines_options options = { .root = world->directory };
	struct diag diag = { .text = "" };

	assert_int_equal(engines_start(&options, &diag, &world->engines), 0);
}

static void test_users_engine(void **state)
{
	struct world *world = *state;
	struct container_facts facts;
	char path[108];

	if (geteuid() != 0) {
		print_message("# skip: only root can listen as somebody else\n");
		skip();
	}
	user_directory(world, path, sizeof(path));
	world->fakes[0] = fake_start(path, USER);
	start_in(world);
	UNTIL(state_of(world, 0).connected);
	assert_int_equal(state_of(world, 0).owner, USER);
	assert_true(state_of(world, 0).number >= ENGINE_SOCKETS_MAX - ENGINE_USER_SOCKETS_MAX);
	assert_false(engines_may_answer(world->engines, NULL));
	/* About anybody's container it is not asked, about its owner's it is. */
	engines_ask(world->engines, NULL, ID);
	assert_false(engines_may_answer_about(world->engines, ID, 0));
	engines_ask_of(world->engines, NULL, OTHER_ID, USER);
	assert_true(fact(world, LATE_MS, &facts));
	assert_string_equal(facts.id, OTHER_ID);
	assert_int_equal(facts.owner, USER);
	container_facts_done(&facts);
	assert_int_equal(atomic_load(&world->fakes[0]->asked), 1);
}

/* Root's engine under a user's name, or another user's: not a word. */
static void test_wrong_listener(void **state)
{
	struct world *world = *state;
	char path[108];

	if (geteuid() != 0) {
		print_message("# skip: only root can listen as somebody else\n");
		skip();
	}
	user_directory(world, path, sizeof(path));
	world->fakes[0] = fake_start(path, 0);
	start_in(world);
	UNTIL(state_of(world, 0).error[0] != '\0');
	assert_non_null(strstr(state_of(world, 0).error, "nothing is asked"));
	engines_stop(TAKE(world->engines));
	fake_stop(TAKE(world->fakes[0]));
	/* Root's name, a user's engine. */
	world->fakes[0] = fake_start(world->sockets[0], 0);
	assert_int_equal(chown(world->directory, USER, USER), 0);
	fake_stop(TAKE(world->fakes[0]));
	world->fakes[0] = fake_start(world->sockets[0], USER);
	assert_int_equal(chown(world->sockets[0], 0, 0), 0);
	start(world, 1);
	UNTIL(state_of(world, 0).error[0] != '\0');
	assert_non_null(strstr(state_of(world, 0).error, "nothing is asked"));
	assert_int_equal(state_of(world, 0).asked, 0);
}

/* A user's link leads nowhere. */
static void test_users_link(void **state)
{
	struct world *world = *state;
	struct engine_state states[2];
	char path[108];

	if (geteuid() != 0) {
		print_message("# skip: only root can listen as somebody else\n");
		skip();
	}
	user_directory(world, path, sizeof(path));
	fake(world, 0);
	assert_int_equal(symlink(world->sockets[0], path), 0);
	start_in(world);
	assert_int_equal(engines_state(world->engines, states, 2), 0);
}

/* ---- where they are found ---- */

static void test_places(void **state)
{
	struct world *world = *state;
	struct engine_state states[4];
	char path[108];
	struct diag diag = { .text = "" };

	snprintf(path, sizeof(path), "%s/run/podman", world->directory);
	assert_int_equal(directory_make(path, 0755, &diag), 0);
	snprintf(path, sizeof(path), "%s/var", world->directory);
	assert_int_equal(directory_make(path, 0755, &diag), 0);
	snprintf(path, sizeof(path), "%s/var/run", world->directory);
	assert_int_equal(symlink("../run", path), 0);
	snprintf(path, sizeof(path), "%s/run/docker.sock", world->directory);
	world->fakes[0] = fake_start(path, geteuid());
	start_in(world);
	/* One socket under two names is one. */
	assert_int_equal(engines_state(world->engines, states, 4), 1);
	assert_true(engines_may_answer(world->engines, "docker"));
	snprintf(path, sizeof(path), "%s/run/podman/podman.sock", world->directory);
	world->fakes[1] = fake_start(path, geteuid());
	UNTIL(engines_state(world->engines, states, 4) == 2 && states[1].connected);
	assert_int_equal(states[1].kind, ENGINE_PODMAN);
}

static void test_bad_options(void **state)
{
	char relative[] = "run/docker.sock", path[] = "/x";
	struct engine_socket many[ENGINE_SOCKETS_MAX + 1] = { { ENGINE_DOCKER, relative } };
	struct engines_options options = { .sockets = many, .n_sockets = 1 };
	struct diag diag = { .text = "" };
	struct engines *engines = NULL;

	(void)state;
	assert_int_equal(engines_start(&options, &diag, &engines), -EINVAL);
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i].path = path;
	options.n_sockets = ARRAY_LEN(many);
	assert_int_equal(engines_start(&options, &diag, &engines), -EINVAL);
	assert_null(engines);
	engines_stop(NULL);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		EACH(test_right_answer),
		EACH(test_config_digest),
		EACH(test_list_and_watch),
		EACH(test_bad_event),
		EACH(test_refused_other_id),
		EACH(test_refused_garbage),
		EACH(test_refused_not_http),
		EACH(test_refused_endless),
		EACH(test_refused_endless_headers),
		EACH(test_refused_labels),
		EACH(test_refused_capitals),
		EACH(test_refused_short),
		EACH(test_refused_error),
		EACH(test_refused_redirect),
		EACH(test_knows_nothing),
		EACH(test_connection_closed),
		EACH(test_engine_restarted),
		EACH(test_half_and_silence),
		EACH(test_hung_engine_and_another),
		EACH(test_nobody_accepts),
		EACH(test_two_that_disagree),
		EACH(test_full_queue),
		EACH(test_users_engine),
		EACH(test_wrong_listener),
		EACH(test_users_link),
		EACH(test_places),
		EACH(test_bad_options),
	};

	return cmocka_run_group_tests_name("engines", tests, NULL, NULL);
}
