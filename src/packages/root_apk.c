// SPDX-License-Identifier: Apache-2.0
/*
 * apk of Alpine and its like: one text with a stanza a package, its files by directory (F:) and name (R:). Takes it from
 * lib/apk/db or, as apk 3 has it, usr/lib/apk/db.
 */

#include "packages/root_apk.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "packages/root_parts.h"

/* A line "X:value". */
static bool is_field(struct str line, char letter, struct str *ret_value)
{
	if (line.len < 2 || line.data[0] != letter || line.data[1] != ':')
		return false;
	*ret_value = (struct str) { line.data + 2, line.len - 2 };
	return true;
}

bool apk_package_next(struct str *rest, struct apk_package *ret_package)
{
	struct apk_package package = { .name = { NULL, 0 } };
	struct str line;
	bool any = false;

	while (text_line(rest, &line)) {
		if (line.len == 0) {
			if (any)
				break;
			continue;
		}
		if (!any)
			package.files.data = line.data;
		any = true;
		package.files.len = (size_t)(line.data + line.len - package.files.data);
		/* Letters differ by case: 'A' is the architecture, 'a' the mode of a file. */
		if (is_field(line, 'P', &package.name) || is_field(line, 'V', &package.version) ||
		    is_field(line, 'A', &package.arch) || is_field(line, 'o', &package.origin))
			continue;
	}
	*ret_package = package;
	return any;
}

bool apk_file_next(struct str *lines, struct str *directory, struct str *ret_name)
{
	struct str line;

	while (text_line(lines, &line)) {
		if (!is_field(line, 'F', directory) && is_field(line, 'R', ret_name) && directory->data)
			return true;
	}
	return false;
}

static int files_take(struct root *root, uint32_t index, struct str lines)
{
	_cleanup_(buf_done) struct buf path = BUF_MAX(2 * PACKAGE_TEXT_MAX),
				       clean = BUF_MAX(2 * PACKAGE_TEXT_MAX);
	struct str directory = { NULL, 0 }, name;
	int r = 0;

	while (r >= 0 && apk_file_next(&lines, &directory, &name)) {
		buf_clear(&path);
		r = buf_printf(&path, "%.*s/%.*s", (int)directory.len, directory.data, (int)name.len,
			       name.data);
		if (r >= 0)
			r = path_join(&clean, STR(""), buf_str(&path));
		if (r >= 0)
			r = root_file(root, index, buf_str(&clean));
		else if (r == -EINVAL || r == -E2BIG)
			r = 0; /* no file can have such a name */
	}
	return r;
}

static int package_take(struct root *root, const char *path, const struct apk_package *package)
{
	_cleanup_(freep) char *name = str_copy(package->name);
	_cleanup_(freep) char *version = str_copy(package->version);
	_cleanup_(freep) char *arch = str_copy(package->arch);
	_cleanup_(freep) char *origin = str_copy(package->origin);
	struct found found = { .source = PACKAGE_FROM_APK, .type = "apk", .distro = true };
	uint32_t index;
	int r;

	if (!name || !version || !arch || !origin)
		return -ENOMEM;
	if (name[0] == '\0')
		return root_unreadable(root, path, "has a package without a name");
	found.namespace_ = root->id ? root->id : "alpine";
	found.name = name;
	found.version = version;
	found.arch = arch;
	found.upstream = strcmp(origin, name) == 0 ? NULL : origin;
	r = root_package(root, &found, path, &index);
	return r != 0 ? r : files_take(root, index, package->files);
}

static int database_take(struct root *root, const char *path)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(ROOT_TEXT_MAX);
	struct apk_package package;
	struct str rest;
	int r = root_read(root, path, &text);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return root_unreadable_error(root, path, r);
	root->facts->sources |= PACKAGE_FROM_APK;
	rest = buf_str(&text);
	while (r >= 0 && apk_package_next(&rest, &package))
		r = package_take(root, path, &package);
	return r;
}

int root_apk(struct root *root)
{
	int r = database_take(root, "/lib/apk/db/installed");

	return r < 0 ? r : database_take(root, "/usr/lib/apk/db/installed");
}
