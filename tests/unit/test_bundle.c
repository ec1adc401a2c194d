/* SPDX-License-Identifier: Apache-2.0 */
/* The seal file: exactly one spelling goes out, and whatever is bent in it does not come in. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "crypto/key.h"
#include "format/bundle.h"

#define TYPE "application/vnd.in-toto+json"
#define HINT "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=" /* SHA-256 of "abc" */
#define ENVELOPE "{\"payload\":\"e30=\",\"payloadType\":\"" TYPE "\",\"signatures\":[{\"sig\":\"AAEC\"}]}"
#define MATERIAL "{\"publicKey\":{\"hint\":\"" HINT "\"}}"
#define MEDIA "\"mediaType\":\"" BUNDLE_MEDIA_TYPE "\""
#define SEAL(envelope, media, material) \
	"{\"dsseEnvelope\":" envelope "," media ",\"verificationMaterial\":" material "}\n"
#define GOOD SEAL(ENVELOPE, MEDIA, MATERIAL)

static void bytes_are_exact(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_MAX(4096);
	struct digest key_id;

	(void)state;
	assert_int_equal(digest_of("abc", 3, &key_id), 0);
	assert_int_equal(bundle_write_signed(&out, STR(TYPE), STR("{}"), STR("\x00\x01\x02"), &key_id), 0);
	assert_string_equal(buf_cstr(&out), GOOD);
}

static void what_is_written_is_read(void **state)
{
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	struct diag diag = { 0 };
	struct digest key_id;

	(void)state;
	assert_int_equal(digest_of("abc", 3, &key_id), 0);
	assert_int_equal(bundle_parse(STR(GOOD), &diag, &bundle), 0);
	assert_true(str_equal(buf_str(&bundle.payload), STR("{}")));
	assert_true(str_equal(buf_str(&bundle.payload_type), STR(TYPE)));
	assert_true(str_equal(buf_str(&bundle.signature), STR("\x00\x01\x02")));
	assert_memory_equal(&bundle.key_id, &key_id, sizeof(key_id));
}

static void full_buffer_is_left_as_it_was(void **state)
{
	struct digest key_id = { { 0 } };

	(void)state;
	for (size_t max = 1; max < sizeof(GOOD) - 1; max++) {
		_cleanup_(buf_done) struct buf out = BUF_MAX(max);

		assert_int_equal(buf_append(&out, "x", 1), 0);
		assert_int_equal(bundle_write_signed(&out, STR(TYPE), STR("{}"), STR("\x00\x01\x02"), &key_id),
				 -E2BIG);
		assert_int_equal(out.len, 1);
		assert_int_equal(dsse_pae(&out, STR(TYPE), (struct str) { GOOD, sizeof(GOOD) - 1 }), -E2BIG);
		assert_int_equal(out.len, 1);
	}
}

/* The example of the DSSE protocol page. */
static void pae_vector(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_MAX(4096);

	(void)state;
	assert_int_equal(dsse_pae(&out, STR("http://example.com/HelloWorld"), STR("hello world")), 0);
	assert_string_equal(buf_cstr(&out), "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
	buf_clear(&out);
	assert_int_equal(dsse_pae(&out, STR(""), STR("")), 0);
	assert_string_equal(buf_cstr(&out), "DSSEv1 0  0 ");
	buf_clear(&out);
	/* Lengths count bytes, not characters. */
	assert_int_equal(dsse_pae(&out, STR("\xc3\xbc"), STR("a\0b")), 0);
	assert_int_equal(out.len, strlen("DSSEv1 2 \xc3\xbc 3 ") + 3);
}

static int parse(const char *text, struct diag *diag)
{
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;

	return bundle_parse(str_of(text), diag, &bundle);
}

#define ROOT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define NAMES "\"kindVersion\":{\"kind\":\"dsse\",\"version\":\"0.0.1\"},\"logId\":{\"keyId\":\"" HINT "\"}"
#define PROOF                                                                                         \
	"{\"checkpoint\":{\"envelope\":\"log\\n2\\n\"},\"hashes\":[\"" ROOT "\"],\"logIndex\":\"1\"," \
	"\"rootHash\":\"" ROOT "\",\"treeSize\":\"2\"}"
#define ENTRY                                                                                       \
	"{\"canonicalizedBody\":\"e30=\",\"inclusionPromise\":{\"signedEntryTimestamp\":\"AAEC\"}," \
	"\"inclusionProof\":" PROOF ",\"integratedTime\":\"1700000000\"," NAMES ",\"logIndex\":\"9\"}"
#define ENTRIES(list) SEAL(ENVELOPE, MEDIA, "{\"publicKey\":{\"hint\":\"" HINT "\"},\"tlogEntries\":" list "}")
#define STAMPS(data) \
	SEAL(ENVELOPE, MEDIA, "{\"publicKey\":{\"hint\":\"" HINT "\"},\"timestampVerificationData\":" data "}")
#define FULL                                                                           \
	SEAL(ENVELOPE, MEDIA,                                                          \
	     "{\"certificate\":{\"rawBytes\":\"AAEC\"},\"timestampVerificationData\":" \
	     "{\"rfc3161Timestamps\":[{\"signedTimestamp\":\"AAEC\"}]},\"tlogEntries\":[" ENTRY "]}")

/* What anchors a seal is kept to the byte, so that adding one thing changes nothing else. */
static void anchors_go_round(void **state)
{
	static const char *const texts[] = { GOOD, FULL, ENTRIES("[" ENTRY "]") };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
		_cleanup_(buf_done) struct buf out = BUF_MAX(8192);
		struct diag diag = { 0 };

		if (bundle_parse(str_of(texts[i]), &diag, &bundle) < 0)
			fail_msg("%s", diag.text);
		assert_int_equal(bundle_write(&out, &bundle), 0);
		assert_string_equal(buf_cstr(&out), texts[i]);
	}
}

static void anchors_are_read(void **state)
{
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	const struct bundle_entry *entry;
	struct digest id;

	(void)state;
	assert_int_equal(bundle_parse(STR(FULL), NULL, &bundle), 0);
	assert_int_equal(bundle.identity, BUNDLE_CERTIFICATE);
	assert_true(str_equal(buf_str(&bundle.certificate), STR("\x00\x01\x02")));
	assert_int_equal(bundle.n_timestamps, 1);
	assert_int_equal(digest_of("abc", 3, &id), 0);
	entry = bundle_find_entry(&bundle, &id);
	assert_non_null(entry);
	assert_int_equal(entry->log_index, 9);
	assert_int_equal(entry->integrated_time, 1700000000);
	assert_int_equal(entry->proof_index, 1);
	assert_int_equal(entry->tree_size, 2);
	assert_int_equal(entry->n_hashes, 1);
	assert_true(str_equal(buf_str(&entry->checkpoint), STR("log\n2\n")));
}

/* A second entry of one log takes the place of the first; another log's stands beside it. */
static void entries_are_one_a_log(void **state)
{
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	_cleanup_(bundle_entry_done) struct bundle_entry entry;

	(void)state;
	bundle_entry_init(&entry);
	assert_int_equal(bundle_parse(STR(FULL), NULL, &bundle), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(bundle_entry_parse(STR(ENTRY), NULL, &entry), 0);
		entry.log_index = 77;
		assert_int_equal(bundle_add_entry(&bundle, &entry), 0);
		assert_int_equal(bundle.n_entries, 1);
		assert_int_equal(bundle.entries[0].log_index, 77);
		assert_null(entry.body.data);
	}
	for (int i = 1; i < BUNDLE_ENTRIES_MAX; i++) {
		entry.log_id.bytes[0] = (uint8_t)i;
		assert_int_equal(bundle_add_entry(&bundle, &entry), 0);
	}
	entry.log_id.bytes[0] = 0xee;
	assert_int_equal(bundle_add_entry(&bundle, &entry), -E2BIG);
}

/* What other writers of protobuf's JSON make of the same. */
static void other_writers_are_read(void **state)
{
	(void)state;
	assert_int_equal(parse("{ \"dsseEnvelope\": " ENVELOPE ",\n" MEDIA
			       ", \"verificationMaterial\": " MATERIAL "}",
			       NULL),
			 0);
	assert_int_equal(parse(STAMPS("{\"rfc3161Timestamps\":[]}"), NULL), 0);
	assert_int_equal(parse(STAMPS("null"), NULL), 0);
	assert_int_equal(
		parse(ENTRIES("[{\"canonicalizedBody\":\"e30=\",\"inclusionPromise\":null,\"integratedTime\":"
			      "\"0\"," NAMES "}]"),
		      NULL),
		0);
}

#define ENVELOPE_OF(payload, type, signatures) \
	"{\"payload\":" payload ",\"payloadType\":" type ",\"signatures\":" signatures "}"
#define SIG "[{\"sig\":\"AAEC\"}]"
#define QUOTED_TYPE "\"" TYPE "\""
#define WITH(envelope) SEAL(envelope, MEDIA, MATERIAL)
#define HINTED(hint) SEAL(ENVELOPE, MEDIA, "{\"publicKey\":{\"hint\":" hint "}}")

static const struct {
	const char *text, *words;
} refused[] = {
	{ "", "one JSON object" },
	{ "\n", "one JSON object" },
	{ "{", "one JSON object" },
	{ "{}", "mediaType: is missing" },
	{ "[]", "one JSON object" },
	{ "null", "one JSON object" },
	{ "{}}", "byte" },
	{ "{]}", "byte" },
	{ " " GOOD, "one JSON object" },
	{ "\xef\xbb\xbf" GOOD, "one JSON object" },
	{ GOOD "\n", "one JSON object" },
	{ GOOD " ", "one JSON object" },
	{ GOOD "{}", "byte" },
	{ GOOD GOOD, "byte" },
	/* members */
	{ SEAL(ENVELOPE "," MEDIA, MEDIA, MATERIAL), "duplicate" },
	{ SEAL(ENVELOPE ",\"dsseEnvelope\":" ENVELOPE, MEDIA, MATERIAL), "duplicate" },
	{ SEAL(ENVELOPE, MEDIA ",\"more\":1", MATERIAL), "\"more\"" },
	{ SEAL(ENVELOPE, MEDIA ",\"\":1", MATERIAL), "\"\"" },
	{ SEAL(ENVELOPE, MEDIA ",\"media\":1", MATERIAL), "\"media\"" },
	{ SEAL(ENVELOPE, MEDIA ",\"messageSignature\":{}", MATERIAL), "messageSignature" },
	{ SEAL(ENVELOPE, "\"mediaType\":\"application/vnd.dev.sigstore.bundle+json;version=0.3\"", MATERIAL),
	  "mediaType: is not" },
	{ SEAL(ENVELOPE, "\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.2+json\"", MATERIAL),
	  "mediaType" },
	{ SEAL(ENVELOPE, "\"mediaType\":3", MATERIAL), "mediaType: is no string" },
	/* envelope */
	{ WITH("[]"), "dsseEnvelope: is no object" },
	{ WITH("null"), "dsseEnvelope: is no object" },
	{ "{" MEDIA ",\"verificationMaterial\":" MATERIAL "}", "dsseEnvelope: is missing" },
	{ WITH(ENVELOPE_OF("\"e30\"", QUOTED_TYPE, SIG)), "payload: is not padded" },
	{ WITH(ENVELOPE_OF("\"e31=\"", QUOTED_TYPE, SIG)), "payload: is not padded" },
	{ WITH(ENVELOPE_OF("\"e3 0=\"", QUOTED_TYPE, SIG)), "payload: is not padded" },
	{ WITH(ENVELOPE_OF("\"-_8=\"", QUOTED_TYPE, SIG)), "payload: is not padded" },
	{ WITH(ENVELOPE_OF("\"\"", QUOTED_TYPE, SIG)), "payload: is empty" },
	{ WITH(ENVELOPE_OF("{}", QUOTED_TYPE, SIG)), "payload: is no string" },
	{ WITH(ENVELOPE_OF("\"e30=\\u0000\"", QUOTED_TYPE, SIG)), "byte" },
	{ WITH(ENVELOPE_OF("\"e30=\"", "7", SIG)), "payloadType: is no string" },
	{ WITH(ENVELOPE_OF("\"e30=\"", QUOTED_TYPE, "[]")), "exactly one" },
	{ WITH(ENVELOPE_OF("\"e30=\"", QUOTED_TYPE, "{}")), "exactly one" },
	{ WITH(ENVELOPE_OF("\"e30=\"", QUOTED_TYPE, "[{\"sig\":\"AAEC\"},{\"sig\":\"AAEC\"}]")),
	  "exactly one" },
	{ WITH(ENVELOPE_OF("\"e30=\"", QUOTED_TYPE, "[\"AAEC\"]")), "the signature: is no object" },
	{ WITH(ENVELOPE_OF("\"e30=\"", QUOTED_TYPE, "[{\"keyid\":\"\",\"sig\":\"AAEC\"}]")), "\"keyid\"" },
	{ WITH(ENVELOPE_OF("\"e30=\"", QUOTED_TYPE, "[{}]")), "sig: is missing" },
	{ WITH(ENVELOPE_OF("\"e30=\"", QUOTED_TYPE, "[{\"sig\":\"\"}]")), "sig: is empty" },
	{ WITH(ENVELOPE_OF("\"e30=\"", QUOTED_TYPE, SIG ",\"x\":1")), "\"x\"" },
	/* key */
	{ SEAL(ENVELOPE, MEDIA, "{}"), "publicKey: is missing" },
	{ SEAL(ENVELOPE, MEDIA, "{\"publicKey\":{\"hint\":\"" HINT "\"},\"certificate\":{}}"), "both" },
	{ SEAL(ENVELOPE, MEDIA, "{\"certificate\":{\"rawBytes\":\"\"}}"), "rawBytes: is empty" },
	{ SEAL(ENVELOPE, MEDIA, "{\"certificate\":{\"rawBytes\":\"AAEC\",\"x\":1}}"), "\"x\"" },
	{ SEAL(ENVELOPE, MEDIA, "{\"x509CertificateChain\":{}}"), "chain of certificates" },
	/* logs and timestamps */
	{ ENTRIES("[" ENTRY "," ENTRY "]"), "two entries of one log" },
	{ ENTRIES("[[]]"), "the log entry: is no object" },
	{ ENTRIES("[{\"canonicalizedBody\":\"e30=\"," NAMES ",\"logIndex\":9}]"), "logIndex: is no string" },
	{ ENTRIES("[{\"canonicalizedBody\":\"e30=\"," NAMES ",\"logIndex\":\"09\"}]"),
	  "logIndex: is no decimal" },
	{ ENTRIES("[{\"canonicalizedBody\":\"e30=\"," NAMES ",\"logIndex\":\"-1\"}]"),
	  "logIndex: is no decimal" },
	{ ENTRIES("[{\"canonicalizedBody\":\"e30=\"," NAMES ",\"logIndex\":\"9223372036854775808\"}]"),
	  "2^63" },
	{ ENTRIES("[{\"canonicalizedBody\":\"e30=\"," NAMES ",\"extra\":1}]"), "\"extra\"" },
	{ ENTRIES("[{" NAMES "}]"), "canonicalizedBody: is missing" },
	{ ENTRIES("[{\"canonicalizedBody\":\"e30=\"}]"), "logId: is missing" },
	{ ENTRIES("[{\"canonicalizedBody\":\"e30=\"," NAMES ",\"inclusionProof\":{}}]"),
	  "rootHash: is missing" },
	{ ENTRIES("[{\"canonicalizedBody\":\"e30=\"," NAMES ",\"inclusionProof\":{\"rootHash\":\"AAEC\"}}]"),
	  "rootHash: is no SHA-256" },
	{ ENTRIES("[{\"canonicalizedBody\":\"e30=\"," NAMES ",\"inclusionProof\":{\"rootHash\":\"" ROOT
		  "\",\"hashes\":[1]}}]"),
	  "hashes" },
	{ ENTRIES("[{\"canonicalizedBody\":\"e30=\"," NAMES ",\"inclusionPromise\":{}}]"),
	  "signedEntryTimestamp" },
	{ STAMPS("{\"rfc3161Timestamps\":{}}"), "rfc3161Timestamps: is no array" },
	{ STAMPS("{\"rfc3161Timestamps\":[{}]}"), "signedTimestamp: is missing" },
	{ STAMPS("{\"rfc3161Timestamps\":[{\"signedTimestamp\":\"AA-_\"}]}"),
	  "signedTimestamp: is not padded" },
	{ STAMPS("{\"other\":[]}"), "\"other\"" },
	{ SEAL(ENVELOPE, MEDIA, "{\"publicKey\":{\"hint\":\"" HINT "\",\"rawBytes\":\"AAEC\"}}"), "rawBytes" },
	{ SEAL(ENVELOPE, MEDIA, "{\"publicKey\":{\"hint\":\"" HINT "\"},\"tlogEntries\":{}}"), "tlogEntries" },
	{ SEAL(ENVELOPE, MEDIA, "{\"publicKey\":{\"hint\":\"" HINT "\"},\"timestampVerificationData\":[]}"),
	  "timestampVerificationData" },
	{ HINTED("\"\""), "hint: is empty" },
	{ HINTED("\"AAEC\""), "hint: is not the SHA-256" },
	{ HINTED("\"" HINT "AAAA\""), "hint" },
	{ HINTED("\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""), "hint" },
	{ HINTED("\"\xff\""), "byte" },
};

static void everything_bent_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct diag diag = { 0 };

		if (parse(refused[i].text, &diag) != -EBADMSG)
			fail_msg("accepted or another error: %s", refused[i].text);
		if (!strstr(diag.text, refused[i].words))
			fail_msg("row %zu: \"%s\" does not say \"%s\"", i, diag.text, refused[i].words);
	}
}

/* What passes after any one byte was changed must say something else: no byte of a seal is free. */
static void no_byte_is_free(void **state)
{
	_cleanup_(bundle_done) struct bundle good = BUNDLE_EMPTY;
	char text[sizeof(GOOD)];

	(void)state;
	assert_int_equal(bundle_parse(STR(GOOD), NULL, &good), 0);
	for (size_t at = 0; at < sizeof(GOOD) - 1; at++) {
		for (unsigned int byte = 0; byte < 256; byte++) {
			_cleanup_(bundle_done) struct bundle bent = BUNDLE_EMPTY;

			memcpy(text, GOOD, sizeof(text));
			if (text[at] == (char)byte)
				continue;
			text[at] = (char)byte;
			if (bundle_parse((struct str) { text, sizeof(GOOD) - 1 }, NULL, &bent) < 0)
				continue;
			assert_false(str_equal(buf_str(&bent.payload), buf_str(&good.payload)) &&
				     str_equal(buf_str(&bent.payload_type), buf_str(&good.payload_type)) &&
				     str_equal(buf_str(&bent.signature), buf_str(&good.signature)) &&
				     memcmp(&bent.key_id, &good.key_id, sizeof(good.key_id)) == 0);
		}
	}
	for (size_t len = 0; len < sizeof(GOOD) - 2; len++) {
		_cleanup_(bundle_done) struct bundle cut = BUNDLE_EMPTY;

		assert_int_equal(bundle_parse((struct str) { GOOD, len }, NULL, &cut), -EBADMSG);
	}
}

static void size_is_bounded_before_it_costs(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(2 * BUNDLE_FILE_MAX);
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	struct diag diag = { 0 };

	(void)state;
	assert_int_equal(buf_printf(&text, "{\"dsseEnvelope\":["), 0);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf_printf(&text, "{},"), 0);
	assert_int_equal(buf_printf(&text, "{}]}"), 0);
	assert_int_equal(bundle_parse(buf_str(&text), &diag, &bundle), -EBADMSG);
	assert_non_null(strstr(diag.text, "too many members"));
	diag.text[0] = '\0';
	buf_clear(&text);
	assert_int_equal(buf_reserve(&text, BUNDLE_FILE_MAX + 1), 0);
	text.len = BUNDLE_FILE_MAX + 1;
	memset(text.data, ' ', text.len);
	memcpy(text.data, GOOD, sizeof(GOOD) - 3);
	text.data[text.len - 1] = '}';
	assert_int_equal(bundle_parse(buf_str(&text), &diag, &bundle), -EBADMSG);
	assert_non_null(strstr(diag.text, "too large"));
}

/* An oversized signature or payload type is the seal's fault, not the machine's. */
static void long_members_are_bad_seals(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(1 << 20);
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	_cleanup_(freep) char *zeros = calloc(1, 8192);
	struct digest key_id = { { 0 } };
	char type[300];

	(void)state;
	assert_non_null(zeros);
	assert_int_equal(
		bundle_write_signed(&text, STR(TYPE), STR("{}"), (struct str) { zeros, 8192 }, &key_id), 0);
	assert_int_equal(bundle_parse(buf_str(&text), NULL, &bundle), -EBADMSG);
	memset(type, 't', sizeof(type));
	buf_clear(&text);
	bundle_done(&bundle);
	assert_int_equal(bundle_write_signed(&text, (struct str) { type, 300 }, STR("{}"), STR("s"), &key_id),
			 0);
	assert_int_equal(bundle_parse(buf_str(&text), NULL, &bundle), -EBADMSG);
}

/* Sign, seal, read, verify: the road that a chunk takes. */
static void sealed_statement_verifies(void **state)
{
	_cleanup_(public_key_freep) struct public_key *public = NULL;
	_cleanup_(key_freep) struct key *key = NULL;
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	_cleanup_(buf_done) struct buf pae = BUF_MAX(4096), signature = BUF_MAX(KEY_SIGNATURE_MAX),
				       text = BUF_MAX(4096);

	(void)state;
	assert_int_equal(key_generate(NULL, &key), 0);
	assert_int_equal(key_public(key, NULL, &public), 0);
	assert_int_equal(dsse_pae(&pae, STR(TYPE), STR("{\"a\":1}")), 0);
	assert_int_equal(key_sign(key, pae.data, pae.len, &signature, NULL), 0);
	assert_int_equal(bundle_write_signed(&text, STR(TYPE), STR("{\"a\":1}"), buf_str(&signature),
					     public_key_id(public)),
			 0);
	assert_int_equal(bundle_parse(buf_str(&text), NULL, &bundle), 0);
	assert_memory_equal(&bundle.key_id, public_key_id(public), sizeof(bundle.key_id));
	buf_clear(&pae);
	assert_int_equal(dsse_pae(&pae, buf_str(&bundle.payload_type), buf_str(&bundle.payload)), 0);
	assert_true(public_key_verify(public, buf_str(&pae), buf_str(&bundle.signature)));
	/* The payload alone, without what binds it to its type, is not what was signed. */
	assert_false(public_key_verify(public, buf_str(&bundle.payload), buf_str(&bundle.signature)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_exact),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(full_buffer_is_left_as_it_was),
		cmocka_unit_test(pae_vector),
		cmocka_unit_test(anchors_go_round),
		cmocka_unit_test(anchors_are_read),
		cmocka_unit_test(entries_are_one_a_log),
		cmocka_unit_test(other_writers_are_read),
		cmocka_unit_test(everything_bent_is_refused),
		cmocka_unit_test(no_byte_is_free),
		cmocka_unit_test(size_is_bounded_before_it_costs),
		cmocka_unit_test(long_members_are_bad_seals),
		cmocka_unit_test(sealed_statement_verifies),
	};

	return cmocka_run_group_tests_name("bundle", tests, NULL, NULL);
}
