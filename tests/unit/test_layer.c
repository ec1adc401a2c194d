// SPDX-License-Identifier: Apache-2.0
/* Where overlayfs says which layer a file is in, from types made up for it, and from those of the running kernel. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <bpf/btf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "probe/layer.h"

#define INODE_BYTES 616
#define NO_FILE "/nothing/here"

/* A structure of some kernel: overlayfs' own, or one that has its name. */
struct member {
	const char *name;
	int size, offset;
};

static void structure_add(struct btf *btf, const char *name, int size, const struct member *members,
			  size_t count)
{
	int types[4];

	for (size_t i = 0; i < count; i++) {
		types[i] = btf__add_struct(btf, "", (uint32_t)members[i].size);
		assert_true(types[i] > 0);
	}
	assert_true(btf__add_struct(btf, name, (uint32_t)size) > 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(
			btf__add_field(btf, members[i].name, types[i], (uint32_t)members[i].offset * 8, 0), 0);
}

static const struct member shuffled[] = { { "__upperdentry", 8, 700 }, { "vfs_inode", INODE_BYTES, 32 } };
static const struct member before[] = { { "__upperdentry", 8, 0 }, { "vfs_inode", INODE_BYTES, 8 } };
static const struct member renamed[] = { { "vfs_inode", INODE_BYTES, 32 }, { "upper", 8, 648 } };

static struct str bytes_of(const struct btf *btf)
{
	uint32_t size;
	const void *bytes = btf__raw_data(btf, &size);

	assert_non_null(bytes);
	return (struct str) { bytes, size };
}

static struct btf *kernel_with_inode(void)
{
	struct btf *btf = btf__new_empty();

	assert_non_null(btf);
	structure_add(btf, "inode", INODE_BYTES, NULL, 0);
	return btf;
}

static uint32_t built_in(const struct member members[2])
{
	struct btf *btf = kernel_with_inode();
	uint32_t offset;

	structure_add(btf, "ovl_inode", 800, members, 2);
	offset = layer_upper_offset(bytes_of(btf), NO_FILE);
	btf__free(btf);
	return offset;
}

static void built_in_the_types_say_it(void **state)
{
	(void)state;
	assert_int_equal(built_in(shuffled), 668);
	assert_int_equal(built_in(before), 0);
	assert_int_equal(built_in(renamed), 0);
}

static void file_write(const char *path, struct str bytes)
{
	_cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.data, bytes.len), (ssize_t)bytes.len);
}

static void a_module_has_types_of_its_own(void **state)
{
	char path[] = "/tmp/layer.XXXXXX";
	struct btf *kernel = kernel_with_inode(), *module = btf__new_empty_split(kernel);
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0 && close(fd) == 0);
	structure_add(module, "ovl_inode", 800, shuffled, 2);
	file_write(path, bytes_of(module));
	assert_int_equal(layer_upper_offset(bytes_of(kernel), path), 668);
	/* Not loaded; not to be asked; not readable: as on every kernel so far. */
	assert_int_equal(layer_upper_offset(bytes_of(kernel), NO_FILE), INODE_BYTES);
	assert_int_equal(layer_upper_offset(bytes_of(kernel), NULL), INODE_BYTES);
	file_write(path, STR("garbage"));
	assert_int_equal(layer_upper_offset(bytes_of(kernel), path), INODE_BYTES);
	unlink(path);
	btf__free(module);
	btf__free(kernel);
}

static void what_cannot_be_known_is_not_guessed(void **state)
{
	struct btf *btf = btf__new_empty();

	(void)state;
	assert_int_equal(layer_upper_offset(bytes_of(btf), NO_FILE), 0);
	assert_int_equal(layer_upper_offset(STR("garbage"), NO_FILE), 0);
	assert_int_equal(layer_upper_offset((struct str) { 0 }, NULL), 0);
	btf__free(btf);
}

/* The common place, wherever this kernel can tell whether it is right. */
static void this_kernel_has_it_behind_the_inode(void **state)
{
	_cleanup_(buf_done) struct buf types = BUF_MAX(64u << 20);
	const struct btf_type *inode;
	struct btf *btf;
	uint32_t told;

	(void)state;
	if (file_read_at(AT_FDCWD, "/sys/kernel/btf/vmlinux", &types, NULL) < 0)
		skip();
	btf = btf__new(types.data, (uint32_t)types.len);
	assert_non_null(btf);
	inode = btf__type_by_id(btf, (uint32_t)btf__find_by_name_kind(btf, "inode", BTF_KIND_STRUCT));
	told = layer_upper_offset(buf_str(&types), LAYER_MODULE_TYPES);
	printf("# layer %u, inode %u\n", told, inode->size);
	assert_int_equal(told, inode->size);
	btf__free(btf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_in_the_types_say_it),
		cmocka_unit_test(a_module_has_types_of_its_own),
		cmocka_unit_test(what_cannot_be_known_is_not_guessed),
		cmocka_unit_test(this_kernel_has_it_behind_the_inode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
