/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ed25519 keys of small order. A signature by one is good for many texts, by the neutral point for all: who had a timestamp
 * over it, or a ten-minute certificate, could put any statement under it later.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "base/text.h"
#include "crypto/key.h"

/* Each y of such a point, also written beyond the field's size. */
static const char *const points[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

static void point_of(size_t number, bool sign, uint8_t point[32])
{
	assert_int_equal(text_unhex(str_of(points[number]), point, 32), 0);
	point[31] |= (uint8_t)(sign << 7);
}

/* Why it matters: OpenSSL takes it, and R = neutral point, S = 0 is its signature of everything. */
static void the_neutral_point_signs_everything(void **state)
{
	static const char *const texts[] = { "one", "another", "" };
	uint8_t point[32], signature[64] = { 1 };
	EVP_PKEY *key;

	(void)state;
	point_of(1, false, point);
	key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, point, sizeof(point));
	assert_non_null(key);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();

		assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key), 1);
		assert_int_equal(EVP_DigestVerify(ctx, signature, sizeof(signature), (const uint8_t *)texts[i],
						  strlen(texts[i])),
				 1);
		EVP_MD_CTX_free(ctx);
	}
	EVP_PKEY_free(key);
}

static void keys_of_small_order_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(points); i++) {
		struct public_key *key = NULL;
		struct diag diag = { 0 };
		uint8_t point[32];

		point_of(i / 2, i % 2, point);
		assert_int_equal(public_key_of_point("ed25519", (struct str) { (const char *)point, 32 },
						     "weak", &diag, &key),
				 -EINVAL);
		assert_null(key);
		assert_non_null(strstr(diag.text, "small order"));
	}
}

static void their_neighbours_are_not(void **state)
{
	static const uint8_t base[32] = { 0x58, [1 ... 31] = 0x66 };
	struct public_key *key = NULL;

	(void)state;
	assert_int_equal(
		public_key_of_point("ed25519", (struct str) { (const char *)base, 32 }, "good", NULL, &key), 0);
	public_key_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_neutral_point_signs_everything),
		cmocka_unit_test(keys_of_small_order_are_refused),
		cmocka_unit_test(their_neighbours_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
