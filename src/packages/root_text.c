// SPDX-License-Identifier: Apache-2.0
/* Lines, keys and paths of package databases: views into text that others own. Refuses paths that lead out of the root. */

#include "packages/root_parts.h"

#include <string.h>

bool text_begins(struct str text, struct str with)
{
	return text.len >= with.len && memcmp(text.data, with.data, with.len) == 0;
}

bool text_ends(struct str text, struct str with)
{
	return text.len >= with.len && memcmp(text.data + text.len - with.len, with.data, with.len) == 0;
}

bool text_line(struct str *rest, struct str *ret_line)
{
	const char *end = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;
	size_t len = end ? (size_t)(end - rest->data) : rest->len;

	if (rest->len == 0)
		return false;
	*ret_line = (struct str) { rest->data, len };
	rest->data += len + (end ? 1 : 0);
	rest->len -= len + (end ? 1 : 0);
	if (ret_line->len > 0 && ret_line->data[ret_line->len - 1] == '\r')
		ret_line->len--;
	return true;
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

struct str text_trim(struct str text)
{
	while (text.len > 0 && is_blank(text.data[0])) {
		text.data++;
		text.len--;
	}
	while (text.len > 0 && is_blank(text.data[text.len - 1]))
		text.len--;
	return text;
}

bool text_value(struct str line, struct str key, char separator, struct str *ret_value)
{
	if (line.len <= key.len || line.data[key.len] != separator ||
	    strncasecmp(line.data, key.data, key.len) != 0)
		return false;
	*ret_value = text_trim((struct str) { line.data + key.len + 1, line.len - key.len - 1 });
	return true;
}

/* Takes the last component off. False: there is none. */
static bool path_up(struct buf *path)
{
	if (path->len == 0)
		return false;
	while (path->data[path->len - 1] != '/')
		path->len--;
	path->len--;
	return true;
}

static int path_add(struct buf *path, struct str name)
{
	while (name.len > 0) {
		const char *slash = memchr(name.data, '/', name.len);
		struct str part = { name.data, slash ? (size_t)(slash - name.data) : name.len };
		int r = 0;

		name.data += part.len + (slash ? 1 : 0);
		name.len -= part.len + (slash ? 1 : 0);
		if (part.len == 0 || str_equal(part, STR(".")))
			continue;
		if (str_equal(part, STR("..")))
			r = path_up(path) ? 0 : -EINVAL;
		else
			r = buf_printf(path, "/%.*s", (int)part.len, part.data);
		if (r < 0)
			return r;
	}
	return 0;
}

int path_join(struct buf *out, struct str directory, struct str name)
{
	int r = 0;

	buf_clear(out);
	if (name.len == 0 || name.len > PACKAGE_TEXT_MAX || directory.len > PACKAGE_TEXT_MAX ||
	    memchr(name.data, '\0', name.len))
		return -EINVAL;
	if (name.data[0] != '/')
		r = path_add(out, directory);
	if (r >= 0)
		r = path_add(out, name);
	if (r >= 0 && (out->len == 0 || out->len > PACKAGE_TEXT_MAX))
		r = -EINVAL;
	if (r == -E2BIG)
		r = -EINVAL;
	if (r >= 0 && !buf_cstr(out))
		r = -ENOMEM;
	return r;
}

bool path_is_below(struct str path, struct str directory)
{
	return text_begins(path, directory) &&
	       (directory.len == 0 || (path.len > directory.len && path.data[directory.len] == '/'));
}
