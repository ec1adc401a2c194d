// SPDX-License-Identifier: Apache-2.0
/*
 * Reads what Docker and Podman answer. Takes what is asked for and ignores what is not, but what it takes has to have
 * its right form: an answer with a wrong digest in it is no answer at all. Owns nothing.
 */

#include "resolve/engine_docker.h"

#include <stdio.h>

#include "resolve/engine_json.h"

/* A member that is text: 1; 0: absent or null; -EPROTO: something else. */
static int text_member(json_t *object, const char *key, struct diag *diag, const char **ret_text)
{
	json_t *value = json_object_get(object, key);

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_string(value))
		return diag_error(diag, -EPROTO, "\"%s\" is no text", key);
	*ret_text = json_string_value(value);
	return 1;
}

static int id_member(json_t *object, const char *key, struct diag *diag, char ret_id[ENGINE_ID_LEN + 1])
{
	const char *id = "";
	int r = text_member(object, key, diag, &id);

	if (r < 0)
		return r;
	if (!engine_id_is(id))
		return diag_error(diag, -EPROTO, "\"%s\" is no container's id: '%.80s'", key, id);
	memcpy(ret_id, id, ENGINE_ID_LEN + 1);
	return 0;
}

/* ---- which engine ---- */

int docker_read_version(struct str text, struct diag *diag, const char **ret_runtime)
{
	_cleanup_(json_freep) json_t *root = NULL;
	const char *version = NULL;
	json_t *component;
	size_t i;
	int r = engine_json_object(text, diag, &root);

	if (r < 0)
		return r;
	r = text_member(root, "Version", diag, &version);
	if (r <= 0)
		return r < 0 ? r : diag_error(diag, -EPROTO, "no \"Version\": neither Docker nor Podman");
	json_array_foreach (json_object_get(root, "Components"), i, component) {
		const char *name = json_string_value(json_object_get(component, "Name"));

		if (name && strcmp(name, "Podman Engine") == 0) {
			*ret_runtime = "podman";
			return 0;
		}
	}
	*ret_runtime = "docker"; /* those before 18.06 name no components */
	return 0;
}

/* ---- a container ---- */

static const char *find_label(void *user, const char *key)
{
	return json_string_value(json_object_get(user, key));
}

/* A reference that leads elsewhere by now is shown as the image's digest: then it is not known any more. */
static int read_reference(json_t *container, struct diag *diag, struct container_facts *facts)
{
	const char *reference = "";
	int r = text_member(container, "Image", diag, &reference);

	if (r <= 0 || strncmp(reference, "sha256:", strlen("sha256:")) == 0)
		return r < 0 ? r : 0;
	return engine_text(reference, ENGINE_REFERENCE_MAX, "an image's reference", diag,
			   &facts->image_reference);
}

static int read_labels(json_t *container, const struct engines_options *options, struct diag *diag,
		       struct container_facts *facts)
{
	json_t *labels = json_object_get(container, "Labels");

	if (!labels || json_is_null(labels))
		return 0;
	if (!json_is_object(labels))
		return diag_error(diag, -EPROTO, "\"Labels\" is no object");
	return container_facts_label(facts, options, find_label, labels, diag);
}

/* "/web" is web. "/other/web" is what another container calls it that is linked to it. */
static int read_name(json_t *container, struct diag *diag, struct container_facts *facts)
{
	json_t *names = json_object_get(container, "Names"), *name;
	size_t i;

	if (names && !json_is_null(names) && !json_is_array(names))
		return diag_error(diag, -EPROTO, "\"Names\" is no list");
	json_array_foreach (names, i, name) {
		const char *text = json_string_value(name);

		if (!text)
			return diag_error(diag, -EPROTO, "\"Names\" holds what is no text");
		text += text[0] == '/';
		if (!strchr(text, '/'))
			return engine_text(text, ENGINE_NAME_MAX, "a container's name", diag, &facts->name);
	}
	return 0;
}

static int read_image_of(json_t *container, struct diag *diag, char ret_image[ENGINE_DIGEST_LEN + 1])
{
	const char *image = "";
	int r = text_member(container, "ImageID", diag, &image);

	if (r < 0)
		return r;
	ret_image[0] = '\0';
	/* Podman puts its prefix before nothing, where a container's root is a plain directory. */
	if (image[0] == '\0' || strcmp(image, "sha256:") == 0)
		return 0;
	if (!engine_digest_is(image))
		return diag_error(diag, -EPROTO, "\"ImageID\" is no digest: '%.100s'", image);
	memcpy(ret_image, image, ENGINE_DIGEST_LEN + 1);
	return 0;
}

int docker_read_container(struct str text, const char *id, const struct engines_options *options,
			  struct diag *diag, struct container_facts *facts,
			  char ret_image[ENGINE_DIGEST_LEN + 1])
{
	_cleanup_(json_freep) json_t *root = NULL;
	char image[ENGINE_DIGEST_LEN + 1];
	json_t *container;
	int r = engine_json_list(text, diag, &root);

	if (r < 0 || json_array_size(root) == 0)
		return r;
	container = json_array_get(root, 0);
	if (json_array_size(root) > 1)
		return diag_error(diag, -EPROTO, "asked about container %.12s and told of many", id);
	r = id_member(container, "Id", diag, facts->id);
	if (r >= 0 && strcmp(facts->id, id) != 0)
		r = diag_error(diag, -EPROTO, "asked about container %.12s and told of %.12s", id, facts->id);
	if (r >= 0)
		r = read_image_of(container, diag, image);
	if (r >= 0)
		r = read_name(container, diag, facts);
	if (r >= 0)
		r = read_reference(container, diag, facts);
	if (r >= 0)
		r = read_labels(container, options, diag, facts);
	if (r < 0)
		return r;
	memcpy(ret_image, image, sizeof(image));
	return 1;
}

/* ---- an image ---- */

/* A reference's repository as Docker writes it short: "docker.io/library/nginx:1.25@sha256:..." is nginx. */
static struct str repository_of(const char *reference)
{
	static const char *const prefixes[] = { "docker.io/", "index.docker.io/", "library/" };
	struct str name = { reference, strcspn(reference, "@") };
	size_t len = name.len;

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		size_t prefix = strlen(prefixes[i]);

		if (name.len > prefix && memcmp(name.data, prefixes[i], prefix) == 0)
			name = (struct str) { name.data + prefix, name.len - prefix };
	}
	/* A colon behind the last '/' begins the tag; before it, a port. */
	len = name.len;
	while (len > 0 && name.data[len - 1] != ':' && name.data[len - 1] != '/')
		len--;
	if (len > 0 && name.data[len - 1] == ':')
		name.len = len - 1;
	return name;
}

struct choice {
	const char *reference; /* NULL = not known */
	const char *best; /* an entry of RepoDigests */
	int rank;
};

static int rank_of(const char *reference, const char *entry, const char *digest)
{
	const char *named = reference ? engine_reference_digest(reference) : NULL;

	if (named && strcmp(named, digest) == 0)
		return 3;
	return reference && str_equal(repository_of(reference), repository_of(entry)) ? 2 : 1;
}

static int choose(struct choice *choice, json_t *value, struct diag *diag)
{
	const char *entry = json_string_value(value), *at = entry ? strrchr(entry, '@') : NULL, *digest;
	int rank;

	if (!at)
		return diag_error(diag, -EPROTO, "an entry of \"RepoDigests\" has no digest");
	digest = engine_reference_digest(entry);
	/* Another algorithm's is right and not ours; "<none>@<none>" is how old ones write nothing. */
	if (!digest && strncmp(at, "@sha256:", strlen("@sha256:")) != 0)
		return 0;
	if (!digest)
		return diag_error(diag, -EPROTO, "no digest in \"RepoDigests\": '%.200s'", at + 1);
	rank = rank_of(choice->reference, entry, digest);
	if (rank > choice->rank || (rank == choice->rank && strcmp(entry, choice->best) < 0)) {
		choice->rank = rank;
		choice->best = entry;
	}
	return 0;
}

int docker_read_image(struct str text, const char *image, const char *reference, struct diag *diag,
		      char **ret_digest)
{
	_cleanup_(json_freep) json_t *root = NULL;
	struct choice choice = { .reference = reference };
	const char *id = "";
	json_t *digests, *entry;
	size_t i;
	int r = engine_json_object(text, diag, &root);

	if (r >= 0)
		r = text_member(root, "Id", diag, &id);
	if (r < 0)
		return r;
	if (strcmp(id, image) != 0)
		return diag_error(diag, -EPROTO, "asked about image %.19s and told of '%.71s'", image, id);
	digests = json_object_get(root, "RepoDigests");
	if (digests && !json_is_null(digests) && !json_is_array(digests))
		return diag_error(diag, -EPROTO, "\"RepoDigests\" is no list");
	json_array_foreach (digests, i, entry) {
		r = choose(&choice, entry, diag);
		if (r < 0)
			return r;
	}
	return choice.best ? engine_text(engine_reference_digest(choice.best), ENGINE_DIGEST_LEN, "a digest",
					 diag, ret_digest)
			   : 0;
}

/* ---- of themselves ---- */

int docker_read_listed(struct str text, struct diag *diag, char ret_id[ENGINE_ID_LEN + 1])
{
	_cleanup_(json_freep) json_t *root = NULL;
	int r = engine_json_object(text, diag, &root);

	return r < 0 ? r : id_member(root, "Id", diag, ret_id);
}

int docker_read_event(struct str text, struct diag *diag, char ret_id[ENGINE_ID_LEN + 1])
{
	_cleanup_(json_freep) json_t *root = NULL;
	const char *type = "";
	int r = engine_json_object(text, diag, &root);

	if (r >= 0)
		r = text_member(root, "Type", diag, &type);
	if (r < 0 || strcmp(type, "container") != 0)
		return r < 0 ? r : 0;
	r = id_member(json_object_get(root, "Actor"), "ID", diag, ret_id);
	return r < 0 ? r : 1;
}
