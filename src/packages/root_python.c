// SPDX-License-Identifier: Apache-2.0
/*
 * Python distributions where they lie: NAME.dist-info with RECORD, NAME.egg-info as a directory or a file. A RECORD may
 * claim what lies in the same prefix (the environment, /usr, /usr/local, ...) and nothing else. Without a RECORD the files
 * are settled by root_adopt.c. The description itself is no file of its distribution: whoever lists what is installed
 * reads them all, and has used none.
 */

#include "packages/root_python.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "packages/root_parts.h"

#define METADATA_MAX (4u << 20)
#define PREFIX_LEVELS 3 /* PREFIX/lib/pythonX.Y/site-packages */

/* A field of CSV: quoted with doubled quotes inside, or plain up to a comma or the end of the line. */
static int field_take(struct str *rest, struct buf *out)
{
	bool quoted = rest->len > 0 && rest->data[0] == '"';
	size_t i = quoted ? 1 : 0;
	int r = 0;

	for (; r >= 0 && i < rest->len; i++) {
		char byte = rest->data[i];

		if (quoted && byte == '"') {
			if (i + 1 == rest->len || rest->data[i + 1] != '"')
				break;
			i++;
		} else if (!quoted && (byte == ',' || byte == '\n' || byte == '\r')) {
			break;
		}
		r = buf_append(out, &byte, 1);
	}
	if (r < 0)
		return r == -E2BIG ? -EBADMSG : r;
	if (quoted && i++ >= rest->len)
		return -EBADMSG;
	rest->data += i;
	rest->len -= i;
	return 0;
}

int python_record_next(struct str *rest, struct buf *out)
{
	struct str line;
	int r = 0;

	buf_clear(out);
	while (rest->len > 0 && (rest->data[0] == '\n' || rest->data[0] == '\r')) {
		rest->data++;
		rest->len--;
	}
	if (rest->len == 0)
		return 0;
	r = field_take(rest, out);
	if (r < 0)
		return r;
	if (rest->len > 0 && !memchr(",\r\n", rest->data[0], 3))
		return -EBADMSG;
	text_line(rest, &line); /* hash and size */
	return 1;
}

void python_metadata(struct str text, struct str *ret_name, struct str *ret_version)
{
	struct str line;

	*ret_name = *ret_version = (struct str) { NULL, 0 };
	while (text_line(&text, &line) && line.len > 0) {
		if (!ret_name->data && text_value(line, STR("Name"), ':', ret_name))
			continue;
		if (!ret_version->data)
			text_value(line, STR("Version"), ':', ret_version);
	}
}

struct distribution {
	struct root *root;
	struct str path; /* of the .dist-info or .egg-info */
	char *site; /* the directory that it lies in */
	char *described; /* the file that names it */
	uint32_t index;
};

static int read_below(struct root *root, struct str directory, const char *name, struct buf *out)
{
	_cleanup_(buf_done) struct buf path = BUF_MAX(2 * PACKAGE_TEXT_MAX);
	int r = path_join(&path, directory, str_of(name));

	return r < 0 ? r : root_read(root, path.data, out);
}

static struct str up(struct str path, unsigned int levels)
{
	while (levels-- > 0 && path.len > 0) {
		const char *slash = memrchr(path.data, '/', path.len);

		path.len = slash ? (size_t)(slash - path.data) : 0;
	}
	return path;
}

/* A path of RECORD or installed-files.txt, relative to `base`. What lies outside of the prefix is not its to claim. */
static int file_take(const struct distribution *distribution, struct str base, struct str name)
{
	_cleanup_(buf_done) struct buf path = BUF_MAX(2 * PACKAGE_TEXT_MAX);
	int r = path_join(&path, base, name);

	if (r == -EINVAL)
		return 0;
	if (r < 0 || !path_is_below(buf_str(&path), up(str_of(distribution->site), PREFIX_LEVELS)) ||
	    path_is_below(buf_str(&path), distribution->path))
		return r;
	return root_file(distribution->root, distribution->index, buf_str(&path));
}

static int record_take(const struct distribution *distribution, struct str text)
{
	_cleanup_(buf_done) struct buf name = BUF_MAX(PACKAGE_TEXT_MAX);
	int r;

	while ((r = python_record_next(&text, &name)) > 0) {
		r = file_take(distribution, str_of(distribution->site), buf_str(&name));
		if (r < 0)
			return r;
	}
	return r;
}

static int lines_take(const struct distribution *distribution, struct str text)
{
	struct str line;
	int r = 0;

	while (r >= 0 && text_line(&text, &line)) {
		if (line.len > 0)
			r = file_take(distribution, distribution->path, line);
	}
	return r;
}

/* Each list of files that there may be; the names of its modules when there is none. */
static int files_take(const struct distribution *distribution, bool is_directory)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(ROOT_TEXT_MAX);
	struct root *root = distribution->root;
	int r = -ENOENT;

	if (is_directory) {
		r = read_below(root, distribution->path, "RECORD", &text);
		if (r >= 0)
			r = record_take(distribution, buf_str(&text));
	}
	if (is_directory && r == -ENOENT) {
		r = read_below(root, distribution->path, "installed-files.txt", &text);
		if (r >= 0)
			r = lines_take(distribution, buf_str(&text));
	}
	if (r == -EBADMSG)
		return root_unreadable(root, distribution->described, "the RECORD beside it is no CSV");
	if (r != -ENOENT)
		return r < 0 ? root_unreadable_error(root, distribution->described, r) : 0;
	if (is_directory) {
		r = read_below(root, distribution->path, "top_level.txt", &text);
		if (r < 0 && r != -ENOENT)
			return root_unreadable_error(root, distribution->described, r);
	}
	return root_orphan(root, distribution->index, distribution->site, distribution->described,
			   buf_str(&text));
}

static int distribution_take(struct distribution *distribution, bool is_directory)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(METADATA_MAX);
	_cleanup_(freep) char *name = NULL, *version = NULL;
	struct found found = { .source = PACKAGE_FROM_PYTHON, .type = "pypi" };
	struct root *root = distribution->root;
	struct str said_name, said_version;
	int r = root_read(root, distribution->described, &text);

	/* A directory of that name without a description is what a removed one leaves behind. */
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return root_unreadable_error(root, distribution->described, r);
	python_metadata(buf_str(&text), &said_name, &said_version);
	if (said_name.len == 0)
		return root_unreadable(root, distribution->described, "does not name its distribution");
	name = str_copy(said_name);
	version = str_copy(said_version);
	if (!name || !version)
		return -ENOMEM;
	found.name = name;
	found.version = version;
	r = root_package(root, &found, distribution->described, &distribution->index);
	return r != 0 ? r : files_take(distribution, is_directory);
}

int root_python(struct root *root, const char *path, bool is_directory)
{
	struct distribution distribution = { .root = root, .path = str_of(path) };
	_cleanup_(freep) char *site = NULL, *described = NULL;
	struct str place = up(str_of(path), 1);
	int r;

	site = str_copy(place);
	if (!is_directory)
		described = strdup(path);
	else if (asprintf(&described, "%s/%s", path,
			  text_ends(str_of(path), STR(".dist-info")) ? "METADATA" : "PKG-INFO") < 0)
		described = NULL;
	if (!site || !described)
		return -ENOMEM;
	distribution.site = site;
	distribution.described = described;
	r = distribution_take(&distribution, is_directory);
	return r < 0 ? r : 0;
}
