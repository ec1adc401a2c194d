/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints and verifier keys: one form comes in, a signature counts for one key, and no changed byte goes unseen. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "sigstore/note.h"

#define ORIGIN "log.example"
#define DASH "\xE2\x80\x94 "
#define ROOT "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define SIGNATURE DASH "log.example AAAAAAAA\n"
#define GOOD ORIGIN "\n7\n" ROOT "\n\n" SIGNATURE

static struct key *key, *p256;
static struct note_key name, witness, ecdsa, rekor;
static struct digest root;

static void take(const struct key *from, const char *text, enum note_algorithm algorithm, struct note_key *ret)
{
	struct public_key *public = NULL;

	assert_int_equal(key_public(from, NULL, &public), 0);
	assert_int_equal(note_key_make(text, algorithm, &public, ret), 0);
	assert_null(public);
}

static int set_up(void **state)
{
	(void)state;
	if (key_generate_ed25519(NULL, &key) < 0 || key_generate(NULL, &p256) < 0 ||
	    digest_of("x", 1, &root) < 0)
		return -1;
	take(key, ORIGIN, NOTE_ED25519, &name);
	take(key, "witness.example/w1", NOTE_COSIGNATURE, &witness);
	take(p256, ORIGIN, NOTE_ECDSA, &ecdsa);
	take(key, ORIGIN, NOTE_REKOR, &rekor);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	note_key_done(&name);
	note_key_done(&witness);
	note_key_done(&ecdsa);
	note_key_done(&rekor);
	key_free(key);
	key_free(p256);
	return 0;
}

/* ---- verifier keys ---- */

/* A key that the world knows, whose id Go's tools made. */
#define SUMDB "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"

static void a_published_key_is_read_and_written(void **state)
{
	_cleanup_(note_key_done) struct note_key sumdb = { 0 };
	_cleanup_(buf_done) struct buf out = BUF_MAX(1024);
	struct diag diag = { 0 };

	(void)state;
	assert_int_equal(note_key_parse(STR(SUMDB), &diag, &sumdb), 0);
	assert_string_equal(sumdb.name, "sum.golang.org");
	assert_int_equal(sumdb.algorithm, NOTE_ED25519);
	assert_int_equal(note_key_write(&sumdb, &out), 0);
	assert_string_equal(buf_cstr(&out), SUMDB);
}

static void keys_go_out_and_come_in(void **state)
{
	const struct note_key *keys[] = { &name, &witness };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		_cleanup_(note_key_done) struct note_key again = { 0 };
		_cleanup_(buf_done) struct buf out = BUF_MAX(1024);
		struct diag diag = { 0 };

		assert_int_equal(note_key_write(keys[i], &out), 0);
		assert_int_equal(note_key_parse(buf_str(&out), &diag, &again), 0);
		assert_int_equal(again.algorithm, keys[i]->algorithm);
		assert_memory_equal(again.id, keys[i]->id, 4);
		assert_string_equal(again.name, keys[i]->name);
	}
	/* One key under two algorithms is two keys. */
	assert_memory_not_equal(name.id, witness.id, 4);
	assert_memory_equal(rekor.id, public_key_id(rekor.key), 4);
	assert_int_equal(note_key_write(&ecdsa, &(struct buf) { .max = 100 }), -EINVAL);
}

static void wrong_keys_are_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"sum.golang.org",
		"sum.golang.org+033de0ae",
		"sum.golang.org+033de0af+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", /* id */
		"sum.golang.orh+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", /* name */
		"sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn9", /* key */
		"sum.golang.org+033DE0AE+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
		"sum.golang.org+33de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
		"sum.golang.org+033de0ae+As4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", /* algorithm 2 */
		"sum.golang.org+033de0ae+Ac4zctda0e5eza-HJyk9SxEdh-s3Ux18htTTAD8OuAn8", /* URL-safe */
		"sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuA==", /* short */
		"sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8AAAA",
		"sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8\n",
		" sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
		"+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
		"a\xc2\xa0"
		"b+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", /* a wide space */
		"a\xe2\x80\x83"
		"b+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
		"a\xff"
		"b+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct note_key made = { 0 };
		struct diag diag = { 0 };

		assert_int_equal(note_key_parse(str_of(rows[i]), &diag, &made), -EINVAL);
		assert_true(diag.text[0] != '\0');
		assert_null(made.name);
	}
}

static void a_key_fits_its_algorithm(void **state)
{
	_cleanup_(public_key_freep) struct public_key *public = NULL;
	struct note_key made = { 0 };

	(void)state;
	assert_int_equal(key_public(p256, NULL, &public), 0);
	assert_int_equal(note_key_make(ORIGIN, NOTE_ED25519, &public, &made), -EINVAL);
	assert_int_equal(note_key_make(ORIGIN, NOTE_COSIGNATURE, &public, &made), -EINVAL);
	assert_int_equal(note_key_make("two words", NOTE_ECDSA, &public, &made), -EINVAL);
	assert_int_equal(note_key_make("a+b", NOTE_ECDSA, &public, &made), -EINVAL);
	assert_non_null(public);
}

/* ---- the form of checkpoints ---- */

static void parts_are_read(void **state)
{
	static const char text[] = ORIGIN "\n7\n" ROOT "\nmore\n";
	_cleanup_(checkpoint_done) struct checkpoint read = { 0 };
	static const char note[] = ORIGIN "\n7\n" ROOT "\nmore\n\n" SIGNATURE DASH "w AAAAAQID\n";
	struct diag diag = { 0 };

	(void)state;
	assert_int_equal(checkpoint_parse(str_of(note), &diag, &read), 0);
	assert_true(str_equal(read.text, str_of(text)));
	assert_true(str_equal(read.origin, STR(ORIGIN)));
	assert_int_equal(read.size, 7);
	assert_int_equal(read.n_signatures, 2);
	assert_true(str_equal(read.signatures[1].name, STR("w")));
	assert_int_equal(read.signatures[1].key_id[3], 1);
	assert_int_equal(read.signatures[1].len, 2);
	assert_memory_equal(read.signatures[1].bytes, "\x02\x03", 2);
}

static void wrong_forms_are_refused(void **state)
{
	static const struct str rows[] = {
		STR(""),
		STR("\n\n"),
		STR(ORIGIN "\n7\n" ROOT "\n"), /* no signature */
		STR(ORIGIN "\n7\n" ROOT "\n\n"),
		STR(ORIGIN "\n7\n" ROOT "\n" SIGNATURE), /* no empty line */
		STR("\n7\n" ROOT "\n\n" SIGNATURE),
		STR(ORIGIN "\n07\n" ROOT "\n\n" SIGNATURE),
		STR(ORIGIN "\n-7\n" ROOT "\n\n" SIGNATURE),
		STR(ORIGIN "\n\n" ROOT "\n\n" SIGNATURE),
		STR(ORIGIN "\n9223372036854775808\n" ROOT "\n\n" SIGNATURE),
		STR(ORIGIN "\n7\n47DEQpj8HBSa\n\n" SIGNATURE),
		STR(ORIGIN "\n7\n47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" SIGNATURE),
		STR(ORIGIN "\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\n\n" SIGNATURE),
		STR(ORIGIN "\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n\n" SIGNATURE), /* last bits */
		STR(ORIGIN "\n7\n\n" SIGNATURE),
		STR(ORIGIN "\r\n7\n" ROOT "\n\n" SIGNATURE),
		STR(ORIGIN "\xff\n7\n" ROOT "\n\n" SIGNATURE),
		STR(ORIGIN "\0\n7\n" ROOT "\n\n" SIGNATURE),
		STR(ORIGIN "\n7\n" ROOT "\n\n" DASH "log.example AAAAAAAA"), /* cut */
		STR(ORIGIN "\n7\n" ROOT "\n\n- log.example AAAAAAAA\n"),
		STR(ORIGIN "\n7\n" ROOT "\n\n" DASH "log.example\n"),
		STR(ORIGIN "\n7\n" ROOT "\n\n" DASH " AAAAAAAA\n"),
		STR(ORIGIN "\n7\n" ROOT "\n\n" DASH "a+b AAAAAAAA\n"),
		STR(ORIGIN "\n7\n" ROOT "\n\n" DASH "log.example AAAA\n"), /* no longer than an id */
		STR(ORIGIN "\n7\n" ROOT "\n\n" DASH "log.example AAAAAAA_\n"),
		STR(ORIGIN "\n7\n" ROOT "\n\n" DASH "log.example  AAAAAAAA\n"),
		STR(ORIGIN "\n7\n" ROOT "\n\n" SIGNATURE "\n"),
		STR(ORIGIN "\n7\n" ROOT "\n\n" SIGNATURE "more\n"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct checkpoint read = { 0 };
		struct diag diag = { 0 };

		if (checkpoint_parse(rows[i], &diag, &read) != -EBADMSG || !strstr(diag.text, "bad checkpoint"))
			fail_msg("row %zu: \"%s\"", i, diag.text);
		assert_null(read.signatures);
	}
}

static void limits_are_kept(void **state)
{
	_cleanup_(buf_done) struct buf note = BUF_MAX(2 * NOTE_MAX);
	_cleanup_(checkpoint_done) struct checkpoint read = { 0 };
	struct checkpoint none = { 0 };
	struct diag diag = { 0 };

	(void)state;
	assert_int_equal(buf_append_str(&note, STR(ORIGIN "\n7\n" ROOT "\n\n")), 0);
	for (size_t i = 0; i < NOTE_SIGNATURES_MAX; i++)
		assert_int_equal(buf_append_str(&note, STR(SIGNATURE)), 0);
	assert_int_equal(checkpoint_parse(buf_str(&note), &diag, &read), 0);
	assert_int_equal(read.n_signatures, NOTE_SIGNATURES_MAX);
	assert_int_equal(buf_append_str(&note, STR(SIGNATURE)), 0);
	assert_int_equal(checkpoint_parse(buf_str(&note), &diag, &none), -EBADMSG);
	assert_non_null(strstr(diag.text, "too many"));

	/* A signature of a kind that is too long to be known here is let be. */
	buf_clear(&note);
	assert_int_equal(buf_append_str(&note, STR(GOOD DASH "later.example ")), 0);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(buf_append_str(&note, STR("AAAA")), 0);
	assert_int_equal(buf_append_str(&note, STR("\n")), 0);
	checkpoint_done(&read);
	assert_int_equal(checkpoint_parse(buf_str(&note), NULL, &read), 0);
	assert_int_equal(read.n_signatures, 1);

	while (note.len <= NOTE_MAX)
		assert_int_equal(buf_append_str(&note, STR(SIGNATURE)), 0);
	diag = (struct diag) { 0 };
	assert_int_equal(checkpoint_parse(buf_str(&note), &diag, &none), -EBADMSG);
	assert_non_null(strstr(diag.text, "too long"));
}

/* ---- signatures ---- */

static bool is_signed(struct str note, const struct note_key *by, uint64_t *ret_time)
{
	_cleanup_(checkpoint_done) struct checkpoint read = { 0 };

	return checkpoint_parse(note, NULL, &read) == 0 && checkpoint_signed_by(&read, by, ret_time);
}

static void what_is_signed_verifies_and_no_byte_may_change(void **state)
{
	_cleanup_(buf_done) struct buf note = BUF_MAX(NOTE_MAX);
	uint64_t time = 99;

	(void)state;
	assert_int_equal(checkpoint_write(&note, ORIGIN, 12, &root, key, NULL), 0);
	assert_true(is_signed(buf_str(&note), &name, &time));
	assert_int_equal(time, 99); /* no time in such a signature */
	assert_false(is_signed(buf_str(&note), &witness, NULL));
	assert_false(is_signed(buf_str(&note), &rekor, NULL));
	for (size_t i = 0; i < note.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			note.data[i] = (char)(note.data[i] ^ (1 << bit));
			assert_false(is_signed(buf_str(&note), &name, NULL));
			note.data[i] = (char)(note.data[i] ^ (1 << bit));
		}
	assert_true(is_signed(buf_str(&note), &name, NULL));
}

static void another_key_of_the_same_name_is_another(void **state)
{
	_cleanup_(key_freep) struct key *other = NULL;
	_cleanup_(note_key_done) struct note_key other_name = { 0 };
	_cleanup_(buf_done) struct buf note = BUF_MAX(NOTE_MAX);

	(void)state;
	assert_int_equal(key_generate_ed25519(NULL, &other), 0);
	take(other, ORIGIN, NOTE_ED25519, &other_name);
	assert_int_equal(checkpoint_write(&note, ORIGIN, 12, &root, key, NULL), 0);
	assert_false(is_signed(buf_str(&note), &other_name, NULL));
	/* Even if it takes the other's id. */
	memcpy(other_name.id, name.id, 4);
	assert_false(is_signed(buf_str(&note), &other_name, NULL));
}

/* Appends a signature line by hand, so that it can lie. */
static void add_line(struct buf *note, const char *by, const uint8_t id[4], struct str bytes)
{
	_cleanup_(buf_done) struct buf all = BUF_MAX(1024);

	assert_int_equal(buf_append(&all, id, 4), 0);
	assert_int_equal(buf_append_str(&all, bytes), 0);
	assert_int_equal(buf_printf(note, DASH "%s ", by), 0);
	assert_int_equal(text_base64_append(note, all.data, all.len), 0);
	assert_int_equal(buf_append_str(note, STR("\n")), 0);
}

static void cosign(struct buf *note, uint64_t signed_time, uint64_t told_time)
{
	const char *gap = memmem(note->data, note->len, "\n\n", 2);
	_cleanup_(buf_done) struct buf text = BUF_MAX(NOTE_MAX), bytes = BUF_MAX(1024);

	assert_int_equal(buf_printf(&text, "cosignature/v1\ntime %llu\n", (unsigned long long)signed_time), 0);
	assert_int_equal(buf_append(&text, note->data, (size_t)(gap + 1 - note->data)), 0);
	for (int i = 56; i >= 0; i -= 8)
		assert_int_equal(buf_append(&bytes, &(char) { (char)(told_time >> i) }, 1), 0);
	assert_int_equal(key_sign(key, text.data, text.len, &bytes, NULL), 0);
	add_line(note, witness.name, witness.id, buf_str(&bytes));
}

static void cosignatures_tell_their_time(void **state)
{
	_cleanup_(buf_done) struct buf note = BUF_MAX(NOTE_MAX), lie = BUF_MAX(NOTE_MAX);
	_cleanup_(checkpoint_done) struct checkpoint read = { 0 };
	uint64_t time = 0;

	(void)state;
	assert_int_equal(checkpoint_write(&note, ORIGIN, 12, &root, key, NULL), 0);
	assert_int_equal(buf_append_str(&lie, buf_str(&note)), 0);
	cosign(&note, 1700000000, 1700000000);
	assert_true(is_signed(buf_str(&note), &witness, &time));
	assert_int_equal(time, 1700000000);
	assert_true(is_signed(buf_str(&note), &name, NULL));
	cosign(&lie, 1700000000, 1700000001);
	assert_false(is_signed(buf_str(&lie), &witness, &time));
	assert_int_equal(checkpoint_parse(buf_str(&lie), NULL, &read), 0);
	assert_true(checkpoint_names(&read, &witness));
	assert_false(checkpoint_names(&read, &ecdsa));
}

static void ecdsa_and_rekor_keys_verify(void **state)
{
	static const char text[] = ORIGIN "\n7\n" ROOT "\n";
	_cleanup_(buf_done) struct buf note = BUF_MAX(NOTE_MAX), der = BUF_MAX(1024), raw = BUF_MAX(1024);

	(void)state;
	assert_int_equal(buf_append_str(&note, STR(ORIGIN "\n7\n" ROOT "\n\n")), 0);
	assert_int_equal(key_sign(p256, text, strlen(text), &der, NULL), 0);
	add_line(&note, ORIGIN, ecdsa.id, buf_str(&der));
	assert_int_equal(key_sign(key, text, strlen(text), &raw, NULL), 0);
	add_line(&note, ORIGIN, rekor.id, buf_str(&raw));
	assert_true(is_signed(buf_str(&note), &ecdsa, NULL));
	assert_true(is_signed(buf_str(&note), &rekor, NULL));
	assert_false(is_signed(buf_str(&note), &name, NULL));
}

static void only_an_ed25519_key_and_a_name_write(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_MAX(NOTE_MAX), small = BUF_MAX(40);
	struct diag diag = { 0 };

	(void)state;
	assert_int_equal(checkpoint_write(&out, ORIGIN, 1, &root, p256, &diag), -EINVAL);
	assert_int_equal(checkpoint_write(&out, "two words", 1, &root, key, NULL), -EINVAL);
	assert_int_equal(checkpoint_write(&out, "", 1, &root, key, NULL), -EINVAL);
	assert_int_equal(checkpoint_write(&small, ORIGIN, 1, &root, key, NULL), -E2BIG);
	assert_int_equal(out.len + small.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_published_key_is_read_and_written),
		cmocka_unit_test(keys_go_out_and_come_in),
		cmocka_unit_test(wrong_keys_are_refused),
		cmocka_unit_test(a_key_fits_its_algorithm),
		cmocka_unit_test(parts_are_read),
		cmocka_unit_test(wrong_forms_are_refused),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test(what_is_signed_verifies_and_no_byte_may_change),
		cmocka_unit_test(another_key_of_the_same_name_is_another),
		cmocka_unit_test(cosignatures_tell_their_time),
		cmocka_unit_test(ecdsa_and_rekor_keys_verify),
		cmocka_unit_test(only_an_ed25519_key_and_a_name_write),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
