// SPDX-License-Identifier: Apache-2.0
/*
 * What may be believed of an engine's words, whichever way they came: forms, lengths, and that they speak of the container
 * that was asked about. Owns nothing; the facts are their holder's.
 */

#include "resolve/engine_driver.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

#define DIGEST_PREFIX "sha256:"

void container_facts_done(struct container_facts *facts)
{
	free(facts->image_digest);
	free(facts->image_reference);
	free(facts->name);
	free(facts->pod);
	free(facts->pod_namespace);
	free(facts->pod_uid);
	for (size_t i = 0; i < facts->n_labels; i++) {
		free(facts->labels[i].key);
		free(facts->labels[i].value);
	}
	free(facts->labels);
	*facts = (struct container_facts) { .id = "" };
}

/* 64 lower-case hex digits, and nothing behind them. */
bool engine_id_is(const char *text)
{
	return container_id_is(str_of(text));
}

bool engine_digest_is(const char *text)
{
	return strncmp(text, DIGEST_PREFIX, strlen(DIGEST_PREFIX)) == 0 &&
	       engine_id_is(text + strlen(DIGEST_PREFIX));
}

const char *engine_reference_digest(const char *reference)
{
	const char *at = strrchr(reference, '@');

	return at && at != reference && engine_digest_is(at + 1) ? at + 1 : NULL;
}

int engine_text(const char *text, size_t max, const char *what, struct diag *diag, char **ret_text)
{
	char *copy;

	if (!text || text[0] == '\0')
		return 0;
	if (strlen(text) > max)
		return diag_error(diag, -EPROTO, "%s of %zu bytes: more than %zu", what, strlen(text), max);
	copy = strdup(text);
	if (!copy)
		return diag_error(diag, -ENOMEM, "out of memory");
	free(*ret_text);
	*ret_text = copy;
	return 0;
}

/* ---- labels ---- */

static int label_add(struct container_facts *facts, const char *key, const char *value)
{
	_cleanup_(freep) char *key_copy = strdup(key), *value_copy = strdup(value);
	size_t at = facts->n_labels;

	if (!key_copy || !value_copy)
		return -ENOMEM;
	while (at > 0 && strcmp(facts->labels[at - 1].key, key) > 0) {
		facts->labels[at] = facts->labels[at - 1];
		at--;
	}
	facts->labels[at] = (struct engine_label) { TAKE(key_copy), TAKE(value_copy) };
	facts->n_labels++;
	return 0;
}

static bool label_is_there(const struct container_facts *facts, const char *key)
{
	for (size_t i = 0; i < facts->n_labels; i++) {
		if (strcmp(facts->labels[i].key, key) == 0)
			return true;
	}
	return false;
}

static int labels_asked(struct container_facts *facts, const struct engines_options *options,
			engine_label_fn find, void *user)
{
	for (size_t i = 0; i < options->n_labels; i++) {
		const char *key = options->labels[i], *value = find(user, key);
		int r;

		if (!value || label_is_there(facts, key))
			continue;
		if (facts->n_labels == ENGINE_LABELS_MAX || strlen(key) > ENGINE_LABEL_MAX ||
		    strlen(value) > ENGINE_LABEL_MAX) {
			facts->labels_refused++;
			continue;
		}
		if (!facts->labels)
			facts->labels = calloc(ENGINE_LABELS_MAX, sizeof(*facts->labels));
		r = facts->labels ? label_add(facts, key, value) : -ENOMEM;
		if (r < 0)
			return r;
	}
	return 0;
}

int container_facts_label(struct container_facts *facts, const struct engines_options *options,
			  engine_label_fn find, void *user, struct diag *diag)
{
	int r = labels_asked(facts, options, find, user);

	if (r < 0)
		return diag_error(diag, r, "out of memory");
	r = engine_text(find(user, "io.kubernetes.pod.name"), ENGINE_NAME_MAX, "a pod's name", diag,
			&facts->pod);
	if (r >= 0)
		r = engine_text(find(user, "io.kubernetes.pod.namespace"), ENGINE_NAME_MAX, "a pod's namespace",
				diag, &facts->pod_namespace);
	if (r >= 0)
		r = engine_text(find(user, "io.kubernetes.pod.uid"), ENGINE_NAME_MAX, "a pod's uid", diag,
				&facts->pod_uid);
	return r;
}

/* ---- the check of every answer ---- */

static bool text_holds(const char *text, size_t max)
{
	return !text || (text[0] != '\0' && strlen(text) <= max && text_is_utf8(str_of(text)));
}

static bool labels_hold(const struct container_facts *facts)
{
	if (facts->n_labels > ENGINE_LABELS_MAX)
		return false;
	for (size_t i = 0; i < facts->n_labels; i++) {
		const struct engine_label *label = &facts->labels[i];

		if (!text_holds(label->key, ENGINE_LABEL_MAX) || strlen(label->value) > ENGINE_LABEL_MAX ||
		    !text_is_utf8(str_of(label->value)) ||
		    (i > 0 && strcmp(facts->labels[i - 1].key, label->key) >= 0))
			return false;
	}
	return true;
}

int container_facts_check(const struct container_facts *facts, const char *id, struct diag *diag)
{
	if (strcmp(facts->id, id) != 0)
		return diag_error(diag, -EPROTO, "asked about container %.12s and told of another, '%.64s'", id,
				  facts->id);
	if (facts->image_digest && !engine_digest_is(facts->image_digest))
		return diag_error(diag, -EPROTO, "container %.12s: '%.100s' is no digest of an image", id,
				  facts->image_digest);
	if (!facts->runtime || !text_holds(facts->image_reference, ENGINE_REFERENCE_MAX) ||
	    !text_holds(facts->name, ENGINE_NAME_MAX) || !text_holds(facts->pod, ENGINE_NAME_MAX) ||
	    !text_holds(facts->pod_namespace, ENGINE_NAME_MAX) ||
	    !text_holds(facts->pod_uid, ENGINE_NAME_MAX) || !labels_hold(facts))
		return diag_error(diag, -EPROTO, "container %.12s: a name that is too long or no text", id);
	return 0;
}

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

size_t container_facts_size(const struct container_facts *facts)
{
	size_t size = sizeof(*facts) + text_size(facts->image_digest) + text_size(facts->image_reference) +
		      text_size(facts->name) + text_size(facts->pod) + text_size(facts->pod_namespace) +
		      text_size(facts->pod_uid);

	if (facts->labels)
		size += ENGINE_LABELS_MAX * sizeof(*facts->labels);
	for (size_t i = 0; i < facts->n_labels; i++)
		size += text_size(facts->labels[i].key) + text_size(facts->labels[i].value);
	return size;
}
