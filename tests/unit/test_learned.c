// SPDX-License-Identifier: Apache-2.0
/* What was learned of containers, as it lies in a capture: there and back, and what is refused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collect/learned.h"

#define ID "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define FACTS_HEAD "{\"facts\":{\"config\":false,\"conflict\":false,\"id\":\"" ID "\""

static void assert_goes_through(const char *text)
{
	_cleanup_(buf_done) struct buf again = BUF_MAX(LEARNED_TEXT_MAX);
	struct diag diag = { .text = "" };
	struct learned learned;

	if (learned_parse(str_of(text), &diag, &learned) < 0)
		fail_msg("%s: %s", text, diag.text);
	assert_int_equal(learned_write(&learned, &again), 0);
	assert_string_equal(buf_cstr(&again), text);
	learned_done(&learned);
}

static void there_and_back(void **state)
{
	(void)state;
	assert_goes_through("{\"expect\":[]}");
	assert_goes_through("{\"expect\":[\"containerd\",\"docker\"]}");
	assert_goes_through("{\"unanswered\":\"" ID "\"}");
	assert_goes_through("{\"owner\":1000,\"settled\":\"" ID "\"}");
	assert_goes_through("{\"released\":true}");
	assert_goes_through(FACTS_HEAD ",\"labels\":{},\"owner\":0,\"runtime\":\"docker\"}}");
	assert_goes_through(
		FACTS_HEAD
		",\"image\":\"nginx:1.25\",\"image_digest\":\"" DIGEST
		"\",\"labels\":{\"app\":\"web\",\"tier\":\"\"},\"name\":\"web\",\"owner\":1000,\"pod\":\"p\","
		"\"pod_namespace\":\"n\",\"pod_uid\":\"u\",\"runtime\":\"podman\"}}");
}

static void what_is_not_of_the_form_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"{}",
		"[]",
		"{\"expect\":[],\"unanswered\":\"" ID "\"}",
		"{\"expect\":[],\"expect\":[]}",
		"{\"expect\":[\"rkt\"]}",
		"{\"expect\":\"docker\"}",
		"{\"expect\":[1]}",
		"{\"unanswered\":\"abc\"}",
		"{\"unanswered\":1}",
		"{\"released\":false}",
		"{\"settled\":\"" ID "\"}",
		"{\"owner\":-1,\"settled\":\"" ID "\"}",
		"{\"owner\":0,\"settled\":\"abc\"}",
		"{\"facts\":[]}",
		FACTS_HEAD ",\"labels\":{},\"owner\":-1,\"runtime\":\"docker\"}}",
		FACTS_HEAD ",\"labels\":{},\"owner\":4294967296,\"runtime\":\"docker\"}}",
		FACTS_HEAD ",\"labels\":{},\"owner\":0,\"runtime\":\"rkt\"}}",
		FACTS_HEAD ",\"labels\":{\"a\":1},\"owner\":0,\"runtime\":\"docker\"}}",
		FACTS_HEAD ",\"labels\":[],\"owner\":0,\"runtime\":\"docker\"}}",
		FACTS_HEAD ",\"image_digest\":\"sha256:11\",\"labels\":{},\"owner\":0,\"runtime\":\"docker\"}}",
		FACTS_HEAD ",\"name\":7,\"labels\":{},\"owner\":0,\"runtime\":\"docker\"}}",
		"{\"facts\":{\"config\":false,\"conflict\":false,\"id\":\"AA\",\"labels\":{},\"owner\":0,"
		"\"runtime\":"
		"\"docker\"}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct learned learned = { .runtimes = 77 };
		struct diag diag = { .text = "" };

		if (learned_parse(str_of(texts[i]), &diag, &learned) != -EBADMSG)
			fail_msg("%s: was taken", texts[i]);
		assert_int_equal(diag.code, EXIT_UNSOUND);
		assert_int_equal(learned.runtimes, 77);
	}
}

static void too_much_is_refused(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(2 * LEARNED_TEXT_MAX);
	struct diag diag = { .text = "" };
	struct learned learned;

	(void)state;
	assert_int_equal(buf_printf(&text, "%s,\"labels\":{", FACTS_HEAD), 0);
	for (int i = 0; i <= ENGINE_LABELS_MAX; i++)
		assert_int_equal(buf_printf(&text, "%s\"k%d\":\"\"", i ? "," : "", i), 0);
	assert_int_equal(buf_printf(&text, "},\"owner\":0,\"runtime\":\"docker\"}}"), 0);
	assert_int_equal(learned_parse(buf_str(&text), &diag, &learned), -EBADMSG);
	buf_clear(&text);
	assert_int_equal(buf_printf(&text, "{\"unanswered\":\"%*s\"}", LEARNED_TEXT_MAX, ""), 0);
	assert_int_equal(learned_parse(buf_str(&text), &diag, &learned), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(what_is_not_of_the_form_is_refused),
		cmocka_unit_test(too_much_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
