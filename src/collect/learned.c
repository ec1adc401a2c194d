// SPDX-License-Identifier: Apache-2.0
/*
 * Both ways by one table of members. A capture is somebody's file: what is not of the form, too long or too many is
 * refused. Owns nothing; what is read is the caller's.
 */

#include "collect/learned.h"

#include <jansson.h>
#include <string.h>

#include "resolve/engine_driver.h"

static const struct text_member {
	const char *key;
	size_t offset; /* of a char * in struct container_facts */
	size_t max;
} text_members[] = {
	{ "image", offsetof(struct container_facts, image_reference), ENGINE_REFERENCE_MAX },
	{ "image_digest", offsetof(struct container_facts, image_digest), ENGINE_NAME_MAX },
	{ "name", offsetof(struct container_facts, name), ENGINE_NAME_MAX },
	{ "pod", offsetof(struct container_facts, pod), ENGINE_NAME_MAX },
	{ "pod_namespace", offsetof(struct container_facts, pod_namespace), ENGINE_NAME_MAX },
	{ "pod_uid", offsetof(struct container_facts, pod_uid), ENGINE_NAME_MAX },
};

static char **text_at(struct container_facts *facts, const struct text_member *member)
{
	return (char **)((char *)facts + member->offset);
}

void learned_done(struct learned *learned)
{
	container_facts_done(&learned->facts);
}

/* ---- writing ---- */

static json_t *labels_json(const struct container_facts *facts)
{
	json_t *object = json_object();

	for (size_t i = 0; i < facts->n_labels; i++)
		json_object_set_new(object, facts->labels[i].key, json_string(facts->labels[i].value));
	return object;
}

static json_t *facts_json(const struct container_facts *facts)
{
	json_t *object = json_pack("{s:s, s:s, s:I, s:b, s:b, s:o}", "id", facts->id, "runtime", facts->runtime,
				   "owner", (json_int_t)facts->owner, "config", facts->image_digest_is_config,
				   "conflict", facts->digest_conflict, "labels", labels_json(facts));

	for (size_t i = 0; object && i < ARRAY_LEN(text_members); i++) {
		const char *text = *text_at((struct container_facts *)facts, &text_members[i]);

		if (text)
			json_object_set_new(object, text_members[i].key, json_string(text));
	}
	return json_pack("{s:o}", "facts", object);
}

static json_t *expect_json(unsigned int runtimes)
{
	json_t *list = json_array();
	const char *name;

	for (unsigned int i = 0; (name = container_runtime_name(i)); i++) {
		if (runtimes & 1u << i)
			json_array_append_new(list, json_string(name));
	}
	return json_pack("{s:o}", "expect", list);
}

int learned_write(const struct learned *learned, struct buf *out)
{
	json_t *object = NULL;
	char *text;
	int r;

	switch (learned->what) {
	case LEARNED_EXPECT:
		object = expect_json(learned->runtimes);
		break;
	case LEARNED_FACTS:
		object = facts_json(&learned->facts);
		break;
	case LEARNED_UNANSWERED:
		object = json_pack("{s:s}", "unanswered", learned->id);
		break;
	case LEARNED_SETTLED:
		object = json_pack("{s:s, s:I}", "settled", learned->id, "owner",
				   (json_int_t)learned->facts.owner);
		break;
	case LEARNED_RELEASED:
		object = json_pack("{s:b}", "released", 1);
		break;
	}
	text = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(object);
	if (!text)
		return -ENOMEM;
	r = buf_append(out, text, strlen(text));
	free(text);
	return r;
}

/* ---- reading ---- */

static int refused(struct diag *diag, const char *why)
{
	return diag_exit(diag, EXIT_UNSOUND, -EBADMSG, "what was learned of a container: %s", why);
}

/* 0, or 1 when it is there. */
static int text_take(const json_t *object, const char *key, size_t max, char **ret_text)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return 0;
	if (!json_is_string(value) || json_string_length(value) > max)
		return -EBADMSG;
	*ret_text = strdup(json_string_value(value));
	return *ret_text ? 1 : -ENOMEM;
}

static int labels_take(json_t *object, struct container_facts *facts)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object) || json_object_size(object) > ENGINE_LABELS_MAX)
		return -EBADMSG;
	facts->labels = calloc(json_object_size(object) + 1, sizeof(*facts->labels));
	if (!facts->labels)
		return -ENOMEM;
	json_object_foreach (object, key, value) {
		struct engine_label *label = &facts->labels[facts->n_labels];

		if (strlen(key) > ENGINE_LABEL_MAX || !json_is_string(value) ||
		    json_string_length(value) > ENGINE_LABEL_MAX)
			return -EBADMSG;
		facts->n_labels++;
		label->key = strdup(key);
		label->value = strdup(json_string_value(value));
		if (!label->key || !label->value)
			return -ENOMEM;
	}
	return 0;
}

static int facts_take(json_t *object, struct container_facts *facts)
{
	const char *id, *runtime;
	int r, config, conflict;
	json_int_t owner;
	json_t *labels;

	if (json_unpack(object, "{s:s, s:s, s:I, s:b, s:b, s:o}", "id", &id, "runtime", &runtime, "owner",
			&owner, "config", &config, "conflict", &conflict, "labels", &labels) < 0)
		return -EBADMSG;
	if (!container_id_is(str_of(id)) || container_runtime(runtime) < 0 || owner < 0 || owner > UINT32_MAX)
		return -EBADMSG;
	facts->owner = (uid_t)owner;
	memcpy(facts->id, id, sizeof(facts->id));
	facts->runtime = container_runtime_name((unsigned int)container_runtime(runtime));
	facts->image_digest_is_config = config;
	facts->digest_conflict = conflict;
	r = labels_take(labels, facts);
	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(text_members); i++)
		r = text_take(object, text_members[i].key, text_members[i].max,
			      text_at(facts, &text_members[i]));
	if (r >= 0 && facts->image_digest && !engine_digest_is(facts->image_digest))
		return -EBADMSG;
	return r < 0 ? r : 0;
}

static int expect_take(json_t *list, unsigned int *ret_runtimes)
{
	unsigned int runtimes = 0;
	json_t *name;
	size_t i;

	if (!json_is_array(list))
		return -EBADMSG;
	json_array_foreach (list, i, name) {
		int runtime = container_runtime(json_string_value(name));

		if (runtime < 0)
			return -EBADMSG;
		runtimes |= 1u << runtime;
	}
	*ret_runtimes = runtimes;
	return 0;
}

static int id_take(const json_t *value, enum learned_what what, struct learned *learned)
{
	const char *id = json_string_value(value);

	if (!id || !container_id_is(str_of(id)))
		return -EBADMSG;
	learned->what = what;
	memcpy(learned->id, id, sizeof(learned->id));
	return 0;
}

static int settled_take(const json_t *object, struct learned *learned)
{
	const json_t *owner = json_object_get(object, "owner");

	if (!json_is_integer(owner) || json_integer_value(owner) < 0 || json_integer_value(owner) > UINT32_MAX)
		return -EBADMSG;
	learned->facts.owner = (uid_t)json_integer_value(owner);
	return id_take(json_object_get(object, "settled"), LEARNED_SETTLED, learned);
}

static int learned_take(json_t *object, struct learned *learned)
{
	json_t *expect = json_object_get(object, "expect"), *facts = json_object_get(object, "facts");

	if (json_object_size(object) == 2)
		return settled_take(object, learned);
	if (json_object_size(object) != 1)
		return -EBADMSG;
	if (expect) {
		learned->what = LEARNED_EXPECT;
		return expect_take(expect, &learned->runtimes);
	}
	if (facts) {
		learned->what = LEARNED_FACTS;
		return facts_take(facts, &learned->facts);
	}
	if (json_is_true(json_object_get(object, "released"))) {
		learned->what = LEARNED_RELEASED;
		return 0;
	}
	return id_take(json_object_get(object, "unanswered"), LEARNED_UNANSWERED, learned);
}

int learned_parse(struct str text, struct diag *diag, struct learned *ret_learned)
{
	_cleanup_(learned_done) struct learned learned = { .what = LEARNED_EXPECT };
	json_error_t error;
	json_t *object;
	int r;

	if (text.len > LEARNED_TEXT_MAX)
		return refused(diag, "it is too long");
	object = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
	if (!object)
		return refused(diag, error.text);
	r = learned_take(object, &learned);
	json_decref(object);
	if (r == -EBADMSG)
		return refused(diag, "it is not of the form");
	if (r < 0)
		return r;
	*ret_learned = learned;
	learned = (struct learned) { .what = LEARNED_EXPECT };
	return 0;
}
