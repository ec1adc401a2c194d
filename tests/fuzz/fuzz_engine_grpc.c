// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as an engine's answer: a byte that says to what question, the id asked for, and the answer. Refused, or facts
 * that hold, of that container. 'r' instead: an answer as it comes in, header lines up to an empty one, then the body, in
 * pieces as long as the id's first byte says.
 */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "resolve/engine_containerd_answer.h"
#include "resolve/engine_cri_answer.h"
#include "resolve/engine_driver.h"
#include "resolve/engine_reception.h"

#define IMAGE "docker.io/library/one:latest"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct engines_options options = {
	.labels = (char *[]) { (char[]) { "app" }, (char[]) { "io.kubernetes.container.name" } },
	.n_labels = 2,
};

static void facts_judge(int r, const char *id, struct container_facts *facts)
{
	assert(r == 1 || r == 0 || r == -EPROTO);
	if (r == 1) {
		facts->runtime = "containerd";
		assert(container_facts_check(facts, id, NULL) == 0);
	} else {
		assert(facts->n_labels == 0 && !facts->name && !facts->image_digest);
	}
	container_facts_done(facts);
}

static void id_judge(int r, const char *id)
{
	assert(r == 1 || r == 0 || r == -EPROTO);
	assert(r != 1 || engine_id_is(id));
}

static void count(void *user, const char *id)
{
	assert(engine_id_is(id));
	(*(int *)user)++;
}

static void of_containerd(uint8_t question, const char *id, struct str answer)
{
	static struct containerd_namespaces namespaces;
	static const struct containerd_time times[] = { { INT64_MAX, 0 }, { 1, 0 }, { 0, 0 } };
	struct container_facts facts = { .runtime = NULL };
	struct containerd_time created;
	char found[ENGINE_ID_LEN + 1], *image = NULL, *digest = NULL;
	int r;

	switch (question) {
	case 'n':
		r = containerd_namespaces_read(answer, NULL, &namespaces);
		assert(r == 0 || r == -EPROTO);
		for (size_t i = 0; r == 0 && i < namespaces.n; i++)
			assert(namespaces.names[i][0] != '\0' && !strpbrk(namespaces.names[i], "\r\n :"));
		break;
	case 'g':
		r = containerd_container_read(answer, id, &options, NULL, &facts, &image, &created);
		facts_judge(r == 0 ? 1 : r, id, &facts);
		free(image);
		break;
	case 'i':
		for (size_t i = 0; i < ARRAY_LEN(times); i++) {
			r = containerd_image_read(answer, IMAGE, &times[i], NULL, &digest);
			assert(r == 0 || r == -EPROTO);
			assert(!digest || engine_digest_is(digest));
			free(digest);
			digest = NULL;
		}
		break;
	case 'l':
		id_judge(containerd_listed_read(answer, NULL, found), found);
		break;
	default:
		id_judge(containerd_event_read(answer, NULL, found), found);
	}
}

static void of_cri(uint8_t question, const char *id, struct str answer)
{
	struct container_facts facts = { .runtime = NULL };
	struct cri_more more = { .image_id = NULL };
	char found[ENGINE_ID_LEN + 1], *digest = NULL;
	const char *runtime;
	bool is_config;
	int r, told = 0;

	switch (question) {
	case 'v':
		r = cri_runtime_read(answer, NULL, &runtime);
		assert(r == 0 || r == -EPROTO);
		break;
	case 'c':
		facts_judge(cri_container_read(answer, id, &options, NULL, &facts, &more), id, &facts);
		assert(more.sandbox[0] == '\0' || engine_id_is(more.sandbox));
		free(more.image_id);
		r = cri_containers_read(answer, 3, count, &told, NULL);
		assert(r == told || r == -EPROTO);
		break;
	case 's':
		facts_judge(cri_sandbox_read(answer, id, &options, NULL, &facts), id, &facts);
		r = cri_pod_read(answer, id, NULL, &facts);
		assert(r == 1 || r == 0 || r == -EPROTO);
		container_facts_done(&facts);
		r = cri_sandboxes_read(answer, 3, count, &told, NULL);
		assert(r == told || r == -EPROTO);
		break;
	case 'I':
		r = cri_image_read(answer, IMAGE, NULL, &digest, &is_config);
		assert(r == 0 || r == -EPROTO);
		assert(!digest || engine_digest_is(digest));
		free(digest);
		break;
	default:
		id_judge(cri_event_read(answer, NULL, found), found);
	}
}

static int take(void *user, struct str message)
{
	assert(message.len <= ENGINE_ANSWER_MAX);
	return ++*(int *)user > 100;
}

static void as_it_comes(size_t piece, struct str answer)
{
	struct grpc_call call = { .method = "/m", .deadline_ns = UINT64_MAX };
	struct buf message = BUF_MAX(ENGINE_ANSWER_MAX);
	int messages = 0, r;
	struct reception in = {
		.call = &call, .socket = "s", .message = &message, .each = take, .user = &messages
	};
	bool on = true, body = false;

	while (on && answer.len > 0) {
		const char *end = memchr(answer.data, '\n', answer.len);
		size_t n = body || !end ? piece : (size_t)(end - answer.data) + 1;

		n = n < answer.len ? n : answer.len;
		on = body ? reception_body(&in, (struct str) { answer.data, n })
			  : reception_header(&in, (struct str) { answer.data, n });
		body |= n == 1 && *answer.data == '\n';
		answer = (struct str) { answer.data + n, answer.len - n };
	}
	r = on ? reception_judge(&in) : in.error;
	assert(on || in.error < 0 || in.enough);
	assert(r < 0 || r <= GRPC_UNIMPLEMENTED);
	buf_done(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char id[ENGINE_ID_LEN + 1];
	struct str answer;

	if (size < 1 + ENGINE_ID_LEN)
		return 0;
	memcpy(id, data + 1, ENGINE_ID_LEN);
	id[ENGINE_ID_LEN] = '\0';
	answer = (struct str) { (const char *)data + 1 + ENGINE_ID_LEN, size - 1 - ENGINE_ID_LEN };
	if (data[0] == 'r')
		as_it_comes(data[1] > 0 ? data[1] : 1, answer);
	else if (!engine_id_is(id))
		return 0;
	else if (strchr("ngile", data[0]))
		of_containerd(data[0], id, answer);
	else
		of_cri(data[0], id, answer);
	return 0;
}
