// SPDX-License-Identifier: Apache-2.0
/*
 * Hostile answers of Docker's API. Beyond not crashing: what is taken holds (container_facts_check), a digest that is told is
 * one, and a stream tells the same whichever way it is cut.
 */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "resolve/engine_docker.h"
#include "resolve/engine_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char tier[] = "tier", pod[] = "io.kubernetes.pod.name";
static char *labels[] = { tier, pod };
static const struct engines_options options = { .labels = labels, .n_labels = ARRAY_LEN(labels) };

static void must(bool condition)
{
	if (!condition)
		abort();
}

/* What the text itself says that it is about, so that the answer is to the right question. */
static void copy_behind(struct str text, const char *mark, size_t len, char *out)
{
	const char *at = memmem(text.data, text.len, mark, strlen(mark));
	size_t left = at ? (size_t)(text.data + text.len - at) - strlen(mark) : 0;

	memset(out, '0', len);
	out[len] = '\0';
	if (left >= len && !memchr(at + strlen(mark), '\0', len))
		memcpy(out, at + strlen(mark), len);
}

static void check_container(struct str text)
{
	_cleanup_(container_facts_done) struct container_facts facts = { .id = "" };
	char id[ENGINE_ID_LEN + 1], image[ENGINE_DIGEST_LEN + 1];
	struct diag diag = { .text = "" };
	int r;

	copy_behind(text, "\"Id\":\"", ENGINE_ID_LEN, id);
	r = docker_read_container(text, id, &options, &diag, &facts, image);
	if (r <= 0) {
		must(r == 0 || r == -ENOMEM || (r == -EPROTO && diag.text[0] != '\0'));
		return;
	}
	must(r == 1);
	facts.runtime = "docker";
	must(container_facts_check(&facts, id, &diag) == 0);
	must(image[0] == '\0' || engine_digest_is(image));
	must(container_facts_size(&facts) < 128u << 10);
}

static void check_image(struct str text)
{
	_cleanup_(freep) char *digest = NULL;
	char image[ENGINE_DIGEST_LEN + 1];
	struct diag diag = { .text = "" };
	int r;

	copy_behind(text, "\"Id\":\"", ENGINE_DIGEST_LEN, image);
	r = docker_read_image(text, image, "localhost/eng/busybox:1", &diag, &digest);
	must(r == 0 || r == -ENOMEM || (r == -EPROTO && diag.text[0] != '\0'));
	must(!digest || (r == 0 && engine_digest_is(digest)));
}

static int count_object(void *user, struct str text)
{
	char id[ENGINE_ID_LEN + 1];
	size_t *told = user;
	int r = docker_read_event(text, NULL, id);

	must(r <= 0 || engine_id_is(id));
	must(docker_read_listed(text, NULL, id) < 0 || engine_id_is(id));
	*told += text.len;
	return 0;
}

static void check_stream(struct str text, bool list)
{
	struct engine_objects whole = ENGINE_OBJECTS(list), parts = ENGINE_OBJECTS(list);
	size_t told = 0, told_parts = 0;
	int r = engine_objects_feed(&whole, text, count_object, &told), r_parts = 0;

	for (size_t i = 0; i < text.len && r_parts >= 0; i += 7) {
		struct str piece = { text.data + i, text.len - i < 7 ? text.len - i : 7 };

		r_parts = engine_objects_feed(&parts, piece, count_object, &told_parts);
	}
	must(r == r_parts && told == told_parts && whole.refused == parts.refused);
	engine_objects_done(&whole);
	engine_objects_done(&parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	const char *runtime = NULL;

	check_container(text);
	check_image(text);
	check_stream(text, true);
	check_stream(text, false);
	must(docker_read_version(text, NULL, &runtime) < 0 || runtime);
	return 0;
}
