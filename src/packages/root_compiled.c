// SPDX-License-Identifier: Apache-2.0
/*
 * Python compiles on the machine: no list has those files, and who imports opens them and not their source. The walk notes
 * them; when all owners are known, each becomes its source's, by inode too.
 */

#include "packages/root_parts.h"

#include <string.h>

#include "base/cleanup.h"

#define OWNERS_MAX 16 /* one in each world */

struct compiled {
	dev_t dev;
	ino_t inode;
};

int root_compiled(struct root *root, struct str path, const struct stat *status)
{
	const struct compiled compiled = { status->st_dev, status->st_ino };
	size_t before = root->compiled.len;
	int r = buf_append(&root->compiled, &compiled, sizeof(compiled));

	if (r >= 0)
		r = buf_append_str(&root->compiled, path);
	if (r >= 0)
		r = buf_append(&root->compiled, "", 1);
	if (r >= 0)
		return 0;
	root->compiled.len = before;
	if (r != -E2BIG)
		return r;
	root_unreadable(root, path.data, "is one of too many files of compiled Python");
	return 0;
}

struct owners {
	uint32_t list[OWNERS_MAX];
	size_t count;
};

static void owner_note(void *user, uint32_t index, bool within)
{
	struct owners *owners = user;

	if (!within && owners->count < OWNERS_MAX)
		owners->list[owners->count++] = index;
}

int root_compiled_settle(struct root *root)
{
	size_t at = 0, len;
	int r = package_set_finish(root->set);

	/* The owners of one file are no answer for the next: what is added is looked at only after the next sorting. */
	_cleanup_(buf_done) struct buf found = BUF_MAX(ROOT_TEXT_MAX);

	for (; r >= 0 && at < root->compiled.len; at += sizeof(struct compiled) + len + 1) {
		const char *path = root->compiled.data + at + sizeof(struct compiled);
		struct owners owners = { .count = 0 };

		len = strlen(path);
		package_set_each(root->set, (struct str) { path, len }, UINT32_MAX, 0, 0, owner_note, &owners);
		for (size_t i = 0; r >= 0 && i < owners.count; i++) {
			r = buf_append(&found, &owners.list[i], sizeof(uint32_t));
			if (r >= 0)
				r = buf_append(&found, &at, sizeof(at));
		}
	}
	for (size_t i = 0; r >= 0 && i < found.len; i += sizeof(uint32_t) + sizeof(at)) {
		struct compiled compiled;
		struct stat status = { .st_dev = 0 };
		uint32_t owner;
		const char *path;

		memcpy(&owner, found.data + i, sizeof(owner));
		memcpy(&at, found.data + i + sizeof(owner), sizeof(at));
		memcpy(&compiled, root->compiled.data + at, sizeof(compiled));
		path = root->compiled.data + at + sizeof(compiled);
		status.st_dev = compiled.dev;
		status.st_ino = compiled.inode;
		r = root_seen_file(root, owner, str_of(path), &status, false);
	}
	return r < 0 ? r : package_set_finish(root->set);
}
