// SPDX-License-Identifier: Apache-2.0
/* What Docker and Podman say, as text: what is taken of it, and everything that is refused. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "resolve/engine_docker.h"
#include "resolve/engine_json.h"

#define ID "f74c8a0d34d90b3c6862cd7bdab3589459d27e6c072795604e99b4accfc4f9ee"
#define OTHER_ID "c9c3fef1acd0c6546f8d307ff84713545e8058c9b59a925d3ed1ce689eb87154"
#define HEX "daa323f8ae08c968ccf68f27ebeb288c919f55144ce22fa87f61ea0cdc4c334f"
#define IMAGE "sha256:" HEX
#define HEX_A "8297a06dc33e43353deb73b20d0c66773bdbc29e359efcd9613c05ff44c3db0a"
#define HEX_B "1297a06dc33e43353deb73b20d0c66773bdbc29e359efcd9613c05ff44c3db0b"

static char tier[] = "tier", absent[] = "absent", app[] = "app";
static char *asked[] = { tier, absent, app, tier };
static const struct engines_options options = { .labels = asked, .n_labels = ARRAY_LEN(asked) };

static struct container_facts facts;
static char image[ENGINE_DIGEST_LEN + 1];
static struct diag diag;

static int read_container(const char *text)
{
	container_facts_done(&facts);
	diag.text[0] = '\0';
	strcpy(image, "untouched");
	return docker_read_container(str_of(text), ID, &options, &diag, &facts, image);
}

static int teardown(void **state)
{
	(void)state;
	container_facts_done(&facts);
	return 0;
}

/* ---- a container ---- */

static void test_container(void **state)
{
	(void)state;
	assert_int_equal(
		read_container("[{\"Id\":\"" ID "\",\"ImageID\":\"" IMAGE "\",\"Names\":[\"/db/w\",\"/web\"],"
			       "\"Image\":\"nginx:1.25\",\"Labels\":{\"tier\":\"front\",\"app\":\"\",\"x\":"
			       "\"y\",\"io.kubernetes.pod.name\":\"p\",\"io.kubernetes.pod.namespace\":"
			       "\"ns\",\"io.kubernetes.pod.uid\":\"u\"}}]"),
		1);
	assert_string_equal(facts.id, ID);
	assert_string_equal(image, IMAGE);
	assert_string_equal(facts.name, "web");
	assert_string_equal(facts.image_reference, "nginx:1.25");
	assert_string_equal(facts.pod, "p");
	assert_string_equal(facts.pod_namespace, "ns");
	assert_string_equal(facts.pod_uid, "u");
	assert_int_equal(facts.n_labels, 2);
	assert_string_equal(facts.labels[0].key, "app");
	assert_string_equal(facts.labels[0].value, "");
	assert_string_equal(facts.labels[1].key, "tier");
	assert_string_equal(facts.labels[1].value, "front");
	facts.runtime = "docker";
	assert_int_equal(container_facts_check(&facts, ID, &diag), 0);
	assert_int_equal(read_container(" [ ]\n"), 0);
}

/* Podman's with a plain directory for its root: there is no image. */
static void test_without_image(void **state)
{
	(void)state;
	assert_int_equal(read_container("[{\"Id\":\"" ID
					"\",\"ImageID\":\"sha256:\",\"Names\":[\"/\"],\"Image\":\"\","
					"\"Labels\":null}]"),
			 1);
	assert_string_equal(image, "");
	assert_null(facts.image_reference);
	assert_null(facts.name);
	assert_int_equal(facts.n_labels, 0);
	/* Docker's whose name was given to another image since: of the name nothing is known. */
	assert_int_equal(
		read_container("[{\"Id\":\"" ID "\",\"ImageID\":\"" IMAGE "\",\"Image\":\"" IMAGE "\"}]"), 1);
	assert_string_equal(image, IMAGE);
	assert_null(facts.image_reference);
}

static void test_refused_containers(void **state)
{
	static const char *const texts[] = {
		"",
		"{}",
		"null",
		"[",
		"[{}]",
		"[[]]",
		"[{\"Id\":\"" ID "\",\"ImageID\":\"" IMAGE "\"}] x",
		/* another one's, or many */
		"[{\"Id\":\"" OTHER_ID "\",\"ImageID\":\"" IMAGE "\"}]",
		"[{\"Id\":\"" ID "\",\"ImageID\":\"" IMAGE "\"},{\"Id\":\"" OTHER_ID "\",\"ImageID\":\"" IMAGE
		"\"}]",
		"[{\"Id\":\"f74c8a0d34d9\",\"ImageID\":\"" IMAGE "\"}]",
		"[{\"Id\":1,\"ImageID\":\"" IMAGE "\"}]",
		"[{\"Id\":\"" ID "\",\"Id\":\"" ID "\",\"ImageID\":\"" IMAGE "\"}]",
		/* no digest: short, long, in capitals, without its algorithm, with another */
		"[{\"Id\":\"" ID "\",\"ImageID\":\"sha256:daa323\"}]",
		"[{\"Id\":\"" ID "\",\"ImageID\":\"" IMAGE "0\"}]",
		"[{\"Id\":\"" ID
		"\",\"ImageID\":\"sha256:DAA323F8AE08C968CCF68F27EBEB288C919F55144CE22FA87F61EA0CDC4C334F\"}]",
		"[{\"Id\":\"" ID "\",\"ImageID\":\"" HEX "\"}]",
		"[{\"Id\":\"" ID "\",\"ImageID\":\"sha512:" HEX "\"}]",
		"[{\"Id\":\"" ID "\",\"ImageID\":\"" IMAGE "\\u0000\"}]",
		"[{\"Id\":\"" ID "\",\"ImageID\":[]}]",
		/* other forms */
		"[{\"Id\":\"" ID "\",\"ImageID\":\"" IMAGE "\",\"Names\":\"/web\"}]",
		"[{\"Id\":\"" ID "\",\"ImageID\":\"" IMAGE "\",\"Names\":[1]}]",
		"[{\"Id\":\"" ID "\",\"ImageID\":\"" IMAGE "\",\"Image\":1}]",
		"[{\"Id\":\"" ID "\",\"ImageID\":\"" IMAGE "\",\"Labels\":[]}]",
		"[{\"Id\":\"" ID "\",\"ImageID\":\"" IMAGE "\",\"Names\":[\"/\xff\"]}]",
		"[{\"Id\":\"" ID "\",\"ImageID\":\"" IMAGE "\",\"x\":" /* 40 deep */
		"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}]",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (read_container(texts[i]) != -EPROTO)
			fail_msg("taken: %s", texts[i]);
		assert_string_not_equal(diag.text, "");
		assert_string_equal(image, "untouched");
	}
}

static void test_too_long_texts(void **state)
{
	char text[4096];

	(void)state;
	snprintf(text, sizeof(text), "[{\"Id\":\"" ID "\",\"Names\":[\"/%0*d\"]}]", ENGINE_NAME_MAX + 1, 0);
	assert_int_equal(read_container(text), -EPROTO);
	snprintf(text, sizeof(text), "[{\"Id\":\"" ID "\",\"Image\":\"%0*d\"}]", ENGINE_REFERENCE_MAX + 1, 0);
	assert_int_equal(read_container(text), -EPROTO);
	/* A label that is too long is left out, alone. */
	snprintf(text, sizeof(text), "[{\"Id\":\"" ID "\",\"Labels\":{\"tier\":\"%0*d\",\"app\":\"a\"}}]",
		 ENGINE_LABEL_MAX + 1, 0);
	assert_int_equal(read_container(text), 1);
	assert_int_equal(facts.n_labels, 1);
	assert_int_equal(facts.labels_refused, 2); /* it is asked for twice */
}

/* A tree of empty objects would take a hundred times its text. */
static void test_many_values(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(1u << 20);

	(void)state;
	buf_printf(&text, "[{\"Id\":\"" ID "\",\"x\":[{}");
	for (size_t i = 0; i < ENGINE_JSON_VALUES_MAX / 2; i++)
		buf_append(&text, ",{}", 3);
	buf_append(&text, "]}]", 3);
	assert_int_equal(read_container(buf_cstr(&text)), -EPROTO);
	assert_non_null(strstr(diag.text, "values"));
	/* The same commas in a text are none. */
	buf_clear(&text);
	buf_printf(&text, "[{\"Id\":\"" ID "\",\"x\":\"\\\"");
	for (size_t i = 0; i < ENGINE_JSON_VALUES_MAX; i++)
		buf_append(&text, ",{}", 3);
	buf_append(&text, "\\\\\"}]", 5);
	assert_int_equal(read_container(buf_cstr(&text)), 1);
}

/* ---- an image ---- */

static char *digest_of_image(const char *digests, const char *reference, int result)
{
	char text[2048], *digest = NULL;
	int r;

	snprintf(text, sizeof(text), "{\"Id\":\"" IMAGE "\",\"RepoDigests\":%s}", digests);
	diag.text[0] = '\0';
	r = docker_read_image(str_of(text), IMAGE, reference, &diag, &digest);
	if (r != result)
		fail_msg("%d for %s: %s", r, digests, diag.text);
	return digest;
}

static void assert_chosen(const char *digests, const char *reference, const char *wanted)
{
	_cleanup_(freep) char *digest = digest_of_image(digests, reference, 0);

	if (wanted)
		assert_string_equal(digest, wanted);
	else
		assert_null(digest);
}

static void test_image(void **state)
{
	(void)state;
	assert_chosen("null", "nginx", NULL);
	assert_chosen("[]", NULL, NULL);
	assert_chosen("[\"<none>@<none>\"]", NULL, NULL);
	assert_chosen("[\"nginx@sha512:aa\"]", "nginx", NULL);
	assert_chosen("[\"nginx@sha256:" HEX_A "\"]", NULL, "sha256:" HEX_A);
	/* the first in sort order, whichever way they stand */
	assert_chosen("[\"b@sha256:" HEX_A "\",\"a@sha256:" HEX_B "\"]", "c", "sha256:" HEX_B);
	assert_chosen("[\"a@sha256:" HEX_B "\",\"b@sha256:" HEX_A "\"]", NULL, "sha256:" HEX_B);
	/* that of the reference's repository */
	assert_chosen("[\"b@sha256:" HEX_A "\",\"a@sha256:" HEX_B "\"]", "b:1.25", "sha256:" HEX_A);
	assert_chosen("[\"a@sha256:" HEX_B "\",\"nginx@sha256:" HEX_A "\"]", "docker.io/library/nginx:1",
		      "sha256:" HEX_A);
	assert_chosen("[\"a@sha256:" HEX_B "\",\"h:5000/x@sha256:" HEX_A "\"]", "h:5000/x", "sha256:" HEX_A);
	assert_chosen("[\"h@sha256:" HEX_A "\",\"h:5000/x@sha256:" HEX_B "\"]", "h:5000", "sha256:" HEX_A);
	/* that which the reference names */
	assert_chosen("[\"a@sha256:" HEX_B "\",\"a@sha256:" HEX_A "\"]", "a@sha256:" HEX_A, "sha256:" HEX_A);
}

static void test_refused_images(void **state)
{
	static const char *const digests[] = {
		"{}",
		"\"nginx@sha256:" HEX_A "\"",
		"[1]",
		"[\"nginx\"]",
		"[\"nginx@sha256:1234\"]",
		"[\"@sha256:" HEX_A "\"]",
		"[\"nginx@sha256:8297A06DC33E43353DEB73B20D0C66773BDBC29E359EFCD9613C05FF44C3DB0A\"]",
		"[\"nginx@sha256:" HEX_A "\",\"nginx@sha256:" HEX_A "0\"]",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(digests); i++)
		assert_null(digest_of_image(digests[i], "nginx", -EPROTO));
}

static void test_another_image(void **state)
{
	char *digest = NULL;

	(void)state;
	assert_int_equal(docker_read_image(STR("{\"Id\":\"sha256:" HEX_A "\",\"RepoDigests\":[]}"), IMAGE, NULL,
					   NULL, &digest),
			 -EPROTO);
	assert_int_equal(docker_read_image(STR("{\"RepoDigests\":[]}"), IMAGE, NULL, NULL, &digest), -EPROTO);
	assert_null(digest);
}

/* ---- which engine ---- */

static void test_version(void **state)
{
	const char *runtime = NULL;

	(void)state;
	assert_int_equal(docker_read_version(STR("{\"Version\":\"4.3.1\",\"Components\":[{\"Name\":\"Podman "
						 "Engine\"}]}"),
					     NULL, &runtime),
			 0);
	assert_string_equal(runtime, "podman");
	assert_int_equal(
		docker_read_version(STR("{\"Version\":\"20.10\",\"Components\":[{\"Name\":\"Engine\"}]}"), NULL,
				    &runtime),
		0);
	assert_string_equal(runtime, "docker");
	assert_int_equal(docker_read_version(STR("{\"Version\":\"17.05\"}"), NULL, &runtime), 0);
	assert_string_equal(runtime, "docker");
	assert_int_equal(docker_read_version(STR("{\"message\":\"page not found\"}"), NULL, &runtime), -EPROTO);
}

/* ---- many objects ---- */

static size_t n_objects;
static char last[128];

static int on_object(void *user, struct str text)
{
	(void)user;
	n_objects++;
	snprintf(last, sizeof(last), "%.*s", (int)text.len, text.data);
	return 0;
}

/* In one piece and byte by byte: the same. */
static int feed(bool list, const char *text)
{
	struct engine_objects whole = ENGINE_OBJECTS(list), parts = ENGINE_OBJECTS(list);
	int r, r_parts = 0;
	size_t n;

	n_objects = 0;
	r = engine_objects_feed(&whole, str_of(text), on_object, NULL);
	n = n_objects;
	n_objects = 0;
	for (size_t i = 0; text[i] && r_parts >= 0; i++)
		r_parts = engine_objects_feed(&parts, (struct str) { text + i, 1 }, on_object, NULL);
	assert_int_equal(r, r_parts);
	assert_int_equal(n, n_objects);
	assert_int_equal(whole.closed, parts.closed);
	r = r < 0 ? r : whole.closed;
	engine_objects_done(&whole);
	engine_objects_done(&parts);
	return r;
}

static void test_objects(void **state)
{
	(void)state;
	assert_int_equal(feed(true, "[]"), 1);
	assert_int_equal(feed(true, " [ {\"a\":\"]}\\\"\"} , {} ]\n"), 1);
	assert_int_equal(n_objects, 2);
	assert_int_equal(feed(true, "[{},{}"), 0);
	assert_int_equal(feed(true, "[{}{}]"), -EPROTO);
	assert_int_equal(feed(true, "[,{}]"), -EPROTO);
	assert_int_equal(feed(true, "[{}]]"), -EPROTO);
	assert_int_equal(feed(true, "{}"), -EPROTO);
	assert_int_equal(feed(true, "[1]"), -EPROTO);
	assert_int_equal(feed(false, "{\"a\":{\"b\":[1]}}\n{\"c\":\"{\"}\n"), 0);
	assert_int_equal(n_objects, 2);
	assert_string_equal(last, "{\"c\":\"{\"}");
	assert_int_equal(feed(false, "x"), -EPROTO);
	assert_int_equal(feed(false, "[]"), -EPROTO);
}

/* One that is too long hides nothing behind it, and takes no more than its ceiling. */
static void test_long_object(void **state)
{
	struct engine_objects objects = ENGINE_OBJECTS(false);
	char piece[4096];

	(void)state;
	n_objects = 0;
	memset(piece, 'a', sizeof(piece));
	assert_int_equal(engine_objects_feed(&objects, STR("{\"a\":\""), on_object, NULL), 0);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(
			engine_objects_feed(&objects, (struct str) { piece, sizeof(piece) }, on_object, NULL),
			0);
	assert_true(objects.object.capacity <= ENGINE_OBJECT_MAX);
	assert_int_equal(engine_objects_feed(&objects, STR("\"}{}"), on_object, NULL), 0);
	assert_int_equal(objects.refused, 1);
	assert_int_equal(n_objects, 1);
	engine_objects_done(&objects);
}

static void test_events(void **state)
{
	char id[ENGINE_ID_LEN + 1] = "";

	(void)state;
	assert_int_equal(
		docker_read_event(
			STR("{\"Type\":\"container\",\"Action\":\"create\",\"Actor\":{\"ID\":\"" ID "\"}}"),
			NULL, id),
		1);
	assert_string_equal(id, ID);
	assert_int_equal(docker_read_event(STR("{\"Type\":\"network\",\"Actor\":{\"ID\":\"x\"}}"), NULL, id),
			 0);
	assert_int_equal(docker_read_event(STR("{}"), NULL, id), 0);
	assert_int_equal(docker_read_event(STR("{\"Type\":\"container\"}"), NULL, id), -EPROTO);
	assert_int_equal(
		docker_read_event(STR("{\"Type\":\"container\",\"Actor\":{\"ID\":\"../x\"}}"), NULL, id),
		-EPROTO);
	assert_int_equal(docker_read_listed(STR("{\"Id\":\"" OTHER_ID "\"}"), NULL, id), 0);
	assert_string_equal(id, OTHER_ID);
	assert_int_equal(docker_read_listed(STR("{\"Id\":\"\"}"), NULL, id), -EPROTO);
}

/* ---- what Docker 20.10 and Podman 4.3 said (tests/fuzz/corpus/engine_docker) ---- */

static void read_capture(const char *engine, const char *what, struct buf *out)
{
	char path[128];

	buf_clear(out);
	snprintf(path, sizeof(path), "tests/fuzz/corpus/engine_docker/%s-%s", engine, what);
	assert_int_equal(file_read_at(AT_FDCWD, path, out, &diag), 0);
}

static void check_capture(const char *engine, const char *id, const char *config, const char *repository)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(1u << 20);
	_cleanup_(freep) char *digest = NULL;
	const char *runtime = NULL;

	read_capture(engine, "version", &text);
	assert_int_equal(docker_read_version(buf_str(&text), &diag, &runtime), 0);
	assert_string_equal(runtime, engine);
	container_facts_done(&facts);
	read_capture(engine, "list", &text);
	assert_int_equal(docker_read_container(buf_str(&text), id, &options, &diag, &facts, image), 1);
	assert_string_equal(image, config);
	read_capture(engine, "image", &text);
	assert_int_equal(docker_read_image(buf_str(&text), image, facts.image_reference, &diag, &digest), 0);
	assert_int_equal(digest == NULL, repository == NULL);
	if (digest)
		assert_string_equal(digest, repository);
	read_capture(engine, "list", &text);
	assert_int_equal(feed(true, buf_cstr(&text)), 1);
	assert_int_equal(n_objects, 1);
	read_capture(engine, "events", &text);
	assert_int_equal(feed(false, buf_cstr(&text)), 0);
	assert_int_equal(n_objects, 2);
}

static void test_captures(void **state)
{
	(void)state;
	check_capture("docker", ID, IMAGE, NULL);
	assert_string_equal(facts.name, "web");
	assert_string_equal(facts.image_reference, "eng/busybox:1");
	assert_string_equal(facts.pod, "p1");
	check_capture("podman", OTHER_ID,
		      "sha256:3feab1316b08b9bd85f86629ef48959252cf809248ad7eca0e070f5e1b42b786",
		      "sha256:" HEX_A);
	assert_string_equal(facts.name, "webp");
	assert_string_equal(facts.image_reference, "localhost/eng/busybox:1");
	assert_string_equal(facts.labels[0].value, "front");
}

/* ---- forms ---- */

static void test_forms(void **state)
{
	(void)state;
	assert_true(engine_digest_is(IMAGE));
	assert_false(engine_digest_is(IMAGE "\n"));
	assert_false(engine_digest_is("SHA256:" HEX));
	assert_false(engine_digest_is(" " IMAGE));
	assert_string_equal(engine_reference_digest("h:5000/a/b:1@" IMAGE), IMAGE);
	assert_null(engine_reference_digest("@" IMAGE));
	assert_null(engine_reference_digest(IMAGE));
	assert_null(engine_reference_digest("a@sha256:"));
	assert_true(engine_id_is(ID));
	assert_false(engine_id_is(""));
	assert_false(engine_id_is(ID "0"));
	assert_false(engine_id_is("F" ID));
}

int main(void)
{
#define EACH(test) cmocka_unit_test_teardown(test, teardown)
	const struct CMUnitTest tests[] = {
		EACH(test_container),	   EACH(test_without_image), EACH(test_refused_containers),
		EACH(test_too_long_texts), EACH(test_many_values),   EACH(test_image),
		EACH(test_refused_images), EACH(test_another_image), EACH(test_version),
		EACH(test_objects),	   EACH(test_long_object),   EACH(test_events),
		EACH(test_forms),	   EACH(test_captures),
	};

	return cmocka_run_group_tests_name("engine_docker", tests, NULL, NULL);
}
