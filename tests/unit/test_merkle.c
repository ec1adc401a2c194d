/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merkle trees against published roots, and against the recursive definitions of RFC 6962, section 2.1, for every
 * small tree: what they prove is proved, and nothing that was changed in one place.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "sigstore/merkle.h"

#define LEAVES 33

static struct digest leaves[LEAVES];

/* The largest power of two below n. */
static size_t split(size_t n)
{
	size_t k = 1;

	while (k * 2 < n)
		k *= 2;
	return k;
}

static struct digest tree(size_t from, size_t n)
{
	struct digest left, right, root;

	if (n == 1)
		return leaves[from];
	left = tree(from, split(n));
	right = tree(from + split(n), n - split(n));
	assert_int_equal(merkle_node(&left, &right, &root), 0);
	return root;
}

/* PATH(m, D[n]) */
static size_t path(size_t m, size_t from, size_t n, struct digest *out)
{
	size_t k = split(n), count;

	if (n == 1)
		return 0;
	if (m < k) {
		count = path(m, from, k, out);
		out[count] = tree(from + k, n - k);
	} else {
		count = path(m - k, from + k, n - k, out);
		out[count] = tree(from, k);
	}
	return count + 1;
}

/* SUBPROOF(m, D[n], b) */
static size_t subproof(size_t m, size_t from, size_t n, bool whole, struct digest *out)
{
	size_t k = split(n), count;

	if (m == n) {
		out[0] = tree(from, n);
		return whole ? 0 : 1;
	}
	if (m <= k) {
		count = subproof(m, from, k, whole, out);
		out[count] = tree(from + k, n - k);
	} else {
		count = subproof(m - k, from + k, n - k, false, out);
		out[count] = tree(from, k);
	}
	return count + 1;
}

static int make_leaves(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEAVES; i++) {
		unsigned char body = (unsigned char)i;

		if (merkle_leaf((struct str) { (const char *)&body, 1 }, &leaves[i]) < 0)
			return -1;
	}
	return 0;
}

static bool equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* The trees that Certificate Transparency's implementations share. */
static void published_roots(void **state)
{
	static const struct {
		struct str body;
		const char *root;
	} rows[] = {
		{ STR(""), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d" },
		{ STR("\x00"), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" },
		{ STR("\x10"), "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77" },
		{ STR("\x20\x21"), "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" },
		{ STR("\x30\x31"), "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4" },
		{ STR("\x40\x41\x42\x43"), "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef" },
		{ STR("\x50\x51\x52\x53\x54\x55\x56\x57"),
		  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c" },
		{ STR("\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"),
		  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328" },
	};
	char hex[DIGEST_TEXT_LEN + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct digest root;

		assert_int_equal(merkle_leaf(rows[i].body, &leaves[i]), 0);
		root = tree(0, i + 1);
		digest_hex(&root, hex);
		assert_string_equal(hex, rows[i].root);
	}
	assert_int_equal(make_leaves(NULL), 0);
}

/* Every index in every tree; a change in any hash, in the leaf or in how many there are leads elsewhere. */
static void every_inclusion(void **state)
{
	(void)state;
	for (size_t n = 1; n <= LEAVES; n++) {
		struct digest want = tree(0, n);

		for (size_t m = 0; m < n; m++) {
			struct digest proof[MERKLE_PROOF_MAX + 1] = { 0 }, root = { 0 }, other;
			size_t count = path(m, 0, n, proof);

			assert_int_equal(merkle_root(&leaves[m], m, n, proof, count, &root), 0);
			assert_true(equal(&root, &want));
			for (size_t i = 0; i < count; i++) {
				proof[i].bytes[i] ^= 0x80;
				assert_int_equal(merkle_root(&leaves[m], m, n, proof, count, &root), 0);
				assert_false(equal(&root, &want));
				proof[i].bytes[i] ^= 0x80;
			}
			other = leaves[m];
			other.bytes[31] ^= 1;
			assert_int_equal(merkle_root(&other, m, n, proof, count, &root), 0);
			assert_false(equal(&root, &want));
			assert_int_equal(merkle_root(&leaves[m], m, n, proof, count + 1, &root), -EBADMSG);
			if (count > 0)
				assert_int_equal(merkle_root(&leaves[m], m, n, proof, count - 1, &root),
						 -EBADMSG);
			for (size_t wrong = 0; wrong < n; wrong++)
				if (wrong != m && merkle_root(&leaves[m], wrong, n, proof, count, &root) == 0)
					assert_false(equal(&root, &want));
		}
	}
}

static void inclusion_limits(void **state)
{
	struct digest proof[MERKLE_PROOF_MAX] = { 0 }, root;

	(void)state;
	assert_int_equal(merkle_root(&leaves[0], 0, 0, NULL, 0, &root), -EBADMSG);
	assert_int_equal(merkle_root(&leaves[0], 1, 1, NULL, 0, &root), -EBADMSG);
	assert_int_equal(merkle_root(&leaves[0], UINT64_MAX, 1, NULL, 0, &root), -EBADMSG);
	assert_int_equal(merkle_root(&leaves[0], 0, MERKLE_SIZE_MAX + 1, proof, 63, &root), -EBADMSG);
	/* The largest tree, its first leaf and its last. */
	assert_int_equal(merkle_root(&leaves[0], 0, MERKLE_SIZE_MAX, proof, 63, &root), 0);
	assert_int_equal(merkle_root(&leaves[0], MERKLE_SIZE_MAX - 1, MERKLE_SIZE_MAX, proof, 62, &root), 0);
}

static void every_consistency(void **state)
{
	(void)state;
	for (size_t n = 1; n <= LEAVES; n++) {
		struct digest new_root = tree(0, n);

		for (size_t m = 1; m < n; m++) {
			struct digest proof[MERKLE_PROOF_MAX + 1] = { 0 }, old_root = tree(0, m);
			size_t count = subproof(m, 0, n, true, proof);

			assert_int_equal(merkle_consistent(m, &old_root, n, &new_root, proof, count), 0);
			for (size_t i = 0; i < count; i++) {
				proof[i].bytes[31 - i] ^= 1;
				assert_int_equal(merkle_consistent(m, &old_root, n, &new_root, proof, count),
						 -EBADMSG);
				proof[i].bytes[31 - i] ^= 1;
			}
			assert_int_equal(merkle_consistent(m, &old_root, n, &new_root, proof, count + 1),
					 -EBADMSG);
			assert_int_equal(merkle_consistent(m, &old_root, n, &new_root, proof, count - 1),
					 -EBADMSG);
			assert_int_equal(merkle_consistent(m, &new_root, n, &old_root, proof, count), -EBADMSG);
			assert_int_equal(merkle_consistent(n, &old_root, m, &new_root, proof, count), -EBADMSG);
			old_root.bytes[0] ^= 1;
			assert_int_equal(merkle_consistent(m, &old_root, n, &new_root, proof, count), -EBADMSG);
		}
	}
}

static void consistency_of_the_same_and_of_nothing(void **state)
{
	struct digest empty, root = tree(0, 3), other = tree(0, 4);

	(void)state;
	assert_int_equal(digest_of("", 0, &empty), 0);
	assert_int_equal(merkle_consistent(3, &root, 3, &root, NULL, 0), 0);
	assert_int_equal(merkle_consistent(3, &root, 3, &other, NULL, 0), -EBADMSG);
	assert_int_equal(merkle_consistent(3, &root, 3, &root, &other, 1), -EBADMSG);
	assert_int_equal(merkle_consistent(0, &empty, 3, &root, NULL, 0), 0);
	assert_int_equal(merkle_consistent(0, &root, 3, &root, NULL, 0), -EBADMSG);
	assert_int_equal(merkle_consistent(0, &empty, 3, &root, &other, 1), -EBADMSG);
	assert_int_equal(merkle_consistent(0, &empty, 0, &empty, NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_roots),
		cmocka_unit_test(every_inclusion),
		cmocka_unit_test(inclusion_limits),
		cmocka_unit_test(every_consistency),
		cmocka_unit_test(consistency_of_the_same_and_of_nothing),
	};

	return cmocka_run_group_tests(tests, make_leaves, NULL);
}
