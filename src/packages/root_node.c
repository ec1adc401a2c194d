// SPDX-License-Identifier: Apache-2.0
/*
 * A package of a node_modules directory: its package.json says name and version. Its files are what the walk finds below
 * it, less what lies in a node_modules of its own. So it is with a directory elsewhere that a node_modules links to, as
 * workspaces and `npm link` do. A package.json without a name or a version describes no package.
 */

#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"
#include "packages/root_parts.h"

static void json_done(json_t **json)
{
	json_decref(*json);
}

static int package_take(struct root *root, const char *path, const char *name, const char *version,
			uint32_t *ret_index)
{
	_cleanup_(freep) char *scope = NULL;
	struct found found = { .source = PACKAGE_FROM_NODE, .type = "npm", .name = name, .version = version };
	const char *slash = name[0] == '@' ? strchr(name, '/') : NULL;

	if (slash) {
		scope = strndup(name, (size_t)(slash - name));
		if (!scope)
			return -ENOMEM;
		found.namespace_ = scope;
		found.name = slash + 1;
	}
	return root_package(root, &found, path, ret_index);
}

int root_node(struct root *root, const char *path, uint32_t *ret_index)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(ROOT_SMALL_MAX), file = BUF_MAX(2 * PACKAGE_TEXT_MAX);
	_cleanup_(json_done) json_t *json = NULL;
	json_error_t error;
	const char *name, *version;
	int r = path_join(&file, str_of(path), STR("package.json"));

	if (r < 0)
		return r == -EINVAL ? ROOT_SKIP : r;
	r = root_read(root, file.data, &text);
	if (r == -ENOENT)
		return ROOT_SKIP;
	if (r < 0)
		return root_unreadable_error(root, file.data, r);
	json = json_loadb(text.data ? text.data : "", text.len, 0, &error);
	if (!json)
		return root_unreadable(root, file.data, error.text);
	name = json_string_value(json_object_get(json, "name"));
	version = json_string_value(json_object_get(json, "version"));
	if (!name || !version || name[0] == '\0' || version[0] == '\0')
		return ROOT_SKIP;
	return package_take(root, file.data, name, version, ret_index);
}

int root_node_link(struct root *root, struct str path)
{
	int r = buf_append_str(&root->links, path);

	r = r < 0 ? r : buf_append(&root->links, "", 1);
	return r == -E2BIG ? root_unreadable(root, "/", "has too many links in node_modules") : r;
}

/* Where it leads to a place that Node.js' packages have anyway, the walk has been there. */
static int link_take(struct root *root, const char *path)
{
	_cleanup_(freep) char *resolved = NULL;
	_cleanup_(closep) int fd = -1;
	const char *slash;
	uint32_t index;
	int r = root_directory(root, path, &resolved, &fd);

	if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)
		return 0;
	if (r < 0)
		return root_unreadable_error(root, path, r);
	slash = strrchr(resolved, '/');
	if (!slash || root_holds_node_packages((struct str) { resolved, (size_t)(slash - resolved) }))
		return 0;
	r = root_node(root, resolved, &index);
	return r == 0 ? root_tree(root, index, resolved, "node_modules") : r;
}

int root_node_settle(struct root *root)
{
	int r = 0;

	for (size_t at = 0; r >= 0 && at < root->links.len; at += strlen(root->links.data + at) + 1)
		r = link_take(root, root->links.data + at);
	return r < 0 ? r : 0;
}
