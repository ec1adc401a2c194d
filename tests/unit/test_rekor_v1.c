// SPDX-License-Identifier: Apache-2.0
/* What Rekor v1 answers, and what it must not. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>

#include "base/cleanup.h"
#include "transparency/rekor_v1.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PROOF                                                          \
	"{\"checkpoint\":\"rekor.test - 1\\n5\\n\",\"hashes\":[\"" HEX \
	"\"],\"logIndex\":3,\"rootHash\":\"" HEX "\",\"treeSize\":5}"
#define VERIFICATION "{\"inclusionProof\":" PROOF ",\"signedEntryTimestamp\":\"AAEC\"}"
#define ENTRY(body, time, id, index, verification)                                                         \
	"{\"" HEX "\":{\"body\":" body ",\"integratedTime\":" time ",\"logID\":" id ",\"logIndex\":" index \
	",\"verification\":" verification "}}"
#define GOOD ENTRY("\"e30=\"", "1700000000", "\"" HEX "\"", "9007199254740993", VERIFICATION)

static int parse(const char *text, struct bundle_entry *entry)
{
	bundle_entry_init(entry);
	return rekor_v1_parse(str_of(text), NULL, entry);
}

static void an_answer_is_read_exactly(void **state)
{
	_cleanup_(bundle_entry_done) struct bundle_entry entry;
	struct digest id;

	(void)state;
	assert_int_equal(parse(GOOD, &entry), 0);
	assert_int_equal(digest_parse(STR(HEX), &id), 0);
	assert_memory_equal(&entry.log_id, &id, sizeof(id));
	assert_memory_equal(&entry.root, &id, sizeof(id));
	assert_memory_equal(&entry.hashes[0], &id, sizeof(id));
	assert_true(entry.log_index == 9007199254740993);
	assert_int_equal(entry.proof_index, 3);
	assert_int_equal(entry.tree_size, 5);
	assert_int_equal(entry.n_hashes, 1);
	assert_true(entry.has_integrated_time);
	assert_int_equal(entry.integrated_time, 1700000000);
	assert_true(str_equal(buf_str(&entry.body), STR("{}")));
	assert_true(str_equal(buf_str(&entry.promise), STR("\0\1\2")));
	assert_true(str_equal(buf_str(&entry.checkpoint), STR("rekor.test - 1\n5\n")));
	assert_true(str_equal(buf_str(&entry.kind), STR("dsse")));
	assert_true(str_equal(buf_str(&entry.version), STR("0.0.1")));
}

static const char *const wrong[] = {
	"",
	"{}",
	"[]",
	"{\"a\":1}",
	"{\"a\":{}}",
	"{\"a\":{},\"b\":{}}",
	GOOD " x",
	ENTRY("7", "1", "\"" HEX "\"", "1", VERIFICATION),
	ENTRY("\"e30\"", "1", "\"" HEX "\"", "1", VERIFICATION),
	ENTRY("\"e30=\"", "-1", "\"" HEX "\"", "1", VERIFICATION),
	ENTRY("\"e30=\"", "1.5", "\"" HEX "\"", "1", VERIFICATION),
	ENTRY("\"e30=\"", "\"1\"", "\"" HEX "\"", "1", VERIFICATION),
	ENTRY("\"e30=\"", "1", "\"0011\"", "1", VERIFICATION),
	ENTRY("\"e30=\"", "1", "\"" HEX "\"", "-1", VERIFICATION),
	ENTRY("\"e30=\"", "1", "\"" HEX "\"", "18446744073709551616", VERIFICATION),
	ENTRY("\"e30=\"", "1", "\"" HEX "\"", "1,\"logIndex\":2", VERIFICATION),
	ENTRY("\"e30=\"", "1", "\"" HEX "\"", "1", "{}"),
	ENTRY("\"e30=\"", "1", "\"" HEX "\"", "1", "{\"inclusionProof\":" PROOF "}"),
	ENTRY("\"e30=\"", "1", "\"" HEX "\"", "1",
	      "{\"inclusionProof\":" PROOF ",\"signedEntryTimestamp\":\"\"}"),
	ENTRY("\"e30=\"", "1", "\"" HEX "\"", "1", "{\"inclusionProof\":{},\"signedEntryTimestamp\":\"AAEC\"}"),
};

static void what_is_no_entry_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		_cleanup_(bundle_entry_done) struct bundle_entry entry;

		if (parse(wrong[i], &entry) != -EBADMSG)
			fail_msg("accepted: %s", wrong[i]);
	}
}

static void too_many_hashes_are_refused(void **state)
{
	_cleanup_(bundle_entry_done) struct bundle_entry entry;
	_cleanup_(buf_done) struct buf text = BUF_MAX(65536);
	static const char good[] = GOOD;
	const char *hashes = strstr(good, "\"hashes\":[") + strlen("\"hashes\":[");

	(void)state;
	assert_int_equal(buf_append(&text, good, (size_t)(hashes - good)), 0);
	for (int i = 0; i < BUNDLE_PROOF_MAX; i++)
		assert_int_equal(buf_printf(&text, "\"" HEX "\","), 0);
	assert_int_equal(buf_append_str(&text, str_of(hashes)), 0);
	assert_int_equal(parse(buf_cstr(&text), &entry), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_read_exactly),
		cmocka_unit_test(what_is_no_entry_is_refused),
		cmocka_unit_test(too_many_hashes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
