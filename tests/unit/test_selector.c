/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of target_containers: what they match, what they don't, what hangs on facts to come, and what is refused. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "resolve/selector.h"

#define A "9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d"
#define B "84e9ffffe97fea4c5a0f01d401611cbafbf7e559fc6190ed74abfc2b25e889d4"
#define DIGEST "sha256:" B

static struct engine_label labels[] = { { (char *)"app", (char *)"web" }, { (char *)"tier", (char *)"" } };

/* All known, only what the kernel's path tells, and less than that. */
static const struct container_facts web = {
	.id = A,
	.runtime = "docker",
	.image_digest = (char *)DIGEST,
	.image_reference = (char *)"nginx:1.25",
	.name = (char *)"web",
	.pod = (char *)"web-0",
	.pod_namespace = (char *)"shop",
	.labels = labels,
	.n_labels = 2,
};
static const struct container_facts bare = { .id = A, .runtime = "docker" };
static const struct container_facts of_nobody = { .id = A };

#define NO SELECTOR_NO
#define YES SELECTOR_YES
#define OPEN SELECTOR_UNDECIDED

static const struct row {
	const char *entry;
	enum selector_kind kind;
	enum selector_answer web, bare, of_nobody;
} rows[] = {
	{ "docker://" A, SELECTOR_ID, YES, YES, OPEN },
	{ "docker://9ec3", SELECTOR_ID, YES, YES, OPEN },
	{ "docker://" B, SELECTOR_ID, NO, NO, NO },
	{ "docker://9ec39b92", SELECTOR_ID, NO, NO, NO },
	{ "containerd://" A, SELECTOR_ID, NO, NO, OPEN },
	{ "cri-o://9ec39b91", SELECTOR_ID, NO, NO, OPEN },
	{ "podman://9ec39b91", SELECTOR_ID, NO, NO, OPEN },
	{ A, SELECTOR_ID_OR_NAME, YES, YES, YES },
	{ "9ec3", SELECTOR_ID_OR_NAME, YES, YES, YES },
	{ "9ec4", SELECTOR_ID_OR_NAME, NO, OPEN, OPEN }, /* might be its name */
	{ "beef", SELECTOR_ID_OR_NAME, NO, OPEN, OPEN },
	{ "web", SELECTOR_NAME, YES, OPEN, OPEN },
	{ "name:web", SELECTOR_NAME, YES, OPEN, OPEN },
	{ "name:9ec3", SELECTOR_NAME, NO, OPEN, OPEN },
	{ "we", SELECTOR_NAME, NO, OPEN, OPEN },
	{ "WEB", SELECTOR_NAME, NO, OPEN, OPEN },
	{ "9ec", SELECTOR_NAME, NO, OPEN, OPEN }, /* too short for an id */
	{ "9EC39B91", SELECTOR_NAME, NO, OPEN, OPEN },
	{ A "0", SELECTOR_NAME, NO, OPEN, OPEN },
	{ "k8s_web_web-0_shop_1.2", SELECTOR_NAME, NO, OPEN, OPEN },
	{ "docker", SELECTOR_NAME, NO, OPEN, OPEN },
	{ "image:nginx:1.25", SELECTOR_IMAGE, YES, OPEN, OPEN },
	{ "image:nginx", SELECTOR_IMAGE, YES, OPEN, OPEN },
	{ "image:docker.io/library/nginx:1.25", SELECTOR_IMAGE, YES, OPEN, OPEN },
	{ "image:docker.io/nginx", SELECTOR_IMAGE, YES, OPEN, OPEN },
	{ "image:index.docker.io/library/nginx", SELECTOR_IMAGE, YES, OPEN, OPEN },
	{ "image:library/nginx", SELECTOR_IMAGE, YES, OPEN, OPEN },
	{ "image:nginx:latest", SELECTOR_IMAGE, NO, OPEN, OPEN },
	{ "image:nginx:1.2", SELECTOR_IMAGE, NO, OPEN, OPEN },
	{ "image:ngin", SELECTOR_IMAGE, NO, OPEN, OPEN },
	{ "image:other/nginx:1.25", SELECTOR_IMAGE, NO, OPEN, OPEN },
	{ "image:quay.io/nginx:1.25", SELECTOR_IMAGE, NO, OPEN, OPEN },
	{ "image:nginx@" DIGEST, SELECTOR_IMAGE, YES, OPEN, OPEN },
	{ "image:nginx:9@" DIGEST, SELECTOR_IMAGE, YES, OPEN, OPEN }, /* the digest is what counts */
	{ "image:nginx@sha256:" A, SELECTOR_IMAGE, NO, OPEN, OPEN },
	{ "image:redis@" DIGEST, SELECTOR_IMAGE, NO, OPEN, OPEN },
	{ "image:" DIGEST, SELECTOR_DIGEST, YES, OPEN, OPEN },
	{ DIGEST, SELECTOR_DIGEST, YES, OPEN, OPEN },
	{ "sha256:" A, SELECTOR_DIGEST, NO, OPEN, OPEN },
	{ "label:app=web", SELECTOR_LABEL, YES, OPEN, OPEN },
	{ "label:app=we", SELECTOR_LABEL, NO, OPEN, OPEN },
	{ "label:ap=web", SELECTOR_LABEL, NO, OPEN, OPEN },
	{ "label:tier=", SELECTOR_LABEL, YES, OPEN, OPEN },
	{ "label:app=", SELECTOR_LABEL, NO, OPEN, OPEN },
	{ "label:app=web=x", SELECTOR_LABEL, NO, OPEN, OPEN },
	{ "label:com.example/a:b=*", SELECTOR_LABEL, NO, OPEN, OPEN },
	{ "pod:web-0", SELECTOR_POD, YES, OPEN, OPEN },
	{ "pod:shop/web-0", SELECTOR_POD, YES, OPEN, OPEN },
	{ "pod:shop/web-1", SELECTOR_POD, NO, OPEN, OPEN },
	{ "pod:bank/web-0", SELECTOR_POD, NO, OPEN, OPEN },
	{ "pod:web", SELECTOR_POD, NO, OPEN, OPEN },
};

static struct selector parsed(const char *entry)
{
	struct selector selector;
	const char *reason = NULL;

	if (selector_parse(str_of(entry), &reason, &selector) < 0)
		fail_msg("'%s': %s", entry, reason);
	return selector;
}

static void entries_match_what_they_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct selector selector = parsed(rows[i].entry);
		enum selector_answer of_web = selector_match(&selector, &web, false);
		enum selector_answer of_bare = selector_match(&selector, &bare, false);
		enum selector_answer of_none = selector_match(&selector, &of_nobody, false);

		if (selector.kind != rows[i].kind || of_web != rows[i].web || of_bare != rows[i].bare ||
		    of_none != rows[i].of_nobody)
			fail_msg("'%s': kind %d, answers %d %d %d", rows[i].entry, (int)selector.kind,
				 (int)of_web, (int)of_bare, (int)of_none);
		/* When nobody can tell more, what was open is no, and what was not stays. */
		assert_int_equal(selector_match(&selector, &web, true), of_web);
		assert_int_equal(selector_match(&selector, &bare, true), of_bare == OPEN ? NO : of_bare);
	}
}

/* The reference as the engine tells it, and entries for it. */
static const struct image_row {
	const char *told, *entry;
	enum selector_answer answer;
} images[] = {
	{ "docker.io/library/nginx:1.25", "image:nginx:1.25", YES },
	{ "nginx", "image:nginx:latest", YES },
	{ "nginx", "image:nginx:1.25", NO },
	{ "nginx:latest", "image:nginx", YES },
	{ "registry.example:5000/a/b:v1", "image:registry.example:5000/a/b", YES },
	{ "registry.example:5000/a/b", "image:registry.example:5000/a/b:latest", YES },
	{ "registry.example:5000/a/b:v1", "image:registry.example/a/b", NO },
	{ "localhost/x:1", "image:localhost/x", YES },
	{ "localhost/x:1", "image:x", NO },
	{ "quay.io/library/x", "image:quay.io/x", NO },
	{ "nginx@" DIGEST, "image:nginx", YES },
	{ "nginx@" DIGEST, "image:nginx@" DIGEST, YES },
	{ "nginx@" DIGEST, "image:nginx:latest", NO }, /* no tag was asked for */
	{ "nginx:1.25@" DIGEST, "image:nginx:1.25", YES },
	{ "nginx@sha256:" A, "image:nginx@" DIGEST, OPEN }, /* the list's digest; the image's may be that one */
	{ DIGEST, "image:nginx", NO },
	{ "", "image:nginx", NO },
	{ "Not A Reference", "image:nginx", NO },
};

static void references_are_compared_by_their_parts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(images); i++) {
		struct container_facts facts = { .id = A, .image_reference = (char *)images[i].told };
		struct selector selector = parsed(images[i].entry);

		if (selector_match(&selector, &facts, false) != images[i].answer)
			fail_msg("'%s' on '%s' is not %d", images[i].entry, images[i].told,
				 (int)images[i].answer);
	}
}

static void half_known_pods_are_decided_when_they_can_be(void **state)
{
	struct container_facts facts = { .id = A, .pod_namespace = (char *)"shop" };
	struct selector other = parsed("pod:bank/web-0"), ours = parsed("pod:shop/web-0");

	(void)state;
	assert_int_equal(selector_match(&other, &facts, false), NO);
	assert_int_equal(selector_match(&ours, &facts, false), OPEN);
	facts = (struct container_facts) { .pod = (char *)"web-0" };
	assert_int_equal(selector_match(&ours, &facts, false), OPEN);
	assert_int_equal(selector_match(&ours, &facts, true), NO);
	/* Without an id nothing by an id is decided. */
	ours = parsed("docker://9ec3");
	assert_int_equal(selector_match(&ours, &facts, false), OPEN);
}

static void a_list_says_yes_when_one_does(void **state)
{
	const struct selector list[] = { parsed("docker://" B), parsed("web"), parsed("9ec3") };

	(void)state;
	assert_int_equal(selectors_match(list, 0, &web, false), NO);
	assert_int_equal(selectors_match(list, 1, &web, false), NO);
	assert_int_equal(selectors_match(list, 2, &web, false), YES);
	assert_int_equal(selectors_match(list, 2, &bare, false), OPEN);
	assert_int_equal(selectors_match(list, 2, &bare, true), NO);
	assert_int_equal(selectors_match(list, 3, &bare, false), YES);
}

static const struct {
	const char *entry, *reason;
} bad[] = {
	{ "", "a name is missing" },
	{ "name:", "a name is missing" },
	{ "web*", "wildcards" },
	{ "name:[ab]", "wildcards" },
	{ "w?b", "wildcards" },
	{ "-web", "at its beginning" },
	{ "/web", "in front" },
	{ "we b", "letters" },
	{ " web", "letters" },
	{ "web\n", "letters" },
	{ "w\xc3\xa9"
	  "b",
	  "letters" },
	{ "nginx:1.25", "image:" }, /* an image without its word */
	{ "library/nginx", "image:" },
	{ "nginx@" DIGEST, "image:" },
	{ "docker:" A, "in front" },
	{ "rkt://" A, "in front" },
	{ "Docker://" A, "in front" },
	{ "docker://", "4 to 64 digits" },
	{ "docker://9ec", "4 to 64 digits" },
	{ "docker://" A "0", "4 to 64 digits" },
	{ "docker://9EC39B91", "4 to 64 digits" },
	{ "docker://web", "4 to 64 digits" },
	{ "sha256:", "64 digits" },
	{ "sha256:9ec3", "64 digits" },
	{ "sha256:" A "0", "64 digits" },
	{ "image:sha256:9ec3", "64 digits" },
	{ "sha512:" A, "in front" },
	{ "image:", "reference" },
	{ "image:Nginx", "reference" },
	{ "image:nginx:", "reference" },
	{ "image:nginx:.a", "reference" },
	{ "image:nginx:*", "reference" },
	{ "image:nginx@", "reference" },
	{ "image:nginx@sha256:9ec3", "reference" },
	{ "image:nginx@sha512:" A, "reference" },
	{ "image:/nginx", "reference" },
	{ "image:nginx/", "reference" },
	{ "image:a//b", "reference" },
	{ "image:a..b", "reference" },
	{ "image:a___b", "reference" },
	{ "image:a._b", "reference" },
	{ "image:a-", "reference" },
	{ "image:registry.example:/a", "reference" },
	{ "image:registry.example:x/a", "reference" },
	{ "image:.example/a", "reference" },
	{ "image:registry..example/a", "reference" },
	{ "image:registry-.example/a", "reference" },
	{ "image:http://registry.example/a", "reference" },
	{ "image::1", "reference" },
	{ "label:", "KEY=VALUE" },
	{ "label:app", "KEY=VALUE" },
	{ "label:=web", "KEY=VALUE" },
	{ "pod:", "a name is missing" },
	{ "pod:/web", "a name is missing" },
	{ "pod:shop/", "a name is missing" },
	{ "pod:a/b/c", "letters" },
	{ "pod:shop/web-*", "wildcards" },
};

static void wrong_entries_are_refused_with_a_reason(void **state)
{
	struct selector selector = { .kind = SELECTOR_POD, .runtime = "untouched" };
	const char *reason;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		reason = "";
		if (selector_parse(str_of(bad[i].entry), &reason, &selector) != -EINVAL ||
		    !strstr(reason, bad[i].reason))
			fail_msg("'%s': '%s'", bad[i].entry, reason);
	}
	assert_int_equal(selector_parse((struct str) { "we\0b", 4 }, &reason, &selector), -EINVAL);
	assert_non_null(strstr(reason, "NUL"));
	assert_string_equal(selector.runtime, "untouched");
}

static void too_long_is_refused(void **state)
{
	static const struct {
		const char *front;
		size_t max;
	} limits[] = { { "", ENGINE_NAME_MAX },		 { "name:", ENGINE_NAME_MAX },
		       { "pod:", SELECTOR_POD_MAX },	 { "pod:shop/", SELECTOR_POD_MAX },
		       { "label:k=", ENGINE_LABEL_MAX }, { "image:", IMAGE_REFERENCE_MAX },
		       { "image:nginx:", 128 } };
	char text[2048];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		size_t len = strlen(limits[i].front) + limits[i].max;
		struct selector selector;
		const char *reason;

		memcpy(text, limits[i].front, strlen(limits[i].front));
		memset(text + strlen(limits[i].front), 'z', limits[i].max + 1);
		assert_int_equal(selector_parse((struct str) { text, len }, &reason, &selector), 0);
		assert_int_equal(selector_parse((struct str) { text, len + 1 }, &reason, &selector), -EINVAL);
	}
	memset(text, 'z', sizeof(text));
	memcpy(text, "pod:", 4);
	memcpy(text + 4 + SELECTOR_NAMESPACE_MAX, "/web", 4);
	(void)parsed((text[8 + SELECTOR_NAMESPACE_MAX] = '\0', text));
	memcpy(text + 4 + SELECTOR_NAMESPACE_MAX, "z/web", 6);
	assert_int_equal(selector_parse(str_of(text), &(const char *) { NULL }, &(struct selector) { 0 }),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_match_what_they_say),
		cmocka_unit_test(references_are_compared_by_their_parts),
		cmocka_unit_test(half_known_pods_are_decided_when_they_can_be),
		cmocka_unit_test(a_list_says_yes_when_one_does),
		cmocka_unit_test(wrong_entries_are_refused_with_a_reason),
		cmocka_unit_test(too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
