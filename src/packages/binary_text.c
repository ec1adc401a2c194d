// SPDX-License-Identifier: Apache-2.0
/* The lists themselves: Go's lines of tabs, and cargo-auditable's JSON. Refuses JSON of another form. Owns nothing. */

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"
#include "packages/binary.h"
#include "packages/root_parts.h"

#define CRATES_MAX 100000

/* The next part of a line of tabs. */
static struct str part_next(struct str *rest)
{
	const char *tab = rest->len ? memchr(rest->data, '\t', rest->len) : NULL;
	struct str part = { rest->data, tab ? (size_t)(tab - rest->data) : rest->len };

	rest->data += part.len + (tab ? 1 : 0);
	rest->len -= part.len + (tab ? 1 : 0);
	return part;
}

/* "(devel)" is said of what no version control knew. */
static struct str version_of(struct str text)
{
	return text.len == 0 || text.data[0] == '(' ? (struct str) { NULL, 0 } : text;
}

/* "=>" and what the module before was replaced by: another one, or a directory, which has no version. */
static void replacement_take(struct str *rest, struct go_module *module)
{
	struct str look = *rest, line, path;

	if (!text_line(&look, &line) || !str_equal(part_next(&line), STR("=>")))
		return;
	path = part_next(&line);
	module->version = version_of(part_next(&line));
	if (path.len > 0 && path.data[0] != '.' && path.data[0] != '/')
		module->path = path;
	else
		module->version = (struct str) { NULL, 0 };
	*rest = look;
}

bool go_module_next(struct str *rest, struct go_module *ret_module)
{
	struct str line;

	while (text_line(rest, &line)) {
		struct str kind = part_next(&line);
		struct go_module module = { .is_main = str_equal(kind, STR("mod")) };

		if (!module.is_main && !str_equal(kind, STR("dep")))
			continue;
		module.path = part_next(&line);
		module.version = version_of(part_next(&line));
		if (module.path.len == 0)
			continue;
		replacement_take(rest, &module);
		*ret_module = module;
		return true;
	}
	return false;
}

static void json_done(json_t **json)
{
	json_decref(*json);
}

int rust_list(struct str json, int (*visit)(void *user, const struct rust_crate *crate), void *user)
{
	_cleanup_(json_done) json_t *root =
		json_loadb(json.data ? json.data : "", json.len, JSON_REJECT_DUPLICATES, NULL);
	json_t *list = json_object_get(root, "packages"), *member;
	size_t i;
	int r = 0;

	if (!json_is_array(list) || json_array_size(list) > CRATES_MAX)
		return -EBADMSG;
	json_array_foreach (list, i, member) {
		struct rust_crate crate = {
			.name = json_string_value(json_object_get(member, "name")),
			.version = json_string_value(json_object_get(member, "version")),
			.is_root = json_is_true(json_object_get(member, "root")),
		};
		const char *kind = json_string_value(json_object_get(member, "kind"));

		if (!crate.name || crate.name[0] == '\0' || !crate.version)
			return -EBADMSG;
		/* What only the build needed is not in the program. */
		if (kind && strcmp(kind, "build") == 0)
			continue;
		r = visit(user, &crate);
		if (r < 0)
			return r;
	}
	return 0;
}
