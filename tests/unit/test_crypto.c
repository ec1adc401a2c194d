/* SPDX-License-Identifier: Apache-2.0 */
/* Digests against published vectors; keys against files that are wrong in every way we could think of. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "crypto/digest.h"
#include "crypto/key.h"

static char place[] = "/tmp/stella-crypto-XXXXXX";

static int enter_place(void **state)
{
	(void)state;
	return mkdtemp(place) && chdir(place) == 0 ? 0 : -1;
}

static int leave_place(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", place);
	return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

/* Keys of other makers come from the openssl command, which shares no code of ours. */
static void openssl(const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "umask 077; openssl %s >openssl.log 2>&1", command);
	if (system(line) != 0)
		fail_msg("%s", line);
}

/* ---- digests ---- */

static void assert_digest(const char *data, size_t len, const char *hex)
{
	char text[DIGEST_TEXT_LEN + 1];
	struct digest digest;

	assert_int_equal(digest_of(data, len, &digest), 0);
	digest_hex(&digest, text);
	assert_string_equal(text, hex);
}

/* FIPS 180-4 examples of NIST, and the empty message. */
static void digest_vectors(void **state)
{
	static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

	(void)state;
	assert_digest("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_digest(NULL, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_digest("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_digest(two_blocks, 56, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void stream_goes_on_after_its_value(void **state)
{
	_cleanup_(digest_stream_freep) struct digest_stream *stream = NULL;
	struct digest whole, part, value;

	(void)state;
	assert_int_equal(digest_of("abcdef", 6, &whole), 0);
	assert_int_equal(digest_of("abc", 3, &part), 0);
	assert_int_equal(digest_stream_new(&stream), 0);
	assert_int_equal(digest_stream_add(stream, "abc", 3), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(digest_stream_value(stream, &value), 0);
		assert_memory_equal(&value, &part, sizeof(value));
	}
	assert_int_equal(digest_stream_add(stream, "def", 3), 0);
	assert_int_equal(digest_stream_add(stream, NULL, 0), 0);
	assert_int_equal(digest_stream_value(stream, &value), 0);
	assert_memory_equal(&value, &whole, sizeof(value));
	assert_int_equal(digest_stream_reset(stream), 0);
	assert_int_equal(digest_stream_add(stream, "abc", 3), 0);
	assert_int_equal(digest_stream_value(stream, &value), 0);
	assert_memory_equal(&value, &part, sizeof(value));
}

static void digest_text_is_strict(void **state)
{
	static const char good[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	struct digest digest, abc;
	char text[66];

	(void)state;
	assert_int_equal(digest_of("abc", 3, &abc), 0);
	assert_int_equal(digest_parse(str_of(good), &digest), 0);
	assert_memory_equal(&digest, &abc, sizeof(abc));
	strcpy(text, good);
	text[0] = 'B';
	assert_int_equal(digest_parse(str_of(text), &digest), -EINVAL);
	assert_int_equal(digest_parse((struct str) { good, 63 }, &digest), -EINVAL);
	assert_int_equal(digest_parse((struct str) { good, 62 }, &digest), -EINVAL);
	assert_int_equal(digest_parse((struct str) { good, 65 }, &digest), -EINVAL);
	assert_int_equal(digest_parse(STR(""), &digest), -EINVAL);
}

/* ---- private keys ---- */

static void assert_load_refused(const char *path, int error, enum exit_status status, const char *words)
{
	_cleanup_(key_freep) struct key *key = NULL;
	struct diag diag = { 0 };

	assert_int_equal(key_load(path, &diag, &key), error);
	assert_null(key);
	if (!strstr(diag.text, words))
		fail_msg("\"%s\" does not say \"%s\"", diag.text, words);
	assert_null(strchr(diag.text, '\n'));
	assert_int_equal(diag_exit_status(&diag, error), status);
}

static void saved_key_is_private_and_the_same(void **state)
{
	_cleanup_(public_key_freep) struct public_key *public = NULL, *again = NULL;
	_cleanup_(key_freep) struct key *key = NULL, *loaded = NULL;
	mode_t umask_before = umask(0);
	struct diag diag = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(key_generate(&diag, &key), 0);
	assert_int_equal(key_save(key, "saved.key", &diag), 0);
	umask(umask_before);
	assert_int_equal(stat("saved.key", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(key_load("saved.key", &diag, &loaded), 0);
	assert_int_equal(key_public(key, &diag, &public), 0);
	assert_int_equal(key_public(loaded, &diag, &again), 0);
	assert_memory_equal(public_key_id(public), public_key_id(again), sizeof(struct digest));
	assert_string_equal(public_key_type(public), "ecdsa-p256");
	openssl("pkey -in saved.key -check -noout");
}

static void saving_never_overwrites(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(KEY_FILE_MAX);
	_cleanup_(key_freep) struct key *key = NULL;
	struct diag diag = { 0 };

	(void)state;
	assert_int_equal(file_publish_at(AT_FDCWD, "taken", 0600, "mine", 4, false, NULL), 0);
	assert_int_equal(symlink("nowhere-yet", "taken-link"), 0);
	assert_int_equal(key_generate(&diag, &key), 0);
	assert_int_equal(key_save(key, "taken", &diag), -EEXIST);
	assert_non_null(strstr(diag.text, "refusing to overwrite"));
	assert_int_equal(key_save(key, "taken-link", NULL), -EEXIST);
	assert_int_equal(access("nowhere-yet", F_OK), -1);
	assert_int_equal(file_read_at(AT_FDCWD, "taken", &text, NULL), 0);
	assert_string_equal(buf_cstr(&text), "mine");
	assert_int_equal(key_save(key, "no/such/place", NULL), -ENOENT);
}

static void key_that_others_can_touch_is_refused(void **state)
{
	static const mode_t modes[] = { 0640, 0604, 0620, 0602, 0610, 0644, 0666 };

	(void)state;
	openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out shared.key");
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		assert_int_equal(chmod("shared.key", modes[i]), 0);
		assert_load_refused("shared.key", -EPERM, EXIT_NOT_PERMITTED, "lets others at it");
	}
	/* A link cannot hide it: its own mode is always 0777, and what counts is the file. */
	assert_int_equal(symlink("shared.key", "shared.link"), 0);
	assert_load_refused("shared.link", -EPERM, EXIT_NOT_PERMITTED, "lets others at it");
	assert_int_equal(chmod("shared.key", 0400), 0);
	_cleanup_(key_freep) struct key *key = NULL;
	assert_int_equal(key_load("shared.link", NULL, &key), 0);
}

static void key_of_a_stranger_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out strange.key");
	assert_int_equal(chown("strange.key", 12345, 12345), 0);
	assert_load_refused("strange.key", -EPERM, EXIT_NOT_PERMITTED, "belongs to user 12345");
}

static void key_of_another_kind_is_refused(void **state)
{
	static const struct {
		const char *command, *words;
	} rows[] = {
		{ "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out other.key",
		  "neither an ECDSA P-256" },
		{ "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out other.key",
		  "neither an ECDSA P-256" },
		{ "genpkey -algorithm X25519 -out other.key", "neither an ECDSA P-256" },
		{ "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out other.key",
		  "neither an ECDSA P-256" },
		{ "ecparam -name prime256v1 -genkey -out other.key", "must be PKCS#8" },
		{ "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256 -pass pass:x -out other.key",
		  "is encrypted" },
		{ "ec -in saved.key -aes128 -passout pass:x -out other.key", "is encrypted" },
		{ "pkey -in saved.key -pubout -out other.key", "must be PKCS#8" },
		{ "pkey -in saved.key -outform DER -out other.key", "does not begin with" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unlink("other.key");
		openssl(rows[i].command);
		assert_load_refused("other.key", -EINVAL, EXIT_FAILED, rows[i].words);
	}
}

static void refuse_text(const char *text, size_t len, const char *words)
{
	assert_int_equal(file_publish_at(AT_FDCWD, "text.key", 0600, text, len, false, NULL), 0);
	assert_load_refused("text.key", -EINVAL, EXIT_FAILED, words);
}

static void key_text_is_one_block(void **state)
{
	_cleanup_(buf_done) struct buf good = BUF_MAX(KEY_FILE_MAX);
	_cleanup_(buf_done) struct buf text = BUF_MAX(KEY_FILE_MAX);

	(void)state;
	assert_int_equal(file_read_at(AT_FDCWD, "saved.key", &good, NULL), 0);
	refuse_text("", 0, "does not begin with");
	refuse_text("-----BEGIN ", 11, "bad PEM");
	refuse_text("-----BEGIN PRIVATE KEY-----\n", 28, "bad PEM");
	refuse_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 59, "bad PKCS#8");
	assert_int_equal(buf_printf(&text, " %.*s", (int)good.len, good.data), 0);
	refuse_text(text.data, text.len, "does not begin with");
	buf_clear(&text);
	assert_int_equal(buf_printf(&text, "%.*s%.*s", (int)good.len, good.data, (int)good.len, good.data), 0);
	refuse_text(text.data, text.len, "more behind the first key");
	buf_clear(&text);
	assert_int_equal(buf_append_str(&text, buf_str(&good)), 0);
	assert_int_equal(buf_append(&text, "\n \0", 3), 0);
	refuse_text(text.data, text.len, "more behind the first key");
	refuse_text(good.data, good.len / 2, "bad PEM");
}

/* The public half of another key inside the file: it would sign what nobody can verify. */
static void key_with_foreign_public_half_is_refused(void **state)
{
	_cleanup_(buf_done) struct buf der = BUF_MAX(KEY_FILE_MAX);
	_cleanup_(buf_done) struct buf other = BUF_MAX(KEY_FILE_MAX);

	(void)state;
	openssl("pkcs8 -topk8 -nocrypt -in saved.key -outform DER -out a.der");
	openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out b.key");
	openssl("pkcs8 -topk8 -nocrypt -in b.key -outform DER -out b.der");
	assert_int_equal(file_read_at(AT_FDCWD, "a.der", &der, NULL), 0);
	assert_int_equal(file_read_at(AT_FDCWD, "b.der", &other, NULL), 0);
	assert_int_equal(der.len, other.len);
	memcpy(der.data + der.len - 64, other.data + other.len - 64, 64);
	/* base64 is the openssl command's, so that the file is not of our making */
	assert_int_equal(file_publish_at(AT_FDCWD, "c.der", 0600, der.data, der.len, false, NULL), 0);
	assert_int_equal(system("(echo '-----BEGIN PRIVATE KEY-----'; openssl base64 -in c.der; "
				"echo '-----END PRIVATE KEY-----') >mixed.key; chmod 600 mixed.key"),
			 0);
	assert_load_refused("mixed.key", -EINVAL, EXIT_FAILED, "do not belong together");
}

static void key_file_must_be_a_small_file(void **state)
{
	(void)state;
	alarm(10);
	assert_load_refused("missing.key", -ENOENT, EXIT_NOT_FOUND, "keygen");
	assert_load_refused("/dev/null", -EINVAL, EXIT_FAILED, "no regular file");
	assert_load_refused(".", -EINVAL, EXIT_FAILED, "no regular file");
	assert_int_equal(mkfifo("fifo.key", 0600), 0);
	assert_load_refused("fifo.key", -EINVAL, EXIT_FAILED, "no regular file");
	alarm(0);
	assert_int_equal(file_publish_at(AT_FDCWD, "huge.key", 0600, "", 0, false, NULL), 0);
	assert_int_equal(truncate("huge.key", (off_t)1 << 40), 0);
	assert_load_refused("huge.key", -E2BIG, EXIT_FAILED, "larger than the limit");
}

/* ---- public keys and signatures ---- */

static struct public_key *load_public(const char *path)
{
	struct public_key *public = NULL;
	struct diag diag = { 0 };

	if (public_key_load(path, &diag, &public) != 0)
		fail_msg("%s", diag.text);
	return public;
}

static struct key *load_key(const char *path)
{
	struct key *key = NULL;
	struct diag diag = { 0 };

	if (key_load(path, &diag, &key) != 0)
		fail_msg("%s", diag.text);
	return key;
}

static void openssl_verifies_what_we_sign(void **state)
{
	_cleanup_(key_freep) struct key *key = load_key("saved.key");
	_cleanup_(buf_done) struct buf signature = BUF_MAX(KEY_SIGNATURE_MAX);

	(void)state;
	assert_int_equal(key_sign(key, "message", 7, &signature, NULL), 0);
	assert_int_equal(file_publish_at(AT_FDCWD, "m", 0600, "message", 7, false, NULL), 0);
	assert_int_equal(file_publish_at(AT_FDCWD, "m.sig", 0600, signature.data, signature.len, false, NULL),
			 0);
	openssl("pkey -in saved.key -pubout -out saved.pub");
	openssl("dgst -sha256 -verify saved.pub -signature m.sig m");
}

static void we_verify_what_openssl_signs(void **state)
{
	_cleanup_(buf_done) struct buf signature = BUF_MAX(KEY_SIGNATURE_MAX);
	_cleanup_(public_key_freep) struct public_key *p256 = NULL, *ed25519 = NULL;

	(void)state;
	openssl("dgst -sha256 -sign saved.key -out m.sig m");
	p256 = load_public("saved.pub");
	assert_int_equal(file_read_at(AT_FDCWD, "m.sig", &signature, NULL), 0);
	assert_true(public_key_verify(p256, STR("message"), buf_str(&signature)));
	openssl("genpkey -algorithm ED25519 -out ed.key");
	openssl("pkey -in ed.key -pubout -out ed.pub");
	openssl("pkeyutl -sign -inkey ed.key -rawin -in m -out ed.sig");
	ed25519 = load_public("ed.pub");
	assert_string_equal(public_key_type(ed25519), "ed25519");
	assert_false(public_key_verify(ed25519, STR("message"), buf_str(&signature)));
	buf_clear(&signature);
	assert_int_equal(file_read_at(AT_FDCWD, "ed.sig", &signature, NULL), 0);
	assert_true(public_key_verify(ed25519, STR("message"), buf_str(&signature)));
	assert_false(public_key_verify(ed25519, STR("messagf"), buf_str(&signature)));
	assert_false(public_key_verify(p256, STR("message"), buf_str(&signature)));
}

static void ed25519_keys_sign_too(void **state)
{
	_cleanup_(buf_done) struct buf signature = BUF_MAX(KEY_SIGNATURE_MAX);
	_cleanup_(key_freep) struct key *made = NULL, *loaded = NULL;
	_cleanup_(public_key_freep) struct public_key *public = NULL, *again = NULL;
	struct str spki;

	(void)state;
	unlink("made.key");
	assert_int_equal(key_generate_ed25519(NULL, &made), 0);
	assert_int_equal(key_save(made, "made.key", NULL), 0);
	assert_int_equal(key_load("made.key", NULL, &loaded), 0);
	assert_int_equal(key_sign(loaded, "message", 7, &signature, NULL), 0);
	assert_int_equal(signature.len, 64);
	assert_int_equal(key_public(made, NULL, &public), 0);
	assert_true(public_key_verify(public, STR("message"), buf_str(&signature)));
	spki = public_key_spki(public);
	assert_int_equal(public_key_parse_spki(spki, "it", NULL, &again), 0);
	assert_memory_equal(public_key_id(again), public_key_id(public), DIGEST_LEN);
	public_key_free(TAKE(again));
	assert_int_equal(public_key_parse_spki((struct str) { spki.data, spki.len - 1 }, "it", NULL, &again),
			 -EINVAL);
	/* A copy outlives what it was made from. */
	assert_int_equal(public_key_copy(public, &again), 0);
	public_key_free(TAKE(public));
	assert_true(public_key_verify(again, STR("message"), buf_str(&signature)));
}

static void every_flipped_bit_is_noticed(void **state)
{
	_cleanup_(key_freep) struct key *key = load_key("saved.key");
	_cleanup_(public_key_freep) struct public_key *public = load_public("saved.pub");
	_cleanup_(buf_done) struct buf signature = BUF_MAX(KEY_SIGNATURE_MAX);
	char message[] = "message";

	(void)state;
	assert_int_equal(key_sign(key, message, 7, &signature, NULL), 0);
	for (size_t bit = 0; bit < signature.len * 8; bit++) {
		signature.data[bit / 8] ^= (char)(1 << bit % 8);
		assert_false(public_key_verify(public, str_of(message), buf_str(&signature)));
		signature.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < 56; bit++) {
		message[bit / 8] ^= (char)(1 << bit % 8);
		assert_false(public_key_verify(public, (struct str) { message, 7 }, buf_str(&signature)));
		message[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t len = 0; len < signature.len; len++)
		assert_false(public_key_verify(public, STR("message"), (struct str) { signature.data, len }));
	assert_int_equal(buf_append(&signature, "", 1), 0);
	assert_false(public_key_verify(public, STR("message"), buf_str(&signature)));
	assert_false(public_key_verify(public, STR("message"), (struct str) { NULL, 0 }));
	signature.len--;
	assert_true(public_key_verify(public, STR("message"), buf_str(&signature)));
}

static void public_pem_goes_round(void **state)
{
	_cleanup_(public_key_freep) struct public_key *public = load_public("saved.pub"), *again = NULL;
	_cleanup_(buf_done) struct buf pem = BUF_MAX(KEY_FILE_MAX);
	_cleanup_(buf_done) struct buf file = BUF_MAX(KEY_FILE_MAX);
	_cleanup_(buf_done) struct buf der = BUF_MAX(KEY_FILE_MAX);
	struct digest id;

	(void)state;
	assert_int_equal(public_key_pem(public, &pem, NULL), 0);
	assert_int_equal(file_read_at(AT_FDCWD, "saved.pub", &file, NULL), 0);
	assert_true(str_equal(buf_str(&pem), buf_str(&file)));
	assert_int_equal(public_key_parse(buf_str(&pem), "pem", NULL, &again), 0);
	openssl("pkey -pubin -in saved.pub -outform DER -out pub.der");
	assert_int_equal(file_read_at(AT_FDCWD, "pub.der", &der, NULL), 0);
	assert_int_equal(digest_of(der.data, der.len, &id), 0);
	assert_memory_equal(public_key_id(again), &id, sizeof(id));
}

static void public_keys_of_other_forms_are_refused(void **state)
{
	static const struct {
		const char *command, *words;
	} rows[] = {
		{ "ec -in saved.key -pubout -conv_form compressed -out other.pub", "neither ECDSA P-256" },
		{ "ec -in saved.key -pubout -conv_form hybrid -out other.pub", "neither ECDSA P-256" },
		{ "ec -in saved.key -pubout -param_enc explicit -out other.pub", "neither ECDSA P-256" },
		{ "ecparam -name secp384r1 -genkey -out p384.key", NULL },
		{ "ec -in p384.key -pubout -out other.pub", "neither ECDSA P-256" },
		{ "pkey -in saved.key -out other.pub", "is a private key" },
		{ "req -x509 -new -key saved.key -subj /CN=x -out other.pub", "must be a PEM" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct public_key *public = NULL;
		struct diag diag = { 0 };

		unlink("other.pub");
		openssl(rows[i].command);
		if (!rows[i].words)
			continue;
		assert_int_equal(public_key_load("other.pub", &diag, &public), -EINVAL);
		assert_null(public);
		if (!strstr(diag.text, rows[i].words))
			fail_msg("\"%s\" does not say \"%s\"", diag.text, rows[i].words);
	}
}

static void point_off_the_curve_is_refused(void **state)
{
	static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
				  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
				  "AAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQ==\n"
				  "-----END PUBLIC KEY-----\n";
	struct public_key *public = NULL;
	struct diag diag = { 0 };

	(void)state;
	assert_int_equal(public_key_parse(str_of(pem), "point", &diag, &public), -EINVAL);
	assert_null(public);
	assert_non_null(strstr(diag.text, "no point of its curve"));
}

static void randomness_differs(void **state)
{
	unsigned char a[64] = { 0 }, b[64] = { 0 };

	(void)state;
	assert_int_equal(random_bytes(a, sizeof(a)), 0);
	assert_int_equal(random_bytes(b, sizeof(b)), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(random_bytes(NULL, 0), 0);
}

int main(void)
{
	/* saved.key and saved.pub, once made, are used by the tests behind. */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digest_vectors),
		cmocka_unit_test(stream_goes_on_after_its_value),
		cmocka_unit_test(digest_text_is_strict),
		cmocka_unit_test(saved_key_is_private_and_the_same),
		cmocka_unit_test(saving_never_overwrites),
		cmocka_unit_test(key_that_others_can_touch_is_refused),
		cmocka_unit_test(key_of_a_stranger_is_refused),
		cmocka_unit_test(key_of_another_kind_is_refused),
		cmocka_unit_test(key_text_is_one_block),
		cmocka_unit_test(key_with_foreign_public_half_is_refused),
		cmocka_unit_test(key_file_must_be_a_small_file),
		cmocka_unit_test(openssl_verifies_what_we_sign),
		cmocka_unit_test(we_verify_what_openssl_signs),
		cmocka_unit_test(ed25519_keys_sign_too),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(public_pem_goes_round),
		cmocka_unit_test(public_keys_of_other_forms_are_refused),
		cmocka_unit_test(point_off_the_curve_is_refused),
		cmocka_unit_test(randomness_differs),
	};

	return cmocka_run_group_tests_name("crypto", tests, enter_place, leave_place);
}
