// SPDX-License-Identifier: Apache-2.0
/*
 * Forms are rows of a table; what begins with none of them is a digest, the beginning of an id, or a name. Refuses what
 * looks like another form than it is (a glob, a bare image, capital digits), since such a filter would match nothing.
 */

#include "resolve/selector.h"

#include <errno.h>

#include "base/cleanup.h"
#include "resolve/container_path.h"

#define DIGEST_PREFIX "sha256:"
#define DIGEST_LEN (sizeof(DIGEST_PREFIX) - 1 + CONTAINER_ID_LEN)

static bool is_digit(char byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
}

static bool is_letter(char byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool begins(struct str text, struct str front)
{
	return text.len >= front.len && memcmp(text.data, front.data, front.len) == 0;
}

static struct str rest(struct str text, size_t from)
{
	return (struct str) { text.data + from, text.len - from };
}

static bool has(struct str text, char byte)
{
	return text.len > 0 && memchr(text.data, byte, text.len);
}

static bool is_id_prefix(struct str text)
{
	if (text.len < SELECTOR_ID_MIN || text.len > CONTAINER_ID_LEN)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!is_digit(text.data[i]))
			return false;
	}
	return true;
}

/* What Docker, Podman and containerd take for a container's name, and Kubernetes for a pod's. */
static const char *check_name(struct str name, size_t max)
{
	if (has(name, '*') || has(name, '?') || has(name, '['))
		return "names are whole, without wildcards";
	if (name.len == 0)
		return "a name is missing";
	if (name.len > max)
		return "the name is too long";
	for (size_t i = 0; i < name.len; i++) {
		if (!is_letter(name.data[i]) && (i == 0 || !memchr("_.-", name.data[i], 3)))
			return "a name has letters, digits and, not at its beginning, _ . -";
	}
	return NULL;
}

static const char *parse_id(struct str text, struct selector *selector)
{
	selector->kind = SELECTOR_ID;
	selector->value = text;
	return is_id_prefix(text) ? NULL : "behind :// an id of 4 to 64 digits of 0-9a-f is wanted";
}

static const char *parse_name(struct str text, struct selector *selector)
{
	selector->kind = SELECTOR_NAME;
	selector->value = text;
	return check_name(text, ENGINE_NAME_MAX);
}

static const char *parse_digest(struct str text, struct selector *selector)
{
	selector->kind = SELECTOR_DIGEST;
	selector->value = text;
	return text.len == DIGEST_LEN && container_id_is(rest(text, sizeof(DIGEST_PREFIX) - 1))
		       ? NULL
		       : "behind sha256: 64 digits of 0-9a-f are wanted";
}

static const char *parse_image(struct str text, struct selector *selector)
{
	if (begins(text, STR(DIGEST_PREFIX)))
		return parse_digest(text, selector);
	selector->kind = SELECTOR_IMAGE;
	return image_reference_parse(text, &selector->image) ? NULL
							     : "behind image: a reference like nginx:1.25 or "
							       "registry.example/app@sha256:HEX is wanted";
}

static const char *parse_label(struct str text, struct selector *selector)
{
	const char *equals = text.len ? memchr(text.data, '=', text.len) : NULL;

	if (!equals || equals == text.data)
		return "behind label: KEY=VALUE is wanted";
	selector->kind = SELECTOR_LABEL;
	selector->key = (struct str) { text.data, (size_t)(equals - text.data) };
	selector->value = rest(text, selector->key.len + 1);
	if (selector->key.len > ENGINE_LABEL_MAX || selector->value.len > ENGINE_LABEL_MAX)
		return "a label's key and value have at most 1024 bytes each";
	return NULL;
}

static const char *parse_pod(struct str text, struct selector *selector)
{
	const char *slash = text.len ? memchr(text.data, '/', text.len) : NULL;
	const char *wrong;

	selector->kind = SELECTOR_POD;
	selector->value = text;
	if (!slash)
		return check_name(text, SELECTOR_POD_MAX);
	selector->key = (struct str) { text.data, (size_t)(slash - text.data) };
	selector->value = rest(text, selector->key.len + 1);
	wrong = check_name(selector->key, SELECTOR_NAMESPACE_MAX);
	return wrong ? wrong : check_name(selector->value, SELECTOR_POD_MAX);
}

static const struct form {
	struct str front;
	const char *(*parse)(struct str text, struct selector *selector); /* of what is behind `front` */
	const char *runtime;
} forms[] = {
	{ { "docker://", 9 }, parse_id, "docker" }, { { "containerd://", 13 }, parse_id, "containerd" },
	{ { "cri-o://", 8 }, parse_id, "cri-o" },   { { "podman://", 9 }, parse_id, "podman" },
	{ { "name:", 5 }, parse_name, NULL },	    { { "image:", 6 }, parse_image, NULL },
	{ { "label:", 6 }, parse_label, NULL },	    { { "pod:", 4 }, parse_pod, NULL },
};

static const char *parse_bare(struct str text, struct selector *selector)
{
	if (begins(text, STR(DIGEST_PREFIX)))
		return parse_digest(text, selector);
	if (has(text, ':') || has(text, '/') || has(text, '@'))
		return "a container's id or name is wanted, or one of docker:// containerd:// cri-o:// "
		       "podman:// "
		       "name: image: label: pod: in front";
	if (is_id_prefix(text)) {
		selector->kind = SELECTOR_ID_OR_NAME;
		selector->value = text;
		return NULL;
	}
	return parse_name(text, selector);
}

int selector_parse(struct str text, const char **ret_reason, struct selector *ret_selector)
{
	struct selector selector = { .kind = SELECTOR_NAME };
	const struct form *form = NULL;
	const char *wrong;

	for (size_t i = 0; i < ARRAY_LEN(forms) && !form; i++)
		form = begins(text, forms[i].front) ? &forms[i] : NULL;
	if (has(text, '\0'))
		wrong = "there is a NUL in it";
	else if (form)
		wrong = form->parse(rest(text, form->front.len), &selector);
	else
		wrong = parse_bare(text, &selector);
	if (wrong) {
		*ret_reason = wrong;
		return -EINVAL;
	}
	selector.runtime = form ? form->runtime : NULL;
	*ret_selector = selector;
	return 0;
}

static enum selector_answer all_of(enum selector_answer a, enum selector_answer b)
{
	if (a == SELECTOR_NO || b == SELECTOR_NO)
		return SELECTOR_NO;
	return a == SELECTOR_YES ? b : a;
}

static enum selector_answer any_of(enum selector_answer a, enum selector_answer b)
{
	if (a == SELECTOR_YES || b == SELECTOR_YES)
		return SELECTOR_YES;
	return a == SELECTOR_NO ? b : a;
}

static enum selector_answer is_equal(const char *known, struct str wanted)
{
	if (!known)
		return SELECTOR_UNDECIDED;
	return str_equal(str_of(known), wanted) ? SELECTOR_YES : SELECTOR_NO;
}

static enum selector_answer id_begins(const struct container_facts *facts, struct str prefix)
{
	if (facts->id[0] == '\0')
		return SELECTOR_UNDECIDED;
	return begins(str_of(facts->id), prefix) ? SELECTOR_YES : SELECTOR_NO;
}

static enum selector_answer image_matches(const struct image_reference *wanted,
					  const struct container_facts *facts)
{
	struct image_reference image;

	if (!facts->image_reference)
		return SELECTOR_UNDECIDED;
	/* Asked for by its digest alone: it was not asked for under any name. */
	if (!image_reference_parse(str_of(facts->image_reference), &image) ||
	    !str_equal(image.domain, wanted->domain) || !str_equal(image.path, wanted->path))
		return SELECTOR_NO;
	if (wanted->digest.len > 0)
		return str_equal(image.digest, wanted->digest) ? SELECTOR_YES
							       : is_equal(facts->image_digest, wanted->digest);
	if (image.tag.len == 0 && image.digest.len == 0)
		image.tag = STR("latest");
	return wanted->tag.len == 0 || str_equal(image.tag, wanted->tag) ? SELECTOR_YES : SELECTOR_NO;
}

static enum selector_answer label_matches(const struct selector *selector, const struct container_facts *facts)
{
	if (!facts->labels)
		return SELECTOR_UNDECIDED;
	for (size_t i = 0; i < facts->n_labels; i++) {
		if (str_equal(str_of(facts->labels[i].key), selector->key))
			return is_equal(facts->labels[i].value, selector->value);
	}
	return SELECTOR_NO;
}

static enum selector_answer pod_matches(const struct selector *selector, const struct container_facts *facts)
{
	enum selector_answer answer = is_equal(facts->pod, selector->value);

	if (selector->key.len == 0)
		return answer;
	return all_of(answer, is_equal(facts->pod_namespace, selector->key));
}

static enum selector_answer selector_ask(const struct selector *selector, const struct container_facts *facts)
{
	switch (selector->kind) {
	case SELECTOR_ID:
		return all_of(id_begins(facts, selector->value),
			      is_equal(facts->runtime, str_of(selector->runtime)));
	case SELECTOR_ID_OR_NAME:
		return any_of(id_begins(facts, selector->value), is_equal(facts->name, selector->value));
	case SELECTOR_NAME:
		return is_equal(facts->name, selector->value);
	case SELECTOR_IMAGE:
		return image_matches(&selector->image, facts);
	case SELECTOR_DIGEST:
		return is_equal(facts->image_digest, selector->value);
	case SELECTOR_LABEL:
		return label_matches(selector, facts);
	case SELECTOR_POD:
		return pod_matches(selector, facts);
	}
	return SELECTOR_NO;
}

enum selector_answer selector_match(const struct selector *selector, const struct container_facts *facts,
				    bool complete)
{
	enum selector_answer answer = selector_ask(selector, facts);

	return answer == SELECTOR_UNDECIDED && complete ? SELECTOR_NO : answer;
}

enum selector_answer selectors_match(const struct selector *selectors, size_t n_selectors,
				     const struct container_facts *facts, bool complete)
{
	enum selector_answer answer = SELECTOR_NO;

	for (size_t i = 0; i < n_selectors && answer != SELECTOR_YES; i++)
		answer = any_of(answer, selector_match(&selectors[i], facts, complete));
	return answer;
}
