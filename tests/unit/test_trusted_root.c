/* SPDX-License-Identifier: Apache-2.0 */
/* Trusted roots: cosign's are read, ours are written for it, and one wrong place in the file refuses all of it. */

#include <errno.h>

#include "golden_seals.h"
#include "issuer.h"

#define NOW ISSUER_NOW
#define SUMDB "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"

/* ---- what cosign writes ---- */

static void the_golden_root_is_read(void **state)
{
	_cleanup_(trusted_root_done) struct trusted_root root;
	const struct log_key *v1, *v2;
	struct digest id;

	(void)state;
	golden_root(&root);
	assert_int_equal(root.n_logs, 2); /* cosign writes them in any order */
	v1 = &root.logs[root.logs[0].origin != NULL];
	v2 = &root.logs[root.logs[0].origin == NULL];
	assert_int_equal(root.n_ct_logs, 0);
	assert_int_equal(root.n_authorities, 1);
	assert_int_equal(root.n_timestampers, 1);
	assert_int_equal(root.timestampers[0].chain.count, 3);
	assert_string_equal(root.timestampers[0].url, "http://127.0.0.1:3004/api/v1/timestamp");
	assert_int_equal(root.logs[0].validity.from, 1704067200); /* 2024-01-01 */
	assert_true(root.logs[0].validity.until == INT64_MAX);

	assert_string_equal(public_key_type(v1->key), "ecdsa-p256");
	assert_null(v1->origin);
	assert_memory_equal(&v1->id, public_key_id(v1->key), sizeof(id));
	/* The file does not say it: it is the host whose name the id holds. */
	assert_string_equal(public_key_type(v2->key), "ed25519");
	assert_string_equal(v2->origin, "rekor2.test");
	assert_int_equal(trusted_root_log_id(v2->key, "rekor2.test", &id), 0);
	assert_memory_equal(&v2->id, &id, sizeof(id));
	assert_ptr_equal(trusted_root_find_log(&root, &id), v2);
	id.bytes[0] ^= 1;
	assert_null(trusted_root_find_log(&root, &id));
}

static void what_is_written_is_read(void **state)
{
	_cleanup_(trusted_root_done) struct trusted_root root, again = TRUSTED_ROOT_EMPTY;
	_cleanup_(buf_done) struct buf first = BUF_MAX(1u << 20), second = BUF_MAX(1u << 20),
				       small = BUF_MAX(100);
	struct diag diag = { 0 };

	(void)state;
	golden_root(&root);
	root.logs[0].validity.until = 4102444800;
	assert_int_equal(trusted_root_write(&root, &first), 0);
	assert_non_null(strstr(buf_cstr(&first), "\"end\":\"2100-01-01T00:00:00Z\""));
	assert_non_null(strstr(buf_cstr(&first), "\"commonName\":\"Test TSA Root\""));
	if (trusted_root_parse(buf_str(&first), "x", &diag, &again) < 0)
		fail_msg("%s", diag.text);
	assert_int_equal(again.logs[0].validity.until, 4102444800);
	assert_int_equal(trusted_root_write(&again, &second), 0);
	assert_true(str_equal(buf_str(&first), buf_str(&second)));
	assert_int_equal(trusted_root_write(&root, &small), -E2BIG);
	assert_int_equal(small.len, 0);
}

/* ---- one change each ---- */

struct change {
	const char *from, *to; /* the first `from` becomes `to` */
	const char *words; /* of the line; NULL: it is accepted */
};

static const struct change changes[] = {
	{ "{", "{", NULL },
	{ "version=0.1", "version=0.2", NULL },
	{ "trustedroot+json;version=0.1", "trustedroot.v0.1+json", NULL },
	{ "trustedroot+json;version=0.1", "trustedroot.v0.2+json", NULL },
	{ "{\"baseUrl\"", "{\"operator\":\"x\",\"checkpointKeyId\":{\"keyId\":\"AAAA\"},\"baseUrl\"", NULL },
	{ "\"2024-01-01T00:00:00Z\"", "\"2024-01-01T00:00:00.123Z\"", NULL },
	{ "\"start\":\"2024-01-01T00:00:00Z\"",
	  "\"start\":\"2024-02-29T23:59:59Z\",\"end\":\"2024-02-29T23:59:59Z\"", NULL },
	{ "PKIX_ECDSA_P256_SHA_256", "PKIX_ECDSA_P384_SHA_384", NULL }, /* left out */
	{ "PKIX_ECDSA_P256_SHA_256", "PKCS1_RSA_PKCS1V5", NULL },
	{ "\"tlogs\":[", "\"ctlogs\":null,\"tlogs\":[", NULL },

	{ "version=0.1", "version=1.0", "mediaType" },
	{ "\"mediaType\":", "\"mediaTyp\":", "not understood" },
	{ "\"tlogs\":", "\"more\":1,\"tlogs\":", "not understood" },
	{ "\"tlogs\":", "\"tlogs\":1,\"tlogs\":", "duplicate" },
	{ "\"tlogs\":[", "\"tlogs\":[1,", "is no object" },
	{ "\"tlogs\":[", "\"ctlogs\":{},\"tlogs\":[", "is no array" },
	{ "{\"baseUrl\"", "{\"more\":1,\"baseUrl\"", "not understood" },
	{ "SHA2_256", "SHA2_512", "hashAlgorithm" },
	{ "\"hashAlgorithm\":\"SHA2_256\",", "", "hashAlgorithm" },
	{ "PKIX_ECDSA_P256_SHA_256", "PKIX_ED25519", "another kind" },
	{ "PKIX_ECDSA_P256_SHA_256", "PKIX_ROT13", "no kind of key" },
	{ ",\"keyDetails\":\"PKIX_ECDSA_P256_SHA_256\"", "", "no kind of key" },
	{ "MFkwEwYHKoZIzj0CAQYI", "MFkwEwYHKoZIzj0CAQYJ", "neither ECDSA" },
	{ "MFkwEwYHKoZIzj0CAQYI", "MFkwEwYHKoZIzj0CAQY_", "base64" },
	{ "MFkwEwYHKoZIzj0CAQYI", "MFkwEwYHKoZIzj0C\\nAQYI", "base64" },
	{ "\"rawBytes\":\"MFkw", "\"rawByte\":\"MFkw", "not understood" },
	{ ",\"validFor\":{\"start\":\"2024-01-01T00:00:00Z\"}", "", "start" },
	{ "\"start\":\"2024-01-01T00:00:00Z\"", "\"end\":\"2024-01-01T00:00:00Z\"", "start" },
	{ "\"start\":\"2024-01-01T00:00:00Z\"",
	  "\"start\":\"2024-01-01T00:00:01Z\",\"end\":\"2024-01-01T00:00:00Z\"", "ends before" },
	{ "2024-01-01T00:00:00Z", "2024-02-30T00:00:00Z", "no time" },
	{ "2024-01-01T00:00:00Z", "2024-13-01T00:00:00Z", "no time" },
	{ "2024-01-01T00:00:00Z", "2024-01-01T24:00:00Z", "no time" },
	{ "2024-01-01T00:00:00Z", "2024-01-01T00:00:00+01:00", "no time" },
	{ "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.Z", "no time" },
	{ "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.1234567891Z", "no time" },
	{ "2024-01-01T00:00:00Z", "2024-01-01 00:00:00Z", "no time" },
	{ "2024-01-01T00:00:00Z", "2024-01-01T00:00:00", "no time" },
	{ "\"2024-01-01T00:00:00Z\"", "1704067200", "no string" },
	{ "\"logId\":{\"keyId\":\"", "\"logId\":{\"keyId\":\"AAAA", "keyId" },
	{ "\"logId\":{\"keyId\"", "\"logId\":{\"keyIds\"", "not understood" },
	{ "\"certificates\":[", "\"certificates\":[{\"rawBytes\":\"AAAA\"},", "X.509" },
	{ "\"certificates\":[", "\"certificates\":[{}],\"more\":[", "not understood" },
	{ "\"certChain\"", "\"certChains\"", "not understood" },
	{ "\"timestampAuthorities\":[", "\"timestampAuthorities\":[{\"uri\":\"x\"},", "certChain is missing" },
	{ "\"timestampAuthorities\":[", "\"timestampAuthorities\":[{\"certChain\":{\"certificates\":[]}},",
	  "no list" },
};

static const char *replace(const char *text, const struct change *change, struct buf *out)
{
	const char *at = strstr(text, change->from);

	if (!at)
		fail_msg("no \"%s\"", change->from);
	assert_int_equal(buf_append(out, text, (size_t)(at - text)), 0);
	assert_int_equal(buf_append_str(out, str_of(change->to)), 0);
	assert_int_equal(buf_append_str(out, str_of(at + strlen(change->from))), 0);
	return buf_cstr(out);
}

static void one_wrong_place_refuses_all(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(1u << 20);

	(void)state;
	golden_text("trusted_root.json", &text);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		_cleanup_(trusted_root_done) struct trusted_root root = TRUSTED_ROOT_EMPTY;
		_cleanup_(buf_done) struct buf changed = BUF_MAX(1u << 20);
		struct diag diag = { 0 };
		int r;

		replace(buf_cstr(&text), &changes[i], &changed);
		r = trusted_root_parse(buf_str(&changed), "FILE", &diag, &root);
		if (r != (changes[i].words ? -EBADMSG : 0) || (r < 0 && !strstr(diag.text, changes[i].words)))
			fail_msg("\"%s\" as \"%s\": %d \"%s\"", changes[i].from, changes[i].to, r, diag.text);
	}
}

static void other_kinds_of_keys_are_left_out(void **state)
{
	_cleanup_(trusted_root_done) struct trusted_root root = TRUSTED_ROOT_EMPTY;
	_cleanup_(buf_done) struct buf text = BUF_MAX(1u << 20), changed = BUF_MAX(1u << 20);

	(void)state;
	golden_text("trusted_root.json", &text);
	replace(buf_cstr(&text), &(struct change) { "PKIX_ECDSA_P256_SHA_256", "PKCS1_RSA_PKCS1V5", NULL },
		&changed);
	assert_int_equal(trusted_root_parse(buf_str(&changed), "x", NULL, &root), 0);
	assert_int_equal(root.n_logs, 1);
	assert_string_equal(root.logs[0].origin, "rekor2.test");
}

static void files_end(void **state)
{
	_cleanup_(trusted_root_done) struct trusted_root root = TRUSTED_ROOT_EMPTY;
	_cleanup_(buf_done) struct buf text = BUF_MAX(1u << 20);

	(void)state;
	golden_text("trusted_root.json", &text);
	while (text.data[text.len - 1] != '}')
		text.len--;
	for (size_t len = 0; len < text.len; len += 7)
		assert_int_equal(trusted_root_parse((struct str) { text.data, len }, "x", NULL, &root),
				 -EBADMSG);
	assert_int_equal(buf_append_str(&text, STR("\n{}")), 0);
	assert_int_equal(trusted_root_parse(buf_str(&text), "x", NULL, &root), -EBADMSG);
	assert_int_equal(root.n_logs, 0);
}

static void files_have_limits(void **state)
{
	_cleanup_(trusted_root_done) struct trusted_root root = TRUSTED_ROOT_EMPTY;
	_cleanup_(buf_done) struct buf text = BUF_MAX(8u << 20);
	struct diag diag = { 0 };

	(void)state;
	assert_int_equal(trusted_root_parse(STR(""), "x", NULL, &root), -EBADMSG);
	assert_int_equal(trusted_root_load("/nonexistent", NULL, &root), -ENOENT);
	for (size_t i = 0; i < 70000; i++)
		assert_int_equal(buf_append_str(&text, STR("[")), 0);
	assert_int_equal(trusted_root_parse(buf_str(&text), "x", &diag, &root), -EBADMSG);
	assert_non_null(strstr(diag.text, "too many members"));
	while (text.len <= TRUSTED_ROOT_FILE_MAX)
		assert_int_equal(buf_append_str(&text, STR("                ")), 0);
	diag = (struct diag) { 0 };
	assert_int_equal(trusted_root_parse(buf_str(&text), "x", &diag, &root), -EBADMSG);
	assert_non_null(strstr(diag.text, "too large"));
}

/* ---- made of parts ---- */

static void logs_have_the_ids_that_their_entries_carry(void **state)
{
	_cleanup_(trusted_root_done) struct trusted_root root = TRUSTED_ROOT_EMPTY, again = TRUSTED_ROOT_EMPTY;
	_cleanup_(key_freep) struct key *key = NULL, *p256 = NULL;
	_cleanup_(public_key_freep) struct public_key *public = NULL, *other = NULL;
	_cleanup_(buf_done) struct buf text = BUF_MAX(1u << 20);
	const struct validity validity = { 100, 200 };

	(void)state;
	assert_int_equal(key_generate_ed25519(NULL, &key), 0);
	assert_int_equal(key_generate(NULL, &p256), 0);
	assert_int_equal(key_public(key, NULL, &public), 0);
	assert_int_equal(key_public(p256, NULL, &other), 0);
	assert_int_equal(trusted_root_add_log(&root, public, "log.example", NULL, validity, NULL), 0);
	assert_int_equal(trusted_root_add_log(&root, other, NULL, "https://rekor.example", validity, NULL), 0);
	assert_int_equal(trusted_root_add_ct_log(&root, other, "https://ct.example", validity, NULL), 0);
	assert_memory_not_equal(&root.logs[0].id, public_key_id(public), DIGEST_LEN);
	assert_memory_equal(&root.logs[1].id, public_key_id(other), DIGEST_LEN);

	/* The same once more is the same; with another time it is not clear what is meant. */
	assert_int_equal(trusted_root_add_log(&root, public, "log.example", NULL, validity, NULL), 0);
	assert_int_equal(root.n_logs, 2);
	assert_int_equal(trusted_root_add_log(&root, public, "log.example", NULL, VALIDITY_ALWAYS, NULL),
			 -EINVAL);

	/* Stock tools take the URL's host for the origin. */
	assert_int_equal(trusted_root_write(&root, &text), 0);
	assert_non_null(strstr(buf_cstr(&text), "\"baseUrl\":\"https://log.example\""));
	assert_int_equal(trusted_root_parse(buf_str(&text), "x", NULL, &again), 0);
	assert_string_equal(again.logs[0].origin, "log.example");
	assert_int_equal(again.ct_logs[0].validity.until, 200);
	assert_true(validity_covers(again.logs[0].validity, 100) &&
		    validity_covers(again.logs[0].validity, 200));
	assert_false(validity_covers(again.logs[0].validity, 99) ||
		     validity_covers(again.logs[0].validity, 201));
}

static void verifier_keys_name_logs_and_witnesses(void **state)
{
	_cleanup_(trusted_root_done) struct trusted_root root = TRUSTED_ROOT_EMPTY;
	_cleanup_(public_key_freep) struct public_key *public = NULL;
	_cleanup_(note_key_done) struct note_key witness = { 0 };
	_cleanup_(key_freep) struct key *key = NULL;
	_cleanup_(buf_done) struct buf vkey = BUF_MAX(1024);

	(void)state;
	assert_int_equal(trusted_root_add_vkey(&root, STR(SUMDB), NULL), 0);
	assert_int_equal(trusted_root_add_vkey(&root, STR(SUMDB), NULL), 0);
	assert_int_equal(root.n_logs, 1);
	assert_string_equal(root.logs[0].origin, "sum.golang.org");
	assert_memory_equal(root.logs[0].id.bytes, "\x03\x3d\xe0\xae", 4);
	assert_int_equal(trusted_root_add_vkey(&root, STR("sum.golang.org+033de0ae"), NULL), -EINVAL);

	assert_int_equal(key_generate_ed25519(NULL, &key), 0);
	assert_int_equal(key_public(key, NULL, &public), 0);
	assert_int_equal(note_key_make("witness.example", NOTE_COSIGNATURE, &public, &witness), 0);
	assert_int_equal(note_key_write(&witness, &vkey), 0);
	assert_int_equal(trusted_root_add_vkey(&root, buf_str(&vkey), NULL), 0);
	assert_int_equal(trusted_root_add_vkey(&root, buf_str(&vkey), NULL), 0);
	assert_int_equal(root.n_witnesses, 1);
	assert_int_equal(root.n_logs, 1);
}

/* Whichever of the two is read first. */
static void a_verifier_key_leaves_the_times_to_the_file(void **state)
{
	_cleanup_(trusted_root_done) struct trusted_root root = TRUSTED_ROOT_EMPTY;
	_cleanup_(buf_done) struct buf text = BUF_MAX(1u << 20), vkey = BUF_MAX(1024);
	_cleanup_(public_key_freep) struct public_key *public = NULL, *copy = NULL;
	_cleanup_(note_key_done) struct note_key name = { 0 };
	_cleanup_(key_freep) struct key *key = NULL;

	(void)state;
	assert_int_equal(key_generate_ed25519(NULL, &key), 0);
	assert_int_equal(key_public(key, NULL, &public), 0);
	assert_int_equal(public_key_copy(public, &copy), 0);
	assert_int_equal(note_key_make("log.example", NOTE_ED25519, &copy, &name), 0);
	assert_int_equal(note_key_write(&name, &vkey), 0);
	assert_int_equal(
		trusted_root_add_log(&root, public, "log.example", NULL, (struct validity) { 7, 9 }, NULL), 0);
	assert_int_equal(trusted_root_write(&root, &text), 0);
	for (int file_first = 0; file_first < 2; file_first++) {
		trusted_root_done(&root);
		if (file_first)
			assert_int_equal(trusted_root_parse(buf_str(&text), "x", NULL, &root), 0);
		assert_int_equal(trusted_root_add_vkey(&root, buf_str(&vkey), NULL), 0);
		assert_int_equal(trusted_root_parse(buf_str(&text), "x", NULL, &root), 0);
		assert_int_equal(root.n_logs, 1);
		assert_int_equal(root.logs[0].validity.from, 7);
		assert_int_equal(root.logs[0].validity.until, 9);
		assert_string_equal(root.logs[0].origin, "log.example");
		assert_string_equal(root.logs[0].base_url, "https://log.example");
	}
}

static void chains_are_in_order(void **state)
{
	_cleanup_(trusted_root_done) struct trusted_root root = TRUSTED_ROOT_EMPTY;
	_cleanup_(holder_done) struct holder top = { 0 }, leaf = { 0 };
	_cleanup_(certificate_chain_done) struct certificate_chain good = { 0 }, turned = { 0 }, empty = { 0 },
								   lone = { 0 };

	(void)state;
	ISSUER_MAKE(&top, "top", NULL, NOW, NOW + 600, CA_EXTENSIONS);
	ISSUER_MAKE(&leaf, "leaf", &top, NOW, NOW + 600, LEAF_EXTENSIONS);
	issuer_chain_add(&good, leaf.x509);
	issuer_chain_add(&good, top.x509);
	issuer_chain_add(&turned, top.x509);
	issuer_chain_add(&turned, leaf.x509);
	issuer_chain_add(&lone, leaf.x509);
	assert_int_equal(trusted_root_add_timestamper(&root, &turned, NULL, VALIDITY_ALWAYS, NULL), -EINVAL);
	assert_int_equal(trusted_root_add_timestamper(&root, &lone, NULL, VALIDITY_ALWAYS, NULL), -EINVAL);
	assert_int_equal(trusted_root_add_timestamper(&root, &empty, NULL, VALIDITY_ALWAYS, NULL), -EINVAL);
	/* No leaf among those who issue. */
	assert_int_equal(trusted_root_add_authority(&root, &good, NULL, VALIDITY_ALWAYS, NULL), -EINVAL);
	assert_int_equal(good.count, 2);
	assert_int_equal(
		trusted_root_add_timestamper(&root, &good, "https://tsa.example", VALIDITY_ALWAYS, NULL), 0);
	assert_int_equal(good.count, 0);
	assert_int_equal(root.n_timestampers, 1);
	assert_int_equal(root.n_authorities, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_golden_root_is_read),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(one_wrong_place_refuses_all),
		cmocka_unit_test(other_kinds_of_keys_are_left_out),
		cmocka_unit_test(files_end),
		cmocka_unit_test(files_have_limits),
		cmocka_unit_test(logs_have_the_ids_that_their_entries_carry),
		cmocka_unit_test(verifier_keys_name_logs_and_witnesses),
		cmocka_unit_test(a_verifier_key_leaves_the_times_to_the_file),
		cmocka_unit_test(chains_are_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
