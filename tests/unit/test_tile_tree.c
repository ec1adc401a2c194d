// SPDX-License-Identifier: Apache-2.0
/* Roots and proofs out of tiles, held against a tree that is computed by the book, leaf by leaf. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "transparency/tile_tree.h"

#define LEAVES 70000 /* more than 256 * 256: three rows of tiles */
#define SIZES 24

static struct digest *leaves; /* LEAVES of them */
static struct digest roots[SIZES];
static const uint64_t sizes[SIZES] = { 1,   2,	 3,   4,   5,	7,   8,	   9,	 255,	256,   257,   258,
				       511, 512, 513, 767, 768, 769, 1000, 4096, 65535, 65536, 65537, 70000 };

/* RFC 6962, 2.1, as it stands there. */
static struct digest by_the_book(const struct digest *list, uint64_t n)
{
	struct digest left, right, node;
	uint64_t k = 1;

	if (n == 1)
		return list[0];
	while (k * 2 < n)
		k *= 2;
	left = by_the_book(list, k);
	right = by_the_book(list + k, n - k);
	assert_int_equal(merkle_node(&left, &right, &node), 0);
	return node;
}

static int setup(void **state)
{
	(void)state;
	leaves = calloc(LEAVES, sizeof(*leaves));
	for (uint32_t i = 0; leaves && i < LEAVES; i++)
		if (merkle_leaf((struct str) { (const char *)&i, sizeof(i) }, &leaves[i]) < 0)
			return -1;
	for (size_t i = 0; leaves && i < SIZES; i++)
		roots[i] = by_the_book(leaves, sizes[i]);
	return leaves ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(leaves);
	return 0;
}

/* ---- tiles out of the leaves, made when they are asked for ---- */

struct store {
	uint64_t size; /* leaves that the log has */
	bool parts_gone; /* only full tiles are kept where there are full ones */
	bool cut; /* each tile has a byte too few */
	unsigned int reads;
};

static int serve(void *user, const char *path, struct diag *diag, struct buf *out)
{
	struct store *store = user;
	unsigned int level, group, width = TILE_WIDTH, high = 0;
	char rest[64] = "";
	uint64_t number, span, full;

	(void)diag;
	store->reads++;
	if (sscanf(path, "tile/%u/x%3u/%3u%63s", &level, &high, &group, rest) < 3) {
		high = 0;
		rest[0] = 0;
		if (sscanf(path, "tile/%u/%3u%63s", &level, &group, rest) < 2)
			return -EINVAL;
	}
	if (rest[0] && sscanf(rest, ".p/%u", &width) != 1)
		return -EINVAL;
	number = high * 1000 + group;
	span = 1ull << (8 * level);
	full = store->size / span;
	if (number * TILE_WIDTH + width > full ||
	    (rest[0] && store->parts_gone && (number + 1) * TILE_WIDTH <= full))
		return -ENOENT;
	for (unsigned int i = 0; i < width; i++) {
		struct digest hash = by_the_book(leaves + (number * TILE_WIDTH + i) * span, span);

		assert_int_equal(buf_append(out, hash.bytes, DIGEST_LEN), 0);
	}
	out->len -= store->cut;
	return 0;
}

static struct tile_tree *tree_of(struct store *store, uint64_t size)
{
	struct tile_tree *tree;

	assert_int_equal(tile_tree_new(serve, store, size, &tree), 0);
	return tree;
}

/* ---- the tests ---- */

static void names_are_as_specified(void **state)
{
	char path[TILE_PATH_MAX];

	(void)state;
	tile_path(0, 0, TILE_WIDTH, path);
	assert_string_equal(path, "tile/0/000");
	tile_path(3, 1234067, TILE_WIDTH, path);
	assert_string_equal(path, "tile/3/x001/x234/067");
	tile_path(0, 273, 112, path);
	assert_string_equal(path, "tile/0/273.p/112");
	tile_path(TILE_ENTRIES, 1000, 1, path);
	assert_string_equal(path, "tile/entries/x001/000.p/1");
	tile_path(63, UINT64_MAX, 255, path);
	assert_string_equal(path, "tile/63/x018/x446/x744/x073/x709/x551/615.p/255");
}

static void widths_are_as_the_tree_has_them(void **state)
{
	static const struct {
		uint64_t size;
		unsigned int level;
		uint64_t number;
		unsigned int width;
	} rows[] = {
		{ 0, 0, 0, 0 },
		{ 1, 0, 0, 1 },
		{ 255, 0, 0, 255 },
		{ 256, 0, 0, TILE_WIDTH },
		{ 256, 0, 1, 0 },
		{ 257, 0, 1, 1 },
		{ 255, 1, 0, 0 },
		{ 257, 1, 0, 1 },
		{ 65536, 1, 0, TILE_WIDTH },
		{ 65536, 2, 0, 1 },
		{ UINT64_MAX, 7, 0, 255 },
		{ UINT64_MAX, 8, 0, 0 },
		{ UINT64_MAX, 0, UINT64_MAX, 0 },
		{ 512, 0, UINT64_MAX / TILE_WIDTH + 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(tile_width(rows[i].size, rows[i].level, rows[i].number), rows[i].width);
}

static void roots_of_all_sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZES; i++) {
		struct store store = { .size = sizes[i] };
		_cleanup_(freep) struct tile_tree *tree = tree_of(&store, sizes[i]);
		struct digest root, right = roots[i];

		assert_int_equal(tile_tree_root(tree, sizes[i], NULL, &root), 0);
		assert_memory_equal(&root, &right, sizeof(root));
	}
}

static void root_of_nothing(void **state)
{
	struct store store = { .size = 0 };
	_cleanup_(freep) struct tile_tree *tree = tree_of(&store, 0);
	struct digest root, right;

	(void)state;
	assert_int_equal(digest_of("", 0, &right), 0);
	assert_int_equal(tile_tree_root(tree, 0, NULL, &root), 0);
	assert_memory_equal(&root, &right, sizeof(root));
}

/* Smaller trees out of the tiles of a larger one, whose parts were taken away. */
static void smaller_trees_are_in_it(void **state)
{
	struct store store = { .size = LEAVES, .parts_gone = true };
	_cleanup_(freep) struct tile_tree *tree = tree_of(&store, LEAVES);

	(void)state;
	for (size_t i = 0; i < SIZES; i++) {
		struct digest root, right = roots[i];

		assert_int_equal(tile_tree_root(tree, sizes[i], NULL, &root), 0);
		assert_memory_equal(&root, &right, sizeof(root));
	}
}

static void a_part_may_be_gone(void **state)
{
	struct store store = { .size = 300, .parts_gone = true };
	_cleanup_(freep) struct tile_tree *tree = tree_of(&store, 200);
	struct digest root, right = by_the_book(leaves, 200);

	(void)state;
	assert_int_equal(tile_tree_root(tree, 200, NULL, &root), 0);
	assert_memory_equal(&root, &right, sizeof(root));
}

static void inclusion_is_proved(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZES; i++) {
		struct store store = { .size = sizes[i] };
		_cleanup_(freep) struct tile_tree *tree = tree_of(&store, sizes[i]);
		struct digest right = roots[i];
		uint64_t step = sizes[i] > 600 ? sizes[i] / 7 : 1;

		for (uint64_t index = 0; index < sizes[i];
		     index += index + 1 < sizes[i] && index + step >= sizes[i] ? sizes[i] - 1 - index : step) {
			struct digest hashes[TILE_PROOF_MAX], root;
			size_t n;

			assert_int_equal(tile_tree_inclusion(tree, index, sizes[i], NULL, hashes, &n), 0);
			assert_int_equal(merkle_root(&leaves[index], index, sizes[i], hashes, n, &root), 0);
			assert_memory_equal(&root, &right, sizeof(root));
		}
	}
}

static void consistency_is_proved(void **state)
{
	struct store store = { .size = LEAVES };
	_cleanup_(freep) struct tile_tree *tree = tree_of(&store, LEAVES);

	(void)state;
	for (size_t i = 0; i < SIZES; i++)
		for (size_t j = i; j < SIZES; j++) {
			struct digest old_root = roots[i];
			struct digest new_root = roots[j], hashes[TILE_PROOF_MAX];
			size_t n;

			assert_int_equal(tile_tree_consistency(tree, sizes[i], sizes[j], NULL, hashes, &n), 0);
			assert_int_equal(merkle_consistent(sizes[i], &old_root, sizes[j], &new_root, hashes, n),
					 0);
			old_root.bytes[5] ^= 1;
			assert_int_equal(merkle_consistent(sizes[i], &old_root, sizes[j], &new_root, hashes, n),
					 -EBADMSG);
		}
}

static void beyond_the_tree_is_refused(void **state)
{
	struct store store = { .size = 300 };
	_cleanup_(freep) struct tile_tree *tree = tree_of(&store, 200);
	struct digest hashes[TILE_PROOF_MAX];
	size_t n;

	(void)state;
	assert_int_equal(tile_tree_leaf(tree, 200, NULL, hashes), -EINVAL);
	assert_int_equal(tile_tree_root(tree, 201, NULL, hashes), -EINVAL);
	assert_int_equal(tile_tree_inclusion(tree, 200, 200, NULL, hashes, &n), -EINVAL);
	assert_int_equal(tile_tree_inclusion(tree, 0, 201, NULL, hashes, &n), -EINVAL);
	assert_int_equal(tile_tree_consistency(tree, 100, 201, NULL, hashes, &n), -EINVAL);
	assert_int_equal(tile_tree_consistency(tree, 101, 100, NULL, hashes, &n), -EINVAL);
	assert_int_equal(store.reads, 0);
}

static void missing_and_cut_tiles_are_refused(void **state)
{
	struct store store = { .size = 300 };
	_cleanup_(freep) struct tile_tree *larger = tree_of(&store, 301), *tree = tree_of(&store, 300);
	struct digest root;

	(void)state;
	assert_int_equal(tile_tree_root(larger, 301, NULL, &root), -EBADMSG);
	store.cut = true;
	assert_int_equal(tile_tree_root(tree, 300, NULL, &root), -EBADMSG);
}

static void neighbours_are_read_once(void **state)
{
	struct store store = { .size = 200 };
	_cleanup_(freep) struct tile_tree *tree = tree_of(&store, 200);
	struct digest leaf;

	(void)state;
	for (uint64_t i = 0; i < 200; i++)
		assert_int_equal(tile_tree_leaf(tree, i, NULL, &leaf), 0);
	assert_int_equal(store.reads, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_as_specified),
		cmocka_unit_test(widths_are_as_the_tree_has_them),
		cmocka_unit_test(roots_of_all_sizes),
		cmocka_unit_test(root_of_nothing),
		cmocka_unit_test(smaller_trees_are_in_it),
		cmocka_unit_test(a_part_may_be_gone),
		cmocka_unit_test(inclusion_is_proved),
		cmocka_unit_test(consistency_is_proved),
		cmocka_unit_test(beyond_the_tree_is_refused),
		cmocka_unit_test(missing_and_cut_tiles_are_refused),
		cmocka_unit_test(neighbours_are_read_once),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
