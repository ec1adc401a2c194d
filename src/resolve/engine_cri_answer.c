// SPDX-License-Identifier: Apache-2.0
/*
 * Promises that nothing is taken from an answer that speaks of another container or pod than the one asked for. An engine
 * keeps the image of a container by its id there, so that a tag that moved since does not matter.
 */

#include "resolve/engine_cri_answer.h"

#include "resolve/engine_driver.h"
#include "resolve/engine_message.h"

#include "engine_cri.pb-c.h"

#define EVENT_CREATED 0
#define EVENT_STARTED 1

int cri_runtime_read(struct str answer, struct diag *diag, const char **ret_runtime)
{
	static const char *const known[] = { "containerd", "cri-o", "docker" };
	_cleanup_(engine_message_freep) Cri__VersionResponse *said = NULL;
	int r = engine_unpack(&cri__version_response__descriptor, answer, diag, &said);

	if (r < 0)
		return r;
	*ret_runtime = NULL;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (engine_bytes_are(said->runtime_name, known[i]))
			*ret_runtime = known[i];
	}
	return 0;
}

/* containerd writes an image's id with "sha256:", CRI-O without. NULL: it is none, or no memory. */
static char *id_digest(const char *id)
{
	char *digest = NULL;

	if (engine_digest_is(id))
		return strdup(id);
	if (engine_id_is(id) && asprintf(&digest, "sha256:%s", id) < 0)
		return NULL;
	return digest;
}

/* image_ref is "REPOSITORY@sha256:HEX", or an id. */
static int image_take(const Cri__Container *container, struct diag *diag, struct container_facts *facts,
		      char **ret_image_id)
{
	_cleanup_(freep) char *named = NULL;
	_cleanup_(freep) char *ref = NULL;
	const char *digest;
	int r = 0;

	if (container->image)
		r = engine_text_take(container->image->image, ENGINE_REFERENCE_MAX, "an image's name", diag,
				     &named);
	if (r == 0)
		r = engine_text_take(container->image_ref, ENGINE_REFERENCE_MAX, "an image's reference", diag,
				     &ref);
	if (r < 0)
		return r;
	if (named && !engine_digest_is(named) && !engine_id_is(named))
		facts->image_reference = TAKE(named);
	digest = ref ? engine_reference_digest(ref) : NULL;
	if (digest) {
		facts->image_digest = strdup(digest);
		if (!facts->image_digest)
			return -ENOMEM;
	} else if (ref) {
		*ret_image_id = TAKE(ref);
	}
	return 0;
}

static int container_take(const Cri__Container *container, const struct engines_options *options,
			  struct diag *diag, struct container_facts *facts, char **ret_image_id)
{
	int r = image_take(container, diag, facts, ret_image_id);

	if (r == 0 && container->metadata)
		r = engine_text_take(container->metadata->name, ENGINE_NAME_MAX, "a container's name", diag,
				     &facts->name);
	if (r == 0)
		r = engine_labels_take(container->labels, container->n_labels, options, diag, facts);
	return r;
}

int cri_container_read(struct str answer, const char *id, const struct engines_options *options,
		       struct diag *diag, struct container_facts *ret_facts, struct cri_more *ret_more)
{
	_cleanup_(engine_message_freep) Cri__ListContainersResponse *said = NULL;
	_cleanup_(container_facts_done) struct container_facts facts = { .runtime = NULL };
	_cleanup_(freep) char *image_id = NULL;
	const Cri__Container *container = NULL;
	int r = engine_unpack(&cri__list_containers_response__descriptor, answer, diag, &said);

	if (r < 0)
		return r;
	for (size_t i = 0; i < said->n_containers && !container; i++) {
		if (engine_bytes_are(said->containers[i]->id, id))
			container = said->containers[i];
	}
	if (!container)
		return said->n_containers == 0
			       ? 0
			       : diag_error(diag, -EPROTO, "asked for container %s, told of others", id);
	r = container_take(container, options, diag, &facts, &image_id);
	if (r < 0)
		return r;
	if (!engine_id_take(container->pod_sandbox_id, ret_more->sandbox))
		ret_more->sandbox[0] = '\0';
	ret_more->image_id = TAKE(image_id);
	memcpy(facts.id, id, sizeof(facts.id));
	*ret_facts = facts;
	facts = (struct container_facts) { .runtime = NULL };
	return 1;
}

/* "docker.io/library/nginx:1.25" -> the length of "docker.io/library/nginx": a colon before the last slash is a port's. */
static size_t repository_len(const char *reference)
{
	size_t len = strcspn(reference, "@");

	for (size_t i = len; i > 0 && reference[i - 1] != '/'; i--) {
		if (reference[i - 1] == ':')
			return i - 1;
	}
	return len;
}

static bool same_repository(const char *a, const char *b)
{
	size_t len = repository_len(a);

	return len == repository_len(b) && memcmp(a, b, len) == 0;
}

/* Several repositories may have it, each with a digest of its own: that of the one it was asked from is preferred. */
static int repository_digest(const Cri__Image *image, const char *reference, struct diag *diag, char **digest)
{
	for (size_t i = 0; i < image->n_repo_digests; i++) {
		_cleanup_(freep) char *text = NULL;
		bool best;
		int r = engine_text_take(image->repo_digests[i], ENGINE_REFERENCE_MAX, "a repository's digest",
					 diag, &text);

		if (r < 0)
			return r;
		if (!text || !engine_reference_digest(text))
			continue;
		best = reference && same_repository(reference, text);
		if (*digest && !best)
			continue;
		free(*digest);
		*digest = strdup(engine_reference_digest(text));
		if (!*digest)
			return -ENOMEM;
		if (best)
			break;
	}
	return 0;
}

int cri_image_read(struct str answer, const char *reference, struct diag *diag, char **ret_digest,
		   bool *ret_is_config)
{
	_cleanup_(engine_message_freep) Cri__ImageStatusResponse *said = NULL;
	_cleanup_(freep) char *digest = NULL;
	_cleanup_(freep) char *id = NULL;
	int r = engine_unpack(&cri__image_status_response__descriptor, answer, diag, &said);

	if (r < 0)
		return r;
	*ret_digest = NULL;
	*ret_is_config = false;
	if (!said->image)
		return 0;
	r = repository_digest(said->image, reference, diag, &digest);
	if (r == 0 && !digest)
		r = engine_text_take(said->image->id, ENGINE_NAME_MAX, "an image's id", diag, &id);
	if (r < 0)
		return r;
	if (id) {
		digest = id_digest(id);
		*ret_is_config = digest != NULL;
	}
	*ret_digest = TAKE(digest);
	return 0;
}

static int pod_take(const Cri__PodSandbox *sandbox, struct diag *diag, struct container_facts *facts)
{
	const Cri__PodSandboxMetadata *metadata = sandbox->metadata;
	int r = 0;

	if (metadata && !facts->pod)
		r = engine_text_take(metadata->name, ENGINE_NAME_MAX, "a pod's name", diag, &facts->pod);
	if (r == 0 && metadata && !facts->pod_namespace)
		r = engine_text_take(metadata->namespace_, ENGINE_NAME_MAX, "a pod's namespace", diag,
				     &facts->pod_namespace);
	if (r == 0 && metadata && !facts->pod_uid)
		r = engine_text_take(metadata->uid, ENGINE_NAME_MAX, "a pod's uid", diag, &facts->pod_uid);
	return r;
}

/* 1: *ret_sandbox lies in *ret_said. */
static int sandbox_find(struct str answer, const char *id, struct diag *diag,
			Cri__ListPodSandboxResponse **ret_said, const Cri__PodSandbox **ret_sandbox)
{
	_cleanup_(engine_message_freep) Cri__ListPodSandboxResponse *said = NULL;
	int r = engine_unpack(&cri__list_pod_sandbox_response__descriptor, answer, diag, &said);

	if (r < 0)
		return r;
	for (size_t i = 0; i < said->n_items; i++) {
		if (!engine_bytes_are(said->items[i]->id, id))
			continue;
		*ret_sandbox = said->items[i];
		*ret_said = TAKE(said);
		return 1;
	}
	return said->n_items == 0 ? 0
				  : diag_error(diag, -EPROTO, "asked for pod sandbox %s, told of others", id);
}

int cri_pod_read(struct str answer, const char *sandbox, struct diag *diag, struct container_facts *facts)
{
	_cleanup_(engine_message_freep) Cri__ListPodSandboxResponse *said = NULL;
	const Cri__PodSandbox *found;
	int r = sandbox_find(answer, sandbox, diag, &said, &found);

	if (r <= 0)
		return r;
	r = pod_take(found, diag, facts);
	return r < 0 ? r : 1;
}

int cri_sandbox_read(struct str answer, const char *id, const struct engines_options *options,
		     struct diag *diag, struct container_facts *ret_facts)
{
	_cleanup_(engine_message_freep) Cri__ListPodSandboxResponse *said = NULL;
	_cleanup_(container_facts_done) struct container_facts facts = { .runtime = NULL };
	const Cri__PodSandbox *found;
	int r = sandbox_find(answer, id, diag, &said, &found);

	if (r <= 0)
		return r;
	r = pod_take(found, diag, &facts);
	if (r == 0)
		r = engine_labels_take(found->labels, found->n_labels, options, diag, &facts);
	if (r < 0)
		return r;
	memcpy(facts.id, id, sizeof(facts.id));
	*ret_facts = facts;
	facts = (struct container_facts) { .runtime = NULL };
	return 1;
}

int cri_containers_read(struct str answer, size_t max, cri_id_fn each, void *user, struct diag *diag)
{
	_cleanup_(engine_message_freep) Cri__ListContainersResponse *said = NULL;
	char id[ENGINE_ID_LEN + 1];
	int told = 0, r = engine_unpack(&cri__list_containers_response__descriptor, answer, diag, &said);

	if (r < 0)
		return r;
	for (size_t i = 0; i < said->n_containers && (size_t)told < max; i++) {
		if (!engine_id_take(said->containers[i]->id, id))
			continue;
		each(user, id);
		told++;
	}
	return told;
}

int cri_sandboxes_read(struct str answer, size_t max, cri_id_fn each, void *user, struct diag *diag)
{
	_cleanup_(engine_message_freep) Cri__ListPodSandboxResponse *said = NULL;
	char id[ENGINE_ID_LEN + 1];
	int told = 0, r = engine_unpack(&cri__list_pod_sandbox_response__descriptor, answer, diag, &said);

	if (r < 0)
		return r;
	for (size_t i = 0; i < said->n_items && (size_t)told < max; i++) {
		if (!engine_id_take(said->items[i]->id, id))
			continue;
		each(user, id);
		told++;
	}
	return told;
}

int cri_event_read(struct str message, struct diag *diag, char ret_id[ENGINE_ID_LEN + 1])
{
	_cleanup_(engine_message_freep) Cri__ContainerEventResponse *event = NULL;
	int r = engine_unpack(&cri__container_event_response__descriptor, message, diag, &event);

	if (r < 0)
		return r;
	if (event->container_event_type != EVENT_CREATED && event->container_event_type != EVENT_STARTED)
		return 0;
	return engine_id_take(event->container_id, ret_id);
}
